"""What a task says of targets and outputs: which targets there can be, and what outputs predict.

Axes: y (..., B, out) is the network's output before any softmax or sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from trainlab.errors import DataError, SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.powers import exponential

BLOCK: Final = 32768  # outputs whose probabilities are computed at a time
_INDICES: Final = "np.searchsorted(data.classes, t) of labels"


class _Regression:
    """Targets are numbers, (..., B, out)."""

    def check_targets(self, owner: str, t: Array, out_features: int) -> None:
        if t.ndim < 2 or t.shape[-1] != out_features:
            must = f"have the shape (samples, {out_features})"
            raise DataError(sentence("targets", owner, must, t))
        _refuse(owner, t[~np.isfinite(t)], "be finite")

    def predict(self, y: Array) -> Array:
        return y

    def probabilities(self, owner: str, y: Array) -> Array:
        must = "be a classification loss for probabilities"
        raise SettingError(sentence("loss", "a network", must, owner, "predict"))

    def correct(self, y: Array, t: Array) -> Array | None:
        return None


class _Multilabel(_Regression):
    """Targets are indicators in [0, 1], (..., B, out)."""

    def check_targets(self, owner: str, t: Array, out_features: int) -> None:
        super().check_targets(owner, t, out_features)
        _refuse(owner, t[(t < 0) | (t > 1)], "be in [0, 1]")

    def predict(self, y: Array) -> Array:
        labels: Array = (y > 0).astype(np.int64)
        return labels

    def probabilities(self, owner: str, y: Array) -> Array:
        return _by_blocks(_sigmoid, y)

    def correct(self, y: Array, t: Array) -> Array | None:
        right: Array = ((y > 0) == (t > 0.5)).all(axis=-1)
        return right


class _Classification(_Regression):
    """Targets are class indices, (..., B)."""

    def check_targets(self, owner: str, t: Array, out_features: int) -> None:
        if not np.issubdtype(t.dtype, np.integer):
            must, words = "be class indices, an array of integers", t.dtype.kind in "USOT"
            remedy = _INDICES if words else flat_remedy(t) or "t.astype(int)"
            raise DataError(sentence("targets", owner, must, t, remedy))
        must = f"be class indices in [0, {out_features - 1}]"
        _refuse(owner, t[(t < 0) | (t >= out_features)], must, _INDICES)

    def predict(self, y: Array) -> Array:
        classes: Array = y.argmax(axis=-1)
        return classes

    def probabilities(self, owner: str, y: Array) -> Array:
        return _by_blocks(_softmax, y)

    def correct(self, y: Array, t: Array) -> Array | None:
        classes = y.argmax(axis=-1)
        largest = np.take_along_axis(y, classes[..., np.newaxis], axis=-1)[..., 0]
        right: Array = (classes == t) & ~np.isnan(largest)  # of NaN the place says nothing
        return right


def looks_one_hot(t: Array) -> bool:
    """Whether each row (out,) of targets is one 1 among zeros."""
    may_be = t.dtype.kind in "biuf" and t.ndim > 1 and t.shape[-1] > 1
    return bool(may_be and np.isin(t, (0, 1)).all() and (t.sum(axis=-1) == 1).all())


def flat_remedy(t: Array) -> str | None:
    """How targets that have one axis too many become class indices, if they can."""
    if looks_one_hot(t):
        return "t.argmax(axis=-1)"
    return "t.ravel()" if t.ndim == 2 and t.shape[1] == 1 else None


def _refuse(owner: str, bad: Array, must: str, remedy: str | None = None) -> None:
    """Raises DataError with the first of the bad values, if there is one."""
    if bad.size:
        raise DataError(sentence("targets", owner, must, bad[0].item(), remedy))


def _by_blocks(formula: Callable[[Array], Array], y: Array) -> Array:
    """formula of rows (n, out), in float64 and some at a time; (..., out) in the dtype of y."""
    found, rows = np.empty_like(y, order="C"), y.reshape(-1, y.shape[-1])
    step, out = max(1, BLOCK // y.shape[-1]), found.reshape(rows.shape)
    with np.errstate(all="ignore"):  # of outputs that overflowed the probabilities are NaN
        for first in range(0, len(rows), step):
            block = slice(first, first + step)
            out[block] = formula(rows[block].astype(np.float64))
    return found


def _sigmoid(y: Array) -> Array:
    small = exponential(-np.abs(y))
    values: Array = np.where(y < 0, small, 1.0) / (1.0 + small)
    return values


def _softmax(y: Array) -> Array:
    powers = exponential(y - y.max(axis=-1, keepdims=True))
    values: Array = powers / powers.sum(axis=-1, keepdims=True)
    return values


TASKS: Final = {
    "regression": _Regression(),
    "multilabel": _Multilabel(),
    "classification": _Classification(),
}
"""What a loss says of targets and outputs, by its `task`."""
