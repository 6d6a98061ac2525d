"""
How much the rate matters
=========================

Two optimizers, nine rates, six seeds: 108 networks. Each optimizer has a range of rates in which
it is as good as it can be. How wide that range is says how carefully the rate must be chosen.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

rates = [float(f"{rate:.1g}") for rate in np.geomspace(1e-4, 1, 9)]
figure, ax = plt.subplots(figsize=(7, 4.2))
for optimizer in (tl.SGD(), tl.Adam()):
    population = tl.Population.grid(tl.MLP(hidden=(50, 50)), optimizer, lr=rates, seed=range(6))
    history = population.fit(tl.load_digits(), batch_size=64, steps=300)
    accuracy = history["test_accuracy"][:, -1].reshape(len(rates), 6)
    ax.plot(rates, np.median(accuracy, axis=1), "o-", label=type(optimizer).__name__)
    ax.fill_between(rates, accuracy.min(axis=1), accuracy.max(axis=1), alpha=0.2)
ax.set_xscale("log")
ax.set_xlabel("rate")
ax.set_ylabel("test accuracy after 300 steps")
ax.set_title("Median and range of 6 seeds")
ax.legend()
plt.show()
