"""What users pass becomes an array, or an error; and the way out, to JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainlab import memory
from trainlab.errors import DataError, TrainlabError, sentence


def as_array(
    value: Any, name: str, owner: str, error: type[TrainlabError] = DataError
) -> NDArray[Any]:
    """What a user passed as an array, which may be the same one; `error` if it is none.

    Sparse and masked arrays are refused: NumPy would wrap the one and unmask the other.  So is
    anything whose float64 copy would not fit into memory (a broadcast array may claim any size).

    >>> as_array([[1, 2], [3, 4]], "x", "example").shape
    (2, 2)
    """
    first = name.split()[0]
    if not isinstance(value, (type, np.ndarray)) and hasattr(value, "toarray"):
        raise error(sentence(name, owner, "be dense", value, f"{first}.toarray()"))
    if np.ma.isMaskedArray(value):
        raise error(sentence(name, owner, "have no mask", value, f"{first}.filled(...)"))
    try:
        array = np.asarray(value)
    except Exception as fault:  # an object's own __array__ may raise anything
        must, got = "be an array", fault
        if "inhomogeneous" in str(fault):  # which NumPy says in two sentences
            must, got = "be an array with rows of one length", value
        raise error(sentence(name, owner, must, got)) from fault
    memory.need(array.size * np.dtype(np.float64).itemsize, name, owner)
    return array


def as_floats(
    value: Any, name: str, owner: str, error: type[TrainlabError] = DataError
) -> NDArray[np.float64]:
    """A float64 copy of what a user passed; `error` unless these are real numbers."""
    array = as_array(value, name, owner, error)
    found: NDArray[np.float64] | None = _floats(array) if array.dtype.kind in "biufO" else None
    if found is None:
        raise no_numbers(array, name, owner, error)
    return found


def no_numbers(
    array: Any, name: str, owner: str, error: type[TrainlabError] = DataError
) -> TrainlabError:
    """The error of an array, sparse or not, without real numbers; it says what makes them of it."""
    first, remedy = name.split()[0], None
    found = None if array.dtype.kind in "biufcmM" else _floats(array)
    if found is not None and np.isfinite(getattr(found, "data", found)).all():
        remedy = f"{first}.astype(float)"
    elif array.ndim == 2 and first.lower() == "x":
        remedy = "a TableEncoder, which makes numbers of words, dates and missing values"
    return error(sentence(name, owner, "hold real numbers", array, remedy))


def _floats(array: Any) -> Any:
    """The array as float64, or None where not all of it can be."""
    try:
        with np.errstate(over="ignore"):
            return array.astype(np.float64)
    except Exception:  # noqa: BLE001  # objects in an array may raise anything
        return None


def plain(value: Any) -> Any:
    """A value in the types that JSON has, with None for numbers that are not finite."""
    if isinstance(value, np.ndarray):
        if np.issubdtype(value.dtype, np.floating) and not np.isfinite(value).all():
            found = value.astype(object)
            found[~np.isfinite(value)] = None
            return found.tolist()
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
