import sys, os; sys.path.append(os.pardir)
import numpy as np
from common.functions import mean_squared_error, sum_squared_error, cross_entropy_error

t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
y = [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0]
print(mean_squared_error(np.array(y), np.array(t)))
print(sum_squared_error(np.array(y), np.array(t)))
print(cross_entropy_error(np.array(y), np.array(t)))

# the same as a batch of two, with labels instead of one-hot
Y = np.array([y, y])
print(cross_entropy_error(Y, np.array([2, 2])), cross_entropy_error(Y, np.array([t, t])))
print(cross_entropy_error(Y, np.array([0, 7])))
