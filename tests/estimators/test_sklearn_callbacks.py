"""The callbacks of scikit-learn follow the fits of our estimators, where it has some."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has them from 1.9 on")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] + 0.3 * RNG.normal(size=60) > 0).astype(int)
EPOCHS = 5


class Recorder:
    """Keeps what it is told, and what a fitted estimator said then; ends where it is told to."""

    def __init__(self, ends_at: int | None = None) -> None:
        self.told: list[tuple[str, str, tuple[int, ...]]] = []
        self.said: dict[tuple[int, ...], Any] = {}
        self.given: list[Any] = []
        self.ends_at = ends_at

    def setup(self, estimator: Any, context: Any) -> None:
        self.told.append(("setup", context.task_name, place(context)))

    def teardown(self, estimator: Any, context: Any) -> None:
        self.told.append(("teardown", context.task_name, place(context)))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.told.append(("begin", context.task_name, place(context)))

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        metadata: Any = None,
        fitted_estimator: Any = None,
    ) -> bool:
        self.told.append(("end", context.task_name, place(context)))
        self.given.append((X, y, metadata))
        if fitted_estimator is not None:
            self.said[place(context)] = fitted_estimator.predict_proba(X)
        return context.task_name in ("epoch", "round") and context.task_id == self.ends_at


def place(context: Any) -> tuple[int, ...]:
    """The numbers of a task and those that it is in."""
    own = (context.task_id,)
    return own if context.parent is None else (*place(context.parent), *own)


def network(**settings: Any) -> Any:
    chosen: dict[str, Any] = {"max_iter": EPOCHS, "random_state": 0, "batch_size": 20}
    return tl.MLPClassifier((5,), **{**chosen, **settings})


def test_an_epoch_is_a_task_and_shows_what_was_learnt() -> None:
    """At the end of epoch k stands the estimator of max_iter = k + 1, to the bit."""
    seen = Recorder()
    followed = network().set_callbacks(seen).fit(X, Y)
    epochs = [(0, k) for k in range(EPOCHS)]
    inside = [(hook, "epoch", at) for at in epochs for hook in ("begin", "end")]
    assert seen.told == [
        ("setup", "fit", (0,)),
        ("begin", "fit", (0,)),
        *inside,
        ("end", "fit", (0,)),
        ("teardown", "fit", (0,)),
    ]
    plain = network().fit(X, Y).predict_proba(X)
    assert np.array_equal(followed.predict_proba(X), plain)
    assert np.array_equal(seen.said[0,], plain)
    for k, at in enumerate(epochs):
        alone = network(max_iter=k + 1).fit(X, Y)
        assert np.array_equal(seen.said[at], alone.predict_proba(X)), k


def test_members_are_tasks_with_epochs_of_their_own() -> None:
    seen = Recorder()
    network(n_members=2, workers=1).set_callbacks(seen).fit(X, Y)
    ends = [one for one in seen.told if one[0] == "end"]
    assert {at for _, name, at in ends if name == "member"} == {(0, 0), (0, 1)}
    assert len(ends) == 1 + 2 + 2 * EPOCHS
    last = [seen.said[0, k, EPOCHS - 1] for k in range(2)]
    assert not np.array_equal(*last)
    np.testing.assert_allclose(np.mean(last, axis=0), seen.said[0,], rtol=1e-6)


def test_a_callback_may_end_a_training() -> None:
    followed = network().set_callbacks(Recorder(ends_at=1)).fit(X, Y)
    assert followed.n_iter_ == 2
    plain = network(max_iter=2).fit(X, Y)
    assert np.array_equal(followed.predict_proba(X), plain.predict_proba(X))


def test_every_task_that_begins_ends_where_patience_does() -> None:
    seen = Recorder()
    followed = network(max_iter=200, early_stopping=True, n_iter_no_change=3, tol=1e-3)
    followed.set_callbacks(seen).fit(X, Y)
    assert 3 <= followed.n_iter_ < 200
    begun, ended = ([at for h, _, at in seen.told if h == hook] for hook in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert {(0, k) for k in range(followed.n_iter_)} <= seen.said.keys()
    assert (0, followed.n_iter_) not in seen.said  # it was none: nothing is to be scored


def test_they_are_told_when_a_fit_fails() -> None:
    seen = Recorder()
    seen.on_fit_task_end = None  # type: ignore[method-assign,assignment]  # it cannot be called
    with pytest.raises(TypeError):
        network().set_callbacks(seen).fit(X, Y)
    assert seen.told[-1] == ("teardown", "fit", (0,))


def test_what_they_are_given() -> None:
    seen, weight = Recorder(), np.arange(1.0, 61.0)
    network().set_callbacks(seen).fit(X, Y, sample_weight=weight)
    assert len(seen.given) == EPOCHS + 1
    for x, y, metadata in seen.given:
        assert x is X
        assert y is Y
        assert metadata.keys() == {"sample_weight"}
        assert metadata["sample_weight"] is weight


def test_they_stand_beside_callbacks_of_ours() -> None:
    heard: list[int] = []
    seen = Recorder()

    def hear(member: int, updates: int, metrics: Any) -> None:
        heard.append(updates)

    network().set_callbacks(seen).fit(X, Y, callbacks=[hear])
    assert heard == [3 * k for k in range(EPOCHS + 1)]
    assert len(seen.said) == EPOCHS + 1
    with pytest.raises(tl.SettingError, match="callbacks of"):
        network().set_callbacks(seen).fit(X, Y, callbacks=3)


def test_monitors_and_bars_of_scikit_learn(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = callback.ScoringMonitor(scoring="accuracy")
    followed = network(learning_rate_init=0.1).set_callbacks(monitor, callback.ProgressBar())
    followed.fit(X, Y)
    rows = monitor.get_logs().data
    curve = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(curve) == EPOCHS
    assert curve[-1] == accuracy_score(Y, followed.predict(X)) > curve[0]
    shown = capsys.readouterr().out
    assert "MLPClassifier - fit" in shown
    assert "100%" in shown


def ensemble(**settings: Any) -> Any:
    usual = {"n_architectures": 2, "n_folds": 3, "max_iter": 3, "random_state": 1}
    return tl.PopulationEnsembleClassifier(4, **(usual | settings))


def test_the_rounds_of_an_ensemble_are_followed() -> None:
    seen = Recorder()
    followed = ensemble().set_callbacks(seen).fit(X, Y)
    rounds = [(hook, at) for hook, name, at in seen.told if name == "round"]
    assert rounds == [(hook, (0, k)) for k in range(2) for hook in ("begin", "end")]
    plain = ensemble().fit(X, Y)
    assert np.array_equal(followed.predict_proba(X), plain.predict_proba(X))
    assert np.array_equal(seen.said[0,], plain.predict_proba(X))
    alone = Recorder()
    ensemble(n_folds=1).set_callbacks(alone).fit(X, Y)
    assert [at for hook, name, at in alone.told if (hook, name) == ("end", "round")] == [(0, 0)]


def test_a_callback_may_end_an_ensemble_after_a_round() -> None:
    for limit in (None, 600):
        followed = ensemble(time_limit=limit).set_callbacks(Recorder(ends_at=0)).fit(X, Y)
        assert followed.n_folds_ == 1
        again = ensemble().set_params(**followed.replay_).fit(X, Y)
        assert np.array_equal(followed.predict_proba(X), again.predict_proba(X))


def test_a_clone_is_followed_and_a_file_of_it_is_read() -> None:
    monitor = callback.ScoringMonitor(scoring="accuracy")
    followed = network().set_callbacks(monitor).fit(X, Y)
    clone(followed).fit(X, Y)
    assert len(monitor.get_logs(select="all")) == 2
    again = pickle.loads(pickle.dumps(followed))  # noqa: S301  # our own
    assert np.array_equal(again.predict_proba(X), followed.predict_proba(X))


def scores_of(search: Any, monitor: Any) -> dict[tuple[int, ...], float]:
    search.fit(X, Y)
    rows = monitor.get_logs().data
    return {row["task_id_path"]: row["accuracy"] for row in rows}


@pytest.mark.parametrize("with_bar", [False, True])
def test_searches_tell_what_those_of_scikit_learn_tell(with_bar: bool) -> None:
    """Each candidate on each split, each epoch of it, and the best on all rows."""
    space = {"learning_rate_init": [0.01, 0.1, 0.3]}
    found = []
    for kind in (GridSearchCV, tl.PopulationSearchCV):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        more = {} if kind is GridSearchCV else {"n_iter": 3, "random_state": 0}
        search = kind(network().set_callbacks(monitor), space, cv=2, **more)
        if with_bar:
            search.set_callbacks(callback.ProgressBar())
        scores = scores_of(search, monitor)
        order = np.argsort(search.cv_results_["param_learning_rate_init"].astype(float))
        # The candidates of a random search come in an order of their own.
        where = {int(number): rank for rank, number in enumerate(order)}
        found.append({renumbered(at, where): score for at, score in scores.items()})
    assert found[0] == found[1]
    assert len(found[0]) == (3 * 2 + 1) * (EPOCHS + 1)


def renumbered(path: tuple[int, ...], where: dict[int, int]) -> tuple[int, ...]:
    """The place of a task, with candidates in the order of their rates."""
    if path[:2] != (0, 0) or len(path) < 3:
        return path
    candidate, split = divmod(path[2], 2)
    return (0, 0, 2 * where[candidate] + split, *path[3:])


def test_the_network_of_a_pipeline_is_followed_in_a_search() -> None:
    monitor = callback.ScoringMonitor(scoring="accuracy")
    line = make_pipeline(StandardScaler(), network().set_callbacks(monitor))
    space = {"mlpclassifier__learning_rate_init": [0.01, 0.1]}
    search = tl.PopulationSearchCV(line, space, n_iter=2, cv=2, random_state=0)
    scores = scores_of(search, monitor)
    assert len(scores) == (2 * 2 + 1) * (EPOCHS + 1)
    assert scores[0, 1] == search.score(X, Y)
    assert not hasattr(search.best_estimator_[-1], "_parent_callback_ctx")


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_search_by_rounds_is_followed_and_its_failures_end() -> None:
    seen = Recorder()
    space = {"learning_rate_init": loguniform(0.01, 0.1), "max_iter": [2, -1]}
    search = tl.PopulationSearchCV(
        network().set_callbacks(seen), space, n_iter=6, cv=2, rounds=2, random_state=0
    )
    with pytest.warns(FitFailedWarning, match="trainings of"):
        search.set_callbacks(callback.ProgressBar()).fit(X, Y)
    begun, ended, up, down = (
        sum(one[0] == hook for one in seen.told) for hook in ("begin", "end", "setup", "teardown")
    )
    assert begun == ended > 0
    assert up == down > 0


def test_who_is_not_followed_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No state is copied, and no callback of ours is in the training."""
    told: list[Any] = []
    fit = tl.Population.restore
    monkeypatch.setattr(tl.Population, "restore", lambda *a, **k: told.append(a) or fit(*a, **k))
    network().fit(X, Y)
    assert len(told) == 1  # that of the fitted estimator
