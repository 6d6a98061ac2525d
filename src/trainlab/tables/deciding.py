"""Columns that decide the target alone, as a copy of it under other names does.

Axis letters: N rows, d features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import scipy  # loads its room `stats` when that is first used: half a second
from numpy.typing import NDArray

from trainlab.errors import describe
from trainlab.network.workspace import Array

ROWS: Final = 5
"""Rows of each value of a column at least, in the mean: of fewer it may name the rows."""
LEAST: Final = 50
"""Rows of a table at least: in fewer it may be chance."""
SLIPS: Final = 0.01
"""The share of the rows beside the most frequent class that may be otherwise."""
NEARLY: Final = 0.9999
"""A correlation, or a share of the variance, from which on amounts are decided."""


def deciding(
    x: NDArray[Any], features: Sequence[str], numbers: Sequence[bool], y: NDArray[Any], target: str
) -> list[str]:
    """A warning for each column of x (N, d) that decides y (N,) alone; none of a single column.

    Of fewer than LEAST rows nothing is said.

    numbers  (d,), which columns are of numbers
    """
    said = []
    for place, name in enumerate(features if len(features) > 1 and len(y) >= LEAST else ()):
        cells = x[:, place].astype(np.float64) if numbers[place] else x[:, place]
        if _decides(cells, y, numbers[place]):
            said.append(
                f"{describe(name)} alone decides {describe(target)} in all rows, or nearly all: is "
                "it known before? If not, the scores are too good; try --drop"
            )
    return said


def _decides(cells: NDArray[Any], y: NDArray[Any], are_numbers: bool) -> bool:
    there = cells == cells if are_numbers else np.array([one is not None for one in cells])
    if are_numbers:
        codes = np.unique(cells, return_inverse=True)[1]
    else:
        words = [("" if one is None else f"={one}") for one in cells.tolist()]
        codes = np.unique(words, return_inverse=True)[1]
    for kinds in (codes.reshape(-1), there.astype(np.intp)):
        kinds_there = int(kinds.max()) + 1
        if 1 < kinds_there * ROWS <= len(y) and _are_decided(kinds, y):
            return True
    if not are_numbers or there.mean() < 1 - SLIPS:
        return False
    return (_are_ordered if y.dtype.kind == "f" else _are_apart)(cells[there], y[there])


def _are_decided(kinds: NDArray[np.intp], y: NDArray[Any]) -> bool:
    """Whether each kind of rows has one class, or one amount, but for slips."""
    if y.dtype.kind == "f":
        counts = np.bincount(kinds)
        z = y / (np.abs(y).max() or 1.0)
        means = np.bincount(kinds, z) / np.maximum(counts, 1)
        within = float(np.sum((z - means[kinds]) ** 2))
        return within <= (1 - NEARLY) * float(np.sum((z - z.mean()) ** 2))
    classes, codes = np.unique(y, return_inverse=True)
    table = np.zeros((int(kinds.max()) + 1, len(classes)), np.intp)
    np.add.at(table, (kinds, codes), 1)
    wrong = len(y) - int(table.max(axis=1).sum())
    return wrong <= SLIPS * (len(y) - int(table.sum(axis=0).max()))


def _are_apart(cells: Array, y: NDArray[Any]) -> bool:
    """Whether one of two classes has the lower cells, but for slips."""
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) != 2:
        return False
    values, places = np.unique(cells, return_inverse=True)
    counts = np.zeros((len(values), 2), np.intp)
    np.add.at(counts, (places.reshape(-1), codes), 1)
    first, second = np.cumsum(counts, axis=0).T
    wrong = first + second[-1] - second  # where the second class has the lower cells
    slips = SLIPS * int(min(first[-1], second[-1]))
    return int(min(wrong.min(), (len(y) - wrong).min())) <= slips


def _are_ordered(cells: Array, y: Array) -> bool:
    """Whether amounts have the order of the cells, or its opposite."""
    if cells.min() == cells.max() or y.min() == y.max():
        return False
    found: Any = scipy.stats.spearmanr(cells, y)
    return bool(abs(found.statistic) >= NEARLY)
