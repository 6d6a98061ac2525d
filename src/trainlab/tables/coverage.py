"""How many of the rows put aside lie in an ensemble's intervals, and where too few do.

All intervals of an ensemble are equally wide: where targets scatter more, fewer lie inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy  # loads its room `stats` when that is first used: half a second

from trainlab.errors import SettingError
from trainlab.models.scoring import intervals_of
from trainlab.search.metrics import TablePrediction, TableTruth

LEVEL: Final = 0.9
PARTS: Final = 5
LEAST: Final = 50
"""Rows of which parts are told: ten of each."""
RARE: Final = 0.001
"""Where chance leaves so few inside more rarely, that is warned of."""


@dataclass(frozen=True)
class IntervalCoverage:
    """The share of true values inside intervals of a level, over all rows and over parts of them.

    parts  fifths of the rows, from the lowest predictions to the highest
    """

    level: float
    inside: float
    parts: Sequence[float]


def coverage(
    model: Any, x: Any, truth: TableTruth, predicted: TablePrediction
) -> IntervalCoverage | None:
    """Of rows x that a model never saw; None where it has no intervals, or these rows are few."""
    if predicted.probabilities is not None or len(truth) < LEAST:
        return None
    try:
        low, high = intervals_of(model, LEVEL)(x).T
    except SettingError:  # it is no ensemble, or has seen too few validation rows
        return None
    inside = (low <= truth.values) & (truth.values <= high)
    order = np.argsort(predicted.values, kind="stable")
    parts = [float(inside[part].mean()) for part in np.array_split(order, PARTS)]
    return IntervalCoverage(LEVEL, float(inside.mean()), parts)


def too_few_inside(covered: IntervalCoverage | None, rows: int) -> list[str]:
    """A warning where far fewer true values of so many rows lie inside than the level says."""
    if covered is None:
        return []
    hits = round(covered.inside * rows)
    if scipy.stats.binomtest(hits, rows, covered.level, "less").pvalue >= RARE:
        return []
    held = f"Intervals of {covered.level:.0%} hold {covered.inside:.0%} of the rows put aside"
    why = "which seem to be unlike those of the training: for such rows they are too narrow"
    return [f"{held}, {why}"]
