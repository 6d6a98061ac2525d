"""Arms against each other, seed by seed: how great a difference is, and whether it is one.

Order: the record of one pair, the two functions that make them, then the parts:
the mean, the median, the counts and the test.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

from trainlab import notebook
from trainlab.errors import SettingError, sentence
from trainlab.evidence.bootstrap import ROUNDING, median_bounds, reach, standard_error
from trainlab.evidence.checks import DIRECTIONS, Array, Direction, check_level, numbers
from trainlab.evidence.ranks import fewest_pairs, holm, signed_rank, signed_ranks
from trainlab.evidence.ties import rounding, subtracted, tie_of
from trainlab.settings import TEXT, one_of
from trainlab.terminal import counted

LARGEST: Final = 400
"""Powers of two up to which the squares of differences, and sums of them, are far from inf."""

MIN_PAIRS: Final = 6
"""Fewest pairs that get an interval, and that can show a difference: 2/2⁵ is more than 5 %.

It is enough for the mean, too: a resample of n pairs that draws one pair n times has no
spread and counts as infinitely far off; its chance n^(1-n) must be small beside the
level: 0.01 % for n = 6, but 11 % for n = 3.
"""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What runs with common seeds say about the difference between two arms, first − second.

    Parameters
    ----------
    first, second : str
        The labels of the arms.
    mean : float
        Mean difference, of the seeds in which both arms ended with a value.
    low, high : float
        Its interval, which holds for all pairs of the family at once.
    level : float
        The probability of the intervals.
    pairs : int
        Seeds that both arms have.
    missing : int
        Seeds that one of the arms lacks.
    median : float
        Median difference, of the seeds in which both arms ended with a value.
    median_low, median_high : float
        Its own interval.
    wins, losses, ties : int
        In how many pairs the first arm was better, worse, neither.  A run that diverged lost
        against one that did not.
    diverged : int
        In how many pairs one of the two diverged.
    superiority : float
        (wins + ties/2) / pairs: in which share of the pairs the first is better; NaN without pairs.
    effect : float
        Standardised mean difference, Hedges's g of the differences; NaN where they do not vary.
    p : float
        Two-sided p-value of the signed-rank test.
    adjusted : float
        That p-value after Holm's correction for the family.
    family : int
        How many pairs of arms were compared together.
    winner : str, optional
        The arm that is shown to be better; None if no difference is shown.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float
    level: float
    pairs: int
    missing: int
    median: float
    median_low: float
    median_high: float
    wins: int
    losses: int
    ties: int
    diverged: int
    superiority: float
    effect: float
    p: float
    adjusted: float
    family: int
    winner: str | None

    @property
    def shown(self) -> bool:
        """Whether a difference is shown (see `compare_all`)."""
        return self.winner is not None

    def __repr__(self) -> str:
        return f"<Comparison: {self}>"

    def __str__(self) -> str:
        seeds, need = counted(self.pairs, "seed"), fewest_pairs(self.family, self.level)
        lost = f"; in {self.diverged} of {seeds} a run diverged" if self.diverged else ""
        if self.missing:
            has = "lacks" if self.missing == 1 else "lack"
            lost += f"; {counted(self.missing, 'other seed')} {has} a value"
        if self.pairs < MIN_PAIRS:
            few = f"{_too_few(self.pairs)} to compare {self.first} and {self.second}"
            return f"{few}; try {max(need, MIN_PAIRS)} or more{lost}"
        known = math.isfinite(self.median_low)
        by = f"; {self.first} minus {self.second} is {self.median:.4g} in the median"
        if self.winner is None:
            both = f"no difference shown between {self.first} and {self.second}"
            found = f"{both}: {self.first} is better in {self.wins} of {seeds}"
        else:
            ahead = self.winner == self.first
            loser, wins = (self.second, self.wins) if ahead else (self.first, self.losses)
            found = f"{self.winner} beats {loser} in {wins} of {seeds}"
            if known:  # else the seeds that are left may say the opposite
                by = f", by {abs(self.median):.4g} in the median"
        inside = f"p = {self.adjusted:.2g}"
        if math.isnan(self.median):  # no seed is left in which both finished
            by = ""
        else:
            inside = f"{100 * self.level:.6g}% interval {self._interval()}; {inside}"
        few = f"; to show one takes {need} seeds or more" if self.pairs < need else ""
        return f"{found}{by} ({inside}){few}{lost}"

    def _interval(self) -> str:
        """The interval of the median in words: of what the winner is ahead, if there is one."""
        low, high = self.median_low, self.median_high
        if math.isinf(low):
            return f"unknown: {_too_few(self.pairs - self.diverged)}"
        if self.winner is not None:
            low, high = sorted((abs(low), abs(high)))
        return f"{low:.4g} to {high:.4g}"


class Comparisons(list[Comparison]):
    """Comparisons, each a line; in a notebook a table.

    Parameters
    ----------
    iterable : iterable of Comparison
        In the order of the lines.
    """

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        headings = ["pair", "better in", "diverged", "median difference", "interval", "p", "shown"]
        rows = [
            (
                f"{one.first} − {one.second}",
                f"{one.wins} of {counted(one.pairs, 'seed')}",
                f"{one.diverged}",
                "–" if math.isnan(one.median) else f"{one.median:.4g}",
                "too few seeds"
                if math.isinf(one.median_low)
                else f"{one.median_low:.4g} to {one.median_high:.4g}",
                f"{one.adjusted:.2g}",
                f"{one.winner} is better" if one.shown else "no difference",
            )
            for one in self
        ]
        below = f"p after correction for {len(self)} pairs." if len(self) > 1 else ""
        return notebook.table(headings, rows, "", below)


def _too_few(seeds: int) -> str:
    return f"{counted(seeds, 'seed')} {'is' if seeds == 1 else 'are'} too few"


def compare(
    first: str,
    a: npt.ArrayLike,
    second: str,
    b: npt.ArrayLike,
    level: float = 0.95,
    seed: int = 0,
    better: Direction = "lower",
) -> Comparison:
    """Compare two arms on common seeds.

    Parameters
    ----------
    first : str
        The label of one arm.
    a : array_like, shape (seeds,)
        Its numbers: ±inf where a run diverged, NaN where there is none.
    second : str
        The label of the other arm.
    b : array_like, shape (seeds,)
        Its numbers, in the same order of seeds.
    level : float, default 0.95
        The probability of the intervals, in (0, 1).
    seed : int, default 0
        Seeds the resampling.
    better : {"lower", "higher"}
        Which numbers are better.

    Returns
    -------
    Comparison
        The difference first − second.

    Raises
    ------
    SettingError
        If an argument is not of its type, or the arms differ in length.

    See Also
    --------
    compare_all : What is computed, and how.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> print(compare("SGD", x + 3, "Adam", x))
    Adam beats SGD in 10 of 10 seeds, by 3 in the median (95% interval 3 to 3; p = 0.002)
    """
    TEXT.check(first, "first", "compare")
    TEXT.check(second, "second", "compare")
    return compare_all({first: a, second: b}, level, seed, better)[0]


def compare_all(
    arms: Mapping[str, npt.ArrayLike],
    level: float = 0.95,
    seed: int = 0,
    better: Direction = "lower",
    pairs: Sequence[tuple[str, str]] | None = None,
) -> Comparisons:
    """Compare pairs of arms seed by seed, and correct for the number of pairs.

    Parameters
    ----------
    arms : dict
        Label → numbers (seeds,), in the same order of seeds: ±inf where a run diverged, NaN where
        there is none.
    level : float, default 0.95
        1 minus the chance of an error in the whole family, in (0, 1).
    seed : int, default 0
        Seeds the resampling.
    better : {"lower", "higher"}
        Which numbers are better.
    pairs : sequence of (str, str), optional
        The pairs of labels to compare; by default every pair of arms.

    Returns
    -------
    Comparisons
        A list with one Comparison for each pair; printed, each is a line.

    Raises
    ------
    SettingError
        For fewer than two arms, arms of unequal length, or unknown labels.

    Notes
    -----
    **Shown.**  A difference is shown when its p-value, after Holm's correction for the
    family, is at most 1 - level, and the interval of the median difference excludes 0.
    The first condition alone makes the chance of showing any difference of the family
    that is not there at most 1 - level.  The second keeps test and number in agreement:
    a rank test can find a difference when half of the seeds show none.  Where too few
    pairs have two finite values for an interval, because the others diverged, the test decides.

    **Ties.**  A difference below 2⁻⁴⁰ of the values is rounding and counts as 0, or below 8
    epsilons of their precision where that is more, as in float32.  Two differences that are as
    near to each other are equal.  So accuracies are compared as the counts behind them are.

    **Diverged.**  A run that diverged lost against one that did not; two that diverged
    are a tie.  Means and medians are of the pairs without a run that diverged.

    **Means.**  The interval is  mean(d) ± q·se(d),  se = std(d)/√n.  The seeds are
    resampled for all pairs at once, and q is the `level` quantile of the greatest
    |mean(d*) - mean(d)| / se(d*) among the pairs: the chance that any of the intervals
    misses is 1 - level, however many pairs there are.  Medians: `median_bounds`,
    for each pair by itself.  With fewer than MIN_PAIRS pairs both are infinite.  Differences
    that are all equal have an interval of width 0.

    Source: Romano and Wolf (2005), "Exact and approximate stepdown methods for
    multiple hypothesis testing", single step; Hall (1992), the symmetric percentile-t.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> both = {"a": x, "b": x + np.resize([1, -1], 10), "c": x + 3 + 0.1 * np.sin(x)}
    >>> [c.shown for c in compare_all(both)]
    [False, True, True]
    """
    level = check_level(level, "compare_all")
    one_of(DIRECTIONS).check(better, "better", "compare_all")
    if not isinstance(arms, Mapping) or not all(isinstance(label, str) for label in arms):
        must = "be a dict from labels to values"
        raise SettingError(sentence("arms", "compare_all", must, arms))
    labels, x = list(arms), numbers(list(arms.values()))
    if x.ndim != 2 or len(x) < 2:
        must = "hold two or more arms of shape (seeds,)"
        raise SettingError(sentence("arms", "compare_all", must, labels))
    tie = tie_of(arms.values())
    names = (
        list(itertools.combinations(labels, 2)) if pairs is None else _check_pairs(pairs, labels)
    )
    if not names:
        return Comparisons()
    rows = dict(zip(labels, x, strict=True))
    differences = [_Differences.of(rows[a], rows[b], better, tie) for a, b in names]
    means = _mean_intervals(differences, level, seed)
    p = [signed_rank(d.lost) for d in differences]
    adjusted = holm(p)
    found = Comparisons()
    for k, (first, second) in enumerate(names):
        d, (mean, low, high) = differences[k], means[k]
        kept = d.finite[~np.isnan(d.finite)]
        median_low, median_high = _median_interval(kept, level)
        counts = d.counts()
        found.append(
            Comparison(
                first=first,
                second=second,
                mean=d.sized(mean),
                low=d.sized(low),
                high=d.sized(high),
                level=level,
                median=d.sized(float(np.median(kept))) if kept.size else math.nan,
                median_low=d.sized(median_low),
                median_high=d.sized(median_high),
                **counts,
                superiority=_superiority(counts),
                effect=_hedges(kept),
                p=p[k],
                adjusted=float(adjusted[k]),
                family=len(names),
                winner=d.winner(names[k], better, median_low, median_high)
                if adjusted[k] <= 1 - level
                else None,
            )
        )
    return found


def _check_pairs(pairs: Any, labels: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs; SettingError unless each of them is of two of the labels."""
    must = "be a list of pairs of arms, which are " + ", ".join(map(repr, labels))
    if not isinstance(pairs, (list, tuple)):
        raise SettingError(sentence("pairs", "compare_all", must, pairs))
    for pair in pairs:
        two = isinstance(pair, (list, tuple)) and len(pair) == 2
        if not two or not all(isinstance(label, str) and label in labels for label in pair):
            raise SettingError(sentence("pairs", "compare_all", must, pair))
    return [(first, second) for first, second in pairs]


