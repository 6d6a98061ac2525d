"""The scores of rows put aside."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

from trainlab.search.scoring import columns_of, score_of


@pytest.mark.parametrize("unit", [1.0, 2.0**-1000, 1e-300, 1e300])
def test_r_squared_is_the_same_in_any_unit(unit: float, rng: np.random.Generator) -> None:
    truth = rng.normal(5, 2, 30)
    first, second = truth + rng.normal(0, 1, 30), truth + rng.normal(0, 3, 30)
    columns = columns_of(truth * unit, first * unit, second * unit, classifies=False)
    means = columns.mean(axis=0)[None]
    for place, predicted in enumerate((first, second)):
        expected = r2_score(truth, predicted)
        assert score_of(means, place, classifies=False)[0] == pytest.approx(expected, rel=1e-9)


def test_accuracy_is_the_share_of_hits() -> None:
    columns = columns_of(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), classifies=True)
    assert score_of(columns.mean(axis=0)[None], 0, classifies=True)[0] == 0.75
