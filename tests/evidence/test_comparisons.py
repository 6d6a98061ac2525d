"""Arms compared seed by seed: against SciPy, worked examples, enumeration and simulation."""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special, stats

from trainlab import evidence
from trainlab.errors import SettingError
from trainlab.evidence import bootstrap
from trainlab.evidence.bootstrap import _resampled_medians
from trainlab.evidence.ties import subtracted

Array = npt.NDArray[np.float64]

# A simulated rate of 5 % from N repetitions has σ = √(0.05 · 0.95 / N); a bound 3 σ above the
# promise fails for a right method once in 700 seeds, and the seeds are fixed.
POPULATIONS = 1000
FALSE_ALARMS = 0.05 + 3 * np.sqrt(0.05 * 0.95 / POPULATIONS)

DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed": lambda rng, shape: rng.lognormal(size=shape),
    "tied": lambda rng, shape: rng.integers(0, 4, shape) / 10,
}
SUMS = 1e-13
"""Relative: sums of at most 2¹² chances, each a multiple of 2⁻¹², against SciPy's own order."""


# --- the signed-rank test --------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 8, 25, 50])
def test_p_values_are_those_of_scipy(n: int) -> None:
    d = np.random.default_rng(n).standard_normal(n) + 0.3
    expected = stats.wilcoxon(d, method="exact").pvalue
    assert evidence.signed_rank(d) == pytest.approx(expected, rel=SUMS)


@pytest.mark.parametrize("seed", range(5))
def test_p_values_with_ties_and_zeros_are_those_of_all_signs(seed: int) -> None:
    d = np.random.default_rng(seed).integers(-3, 4, 9).astype(float)
    ranks = stats.rankdata(np.abs(d))[d != 0]
    observed = abs(np.sum(np.sign(d[d != 0]) * ranks))
    signs = np.array(list(itertools.product([-1, 1], repeat=len(ranks))))
    expected = np.mean(np.abs(signs @ ranks) >= observed - 1e-9)
    assert evidence.signed_rank(d) == pytest.approx(expected, rel=SUMS)
    everything = stats.PermutationMethod(n_resamples=10_000)
    theirs = stats.wilcoxon(d, zero_method="pratt", method=everything).pvalue
    assert evidence.signed_rank(d) == pytest.approx(theirs, rel=SUMS)


def test_many_pairs_have_the_p_value_of_the_normal_distribution() -> None:
    d = np.random.default_rng(0).integers(-9, 11, 400).astype(float)
    expected = stats.wilcoxon(d, zero_method="pratt", method="approx").pvalue
    assert evidence.signed_rank(d) == pytest.approx(expected, rel=1e-9)
    # At the border both ways agree: see EXACT_PAIRS.
    d = np.random.default_rng(1).standard_normal(100) + 0.2
    exact, approximate = evidence.signed_rank(d), stats.wilcoxon(d, method="approx").pvalue
    assert exact == pytest.approx(approximate, rel=0.02)


def test_p_values_at_the_ends() -> None:
    assert evidence.signed_rank([]) == 1
    assert evidence.signed_rank([0.0, 0.0, np.nan]) == 1
    assert evidence.signed_rank(np.arange(1.0, 11.0)) == 2 / 2**10
    # Infinite is greater than all: the same ranks as with any great number.
    assert evidence.signed_rank([np.inf, -1, 2, 3]) == evidence.signed_rank([9, -1, 2, 3])
    with pytest.raises(SettingError, match="differences of signed_rank must have shape"):
        evidence.signed_rank([[1.0]])


# --- Holm's correction -----------------------------------------------------------------


def test_holm_by_hand() -> None:
    # Sorted: 0.005·4 = 0.02, 0.011·3 = 0.033, 0.02·2 = 0.04, 0.04·1 = 0.04.
    assert evidence.holm([0.02, 0.005, 0.04, 0.011]) == pytest.approx([0.04, 0.02, 0.04, 0.033])
    assert evidence.holm([0.4, 0.6]) == pytest.approx([0.8, 0.8])
    assert evidence.holm([0.9, 0.8]).tolist() == [1, 1]
    assert evidence.holm([]).tolist() == []
    with pytest.raises(SettingError, match="p of holm"):
        evidence.holm([0.5, 1.5])


