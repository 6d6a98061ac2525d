"""Ensembles within a time: what votes, what is left out, and how the same bits come again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

import trainlab as tl
from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.ensembles import training
from trainlab.ensembles.boosting import iterations_of
from trainlab.errors import SettingError

IRIS = load_iris(return_X_y=True)
SPACE = {
    "hidden_layer_sizes": [(6,), (5, 4)],
    "learning_rate_init": loguniform(1e-2, 5e-2),
    "standardize_inputs": ["robust", "piecewise"],
}


class Clock:
    """A clock that goes on where networks are trained and trees grown, and nowhere else.

    network, tree  seconds of each network in a fold, and of an iteration of trees
    costs    those of networks in some trainings, by their number from 1 on
    trained  how many networks there were in each
    """

    def __init__(
        self, network: float = 1.0, tree: float = 0.0, costs: dict[int, float] | None = None
    ) -> None:
        self.now, self.network, self.tree = 1000.0, network, tree
        self.costs, self.trained = costs or {}, list[int]()

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], Clock]:
    """Sets a clock."""

    def set_clock(clock: Clock) -> Clock:
        fit_together, grow = training.fit_together, training.EnsembleTraining._grown

        def fit(fits: Any, shared: Any, until: float | None) -> Any:
            count = sum(len(one.members) for one in fits)
            clock.trained.append(count)
            clock.now += count * clock.costs.get(len(clock.trained), clock.network)
            # What time has run out on ends before its first step.
            late = until is not None and clock.now > until
            return fit_together(fits, shared, 0.0 if late else None)

        def grown(
            self: Any, plan: Any, fold: int, number: int, iterations: int | None = None
        ) -> Any:
            found = grow(self, plan, fold, number, iterations)
            of = plan.targets, plan.trees[number], plan.rows.x.shape[1], plan.words
            clock.now += clock.tree * (iterations or iterations_of(*of))
            return found

        monkeypatch.setattr(training, "time", clock)
        monkeypatch.setattr("trainlab.ensembles.base.time", clock)
        monkeypatch.setattr(training, "fit_together", fit)
        monkeypatch.setattr(training.EnsembleTraining, "_grown", grown)
        return clock

    return set_clock


def small(kind: Any = PopulationEnsembleClassifier, **settings: Any) -> Any:
    usual = {"n_architectures": 2, "space": SPACE, "max_iter": 6, "random_state": 3}
    return kind(**(usual | settings))


def test_with_time_enough_nothing_is_left_out(clocked: Callable[[Clock], Clock]) -> None:
    usual = small(n_folds=3).fit(*IRIS)
    clocked(Clock())
    within = small(n_folds=3, time_limit=1000).fit(*IRIS)
    assert len(within.candidates_) == 16 + 2
    assert within.losses_.tobytes() == usual.losses_.tobytes()
    assert within.predict_proba(IRIS[0]).tobytes() == usual.predict_proba(IRIS[0]).tobytes()


@pytest.mark.parametrize(
    ("limit", "candidates", "folds"), [(3, 2, {1}), (6, 2, {4}), (12, 5, {3, 4}), (90, 16, {5})]
)
@pytest.mark.parametrize("kind", [PopulationEnsembleClassifier, PopulationEnsembleRegressor])
def test_what_there_was_time_for_can_be_trained_again(
    kind: Any, limit: float, candidates: int, folds: set[int], clocked: Callable[[Clock], Clock]
) -> None:
    X, y = IRIS if kind is PopulationEnsembleClassifier else load_diabetes(return_X_y=True)
    clock = clocked(Clock())
    model = small(kind, time_limit=limit, trees=False).fit(X, y)
    assert clock.now - 1000 <= limit
    assert len(model.candidates_) == candidates
    assert model.n_folds_ in folds
    said = {"n_candidates": candidates, "n_folds": model.n_folds_}
    assert model.replay_ == {"time_limit": None, **said, "trees": False}
    done = sum(clock.trained)
    again = clone(model).set_params(**model.replay_).fit(X, y)
    assert sum(clock.trained) == 2 * done
    assert again.losses_.tobytes() == model.losses_.tobytes()
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    assert again.replay_ == model.replay_


class Fewer(PopulationEnsembleClassifier):
    """What takes fewer parameters than the class that it is derived from."""

    def __init__(self, n_candidates: int = 4, *, time_limit: Any = None, n_folds: int = 2) -> None:
        super().__init__(
            n_candidates, n_folds=n_folds, time_limit=time_limit, trees=False, max_iter=2
        )


def test_a_derived_class_is_trained_again_by_parameters_that_it_has(
    clocked: Callable[[Clock], Clock],
) -> None:
    model = Fewer().fit(*IRIS)
    assert model.replay_ == {"n_candidates": 4, "n_folds": 2, "time_limit": None}
    clone(model).set_params(**model.replay_)
    clocked(Clock())
    # What it would take to leave out the trees that there was no time for, it has not.
    assert Fewer(time_limit=1000).fit(*IRIS).replay_ is None


def test_what_does_not_end_in_time_is_left_out(clocked: Callable[[Clock], Clock]) -> None:
    # The first two, two more, and then a wave that takes longer than it seemed.
    clock = clocked(Clock(costs={3: 100.0}))
    model = small(time_limit=60, trees=False).fit(*IRIS)
    assert clock.trained == [2, 2, 4]
    assert (model.replay_["n_candidates"], model.n_folds_) == (4, 1)
    usual = small(**model.replay_).fit(*IRIS)
    assert usual.predict_proba(IRIS[0]).tobytes() == model.predict_proba(IRIS[0]).tobytes()


def test_folds_that_do_not_end_in_time_are_left_out(clocked: Callable[[Clock], Clock]) -> None:
    clock = clocked(Clock(costs={6: 100.0}))
    model = small(time_limit=60, trees=False).fit(*IRIS)
    assert clock.trained[:4] == [2, 2, 4, 8]
    assert len(clock.trained) == 6
    assert (model.replay_["n_candidates"], model.n_folds_) == (16, 2)


def test_networks_vote_as_they_are_where_there_is_no_time_at_all(
    clocked: Callable[[Clock], Clock],
) -> None:
    clock = clocked(Clock(network=100.0))
    with pytest.warns(UserWarning, match=r"time_limit .* one network of each architecture.*got 60"):
        model = small(time_limit=60).fit(*IRIS)
    assert clock.trained == [2]
    assert model.replay_ is None
    assert (len(model.candidates_), model.n_folds_) == (2, 1)
    assert np.isfinite(model.predict_proba(IRIS[0])).all()


@pytest.mark.parametrize(
    ("tree", "limit", "there"),
    [
        (0.001, 60, True),
        (0.06, 60, False),  # more than their share of what is left after the first wave
        (0.07, 120, True),  # put off, and then there is time
        (0.3, 120, False),  # put off, and then there is none
    ],
)
def test_trees_have_their_share_of_the_time(
    tree: float, limit: float, there: bool, clocked: Callable[[Clock], Clock]
) -> None:
    clock = clocked(Clock(network=0.5 if limit > 60 else 1.0, tree=tree))
    model = small(time_limit=limit).fit(*IRIS)
    assert clock.now - 1000 <= limit
    assert model.replay_["trees"] is there
    assert any("max_leaf_nodes" in one for one in model.candidates_) is there
    again = clone(model).set_params(**model.replay_).fit(*IRIS)
    assert again.predict_proba(IRIS[0]).tobytes() == model.predict_proba(IRIS[0]).tobytes()


def test_a_store_keeps_what_was_trained(
    tmp_path: Path, steps: list[int], clocked: Callable[[Clock], Clock]
) -> None:
    clocked(Clock())
    first = small(time_limit=40, trees=False, store=tmp_path).fit(*IRIS)
    done = steps[0]
    longer = clone(first).set_params(time_limit=90).fit(*IRIS)
    assert longer.replay_["n_candidates"] == 16
    whole = steps[0] - done
    steps[0] = 0
    assert clone(longer).fit(*IRIS).losses_.tobytes() == longer.losses_.tobytes()
    assert steps[0] == 0
    clone(longer).set_params(store=None).fit(*IRIS)
    assert steps[0] > whole
    with pytest.raises(SettingError, match="time_limit"):
        clone(first).set_params(time_limit=None).fit(*IRIS)


def test_a_store_tells_finalists_by_whether_trees_were_among_those_they_were_chosen_from(
    tmp_path: Path, clocked: Callable[[Clock], Clock]
) -> None:
    """Four networks, and two networks and two models of trees: other finalists of four."""
    clocked(Clock())
    first = small(time_limit=10, trees=False, store=tmp_path).fit(*IRIS)
    assert (first.replay_["n_candidates"], first.n_folds_ > 1) == (4, True)
    clocked(Clock())
    then = small(time_limit=5, store=tmp_path).fit(*IRIS)
    assert (then.replay_["n_candidates"], then.replay_["trees"]) == (2, True)
    assert then.n_folds_ > 1
    again = clone(then).set_params(store=None, **then.replay_).fit(*IRIS)
    assert again.predict_proba(IRIS[0]).tobytes() == then.predict_proba(IRIS[0]).tobytes()


def test_what_a_store_has_may_take_no_time(
    tmp_path: Path, clocked: Callable[[Clock], Clock]
) -> None:
    """By a clock with coarse steps, as that of Windows."""
    model = small(time_limit=60, trees=False, store=tmp_path)
    clocked(Clock())
    model.fit(*IRIS)
    clocked(Clock(network=0.0))
    assert model.fit(*IRIS).replay_["n_candidates"] == 16


def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch, clocked: Callable[[Clock], Clock]) -> None:
    clocked(Clock())
    right = training.fit_together

    def interrupted(fits: Any, shared: Any, until: float | None) -> Any:
        return right(fits, shared, 0.0 if until is None else until - 1e9)

    monkeypatch.setattr(training, "fit_together", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small(time_limit=1e6).fit(*IRIS)


def test_replay_is_kept_in_a_file(tmp_path: Path, clocked: Callable[[Clock], Clock]) -> None:
    clocked(Clock())
    model = small(time_limit=12).fit(*IRIS)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.replay_ == model.replay_
    assert again.time_limit == 12


@pytest.mark.parametrize("limit", [0, -1, float("inf"), float("nan"), "60", True])
def test_what_is_no_limit_is_said(limit: Any) -> None:
    with pytest.raises(SettingError, match="time_limit of PopulationEnsembleClassifier must be"):
        small(time_limit=limit).fit(*IRIS)
