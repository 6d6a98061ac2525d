"""
Batch normalization forgives
============================

Initial weights that are twenty times too small, and five times too large, without batch
normalization and with it. Where all runs of an arm diverged, its curve ends at a cross.
"""

import matplotlib.pyplot as plt

import trainlab as tl

data = tl.load_digits()
figure, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), sharey=True)
for ax, std in zip(axes, (0.01, 1.0), strict=True):
    population = tl.Population.grid(
        network=tl.MLP(hidden=(50,) * 4, init=std),
        optimizer=tl.SGD(0.05),
        norm=[None, "batch"],
        seed=range(5),
    )
    history = population.fit(data, batch_size=100, epochs=8)
    history.plot("test_accuracy", by="norm", ax=ax)
    ax.set_title(f"standard deviation {std}")
figure.tight_layout()
plt.show()