@pytest.mark.parametrize("seed", range(20))
def test_holm_rejects_what_its_definition_rejects(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=7) ** 4
    rejected = set()
    for step, k in enumerate(np.argsort(p)):  # the smallest first, until one is not
        if p[k] > 0.05 / (len(p) - step):
            break
        rejected.add(int(k))
    assert set(np.flatnonzero(evidence.holm(p) <= 0.05).tolist()) == rejected


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("seeds", [8, 10])
def test_a_family_without_differences_seldom_raises_an_alarm(draw: str, seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    alarms = 0
    for arms in DRAWS[draw](rng, (POPULATIONS, 4, seeds)):
        p = [evidence.signed_rank(a - b) for a, b in itertools.combinations(arms, 2)]
        alarms += evidence.holm(p).min() <= 0.05
    assert alarms / POPULATIONS <= FALSE_ALARMS


def test_true_differences_beside_them_change_nothing() -> None:
    # c differs from a and b, which do not differ: only that pair can be a false alarm.
    rng = np.random.default_rng(0)
    alarms = 0
    for arms in rng.standard_normal((POPULATIONS, 3, 10)):
        a, b, c = arms[0], arms[1], arms[2] + 4
        p = [evidence.signed_rank(d) for d in (a - b, a - c, b - c)]
        alarms += evidence.holm(p)[0] <= 0.05
    assert alarms / POPULATIONS <= FALSE_ALARMS


def test_the_fewest_pairs_are_those_that_can_show_a_difference() -> None:
    for family in (1, 2, 4, 5, 15, 28, 496):
        n = evidence.fewest_pairs(family)
        assert family * evidence.signed_rank(np.arange(1.0, n + 1)) <= 0.05
        assert family * evidence.signed_rank(np.arange(1.0, n)) > 0.05


# --- the interval of the median --------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5])
def test_the_distribution_of_a_resampled_median_is_that_of_all_resamples(n: int) -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0])[:n]
    everything = np.median(list(itertools.product(values, repeat=n)), axis=-1)
    first, second, chance = _resampled_medians(n)
    assert chance.sum() == pytest.approx(1)
    medians = (values[first] + values[second]) / 2
    for median in np.unique(everything):
        assert chance[medians == median].sum() == pytest.approx(np.mean(everything == median))


@pytest.mark.parametrize("n", [6, 7, 10, 30])
@pytest.mark.parametrize("draw", ["normal", "skewed"])
def test_the_interval_of_a_median_covers_it(draw: str, n: int) -> None:
    true = {"normal": 0.0, "skewed": 1.0}[draw]
    rows = DRAWS[draw](np.random.default_rng(n), (POPULATIONS, n))
    bounds = np.array([evidence.median_bounds(row, 0.95) for row in rows])
    missed = np.mean((bounds[:, 0] > true) | (bounds[:, 1] < true))
    assert 0.005 < missed <= FALSE_ALARMS  # nor does it cover by being endless


def test_the_interval_of_a_median_mirrors_and_shrinks() -> None:
    d = np.random.default_rng(0).lognormal(size=11)
    low, high = evidence.median_bounds(d, 0.95)
    assert evidence.median_bounds(-d, 0.95) == (-high, -low)
    inner = evidence.median_bounds(d, 0.8)
    assert low <= inner[0] <= np.median(d) <= inner[1] <= high
    assert evidence.median_bounds(d[:5], 0.95) == (-np.inf, np.inf)
    # A thousand and more: no overflow of binomials, and as narrow as σ of a median, √(π/2n).
    many = np.random.default_rng(0).standard_normal(2000)
    low, high = evidence.median_bounds(many, 0.95)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(np.pi / 2 / 2000), rel=0.25)


