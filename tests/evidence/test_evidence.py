"""Statistics: against formulas written another way, and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab import evidence
from trainlab.errors import SettingError

# Simulated rates are binomial: 400 repetitions know a rate of 5 % to ± 1.1 % (one σ), so a
# bound 3 σ above the promise fails for a right method once in 700 seeds; seeds are fixed.
REPEATS = 400
FALSE_ALARMS = 0.05 + 3 * 0.011


@pytest.mark.parametrize("last", [56, 53])
def test_smoothing_has_a_window_that_shrinks_towards_the_start_and_gaps(last: int) -> None:
    x = np.random.default_rng(0).standard_normal(57)
    x[[20, 51]] = np.nan, np.inf
    x[last + 1 :] = np.nan
    expected = x.copy()
    for i in np.flatnonzero(np.isfinite(x)):
        before = [j for j in range(1, 6) if i - j >= 0 and np.isfinite(x[i - j])]
        after = [j for j in before if i + j <= last and np.isfinite(x[i + j])]
        before = [j for j in before if j in after or i + j > last]
        places = [i, *(i - j for j in before), *(i + j for j in after)]
        expected[i] = np.average(x[places], weights=[np.kaiser(11, 2)[5 + p - i] for p in places])
    smoothed = evidence.smooth(x)
    # Sums of 11 terms in another order: 11 eps times values below 5.
    np.testing.assert_allclose(smoothed, expected, rtol=0, atol=1e-14)
    assert smoothed[0] == x[0]


def test_smoothed_noise_is_as_smooth_at_its_end() -> None:
    x = np.random.default_rng(0).standard_normal((400, 60))
    deviation = evidence.smooth(x)[:, -6:].std(axis=0)
    assert deviation.max() < 0.6  # of the 1 of a single value


def test_smoothing_takes_any_leading_axes_and_short_series() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 40))
    smoothed = evidence.smooth(x)
    assert smoothed.shape == x.shape
    np.testing.assert_array_equal(smoothed[1, 0], evidence.smooth(x[1, 0]))
    np.testing.assert_array_equal(evidence.smooth(x[..., :1]), x[..., :1])
    np.testing.assert_array_equal(evidence.smooth(x[..., :2])[..., 0], x[..., 0])
    assert np.isnan(evidence.smooth(np.full((2, 9), np.nan))).all()
    assert evidence.smooth(x[..., :0]).shape == (3, 2, 0)


@pytest.mark.parametrize("window", [0, 4, -3])
def test_smoothing_wants_an_odd_window(window: int) -> None:
    with pytest.raises(SettingError, match="window of smooth must be an odd integer"):
        evidence.smooth([1.0, 2.0], window)


def test_band_is_made_of_quantiles_and_skips_what_diverged() -> None:
    values = np.random.default_rng(0).standard_normal((9, 4))
    values[2, 1:] = np.nan
    values[3, 3] = np.inf
    values[:, 0] = np.nan
    found = evidence.band(values, level=0.8)
    assert found.count.tolist() == [0, 8, 8, 7]
    assert np.isnan(found.center[0])
    kept = np.delete(values[:, 3], [2, 3])
    expected = np.quantile(kept, [0.1, 0.5, 0.9])
    np.testing.assert_allclose([found.low[3], found.center[3], found.high[3]], expected)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_levels_are_shares(level: float) -> None:
    with pytest.raises(SettingError, match="level of band"):
        evidence.band([[1.0]], level)


def test_interval_of_a_median_is_made_of_order_statistics() -> None:
    # The book value for n = 10 is the second and the ninth: 97.9 %.
    found = evidence.median_interval(np.arange(10.0, 0.0, -1.0))
    assert (found.low, found.center, found.high) == (2.0, 5.5, 9.0)
    assert evidence.median_interval(np.arange(5.0)).low == -np.inf
    assert np.isfinite(evidence.median_interval(np.arange(6.0)).low)
    for n in (2, 5, 8):  # the level that both ends together have, and no more
        found = evidence.median_interval(np.arange(float(n)), 1 - 2.0 ** (1 - n))
        assert (found.low, found.high) == (0.0, n - 1)
    assert evidence.median_interval([1.0, np.nan]).missing == 1
    assert evidence.median_interval([np.nan]).count == 0


@pytest.mark.parametrize("n", [6, 10, 17])
def test_interval_of_a_median_covers_it(n: int) -> None:
    draws = np.random.default_rng(n).lognormal(size=(REPEATS, n))
    missed = np.mean([not evidence.median_interval(row).contains(1.0) for row in draws])
    assert missed <= FALSE_ALARMS


@pytest.mark.parametrize("n", [5, 30])
def test_interval_of_a_run_holds_the_next_run(n: int) -> None:
    draws = np.random.default_rng(n).lognormal(size=(4 * REPEATS, n + 1))
    held = [evidence.run_interval(row[:-1]).contains(row[-1]) for row in draws]
    # 1 % may miss; σ of the rate is 0.25 %.
    assert 1 - np.mean(held) == pytest.approx(0.01, abs=3 * 0.0025)


def test_interval_of_a_run_takes_any_sign_and_says_when_it_knows_nothing() -> None:
    assert evidence.run_interval([-1.0, 0.0, 1.0]).contains(0.5)
    assert evidence.run_interval([3.0]).high == np.inf
    assert np.isnan(evidence.run_interval([]).center)


def test_replication_rows() -> None:
    inside = evidence.replicate("notes", "loss", 2.1, [2.0, 2.1, 2.2, 2.3])
    outside = evidence.replicate("notes", "loss", 9.0, [2.0, 2.1, 2.2, 2.3])
    assert inside.inside
    assert not outside.inside
    assert (outside.runs, outside.median) == (4, pytest.approx(2.15))
    assert evidence.reproduce("notes", "slope", 0.2, 0.2 + 9e-10, 1e-9).inside
    assert not evidence.reproduce("notes", "slope", 0.2, 0.2 + 1.1e-9, 1e-9).inside


@pytest.mark.parametrize("runs", [[], [2.0], [np.nan] * 9, [np.inf, 2.0]])
def test_of_fewer_than_two_runs_nobody_knows_what_another_would_give(runs: list[float]) -> None:
    """Their interval is endless, and holds any number."""
    assert evidence.replicate("notes", "loss", 1e300, runs).inside is None


def test_interval_of_a_statistic_is_that_of_a_mean_and_keeps_columns_paired() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 1)) + 3
    low, high = evidence.statistic_bounds(x, lambda means: means[:, 0], 0.95, seed=1)
    # 2,000 resamples know the ends to about 0.06 σ of the mean; four of these.
    half, error = 1.96 * x.std() / 20, 0.25 / 20
    assert [low, high] == pytest.approx([x.mean() - half, x.mean() + half], abs=error)
    # Paired columns that differ by 1 in every row differ by 1 in every resample.
    both = np.concatenate([x, x + 1], axis=1)
    ends = evidence.statistic_bounds(both, lambda means: means[:, 1] - means[:, 0], 0.95, seed=1)
    assert ends == pytest.approx((1, 1))
    none = evidence.statistic_bounds(x, lambda means: means[:, 0] * np.nan, 0.95, seed=1)
    assert none == (-np.inf, np.inf)
