"""Gradients at initial weights: what each scale does to them, and that the scale does it."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.experiments import Options, gradient_norms
from trainlab.experiments.base import Measurements
from trainlab.experiments.gradient_norms import EXPERIMENT, compute, norms
from trainlab.experiments.results import Results
from trainlab.experiments.runner import TrainWithOptions, load, measure
from trainlab.experiments.verdicts import EXPECTED
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He, Xavier

DIGITS = load(Options())
OPTIONS = Options(seeds=8)


def result() -> Results:
    return measure(EXPERIMENT, DIGITS, OPTIONS)


@pytest.fixture(scope="module")
def found() -> Results:
    return result()


def median(measured: Measurements, series: str, arm: str) -> np.ndarray:
    return np.median(measured.series[series].values[measured.arms[arm]], axis=0)


def test_the_outcome_is_as_expected(found: Results) -> None:
    assert found.verdict.outcome == EXPECTED, found.verdict.line


def test_with_xavier_in_place_of_he_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(He, "scale", Xavier.scale)
    assert result().verdict.outcome != EXPECTED


def test_with_a_relu_that_passes_everything_back_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(self, x, y, dy, out, new):  # type: ignore[no-untyped-def]
        out[...] = dy
        return out

    monkeypatch.setattr(ReLU, "pullback", wrong)
    assert result().verdict.outcome != EXPECTED


def test_what_vanishes_shrinks_towards_the_input_and_what_explodes_grows(found: Results) -> None:
    small = median(found.measured, "signal", "ReLU, std=0.01")
    large = median(found.measured, "signal", "ReLU, std=0.3")
    assert (np.diff(small) > 0).all()
    assert large[0] > 1e4 * large[-1]
    # One layer of n = 100 multiplies by std · sqrt(n/2).
    step = np.diff(np.log10(small[:-1])).mean()
    assert step == pytest.approx(-np.log10(0.01 * 50**0.5), abs=0.05)


def test_with_relu_the_gradients_of_the_weights_are_alike_in_all_layers(found: Results) -> None:
    for init in ("std=0.01", "Xavier", "He", "std=0.3"):
        hidden = median(found.measured, "weight_gradient", f"ReLU, {init}")[1:-1]
        assert hidden.max() < 2 * hidden.min()
    assert median(found.measured, "weight_gradient", "ReLU, std=0.01").max() < 1e-20


def test_decades_grow_with_the_depth(found: Results) -> None:
    assert found.measured.series["decades"].axis_values.tolist() == list(gradient_norms.DEPTHS)
    assert (np.diff(median(found.measured, "decades", "tanh, std=0.01")) > 0).all()


def test_the_norms_are_those_of_the_gradients_that_training_computes() -> None:
    network = MLP(hidden=(9, 8), init=He())
    _, gradient = norms(network, DIGITS, seed=4)
    built = network.build(64, 10)
    params, _ = built.initialize(4, np.float64)
    chosen = gradient_norms.stream(4, "experiment").choice(1437, 128, replace=False)
    x = np.asarray(DIGITS.train.x[chosen], np.float64)
    grads = np.empty(built.size)
    built.loss_and_gradient(built.bind(params), x, DIGITS.train.t[chosen], built.bind(grads))
    views = built.layout.views(grads)
    expected = [np.linalg.norm(views[name]) for name in ("W1", "W2", "W3")]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)


def test_the_same_seeds_give_the_same_numbers() -> None:
    first, again = (compute(DIGITS, range(1), TrainWithOptions(OPTIONS)) for _ in range(2))
    for name, series in first.series.items():
        np.testing.assert_array_equal(series.values, again.series[name].values)