@pytest.mark.parametrize("n", [118, 400])
def test_of_many_values_those_in_the_middle_are_enough(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pairs of 100,000 values would take 40 GB."""
    assert bootstrap._first(n) > 0
    middle = _resampled_medians.__wrapped__(n)
    monkeypatch.setattr(bootstrap, "_first", lambda n: 0)
    for some, every in zip(middle, _resampled_medians.__wrapped__(n), strict=True):
        np.testing.assert_allclose(some, every, rtol=0, atol=1e-15)
    assert middle[2].sum() == pytest.approx(1)


def test_many_seeds_are_compared_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often each of 50,000 seeds is drawn in 10,000 resamples would take 8 GB."""
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    x, noise = np.random.default_rng(0).standard_normal((2, 50_000))
    tracemalloc.start()
    found = evidence.compare("first", x + noise + 0.05, "second", x)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.winner == "second"
    assert found.median_low < 0.05 < found.median_high
    assert found.low < 0.05 < found.high
    assert most < 300e6


# --- comparisons -----------------------------------------------------------------------


def test_comparison_is_made_seed_by_seed() -> None:
    rng = np.random.default_rng(0)
    luck = 10 * rng.standard_normal(10)  # what a seed does to both arms
    a, b = luck + 0.1 * rng.standard_normal(10), luck + 0.5 + 0.1 * rng.standard_normal(10)
    paired = evidence.compare("a", a, "b", b)
    assert paired.winner == "a"
    assert paired.high < 0
    assert paired.median == pytest.approx(np.median(a - b))
    assert paired.median_low < paired.median < paired.median_high < 0
    assert not evidence.compare("a", a, "b", b[::-1]).shown


def test_comparison_is_reproducible_and_antisymmetric() -> None:
    a, b = np.random.default_rng(0).standard_normal((2, 12))
    once, again, turned = (
        evidence.compare("a", a, "b", b),
        evidence.compare("a", a, "b", b),
        evidence.compare("b", b, "a", a),
    )
    assert once == again
    assert (turned.low, turned.high) == pytest.approx((-once.high, -once.low))
    assert (turned.median_low, turned.median_high) == (-once.median_high, -once.median_low)
    assert (turned.wins, turned.losses, turned.p) == (once.losses, once.wins, once.p)
    assert turned.superiority == pytest.approx(1 - once.superiority)
    assert evidence.compare("a", a, "b", b, seed=1) != once


def test_equal_arms_show_no_difference_and_a_constant_one_is_shown() -> None:
    x = np.random.default_rng(0).standard_normal(10)
    same = evidence.compare("a", x, "b", x)
    assert (same.low, same.high, same.shown) == (0, 0, False)
    assert (same.ties, same.superiority, same.p) == (10, 0.5, 1)
    assert evidence.compare("a", x, "b", x + 1).winner == "a"
    assert evidence.compare("a", x, "b", x + 1, better="higher").winner == "b"


def test_effect_sizes() -> None:
    a = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0])
    b = np.array([2.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0])
    found = evidence.compare("a", a, "b", b)
    assert (found.wins, found.losses, found.ties) == (4, 2, 1)
    assert found.superiority == 4.5 / 7
    d = a - b
    # The mean of t divided by its non-centrality is √(ν/2) Γ((ν−1)/2) / Γ(ν/2), ν = n − 1.
    bias = stats.nct.mean(6, 1.0)
    t = stats.ttest_rel(a, b).statistic
    assert found.effect == pytest.approx(t / np.sqrt(7) / bias)
    # Hedges's approximation of J, good to 0.1 % from 6 degrees of freedom on.
    assert found.effect == pytest.approx(d.mean() / d.std(ddof=1) * (1 - 3 / 23), rel=2e-3)
    assert bias == pytest.approx(np.sqrt(3) * special.gamma(2.5) / special.gamma(3))
    assert np.isnan(evidence.compare("a", a, "b", a + 1).effect)


def test_the_effect_size_is_without_bias() -> None:
    rows = np.random.default_rng(0).standard_normal((POPULATIONS, 8)) + 0.8
    zero = np.zeros(8)
    few = rows[:200]
    found = [evidence.compare("a", row, "b", zero).effect for row in few]
    # σ of one estimate is about √(1/8 + 0.8²/16) = 0.41.
    assert np.mean(found) == pytest.approx(0.8, abs=3 * 0.41 / np.sqrt(len(few)))


def test_intervals_of_the_means_hold_together() -> None:
    rng, repeats = np.random.default_rng(1), 200
    missed = 0
    for arms in rng.lognormal(size=(repeats, 4, 6)):
        found = evidence.compare_all(dict(zip("abcd", arms, strict=True)))
        missed += any(c.low > 0 or c.high < 0 for c in found)
    assert missed / repeats <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)


