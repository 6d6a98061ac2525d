"""The differences between the versions of scikit-learn that are supported, and nothing else."""

from __future__ import annotations

from typing import Any


def validate_data(estimator: Any, X: Any, **settings: Any) -> Any:
    """scikit-learn's check of X (and of y, if it is given): features, their names, finiteness.

    A function since 1.6, a method of estimators before, with another name of one setting.
    """
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:
        if "ensure_all_finite" in settings:
            settings["force_all_finite"] = settings.pop("ensure_all_finite")
        return estimator._validate_data(X, **settings)
    return validate(estimator, X, **settings)


def check_features(estimator: Any, X: Any, reset: bool) -> None:
    """scikit-learn's check of the names and the number of the columns of a data frame alone."""
    try:
        from sklearn.utils.validation import validate_data as validate
    except ImportError:
        estimator._validate_data(X, reset=reset, cast_to_ndarray=False)
    else:
        validate(estimator, X, reset=reset, skip_check_array=True)
