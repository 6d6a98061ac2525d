"""How many of the rows put aside lie in the intervals of an ensemble."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trainlab.errors import SettingError
from trainlab.search.metrics import TablePrediction, TableTruth
from trainlab.tables.coverage import IntervalCoverage, coverage, too_few_inside


class Constant:
    """Intervals of ±1 about x, which know too little for some levels."""

    def __init__(self, most: float = 1.0) -> None:
        self.most = most

    def predict_interval(self, x: Any, level: float) -> Any:
        if level > self.most:
            raise SettingError("level of Constant must be less")
        return np.stack([x[:, 0] - 1, x[:, 0] + 1], axis=1)


def rows(count: int, rng: np.random.Generator) -> tuple[Any, TableTruth, TablePrediction]:
    """Rows in any order whose errors grow with what is predicted: the last fifth lies outside.

    Every other one lies above.
    """
    x = rng.permutation(np.arange(count, dtype=float))[:, np.newaxis]
    error = np.where(x[:, 0] < 0.8 * count, 0.9, 1.1) * np.where(x[:, 0] % 2, 1, -1)
    return x, TableTruth(x[:, 0] - error, None, None), TablePrediction(x[:, 0])


def test_rows_inside_are_counted_by_what_is_predicted(rng: np.random.Generator) -> None:
    x, truth, predicted = rows(50, rng)
    found = coverage(Constant(), x, truth, predicted)
    assert found is not None
    assert (found.level, found.inside) == (0.9, pytest.approx(0.8))
    assert found.parts == [1, 1, 1, 1, 0]


def test_nothing_is_said_where_nothing_is_known(rng: np.random.Generator) -> None:
    x, truth, predicted = rows(50, rng)
    assert coverage(Constant(most=0.8), x, truth, predicted) is None
    assert coverage(SimpleNamespace(), x, truth, predicted) is None
    few = slice(49)
    assert coverage(Constant(), x[few], truth.take(few), predicted.take(few)) is None
    labels = TablePrediction(predicted.values, np.ones((50, 2)))
    assert coverage(Constant(), x, truth, labels) is None


@pytest.mark.parametrize(
    ("inside", "count", "warned"),
    [(36, 50, True), (37, 50, False), (50, 50, False), (860, 1000, True), (880, 1000, False)],
)
def test_far_fewer_inside_than_promised_are_warned_of(
    inside: int, count: int, warned: bool
) -> None:
    """Of 50 rows 36: chance leaves so few in one of 3,500 cases, and 37 in one of 995."""
    told = too_few_inside(IntervalCoverage(0.9, inside / count, []), count)
    assert len(told) == warned
    assert all(one.startswith(f"Intervals of 90% hold {inside / count:.0%} of") for one in told)
    assert too_few_inside(None, count) == []
