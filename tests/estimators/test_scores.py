"""What `score` says of targets that cannot be those of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import accuracy_score

import trainlab as tl
from complaints import complains
from trainlab.errors import DataError, SettingError
from trainlab.estimators.targets import Indicators

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


class Scalar:
    """What NumPy makes an array of one number."""

    dtype = "float64"

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.array(1.0)


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


def test_targets_that_no_memory_holds_are_refused() -> None:
    network = tl.MLPRegressor((4,), max_iter=2).fit(X, X[:, 0])
    huge = np.broadcast_to(1.0, (12, 2**45))
    complains(lambda: network.score(X, huge), SettingError, "y of MLPRegressor must")


def test_one_column_is_scored_as_one_target() -> None:
    network = tl.MLPRegressor((4,), max_iter=2).fit(X, X[:, 0])
    assert network.score(X, X[:, :1]) == network.score(X, X[:, 0])


def test_a_classifier_is_scored_on_labels_of_its_rows() -> None:
    network = tl.MLPClassifier((4,), max_iter=2).fit(X, np.arange(12) % 2)
    for other in (network, Scalar()):  # they have a dtype, but no length
        with pytest.raises(TypeError, match=r"at least 1 dimension|valid collection"):
            network.score(X, other)
    with pytest.raises(ValueError, match=r"positive somewhere|non-zero"):
        network.score(X, np.arange(12) % 2, np.zeros(12))
    for y in ([], [[]], np.zeros((12, 3)), np.zeros(5)):
        with pytest.raises(ValueError, match=r"array with 0|1d array|inconsistent"):
            network.score(X, y)


@pytest.mark.parametrize("weight", [None, np.linspace(0.1, 3, 12) ** 5])
@pytest.mark.parametrize("labels", [np.array([3, 5, 7]), np.array(["a", "b", "none of them"])])
def test_the_accuracy_is_that_of_scikit_learn_to_the_bit(labels: Any, weight: Any) -> None:
    y = labels[np.arange(12) % 3]
    network = tl.MLPClassifier((4,), max_iter=2, random_state=0).fit(
        X[:8], labels[np.arange(8) % 2]
    )
    expected = accuracy_score(y, network.predict(X), sample_weight=weight)
    assert 0 < network.score(X, y, weight) == expected < 1


def test_indicators_may_be_sparse() -> None:
    y = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    network = tl.MLPClassifier((8,), max_iter=40, random_state=0).fit(X, y)
    assert network.score(X, csr_array(y)) == network.score(X, y) > 0


def test_indicators_are_averaged_by_the_weights_of_the_members() -> None:
    p = np.array([[[0.25, 0.5]], [[0.75, 0.5]]])
    assert Indicators(2).average(p, np.array([3.0, 1.0])).tolist() == [[0.375, 0.5]]


def test_targets_far_smaller_than_the_predictions_are_scored_without_a_warning() -> None:
    network = tl.MLPRegressor((4,), max_iter=2).fit(X, X[:, 0] + 1e6)
    assert network.score(X, (X[:, 0] + 1) * 1e-308) < 0


def test_of_two_classes_the_second_is_decided_for_where_the_decision_function_is_positive() -> None:
    network = tl.MLPClassifier((4,), max_iter=2).fit(X, np.arange(12) % 2)
    p = network.predict_proba(X)
    found = network.decision_function(X)
    np.testing.assert_allclose(found, np.log(p[:, 1] / p[:, 0]), rtol=1e-6)


def test_more_columns_than_memory_has_room_for_are_refused() -> None:
    wide = csr_array((12, 2**45))
    for kind in (tl.MLPRegressor, tl.MLPClassifier):
        complains(
            lambda k=kind: k().fit(wide, np.arange(12)), SettingError, f"X of {kind.__name__}"
        )
