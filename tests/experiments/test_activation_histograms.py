"""Experiment 8: what each scale does to the outputs, and that the scale does it."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.experiments import Options, activation_histograms
from trainlab.experiments.activation_histograms import (
    ACTIVATIONS,
    BINS,
    EXPERIMENT,
    HABITS,
    INITS,
    LAYERS,
    bins_in_use,
    compute,
    statistics,
)
from trainlab.experiments.results import Results
from trainlab.experiments.runner import measure
from trainlab.experiments.verdicts import EXPECTED
from trainlab.network.activations import Activation, ReLU, Sigmoid, Tanh
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He, Std, Xavier

OPTIONS = Options(seeds=8)


def result() -> Results:
    """The experiment with a quarter of its samples; at full size it is in test_functions.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(activation_histograms, "SAMPLES", 250)
        return measure(EXPERIMENT, None, OPTIONS)


@pytest.fixture(scope="module")
def found() -> Results:
    return result()


def median(found: Results, series: str, arm: str) -> np.ndarray:
    values = found.measured.series[series].values
    return np.median(values[found.measured.arms[arm]], axis=0)


def test_the_outcome_is_as_expected(found: Results) -> None:
    assert found.verdict.outcome == EXPECTED, found.verdict.line


def test_every_scale_meets_every_activation(found: Results) -> None:
    assert list(found.measured.arms) == [
        f"{name}, {init}" for init in INITS for name in ACTIVATIONS
    ]
    for layer in range(1, LAYERS + 1):
        shares = found.measured.series[f"layer {layer}"].values
        assert shares.shape == (15 * 8, BINS)
        np.testing.assert_allclose(shares.sum(axis=-1), 1.0)


@pytest.mark.parametrize(
    ("right", "wrong"), [(He, Xavier), (Xavier, He), (Std, Xavier)], ids=lambda kind: kind.__name__
)
def test_with_another_scale_it_is_not(
    monkeypatch: pytest.MonkeyPatch, right: type, wrong: type
) -> None:
    monkeypatch.setattr(right, "scale", wrong.scale)
    assert result().verdict.outcome != EXPECTED


def test_wide_weights_saturate_and_narrow_ones_collapse(found: Results) -> None:
    assert (median(found, "saturated", "sigmoid, std=1") > 0.4).all()
    assert (median(found, "saturated", "tanh, std=1") > 0.75).all()
    for arm in ("sigmoid, Xavier", "tanh, Xavier", "sigmoid, std=0.01", "tanh, std=0.01"):
        assert (median(found, "saturated", arm) < 0.05).all()
    # Around 0.5, where two bins meet; ReLU in its first bin.
    assert median(found, "layer 5", "sigmoid, std=0.01")[14:16].sum() > 0.99
    assert median(found, "layer 5", "ReLU, std=0.01")[0] > 0.99
    # A ReLU is flat for half of the samples, whatever the scale.
    for init in INITS:
        assert np.abs(median(found, "saturated", f"ReLU, {init}") - 0.5).max() < 0.1


def test_he_keeps_the_spread_of_relu_and_xavier_loses_a_root_of_two_each_layer(
    found: Results,
) -> None:
    kept = median(found, "spread", "ReLU, He")
    assert kept.max() < 1.3 * kept.min()
    lost = median(found, "spread", "ReLU, Xavier")
    assert (lost[1:] / lost[:-1]).mean() == pytest.approx(0.5**0.5, abs=0.05)


def test_at_100_units_xavier_is_a_tenth(found: Results) -> None:
    for name in ACTIVATIONS:
        same = (f"{name}, Xavier", f"{name}, std=0.1")
        np.testing.assert_allclose(*(median(found, "spread", arm) for arm in same), rtol=1e-12)


def test_drawing_once_changes_the_first_layer_not_at_all_and_the_last_little(
    found: Results,
) -> None:
    redrawn, once = (f"spread{habit}" for habit in HABITS)
    for arm in found.measured.arms:
        new, old = median(found, redrawn, arm), median(found, once, arm)
        assert new[0] == old[0]
        assert np.abs(np.log10(new[-1] / old[-1])) < 0.2  # between them lie 10 decades
    different = found.measured.series[redrawn].values != found.measured.series[once].values
    assert different[:, 1:].all()


def test_units_that_are_zero_for_every_sample_are_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    network = MLP(hidden=(100,) * LAYERS, activation=ReLU(), init=He())
    assert statistics(network, "ReLU", 0, once=False)["dead"].max() < 0.1
    right = Std.draw

    def negative(self: Std, rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
        drawn = right(self, rng, fan_in, fan_out)
        drawn[:, :25] = -np.abs(drawn[:, :25])  # of outputs that are >= 0 it makes 0
        return drawn

    monkeypatch.setattr(Std, "draw", negative)
    network = MLP(hidden=(100,) * LAYERS, activation=ReLU(), init=Std(0.1))
    dead = statistics(network, "ReLU", 0, once=False)["dead"]
    assert dead[0] == 0
    assert dead[1:].min() >= 0.25


@pytest.mark.parametrize("kind", [Sigmoid, Tanh, ReLU])
def test_the_greatest_slopes_are_those_of_the_functions(kind: type[Activation]) -> None:
    activation = kind()
    (steepest,) = (row[1] for row in ACTIVATIONS.values() if type(row[0]) is kind)
    x = np.linspace(-5, 5, 10_001)
    y = activation.value(x, np.empty_like(x))
    slopes = activation.pullback(x, y, np.ones_like(x), np.empty_like(x))
    assert slopes.max() == pytest.approx(steepest, abs=1e-12)


def test_bins_in_use_counts_even_shares() -> None:
    even = np.full(30, 1 / 30)
    ends = np.zeros(30)
    ends[[0, -1]] = 0.5
    one = np.eye(30)[7]
    np.testing.assert_allclose(bins_in_use(np.stack([even, ends, one])), [30, 2, 1])


def test_the_same_seeds_give_the_same_numbers() -> None:
    first, again = compute(range(2)), compute(range(1))
    for name, series in again.series.items():
        np.testing.assert_array_equal(series.values, first.series[name].values[::2])
