"""A verdict in a few sentences: which arm is best, by how much, in how many seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from trainlab.evidence import Comparison, Interval
from trainlab.experiments.base import Expectation, Measure, Within
from trainlab.experiments.claims import between, lead
from trainlab.experiments.results import Claim
from trainlab.pages.words import number
from trainlab.terminal import counted

FEW: Final = 4
"""So many arms or missed expectations are named one by one; more are counted."""


def summary(
    measure: Measure,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    expect: Sequence[Expectation],
    claims: Sequence[Claim],
    seeds: int,
) -> str:
    """What was found, in sentences.

    ranked       the arms with their medians, best first
    comparisons  of pairs, the first with the last of `ranked` among them
    """
    missed = [_missed(e, c.met) for e, c in zip(expect, claims, strict=True) if not c.met]
    if len(missed) > FEW:
        missed = [f"{len(missed)} of {len(claims)} expectations are not met"]
    if seeds > 1 and len(ranked) > 1:
        return ". ".join([*_ranking(measure, ranked, comparisons, seeds), *missed])
    parts = [f"{measure.heading}: {_values(ranked)}"]
    if seeds == 1:
        return f"{parts[0]}; one seed shows no ranking"
    if seeds:
        parts[0] += f" (median of {seeds} seeds)"
    return "; ".join([*parts, *_bounds(expect), *missed])


def _values(ranked: Mapping[str, Interval]) -> str:
    """The arms with their values; of many, the best and the last."""
    shown = [f"{_named(arm)} {number(found.center)}" for arm, found in ranked.items()]
    return ", ".join(shown if len(shown) <= 2 * FEW else [shown[0], "…", shown[-1]])


def _ranking(
    measure: Measure,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    seeds: int,
) -> list[str]:
    """Sentences on the best arm, the last one, and those that are not shown to differ."""
    (best, _), *_, (last, _) = ranked.items()
    pair = _pair(comparisons, best, last)
    assert pair is not None  # the caller's
    if len(ranked) == 2:
        return [_of_two(measure, ranked, pair, seeds)]
    value = f"its {measure.words} is {_value(measure, ranked[best])} (median of {seeds} seeds)"
    lines = [f"Of {len(ranked)} arms, {_named(best)} is best: {value}"]
    ending = f"with {_value(measure, ranked[last])}" if ranked[last].count else "which diverged"
    wins = f": {_named(best)} is better {_wins(pair, best, measure)}" if pair.pairs else ""
    lines.append(f"The last is {_named(last)}, {ending}{wins}")
    others = [(arm, _pair(comparisons, best, arm)) for arm in ranked if ranked[arm].count]
    alike = [_named(arm) for arm, one in others if one is not None and not one.shown]
    if len(alike) > FEW:
        alike = [f"{len(alike)} other arms"]
    if alike:
        several = "any of " if len(alike) > 1 else ""
        others_named = several + ", ".join(alike)
        lines.append(f"No difference is shown between {_named(best)} and {others_named}")
    return lines


def _of_two(measure: Measure, ranked: Mapping[str, Interval], pair: Comparison, seeds: int) -> str:
    """A sentence on two arms; where pairs contradict medians, it says what the pairs show."""
    best, last = ranked
    ahead, behind = (last, best) if pair.winner == last else (best, last)
    first, second = (_value(measure, ranked[arm]) for arm in (ahead, behind))
    found = f"its {measure.words} is {first}, against {second} (medians of {seeds} seeds)"
    wins = _wins(pair, ahead, measure)
    if pair.shown:
        return f"{_named(ahead)} is better than {_named(behind)} {wins}; {found}"
    both = f"{_named(ahead)} and {_named(behind)}"
    return f"No difference is shown between {both}. {_named(ahead)} is better {wins}; {found}"


def _named(arm: str) -> str:
    """The name of an arm, in quotes where it would fall apart in a sentence."""
    return f"“{arm}”" if "," in arm else arm


def _value(measure: Measure, found: Interval) -> str:
    if not found.count:
        return "none, where all diverged"
    return f"{number(found.center)} {measure.unit}".rstrip()


def _pair(comparisons: Sequence[Comparison], one: str, other: str) -> Comparison | None:
    return next((c for c in comparisons if {c.first, c.second} == {one, other}), None)


def _wins(pair: Comparison, arm: str, measure: Measure) -> str:
    """In how many seeds an arm of a pair is better, and by how much."""
    forward = pair.first == arm
    text = f"in {pair.wins if forward else pair.losses} of {counted(pair.pairs, 'seed')}"
    if math.isnan(pair.median):  # one of them diverged too often
        return text
    return f"{text}, by {lead(pair, forward, measure)[0]} in the median"


# --- what was expected -----------------------------------------------------------------


def _bounds(expect: Sequence[Expectation]) -> list[str]:
    """The bounds that were expected, if any: once if all arms share them."""
    words = {e.arm: between(e.low, e.high) for e in expect if isinstance(e, Within)}
    if not words:
        return []
    if len(set(words.values())) == 1:
        return [f"expected {next(iter(words.values()))}"]
    return [f"expected: {', '.join(f'{arm} {text}' for arm, text in words.items())}"]


def _missed(expected: Expectation, met: bool | None) -> str:
    """What became of an expectation that was not met."""
    if isinstance(expected, Within):
        bounds = between(expected.low, expected.high)
        if met is False:
            return f"Contrary to what was expected, {expected.arm} is not {bounds}"
        return f"It is not shown that {expected.arm} is {bounds}"
    if met is False:
        return f"Contrary to what was expected, {expected.second} is better than {expected.first}"
    return f"It is not shown that {expected.first} is better than {expected.second}"
