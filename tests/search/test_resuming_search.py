"""A search that is cut off anywhere and started again ends with the same bits."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.samplers import RandomSampler, TPESampler
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from engines import needs_fork
from trainlab import MLPClassifier, PopulationSearchCV
from trainlab.errors import SettingError, StoreError
from trainlab.search.persistence import plain
from trainlab.store import FILE, Run, Store, listed
from trainlab.training import pace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
SPACE = {"learning_rate_init": loguniform(1e-3, 1e-1), "alpha": [1e-4, 1e-2]}
GROUPS = {**SPACE, "batch_size": [30, 50], "max_iter": [2, 3]}
KILLS = 12


def search(store: Any = None, **changed: Any) -> Any:
    """A search over networks that train in a few hundredths of a second."""
    own = {"max_iter": 3, "random_state": 0, **changed.pop("network", {})}
    network = MLPClassifier((5,), **own)
    space = changed.pop("space", SPACE)
    chosen = {"n_iter": 4, "cv": 2, "random_state": 0, "workers": 1, **changed}
    return PopulationSearchCV(network, space, store=store, **chosen)


def found(fitted: Any) -> Any:
    """What a search has found, but for the times; of the best what it predicts."""
    results = {
        name: values.tolist() if hasattr(values, "tolist") else values
        for name, values in fitted.cv_results_.items()
        if not name.endswith("_time")
    }
    best = fitted.best_estimator_
    return results, fitted.best_params_, best.predict_proba(IRIS[0]).tobytes()


class PowerCutError(BaseException):
    """From here on nothing reaches the disk.  As Ctrl-C, it is no Exception."""


def cut_after(saves: int, patch: pytest.MonkeyPatch) -> None:
    """Lets so many transactions pass, and none after them."""
    right, count = Run.save, itertools.count()

    def save(self: Run, *given: Any) -> None:
        if next(count) >= saves:
            raise PowerCutError
        right(self, *given)

    patch.setattr(Run, "save", save)


ROWS = {"validation_data": (IRIS[0][::4], IRIS[1][::4])}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one round": ({}, {}),
    "rounds": ({"rounds": 2}, {}),
    "halving": ({"halving": 2}, {}),
    "sampler": (
        {"rounds": 2, "sampler": TPESampler(n_startup_trials=2, seed=1), "random_state": None},
        {},
    ),
    "seeds in several groups": ({"space": GROUPS, "network": {"n_members": 2}}, {}),
    "validation rows": ({"network": {"early_stopping": True, "n_iter_no_change": 1}}, ROWS),
}


@pytest.mark.parametrize("kind", KINDS)
def test_cut_after_every_transaction(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    settings, fit = KINDS[kind]
    usual = found(search(**settings).fit(*IRIS, **fit))
    steps[0] = 0
    assert found(search(tmp_path / "whole", **settings).fit(*IRIS, **fit)) == usual
    whole, again = steps[0], []
    for saves in itertools.count(step=1 if kind == "one round" else 3):
        folder = tmp_path / str(saves)
        with monkeypatch.context() as patch:
            cut_after(saves, patch)
            try:
                search(folder, **settings).fit(*IRIS, **fit)
                break
            except PowerCutError:
                pass
        steps[0] = 0
        assert found(search(folder, **settings).fit(*IRIS, **fit)) == usual
        again.append(steps[0])
    # One transaction or more for each population, and one for the search.
    assert saves >= len(listed(folder)) > 3
    assert again == sorted(again, reverse=True)
    assert again[0] == whole
    assert again[-1] < whole / 2
    steps[0] = 0
    assert found(search(folder, **settings).fit(*IRIS, **fit)) == usual
    assert steps[0] == 0


def test_epochs_that_are_done_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    monkeypatch.setattr(pace, "FIRST", 0.0)
    monkeypatch.setattr(pace, "SHARE", np.inf)
    usual = found(search().fit(*IRIS))
    whole, again = steps[0], []
    for saves in range(1, 6):
        with monkeypatch.context() as patch:
            cut_after(saves, patch)
            with pytest.raises(PowerCutError):
                search(tmp_path / str(saves)).fit(*IRIS)
        steps[0] = 0
        assert found(search(tmp_path / str(saves)).fit(*IRIS)) == usual
        again.append(steps[0])
    assert whole > again[0] > again[1] > again[-1]


def test_a_pipeline_and_a_store_that_is_open(tmp_path: Path, steps: list[int]) -> None:
    network = MLPClassifier((5,), max_iter=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network)
    space = {
        "standardscaler": [StandardScaler(), "passthrough"],
        "mlpclassifier__alpha": loguniform(1e-5, 1),
    }
    settings = {"n_iter": 5, "cv": 2, "random_state": 0}
    usual = found(PopulationSearchCV(pipeline, space, **settings).fit(*IRIS))
    with Store(tmp_path) as store:
        own = PopulationSearchCV(pipeline, space, **settings, store=store)
        assert found(own.fit(*IRIS)) == usual
        steps[0] = 0
        assert found(own.fit(*IRIS)) == usual
        assert steps[0] == 0
        keys = [about.key for about in listed(tmp_path)]
        with pytest.raises(StoreError, match="one process at a time"):
            own.set_params(store=tmp_path).fit(*IRIS)
    best = own.best_index_
    splits = [f"search: round 0, split {i}, population {j}" for i in (0, 1) for j in (0, 1)]
    assert keys == ["search", *splits, f"search: best, candidate {best}, population 0"]
    assert {(about.done, about.total) for about in listed(tmp_path)} >= {(1, 1)}
    assert all(about.done == about.total for about in listed(tmp_path))


def test_other_scores_are_asked_of_networks_that_are_there(
    tmp_path: Path, steps: list[int]
) -> None:
    search(tmp_path, refit=False).fit(*IRIS)
    steps[0] = 0
    asked = {"scoring": ["neg_log_loss", "accuracy"], "refit": False}
    own = search(tmp_path, **asked, return_train_score=True).fit(*IRIS)
    assert steps[0] == 0
    alone = search(**asked).fit(*IRIS)
    name = "mean_test_neg_log_loss"
    assert own.cv_results_[name].tolist() == alone.cv_results_[name].tolist()


CHANGES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"n_iter": 5}, "n_iter was 4, is 5"),
    ({"rounds": 2}, "rounds was 1, is 2"),
    ({"halving": 3}, "halving was None, is 3"),
    ({"sampler": RandomSampler(0)}, "sampler was None, is 'RandomSampler'"),
    ({"cv": 3}, "splits was 2, is 3"),
    ({"random_state": 1}, "random_state was 0, is 1"),
    ({"space": {**SPACE, "alpha": [1e-4, 1e-3]}}, "param_distributions.alpha[1] was 0.01, is"),
    ({"space": {**SPACE, "dropout": [0.1]}}, "dropout was not given, is [0.1]"),
    ({"space": {**SPACE, "learning_rate_init": loguniform(1e-4, 1e-1)}}, "was 0.001, is 0.0001"),
    ({"network": {"max_iter": 4}}, "estimator.max_iter was 3, is 4"),
    ({"network": {"optimizer": tl.Adam()}}, "estimator.optimizer was 'adam', is"),
)


@pytest.mark.parametrize(("changed", "told"), CHANGES, ids=[told for _, told in CHANGES])
def test_a_change_is_named_and_nothing_is_lost(
    changed: dict[str, Any], told: str, tmp_path: Path, steps: list[int]
) -> None:
    usual = found(search(tmp_path).fit(*IRIS))
    with pytest.raises(SettingError) as caught:
        search(tmp_path, **changed).fit(*IRIS)
    assert told in str(caught.value)
    assert "try fresh=True, which starts over, or another folder" in str(caught.value)
    steps[0] = 0
    assert found(search(tmp_path, workers=2, verbose=True).fit(*IRIS)) == usual
    assert steps[0] == 0


def test_other_rows_are_named(tmp_path: Path) -> None:
    search(tmp_path).fit(*IRIS)
    with pytest.raises(SettingError, match=r"'search: round 0, split 0, population 0' .* data was"):
        search(tmp_path).fit(IRIS[0] + 1, IRIS[1])


def test_a_sampler_without_a_seed_is_noticed(tmp_path: Path) -> None:
    search(tmp_path, sampler=RandomSampler()).fit(*IRIS)
    with pytest.raises(SettingError, match=r"population 0' .* got others: members\[0\]"):
        search(tmp_path, sampler=RandomSampler()).fit(*IRIS)


def test_fresh_starts_over_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    """Cut off soon after, nothing is left of the older search for the next start to meet."""
    with Store(tmp_path) as store:
        store.run("searching", {}, 1)
        store.run("search: round 0, split 7, population 0", {}, 1)
    search(tmp_path, cv=3).fit(*IRIS)
    with monkeypatch.context() as patch:
        cut_after(2, patch)
        with pytest.raises(PowerCutError):
            search(tmp_path, fresh=True).fit(*IRIS)
    assert len(listed(tmp_path)) == 1 + 1 + 3  # the last is the best, or not begun
    usual = found(search().fit(*IRIS))
    whole, steps[0] = steps[0], 0
    assert found(search(tmp_path).fit(*IRIS)) == usual
    assert 0 < steps[0] < whole
    assert listed(tmp_path)[0].key == "searching"


def test_what_cannot_be_drawn_again_is_refused(tmp_path: Path) -> None:
    for drawn in (None, np.random.RandomState(0)):
        with pytest.raises(SettingError, match="random_state of PopulationSearchCV must be an int"):
            search(tmp_path, random_state=drawn).fit(*IRIS)
        with pytest.raises(SettingError, match="random_state of MLPClassifier must be an integer"):
            search(tmp_path, network={"random_state": drawn}).fit(*IRIS)
    with pytest.raises(SettingError, match="store of fit must be None, a folder or a Store"):
        search(3).fit(*IRIS)
    assert not list(tmp_path.iterdir())
    space = {**SPACE, "random_state": [1, 2]}
    search(tmp_path, space=space, network={"random_state": None}, refit=False).fit(*IRIS)


@pytest.mark.parametrize("stored", [False, True])
def test_the_best_may_diverge_on_all_rows(stored: bool, tmp_path: Path) -> None:
    """As with the estimator's own `fit`, that is a warning."""
    X, y = IRIS[0].copy(), IRIS[1]
    rows = [(np.arange(2, 149, 2), np.arange(3, 149, 2))]
    X[[0, 149]] = 1e30  # not in the split; no network is right of both
    given = {"cv": rows, "n_iter": 2, "space": {"alpha": [0.0, 1e-3]}}
    network = {"optimizer": "sgd", "activation": "identity", "standardize_inputs": False}
    network["dtype"] = "float32"
    own = search(tmp_path if stored else None, network=network, **given)
    for _ in range(1 + stored):
        with pytest.warns(ConvergenceWarning, match="diverged at step"):
            own.fit(X, y)
        assert own.best_estimator_.predict(X).shape == y.shape


