"""What a training is said to need before it begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab import memory

FLOAT32, FLOAT64 = 4, 8
ROWS, STEPS, MEMBERS = 4, 6, 3
EVALUATIONS = 3  # before the first step and after each of two epochs
# 3 -> 5 -> 2: weights and biases, and what comes in and out of each layer.
SIZE = 3 * 5 + 5 + 5 * 2 + 2
ARRAYS = 4  # Adam: parameters, gradients and two of its own


def test_memory_is_counted_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    needed: dict[str, int] = {}

    def need(size: int, what: str, *_: Any) -> None:
        needed[what] = size

    rng = np.random.default_rng(0)
    data = tl.from_arrays(rng.normal(size=(12, 3)), np.arange(12) % 2, dtype="float32")
    population = tl.Population.grid(tl.MLP(hidden=(5,)), tl.Adam(), seed=range(MEMBERS))
    widths = sum(tl.MLP(hidden=(5,)).build(3, 2).widths)
    monkeypatch.setattr(memory, "need", need)
    population.fit(data, batch_size=ROWS, steps=STEPS, on=("train",))
    assert needed["the arrays of one member"] == FLOAT32 * (SIZE * ARRAYS + ROWS * widths)
    assert needed["the parameters of all members"] == FLOAT32 * MEMBERS * SIZE
    series = STEPS * FLOAT32 + EVALUATIONS * (2 + 1) * FLOAT64
    assert needed["the losses of all steps"] == MEMBERS * series


def test_splits_to_evaluate_are_a_list() -> None:
    data = tl.from_arrays([[1.0], [2.0]], [0, 1])
    wrong: Any
    for wrong in (5, "train"):
        with pytest.raises(tl.SettingError, match="on of fit must be a list of splits"):
            tl.Population.grid().fit(data, steps=1, on=wrong)


def test_the_settings_of_fit_are_in_its_docstring() -> None:
    for method in (tl.Population.fit, tl.Population.start, tl.Network.fit):
        assert "batch_size : int" in str(method.__doc__)
