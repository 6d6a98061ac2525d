import sys, os
sys.path.append(os.pardir)
import numpy as np
import matplotlib.pyplot as plt
from mpl_toolkits.mplot3d import Axes3D
from gradient_2d import numerical_gradient, function_2

x0 = np.arange(-2, 2.5, 0.25)
x1 = np.arange(-2, 2.5, 0.25)
X, Y = np.meshgrid(x0, x1)
X = X.flatten()
Y = Y.flatten()

grad = numerical_gradient(function_2, np.array([X, Y]).T).T
print(grad.shape, np.abs(grad - 2 * np.array([X, Y])).max())

plt.figure()
plt.quiver(X, Y, -grad[0], -grad[1], angles="xy", color="#666666")
plt.xlim([-2, 2]); plt.ylim([-2, 2])
plt.xlabel('x0'); plt.ylabel('x1')
plt.grid()
plt.draw()
plt.show()

ax = plt.figure().add_subplot(projection='3d')
ax.plot_wireframe(*np.meshgrid(x0, x1), np.add.outer(x1**2, x0**2))
plt.show()
