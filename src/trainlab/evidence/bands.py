"""Curves of a population: smoothed, and the band in which most of them lie."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Final

import numpy as np
import numpy.typing as npt

from trainlab.errors import SettingError, sentence
from trainlab.evidence.checks import Array, check_level, finite, numbers
from trainlab.settings import real, whole_number

SMOOTHING_WINDOW: Final = 11
SMOOTHING_BETA: Final = 2.0


def smooth(
    values: npt.ArrayLike, window: int = SMOOTHING_WINDOW, beta: float = SMOOTHING_BETA
) -> Array:
    """Smooth series with a moving average under a Kaiser window; their length stays.

    Parameters
    ----------
    values : array_like, shape (..., n)
        The series, along the last axis.
    window : int, default 11
        Width of the window, odd.
    beta : float, default 2.0
        Shape of the Kaiser window; 0 weighs all values equally.

    Returns
    -------
    ndarray of float64, shape (..., n)
        The smoothed series; its first value is that of the series.

    Raises
    ------
    SettingError
        If the window is not an odd integer >= 1, or `values` is not an array of numbers.

    Notes
    -----
    y_i = Σ_j w_j (x_{i-j} + x_{i+j}) / Σ_j 2 w_j with 0 <= j <= window // 2, over the j for which
    both values exist and are finite: the window is symmetric about each value, and shrinks
    towards the start and gaps, where losses fall steeply and a mean of later values would be
    wrong.  Where x_{i+j} lies past the last finite value, x_{i-j} counts alone: the last value is a
    mean too, and not the noise of a single batch.  Values that are not finite stay as they are.
    Differs: the book mirrors the series at its ends, which moves where a curve starts.

    Examples
    --------
    >>> smooth([8.0, 3.0, 1.0, 2.0, np.nan], window=3, beta=0.0).tolist()
    [8.0, 4.0, 2.0, 1.5, nan]
    """
    x = numbers(values)
    if not whole_number(1).valid(window) or window % 2 == 0:
        raise SettingError(sentence("window", "smooth", "be an odd integer >= 1", window, "11"))
    beta = real(remedy="2.0").check(beta, "beta", "smooth")
    if x.ndim == 0:
        raise SettingError(sentence("values", "smooth", "be an array (..., n)", values))
    half = int(window) // 2
    weights = np.kaiser(window, beta)[half:]
    there = np.isfinite(x)
    known = np.where(there, x, 0.0)
    total, weight = known.copy(), there.astype(np.float64)
    for j in range(1, min(half, (x.shape[-1] - 1) // 2) + 1):
        both = weights[j] * (there[..., : -2 * j] & there[..., 2 * j :])
        total[..., j:-j] += both * (known[..., : -2 * j] + known[..., 2 * j :])
        weight[..., j:-j] += 2 * both
    if x.shape[-1]:
        _add_ends(total, weight, known, there, weights)
    return np.divide(total, weight, out=x, where=there)


def _add_ends(total: Array, weight: Array, known: Array, there: Array, weights: Array) -> None:
    """Adds x_{i-j} to the sums of those i for which i + j lies past the last finite value."""
    last = there.shape[-1] - 1 - np.argmax(there[..., ::-1], axis=-1)
    for j in range(1, len(weights)):
        at = np.maximum(last[..., None] - np.arange(j), 0)
        left = np.maximum(at - j, 0)
        w = weights[j] * (np.take_along_axis(there, left, -1) & (at >= j))
        for sums, more in ((total, w * np.take_along_axis(known, left, -1)), (weight, w)):
            np.put_along_axis(sums, at, np.take_along_axis(sums, at, -1) + more, -1)


@dataclasses.dataclass(frozen=True)
class Band:
    """The median of a population over time, and the band in which most of it lies.

    Parameters
    ----------
    center : ndarray, shape (n,)
        The median of the members.
    low, high : ndarray, shape (n,)
        The ends of the band.
    count : ndarray of int64, shape (n,)
        How many members have a value.
    level : float
        The band reaches from the quantile (1 - level)/2 to (1 + level)/2.
    """

    center: Array
    low: Array
    high: Array
    count: npt.NDArray[np.int64]
    level: float


def band(values: npt.ArrayLike, level: float = 0.95) -> Band:
    """Find the median of the members, and a quantile on each side of it.

    Parameters
    ----------
    values : array_like, shape (members, n)
        One series for each member; values that are not finite count as missing.
    level : float, default 0.95
        The band reaches from the quantile (1 - level)/2 to (1 + level)/2; in (0, 1).

    Returns
    -------
    Band
        Arrays (n,); NaN where no member has a value.

    Raises
    ------
    SettingError
        If `values` is not of shape (members, n) with a member, or `level` is not in (0, 1).

    Notes
    -----
    The band describes the spread of single runs, not the error of the median: more seeds do not
    make it narrower.  Quantiles between two members are interpolated: of ten members eight lie
    within the band of 95 %, and one more lies outside about one time in five.

    Examples
    --------
    >>> b = band([[1.0, 2.0], [3.0, np.nan]], level=0.5)
    >>> b.center.tolist(), b.count.tolist()
    ([2.0, 2.0], [2, 1])
    """
    level = check_level(level, "band")
    x = finite(values)
    if x.ndim != 2 or not len(x):
        must = "have shape (members, n) with a member"
        raise SettingError(sentence("values", "band", must, x))
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        # All members diverged: NaN is the answer, and needs no warning.
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        quantile = np.nanquantile if np.isnan(x).any() else np.quantile
        low, center, high = quantile(x, [tail, 0.5, 1 - tail], axis=0)
    return Band(center, low, high, np.sum(~np.isnan(x), axis=0), level)
