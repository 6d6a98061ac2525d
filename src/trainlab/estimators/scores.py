"""Weights of rows as they are given to an estimator, and scores by such weights.

Axis letters: N rows, C classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from trainlab.arrays import as_floats
from trainlab.data.labels import as_integers, places
from trainlab.data.weights import in_range
from trainlab.errors import DataError, sentence
from trainlab.estimators.compatibility import check_sizes, named_faults
from trainlab.estimators.targets import GREATEST, Indicators, Labels, unit_of
from trainlab.network.workspace import Array


def check_sample_weight(sample_weight: Any, X: Any, owner: str) -> Array:
    """The weights (N,) of the rows of X, float64; a number or None: the same for each of them.

    ValueError unless they are finite and >= 0.
    """
    check_sizes(owner, sample_weight=sample_weight)
    with named_faults("sample_weight", owner):
        weight: Array = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any():
        raise DataError(sentence("sample_weight", owner, "be >= 0", float(weight.min())))
    return weight


def accuracy(
    targets: Labels | Indicators, predicted: Array, y: Any, sample_weight: Any, owner: str
) -> float:
    """The share of rows that are predicted right, by their weights; of indicators all of a row."""
    check_sizes(owner, y=y)
    y = as_integers(y, "y", owner)
    with named_faults("y", owner):
        truth = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
    check_classification_targets(truth)
    if isinstance(targets, Labels):
        truth = column_or_1d(truth)
        if _are_words(truth) != _are_words(targets.classes):
            must = f"hold labels as {targets.classes.dtype}, as in training"
            raise DataError(sentence("y", owner, must, truth))
        check_consistent_length(truth, predicted)
        right = places(truth, targets.classes) == places(predicted, targets.classes)
        return float(np.average(right, weights=_weight(sample_weight, y, owner)))
    return float(accuracy_score(truth, predicted, sample_weight=_weight(sample_weight, y, owner)))


def r_squared(predicted: Array, y: Any, sample_weight: Any, owner: str) -> float:
    """R² of predictions of y (N,) or (N, out), rows counted by their weights; in any unit."""
    truth = as_floats(y, "y", owner)
    if truth.shape not in (predicted.shape, (len(predicted), 1)):
        must = f"have the shape {predicted.shape} of the predictions"
        raise DataError(sentence("y", owner, must, truth.shape))
    weight = _weight(sample_weight, y, owner)
    with named_faults("y", owner), np.errstate(over="ignore"):
        unit = unit_of(np.abs(truth).max(axis=0))
        own = np.clip(predicted * unit, -GREATEST, GREATEST)
        return float(r2_score(truth * unit, own, sample_weight=weight))


def _are_words(labels: Array) -> bool:
    return bool(labels.dtype.kind in "OU")


def _weight(sample_weight: Any, y: Any, owner: str) -> Array | None:
    if sample_weight is None:
        return None
    weight = check_sample_weight(sample_weight, y, owner)
    if not weight.any():
        raise DataError(
            sentence("sample_weight", owner, "be positive somewhere", "zero for every row")
        )
    return in_range(weight)[0]
