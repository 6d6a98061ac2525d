"""
Rates that change
=================

A schedule multiplies the rate, step by step. Here are those of trainlab over a training of 300
steps, and what two of them do to a training.
"""

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl

schedules = {
    "Constant()": tl.Constant(),
    "Step(100)": tl.Step(100),
    "Exponential(0.99)": tl.Exponential(0.99),
    "Cosine()": tl.Cosine(),
    "OneCycle()": tl.OneCycle(),
    'WarmUp(30, "cosine")': tl.WarmUp(30, "cosine"),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
for name, schedule in schedules.items():
    left.plot([schedule.multiplier(step, 300) for step in range(300)], label=name)
left.set_xlabel("step")
left.set_ylabel("times the rate")
left.legend(fontsize="small")

population = tl.Population.grid(
    tl.MLP(hidden=(50, 50)), tl.Momentum(0.05), schedule=["constant", "cosine"], seed=range(8)
)
history = population.fit(tl.load_digits(), batch_size=32, steps=300)
history.plot("train_loss", by="schedule", smooth=21, ax=right)
right.set_yscale("log")
figure.tight_layout()
plt.show()

# %%
# The noise of small batches keeps a constant rate from settling. A rate that falls to zero lets
# it:

last = history["train_loss"][:, -20:].mean(axis=1).reshape(2, 8)
for name, losses in zip(("constant", "cosine"), last, strict=True):
    print(f"{name}: median loss of the last 20 batches {np.median(losses):.3f}")
