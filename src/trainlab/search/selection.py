"""Greedy selection: which of many predictors to average, and with what weights.

Order: what decides how good answers are, their loss, selection, selection on resamples.
Axis letters: n predictors, m means of some of them, C classes, out targets of a row.

Source: Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble selection from libraries of models",
ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainlab.network.workspace import Array
from trainlab.powers import logarithm


def truths_of(answers: Array, t: Array, task: str) -> Array:
    """What decides how good answers are: for each predictor and row, float64 and finite.

    answers  (n, rows, C), or (n, rows, out) of indicators and numbers
    t        targets (rows,), or (rows, out), as the targets of the task encode them
    task     "classification": probabilities of the class there was (n, rows);
             "multilabel": of what held of each label (n, rows, out);
             "regression": the errors (n, rows, out)

    The truths of a mean of answers are the mean of their truths.  An answer that is not
    finite counts as undecided: 1/C, 1/2, or the mean of standardised targets, 0.
    """
    if task == "regression":
        return np.where(np.isfinite(answers), answers, 0).astype(np.float64) - t
    p = answers.astype(np.float64)
    if task == "multilabel":
        undecided, found = 0.5, np.where(t > 0, p, 1 - p)
    else:
        undecided = 1 / p.shape[-1]
        found = np.take_along_axis(p, t[np.newaxis, :, np.newaxis], axis=-1)[..., 0]
    found[~np.isfinite(found)] = undecided
    return found


def mean_loss(
    truths: Array, weight: Array, task: str, quantile: float | None = None, size: float = 1.0
) -> Array:
    """The loss (m,) of truths (m, rows, …), whose rows count by their weights (rows,).

    regression: the mean squared error, over rows and outputs; else the cross-entropy
    −mean ln p, of indicators the mean over the labels.
    quantile, size  of a regression: in place of the squared error the pinball loss of a quantile,
                    times a size
    """
    if task == "regression" and quantile is not None:
        losses = size * np.maximum(-quantile * truths, (1 - quantile) * truths)
    elif task == "regression":
        losses = truths**2
    else:
        losses = -logarithm(np.maximum(truths, np.finfo(np.float64).tiny))
    by_row = losses.reshape(*losses.shape[:2], -1).mean(axis=-1)
    return np.average(by_row, axis=1, weights=weight)


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


def select(
    truths: Array,
    weight: Array,
    task: str,
    rounds: int,
    quantile: float | None = None,
    size: float = 1.0,
) -> Selection:
    """`greedy` by the `mean_loss` of a task: truths (n, rows, …), weight (rows,)."""
    return greedy(truths, lambda some: mean_loss(some, weight, task, quantile, size), rounds)


def bagged(
    truths: Array,
    weight: Array,
    task: str,
    rounds: int,
    bags: int,
    draws: np.random.RandomState,
    quantile: float | None = None,
    size: float = 1.0,
) -> Array:
    """The mean weights (n,) of selections on resamples of the rows, each drawn with repetition.

    What is selected of few rows depends on each of them; of what is selected by chance here, the
    mean tells what is selected for a reason.
    """
    found = np.zeros(len(truths))
    for _ in range(bags):
        times = np.bincount(draws.randint(len(weight), size=len(weight)), minlength=len(weight))
        found += select(truths, weight * times, task, rounds, quantile, size).weights
    return found / bags
