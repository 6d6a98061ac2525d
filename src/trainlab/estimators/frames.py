"""The columns of a data frame as arrays of cells, and which of them hold kinds by their dtype.

Frames of pandas (and those with its interface), polars and pyarrow are read column by column: as
one array the columns would take the dtype of their neighbours.
Axis letters: N rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]


def is_frame(X: Any) -> bool:
    """Whether X is a data frame."""
    pandas = hasattr(X, "iloc") and hasattr(X, "dtypes") and getattr(X, "ndim", 0) == 2
    return pandas or hasattr(X, "get_columns") or hasattr(X, "itercolumns")


def columns_of(X: Any) -> Iterator[tuple[Cells, bool]]:
    """Each column of a frame: its cells (N,), and whether its dtype is one of categories."""
    if hasattr(X, "iloc"):
        for place in range(X.shape[1]):
            yield _of_pandas(X.iloc[:, place])
    elif hasattr(X, "get_columns"):
        for column in X.get_columns():
            yield objects(column.to_list()), str(column.dtype).startswith(("Categorical", "Enum"))
    else:
        for column in X.itercolumns():
            yield objects(column.to_pylist()), str(column.type).startswith("dictionary")


def _of_pandas(column: Any) -> tuple[Cells, bool]:
    dtype = column.dtype
    if hasattr(column, "cat"):
        # By codes: as an array whole numbers beside holes would become floats.
        kinds = objects([*column.cat.categories.tolist(), None])
        return kinds[column.cat.codes.to_numpy()], True
    if dtype.kind in "mM":
        column = column.astype(object)  # Timestamps, whose words are those of a category of them
    return np.asarray(column), str(dtype).startswith("dictionary")


def objects(cells: Sequence[Any] | Iterable[Any]) -> Cells:
    """The cells as an array (N,) of objects, whatever they are."""
    listed = list(cells)
    found = np.empty(len(listed), object)
    found[:] = listed
    return found
