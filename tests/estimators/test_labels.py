"""Labels that NumPy would take for equal, and weights by labels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trainlab as tl
from complaints import complains
from trainlab import (
    MLPClassifier,
    MLPRegressor,
    PopulationEnsembleClassifier,
    PopulationSearchCV,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(40, 3))
PLACES = (X[:, 0] > 0).astype(int)
# In float64 they are one number.
CLOSE = np.array([2**53, 2**53 + 1])
HUGE = np.array([2**63, 2**63 + 1], np.uint64)


def quick(**settings: Any) -> Any:
    chosen = {"max_iter": 20, "learning_rate_init": 0.05, "random_state": 0, **settings}
    return MLPClassifier((7,), **chosen)


@pytest.mark.parametrize("classes", [CLOSE, HUGE])
def test_labels_are_compared_as_integers(classes: Any) -> None:
    network = quick().fit(X, classes[PLACES])
    assert network.classes_.tolist() == classes.tolist()
    found = network.predict(X)
    for dtype in (np.uint64, object):
        assert network.score(X, found.astype(dtype)) == 1
        other = classes.astype(dtype)[1 - np.searchsorted(classes, found)]
        assert network.score(X, other) == 0
        assert network.score(X, other.tolist()) == 0
    assert network.score(X, np.full(40, 2.0**53)) == np.mean(found == 2**53)
    held = (X, classes.astype(np.uint64)[PLACES])
    ready = quick()._prepare(X, classes[PLACES], validation_data=held)
    assert ready.data.validation.t.ravel().tolist() == PLACES.tolist()


def test_lists_of_large_integers_are_no_floats() -> None:
    y = [[2**63, 1][place] for place in PLACES]
    network = quick().fit(X, y)
    assert network.classes_.tolist() == [1, 2**63]
    assert network.score(X, y) > 0.8
    parts = quick().partial_fit(X, y, classes=[1, 2**63, 2**63 + 1])
    assert parts.classes_.tolist() == [1, 2**63, 2**63 + 1]
    space = {"alpha": [1e-4, 1e-3]}
    search = PopulationSearchCV(
        quick(), space, n_iter=2, cv=2, ensemble="greedy", scoring="accuracy"
    )
    search.fit(X, y)
    assert search.classes_.tolist() == search.ensemble_.classes_.tolist() == [1, 2**63]
    assert search.ensemble_.score(X, y) > 0.8
    for bad in ([2**63, -1], [2**70, 1], [-(2**70), 1]):
        for fit in (quick().fit, PopulationSearchCV(quick(), space).fit):
            with pytest.raises(
                tl.DataError, match=r"y of .* must hold integers that int64 or uint"
            ):
                fit(X, bad * 20)


def test_numbers_of_a_regression_may_be_integers_of_any_size() -> None:
    y = [(2**70, 1)[place] for place in PLACES]
    network = MLPRegressor((7,), max_iter=5, random_state=0).fit(X, y)
    assert np.array_equal(network.predict(X), network.fit(X, np.array(y, float)).predict(X))


@pytest.mark.parametrize("dtype", ["Int64", "UInt64", "category", object])
def test_columns_of_frames_are_integers(dtype: Any) -> None:
    y = pd.Series(CLOSE[PLACES], dtype=dtype)
    network = quick().fit(X, y)
    assert network.classes_.tolist() == CLOSE.tolist()
    assert network.score(X, y) == network.score(X, CLOSE[PLACES]) > 0.8
    data = tl.datasets.from_arrays(X, y, test=(X, CLOSE[PLACES]))
    assert data.test.t.tolist() == PLACES.tolist()


def test_classes_of_later_rows_are_compared_as_integers() -> None:
    network = quick(warm_start=True).fit(X, np.array([2**53 + 1, 2**60])[PLACES])
    network.fit(X, np.array([2**53 + 1, 2**60], np.uint64)[PLACES])
    for other in ([2.0**53, 2.0**60], [2**53, 2**60]):
        with pytest.raises(tl.SettingError, match="y of MLPClassifier must have the classes"):
            network.fit(X, np.array(other)[PLACES])
    parts = quick().partial_fit(X, CLOSE[PLACES], classes=CLOSE)
    parts.partial_fit(X, CLOSE.astype(np.uint64)[PLACES], classes=CLOSE.astype(np.uint64))
    with pytest.raises(tl.DataError, match=r"must be among the classes .* got \[9007199254740994"):
        parts.partial_fit(X, np.full(40, 2.0**53 + 2))
    with pytest.raises(
        tl.SettingError, match="classes of MLPClassifier must be those of the first"
    ):
        parts.partial_fit(X, CLOSE[PLACES], classes=[2.0**53, 2**53 + 2])


def test_other_labels_than_those_of_training_have_a_score() -> None:
    network = quick().fit(X, PLACES)
    known = PLACES.astype(bool)
    assert (
        network.score(X, np.where(known, 1, 7)) == np.mean(network.predict(X)[known]) * known.mean()
    )
    assert network.score(X, known) == network.score(X, PLACES)
    with pytest.raises(tl.DataError, match="y of MLPClassifier must hold labels as int64"):
        network.score(X, np.where(known, "1", "0"))
    with pytest.raises(ValueError, match="continuous"):
        network.score(X, X[:, 0])


# --- weights by labels -----------------------------------------------------------------

WORDS = np.array(["ham", "spam"])[PLACES]


def ensemble(**settings: Any) -> Any:
    return PopulationEnsembleClassifier(2, max_iter=2, random_state=0, **settings)


@pytest.mark.parametrize(
    ("y", "weights", "got", "remedy"),
    [
        (WORDS, {"Spam": 19}, "'Spam'", "'spam'"),
        (WORDS, {"ham": 2, "Spam": 19}, "'Spam'", "'spam'"),
        (WORDS, {0: 2}, "0", None),
        (PLACES, {"1": 5.0}, "'1'", "1"),
        (PLACES, {2: 5.0}, "2", None),
        (PLACES.astype(bool), {"True": 5.0}, "'True'", "True"),
        (PLACES / 2, {0.25: 5.0}, "0.25", None),
        (CLOSE[PLACES], {2**53 + 2: 5.0}, "9007199254740994", "9007199254740992"),
    ],
)
def test_a_weight_of_a_class_that_is_not_there(y: Any, weights: Any, got: str, remedy: Any) -> None:
    labels = y.astype(int) if y.dtype == float else y
    remedy = f"; try {remedy}$" if remedy else "$"
    for make in (quick, ensemble):
        model = make(class_weight=weights)
        name = type(model).__name__
        with pytest.raises(
            tl.SettingError,
            match=f"class_weight of {name} must name labels of y, .*; got {got}{remedy}",
        ):
            model.fit(X, labels)
    with pytest.raises(tl.SettingError, match=f"got {got}"):
        quick(class_weight=weights).partial_fit(X, labels, classes=np.unique(labels))


def test_weights_of_all_classes_and_more_are_a_warning() -> None:
    """Part of the rows, as a fold is, may lack a class."""
    plain = quick(class_weight={0: 2, 1: 3}).fit(X, PLACES)
    more = quick(class_weight={0: 2, 1: 3, 7: 5})
    with pytest.warns(UserWarning, match=r"must name labels of y, which are \[0, 1\]; got 7$"):
        more.fit(X, PLACES)
    assert np.array_equal(more.predict_proba(X), plain.predict_proba(X))


def test_weights_of_classes_are_any_finite_numbers() -> None:
    large = quick(class_weight={0: 10**20, 1: np.float32(0.5)}, alpha=0.0).fit(X, PLACES)
    floats = quick(class_weight={0: 1e20, 1: 0.5}, alpha=0.0).fit(X, PLACES)
    assert np.array_equal(large.predict_proba(X), floats.predict_proba(X))
    for bad in (10**400, -1, np.nan, np.inf, "2", None):
        with pytest.raises(tl.DataError, match="class_weight of MLPClassifier must hold finite"):
            quick(class_weight={0: bad}).fit(X, PLACES)


def searching() -> tl.PopulationSearchCV:
    return tl.PopulationSearchCV(quick(), {"alpha": [0.1]}, n_iter=1)


@pytest.mark.parametrize("kind", [MLPClassifier, tl.PopulationEnsembleClassifier, searching])
@pytest.mark.parametrize(
    "form", [list, lambda y: pd.Series(y, dtype=object), lambda y: pd.Series(y).convert_dtypes()]
)
@pytest.mark.parametrize("labels", [["no", None], ["no", np.nan], [True, "no"], [{}, {}]])
def test_labels_without_an_order_are_refused(kind: Any, form: Any, labels: list[Any]) -> None:
    """A list of ["no", nan] had the class "nan"."""
    told = f"y of {type(kind()).__name__} must hold labels of one kind, and one in each row; got ["
    complains(lambda: kind().fit(X, form(labels * 20)), tl.DataError, told)


def test_labels_of_categories_that_are_missing_are_refused() -> None:
    labels = pd.Series(["no", None, "yes", "no"] * 10).astype("category")
    for model in (quick(), searching()):
        told = f"y of {type(model).__name__} must hold labels of one kind, and one in each row"
        with pytest.raises(tl.DataError, match=told):
            model.fit(X, labels)


@pytest.mark.parametrize("kind", [MLPRegressor, tl.PopulationEnsembleRegressor])
@pytest.mark.parametrize("form", [list, np.array, lambda y: np.array(y, object), pd.Series])
def test_a_regressor_that_is_given_words_names_the_classifier(kind: Any, form: Any) -> None:
    told = f"y of {kind.__name__} must hold real numbers; got 'no'; try "
    told += kind.__name__.replace("Regressor", "Classifier")
    with pytest.raises(tl.DataError, match=told):
        kind().fit(X, form(["no", "yes"] * 20))


@pytest.mark.parametrize("kind", [MLPRegressor, tl.PopulationEnsembleRegressor])
def test_objects_that_are_no_finite_numbers_are_no_targets(kind: Any) -> None:
    """scikit-learn looks for infinity before it makes numbers of them."""
    told = f"y of {kind.__name__} must hold finite numbers; got inf"
    for odd in (Decimal("Infinity"), Decimal("1e400")):
        complains(lambda odd=odd: kind().fit(X, [Decimal(1), odd] * 20), tl.DataError, told)
