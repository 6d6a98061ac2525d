# coding: utf-8
# 最適化手法の経路
import sys, os
sys.path.append(os.pardir)
from collections import OrderedDict
import matplotlib.pyplot as plt
from common.optimizer import *

f = lambda x, y: x**2 / 20.0 + y**2
df = lambda x, y: (x / 10.0, 2.0*y)

X, Y = np.meshgrid(np.arange(-10, 10, 0.05), np.arange(-5, 5, 0.05))
Z = f(X, Y)
Z[Z > 7] = 0            # only the inner contours

methods = OrderedDict([("SGD", SGD(lr=0.95)), ("Momentum", Momentum(lr=0.1)),
                       ("AdaGrad", AdaGrad(lr=1.5)), ("Adam", Adam(lr=0.3))])
p, g = {}, {'x': 0, 'y': 0}      # plain numbers, not arrays

for n, (title, method) in enumerate(methods.items()):
    p['x'], p['y'] = -7.0, 2.0
    path = []
    for _ in range(30):
        path.append((p['x'], p['y']))
        g['x'], g['y'] = df(*path[-1])
        method.update(p, g)
    print(title, "%.6f %.6f" % (p['x'], p['y']), len(set(path)))
    ax = plt.subplot(2, 2, n + 1)
    ax.contour(X, Y, Z)
    ax.plot(*zip(*path), 'ro-')
    ax.plot(0, 0, '+')
    ax.set(title=title, xlim=(-10, 10), ylim=(-10, 10))
plt.show()