def test_a_difference_that_is_there_is_found() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        luck, noise = rng.standard_normal(10), 0.2 * rng.standard_normal((3, 10))
        arms = {"a": luck + noise[0], "b": luck + noise[1] + 1, "c": luck + noise[2] + 2}
        assert all(c.winner == c.first for c in evidence.compare_all(arms))


def test_what_is_shown_agrees_with_the_interval_of_the_median() -> None:
    # Many small losses against few great gains: the ranks lean one way, the median does not.
    d = np.r_[np.full(16, -0.1) - np.arange(16) * 1e-3, np.arange(14) + 5.0]
    found = evidence.compare("a", d, "b", np.zeros(30))
    assert found.adjusted <= 0.05
    assert found.median_low < 0 < found.median_high
    assert not found.shown
    rng = np.random.default_rng(0)
    for shift in rng.uniform(-1, 1, 100):
        c = evidence.compare("a", rng.standard_normal(10) + shift, "b", np.zeros(10))
        if c.shown:
            assert c.adjusted <= 0.05
            assert c.median_low > 0 or c.median_high < 0


def test_a_family_is_corrected_by_its_size() -> None:
    x = np.arange(8.0)
    arms = {"a": x, **{name: x + 1 + 0.1 * np.sin(x + k) for k, name in enumerate("bcdefg")}}
    named = evidence.compare_all(arms, pairs=[("b", "a"), ("c", "a")])
    assert [(c.first, c.second, c.family) for c in named] == [("b", "a", 2), ("c", "a", 2)]
    assert all(c.winner == "a" and c.adjusted == 2 * c.p for c in named)
    # 21 pairs and 8 seeds: 21 · 2/2⁸ > 5 %.
    assert not any(c.shown for c in evidence.compare_all(arms))
    with pytest.raises(SettingError, match="pairs of compare_all must be a list of pairs of arms"):
        evidence.compare_all(arms, pairs=[("a", "z")])
    assert evidence.compare_all(arms, pairs=[]) == []


def test_equal_accuracies_are_ties_whatever_the_rounding() -> None:
    a, b = np.full(8, 0.7 - 0.6), np.full(8, 0.8 - 0.7)  # 0.1, but for the last bits
    assert (a != b).all()
    found = evidence.compare("a", a, "b", b, better="higher")
    assert (found.ties, found.p, found.shown) == (8, 1, False)


A = np.array([335, 329, 335, 332, 334, 342, 332, 341, 344, 324])
B = np.array([332, 327, 332, 333, 330, 334, 331, 339, 336, 326])
SAME = ("wins", "losses", "ties", "p", "winner", "diverged")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_interval_that_ends_at_0_ends_there_of_accuracies_too(dtype: type) -> None:
    (found,) = evidence.compare_all(
        {"a": (A / 360).astype(dtype), "b": (B / 360).astype(dtype)}, better="higher"
    )
    assert (found.median_low, found.winner) == (0, None)
    assert "(95% interval 0 to 0.01667; p = 0.025)" in str(found)


def test_accuracies_are_compared_as_the_counts_behind_them(rng: np.random.Generator) -> None:
    for n in (7, 10, 97, 360, 1000, 10_000):
        for _ in range(8):
            seeds = int(rng.integers(6, 16))
            spread = int(rng.integers(1, 9))
            base = rng.integers(0, n + 1, seeds)
            counts = np.clip(base + rng.integers(-spread, spread + 1, (2, seeds)), 0, n)
            whole = evidence.compare("a", counts[0], "b", counts[1], better="higher")
            epochs = counts / n, (counts / n + counts / n + counts / n) / 3  # a mean of epochs
            for x in (*epochs, epochs[0] - 0.5, (counts / n).astype(np.float32)):
                found = evidence.compare("a", x[0], "b", x[1], better="higher")
                assert all(getattr(found, name) == getattr(whole, name) for name in SAME)
                for name in ("mean", "low", "high", "median", "median_low", "median_high"):
                    one, other = getattr(found, name), getattr(whole, name) / n
                    assert one == pytest.approx(other, abs=1e-6 if x.dtype == np.float32 else 1e-12)
                    assert (one == 0) == (other == 0)


