"""Steps by the signs of gradients alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainlab.network.workspace import Allocator, Array
from trainlab.optimizers.base import Coefficients, Optimizer, Slot, State, average, rate, share
from trainlab.schedules import Coefficient

__all__ = ["Lion"]


@dataclass(frozen=True)
class Lion(Optimizer):
    """Step by the sign of a running mean of the gradient.

    Parameters
    ----------
    lr : float, default 0.0001
        The rate, > 0.
    beta1, beta2 : float, default 0.9 and 0.99
        How much of the past the step and the mean keep, in [0, 1).
    {shared}

    Notes
    -----
    Δ = -lr·sign(β1·m + (1 - β1)·g),  then m ← β2·m + (1 - β2)·g;  sign(0) = 0.
    Every element moves by lr, so lr should be 3 to 10 times smaller than Adam's.

    Source: Chen et al. 2023, algorithm 2.  optax has the same, with decoupled decay 1e-3.

    Examples
    --------
    >>> p, optimizer = np.array([1.0, 1.0]), Lion(0.25)
    >>> optimizer.update(p, np.array([4.0, -0.1]), optimizer.init(p), step=0)
    >>> p.tolist()
    [0.75, 1.25]
    """

    slots = (Slot("m"),)

    lr: float = rate(0.0001)
    beta1: float = share(0.9)
    beta2: float = share(0.99)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        b1, b2 = self.beta1, self.beta2
        return {"rate": -lr, "keep1": b1, "take1": 1.0 - b1, "keep2": b2, "take2": 1.0 - b2}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        m, mix, part = s["m"], new("mix", g.shape, g.dtype), new("part", g.shape, g.dtype)
        np.multiply(m, c["keep1"], out=mix)
        np.multiply(g, c["take1"], out=part)
        np.add(mix, part, out=mix)
        average(m, g, c["keep2"], c["take2"], g)
        np.sign(mix, out=g)
        np.multiply(g, c["rate"], out=g)
