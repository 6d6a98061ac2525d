# why is my gradient [25000, 35000]?
import sys, os
sys.path.append(os.pardir)
import numpy as np
from common.gradient import numerical_gradient, numerical_gradient_2d
import gradient_2d

f = lambda x: np.sum(x**2)
print(numerical_gradient(f, np.array([3, 4])))
print(numerical_gradient(f, np.array([3.0, 4.0])))
p = np.array([[0, 2], [3, 0], [1, 1]])
print(numerical_gradient_2d(lambda x: np.sum(x**2), p).tolist())
print(gradient_2d.numerical_gradient(gradient_2d.function_2, np.array([3, 4])))
print(p.tolist(), p.dtype.kind)   # still what it was
