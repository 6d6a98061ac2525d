"""How wrong predictions are."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.tables.data import TablesError, Target, Task

LEAST_CHANCE: Final = 1e-15
"""Probabilities count as this at least: one sure answer that is wrong costs 34.5 at most."""
BINS: Final = 15

ERRORS: Final[dict[Task, str]] = {"classification": "log_loss", "regression": "rmse"}
"""What contestants are ranked by."""


def log_loss(chances: ArrayLike, y: ArrayLike) -> float:
    """Mean of −log p of the classes y (N,), by chances (N, K) as they are given.

    >>> round(log_loss([[0.5, 0.5], [0.0, 1.0]], [0, 1]), 4)
    0.3466
    """
    p = np.asarray(chances, np.float64)[np.arange(len(np.asarray(y))), np.asarray(y)]
    return float(-np.log(np.clip(p, LEAST_CHANCE, 1.0)).mean())


def accuracy(chances: ArrayLike, y: ArrayLike) -> float:
    """The share of rows whose likeliest class is the true one."""
    return float((np.asarray(chances).argmax(axis=1) == np.asarray(y)).mean())


def calibration_error(chances: ArrayLike, y: ArrayLike) -> float:
    """Mean over rows of |accuracy − mean confidence| of the bin of their confidence.

    Confidence is the probability of the likeliest class; bins are 15 of one width on [0, 1],
    closed above.  Guo et al. (2017), "On calibration of modern neural networks".

    >>> round(calibration_error([[0.8, 0.2], [0.8, 0.2]], [0, 1]), 4)
    0.3
    """
    p = np.asarray(chances, np.float64)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == np.asarray(y)
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, right - confidence, BINS)  # of each bin, times its rows
    return float(np.abs(gaps).sum() / len(p))


def rmse(predicted: ArrayLike, y: ArrayLike) -> float:
    """The root of the mean squared error.

    >>> rmse([1.0, 2.0], [1.0, 4.0]) ** 2
    2.0000000000000004
    """
    difference = np.asarray(predicted, np.float64) - np.asarray(y, np.float64)
    return float(np.sqrt(np.mean(difference**2)))


def measured(task: Task, predicted: NDArray[Any], y: Target) -> dict[str, float]:
    """Every measure of the task; TablesError for predictions that are no finite numbers."""
    predicted = np.asarray(predicted, np.float64)
    if len(predicted) != len(y) or not np.isfinite(predicted).all():
        raise TablesError(f"predictions must be finite, one for each of {len(y)} rows")
    if task == "regression":
        return {"rmse": rmse(predicted, y)}
    return {
        "log_loss": log_loss(predicted, y),
        "accuracy": accuracy(predicted, y),
        "calibration_error": calibration_error(predicted, y),
    }
