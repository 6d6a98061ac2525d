# coding: utf-8
import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pylab as plt
from gradient_2d import numerical_gradient

def gradient_descent(f, init_x, lr=0.01, step_num=100):
    x = init_x
    history = []
    for _ in range(step_num):
        history.append(x.copy())
        x -= lr * numerical_gradient(f, x)
    return x, np.array(history)

def f(x):
    return x[0]**2 + x[1]**2

x, history = gradient_descent(f, np.array([-3.0, 4.0]), lr=0.1, step_num=20)
print("end:", x)
print(history.shape, history[1])
for lr in (10.0, 1e-10):
    print("lr", lr, gradient_descent(f, np.array([-3.0, 4.0]), lr=lr)[0])

plt.plot([-5, 5], [0, 0], '--b')
plt.plot([0, 0], [-5, 5], '--b')
plt.plot(history[:, 0], history[:, 1], 'o')
plt.xlim(-3.5, 3.5); plt.ylim(-4.5, 4.5)
plt.xlabel("X0"); plt.ylabel("X1")
plt.show()
