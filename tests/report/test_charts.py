"""Data of the charts: thinned and quantised, near enough to what was measured."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

import pages
from reduced import measured
from trainlab import evidence, plots
from trainlab.experiments import EXPERIMENTS
from trainlab.experiments.base import MeasuredSeries, Measurements, Row
from trainlab.report import charts

HALF = 2.0**-11
"""Half floats have 11 bits: rounding is off by at most half of the last, relative to the value."""
PAGE_BYTES = 10_000_000
"""What any e-mail carries, with the third that base64 adds; ten seeds of all take 3 MB."""


def unpacked(arm: dict[str, Any], series: dict[str, Any]) -> Any:
    kind = "<f4" if series["wide"] else "<f2"
    values = np.frombuffer(base64.b64decode(arm["curves"]), kind).astype(float)
    return values.reshape(3 + len(arm["seeds"]), len(series["x"])) * series["scale"]


def drawn(values: Any, axis: str = "epoch", x: Any = None, arms: int = 1) -> dict[str, Any]:
    values = np.asarray(values, dtype=float)
    x = np.arange(1.0, values.shape[1] + 1) if x is None else np.asarray(x, dtype=float)
    each = len(values) // arms
    rows = tuple(Row(f"arm {i // each}", i % each, {}) for i in range(len(values)))
    found = charts.chart(Measurements(rows, {"loss": MeasuredSeries(axis, x, values)}), ["loss"])
    assert found is not None
    (series,) = found["series"]
    return series


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e300])
def test_values_come_through_to_three_digits(rng: np.random.Generator, scale: float) -> None:
    values = scale * rng.standard_normal((6, 40)) * 10 ** rng.uniform(-3, 3, (6, 40))
    series = drawn(values, arms=2)
    for index, arm in enumerate(series["arms"]):
        own = values[3 * index : 3 * index + 3]
        band = evidence.band(own)
        expected = np.concatenate([[band.center, band.low, band.high], own])
        np.testing.assert_allclose(unpacked(arm, series), expected, rtol=HALF)
        assert arm["seeds"] == [0, 1, 2]


def test_values_far_apart_keep_their_digits() -> None:
    values = 10.0 ** -np.arange(30.0)[None]
    series = drawn(values)
    assert series["wide"]
    np.testing.assert_allclose(unpacked(series["arms"][0], series)[3], values[0], rtol=HALF)
    assert not drawn(np.array([[0.0, 1e-6, 1.0]]))["wide"]


def test_gaps_and_single_runs_have_no_numbers_made_up() -> None:
    (arm,) = (series := drawn([[1.0, np.nan, np.inf, 2.0]]))["arms"]
    center, low, high, member = unpacked(arm, series)
    np.testing.assert_array_equal(member, [1.0, np.nan, np.nan, 2.0])
    np.testing.assert_array_equal(center, member)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    series = drawn(np.zeros((2, 5)))
    np.testing.assert_array_equal(unpacked(series["arms"][0], series), np.zeros((5, 5)))


def test_long_series_are_thinned_and_keep_both_ends() -> None:
    series = drawn(np.tile(np.arange(2_000.0), (2, 1)), axis="epoch")
    x = np.array(series["x"])
    assert len(x) == plots.DRAWN_POINTS
    assert (x[0], x[-1]) == (1, 2_000)
    assert np.diff(x).max() <= np.ceil(2_000 / plots.DRAWN_POINTS)
    np.testing.assert_allclose(unpacked(series["arms"][0], series)[0], x - 1, rtol=HALF)


def test_losses_of_single_batches_are_smoothed_as_in_figures(rng: np.random.Generator) -> None:
    values = rng.random((1, 50)) + 1
    series = drawn(values, axis="step", x=np.arange(50.0))
    assert series["smoothed"]
    found = unpacked(series["arms"][0], series)[0]
    np.testing.assert_allclose(found, evidence.smooth(values)[0], rtol=HALF)
    assert not drawn(values, axis="step", x=np.arange(0.0, 5_000, 100))["smoothed"]
    assert not drawn(values, axis="epoch")["smoothed"]
    # The steps of one exact path are no noise.
    path = charts.chart(measured("optimizer-paths"), ["f"], "optimizer-paths")
    assert path is not None
    assert not path["series"][0]["smoothed"]


def test_a_geometric_axis_is_known_from_an_even_one() -> None:
    assert drawn(np.ones((1, 7)), x=10.0 ** np.arange(-4, 3))["geometric"]
    assert drawn(np.ones((1, 9)), x=np.geomspace(1e-4, 3, 9))["geometric"]
    for x in (range(7), range(1, 8), [1, 2], [-4, -2, -1], [4, 4, 4], [1, 10, 10]):
        assert not drawn(np.ones((1, len(x))), x=x)["geometric"]


def test_only_what_was_measured_is_drawn() -> None:
    measurements = pages.example().measured
    assert charts.chart(measurements, ["absent"]) is None
    found = charts.chart(measurements, ["spare", "absent", "train_loss"])
    assert found is not None
    assert [series["name"] for series in found["series"]] == ["spare", "train loss"]
    assert drawn_from_one_point(measurements) is None


def drawn_from_one_point(found: Measurements) -> Any:
    one = MeasuredSeries("step", np.array([5.0]), np.ones((len(found.members), 1)))
    return charts.chart(Measurements(found.members, {"end": one}), ["end"])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_chart(name: str) -> None:
    found = charts.chart(measured(name), EXPERIMENTS[name].curves, name)
    assert found is not None
    assert found["name"] == name
    assert len(found["series"]) == len(EXPERIMENTS[name].curves)


def test_a_page_of_twenty_experiments_fits_into_an_email(rng: np.random.Generator) -> None:
    # The largest that is asked for: 6 arms × 30 seeds × 2,000 steps.
    series = drawn(rng.random((180, 2_000)), axis="step", x=np.arange(2_000.0), arms=6)
    data = len(json.dumps(series))
    figures = 2 * 150_000  # wide and narrow; bytes of the largest of ours
    assert 20 * (data + figures) < PAGE_BYTES
