"""Statistics on arrays: what a population of runs shows, and what it does not.

From the simplest to the hardest: smoothing, the band over seeds, the interval of
a median, the interval for one more run, the replication of a published number,
and paired comparisons of arms with simultaneous bootstrap intervals.

A value that is not finite is a run that diverged: it is left out and counted,
never averaged.
"""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from trainlab.errors import SettingError, sentence
from trainlab.settings import is_integer, is_real
from trainlab.streams import stream

Array = npt.NDArray[np.float64]

SMOOTHING_WINDOW: Final = 11
SMOOTHING_BETA: Final = 2.0

RESAMPLES: Final = 10_000
"""Puts 500 resamples beyond a 95 % quantile: its own error is then below 5 % of the tail."""

MIN_PAIRS: Final = 5
"""Fewest pairs that get an interval.

A resample of n pairs that draws one pair n times has no spread and counts as
infinitely far off; its chance n^(1-n) must be small beside the level: 0.16 % for
n = 5, but 11 % for n = 3.
"""


# --- curves ----------------------------------------------------------------------------


def smooth(
    values: npt.ArrayLike, window: int = SMOOTHING_WINDOW, beta: float = SMOOTHING_BETA
) -> Array:
    """A moving average under a Kaiser window, along the last axis, of the same length.

    y_i = Σ_j w_j x_{i+j}, |j| <= window // 2, Σ w = 1; at the ends x is mirrored
    (left without its first value, right with its last), as the book plots its losses.
    Shorter series than the window are returned as they are.

    >>> smooth(np.ones(20)).shape, bool(np.allclose(smooth(np.ones(20)), 1))
    ((20,), True)
    """
    x = _numbers(values)
    if not is_integer(window) or window < 1 or window % 2 == 0:
        raise SettingError(sentence("window", "smooth", "be an odd integer >= 1", window, "11"))
    if not is_real(beta):
        raise SettingError(sentence("beta", "smooth", "be a number", beta, "beta=2.0"))
    if x.ndim == 0:
        raise SettingError(sentence("values", "smooth", "be an array (..., n)", values))
    half = window // 2
    if x.shape[-1] < window:
        return x
    weights = np.kaiser(window, beta)
    left, right = x[..., half:0:-1], x[..., : -half - 1 : -1]
    padded = np.concatenate([left, x, right], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, window, axis=-1)
    result: Array = windows @ (weights / weights.sum())
    return result


@dataclasses.dataclass(frozen=True)
class Band:
    """The middle of a population and where most of it lies; arrays (n,)."""

    center: Array
    low: Array
    high: Array
    count: npt.NDArray[np.int64]
    level: float


def band(values: npt.ArrayLike, level: float = 0.95) -> Band:
    """The median over the members and the quantiles that enclose `level` of them.

    values: (members, n).  It describes the spread of single runs, not the error of
    the median: more seeds do not make it narrower.  Where no member has a value
    the band is NaN.

    >>> b = band([[1.0, 2.0], [3.0, np.nan]], level=0.5)
    >>> b.center.tolist(), b.count.tolist()
    ([2.0, 2.0], [2, 1])
    """
    _check_level(level, "band")
    x = _finite(values)
    if x.ndim != 2:
        raise SettingError(sentence("values", "band", "have shape (members, n)", x))
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        # All members diverged: NaN is the answer, and no news to the reader.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        quantile = np.nanquantile if np.isnan(x).any() else np.quantile
        low, center, high = quantile(x, [tail, 0.5, 1 - tail], axis=0)
    return Band(center, low, high, np.sum(~np.isnan(x), axis=0), level)


# --- one arm ---------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value with its interval; infinite where the runs are too few for the level."""

    center: float
    low: float
    high: float
    level: float
    count: int
    missing: int

    def contains(self, value: float) -> bool:
        """Whether the value lies in the interval, ends included."""
        return self.low <= value <= self.high


def median_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """The median of the runs, and an interval that covers the true median.

    The interval lies between two order statistics x_(k) and x_(n+1-k) with the
    greatest k for which 2·P(Binomial(n, ½) < k) <= 1 - level: it holds for every
    distribution.  Fewer than 6 runs have no 95 % interval.

    >>> median_interval(range(1, 11)).low, median_interval(range(1, 11)).high
    (2.0, 9.0)
    """
    _check_level(level, "median_interval")
    x, missing = _present(values)
    if not x.size:
        return Interval(np.nan, -np.inf, np.inf, level, 0, missing)
    ordered = np.sort(x)
    k = int(stats.binom.ppf((1 - level) / 2, x.size, 0.5))
    k -= bool(2 * stats.binom.cdf(k - 1, x.size, 0.5) > 1 - level)
    low, high = (ordered[k - 1], ordered[-k]) if k >= 1 else (-np.inf, np.inf)
    return Interval(float(np.median(x)), float(low), float(high), level, x.size, missing)