# --- parts -----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class _Differences:
    """first - second (seeds,), two ways.

    unit     of all of them, a power of two: 1, but for values whose squares overflow
    finite   without rounding; NaN unless both have a finite value
    lost     > 0 where the first is worse: ±inf against a run that diverged, 0 for a tie
    rounding  of the mean of the finite ones
    """

    unit: float
    finite: Array
    lost: Array
    rounding: float

    @classmethod
    def of(cls, a: Array, b: Array, better: Direction, tie: float) -> _Differences:
        both = np.isfinite(a) & np.isfinite(b)
        largest = float(np.abs([a[both], b[both]]).max(initial=0.0))
        unit = 2.0 ** max(0, math.frexp(largest)[1] - LARGEST)
        a, b = a / unit, b / unit
        finite = np.full(a.shape, np.nan)
        finite[both] = subtracted(a[both], b[both], tie)
        lost = finite.copy()
        if better == "higher":
            lost = -lost
        lost[np.isinf(a) & np.isfinite(b)] = np.inf
        lost[np.isfinite(a) & np.isinf(b)] = -np.inf
        lost[np.isinf(a) & np.isinf(b)] = 0.0
        bound = float(np.mean(rounding(a[both], b[both], tie))) if both.any() else 0.0
        return cls(unit, finite, lost, bound)

    def sized(self, value: float) -> float:
        """A value of these differences in the unit 1; at most the largest float64."""
        most = float(np.finfo(np.float64).max) / self.unit
        return value if math.isinf(value) else min(max(value, -most), most) * self.unit

    def counts(self) -> dict[str, int]:
        """The counts of a Comparison."""
        pairs = int(np.sum(~np.isnan(self.lost)))
        return {
            "pairs": pairs,
            "missing": len(self.lost) - pairs,
            "wins": int(np.sum(self.lost < 0)),
            "losses": int(np.sum(self.lost > 0)),
            "ties": int(np.sum(self.lost == 0)),
            "diverged": pairs - int(np.sum(~np.isnan(self.finite))),
        }

    def winner(
        self, names: tuple[str, str], better: Direction, low: float, high: float
    ) -> str | None:
        """The arm that the test favours, unless the interval of the median disagrees."""
        worse = bool(signed_ranks(self.lost).sum() > 0)
        above = worse == (better == "lower")  # a worse first arm has the greater values
        agrees = low == -math.inf or (low > 0 if above else high < 0)
        return names[worse] if agrees else None


