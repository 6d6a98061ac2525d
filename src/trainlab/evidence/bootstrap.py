"""Intervals by resampling: of one median exactly; of a statistic, of many means by drawing."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy  # loads its room `stats` when that is first used: half a second
from scipy import special

from trainlab import memory
from trainlab.blas import one_thread
from trainlab.errors import SettingError, sentence
from trainlab.evidence.checks import Array, check_level, numbers
from trainlab.streams import stream

RESAMPLES: Final = 10_000
"""Puts 500 resamples beyond a 95 % quantile: its own error is then below 5 % of the tail."""

FEWER_RESAMPLES: Final = 2_000
"""Puts 50 beyond each end of a 95 % interval, which is then known to a twentieth of its width."""

BLOCK_NUMBERS: Final = 1 << 20
"""Numbers of resamples that are in memory at a time."""

NEGLIGIBLE: Final = 1e-16
"""Chances below the rounding of their sum, 1: nearly all pairs of order statistics."""

ROUNDING: Final = 8 * np.finfo(np.float64).eps
"""Spread below this share of the mean is the rounding of one subtraction and one sum."""


# --- one median ------------------------------------------------------------------------


def median_bounds(values: Array, level: float) -> tuple[float, float]:
    """Find the expanded percentile bootstrap interval of a median.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite numbers.
    level : float
        The probability of the interval, in (0, 1).

    Returns
    -------
    tuple of float
        Its ends; infinite for fewer values than any interval of a median needs, 2/2ⁿ > 1 − level.

    Raises
    ------
    SettingError
        If `values` are not finite numbers of shape (n,), or `level` is not in (0, 1).

    Notes
    -----
    The ends are the quantiles  α' = Φ(√(n/(n−1)) t)  and  1 − α'  of the median of a resample,
    where t is Student's quantile (1 − level)/2 with n − 1 degrees of freedom: plain percentile
    intervals are too narrow for few values.  Nothing is drawn, since the distribution of a
    resample's median is known.

    Source: Efron (1979), "Bootstrap methods", section 3 (the median); Hesterberg (2015),
    "What teachers should know about the bootstrap", section 5.2 (the expansion).

    Examples
    --------
    >>> median_bounds(np.arange(1.0, 11.0), 0.95)
    (2.5, 8.5)
    """
    level = check_level(level, "median_bounds")
    values = numbers(values)
    if values.ndim != 1 or not np.isfinite(values).all():
        must = "be finite, of shape (n,)"
        raise SettingError(sentence("values", "median_bounds", must, values))
    n = len(values)
    memory.need(8 * (n - 2 * _first(n)) ** 2, "the pairs of order statistics", "median_bounds")
    if n < 2 or 2.0 ** (1 - n) > 1 - level:
        return -np.inf, np.inf
    ordered = np.sort(values)
    first, second, chance = _resampled_medians(n)
    medians = (ordered[first] + ordered[second]) / 2
    order = np.argsort(medians, kind="stable")
    medians, chance = medians[order], chance[order]
    tail = scipy.stats.norm.cdf(np.sqrt(n / (n - 1)) * scipy.stats.t.ppf((1 - level) / 2, n - 1))
    low = np.searchsorted(np.cumsum(chance), tail)
    high = np.searchsorted(np.cumsum(chance[::-1]), tail)
    return float(medians[low]), float(medians[-1 - high])


@functools.cache
def _resampled_medians(
    n: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Array]:
    """The order statistics i <= j whose mean a resample's median is, and the chance of each."""
    upto = np.arange(1, n + 1) / n
    middle = (n + 1) // 2
    # The middle-th value of a resample is among the i smallest if that many draws are.
    at = np.diff(scipy.stats.binom.sf(middle - 1, n, upto), prepend=0.0)
    if n % 2:
        return np.arange(n), np.arange(n), at
    start, width = _first(n), n - 2 * _first(n)
    first, second = (start + side for side in np.triu_indices(width))
    # i < j: half of the draws among the i smallest, one of them the i-th; the rest likewise.
    half = np.diff(upto**middle, prepend=0.0)
    with np.errstate(divide="ignore"):  # chances below the smallest number
        logs = np.log(half)
    ways = special.gammaln(n + 1) - 2 * special.gammaln(middle + 1)
    apart = first < second
    chance = np.zeros(len(first))
    chance[apart] = np.exp(ways + (logs[first] + logs[::-1][second])[apart])
    # i = j: what is left of the chance that the lower of the two is the i-th.
    lower = np.bincount(first - start, chance, width)
    chance[~apart] = np.maximum(at[start : start + width] - lower, 0.0)
    matters = chance > NEGLIGIBLE
    return first[matters], second[matters], chance[matters]


