"""The learning-rate range test: what it trains, and what it makes of the losses."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

import trainlab as tl
from complaints import complains
from trainlab.engine.native import is_compiled
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import DataError, SettingError
from trainlab.population.rates import GrowingRate, RateRange, rate_range_test

DATA = tl.load_digits()
NETWORK = tl.MLP((20,))


def test_rates_grow_by_the_same_factor_to_the_last() -> None:
    found = rate_range_test(DATA, NETWORK, low=1e-4, high=1.0, steps=50, seeds=2)
    assert found.rates.shape == (50,)
    assert found.losses.shape == (2, 50)
    assert found.rates[0] == 1e-4
    assert np.allclose(found.rates, np.geomspace(1e-4, 1.0, 50), rtol=1e-12)


def test_it_trains_with_the_engine_that_is_asked_for() -> None:
    asked: list[int] = []

    class Asked(NumPyEngine):
        def supports(self, members: Any) -> str | None:
            asked.append(len(members))
            return super().supports(members)

    found = rate_range_test(DATA, NETWORK, steps=10, seeds=2, engine=Asked())
    plain = rate_range_test(DATA, NETWORK, steps=10, seeds=2, engine="numpy")
    assert asked
    assert np.array_equal(found.losses, plain.losses)


@pytest.mark.skipif(not is_compiled(), reason="no native engine here")
def test_both_engines_know_rates_that_grow() -> None:
    found = [
        rate_range_test(DATA, NETWORK, steps=40, seeds=2, engine=engine)
        for engine in ("native", "numpy", "auto")
    ]
    assert np.allclose(found[0].losses, found[1].losses, rtol=1e-4)
    assert np.array_equal(found[0].losses, found[2].losses)


def test_each_step_has_its_rate() -> None:
    """A test of two rates that are nearly one is a training at that rate."""
    rate = 0.05
    found = rate_range_test(DATA, NETWORK, low=rate, high=rate * (1 + 1e-12), steps=10, seeds=3)
    population = tl.Population.grid(NETWORK, tl.SGD(rate), seed=range(3))
    history = population.fit(DATA, steps=10, evaluate=None)
    assert np.allclose(found.losses, history["train_loss"], rtol=1e-4)
    schedule = GrowingRate(2.0)
    assert [schedule.multiplier(step) for step in range(4)] == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("optimizer", [tl.SGD(), tl.Adam(), tl.Momentum()])
def test_what_it_suggests_trains_well(optimizer: tl.Optimizer) -> None:
    found = rate_range_test(DATA, tl.MLP((50, 50)), optimizer)
    assert found.rates[0] < found.steepest < found.lowest < found.rates[-1]
    chosen = dataclasses.replace(optimizer, lr=found.steepest)
    history = tl.Population.grid(tl.MLP((50, 50)), chosen, seed=range(3)).fit(DATA, epochs=10)
    assert np.median(history["test_accuracy"][:, -1]) > 0.9


def made(losses: Any) -> RateRange:
    losses = np.asarray(losses, float)
    return RateRange(np.geomspace(1e-4, 1.0, losses.shape[1]), losses)


def test_the_lowest_and_the_steepest_place() -> None:
    at = np.linspace(-4, 0, 401)
    curve = 2 - 1 / (1 + np.exp(-8 * (at + 2))) + 5 * np.clip(at + 1, 0, None) ** 2
    found = made([curve] * 3)
    assert np.isclose(np.log10(found.steepest), -2, atol=0.05)
    assert np.isclose(np.log10(found.lowest), -1, atol=0.1)


def test_what_comes_after_a_divergence_is_left_out() -> None:
    falling = np.linspace(3, 1, 100)
    losses = np.tile(falling, (3, 1))
    losses[:2, 60:] = np.nan  # two of three
    found = made(losses)
    assert np.isnan(found.smoothed[60:]).all()
    assert np.isfinite(found.smoothed[:60]).all()
    assert found.lowest == found.rates[59]
    losses[0, 60:] = 1.0  # one of three: the others say what there is to say
    assert np.isfinite(made(losses).smoothed).all()
    starts = "training of rate_range_test must have a loss before it diverges"
    complains(lambda: made(np.full((1, 20), np.nan)).lowest, DataError, starts)


def test_the_noise_of_the_first_batch_is_no_fall() -> None:
    losses = np.r_[np.full(200, 2.4), np.linspace(2.4, 1.0, 100)]
    losses[0] = 2.5  # not smoothed: there is nothing before it
    assert made([losses]).steepest > made([losses]).rates[180]


def test_a_loss_that_only_rises() -> None:
    found = made([np.linspace(1, 3, 50)])
    assert found.steepest == found.lowest == found.rates[0]
    assert not found.falls
    assert repr(found) == "RateRange(1 seed, 50 steps; the loss falls at no rate)"


@pytest.mark.parametrize("steps", [10, 50, 300])
def test_noise_is_no_fall(steps: int) -> None:
    noises = [0.1 * np.random.default_rng(seed).normal(size=(5, steps)) for seed in range(200)]
    assert np.mean([made(2.3 + noise).falls for noise in noises]) < 0.05
    assert all(made(2.3 + noise - np.linspace(0, 1.5, steps)).falls for noise in noises)


def test_where_nothing_is_learnt_it_says_so() -> None:
    told = "the loss falls at no rate from 1e-12 to 1e-11, so that steepest and lowest say nothing"
    with pytest.warns(UserWarning, match=told):
        found = rate_range_test(DATA, NETWORK, low=1e-12, high=1e-11, steps=60, seeds=2)
    assert not found.falls
    with pytest.warns(UserWarning, match="falls at no rate"):  # all diverge at once
        found = rate_range_test(DATA, NETWORK, low=1e30, high=1e31, steps=20, seeds=2)
    assert not found.falls
    assert rate_range_test(DATA, NETWORK, steps=60, seeds=2).falls


def test_it_is_drawn_with_its_marks() -> None:
    found = rate_range_test(DATA, NETWORK, steps=60, seeds=3)
    ax = found.plot()
    assert isinstance(ax, Axes)
    assert ax.get_xscale() == "log"
    legend = ax.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    assert words[0] == "median of 3 runs, smoothed; 95 % band"
    assert words[1:] == [f"steepest: {found.steepest:.2g}", f"lowest: {found.lowest:.2g}"]
    assert found.plot(ax) is ax
    assert f"steepest at {found.steepest:.2g}" in repr(found)


@pytest.mark.parametrize(("end", "crosses"), [(1.0, 1), (1e9, 0)])
def test_a_curve_that_leaves_its_figure_has_no_cross(end: float, crosses: int) -> None:
    """The legend told of one that was far above."""
    losses = np.repeat([2.0, 1.0, end, np.nan], [10, 10, 40, 5])[None]
    ax = RateRange(np.geomspace(1e-3, 1, 65), losses).plot()
    assert sum(line.get_marker() == "x" for line in ax.lines) == crosses


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        ({"low": 0}, "low of rate_range_test must be a number"),
        (
            {"low": 1.0, "high": 0.5},
            "high of rate_range_test must be above low, which is 1.0; got 0.5; try low=0.5, high=1",
        ),
        (
            {"low": 1e100, "high": 1e100},
            "high of rate_range_test must be above low, which is 1e+100; got 1e+100; try low=1e+97",
        ),
        ({"low": 1e-9, "high": 1e-9}, "high of rate_range_test must be above low, which is 1e-09"),
        ({"low": 1e-200}, "low of rate_range_test must be a number in [1e-100, 1e+100]"),
        ({"high": 1e306}, "high of rate_range_test must be a number in [1e-100, 1e+100]"),
        ({"engine": "torch"}, "engine of rate_range_test must be one of 'auto', 'native', 'numpy'"),
        ({"workers": 0}, "workers of rate_range_test must be an integer"),
        ({"data": "digits"}, "data of rate_range_test must be a Dataset"),
        ({"steps": 9}, "steps of rate_range_test must be an integer in [10"),
        ({"seeds": 0}, "seeds of rate_range_test must be an integer in [1"),
        ({"network": "MLP"}, "network of rate_range_test must be an instance of MLP"),
        ({"optimizer": "adam"}, "optimizer of rate_range_test must be an instance of Optimizer"),
        ({"batch_size": 0}, "batch_size of rate_range_test must be"),
        ({"network": tl.MLP(loss="huber")}, "loss of member 0 must fit classification"),
    ],
)
def test_what_it_cannot_be_asked(given: dict[str, Any], starts: str) -> None:
    complains(lambda: rate_range_test(**{"data": DATA, **given}), SettingError, starts)
