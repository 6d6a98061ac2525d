"""
Too small, too large, and right
===============================

The scale of the initial weights decides whether a deep network learns at all. He's scale, √(2/n)
for a layer of n inputs, keeps the size of what goes through ReLU; the other two are far from it.
"""

import matplotlib.pyplot as plt

import trainlab as tl

population = tl.Population.grid(
    network=tl.MLP(hidden=(50,) * 5, activation="relu"),
    optimizer=tl.SGD(0.05),
    init=["he", 0.01, 0.5],
    seed=range(8),
)
history = population.fit(tl.load_digits(), batch_size=64, steps=250)

figure, ax = plt.subplots(figsize=(7, 4.2))
history.plot("train_loss", by="init", smooth=11, ax=ax)
ax.set_ylim(0, 4)
plt.show()

# %%
# A network that knows nothing has the loss log(10) = 2.30. From 0.01 it stays there: the signal
# has vanished on its way to the last layer. From 0.5 the first steps are so large that every run
# diverges:

for label, rows in history.arms("init").items():
    ended = [str(history.status[row]) for row in rows]
    print(label, {status: ended.count(status) for status in sorted(set(ended))})
