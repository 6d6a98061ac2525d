"""Claims in words: whether each expectation was met, in one sentence with its numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from trainlab.evidence import Comparison, Interval, fewest_pairs
from trainlab.experiments.base import Better, Expectation, Measure, Within
from trainlab.experiments.results import Claim
from trainlab.pages.words import SMALLEST_P, number
from trainlab.terminal import counted


@dataclasses.dataclass(frozen=True)
class Findings:
    """What claims are judged by.

    medians    arm → its median; without randomness its value, as an interval without width
    pairs      (first, second) → their comparison, in the order of the expectation
    lost       arm → in how many seeds it diverged and has no value
    seeds      how many; 0 without randomness
    """

    measure: Measure
    medians: Mapping[str, Interval]
    pairs: Mapping[tuple[str, str], Comparison]
    lost: Mapping[str, int]
    seeds: int

    def diverged(self, arm: str) -> bool:
        """Whether all its runs did; one that never reaches a goal has no finite value, either."""
        return self.lost[arm] == max(self.seeds, 1)

    def gone(self, arm: str) -> str:
        """Why an arm has no median."""
        return "diverged" if self.diverged(arm) else f"has no finite {self.measure.words}"

    def value(self, arm: str) -> str:
        """The median of an arm in words."""
        median = self.medians[arm]
        return number(median.center) if median.count or self.diverged(arm) else "none"


def named(arm: str) -> str:
    """The name of an arm, in quotes where it would fall apart in a sentence.

    >>> named("Adam"), named("Adam, lr 0.1")
    ('Adam', '“Adam, lr 0.1”')
    """
    return f"“{arm}”" if "," in arm else arm


def claim(expected: Expectation, found: Findings) -> Claim:
    """Whether an expectation was met."""
    if isinstance(expected, Within):
        return _within(expected, found)
    pair = found.pairs.get((expected.first, expected.second))
    return _values(expected, found) if pair is None else _better(expected, pair, found)


# --- one arm ---------------------------------------------------------------------------


def _within(expected: Within, found: Findings) -> Claim:
    """The median is within its bounds if its interval is."""
    m, bounds = found.medians[expected.arm], between(expected.low, expected.high)
    met: bool | None = None
    if found.seeds != 1 and m.count:
        if expected.low <= m.low and m.high <= expected.high:
            met = True
        elif m.high < expected.low or m.low > expected.high:
            met = False
    arm, words = named(expected.arm), found.measure.words
    if not m.count:
        text = f"{arm} {found.gone(expected.arm)}."
    elif found.seeds == 1:
        text = f"{arm}: the {words} is {number(m.center)} in one seed, which is no median."
    else:
        value = f"the {words} is {number(m.center)} {found.measure.unit}".rstrip()
        if found.seeds:
            value += f" (median of {counted(m.count, 'seed')}, {_interval(m.low, m.high)})"
        ending = {
            True: f"as expected: {bounds}",
            False: f"which was expected to be {bounds}",
            None: f"which is not shown to be {bounds}",
        }
        text = f"{arm}: {value}, {ending[met]}{_divergences([expected.arm], found)}."
    return Claim(text, met, (expected.arm,), m.center, m.low, m.high, m.level)


def between(low: float, high: float) -> str:
    """Bounds in words."""
    if math.isinf(low):
        return f"at most {number(high)}"
    if math.isinf(high):
        return f"at least {number(low)}"
    return f"{number(low) if low else 0} to {number(high)}"


# --- two arms --------------------------------------------------------------------------


def _better(expected: Better, pair: Comparison, found: Findings) -> Claim:
    met = None if pair.winner is None else pair.winner == expected.first
    return Claim(
        text=_sentence(pair, met, found),
        met=met,
        arms=(expected.first, expected.second),
        center=pair.median,
        low=pair.median_low,
        high=pair.median_high,
        level=pair.level,
        wins=pair.wins,
        pairs=pair.pairs,
        p=pair.adjusted,
    )


def _sentence(pair: Comparison, met: bool | None, found: Findings) -> str:
    need = fewest_pairs(pair.family, pair.level)
    both = f"{named(pair.first)} and {named(pair.second)}"
    if pair.pairs < need:
        need_words = f"{pair.family} comparisons need" if pair.family > 1 else "a comparison needs"
        return (
            f"No difference can be shown between {both}: "
            f"{need_words} {need} seeds, not {pair.pairs}."
        )
    if pair.ties == pair.pairs:
        same = f"have the same {found.measure.words} in all {counted(pair.pairs, 'seed')}"
        return f"{both} {same}."
    forward = pair.winner == pair.first if pair.shown else pair.wins >= pair.losses
    subject, other = (pair.first, pair.second) if forward else (pair.second, pair.first)
    beginning = ""
    if met is False:
        beginning = "Contrary to what was expected, "
    elif met is None:
        beginning = f"No difference shown between {both}: "
    wins = pair.wins if forward else pair.losses
    ties = f" ({counted(pair.ties, 'tie')})" if pair.ties else ""
    seeds = f"{wins} of {counted(pair.pairs, 'seed')}{ties}"
    text = f"{beginning}{named(subject)} had {found.measure.ahead} than {named(other)}: in {seeds}"
    text += f"{_by_how_much(pair, forward, found)}{_divergences([subject, other], found)}."
    return text


def _by_how_much(pair: Comparison, forward: bool, found: Findings) -> str:
    """By how much the subject is better in the median, with an interval and the p-value."""
    if math.isnan(pair.median):
        return f" ({_chance(pair)})"
    by, low, high = lead(pair, forward, found.measure)
    interval = f"95 % interval {low} to {high}; " if math.isfinite(pair.median_low) else ""
    return f", by {by} in the median ({interval}{_chance(pair)})"


def lead(pair: Comparison, forward: bool, measure: Measure) -> tuple[str, str, str]:
    """By how much one of a pair is better in the median, and the ends of its interval, in words.

    They have two digits of the interval's half-width.  `forward`: it is the first of the pair.
    """
    sign = 1 if forward == (measure.better == "higher") else -1
    low, high = sorted((sign * pair.median_low, sign * pair.median_high))
    half = (high - low) / 2
    decimals = 1 - math.floor(math.log10(half)) if 0 < half < math.inf else None

    def shown(value: float) -> str:
        if decimals is not None and 0 <= decimals <= 6:
            text = f"{value:.{decimals}f}".replace("-", "−")
            return text if text.strip("−0.") else text.removeprefix("−")
        return number(value)

    return f"{shown(sign * pair.median)} {measure.unit}".rstrip(), shown(low), shown(high)


def _chance(pair: Comparison) -> str:
    p = pair.adjusted
    text = f"p < {SMALLEST_P:g}" if p < SMALLEST_P else f"p = {p:.2g}"
    return text if pair.family == 1 else f"{text} after correction for {pair.family} pairs"


def _divergences(arms: list[str], found: Findings) -> str:
    lost = [f"{named(arm)} diverged in {found.lost[arm]}" for arm in arms if found.lost.get(arm)]
    return f"; {' and '.join(lost)} of {counted(found.seeds, 'seed')}" if lost else ""


def _values(expected: Better, found: Findings) -> Claim:
    """Two arms without seeds in common to compare: one seed, or values without randomness."""
    a, b = found.medians[expected.first], found.medians[expected.second]
    first, second = named(expected.first), named(expected.second)
    values = f"{first} {found.value(expected.first)}, {second} {found.value(expected.second)}"
    met: bool | None = None
    if found.seeds:
        text = f"One seed shows no ranking: {values}."
    else:
        sign = 1 if found.measure.better == "lower" else -1
        one, other = (math.inf if math.isnan(c) else sign * c for c in (a.center, b.center))
        if one != other:  # what has no number is worse than any
            met = one < other
        text = f"{found.measure.words}: {values}{'' if met else ', which was not expected'}."
    difference = a.center - b.center
    low, high = (-math.inf, math.inf) if found.seeds else (difference, difference)
    return Claim(text, met, (expected.first, expected.second), difference, low, high, a.level)


# --- numbers ---------------------------------------------------------------------------


def _interval(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "too few for an interval"
    return f"95 % interval {number(low)} to {number(high)}"