def run_interval(values: npt.ArrayLike, level: float = 0.99) -> Interval:
    """The median of the runs, and an interval that holds one more run.

    m ± t·s·√(1 + 1/n), t Student's quantile with n - 1 degrees of freedom, m and s
    mean and standard deviation of the logarithms (of the values themselves when
    one is <= 0).  A loss of training is skewed like its logarithm is not.  A number
    that one unseeded run printed belongs in this interval, not in that of the median.

    Needs 2 runs; with fewer the interval is infinite.  Source: any text on
    prediction intervals, e.g. Hahn and Meeker (1991), section 4.7.

    >>> run_interval([1.0, 2.0, 4.0]).contains(2.0)
    True
    """
    _check_level(level, "run_interval")
    x, missing = _present(values)
    center = float(np.median(x)) if x.size else np.nan
    if x.size < 2:
        return Interval(center, -np.inf, np.inf, level, x.size, missing)
    positive = bool(np.all(x > 0))
    z = np.log(x) if positive else x
    reach = stats.t.ppf((1 + level) / 2, x.size - 1) * z.std(ddof=1) * np.sqrt(1 + 1 / x.size)
    with np.errstate(over="ignore"):
        ends = np.array([z.mean() - reach, z.mean() + reach])
        low, high = np.exp(ends) if positive else ends
    return Interval(center, float(low), float(high), level, x.size, missing)


@dataclasses.dataclass(frozen=True)
class Replication:
    """A published number beside the distribution found here."""

    source: str
    what: str
    value: float
    median: float
    low: float
    high: float
    inside: bool
    runs: int
    level: float


def replicate(
    source: str, what: str, value: float, values: npt.ArrayLike, level: float = 0.99
) -> Replication:
    """One row of a replication table: is the published value one that our runs could give?

    >>> replicate("notes", "loss", 2.1, [2.0, 2.1, 2.2, 2.3]).inside
    True
    """
    ours = run_interval(values, level)
    return Replication(
        source=source,
        what=what,
        value=float(value),
        median=ours.center,
        low=ours.low,
        high=ours.high,
        inside=ours.contains(float(value)),
        runs=ours.count,
        level=level,
    )


def reproduce(source: str, what: str, value: float, ours: float, tolerance: float) -> Replication:
    """One row of a replication table for a number without randomness: equal or not.

    The interval is ours ± tolerance.

    >>> reproduce("notes", "derivative", 0.2, 0.2 + 1e-12, 1e-9).inside
    True
    """
    low, high = ours - tolerance, ours + tolerance
    return Replication(source, what, value, ours, low, high, low <= value <= high, 1, 1.0)


# --- arms against each other -----------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Mean of first - second over common seeds, with its interval.

    `pairs` counts the seeds that both arms have, `missing` those that one lacks.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float
    level: float
    pairs: int
    missing: int

    @property
    def shown(self) -> bool:
        """Whether the interval leaves out 0; if not, no difference is shown."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        if self.pairs < MIN_PAIRS:
            verdict = f"{self.pairs} pairs, too few for an interval: no difference shown"
        else:
            verdict = f"{self.level:.0%} interval {self.low:+.4g} to {self.high:+.4g}"
            verdict += "" if self.shown else ": no difference shown"
        return f"{self.first} - {self.second}: {self.mean:+.4g} ({verdict})"


def compare(
    first: str,
    a: npt.ArrayLike,
    second: str,
    b: npt.ArrayLike,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Two arms on common seeds; a, b: (seeds,) in the same order of seeds.  See `compare_all`.

    >>> x = np.arange(10.0)
    >>> print(compare("SGD", x + 3, "Adam", x))
    SGD - Adam: +3 (95% interval +3 to +3)
    """
    return compare_all({first: a, second: b}, level, seed)[0]


