"""
What networks decide
====================

Points of two classes lie on two spirals. Ten networks of each width are trained; the colour is
their mean probability of the second class. It is pale where the seeds disagree.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

data = tl.load_planar("spiral", rows=300, noise=0.05)
widths = [(4,), (16,), (16, 16)]
population = tl.Population.grid(
    tl.MLP(activation="tanh"), tl.Adam(0.02), hidden=widths, seed=range(10)
)
population.fit(data, batch_size=50, epochs=200)

low, high = data.train.x.min() - 0.2, data.train.x.max() + 0.2
x, y = np.meshgrid(np.linspace(low, high, 120), np.linspace(low, high, 120))
points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
shown = population.predict_proba(points)[:, :, 1].reshape(len(widths), 10, *x.shape).mean(axis=1)

figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), sharex=True, sharey=True)
for ax, hidden, surface in zip(axes, widths, shown, strict=True):
    ax.pcolormesh(x, y, surface, cmap="RdBu_r", vmin=0, vmax=1, shading="auto", rasterized=True)
    ax.scatter(
        *data.train.x.T, c=data.train.t, cmap="RdBu_r", s=14, edgecolors="white", linewidths=0.4
    )
    ax.set_title(f"hidden = {hidden}")
    ax.set_aspect("equal")
figure.tight_layout()
plt.show()
