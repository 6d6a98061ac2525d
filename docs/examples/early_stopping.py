"""
When to stop
============

Early stopping watches the loss on validation rows and goes back to the best weights. Without it
the loss on rows never seen rises again while the training loss goes on falling.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

data = tl.load_digits().first(train=200).split(validation=100)
network, optimizer = tl.MLP(hidden=(100, 100)), tl.Adam(0.003)

free = tl.Population.grid(network, optimizer, seed=range(8))
history = free.fit(data, batch_size=20, epochs=60)
stopped = tl.Population.grid(network, optimizer, seed=range(8))
rule = tl.EarlyStopping("validation_loss", patience=5)
ended = stopped.fit(data, batch_size=20, epochs=60, early_stopping=rule)

figure, ax = plt.subplots(figsize=(7, 4.2))
epochs = np.arange(history["validation_loss"].shape[1])
for name, label in (("train_evaluation_loss", "training"), ("validation_loss", "validation")):
    ax.plot(epochs, np.median(history[name], axis=0), label=label)
best = np.nanargmin(ended["validation_loss"], axis=1)
ax.plot(best, [0.02] * 8, "k|", markersize=14, label="where each of 8 seeds stopped")
ax.set_yscale("log")
ax.set_xlabel("epoch")
ax.set_ylabel("loss, median of 8 seeds")
ax.legend()
plt.show()

# %%
# What that is worth on rows that had no part in it: the loss, which punishes confidence in what
# is wrong, gains; the accuracy hardly does.

for name, population in (("without", free), ("with", stopped)):
    right = population.predict_proba(data.test.x)[:, np.arange(len(data.test)), data.test.t]
    loss = -np.log(np.maximum(right, 1e-12)).mean(axis=1)
    accuracy = population.accuracy(data.test.x, data.test.t)
    print(f"{name:8} loss {np.median(loss):.3f}, accuracy {np.median(accuracy):.3f}")
