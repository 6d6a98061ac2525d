"""One arm: the interval of its median, and the interval that holds one more run."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy  # loads its room `stats` when that is first used: half a second

from trainlab.evidence.checks import check_level, present
from trainlab.settings import real

_VALUE: Final = real(closed="[]")


@dataclasses.dataclass(frozen=True)
class Interval:
    """A value with its interval, which is infinite where there are too few runs for the level.

    Parameters
    ----------
    center : float
        The value: a median.
    low, high : float
        The ends of the interval.
    level : float
        The probability with which it holds, in (0, 1).
    count : int
        How many finite values it rests on.
    missing : int
        How many values were not finite.
    """

    center: float
    low: float
    high: float
    level: float
    count: int
    missing: int

    def contains(self, value: float) -> bool:
        """Tell whether a value lies in the interval, ends included.

        Parameters
        ----------
        value : float
            Any number.

        Returns
        -------
        bool
            Whether low <= value <= high.
        """
        checked: float = _VALUE.check(value, "value", "Interval.contains")
        return self.low <= checked <= self.high


def median_interval(values: npt.ArrayLike, level: float = 0.95) -> Interval:
    """Find the median of the runs, and an interval that covers the true median.

    Parameters
    ----------
    values : array_like
        One number for each run; those that are not finite count as missing.
    level : float, default 0.95
        The probability with which the interval covers the true median, in (0, 1).

    Returns
    -------
    Interval
        The median and its interval.  Fewer than 6 runs have no 95 % interval: it is infinite.

    Raises
    ------
    SettingError
        If `values` are not numbers, or `level` is not in (0, 1).

    Notes
    -----
    The interval lies between two order statistics x_(k) and x_(n+1-k) with the greatest k for
    which 2·P(Binomial(n, ½) < k) <= 1 - level: it holds for every distribution.

    Examples
    --------
    >>> median_interval(range(1, 11)).low, median_interval(range(1, 11)).high
    (2.0, 9.0)
    """
    level = check_level(level, "median_interval")
    x, missing = present(values)
    if not x.size:
        return Interval(np.nan, -np.inf, np.inf, level, 0, missing)
    ordered = np.sort(x)
    k = int(scipy.stats.binom.ppf((1 - level) / 2, x.size, 0.5)) + 1
    while k and 2 * scipy.stats.binom.cdf(k - 1, x.size, 0.5) > 1 - level:
        k -= 1
    low, high = (ordered[k - 1], ordered[-k]) if k >= 1 else (-np.inf, np.inf)
    return Interval(float(np.median(x)), float(low), float(high), level, x.size, missing)


def run_interval(values: npt.ArrayLike, level: float = 0.99) -> Interval:
    """Find the median of the runs, and an interval that holds one more run.

    Parameters
    ----------
    values : array_like
        One number for each run; those that are not finite count as missing.
    level : float, default 0.99
        The probability with which one more run lies in the interval, in (0, 1).

    Returns
    -------
    Interval
        The median and the interval, which is infinite for fewer than 2 runs.

    Raises
    ------
    SettingError
        If `values` are not numbers, or `level` is not in (0, 1).

    Notes
    -----
    m ± t·s·√(1 + 1/n), where t is Student's quantile with n - 1 degrees of freedom, and m and s
    are the mean and standard deviation of the logarithms (of the values themselves when one is
    <= 0): training losses are skewed, their logarithms hardly.  A number that one unseeded run
    printed belongs in this interval, not in that of the median.

    Source: any text on prediction intervals, e.g. Hahn and Meeker (1991), section 4.7.

    Examples
    --------
    >>> run_interval([1.0, 2.0, 4.0]).contains(2.0)
    True
    """
    level = check_level(level, "run_interval")
    x, missing = present(values)
    center = float(np.median(x)) if x.size else np.nan
    if x.size < 2:
        return Interval(center, -np.inf, np.inf, level, x.size, missing)
    if np.all(x == x[0]):  # logarithms and back would round
        return Interval(center, center, center, level, x.size, missing)
    positive = bool(np.all(x > 0))
    z = np.log(x) if positive else x
    reach = scipy.stats.t.ppf((1 + level) / 2, x.size - 1) * z.std(ddof=1) * np.sqrt(1 + 1 / x.size)
    with np.errstate(over="ignore"):
        ends = np.array([z.mean() - reach, z.mean() + reach])
        low, high = np.exp(ends) if positive else ends
    return Interval(center, float(low), float(high), level, x.size, missing)
