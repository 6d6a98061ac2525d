"""A verdict in a few sentences: what was claimed, then which arm is ahead, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from trainlab.evidence import Comparison, Interval, fewest_pairs
from trainlab.experiments.base import Better, Expectation, Measure, Within
from trainlab.experiments.claims import between, lead
from trainlab.experiments.results import Claim
from trainlab.pages.words import number
from trainlab.terminal import counted

TOLD: Final = 2
"""Pairs that differ as expected, of which each has a sentence."""
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
    missed = [_missed(e, c.met, measure) for e, c in zip(expect, claims, strict=True) if not c.met]
    if len(missed) > FEW:
        missed = [f"{len(missed)} of {len(claims)} expectations are not met"]
    if seeds > 1 and len(ranked) > 1:
        met = _met(measure, ranked, comparisons, expect, claims)
        return ". ".join([*met, *missed, *_ranking(measure, ranked, comparisons, seeds)])
    parts = [f"{measure.heading}: {_values(ranked)}"]
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
        has = f"{_named(one.first)} has {measure.ahead} than {_named(one.second)}"
        found.append(f"As expected, {has} {_wins(pair, one.first, measure)}")
    return found


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
    """Sentences on the first arm, the last one, and those that are not shown to differ."""
    (best, _), *_, (last, _) = ranked.items()
    pair = _pair(comparisons, best, last)
    assert pair is not None  # the caller's
    if not ranked[best].count:
        return [f"No run of the {counted(len(ranked), 'arm')} has a {measure.words}"]
    pairs = {arm: _pair(comparisons, best, arm) for arm in ranked if ranked[arm].count}
    others = {arm: one for arm, one in pairs.items() if one is not None}
    same = [best, *(arm for arm, one in others.items() if one.ties == seeds)]
    in_all, value = f"in all {counted(seeds, 'seed')}", _median(measure, ranked[best], seeds)
    if len(same) == len(ranked):
        arms = _together(same) if len(same) == 2 else f"All {len(same)} arms"
        return [f"{arms} have the same {measure.words} {in_all}: {value}"]
    if len(ranked) == 2:
        return [_of_two(measure, ranked, pair, seeds)]
    most = "lowest" if measure.better == "lower" else "highest"
    has = "have" if len(same) > 1 else "has"
    first = f"{_together(same)} {has} the {most} {measure.words}: {value}"
    lines = [f"Of {len(ranked)} arms, {first}{f', the same {in_all}' * (len(same) > 1)}"]
    end = ranked[last]
    worst = _value(measure, end) if end.count == seeds else _median(measure, end, seeds)
    ending = f"with {worst}" if end.count else "which diverged"
    won = f": {_named(best)} has the {measure.better} one {_wins(pair, best, measure)}"
    wins = won if pair.pairs else ""
    lines += [f"The last is {_named(last)}, {ending}{wins}"] if last not in same else []
    unshown = {arm: one for arm, one in others.items() if not one.shown and arm not in same}
    for are_few in (True, False):
        alike = {arm: one for arm, one in unshown.items() if _is_of_few(one) == are_few}
        if alike:
            lines.append(_unshown(best, alike))
    return lines


def _of_two(measure: Measure, ranked: Mapping[str, Interval], pair: Comparison, seeds: int) -> str:
    """A sentence on two arms; where pairs contradict medians, it says what the pairs show."""
    best, last = ranked
    more = {pair.first: pair.wins, pair.second: pair.losses}
    ahead = pair.winner or max(best, last, key=more.__getitem__)
    behind = last if ahead == best else best
    first, second = (_value(measure, ranked[arm]) for arm in (ahead, behind))
    of_both = f" (medians of {counted(seeds, 'seed')})"
    if any(one.count < seeds for one in ranked.values()):
        first, second = (_median(measure, ranked[arm], seeds) for arm in (ahead, behind))
        of_both = ""
    found = f"its {measure.words} is {first}, against {second}{of_both}"
    wins = _wins(pair, ahead, measure)
    if pair.shown:
        return f"{_named(ahead)} has {measure.ahead} than {_named(behind)} {wins}; {found}"
    has = f"{_named(ahead)} has {measure.ahead} {wins}"
    return f"{_unshown(ahead, {behind: pair})}. {has}; {found}"


def _is_of_few(pair: Comparison) -> bool:
    return pair.pairs < fewest_pairs(pair.family, pair.level)


def _unshown(arm: str, others: Mapping[str, Comparison]) -> str:
    """A sentence on arms from which one is not shown to differ, and why not."""
    names = [_named(one) for one in others]
    if len(names) > FEW:
        names = [f"{len(names)} other arms"]
    both = f"between {_named(arm)} and {'any of ' if len(names) > 1 else ''}{', '.join(names)}"
    if not any(map(_is_of_few, others.values())):
        return f"No difference is shown {both}: the lead may be chance"
    has = counted(min(one.pairs for one in others.values()), "seed")
    need = max(fewest_pairs(one.family, one.level) for one in others.values())
    return f"With {has} no difference can be shown {both}: {need} are needed"


def _together(arms: Sequence[str]) -> str:
    """The names of arms that are alike; of many the first."""
    *most, last = map(_named, arms)
    if len(arms) > FEW:
        most, last = most[:1], f"{len(arms) - 1} others"
    return f"{', '.join(most)} and {last}" if most else last


def _named(arm: str) -> str:
    """The name of an arm, in quotes where it would fall apart in a sentence."""
    return f"“{arm}”" if "," in arm else arm


def _value(measure: Measure, found: Interval) -> str:
    if not found.count:
        return "none, where all diverged"
    return f"{number(found.center)} {measure.unit}".rstrip()


def _median(measure: Measure, found: Interval, seeds: int) -> str:
    """A median, and of how many seeds it is."""
    value = _value(measure, found)
    return f"{value} (median of {_of(found, seeds)})" if found.count else value


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
    return [f"expected: {', '.join(f'{arm} {text}' for arm, text in words.items())}"]


def _missed(expected: Expectation, met: bool | None, measure: Measure) -> str:
    """What became of an expectation that was not met."""
    if isinstance(expected, Within):
        bounds = between(expected.low, expected.high)
        if met is False:
            return f"Contrary to what was expected, {expected.arm} is not {bounds}"
        return f"It is not shown that {expected.arm} is {bounds}"
    first, second = _named(expected.first), _named(expected.second)
    if met is False:
        return f"Contrary to what was expected, {second} has {measure.ahead} than {first}"
    return f"It is not shown that {first} has {measure.ahead} than {second}"
