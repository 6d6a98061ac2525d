"""Numbers far from those that a model was trained on, and how that is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from trainlab.terminal import counted

NAMED: Final = 5
"""Columns that are named at most."""


@dataclass(frozen=True)
class FarNumbers:
    """Numbers of a column that are far from those that were trained on.

    rows       how many there are
    furthest   the furthest of them
    low, high  the range of training
    """

    rows: int
    furthest: float
    low: float
    high: float

    def __add__(self, other: FarNumbers) -> FarNumbers:
        """Those of two blocks of rows."""
        both = self.furthest, other.furthest
        furthest = max(both, key=lambda one: abs(one / 2 - (self.low / 4 + self.high / 4)))
        return replace(self, rows=self.rows + other.rows, furthest=furthest)


FAR_FROM_TRAINING: Final = "Numbers far outside the range of training: "
"""How a warning of such numbers begins."""


def far_said(found: Mapping[str, FarNumbers]) -> str:
    """A sentence on far numbers by the names of their columns, of which NAMED are named."""
    shown = [
        f"{name} ({counted(one.rows, 'row')}, as {one.furthest:.6g}; in training "
        f"{one.low:.6g} to {one.high:.6g})"
        for name, one in list(found.items())[:NAMED]
    ]
    more = f", and {counted(len(found) - NAMED, 'more column')}" if len(found) > NAMED else ""
    return f"{FAR_FROM_TRAINING}{', '.join(shown)}{more}; are units and codes those of training?"
