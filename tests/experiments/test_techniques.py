"""Batch normalization, weight decay, dropout: what is expected is not found where they are broken.

Each technique is broken in its layer or its gradient, which the NumPy engine trains; the experiment
stays as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reduced import judged, training
from trainlab.experiments import Options, runner
from trainlab.experiments.base import MeasuredSeries, last_difference
from trainlab.experiments.batch_norm import SCALES
from trainlab.experiments.verdicts import NOT_SHOWN
from trainlab.network.architecture import Architecture
from trainlab.network.dropout import Dropout
from trainlab.network.norms import BatchNorm

Break = Callable[[pytest.MonkeyPatch], None]


def batch_norm_off(patch: pytest.MonkeyPatch) -> None:
    def backward(self: Any, p: Any, cache: Any, dy: Any, grads: Any, *rest: Any) -> Any:
        for gradient in grads.values():
            gradient[...] = 0
        return dy

    patch.setattr(BatchNorm, "forward", lambda self, p, x, mode, new: (x, None, {}))
    patch.setattr(BatchNorm, "backward", backward)


def decay_not_applied(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Architecture, "add_penalty_gradient", lambda *args: None)


def dropout_not_scaled_at_test_time(patch: pytest.MonkeyPatch) -> None:
    forward = Dropout.forward

    def unscaled(self: Any, p: Any, x: Any, mode: Any, new: Any) -> Any:
        return forward(self, p, x, mode, new) if mode.training else (x, None, {})

    patch.setattr(Dropout, "forward", unscaled)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("batch-norm", batch_norm_off),
        ("weight-decay", decay_not_applied),
        ("weight-decay-ladder", decay_not_applied),
        ("dropout", dropout_not_scaled_at_test_time),
        ("dropout-ladder", dropout_not_scaled_at_test_time),
    ],
)
def test_a_broken_technique_does_not_do_what_is_expected_of_it(
    name: str, broken: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    options = Options(quick=True, engine="numpy")
    found = runner.measure(judged(name), runner.load(options), options)
    assert found.verdict.outcome == NOT_SHOWN, found.verdict.line


def test_dropout_slows_training_down_and_nothing_dropped_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Scaled at test time alone, outputs are less sure, and that already lowers a gap of losses.
    experiment, options = training("dropout"), Options(quick=True, seeds=6, engine="numpy")
    experiment = dataclasses.replace(
        experiment, vary={arm: experiment.vary[arm] for arm in ("dropout 0", "dropout 0.2")}
    )
    data = runner.load(options).first(train=300)

    def ends() -> Any:
        found = runner.train(experiment, data, options).series["train_accuracy"]
        return found.values[:, -1].reshape(2, 6)

    plain, dropped = ends()
    assert (dropped < plain).all()
    monkeypatch.setattr(Dropout, "forward", lambda self, p, x, mode, new: (x, None, {}))
    monkeypatch.setattr(Dropout, "backward", lambda self, p, cache, dy, *rest: dy)
    plain, dropped = ends()
    assert (dropped == plain).all()


def test_plain_networks_of_the_largest_scale_diverge_and_are_marked() -> None:
    options = Options(quick=True, seeds=6)
    found = runner.measure(judged("batch-norm"), runner.load(options), options)
    plain = f"{SCALES[0]}, plain"
    assert list(found.measured.diverged) == [f"{plain}/{seed}" for seed in range(6)]
    accuracy = found.measured.series["train_accuracy"].values[found.measured.arms[plain]]
    assert np.isnan(accuracy[:, 1:]).all()  # not the 0.097 of a network that says "0" to all
    assert any(plain in warning for warning in found.verdict.warnings)


def test_scales_are_those_of_the_notes() -> None:
    experiment = training("batch-norm")
    assert len(experiment.vary) == 32
    first, *_, last = experiment.vary.values()
    assert (first["init"].std, first["norm"]) == (1.0, None)
    assert (last["init"].std, last["norm"]) == (pytest.approx(1e-4), "batch")
    assert [SCALES[0], SCALES[5], SCALES[-1]] == ["std=1", "std=0.0464", "std=0.0001"]


@pytest.mark.parametrize(
    ("name", "steps", "looks"),
    [("batch-norm", 191, 20), ("weight-decay", 601, 201), ("dropout", 903, 301)],
)
def test_the_notes_look_after_the_first_update_of_each_epoch(
    name: str, steps: int, looks: int
) -> None:
    setup = training(name).base["mnist"]
    assert setup.steps == steps
    assert isinstance(setup.evaluate, tuple)
    assert setup.rows is not None
    per_epoch = setup.rows // setup.batch_size
    wanted = {1 + per_epoch * epoch for epoch in range(looks)}
    assert wanted <= set(setup.evaluate)
    assert set(setup.evaluate) - wanted <= {0, 2, 3, steps}


def test_the_last_difference_is_that_of_the_last_values() -> None:
    first = MeasuredSeries("step", np.arange(2.0), np.array([[9.0, 3.0], [9.0, np.nan]]))
    second = MeasuredSeries("step", np.arange(3.0), np.array([[7.0, 7.0, 1.0], [7.0, 7.0, 1.0]]))
    found = last_difference("a", "b")({"a": first, "b": second})
    np.testing.assert_array_equal(found, [2.0, np.nan])
