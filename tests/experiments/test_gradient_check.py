"""Experiment 14: what the check shows with 16 samples, and how blind it is with one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from trainlab.experiments import Options, gradient_check
from trainlab.experiments.gradient_check import EMPTY, EXPERIMENT, check, compute
from trainlab.experiments.results import Results
from trainlab.experiments.runner import TrainWithOptions, load, measure
from trainlab.experiments.verdicts import CONTRARY, EXPECTED
from trainlab.network.norms import BatchNorm

DIGITS = load(Options())
OPTIONS = Options(seeds=8)
SMALL = dataclasses.replace(gradient_check.NETWORK, hidden=(12, 11))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_check, "NETWORK", SMALL)


def result() -> Results:
    return measure(EXPERIMENT, DIGITS, OPTIONS)


def test_the_outcome_is_as_expected() -> None:
    found = result()
    assert found.verdict.outcome == EXPECTED, found.verdict.line
    assert found.data["name"] == "digits"


def test_one_sample_says_nothing_of_what_lies_before_the_last_layer() -> None:
    measured = compute(DIGITS, range(3), TrainWithOptions(OPTIONS))
    names = measured.members[0].settings["parameters"]
    assert set(EMPTY) < set(names)
    zero = measured.series["zero"].values
    before = [names.index(name) for name in EMPTY]
    after = [place for place in range(len(names)) if place not in before]
    for arm in ("1 sample", "1 sample, wrong"):
        assert (zero[measured.arms[arm]][:, before] == 1).all()
        assert (zero[measured.arms[arm]][:, after] < 1).all()
    several = zero[measured.arms["16 samples"]]
    for name in ("gamma1", "W2", "gamma2"):
        assert (several[:, names.index(name)] < 0.5).all()
    # A bias before batch-norm is taken away again with the mean.
    assert (several[:, [names.index("b1"), names.index("b2")]] == 1).all()


def test_the_difference_is_the_mean_over_the_entries() -> None:
    measured = compute(DIGITS, range(1), TrainWithOptions(OPTIONS))
    apart = measured.series["difference"].values
    wrong, right = measured.arms["16 samples, wrong"], measured.arms["16 samples"]
    assert apart[right].max() < 1e-9
    assert apart[wrong].max() > 1e-4


def break_backward(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    right = BatchNorm.backward

    def wrong(self: Any, p: Any, cache: Any, dy: Any, grads: Any, new: Any, *wanted: bool) -> Any:
        dx = right(self, p, cache, dy, grads, new, *wanted)
        scale = p["gamma"] * cache[1]
        return change(dx, dy, scale, cache[0], grads)

    monkeypatch.setattr(BatchNorm, "backward", wrong)


def test_a_backward_pass_without_its_mean_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    break_backward(
        monkeypatch, lambda dx, dy, scale, x_hat, grads: dx + scale * grads["beta"] / dy.shape[-2]
    )
    assert result().verdict.outcome == CONTRARY


@pytest.mark.parametrize(
    "change",
    [
        lambda dx, dy, scale, x_hat, grads: 0 * dx,
        lambda dx, dy, scale, x_hat, grads: dx / scale,
        lambda dx, dy, scale, x_hat, grads: dx + scale * x_hat * grads["gamma"] / dy.shape[-2],
    ],
    ids=["all-zero", "not scaled", "no variance"],
)
def test_other_wrong_passes_pass_with_one_sample_and_fail_with_several(
    monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    break_backward(monkeypatch, change)
    assert check(DIGITS, "1 sample", 0).ok
    assert not check(DIGITS, "16 samples", 0).ok
    assert result().verdict.outcome == CONTRARY


def test_a_wrong_arm_that_is_right_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        gradient_check.WrongBatchNorm,
        "backward",
        lambda self, *rest: self.right.backward(*rest),
    )
    assert result().verdict.outcome == CONTRARY


def test_arms_of_one_seed_share_samples_and_weights() -> None:
    several, one = (check(DIGITS, arm, 3) for arm in ("16 samples", "1 sample"))
    assert [row.shape for row in several.rows] == [row.shape for row in one.rows]
    assert np.isfinite([row.difference for row in several.rows + one.rows]).all()
