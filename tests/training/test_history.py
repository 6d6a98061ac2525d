"""How long a training took, and its history as a table of pandas."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from trainlab.engine.state import Status
from trainlab.training.history import History, Series


def test_to_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    history = tl.Population.grid().fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'trainlab\[pandas\]'"):
        history.to_frame()


def test_a_history_knows_how_long_the_training_took() -> None:
    history = tl.Population.grid().fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    assert history.seconds > 0


def test_a_history_names_its_series() -> None:
    history = tl.Population.grid().fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    assert list(history) == list(history.series)
    assert "train_loss" in history
    assert "test_loss" not in history
    assert [0] not in history
    assert {name: history[name].shape for name in history}["train_loss"] == (1, 1)


def test_members_that_stopped_early_are_compared_by_the_networks_that_they_keep() -> None:
    """All had 10 updates before this training, which are none of its positions."""
    ends = [  # accuracies of the epochs, and where the best one is
        ([0.1, 0.5, 0.9, 0.4], "stopped early", 2),
        ([0.1, 0.6, 0.3], "stopped early", None),
        ([0.1, 0.6, 0.5, 0.5, 0.4], "finished", 1),
        ([0.1, 0.3], "stopped early", None),
        ([0.1, 0.2, 0.1], "stopped early", 1),
        ([0.1, 0.2], "diverged", None),
    ]
    losses, accuracies = np.full((6, 8), np.nan), np.full((6, 5), np.nan)
    status, per = [], 2
    for row, (values, kind, best) in enumerate(ends):
        done = per * (len(values) - 1)
        accuracies[row, : len(values)], losses[row, :done] = values, 1.0
        status.append(Status(kind, 10 + done, None if best is None else 10 + per * best))
    series = {
        "train_loss": Series("train_loss", "step", np.arange(8), losses),
        "test_accuracy": Series("test_accuracy", "epoch", np.arange(5), accuracies),
    }
    members = [tl.Member(tl.MLP(), one, k) for k in range(3) for one in (tl.Adam(), tl.SGD())]
    history = History(members, series, status, 1.0, steps_per_epoch=per)
    (last,) = history.compare("optimizer", "test_accuracy")
    assert (last.pairs, last.wins, last.diverged) == (3, 3, 1)
    assert last.mean == pytest.approx(((0.9 - 0.3) + (0.6 - 0.3)) / 2)
    (third,) = history.compare("optimizer", "test_accuracy", at=2)  # one has ended, one goes on
    assert (third.pairs, third.wins, third.diverged) == (3, 3, 1)
    assert third.mean == pytest.approx(((0.9 - 0.3) + (0.5 - 0.3)) / 2)


def test_training_that_stops_early_is_compared_by_its_best_epoch() -> None:
    data = tl.load_digits().split(validation=300)
    population = tl.Population.grid(tl.MLP((30,)), [tl.Adam(0.01), tl.Adam(0.1)], seed=range(2))
    rule = tl.EarlyStopping(patience=1)
    history = population.fit(data, batch_size=100, epochs=30, early_stopping=rule)
    assert {one.kind for one in history.status} == {"stopped early"}
    (told,) = history.compare("optimizer", "test_accuracy")
    right = population.accuracy(data.test.x, data.test.t)
    assert told.pairs == 2
    assert told.mean == pytest.approx(np.mean(right[:2] - right[2:]))


def test_values_in_float32_tie_by_their_own_rounding_with_seeds_missing() -> None:
    first = tl.Member(tl.MLP(), tl.SGD())
    members = [first.replace(lr=lr, seed=seed) for lr in (0.1, 0.2) for seed in range(7)]
    members.append(first.replace(lr=0.1, seed=99))
    counts = [5, 6, 7, 8, 9, 4, 3, 4, 7, 6, 9, 8, 5, 3, 5]
    values = np.array(counts, dtype=np.float32)[:, None] / np.float32(10)
    series = {"my_accuracy": Series("my_accuracy", "step", np.ones(1), values)}
    status = [Status("finished", 1)] * len(members)
    (found,) = History(members, series, status, 0.0).compare("lr", "my_accuracy")
    assert (found.pairs, found.missing, found.ties) == (7, 1, 1)
    assert (found.mean, found.median) == (0, 0)  # three differences of 0.1, and three of −0.1


@pytest.mark.parametrize(
    ("by", "remedy"),
    [(["lr", "seed"], "by='lr'"), ([], "by='optimizer'"), (None, "by='optimizer'")],
)
def test_one_setting_makes_the_arms(by: Any, remedy: str) -> None:
    history = tl.Population.grid(seed=[0, 1]).fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    starts = "by of History must be the name of one setting; got "
    for call in (history.arms, history.compare, lambda by: history.plot(by=by)):
        complains(lambda call=call: call(by), tl.SettingError, starts)
        with pytest.raises(tl.SettingError, match=f"; try {remedy}$"):
            call(by)


@pytest.mark.parametrize("by", ["seed", "hidden"])
def test_arms_that_no_seed_has_two_of_are_refused(by: str) -> None:
    population = tl.Population.grid(tl.MLP((5,)), lr=[0.1, 0.2], seed=range(2))
    history = population.fit(tl.load_digits(), steps=1)
    starts = "by of History.compare must be a setting in which members of one seed differ; got"
    with pytest.raises(tl.SettingError, match=starts):
        history.compare(by)