def test_equal_differences_of_small_and_great_values_are_one_number() -> None:
    a, b = np.float32([0.9, 0.0002, 0.0125, 0.7]), np.float32([0.9001, 0.0001, 0.0126, 0.6999])
    d = subtracted(a.astype(float), b.astype(float), 2.0**-20)
    assert len({*np.abs(a.astype(float) - b).tolist()}) > 1
    assert len({*np.abs(d).tolist()}) == 1
    assert np.sign(d).tolist() == [-1, 1, -1, 1]


def test_one_run_of_great_numbers_makes_no_ties_of_the_others() -> None:
    x = np.linspace(0.1, 0.2, 10)
    y = x + 0.01
    x[3] = y[3] = 1e20  # not yet diverged
    found = evidence.compare("a", x, "b", y)
    assert (found.wins, found.ties, found.winner) == (9, 1, "a")


@pytest.mark.parametrize("most", [1e200, 8e307])
def test_huge_values_are_compared_as_small_ones(most: float) -> None:
    """Their squares overflow; so do sums of the greater ones."""
    a, b = np.linspace(0.9, 1.0, 10), np.linspace(-1.0, -0.4, 10)
    small, huge = (evidence.compare("a", size * a, "b", size * b) for size in (1.0, most))
    for name in ("mean", "low", "high", "median", "median_low", "median_high"):
        assert getattr(huge, name) / most == pytest.approx(getattr(small, name), rel=1e-12)
    assert (huge.effect, huge.p) == (pytest.approx(small.effect, rel=1e-12), small.p)
    beside = evidence.compare_all({"a": a, "b": b, "c": most * a})
    assert beside[0].low <= small.low  # of a family: no narrower


def test_a_difference_that_overflows_is_the_largest_number() -> None:
    most = np.finfo(np.float64).max
    found = evidence.compare("a", np.full(8, 1e308), "b", np.full(8, -1e308))
    assert (found.mean, found.median, found.median_low, found.winner) == (most, most, most, "b")
    other = evidence.compare("b", np.full(8, -1e308), "a", np.full(8, 1e308))
    assert (other.mean, other.median_high, other.winner) == (-most, -most, "b")


def test_the_bound_of_rounding_does_not_overflow() -> None:
    """Of two middle values a mean would be infinite, and all differences ties."""
    (found,) = evidence.compare_all({"a": np.full(8, 1e308), "b": np.ones(8)})
    assert (found.winner, found.losses) == ("b", 8)


def test_values_that_are_differences_have_the_rounding_of_greater_ones() -> None:
    gaps = np.array([0.5, 0.97 - 0.96 - 0.01, 0.3, 0.2, 0.1, 0.4])  # the second one is 0 but for it
    found = evidence.compare("a", gaps, "b", np.zeros(6))
    assert gaps[1] != 0
    assert (found.ties, found.losses) == (1, 5)


def test_runs_that_diverged_lost_and_seeds_without_a_run_are_left_out() -> None:
    x = np.arange(8.0)
    y = x - 1 + 0.1 * np.sin(x)  # better wherever it ended
    y[[1, 5]] = np.nan, np.inf
    found = evidence.compare("a", x, "b", y)
    assert (found.pairs, found.missing, found.diverged) == (7, 1, 1)
    assert (found.wins, found.losses, found.ties) == (1, 6, 0)
    assert str(found).endswith("; in 1 of 7 seeds a run diverged; 1 other seed lacks a value")
    assert found.median == pytest.approx(np.median((x - y)[[0, 2, 3, 4, 6, 7]]))
    x[5] = np.inf
    both = evidence.compare("a", x, "b", y)
    assert (both.wins, both.losses, both.ties, both.diverged) == (0, 6, 1, 1)
    y[[0, 2]] = np.nan
    few = evidence.compare("a", x, "b", y)
    assert (few.low, few.high, few.shown) == (-np.inf, np.inf, False)
    assert str(few) == (
        "5 seeds are too few to compare a and b; try 6 or more; in 1 of 5 seeds a run diverged; "
        "3 other seeds lack a value"
    )
    none = evidence.compare("a", x, "b", np.full(8, np.nan))
    assert (none.pairs, none.shown, none.p) == (0, False, 1)
    assert np.isnan(none.superiority)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_an_arm_that_always_diverged_is_shown_to_be_worse(better: evidence.Direction) -> None:
    found = evidence.compare("a", np.arange(8.0), "b", np.full(8, np.inf), better=better)
    assert (found.winner, found.wins, found.diverged) == ("a", 8, 8)
    assert np.isnan(found.median)
    assert (found.median_low, found.median_high) == (-np.inf, np.inf)
    assert str(found) == ("a beats b in 8 of 8 seeds (p = 0.0078); in 8 of 8 seeds a run diverged")
    both = evidence.compare("a", np.full(8, np.inf), "b", np.full(8, np.inf), better=better)
    assert str(both) == (
        "no difference shown between a and b: a is better in 0 of 8 seeds (p = 1); "
        "in 8 of 8 seeds a run diverged"
    )


