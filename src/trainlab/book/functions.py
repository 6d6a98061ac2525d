"""What readers of the book import from `common.functions`, in the order of its chapters.

Everything is float64 and for arrays (features,) or (B, features): one sample, or a batch.
Where the book differs from the layers and losses of this library, the function says so.

Source: Saitoh, Deep Learning from Scratch, chapters 3 and 4.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainlab.errors import DataError, sentence
from trainlab.network.workspace import Array

__all__ = [
    "cross_entropy_error",
    "identity_function",
    "mean_squared_error",
    "np",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
]

LOG_OFFSET: Final = 1e-7
"""Added inside the logarithm of the cross-entropy, so that log(0) does not occur."""


def identity_function(x: Any) -> Any:
    """y = x."""
    return x


def step_function(x: Any) -> Array:
    """1 where x > 0, else 0, as integers."""
    return np.array(np.asarray(x) > 0, dtype=int)


def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^−x)."""
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is the right limit, 0
        return 1.0 / (1.0 + np.exp(-np.asarray(x, dtype=float)))


def sigmoid_grad(x: Any) -> Any:
    """dy/dx = (1 − y) y."""
    y = sigmoid(x)
    return (1.0 - y) * y


def relu(x: Any) -> Any:
    """y = max(x, 0)."""
    return np.maximum(0, x)


def relu_grad(x: Any) -> Array:
    """1 where x >= 0, else 0.  At 0 the book's function says 1; its layer, and ours, say 0."""
    return np.array(np.asarray(x) >= 0, dtype=float)


def softmax(x: Any) -> Array:
    """e^x / Σ e^x over the last axis, shifted by the maximum.

    >>> softmax([0.3, 2.9, 4.0]).round(4).tolist()
    [0.0182, 0.2452, 0.7366]
    """
    x = _filled(x, "x", "softmax")
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def mean_squared_error(y: Any, t: Any) -> float:
    """½ Σ (y − t)²: a sum, over the samples too, whatever its name says.

    Differs: the loss of this library sums over the outputs and averages over the batch.

    >>> mean_squared_error([1, 2, 3], [3, 4, 7])
    12.0
    """
    return float(0.5 * np.sum((np.asarray(y, dtype=float) - np.asarray(t)) ** 2))


sum_squared_error = mean_squared_error


def cross_entropy_error(y: Any, t: Any) -> float:
    """−Σ t log(y + 1e-7), averaged over the batch; y (…, C) are probabilities.

    t is one value for each of y (one-hot, or any weights), or one class index for each
    sample; the number of its entries tells which.  Differs: the losses of this library take
    the outputs before the softmax, and add nothing inside the logarithm.

    Raises: DataError where t fits neither form, or y is empty or no array of numbers.

    >>> cross_entropy_error([0, 2, 3, 8, 9], [3, 4, 7, 8, 9])
    1.4808580471604245
    >>> cross_entropy_error([[0.1, 0.9], [0.8, 0.2]], [1, 0]) == cross_entropy_error(
    ...     [[0.1, 0.9], [0.8, 0.2]], [[0, 1], [1, 0]])
    True
    """
    y, t = np.atleast_2d(_filled(y, "y", "cross_entropy_error")), np.asarray(t)
    if t.size == y.size:
        samples = np.sum(t.reshape(y.shape) * np.log(y + LOG_OFFSET), axis=-1)
    elif t.size == len(y) and t.dtype.kind in "iu":
        _check_classes(t, y.shape[-1])
        samples = np.log(y[np.arange(len(y)), t.ravel()] + LOG_OFFSET)
    else:
        must = f"be {len(y)} class indices, which are integers, or an array of shape {y.shape}"
        raise DataError(sentence("t", "cross_entropy_error", must, t))
    return float(-np.sum(samples) / len(y))


def _filled(values: Any, name: str, owner: str) -> Array:
    """The values as a float64 array that is not empty; DataError where they cannot be one."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size == 0 or array.ndim == 0:
        raise DataError(sentence(name, owner, "be a filled array of numbers", values))
    return array


def _check_classes(t: Array, classes: int) -> None:
    if t.max() >= classes or t.min() < 0:
        must = f"be class indices in [0, {classes - 1}]"
        got = t.max() if t.max() >= classes else t.min()
        raise DataError(sentence("t", "cross_entropy_error", must, int(got)))


def softmax_loss(x: Any, t: Any) -> float:
    """The cross-entropy error of softmax(x)."""
    return cross_entropy_error(softmax(x), t)
