"""
An optimizer of one's own
=========================

An optimizer is a small class: the arrays of its state, the numbers of a step, and the rule. This
one takes steps of one size against the sign of its averaged gradient. It trains in a
population beside ours.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

import trainlab as tl
from trainlab.settings import number


@dataclass(frozen=True)
class SignMomentum(tl.Optimizer):
    """m ← β m + (1 − β) g,  Δ = −lr · sign(m)."""

    slots = (tl.Slot("m"),)
    momentum: float = number(0.9, low=0.0, high=1.0, closed="[)")

    def coefficients(self, step, lr, state):
        """What the rule multiplies with."""
        return {"keep": self.momentum, "take": 1 - self.momentum, "lr": lr}

    def rule(self, g, s, c, new):
        """Turns the gradient into the step."""
        s["m"][...] = c["keep"] * s["m"] + c["take"] * g
        np.multiply(np.sign(s["m"]), -c["lr"], out=g)


population = tl.Population.grid(
    tl.MLP(hidden=(50, 50)),
    [tl.SGD(0.1), tl.Adam(0.001), SignMomentum(0.001)],
    seed=range(6),
)
history = population.fit(tl.load_digits(), batch_size=64, steps=250)

figure, ax = plt.subplots(figsize=(7, 4.2))
history.plot("train_loss", by="optimizer", smooth=11, ax=ax)
ax.set_yscale("log")
plt.show()
