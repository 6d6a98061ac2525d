"""Labels of classes, compared as what they are.

NumPy compares int64 with uint64, and makes an array of a list with an integer of 64 bits, by
way of float64, where 2**53 + 1 is 2**53.  Python's own numbers compare exactly.

Axis letters: N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sized
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.errors import DataError, sentence
from trainlab.settings import is_integer

MOST_CLASSES: Final = 20
"""Whole numbers of at most so many different values are taken for classes."""


EXACT: Final = 2.0**53
"""Whole numbers below it are in float64 what they are written as."""


def are_whole(numbers: NDArray[Any]) -> bool:
    """Whether all numbers are whole, and so small that float64 can hold their neighbours."""
    return bool((np.abs(numbers) < EXACT).all() and (numbers == np.rint(numbers)).all())


def look_like_labels(t: NDArray[Any]) -> bool:
    """Whether targets (N,) or (N, 1) are whole numbers of few different values.

    >>> look_like_labels(np.array([[1.0], [3.0]])), look_like_labels(np.array([1.0, 1.5]))
    (True, False)
    """
    return t.size == len(t) and are_whole(t) and len(np.unique(t)) <= MOST_CLASSES


def places(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """The place (N,) of each label (N,) among classes (C,), all different; −1 where it is no class.

    >>> places(np.array([2**53 + 1, 7], np.uint64), np.array([2**53, 2**53 + 1])).tolist()
    [1, -1]
    """
    known = {label: place for place, label in enumerate(classes.tolist())}
    values, which = np.unique(labels, return_inverse=True)
    found = np.array([known.get(value, -1) for value in values.tolist()], np.int64)
    return found[which.reshape(-1)]


def as_integers(values: Any, name: str, owner: str) -> Any:
    """Labels as they are given; integers in a list, as objects or nullable, become an array.

    DataError for integers that no single 64-bit type can hold.

    >>> as_integers([2**63, 1], "y", "fit").dtype, as_integers(["a", "b"], "y", "fit")
    (dtype('uint64'), ['a', 'b'])
    """
    dtype = getattr(values, "dtype", None)
    numeric = isinstance(dtype, np.dtype) and dtype.kind != "O"
    others = dtype is not None and not numeric and isinstance(values, Sized)
    boxed = isinstance(values, (list, tuple)) or (others and hasattr(values, "__array__"))
    flat = getattr(values, "ndim", 1) == 1
    if not (boxed and flat and len(values)) or not all(map(is_integer, values)):
        return values
    low, high = int(min(values)), int(max(values))
    for whole in (np.int64, np.uint64):
        if np.iinfo(whole).min <= low and high <= np.iinfo(whole).max:
            return np.array([int(value) for value in values], whole)
    must = "hold integers that int64 or uint64 can hold, or strings"
    raise DataError(sentence(name, owner, must, low if low < -(2**63) else high))


def check_kinds(labels: Any, name: str, owner: str) -> None:
    """DataError where labels (N,) have no order: some are missing, or of several kinds."""
    found = np.empty((0, 0))
    with suppress(Exception):  # what is no array of labels is judged by others
        # NumPy would make texts of all labels of a list with a text: "nan" of NaN, too.
        found = np.asarray(labels, object if isinstance(labels, (list, tuple)) else None)
    if found.dtype.kind != "O" or found.ndim != 1:
        return
    try:
        np.unique(found)
    except TypeError as error:
        kinds = {type(label): label for label in reversed(found.tolist())}
        must = "hold labels of one kind, and one in each row"
        remedy = "the rows that have one, or text for all of them"
        raise DataError(sentence(name, owner, must, [*kinds.values()], remedy)) from error