def compare_all(
    arms: Mapping[str, npt.ArrayLike], level: float = 0.95, seed: int = 0
) -> list[Comparison]:
    """All pairs of arms, with intervals that hold together at `level`.

    arms: label -> (seeds,), NaN where a run diverged.  For a pair with differences d
    the interval is  mean(d) ± q·se(d),  se = std(d)/√n.  The seeds are resampled
    for all pairs at once, and q is the `level` quantile of the greatest
    |mean(d*) - mean(d)| / se(d*) among the pairs: the chance that any of the
    intervals misses is 1 - level, however many arms there are.

    Pairs lacking a value are left out and counted in `missing`; with fewer than
    MIN_PAIRS the interval is infinite.  Differences that are all equal have an
    interval without width.

    Raises SettingError for fewer than two arms or arms of unequal length.

    Source: Romano and Wolf (2005), "Exact and approximate stepdown methods for
    multiple hypothesis testing", single step; Hall (1992), the symmetric percentile-t.

    >>> x = np.arange(10.0)
    >>> both = {"a": x, "b": x + np.resize([1, -1], 10), "c": x + 3 + 0.1 * np.sin(x)}
    >>> [c.shown for c in compare_all(both)]
    [False, True, True]
    """
    _check_level(level, "compare_all")
    labels, x = list(arms), _finite(list(arms.values()))
    if x.ndim != 2 or len(x) < 2:
        must = "hold two or more arms of shape (seeds,)"
        raise SettingError(sentence("arms", "compare_all", must, labels))
    pairs = list(itertools.combinations(range(len(x)), 2))
    d = np.array([x[i] - x[j] for i, j in pairs])  # (pairs, seeds)
    present = ~np.isnan(d)
    count = present.sum(-1)
    mean = np.array(
        [row[ok].mean() if ok.any() else np.nan for row, ok in zip(d, present, strict=True)]
    )
    centred = np.where(present, d - mean[:, None], 0.0)
    error = _standard_error(count, np.zeros(len(d)), np.sum(centred**2, -1))
    judged = (count >= MIN_PAIRS) & (error > _ROUNDING * np.abs(mean))
    half = np.where(count >= MIN_PAIRS, 0.0, np.inf)
    if judged.any():
        half[judged] = _reach(centred[judged], present[judged], level, seed) * error[judged]
    return [
        Comparison(
            first=labels[i],
            second=labels[j],
            mean=float(mean[k]),
            low=float(mean[k] - half[k]),
            high=float(mean[k] + half[k]),
            level=level,
            pairs=int(count[k]),
            missing=int(d.shape[1] - count[k]),
        )
        for k, (i, j) in enumerate(pairs)
    ]


_ROUNDING: Final = 8 * np.finfo(np.float64).eps
"""Spread below this share of the mean is the rounding of one subtraction and one sum."""


def _reach(centred: Array, present: npt.NDArray[np.bool_], level: float, seed: int) -> float:
    """The `level` quantile of the greatest studentised deviation among the pairs."""
    seeds = centred.shape[1]
    rng = stream(seed, "bootstrap")
    # How often each seed is drawn, instead of which: sums become one matrix product.
    times = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES).astype(np.float64)
    count = times @ present.T  # (resamples, pairs)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (times @ centred.T) / count
        error = _standard_error(count, mean, times @ (centred**2).T)
        deviation = np.abs(mean) / error
    spread = np.sqrt(np.mean(centred**2, axis=-1))
    deviation[~(error > _ROUNDING * spread)] = np.inf
    return float(np.quantile(deviation.max(-1), level, method="higher"))


def _standard_error(count: Any, mean: Any, squares: Any) -> Array:
    """√(Σd²/n - mean²)/√n, 0 where rounding makes the variance negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares / count - mean**2, 0.0)
        result: Array = np.sqrt(variance / count)
    return result


# --- checks ----------------------------------------------------------------------------


def _finite(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    """The values as float64, with NaN for everything that is not finite."""
    x = _numbers(values)
    x[~np.isfinite(x)] = np.nan
    return x


def _numbers(values: npt.ArrayLike | Sequence[npt.ArrayLike]) -> Array:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        must = "be numbers, in arrays of equal length"
        raise SettingError(sentence("values", "evidence", must, values)) from error


def _present(values: npt.ArrayLike) -> tuple[Array, int]:
    x = _finite(list(np.asarray(values).ravel()))
    kept = x[~np.isnan(x)]
    return kept, x.size - kept.size


def _check_level(level: float, owner: str) -> None:
    if not (is_real(level) and 0 < level < 1):
        raise SettingError(sentence("level", owner, "be a number in (0, 1)", level, "level=0.95"))