def _first(n: int) -> int:
    """The first order statistic that matters: those beyond ten standard deviations have a chance
    below 1e-22, and of 100,000 values all pairs would not fit into memory.
    """
    return max(0, n // 2 - 5 * math.isqrt(n) - 8)


# --- a statistic of rows ---------------------------------------------------------------


def statistic_bounds(
    columns: Array, statistic: Callable[[Array], Array], level: float, seed: int
) -> tuple[float, float]:
    """Find the percentile bootstrap interval of a statistic of the means of columns.

    Parameters
    ----------
    columns : array_like, shape (n, k)
        Rows are drawn whole, so that columns stay paired.
    statistic : callable
        Turns means (resamples, k) into values (resamples,); those that are not finite are left
        out.
    level : float
        The probability of the interval, in (0, 1).
    seed : int
        Seeds the draws.

    Returns
    -------
    tuple of float
        The ends of the interval; infinite where no value is finite.

    Raises
    ------
    SettingError
        If `columns` is not of shape (n, k) with n, k >= 1, or `statistic` is not a function.

    Notes
    -----
    Source: Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 13.

    Examples
    --------
    >>> low, high = statistic_bounds(np.arange(100.0)[:, None], lambda m: m[:, 0], 0.95, seed=0)
    >>> 43 < low < 45 and 54 < high < 56
    True
    """
    level = check_level(level, "statistic_bounds")
    columns = numbers(columns)
    if columns.ndim != 2 or not columns.size:
        must = "have the shape (n, k) with n, k >= 1"
        raise SettingError(sentence("columns", "statistic_bounds", must, columns))
    if not callable(statistic):
        raise SettingError(sentence("statistic", "statistic_bounds", "be a function", statistic))
    n = len(columns)
    return resampled_bounds(n, lambda times: statistic(times @ columns / n), level, seed)


@one_thread()
def resampled_bounds(
    n: int, statistic: Callable[[Array], Array], level: float, seed: int
) -> tuple[float, float]:
    """The percentile bootstrap interval of a statistic of n rows.

    statistic  turns how often each row is drawn, (resamples, n), into values (resamples,); those
               that are not finite are left out, and without any the ends are infinite
    """
    values = np.concatenate([statistic(times) for times in _drawn(n, FEWER_RESAMPLES, seed)])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return -np.inf, np.inf
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _drawn(n: int, resamples: int, seed: int) -> Iterator[Array]:
    """How often each of n rows is drawn, (resamples, n), some resamples at a time."""
    rng, at_once = stream(seed, "bootstrap"), max(1, BLOCK_NUMBERS // n)
    for first in range(0, resamples, at_once):
        size = min(at_once, resamples - first)
        yield rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


# --- many means ------------------------------------------------------------------------


@one_thread()
def reach(centred: Array, present: npt.NDArray[np.bool_], level: float, seed: int) -> float:
    """The `level` quantile of the greatest studentised deviation among the pairs."""
    spread, found = np.sqrt(np.mean(centred**2, axis=-1)), []
    # How often each seed is drawn, instead of which: sums become one matrix product.
    for times in _drawn(centred.shape[1], RESAMPLES, seed):
        count = times @ present.T  # (resamples, pairs)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = (times @ centred.T) / count
            error = standard_error(count, mean, times @ (centred**2).T)
            deviation = np.abs(mean) / error
        deviation[~(error > ROUNDING * spread)] = np.inf
        found.append(deviation.max(-1))
    return float(np.quantile(np.concatenate(found), level, method="higher"))


def standard_error(count: Any, mean: Any, squares: Any) -> Array:
    """√(Σd²/n - mean²)/√n, 0 where rounding makes the variance negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares / count - mean**2, 0.0)
        result: Array = np.sqrt(variance / count)
    return result
