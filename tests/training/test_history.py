"""How long a training took, and its history as a table of pandas."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import trainlab as tl
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
