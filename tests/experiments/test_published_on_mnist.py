"""The losses that the study notes print lie inside what 30 seeds give, with the notes' settings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from trainlab.experiments import published
from trainlab.experiments.optimizer_comparison import EXPERIMENT
from trainlab.experiments.runner import Options, load, train

ARMS = ("SGD", "Momentum", "AdaGrad", "Adam")
STEPS = (1800, 1900)  # those that the notes print near the end


@pytest.mark.slow
@pytest.mark.mnist
def test_the_optimizer_comparison_ends_where_the_notes_do(mnist_dir: Path) -> None:
    four = dataclasses.replace(
        EXPERIMENT,
        base={"mnist": dataclasses.replace(EXPERIMENT.base["mnist"], steps=STEPS[-1] + 1)},
        vary={arm: EXPERIMENT.vary[arm] for arm in ARMS},
    )
    options = Options(data="mnist", data_dir=mnist_dir, seeds=30)
    measured = train(four, load(options), options)
    assert measured.diverged == {}
    losses = measured.series["batch_loss"]
    printed = [n for n in published.printed(EXPERIMENT.name, "mnist") if n.at in STEPS]
    assert {(number.arm, number.at) for number in printed} == {
        (arm, step) for arm in ARMS for step in STEPS
    }
    for number in printed:
        (at,) = np.flatnonzero(losses.axis_values == number.at)
        own = losses.values[measured.arms[number.arm], at]
        assert own.shape == (30,)
        assert own.min() <= number.value <= own.max(), number