def _mean_intervals(
    differences: Sequence[_Differences], level: float, seed: int
) -> list[tuple[float, float, float]]:
    """Mean, low and high of each pair, of its finite differences."""
    d = np.array([one.finite for one in differences])
    present = ~np.isnan(d)
    count = present.sum(-1)
    mean = np.array(
        [row[ok].mean() if ok.any() else np.nan for row, ok in zip(d, present, strict=True)]
    )
    centred = np.where(present, d - mean[:, None], 0.0)
    error = standard_error(count, np.zeros(len(d)), np.sum(centred**2, -1))
    judged = (count >= MIN_PAIRS) & (error > ROUNDING * np.abs(mean))
    half = np.where(count >= MIN_PAIRS, 0.0, np.inf)
    if judged.any():
        half[judged] = reach(centred[judged], present[judged], level, seed) * error[judged]
    low, high = mean - half, mean + half
    low[count == 0], high[count == 0] = -np.inf, np.inf
    rounded = np.array([one.rounding for one in differences])
    for bound in (mean, low, high):
        bound[np.abs(bound) <= rounded] = 0.0
    return [(float(m), float(a), float(b)) for m, a, b in zip(mean, low, high, strict=True)]


def _median_interval(d: Array, level: float) -> tuple[float, float]:
    return median_bounds(d, level) if len(d) >= MIN_PAIRS else (-np.inf, np.inf)


def _superiority(counts: Mapping[str, int]) -> float:
    pairs = counts["pairs"]
    return (counts["wins"] + counts["ties"] / 2) / pairs if pairs else math.nan


def _hedges(d: Array) -> float:
    """mean / std · J,  J = Γ(ν/2) / (√(ν/2) Γ((ν−1)/2)),  ν = n − 1: without bias for normal d.

    Source: Hedges (1981), "Distribution theory for Glass's estimator of effect size",
    with the standard deviation of the differences (Cohen's d_z).
    """
    if len(d) < 3:
        return math.nan
    half = (len(d) - 1) / 2
    spread = d.std(ddof=1)
    if not spread > ROUNDING * np.abs(d).max():
        return math.nan
    shrink = np.exp(special.gammaln(half) - special.gammaln(half - 0.5)) / np.sqrt(half)
    return float(d.mean() / spread * shrink)
