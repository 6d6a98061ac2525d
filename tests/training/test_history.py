"""How long a training took, and its history as a table of pandas."""

from __future__ import annotations

import sys

import pytest

import trainlab as tl


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
