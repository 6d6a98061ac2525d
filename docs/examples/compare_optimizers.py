"""
Four optimizers, ten seeds
==========================

One call trains forty networks. Each line is the median of ten of them, and each band reaches from
the 2.5 % to the 97.5 % quantile of the ten. Where two bands overlap, one run of each says little
about which optimizer is better.
"""

import matplotlib.pyplot as plt

import trainlab as tl

population = tl.Population.grid(
    network=tl.MLP(hidden=(50,) * 4),
    optimizer=[tl.SGD(0.01), tl.Momentum(0.01), tl.AdaGrad(0.01), tl.Adam(0.001)],
    seed=range(10),
)
history = population.fit(tl.load_digits(), batch_size=128, steps=200)

figure, ax = plt.subplots(figsize=(7, 4.2))
history.plot("train_loss", by="optimizer", smooth=11, ax=ax)
plt.show()

# %%
# Members of one seed start from the same weights and see the same batches. So two arms are
# compared seed by seed, with a test that is corrected for the six pairs:

for comparison in history.compare("optimizer"):
    print(comparison)
