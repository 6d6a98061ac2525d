"""What `score` says of targets that cannot be those of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import trainlab as tl
from complaints import complains
from trainlab.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(3).normal(size=(12, 3))
OTHERS = {
    "no rows": [],
    "no rows of columns": np.zeros((0, 3)),
    "no columns": [[]],
    "more columns": np.zeros((12, 3)),
    "fewer rows": np.zeros(5),
    "no array": 5.0,
}


@pytest.mark.parametrize("y", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("columns", [1, 2])
def test_a_regressor_is_scored_on_targets_of_the_shape_of_its_predictions(
    columns: int, y: Any
) -> None:
    network = tl.MLPRegressor((4,), max_iter=2).fit(X, X[:, :columns].squeeze())
    shape = str((12, 2) if columns == 2 else (12,))
    complains(
        lambda: network.score(X, y),
        DataError,
        f"y of MLPRegressor must have the shape {shape} of the predictions; got",
    )


def test_one_column_is_scored_as_one_target() -> None:
    network = tl.MLPRegressor((4,), max_iter=2).fit(X, X[:, 0])
    assert network.score(X, X[:, :1]) == network.score(X, X[:, 0])


def test_a_classifier_is_scored_on_labels_of_its_rows() -> None:
    network = tl.MLPClassifier((4,), max_iter=2).fit(X, np.arange(12) % 2)
    with pytest.raises(TypeError, match="at least 1 dimension"):
        network.score(X, network)  # it has a dtype, but is no array
    complains(
        lambda: network.score(X, np.arange(12) % 2, np.zeros(12)),
        DataError,
        "sample_weight of MLPClassifier must be positive somewhere",
    )
    for y in ([], [[]], np.zeros((12, 3)), np.zeros(5)):
        with pytest.raises(ValueError, match=r"array with 0|1d array|inconsistent"):
            network.score(X, y)


def test_indicators_may_be_sparse() -> None:
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    network = tl.MLPClassifier((8,), max_iter=40, random_state=0).fit(X, y)
    assert network.score(X, csr_array(y)) == network.score(X, y) > 0
