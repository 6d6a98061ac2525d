"""Is a difference chance?  One pair: the signed-rank test.  Many: Holm's correction."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy  # loads its room `stats` when that is first used: half a second

from trainlab.errors import SettingError, sentence
from trainlab.evidence.checks import Array, check_level, numbers
from trainlab.settings import whole_number

EXACT_PAIRS: Final = 100
"""Up to so many pairs the distribution is enumerated: 10,100 rank sums, in a millisecond.
Beyond, the normal one is off by less than 1 % of a p-value of 5 %."""


def signed_rank(differences: npt.ArrayLike) -> float:
    """Find the two-sided p-value of Wilcoxon's signed-rank test for paired differences.

    Parameters
    ----------
    differences : array_like, shape (n,)
        Differences d of the pairs.  ±∞ is a difference greater than all others; NaN is left out.

    Returns
    -------
    float
        The p-value; 1 if no difference is other than 0.

    Raises
    ------
    SettingError
        If `differences` are not numbers of shape (n,).

    Notes
    -----
    W is the sum of the ranks of |d| with d > 0.  If the arms do nothing to a seed, they may
    be exchanged in it, so each sign is + or − with chance ½, whatever the ranks are; the
    p-value is the chance of a W at least as far from its middle.  It is exact up to
    EXACT_PAIRS pairs, with ties too.  Equal |d| share their mean rank.  A difference of 0
    has a rank but no sign (Pratt): it weakens the others instead of being left out.

    Source: Wilcoxon (1945); Pratt (1959), "Remarks on zeros and ties in the Wilcoxon signed
    rank procedures".  Differs: SciPy's `wilcoxon` leaves zeros out (`zero_method="wilcox"`)
    and with ties uses the normal distribution from 14 pairs on.

    Examples
    --------
    >>> signed_rank([1, 2, 3, 4, 5, 6, 7, 8])  # 2 / 2⁸
    0.0078125
    """
    signed = signed_ranks(differences)
    if not signed.size:
        return 1.0
    ranks = np.abs(signed)
    less = min(ranks[signed > 0].sum(), ranks[signed < 0].sum())
    if ranks.size > EXACT_PAIRS:
        z = (less - ranks.sum() / 2) / np.sqrt(np.sum(ranks**2) / 4)
        return float(2 * scipy.stats.norm.cdf(z))
    doubled = np.rint(2 * ranks).astype(int)  # mean ranks are whole or half
    return float(min(1.0, 2 * _rank_sums(doubled)[: round(2 * less) + 1].sum()))


def signed_ranks(differences: npt.ArrayLike) -> Array:
    """The ranks of |d| with the signs of d, without those of zeros; NaN has no rank.

    Their sum says which arm the test favours.

    >>> signed_ranks([0.5, -0.2, 0.0]).tolist()
    [3.0, -2.0]
    """
    d = numbers(differences)
    if d.ndim != 1:
        raise SettingError(sentence("differences", "signed_rank", "have shape (n,)", d))
    d = d[~np.isnan(d)]
    signed: Array = (np.sign(d) * scipy.stats.rankdata(np.abs(d)))[d != 0]
    return signed


def _rank_sums(ranks: npt.NDArray[np.int_]) -> Array:
    """The chance of each sum of a subset of the ranks, every rank in it with chance ½."""
    chance = np.zeros(ranks.sum() + 1)
    chance[0] = 1.0
    for rank in ranks:
        chance[rank:] += chance[: len(chance) - rank].copy()
        chance /= 2
    return chance


def holm(p: npt.ArrayLike) -> Array:
    """Adjust p-values so that the chance of any false positive among all tests is at most α.

    Parameters
    ----------
    p : array_like, shape (m,)
        The p-values of a family of tests, each in [0, 1].

    Returns
    -------
    ndarray of float64, shape (m,)
        The adjusted p-values.  To call every test with an adjusted value <= α significant makes
        any error with a probability of at most α.

    Raises
    ------
    SettingError
        If `p` is not of shape (m,) with values in [0, 1].

    Notes
    -----
    The k-th smallest becomes  max over j <= k of  min(1, (m − j + 1) p_(j)).

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    found = numbers(p)
    if found.ndim != 1 or not np.all((found >= 0) & (found <= 1)):
        raise SettingError(sentence("p", "holm", "have shape (m,), each in [0, 1]", p))
    order = np.argsort(found)
    steps = np.arange(len(found), 0, -1) * found[order]
    adjusted = np.empty_like(found)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(found) else steps
    return adjusted


def fewest_pairs(family: int, level: float = 0.95) -> int:
    """Count the fewest pairs with which one of `family` differences can be shown at all.

    Parameters
    ----------
    family : int
        How many differences are tested together, m >= 1.
    level : float, default 0.95
        1 minus the chance of an error in the family, in (0, 1).

    Returns
    -------
    int
        The number of pairs.

    Notes
    -----
    With n pairs the smallest p-value is 2/2ⁿ; Holm's correction requires m·2/2ⁿ <= 1 − level.

    Examples
    --------
    >>> fewest_pairs(1), fewest_pairs(4), fewest_pairs(15)
    (6, 8, 10)
    """
    family = whole_number(1).check(family, "family", "fewest_pairs")
    level = check_level(level, "fewest_pairs")
    return int(np.ceil(1 + np.log2(family / (1 - level)) - 1e-9))
