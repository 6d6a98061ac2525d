"""Greedy selection: which of many predictors to average, and with what weights.

Source: Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble selection from libraries of models",
ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainlab.network.workspace import Array


@dataclass(frozen=True, eq=False)
class Selection:
    """weights (n,) with a sum of 1; losses (n,) of each alone; loss of the weighted mean."""

    weights: Array
    losses: Array
    loss: float

    @property
    def best(self) -> int:
        """The number of the best predictor alone, the first of equal ones."""
        return int(np.argmin(self.losses))


def greedy(predictions: Array, loss: Callable[[Array], Array], rounds: int) -> Selection:
    """Adds, in each round, the predictor that makes the mean of those chosen best.

    predictions  (n, …) of n predictors on validation rows, finite
    loss         (m, …) → (m,), the less the better

    A predictor may be chosen again, which gives it more weight.  The first round chooses
    the best alone; what is returned is the choice after the round with the least loss,
    the first of equal ones, so it is never worse on these rows than the best alone.

    >>> errors = np.array([[1.0, -2.0], [-1.0, 1.0], [3.0, 3.0]])
    >>> found = greedy(errors, lambda e: (e**2).mean(axis=1), rounds=3)
    >>> found.weights.tolist(), bool(found.loss < found.losses.min())
    ([0.333..., 0.666..., 0.0], True)
    """
    losses = loss(predictions)
    total = np.zeros_like(predictions[0])
    chosen = np.zeros((rounds, len(predictions)))
    means = np.empty(rounds)
    for done in range(rounds):
        candidates = losses if done == 0 else loss((total + predictions) / (done + 1))
        one = int(np.argmin(candidates))
        total += predictions[one]
        chosen[done:, one] += 1
        means[done] = candidates[one]
    best = int(np.argmin(means))
    return Selection(chosen[best] / (best + 1), losses, float(means[best]))
