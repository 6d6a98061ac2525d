"""scikit-learn's check of X and y: the differences between its versions, and what it leaves out."""

from __future__ import annotations

import math
from typing import Any, Final

from scipy.sparse import issparse

from trainlab import memory
from trainlab.errors import DataError, sentence

_NUMBER: Final = 8  # bytes of a float64


def validate_data(estimator: Any, X: Any, **settings: Any) -> Any:
    """scikit-learn's check of X (and of y, if it is given): features, their names, finiteness.

    What would not fit into memory is refused before it is looked at, as is an integer beyond
    float64, of which scikit-learn makes an OverflowError.
    """
    owner = type(estimator).__name__
    for name, value in {"X": X, "y": settings.get("y")}.items():
        if name == "y" or not issparse(value):  # a sparse y would become dense
            shape = getattr(value, "shape", ())
            size = math.prod(shape) if isinstance(shape, tuple) else 0
            memory.need(size * _NUMBER, name, owner)
    try:
        return _validate(estimator, X, **settings)
    except OverflowError as error:
        must = "hold numbers that a float64 can hold"
        raise DataError(sentence("X, y", owner, must, error)) from error


def _validate(estimator: Any, X: Any, **settings: Any) -> Any:
    """A function since 1.6, a method of estimators before, with another name of one setting."""
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:
        if "ensure_all_finite" in settings:
            settings["force_all_finite"] = settings.pop("ensure_all_finite")
        return estimator._validate_data(X, **settings)
    return validate(estimator, X, **settings)
