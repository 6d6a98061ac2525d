# coding: utf-8
import sys, os
sys.path.append(os.pardir)
from common.functions import *
import matplotlib.pylab as plt

# np comes along with the star import
x = np.arange(-5.0, 5.0, 0.1)
for name, f in (("step", step_function), ("sigmoid", sigmoid), ("relu", relu)):
    y = f(x)
    print(name, y.min(), y.max())
    plt.plot(x, y, label=name)
plt.ylim(-0.1, 5.1)
plt.legend()
plt.show()

print(sigmoid(np.array([-1.0, 1.0, 2.0])))
print(softmax(np.array([1010, 1000, 990])))     # big numbers
print(np.sum(softmax(np.array([0.3, 2.9, 4.0]))))
