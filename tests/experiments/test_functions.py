"""Experiments on functions: their numbers, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.experiments import EXPERIMENTS, Options
from trainlab.experiments.base import FunctionExperiment
from trainlab.experiments.results import Results
from trainlab.experiments.runner import measure
from trainlab.experiments.verdicts import EXPECTED

NAMES = [name for name, e in EXPERIMENTS.items() if isinstance(e, FunctionExperiment)]


def result(name: str, seeds: int = 10) -> Results:
    return measure(EXPERIMENTS[name], None, Options(seeds=seeds))


@pytest.mark.parametrize("name", NAMES)
def test_outcomes_are_as_expected(name: str) -> None:
    found = result(name)
    assert found.verdict.outcome == EXPECTED, found.verdict.line
    assert found.data == {"name": None, "hash": None, "sizes": {}}
    assert all(row.inside for row in found.published)


def test_the_derivative_and_its_published_values() -> None:
    found = result("derivative")
    slopes = found.measured.series["derivative"]
    at = np.argmin(np.abs(slopes.axis_values - 5))
    assert slopes.values[0, at] == pytest.approx(0.2, abs=1e-9)
    assert [row.value for row in found.published] == [0.07999999999994123, 0.11999999999998123]
    for row in found.published:
        # Rounding of f near 0.1: 1.4e-17 / 2e-4, once for each of the two values.
        assert row.median == pytest.approx(row.value, abs=2e-13)


def test_the_field_points_to_the_minimum() -> None:
    series = result("gradient-field").measured.series
    x0 = series["x0"].values[0]
    assert len(x0) == 18**2
    assert (x0.min(), x0.max()) == (-2, 2.25)
    np.testing.assert_allclose(series["gradient_0"].values[0], 2 * x0, atol=1e-9)


def test_descent_shortens_the_way_by_a_fifth_each_step() -> None:
    series = result("gradient-descent").measured.series
    path = np.stack([series["x0"].values[0], series["x1"].values[0]], axis=-1)
    assert path.shape == (21, 2)
    np.testing.assert_allclose(path, np.outer(0.8 ** np.arange(21), (-3, 4)), atol=1e-9)


def test_the_tiny_gradient_sums_to_nothing_over_classes() -> None:
    # softmax - one-hot sums to 0, so each row of x ⊗ (softmax - one-hot) does.
    found = result("tiny-network")
    gradients = found.measured.series["numerical_gradient"].values.reshape(10, 2, 3)
    np.testing.assert_allclose(gradients.sum(-1), 0, atol=1e-8)
    assert (gradients[..., 2] < 0).all()
    assert found.measured.seeds == 10


def test_optimizers_end_where_the_notes_say() -> None:
    found = result("optimizer-paths")
    series = found.measured.series
    ends = {
        m.arm: (series["x"].values[i, -1], series["y"].values[i, -1])
        for i, m in enumerate(found.measured.members)
    }
    assert ends["SGD"] == pytest.approx((-0.350393, 0.084782), abs=1e-6)
    assert ends["Momentum"] == pytest.approx((0.896414, 0.088086), abs=1e-6)
    assert ends["AdaGrad"] == pytest.approx((-0.120162, 0.0), abs=1e-6)
    assert ends["Adam"] == pytest.approx((0.136007, 0.318245), abs=1e-6)
    assert len(found.published) == 8
    assert series["x"].values.shape == (4, 31)
    assert (series["x"].values[:, 0] == -7).all()
