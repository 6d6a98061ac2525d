"""From measured series to a verdict: what is shown, what is not, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from trainlab import evidence
from trainlab.evidence import Comparison, Interval
from trainlab.experiments.base import Array, Better, Expectation, Measure, Measurements, Within
from trainlab.experiments.claims import Findings, between, claim
from trainlab.experiments.results import Claim, Verdict
from trainlab.pages.words import number

__all__ = ["OUTCOMES", "judge", "number"]

EXPECTED: Final = "as expected"
NOT_SHOWN: Final = "no difference shown"
UNDECIDED: Final = "undecided"
CONTRARY: Final = "contrary to what was expected"
NOT_JUDGED: Final = "not judged"
NO_CLAIM: Final = "no claim"
OUTCOMES: Final = (EXPECTED, NOT_SHOWN, UNDECIDED, CONTRARY, NOT_JUDGED, NO_CLAIM)

LEVEL: Final = 0.95

FEW_ARMS: Final = 8
"""Up to so many arms all pairs are compared, 28 at most; of more, those of the expectations."""


def judge(measured: Measurements, measure: Measure, expect: Sequence[Expectation]) -> Verdict:
    """The verdict on what was measured.

    Arms are compared seed by seed (`evidence.compare_all`), in two families: the pairs
    that the expectations name, and, of at most FEW_ARMS arms, the others.  The first are
    few and were chosen before anything was measured, so the correction costs them little.
    A median counts as within bounds when its interval is.
    With one seed nothing is judged; without randomness values stand for themselves.  Where
    nothing is expected, all is measured and compared, and there is no claim.
    """
    values = measure.of(measured.series)
    seeds = measured.seeds
    arms = {arm: values[rows] for arm, rows in measured.arms.items()}
    medians = {arm: _median(found, random=seeds > 0) for arm, found in arms.items()}
    comparisons = _compared(measured, values, measure, expect) if seeds > 1 else ()
    pairs = {(c.first, c.second): c for c in comparisons}
    found = Findings(measure, medians, pairs, _lost(measured, values), seeds)
    claims = tuple(claim(expected, found) for expected in expect)
    outcome = _outcome(claims, seeds)
    ranked = _ranked(medians, measure)
    return Verdict(
        outcome=outcome,
        line=_line(measure, ranked, comparisons, expect, claims, seeds),
        measure=measure.heading,
        arms=ranked,
        comparisons=comparisons,
        warnings=_warnings(measured, seeds, len(_named(expect))),
        claims=claims,
    )


def _median(values: Array, random: bool) -> Interval:
    if random:
        return evidence.median_interval(values, LEVEL)
    value = float(np.median(values))
    return Interval(value, value, value, LEVEL, len(values), 0)


def _lost(measured: Measurements, values: Array) -> dict[str, int]:
    """Arm → members that diverged and have no value."""
    return {
        arm: sum(measured.members[r].id in measured.diverged and np.isnan(values[r]) for r in rows)
        for arm, rows in measured.arms.items()
    }


def _named(expect: Sequence[Expectation]) -> list[tuple[str, str]]:
    """The pairs that are expected to differ, each once."""
    return list(dict.fromkeys((e.first, e.second) for e in expect if isinstance(e, Better)))


def _compared(
    measured: Measurements, values: Array, measure: Measure, expect: Sequence[Expectation]
) -> tuple[Comparison, ...]:
    """The two families of pairs, paired by seed; inf where a run diverged, NaN where none is."""
    seeds = sorted({m.seed for m in measured.members if m.seed is not None})
    place = {seed: index for index, seed in enumerate(seeds)}
    table = {arm: np.full(len(seeds), np.nan) for arm in measured.arms}
    for member, value in zip(measured.members, values, strict=True):
        if member.seed is not None:
            gone = math.isnan(value) and member.id in measured.diverged
            table[member.arm][place[member.seed]] = math.inf if gone else value
    if len(table) < 2:
        return ()
    named = _named(expect)
    taken = {frozenset(pair) for pair in named}
    others = [p for p in itertools.combinations(table, 2) if frozenset(p) not in taken]
    families = [named, others if len(table) <= FEW_ARMS else []]
    return tuple(
        comparison
        for family in families
        for comparison in evidence.compare_all(table, LEVEL, 0, measure.better, family)
    )


def _outcome(claims: Sequence[Claim], seeds: int) -> str:
    if not claims:
        return NO_CLAIM
    if seeds == 1:
        return NOT_JUDGED
    if any(found.met is False for found in claims):
        return CONTRARY
    if all(found.met for found in claims):
        return EXPECTED
    differences = [found.met for found in claims if len(found.arms) == 2]
    return UNDECIDED if all(differences) else NOT_SHOWN


def _ranked(medians: Mapping[str, Interval], measure: Measure) -> dict[str, Interval]:
    """Best first; arms without a value last."""
    sign = 1 if measure.better == "lower" else -1

    def place(item: tuple[str, Interval]) -> tuple[bool, float]:
        center = item[1].center
        return math.isnan(center), 0.0 if math.isnan(center) else sign * center

    return dict(sorted(medians.items(), key=place))


# --- words -----------------------------------------------------------------------------


def _line(
    measure: Measure,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    expect: Sequence[Expectation],
    claims: Sequence[Claim],
    seeds: int,
) -> str:
    """Measure: arm (value) < arm (value) ...; what "<" rests on; the expectations that failed."""
    text, signs = _ranking(ranked, comparisons, measure)
    line = f"{measure.heading}: {text}"
    if seeds == 1:
        return line + "; one seed shows no ranking"
    notes = [f"medians of {seeds} seeds"] if seeds else _bounds(expect)
    if " ≈" in signs:
        notes.append("≈: no difference shown between these two, seed by seed")
    missed = [_missed(e, c.met) for e, c in zip(expect, claims, strict=True) if not c.met]
    if len(missed) > FEW_ARMS:
        missed = [f"{len(missed)} of {len(claims)} expectations not met"]
    return "; ".join([line, *notes, *missed])


def _ranking(
    ranked: Mapping[str, Interval], comparisons: Sequence[Comparison], measure: Measure
) -> tuple[str, list[str]]:
    """The arms with their medians and the signs between them; of many, the ends."""
    shown = [f"{arm} ({number(found.center)})" for arm, found in ranked.items()]
    if len(shown) > FEW_ARMS:
        return f"of {len(shown)} arms {shown[0]} is the best and {shown[-1]} the last", []
    signs = [_sign(pair, comparisons, measure) for pair in itertools.pairwise(ranked)]
    rest = [f"{sign} {arm}" for sign, arm in zip(signs, shown[1:], strict=True)]
    return shown[0] + "".join(rest), signs


def _sign(pair: tuple[str, str], comparisons: Sequence[Comparison], measure: Measure) -> str:
    for c in comparisons:
        if {c.first, c.second} == set(pair):
            if c.winner is None:
                return " ≈"
            # Pairs may contradict medians; the sign says what the pairs show.
            return " <" if (c.winner == pair[0]) == (measure.better == "lower") else " >"
    return ","


def _bounds(expect: Sequence[Expectation]) -> list[str]:
    """The bounds that were expected, if any: once if all arms share them."""
    if not expect:
        return []
    words = {e.arm: between(e.low, e.high) for e in expect if isinstance(e, Within)}
    if len(set(words.values())) == 1:
        return [f"expected {next(iter(words.values()))}"]
    return [f"expected: {', '.join(f'{arm} {text}' for arm, text in words.items())}"]


def _missed(expected: Expectation, met: bool | None) -> str:
    if isinstance(expected, Within):
        shown = "is not" if met is False else "is not shown to be"
        return f"{expected.arm} {shown} {between(expected.low, expected.high)}"
    if met is False:
        return f"{expected.second} better than {expected.first}"
    return f"no difference shown between {expected.first} and {expected.second}"


def _warnings(measured: Measurements, seeds: int, family: int) -> tuple[str, ...]:
    found = []
    need = max(evidence.MIN_PAIRS, evidence.fewest_pairs(max(family, 1), LEVEL))
    if seeds == 1:
        found.append("One seed shows no ranking: another seed may turn it round. Try --seeds 10.")
    elif 1 < seeds < need:
        why = "intervals" if seeds < evidence.MIN_PAIRS else f"{family} comparisons"
        found.append(
            f"{seeds} seeds are too few for {why}: no difference can be shown. "
            f"Try --seeds {max(need, 10)}."
        )
    for arm, rows in measured.arms.items():
        ids = [measured.members[row].id for row in rows]
        steps = [measured.diverged[name] for name in ids if name in measured.diverged]
        if steps:
            first = f"first at step {min(steps)}" if len(steps) > 1 else f"at step {steps[0]}"
            found.append(
                f"{arm}: {len(steps)} of {len(ids)} members diverged, {first}; "
                "each counts as worse than any that did not, and is in no median."
            )
    return tuple(found)
