# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pylab as plt
from common.gradient import numerical_diff

def function_1(x):
    return 0.01*x**2 + 0.1*x

def tangent(f, x):
    d = numerical_diff(f, x)
    print(d)
    return lambda t: d*t + f(x) - d*x

x = np.arange(0.0, 20.0, 0.1)
plt.xlabel("x"); plt.ylabel("f(x)")
plt.plot(x, function_1(x))
plt.plot(x, tangent(function_1, 5)(x))
print(numerical_diff(function_1, 10))
plt.show()