def test_a_sentence_says_how_many_diverged_and_that_an_interval_is_unknown() -> None:
    b = np.linspace(0.1, 0.2, 8)
    a = b + 0.3
    a[0] = np.inf
    assert str(evidence.compare("a", a, "b", b)) == (
        "b beats a in 8 of 8 seeds, by 0.3 in the median "
        "(95% interval 0.3 to 0.3; p = 0.0078); in 1 of 8 seeds a run diverged"
    )
    a[:3] = np.inf
    assert str(evidence.compare("a", a, "b", b)) == (
        "b beats a in 8 of 8 seeds; a minus b is 0.3 in the median "
        "(95% interval unknown: 5 seeds are too few; p = 0.0078); in 3 of 8 seeds a run diverged"
    )
    # Where both finished, a is the better one: b is not ahead by 0.1.
    many = np.r_[np.full(15, np.inf), np.full(5, 0.1)]
    text = str(evidence.compare("a", many, "b", np.full(20, 0.2)))
    assert text.startswith("b beats a in 15 of 20 seeds; a minus b is -0.1 in the median (95% int")


def test_too_few_seeds_say_how_many_are_needed() -> None:
    x = np.arange(7.0)
    five = {name: x[:5] + place for place, name in enumerate("abcd")}
    assert str(evidence.compare_all(five)[0]) == (
        "5 seeds are too few to compare a and b; try 8 or more"
    )
    seven = {name: x + place for place, name in enumerate("abcd")}
    assert str(evidence.compare_all(seven)[0]).endswith("; to show one takes 8 seeds or more")
    sure = evidence.compare("a", x, "b", x + 1, level=0.999)
    assert "(99.9% interval unknown: 7 seeds are too few; p = 0.016); to show" in str(sure)


def test_a_comparison_in_words() -> None:
    x = np.arange(6.0)
    assert str(evidence.compare("SGD", x + 3, "Adam", x)) == (
        "Adam beats SGD in 6 of 6 seeds, by 3 in the median (95% interval 3 to 3; p = 0.031)"
    )
    assert str(evidence.compare("a", x, "b", x)) == (
        "no difference shown between a and b: a is better in 0 of 6 seeds; "
        "a minus b is 0 in the median (95% interval 0 to 0; p = 1)"
    )


@pytest.mark.parametrize("arms", [{"a": [1.0]}, {"a": [1.0, 2.0], "b": [1.0]}, {}])
def test_arms_must_be_comparable(arms: dict[str, list[float]]) -> None:
    with pytest.raises(SettingError):
        evidence.compare_all(arms)


def test_many_arms_are_compared_in_less_than_a_second() -> None:
    values = np.random.default_rng(0).standard_normal((32, 30))
    arms = {f"arm {k}": row for k, row in enumerate(values)}
    pairs = [(f"arm {k}", f"arm {k + 1}") for k in range(0, 32, 2)]
    start = time.process_time()
    found = evidence.compare_all(arms, pairs=pairs)
    assert time.process_time() - start < 1
    assert len(found) == 16


def test_the_document_names_the_fields() -> None:
    document = Path(__file__).parents[2] / "docs" / "evidence.md"
    rows = [r for r in document.read_text(encoding="utf-8").splitlines() if r.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    fields = {field.name for field in dataclasses.fields(evidence.Comparison)}
    rest = {"first", "second", "level", "pairs", "missing", "diverged", "family"}
    assert named == fields - rest
