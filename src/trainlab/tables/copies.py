"""Rows put aside that also stand in the training: of copies a score is too good.

Axis letters: N rows, d features.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.tables.splits import HoldoutSplit

SHARE: Final = 0.05
"""The share of the rows put aside from which on it is told."""
AGREE: Final = 0.95
"""The share of those with known cells that have the known target, too.

Rows of few columns of few values are equal by chance, but their targets then mostly differ.
"""


def copies(x: NDArray[Any], y: NDArray[Any], rows: HoldoutSplit) -> list[str]:
    """A warning where rows put aside are copies of rows of the training.

    x, y  (N, d) and (N,), of all rows
    """
    keys, targets = _keys(x), y.tolist()
    known = defaultdict[Hashable, set[Any]](set)
    for row in rows.search.tolist():
        known[keys[row]].add(targets[row])
    found = [row for row in rows.test.tolist() if keys[row] in known]
    equal = sum(known[keys[row]] == {targets[row]} for row in found)
    aside = len(rows.test)
    if equal < max(SHARE * aside, 2) or equal < AGREE * len(found):
        return []
    told = (
        f"{equal:,} of the {aside:,} rows put aside also stand in the training, cells and target: "
        "if they are copies, and not different cases that happen to be alike, all scores are too "
        "good; try a table without the copies, or --group with a column that tells the cases apart"
    )
    return [told]


def _keys(x: NDArray[Any]) -> list[Hashable]:
    """For each row (N,) what equal rows have in common; cells without a value are equal."""
    if x.dtype.kind == "f":
        plain = np.where(np.isnan(x), np.nan, x) + 0.0  # of which −0 is 0, and NaN has one form
        return [row.tobytes() for row in np.ascontiguousarray(plain)]
    return [tuple(None if cell != cell else cell for cell in row) for row in x.tolist()]
