"""Checks of arrays from outside, before a network sees them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse, sparray, spmatrix

from trainlab.arrays import as_array, no_numbers
from trainlab.callers import warn
from trainlab.data.labels import as_integers, places
from trainlab.errors import DataError, sentence
from trainlab.settings import is_real

Given = ArrayLike | sparray | spmatrix
"""Inputs as they come."""

Features = NDArray[np.floating[Any]] | csr_array
"""Inputs as they are kept, (N, d)."""

DTYPES: Final = (np.dtype(np.float32), np.dtype(np.float64))
"""What inputs and real targets are kept in."""

SMALL: Final = 10
"""Bytes of at most so much are counts, say, from which networks learn well as they are."""

_OWNER = "from_arrays"
_FINITE = "hold no NaN, no infinity and nothing above {}"
_FLAT = "t.ravel() for a column of labels, t.argmax(1) for labels one-hot, or task='multilabel'"


def validate_inputs(x: Given, name: str, dtype: Any = np.float32) -> Features:
    """A finite copy (N, d), of the dtype, of an array (N, ...) of real numbers; else DataError.

    A sparse array, of whichever of SciPy's formats, stays sparse: CSR, indices sorted and
    of 32 bits where these are enough, duplicates summed, no zeros stored.
    """
    sparse = issparse(x)
    array: Any = x if sparse else _as_array(x, name)
    if array.dtype.kind not in "biuf":
        raise no_numbers(array, name, _OWNER)
    if array.ndim < 2:
        column = ".reshape(-1, 1)" if sparse else "[:, None]"
        remedy = name.split()[0] + column if array.ndim == 1 else None
        raise _fault(name, "have rows and features (N, d)", array, remedy)
    if 0 in array.shape:
        raise _fault(name, "have at least one row and one feature", array)
    if array.ndim > 2:
        array = array.reshape(array.shape[0], -1)
    made = _finite_csr(array, name, dtype) if sparse else _finite(array, name, dtype)
    tell_of_bytes(made, array.dtype, name)
    return made


def tell_of_bytes(x: Any, dtype: Any, name: str) -> None:
    """Warns of bytes far above 1, as pixels are: networks take them as they are.

    x (N, d) is dense or CSR; dtype: that which it came in
    """
    if dtype != np.uint8:
        return
    most = int((x if isinstance(x, np.ndarray) else x.data).max(initial=0))
    if most > SMALL:
        most = 255 if most > 127 else most
        text = (
            f"{name} has bytes (uint8) that are not scaled, and networks learn well from numbers "
            f"about 1; try {name.split()[0]} / {most}"
        )
        warn(text, UserWarning)


def are_valid_inputs(x: object) -> bool:
    """Whether x is what `validate_inputs` makes of arrays; its contents are not checked."""
    if isinstance(x, np.ndarray):
        return x.ndim == 2 and x.dtype in DTYPES and x.flags.c_contiguous and x.size > 0
    if not isinstance(x, csr_array):
        return False
    filled = x.ndim == 2 and 0 not in x.shape
    return filled and x.dtype in DTYPES and bool(x.has_canonical_format)


def as_csr(x: Any, name: str, owner: str) -> csr_array:
    """A sparse array (N, d) as CSR, sorted and without duplicates, of its own dtype.

    The result may share memory with x, which stays as it is.  DataError if x is broken:
    SciPy trusts indices, and would read and write where they point.
    """
    try:
        if hasattr(x, "check_format"):
            x = type(x)(x)  # the check changes what it checks
            x.check_format(full_check=True)
        array = csr_array(x)
    except ValueError as error:
        must = "be a sparse array whose indices lie in its shape"
        raise DataError(sentence(name, owner, must, str(error))) from error
    if not array.has_canonical_format:
        array = array.copy()
        array.sum_duplicates()
    return array


def validate_targets(
    t: ArrayLike, task: str | None, name: str, dtype: Any = np.float32
) -> tuple[str, NDArray[Any]]:
    """The task that t is for, and t: labels (N,) as they came, or of the dtype (N, out)."""
    array = _as_array(as_integers(t, name, _OWNER), name)
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
    columns = _finite(array.reshape(len(array), -1), name, dtype)
    if task == "multilabel" and not np.isin(columns, (0, 1)).all():
        raise _fault(name, "hold only 0 and 1", array)
    return task, columns


def validate_weights(weight: ArrayLike | None, name: str) -> NDArray[np.float64] | None:
    """Weights (N,) of rows as float64, or None; DataError unless they are real numbers.

    `Split` checks their number and values.
    """
    if weight is None:
        return None
    array = _as_array(weight, name)
    if array.dtype.kind not in "biuf":
        raise no_numbers(array, name, _OWNER)
    return array.astype(np.float64)


def encode(targets: NDArray[Any], classes: NDArray[Any] | None, name: str) -> NDArray[Any]:
    """Labels as int64 positions in the sorted `classes`; other targets unchanged."""
    if classes is None:
        return targets
    if (targets.dtype.kind == "U") != (classes.dtype.kind == "U"):
        raise _fault(name, f"hold labels of dtype {classes.dtype}, as in train", targets)
    found = places(targets, classes)
    unknown = np.unique(targets[found < 0])
    if unknown.size:
        raise _fault(name, "hold only labels that train has", unknown.tolist())
    return found


def _suggested(array: NDArray[Any], name: str) -> str:
    if array.dtype.kind == "f":
        return "regression"
    if array.ndim == 1:
        return "classification"
    raise _fault(name, "be labels (N,) or floats where no task is named", array, _FLAT)


def _as_array(value: Any, name: str) -> NDArray[Any]:
    return as_array(value, name, _OWNER)


def _unboxed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """An object array as strings or integers, if it holds these (as a column of a table does)."""
    if all(isinstance(label, str) for label in array.flat):
        return array.astype(str)
    integers = as_integers(array.ravel(), name, _OWNER)
    if integers.dtype != object:
        return np.asarray(integers.reshape(array.shape))
    kinds = sorted({type(label).__name__ for label in array.flat})
    numbers = all(map(is_real, array.flat))
    remedy = f"{name.split()[0]}.astype({'float' if numbers else 'str'})"
    raise _fault(name, "hold strings or numbers of one kind", kinds, remedy)


def _finite(array: NDArray[Any], name: str, dtype: Any) -> NDArray[np.floating[Any]]:
    # What is finite in float64 may be infinite in float32: ask after the cast.
    with np.errstate(over="ignore"):
        copy = np.array(array, dtype=dtype, order="C", copy=True)
    finite = np.isfinite(copy)
    if not finite.all():
        row = int(np.argmin(finite.all(axis=1)))
        raise _fault(
            f"row {row} of {name}",
            _FINITE.format(np.dtype(dtype)),
            float(array[row][~finite[row]][0]),
        )
    return copy


def _finite_csr(x: Any, name: str, dtype: Any) -> csr_array:
    array = as_csr(x, name, _OWNER)
    with np.errstate(over="ignore"):
        values = array.data.astype(dtype)
    finite = np.isfinite(values)
    if not finite.all():
        first = int(np.argmin(finite))
        row = int(np.searchsorted(array.indptr, first, side="right")) - 1
        raise _fault(
            f"row {row} of {name}", _FINITE.format(np.dtype(dtype)), float(array.data[first])
        )
    largest = max(array.nnz, *array.shape)
    index = np.dtype(np.int32 if largest <= np.iinfo(np.int32).max else np.int64)
    columns, starts = array.indices.astype(index), array.indptr.astype(index)
    copy = csr_array((values, columns, starts), shape=array.shape)
    copy.eliminate_zeros()
    return copy


def _fault(name: str, must: str, got: object, remedy: str | None = None) -> DataError:
    return DataError(sentence(name, _OWNER, must, got, remedy))
