"""How many of the rows put aside lie in the intervals of an ensemble."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trainlab.errors import SettingError
from trainlab.search.metrics import TablePrediction, TableTruth
from trainlab.tables.coverage import coverage


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
