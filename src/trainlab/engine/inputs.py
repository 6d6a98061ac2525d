"""Inputs as the NumPy engine reads them: rows to gather, tiles to evaluate.

Letters: N rows, d features.  Inputs are dense arrays or SciPy's CSR arrays; the latter
become dense a batch or a tile at a time, never as a whole.

Columns that are zero in every training row (the border of small images, the words a
corpus lacks) add nothing to x W and their rows of dW are zero.  Where they are many, the
columns are put in another order, those that are used first, and the rest is left out of
the arrays: a `Dense` layer takes missing trailing features to be zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.network.workspace import Allocator, Array

# The share of columns that must be always zero before they are left out: a copy of the
# inputs has to pay for itself.  It looks at the data alone, so that a member has the same
# bits in any population and after any number of steps.
WORTH_WHILE: Final = 1 / 8
_ROWS_AT_ONCE: Final = 1024


class InputRows:
    """Inputs (..., N, d): an array, or a CSR array (N, d)."""

    def __init__(self, x: Any, columns: Array | None = None) -> None:
        """`columns`: the columns to keep, in their new order; None keeps all as they are."""
        self.x = x if columns is None else x[:, columns]
        if columns is not None and isinstance(x, np.ndarray):
            self.x = np.ascontiguousarray(self.x)

    def __len__(self) -> int:
        return int(self.x.shape[-2])

    @property
    def width(self) -> int:
        """The number of features that are there; those that are missing are zero."""
        return int(self.x.shape[-1])

    @property
    def dtype(self) -> Any:
        """float32 or float64."""
        return self.x.dtype

    def take(self, rows: Array, out: Array) -> Array:
        """Fills out (..., d) with rows (...) of inputs (N, d)."""
        if isinstance(self.x, np.ndarray):
            return take(self.x, rows, out)
        self.x[rows.reshape(-1)].toarray(out=out.reshape(rows.size, self.width))
        return out

    def tile(self, rows: slice, new: Allocator) -> Array:
        """Neighbouring rows (..., n, d): a view, or a dense copy of sparse ones."""
        if isinstance(self.x, np.ndarray):
            return self.x[..., rows, :]
        part = self.x[rows]
        dense: Array = part.toarray(out=new("tile", part.shape, part.dtype))
        return dense


def take(source: Array, rows: Array, out: Array) -> Array:
    """Fills `out` with rows of an array."""
    # "clip" because "raise" would make NumPy fill a copy of `out` first; rows are in range
    return np.take(source, rows, axis=0, out=out, mode="clip")


def arrange(splits: Mapping[str, Any]) -> tuple[dict[str, InputRows], Array | None]:
    """The inputs of each split, and the order of columns that they share, or None for theirs.

    First come the columns that "train" uses, then those that only another split uses, then
    those that none does.  "train" has the first of these groups, other splits the first two.
    """
    features = splits["train"].shape[1]
    used = used_columns(splits["train"], limit=features * (1 - WORTH_WHILE))
    if used.sum() > features * (1 - WORTH_WHILE):
        return {name: InputRows(x) for name, x in splits.items()}, None
    elsewhere = np.zeros(features, bool)
    for name, x in splits.items():
        if name != "train":
            elsewhere |= used_columns(x)
    first, second = np.flatnonzero(used), np.flatnonzero(elsewhere & ~used)
    order = np.concatenate([first, second, np.flatnonzero(~used & ~elsewhere)])
    inputs = {name: InputRows(x, order[: len(first) + len(second)]) for name, x in splits.items()}
    inputs["train"] = InputRows(splits["train"], first)
    return inputs, order


def used_columns(x: Any, limit: float = np.inf) -> Array:
    """Which columns of (N, d) are not always zero, (d,) bool; looks no further past `limit`."""
    used = np.zeros(x.shape[1], bool)
    for first in range(0, x.shape[0], _ROWS_AT_ONCE):
        part = x[first : first + _ROWS_AT_ONCE]
        if isinstance(part, np.ndarray):
            used |= part.any(axis=0)
        else:
            used[part.indices[part.data != 0]] = True
        if used.sum() > limit:
            break
    return used
