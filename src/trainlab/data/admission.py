"""What arrays from outside must be before a network may see them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainlab.errors import DataError, sentence
from trainlab.settings import is_integer

_OWNER = "from_arrays"
_FLAT = "t.ravel() for a column of labels, t.argmax(1) for labels one-hot, or task='multilabel'"


def admit_inputs(x: ArrayLike, name: str) -> NDArray[np.float32]:
    """A finite float32 copy (N, d) of an array (N, ...) of real numbers; else DataError."""
    array = _as_array(x, name)
    if array.dtype.kind not in "biuf":
        raise _fault(name, "hold real numbers", array)
    if array.ndim < 2:
        remedy = f"{name.split()[0]}[:, None]" if array.ndim == 1 else None
        raise _fault(name, "have rows and features (N, d)", array, remedy)
    if array.size == 0:
        raise _fault(name, "have at least one row and one feature", array)
    return _finite(array.reshape(len(array), -1), name)


def admit_targets(t: ArrayLike, task: str | None, name: str) -> tuple[str, NDArray[Any]]:
    """The task that t is for, and t: labels (N,) as they came, or float32 (N, out)."""
    array = _as_array(t, name)
    if array.dtype == object:
        array = _unboxed(array, name)
    kind = array.dtype.kind
    if kind not in "biufU" or (kind == "U" and task in ("multilabel", "regression")):
        raise _fault(name, f"hold what {task or 'a task'} can be trained on", array)
    if array.size == 0:
        raise _fault(name, "have at least one row and one column", array)
    if array.ndim not in (1, 2):
        raise _fault(name, "be (N,) or (N, out)", array)
    if task is None:
        task = _suggested(array, name)
    if task == "classification":
        if array.ndim != 1:
            raise _fault(name, "be labels (N,)", array, _FLAT)
        if kind == "f" and not np.isfinite(array).all():
            raise _fault(name, "hold no NaN and no infinity", array)
        return task, array
    columns = _finite(array.reshape(len(array), -1), name)
    if task == "multilabel" and not np.isin(columns, (0, 1)).all():
        raise _fault(name, "hold only 0 and 1", array)
    return task, columns


def encode(targets: NDArray[Any], classes: NDArray[Any] | None, name: str) -> NDArray[Any]:
    """Labels as int64 positions in the sorted `classes`; other targets unchanged."""
    if classes is None:
        return targets
    if (targets.dtype.kind == "U") != (classes.dtype.kind == "U"):
        raise _fault(name, f"hold labels of dtype {classes.dtype}, as in train", targets)
    unknown = np.setdiff1d(targets, classes)
    if unknown.size:
        raise _fault(name, "hold only labels that train has", unknown.tolist())
    return np.searchsorted(classes, targets).astype(np.int64, copy=False)


def _suggested(array: NDArray[Any], name: str) -> str:
    if array.dtype.kind == "f":
        return "regression"
    if array.ndim == 1:
        return "classification"
    raise _fault(name, "be labels (N,) or floats where no task is named", array, _FLAT)


def _as_array(value: ArrayLike, name: str) -> NDArray[Any]:
    if hasattr(value, "toarray"):
        raise _fault(name, "be dense", value, f"{name.split()[0]}.toarray()")
    if np.ma.isMaskedArray(value):
        # np.asarray would drop the mask, and train on what it hides.
        raise _fault(name, "have no mask", value, f"{name.split()[0]}.filled(...)")
    try:
        return np.asarray(value)
    except (ValueError, TypeError) as error:
        raise _fault(name, "be an array with rows of one length", str(error)) from error


def _unboxed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """An object array as strings or integers, if it holds these (as a column of a table does)."""
    if all(isinstance(label, str) for label in array.flat):
        return array.astype(str)
    if not all(is_integer(label) for label in array.flat):
        kinds = sorted({type(label).__name__ for label in array.flat})
        raise _fault(name, "hold strings or numbers of one kind", kinds)
    return array.astype(np.int64)


def _finite(array: NDArray[Any], name: str) -> NDArray[np.float32]:
    # What is finite in float64 may be infinite in float32: ask after the cast.
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype=np.float32, order="C", copy=True)
    finite = np.isfinite(copy)
    if not finite.all():
        row = int(np.argmin(finite.all(axis=1)))
        must = "hold no NaN, no infinity and nothing above float32"
        raise _fault(f"row {row} of {name}", must, float(array[row][~finite[row]][0]))
    return copy


def _fault(name: str, must: str, got: object, remedy: str | None = None) -> DataError:
    return DataError(sentence(name, _OWNER, must, got, remedy))