def test_failed_trainings_fail_again(tmp_path: Path, steps: list[int]) -> None:
    space = {"learning_rate_init": [1e30, 1e-2]}
    network = {"optimizer": "sgd", "dtype": "float32"}
    for _ in range(2):
        own = search(tmp_path, space=space, network=network, n_iter=2, error_score=-1.0)
        with pytest.warns(FitFailedWarning, match="2 of 4 trainings"):
            own.fit(*IRIS)
        assert own.best_params_ == {"learning_rate_init": 1e-2}
        last, steps[0] = steps[0], 0
    assert last == 0


def test_values_are_told_apart_by_what_they_say() -> None:
    assert plain(np.float32(0.5)) == 0.5
    assert plain(float("inf")) == "inf"
    assert plain(np.arange(2)) == plain(range(2)) == [0, 1]
    assert plain(loguniform(1, b=2)) == ["loguniform", [1], {"b": 2}]
    assert plain(object()) == plain(object()) == "object"
    assert plain(tl.SGD(0.1))["lr"] == 0.1
    described = plain(make_pipeline(StandardScaler(with_mean=False), MLPClassifier(workers=2)))
    assert described["steps"][0][1] == {
        "kind": "StandardScaler",
        "copy": True,
        "with_mean": False,
        "with_std": True,
    }
    assert "workers" not in described["steps"][1][1]


@needs_fork
def test_kill_9_at_any_moment(tmp_path: Path, forked: Any) -> None:
    rng, kills, ends, longest = np.random.default_rng(5), 0, 0, 0.2
    settings = {"rounds": 2, "workers": 2, "space": GROUPS}
    usual = found(search(**settings).fit(*IRIS))
    while kills < KILLS:
        folder = tmp_path / str(ends)
        child = forked(lambda folder=folder: search(folder, **settings).fit(*IRIS))
        time.sleep(rng.uniform(0, longest))
        longest *= 1.1  # on a busy machine it would not get anywhere before it is killed
        os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
        if code == 0 or kills == KILLS:
            assert found(search(folder, **settings).fit(*IRIS)) == usual
            ends, longest = ends + 1, 0.2
    assert (folder / FILE).is_file()
