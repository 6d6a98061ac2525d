"""
The gap between known and unknown images
========================================

A hundred images are few: a network learns them by heart. What counts is the loss on images that
it has never seen, and there some weight decay helps, and more of it does not.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

few = tl.load_digits().first(train=100)
decays = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]
population = tl.Population.grid(
    network=tl.MLP(hidden=(100, 100)),
    optimizer=tl.Momentum(0.02),
    weight_decay=decays,
    seed=range(8),
)
history = population.fit(few, batch_size=50, steps=600)

figure, ax = plt.subplots(figsize=(7, 4.2))
for name, label in (("train_evaluation_loss", "100 images seen"), ("test_loss", "360 not seen")):
    last = history[name][:, -1].reshape(len(decays), 8)
    middle = np.median(last, axis=1)
    ax.plot(range(len(decays)), middle, "o-", label=label)
    ax.fill_between(range(len(decays)), last.min(axis=1), last.max(axis=1), alpha=0.2)
ax.set_xticks(range(len(decays)), [str(decay) for decay in decays])
ax.set_xlabel("weight decay λ")
ax.set_ylabel("loss after 600 steps")
ax.set_title("Median and range of 8 seeds")
ax.legend()
plt.show()
