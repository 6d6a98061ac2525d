"""A verdict in a few sentences: what was claimed, then which arm is ahead, and by how much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trainlab.evidence import Comparison, Interval, fewest_pairs
from trainlab.experiments.base import Better, Expectation, Measure, Within
from trainlab.experiments.claims import Findings, between, lead, named
from trainlab.experiments.results import Claim
from trainlab.pages.words import number
from trainlab.terminal import counted

TOLD: Final = 2
"""Pairs that differ as expected, of which each has a sentence."""
FEW: Final = 4
"""So many arms or missed expectations are named one by one; more are counted."""


def summary(
    found: Findings,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    expect: Sequence[Expectation],
    claims: Sequence[Claim],
) -> str:
    """What was found, in sentences.

    ranked       the arms with their medians, best first
    comparisons  of pairs, the first with the last of `ranked` among them
    """
    measure, seeds = found.measure, found.seeds
    missed = [_missed(e, c.met, measure) for e, c in zip(expect, claims, strict=True) if not c.met]
    if len(missed) > FEW:
        missed = [f"{len(missed)} of {len(claims)} expectations are not met"]
    if seeds > 1 and len(ranked) > 1:
        met = _met(measure, ranked, comparisons, expect, claims)
        return ". ".join([*met, *missed, *_ranking(found, ranked, comparisons)])
    parts = [f"{measure.heading}: {_values(found, ranked)}"]
    if seeds == 1:
        return f"{parts[0]}; one seed shows no ranking"
    if seeds:
        (alone,) = ranked.values()
        parts[0] += f" (median of {_of(alone, seeds)})"
    return ". ".join(["; ".join([*parts, *_bounds(expect)]), *missed])


def _met(
    measure: Measure,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    expect: Sequence[Expectation],
    claims: Sequence[Claim],
) -> list[str]:
    """Sentences on the pairs that differ as expected; of two arms the ranking has the same."""
    pairs = [e for e, c in zip(expect, claims, strict=True) if c.met and isinstance(e, Better)]
    if len(ranked) == 2 or not pairs:
        return []
    if len(pairs) > TOLD:
        return [f"{len(pairs)} pairs differ as expected"]
    found = []
    for one in dict.fromkeys(pairs):
        pair = _pair(comparisons, one.first, one.second)
        assert pair is not None  # whose claim is met
        has = f"{named(one.first)} has {measure.ahead} than {named(one.second)}"
        found.append(f"As expected, {has} {_wins(pair, one.first, measure)}")
    return found


def _values(found: Findings, ranked: Iterable[str]) -> str:
    """The arms with their values; of many, the best and the last."""
    shown = [f"{named(arm)} {found.value(arm)}" for arm in ranked]
    return ", ".join(shown if len(shown) <= 2 * FEW else [shown[0], "…", shown[-1]])


def _ranking(
    found: Findings, ranked: Mapping[str, Interval], comparisons: Sequence[Comparison]
) -> list[str]:
    """Sentences on the first arm, the last one, and those that are not shown to differ."""
    measure, seeds = found.measure, found.seeds
    (best, _), *_, (last, _) = ranked.items()
    pair = _pair(comparisons, best, last)
    assert pair is not None  # the caller's
    if not ranked[best].count:
        return [f"No run of the {counted(len(ranked), 'arm')} has a {measure.words}"]
    pairs = {arm: _pair(comparisons, best, arm) for arm in ranked if ranked[arm].count}
    others = {arm: one for arm, one in pairs.items() if one is not None}
    same = [best, *(arm for arm, one in others.items() if one.ties == seeds)]
    in_all, value = f"in all {counted(seeds, 'seed')}", _median(found, best)
    if len(same) == len(ranked):
        arms = _together(same) if len(same) == 2 else f"All {len(same)} arms"
        return [f"{arms} have the same {measure.words} {in_all}: {value}"]
    if len(ranked) == 2:
        return [_of_two(found, ranked, pair)]
    most = "lowest" if measure.better == "lower" else "highest"
    has = "have" if len(same) > 1 else "has"
    first = f"{_together(same)} {has} the {most} {measure.words}: {value}"
    lines = [f"Of {len(ranked)} arms, {first}{f', the same {in_all}' * (len(same) > 1)}"]
    end = ranked[last]
    worst = _value(found, last) if end.count == seeds else _median(found, last)
    ending = f"with {worst}" if end.count else f"which {found.gone(last)}"
    won = f": {named(best)} has the {measure.better} one {_wins(pair, best, measure)}"
    wins = won if pair.pairs else ""
    lines += [f"The last is {named(last)}, {ending}{wins}"] if last not in same else []
    unshown = {arm: one for arm, one in others.items() if not one.shown and arm not in same}
    for are_few in (True, False):
        alike = {arm: one for arm, one in unshown.items() if _is_of_few(one) == are_few}
        if alike:
            lines.append(_unshown(best, alike))
    return lines


def _of_two(found: Findings, ranked: Mapping[str, Interval], pair: Comparison) -> str:
    """A sentence on two arms; where pairs contradict medians, it says what the pairs show."""
    measure, seeds = found.measure, found.seeds
    best, last = ranked
    more = {pair.first: pair.wins, pair.second: pair.losses}
    ahead = pair.winner or max(best, last, key=more.__getitem__)
    behind = last if ahead == best else best
    first, second = (_value(found, arm) for arm in (ahead, behind))
    of_both = f" (medians of {counted(seeds, 'seed')})"
    if any(one.count < seeds for one in ranked.values()):
        first, second = (_median(found, arm) for arm in (ahead, behind))
        of_both = ""
    values = f"its {measure.words} is {first}, against {second}{of_both}"
    wins = _wins(pair, ahead, measure)
    if pair.shown:
        return f"{named(ahead)} has {measure.ahead} than {named(behind)} {wins}; {values}"
    has = f"{named(ahead)} has {measure.ahead} {wins}"
    return f"{_unshown(ahead, {behind: pair})}. {has}; {values}"


def _is_of_few(pair: Comparison) -> bool:
    return pair.pairs < fewest_pairs(pair.family, pair.level)


def _unshown(arm: str, others: Mapping[str, Comparison]) -> str:
    """A sentence on arms from which one is not shown to differ, and why not."""
    names = [named(one) for one in others]
    if len(names) > FEW:
        names = [f"{len(names)} other arms"]
    both = f"between {named(arm)} and {'any of ' if len(names) > 1 else ''}{', '.join(names)}"
    if not any(map(_is_of_few, others.values())):
        return f"No difference is shown {both}: the lead may be chance"
    has = counted(min(one.pairs for one in others.values()), "seed")
    need = max(fewest_pairs(one.family, one.level) for one in others.values())
    return f"With {has} no difference can be shown {both}: {need} are needed"


def _together(arms: Sequence[str]) -> str:
    """The names of arms that are alike; of many the first."""
    *most, last = map(named, arms)
    if len(arms) > FEW:
        most, last = most[:1], f"{len(arms) - 1} others"
    return f"{', '.join(most)} and {last}" if most else last


def _value(found: Findings, arm: str) -> str:
    median = found.medians[arm]
    if not median.count:
        return "none, where all diverged" if found.diverged(arm) else "none that is finite"
    return f"{number(median.center)} {found.measure.unit}".rstrip()


def _median(found: Findings, arm: str) -> str:
    """A median, and of how many seeds it is."""
    value, median = _value(found, arm), found.medians[arm]
    return f"{value} (median of {_of(median, found.seeds)})" if median.count else value


def _of(found: Interval, seeds: int) -> str:
    """How many seeds a median is of: those that diverged are in none."""
    of = counted(seeds, "seed")
    return of if found.count == seeds else f"{found.count} of {of}"


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
    return [f"expected: {', '.join(f'{named(arm)} {text}' for arm, text in words.items())}"]


def _missed(expected: Expectation, met: bool | None, measure: Measure) -> str:
    """What became of an expectation that was not met."""
    if isinstance(expected, Within):
        arm, bounds = named(expected.arm), between(expected.low, expected.high)
        if met is False:
            return f"Contrary to what was expected, {arm} is not {bounds}"
        return f"It is not shown that {arm} is {bounds}"
    first, second = named(expected.first), named(expected.second)
    if met is False:
        return f"Contrary to what was expected, {second} has {measure.ahead} than {first}"
    return f"It is not shown that {first} has {measure.ahead} than {second}"
