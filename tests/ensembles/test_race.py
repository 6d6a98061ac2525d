"""The race: all candidates are trained in the first fold, and finalists in the others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.ensembles import base, training
from trainlab.ensembles.plan import RECIPE
from trainlab.errors import SettingError
from trainlab.search.selection import bagged, select
from trainlab.training.progress import Bar

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SPACE = {
    "hidden_layer_sizes": [(6,), (5, 4)],
    "learning_rate_init": [0.003, 0.01, 0.03],
    "standardize_inputs": ["robust", "piecewise"],
}


def small(kind: Any = PopulationEnsembleRegressor, count: int = 8, **settings: Any) -> Any:
    usual = {"n_architectures": 4, "space": SPACE, "n_folds": 3, "max_iter": 6, "random_state": 3}
    return kind(count, **(usual | settings))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many networks there were in each fold."""
    found: dict[str, int] = {}
    right = training.fit_together

    def fit(fits: Any, *more: Any) -> Any:
        for one in fits:
            fold = one.settings.run.split(",")[0]
            found[fold] = found.get(fold, 0) + len(one.members)
        return right(fits, *more)

    monkeypatch.setattr(training, "fit_together", fit)
    return found


@pytest.mark.parametrize("kind", [PopulationEnsembleClassifier, PopulationEnsembleRegressor])
def test_the_first_fold_decides_who_is_trained_in_the_others(
    kind: Any, trained: dict[str, int]
) -> None:
    model = small(kind).fit(*(IRIS if kind is PopulationEnsembleClassifier else DIABETES))
    finalists = np.isfinite(model.losses_)
    assert 1 < finalists.sum() <= math.ceil(training.FINALISTS * len(model.candidates_)) + 1
    assert len(model.candidates_) == 8 + 2
    number = int(finalists[:8].sum())
    assert trained == {"ensemble: fold 1": 8, **{f"ensemble: fold {n}": number for n in (2, 3)}}
    assert not model.weights_[~finalists].any()
    assert model.best_index_ == np.argmin(model.losses_)


@pytest.mark.parametrize(
    ("weights", "finalists"),
    [
        ([0.1, 0.2, 0, 0, 0, 0, 0, 0, 0.7, 0], [0, 1, 8]),
        ([0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0, 0, 0, 0], [0, 1, 4, 5]),  # the first of equal ones
        ([0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5], [0, 8, 9]),  # a network there must be
        ([0, 0, 0, 0.01, 0, 0, 0, 0.02, 0.5, 0.47], [3, 7, 8, 9]),
    ],
)
def test_finalists_are_selected_most(
    weights: list[float], finalists: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "bagged", lambda *given: np.array(weights))
    model = small().fit(*DIABETES)
    assert np.flatnonzero(np.isfinite(model.losses_)).tolist() == finalists


def test_a_linear_model_takes_no_others_place(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.array([0.2, 0.2, 0.2, 0.2, 0.15, 0, 0, 0.05, 0, 0])
    monkeypatch.setattr(training, "bagged", lambda *given: weights)
    model = small(space=None).fit(*DIABETES)
    assert [one.get("hidden_layer_sizes") for one in model.candidates_].index(()) == 7
    assert np.flatnonzero(np.isfinite(model.losses_)).tolist() == [0, 1, 2, 3, 7]


def test_a_space_need_not_name_the_hidden_layers() -> None:
    model = small(count=2, space={"dropout": [0.0, 0.1]}, n_folds=2, trees=False, max_iter=2)
    assert np.isfinite(model.fit(*DIABETES).losses_).any()


def test_finalists_are_the_networks_that_they_are_without_a_race(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raced = small().fit(*DIABETES)
    monkeypatch.setattr(training, "FINALISTS", 1.0)
    monkeypatch.setattr(training, "bagged", lambda truths, *given: np.ones(len(truths)))
    every = small().fit(*DIABETES)
    finalists = np.isfinite(raced.losses_)
    assert np.isfinite(every.losses_).all()
    assert not finalists.all()
    assert raced.losses_[finalists].tobytes() == every.losses_[finalists].tobytes()


def test_the_bar_says_how_good_the_best_of_the_first_fold_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[float] = []
    monkeypatch.setattr(Bar, "best", lambda bar, value: told.append(value))
    model = small(verbose=True).fit(*DIABETES)
    (best,) = told
    assert 0.5 < best / model.losses_.min() < 2


def test_a_fold_alone_is_no_race() -> None:
    assert np.isfinite(small(n_folds=1).fit(*DIABETES).losses_).all()


def test_what_an_earlier_version_began_goes_on_without_a_race(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    stored = small(store=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(base, "stored_recipe", lambda store, name: 2)
        earlier = stored.fit(*DIABETES)
    assert np.isfinite(earlier.losses_).all()
    steps[0] = 0
    again = clone(stored).fit(*DIABETES)
    assert steps[0] == 0, "nothing is trained again"
    assert again.losses_.tobytes() == earlier.losses_.tobytes()
    assert np.isinf(clone(stored).set_params(fresh=True).fit(*DIABETES).losses_).any()
    assert np.isinf(clone(stored).fit(*DIABETES).losses_).any(), "it goes on as it began"


def test_what_an_earlier_version_began_with_many_rows_has_one_fold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "FEW_ROWS", 100)
    stored = small(n_folds="auto", store=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(base, "stored_recipe", lambda store, name: 2)
        assert stored.fit(*DIABETES).n_folds_ == 1
    assert clone(stored).fit(*DIABETES).n_folds_ == 1
    assert clone(stored).set_params(fresh=True).fit(*DIABETES).n_folds_ == 3


@pytest.mark.parametrize(("task", "aim"), [("regression", ()), ("regression", (0.9, 1.0))])
def test_bagged_is_the_mean_of_selections_on_rows_that_are_drawn(
    task: str, aim: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(8)
    truths = rng.standard_normal((6, 30, 1)) + rng.standard_normal((30, 1))
    found = bagged(truths, np.ones(30), task, 12, 7, np.random.RandomState(5), *aim)
    draws = np.random.RandomState(5)
    expected = []
    for _ in range(7):
        rows = draws.randint(30, size=30)
        expected.append(select(truths[:, rows], np.ones(30), task, 12, *aim).weights)
    assert found == pytest.approx(np.mean(expected, axis=0), abs=1e-12)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).sum() > (expected[0] > 0).sum()


def test_a_store_of_a_later_recipe_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = small(store=tmp_path, n_folds=1)
    with monkeypatch.context() as patch:
        patch.setattr(base, "RECIPE", RECIPE + 1)
        stored.fit(*DIABETES)
    with pytest.raises(SettingError, match=f"recipe was {RECIPE + 1}, is {RECIPE}"):
        clone(stored).fit(*DIABETES)
