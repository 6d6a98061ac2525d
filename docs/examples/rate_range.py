"""
Which rate to try first
=======================

In a learning-rate range test the rate grows from step to step. Where the loss falls fastest is a
good first guess; where it turns upwards the rate is too great.
"""

import matplotlib.pyplot as plt

import trainlab as tl

data = tl.load_digits()
network = tl.MLP(hidden=(50, 50))

figure, axes = plt.subplots(2, 1, figsize=(7, 7.5), sharex=True)
for ax, optimizer in zip(axes, [tl.SGD(), tl.Adam()], strict=True):
    found = tl.rate_range_test(data, network, optimizer)
    found.plot(ax=ax)
    ax.set_title(f"{type(optimizer).__name__}: first try {found.steepest:.2g}", loc="left")
figure.tight_layout()
plt.show()
