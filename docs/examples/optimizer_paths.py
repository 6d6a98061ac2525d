"""
Paths on a long valley
======================

An optimizer is a formula, and any function may be its loss. Here it is f(x, y) = x²/20 + y²,
whose valley is much flatter along x than along y. Each optimizer makes thirty steps from the same
point.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

optimizers = {
    "SGD": tl.SGD(0.95),
    "Momentum": tl.Momentum(0.1),
    "AdaGrad": tl.AdaGrad(1.5),
    "Adam": tl.Adam(0.3),
}

x, y = np.meshgrid(np.linspace(-8, 3, 200), np.linspace(-3, 3, 200))
figure, grid = plt.subplots(2, 2, figsize=(7.5, 5.5), sharex=True, sharey=True)
for ax, (name, optimizer) in zip(grid.flat, optimizers.items(), strict=True):
    point = np.array([-7.0, 2.0])
    state, path = optimizer.init(point), [point.copy()]
    for step in range(30):
        gradient = np.array([point[0] / 10, 2 * point[1]])
        optimizer.update(point, gradient, state, step)
        path.append(point.copy())
    ax.contour(x, y, x**2 / 20 + y**2, levels=[0.1, 0.5, 1, 2, 4, 8], colors="0.75", linewidths=0.8)
    ax.plot(*np.transpose(path), "o-", markersize=3, label="30 steps")
    ax.plot(0, 0, "k+", markersize=10, label="minimum")
    ax.set_title(f"{name}, rate {optimizer.lr}")
grid[0, 0].legend(loc="lower right", fontsize="small")
grid[0, 0].set_ylabel("y")
grid[1, 0].set_ylabel("y")
grid[1, 0].set_xlabel("x")
grid[1, 1].set_xlabel("x")
figure.tight_layout()
plt.show()

# %%
# SGD's rate is as great as the steep direction allows: it leaps from side to side, and creeps
# along the valley. Momentum adds up what the steps have in common. AdaGrad and Adam give each
# coordinate a rate of its own.
