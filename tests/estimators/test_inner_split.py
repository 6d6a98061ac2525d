"""Rows that `early_stopping` sets aside, where classes are rare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

import trainlab as tl
from trainlab import MLPClassifier, MLPRegressor, PopulationEnsembleClassifier, PopulationSearchCV
from trainlab.terminal import counted

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # scikit-learn says so of a class with one row, in a search.
    pytest.mark.filterwarnings("ignore:The least populated class in y has only 1 members"),
]

X = np.random.default_rng(8).normal(size=(120, 3))


def stopping(**settings: Any) -> Any:
    chosen = {"max_iter": 5, "random_state": 0, "batch_size": 20, **settings}
    return MLPClassifier((5,), early_stopping=True, **chosen)


def parts(y: Any, **settings: Any) -> tuple[list[int], list[int]]:
    """How many rows of each class are trained on, and validated on."""
    data = stopping(**settings)._prepare(X[: len(y)], y).data
    classes = len(np.unique(y))
    train, held = (np.bincount(part.t, minlength=classes) for part in (data.train, data.validation))
    return train.tolist(), held.tolist()


def test_digits_of_which_some_are_rare_are_fitted() -> None:
    digits, y = load_digits(return_X_y=True)
    network = stopping(max_iter=100, learning_rate_init=0.02).fit(digits[:90], y[:90])
    assert network.score(digits[:90], y[:90]) > 0.5
    assert network.validation_scores_ is not None


@pytest.mark.parametrize(
    ("counts", "fraction", "held"),
    [
        # One row of each class stays; of the others each class has its share, ± 1.
        ([60, 59, 1], 0.1, 12),
        ([100, 10, 5, 1, 1, 1, 1, 1], 0.1, 12),
        ([1] * 59 + [61], 0.5, 60),
        ([12] * 10, 0.05, 6),  # fewer than there are classes
        ([2] * 60, 0.1, 12),
        ([2] * 60, 0.5, 60),
        ([118, 1, 1], 0.97, 116),
    ],
)
def test_each_class_keeps_a_row_to_train_on(counts: Any, fraction: float, held: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    train, validation = parts(y, validation_fraction=fraction)
    assert np.add(train, validation).tolist() == counts
    assert min(train) >= 1
    assert sum(validation) == held
    shares = (np.array(counts) - 1) * held / (len(y) - len(counts))
    assert (np.abs(validation - shares) < 1).all()


def test_a_seed_draws_the_same_rows_again_and_another_one_others() -> None:
    y = np.repeat([0, 1, 2], [60, 59, 1])
    drawn = [stopping(random_state=n)._prepare(X, y).data.validation.x for n in (0, 0, 1)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_classes_that_have_rows_enough_are_drawn_as_ever() -> None:
    y = np.repeat([0, 1, 2], [60, 40, 20])
    assert parts(y) == ([54, 36, 18], [6, 4, 2])


@pytest.mark.parametrize(
    ("rows", "classes", "fraction"), [(10, 10, 0.1), (12, 6, 0.9), (1, 1, 0.5), (2, 1, 0.9)]
)
def test_rows_too_few_to_set_some_aside(rows: int, classes: int, fraction: float) -> None:
    y = np.arange(rows) % classes
    told = (
        f"validation_fraction of early_stopping must leave {counted(classes, 'row')} to train on"
        ".* try early"
    )
    with pytest.raises(tl.SettingError, match=told):
        stopping(validation_fraction=fraction, batch_size="auto").fit(X[:rows], y)
    if classes == 1:
        with pytest.raises(tl.SettingError, match=told):
            MLPRegressor(early_stopping=True, validation_fraction=fraction).fit(X[:rows], y)


def test_a_class_of_one_row_in_a_search_and_in_ensembles() -> None:
    y = np.repeat([0, 1, 2], [60, 59, 1])
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    search = PopulationSearchCV(
        stopping(), {"alpha": [1e-4, 1e-2]}, n_iter=2, cv=cv, ensemble="greedy", error_score="raise"
    )
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    for model in (search.ensemble_, PopulationEnsembleClassifier(2, max_iter=3).fit(X, y)):
        assert model.classes_.tolist() == [0, 1, 2]
        p = model.predict_proba(X)
        assert p.shape == (120, 3)
        assert np.allclose(p.sum(axis=1), 1)
    # The fold with the row has networks that know of two classes, the others of all.
    every = [one.predict_proba(X) for one in search.ensemble_.estimators_]
    assert {one.shape[1] for one in every} == {2, 3}
    whole = [np.pad(one, ((0, 0), (0, 3 - one.shape[1]))) for one in every]
    mean = np.average(
        whole,
        axis=0,
        weights=np.repeat(search.ensemble_.weights_[search.ensemble_.weights_ > 0] / 3, 3),
    )
    assert np.allclose(search.ensemble_.predict_proba(X), mean)
