"""From measured series to a verdict: what is shown, what is not, and how sure that is."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from trainlab import evidence
from trainlab.evidence import Comparison, Direction, Interval
from trainlab.experiments.base import Array, Better, Expectation, Measure, Measurements
from trainlab.experiments.claims import Findings, claim, named
from trainlab.experiments.results import Claim, Verdict
from trainlab.experiments.summaries import summary
from trainlab.experiments.validation import taken
from trainlab.terminal import counted

EXPECTED: Final = "as expected"
NOT_SHOWN: Final = "no difference shown"
UNDECIDED: Final = "undecided"
CONTRARY: Final = "contrary to what was expected"
NOT_JUDGED: Final = "not judged"
NO_CLAIM: Final = "no claim"
OUTCOMES: Final = (EXPECTED, NOT_SHOWN, UNDECIDED, CONTRARY, NOT_JUDGED, NO_CLAIM)

LEVEL: Final = 0.95

UNEXPECTED: Final = (
    "The claim is not judged, since nothing is expected of the arms. Try --better and the names of "
    "two arms, or expect=[…] in a file of your own."
)

FEW_ARMS: Final = 8
"""Up to so many arms all pairs are compared, 28 at most; of more, those of the expectations."""


def judge(
    measured: Measurements, measure: Measure, expect: Sequence[Expectation], said: str = ""
) -> Verdict:
    """The verdict on what was measured.

    Arms are compared seed by seed (`evidence.compare_all`), in two families: the pairs
    that the expectations name, and, of at most FEW_ARMS arms, the others.  The first are
    few and were chosen before anything was measured, so the correction costs them little.
    A median counts as within bounds when its interval is.
    With one seed nothing is judged; without randomness values stand for themselves.  Where
    nothing is expected, all is measured and compared, and what is `said` is not judged.
    """
    values = taken(measure, measured)
    better, doubts = _decided(measure, measured)
    measure = dataclasses.replace(measure, better=better)
    seeds = measured.seeds
    arms = {arm: values[rows] for arm, rows in measured.arms.items()}
    medians = {arm: _median(found, random=seeds > 0) for arm, found in arms.items()}
    table = _by_seed(measured, values)
    comparisons = _compared(table, better, expect) if seeds > 1 else ()
    pairs = {(c.first, c.second): c for c in comparisons}
    found = Findings(measure, medians, pairs, _lost(measured, values), seeds)
    claims = tuple(claim(expected, found) for expected in expect)
    outcome = _outcome(claims, seeds) if claims else NOT_JUDGED if said else NO_CLAIM
    ranked = _ranked(found)
    told = _with_ends(comparisons, ranked, table, better) if seeds > 1 else ()
    return Verdict(
        outcome=outcome,
        line=summary(found, ranked, told, expect, claims),
        measure=measure.heading,
        arms=ranked,
        comparisons=comparisons,
        warnings=(
            *doubts,
            *([UNEXPECTED] if said and not claims else []),
            *_shorter(measure, measured),
            *_too_few(seeds, comparisons),
            *_without_value(measured, values, measure.words),
        ),
        claims=claims,
    )


def _decided(measure: Measure, measured: Measurements) -> tuple[Direction, tuple[str, ...]]:
    """Which numbers of a measure are better, and a warning where that is doubtful.

    The names of two accuracies do not tell which difference between them is better, nor does that
    of one say what a function of the user's makes of it.
    """
    known = measure.directions(measured.series)
    only = next(iter(known.values())) if len(known) == 1 else "lower"
    better: Direction = measure.better or only
    doubt, other = "", "higher" if better == "lower" else "lower"
    is_unclear = len(known) > 1 or measure.is_own
    if measure.better is None and is_unclear and "higher" in known.values():
        doubt = f"since nothing else is said; try better={better!r} or {other!r} in the Measure"
    elif len(known) == 1 and not measure.is_own and better not in known.values():
        doubt = f"although the {other} {next(iter(known))} is; try better={other!r} in the Measure"
    text = f"The {better} {measure.words} counts as better, {doubt}."
    return better, (text,) if doubt else ()


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


def _by_seed(measured: Measurements, values: Array) -> dict[str, Array]:
    """Arm → its value of each seed, in their order; inf where a run diverged, NaN where none is."""
    seeds = sorted({m.seed for m in measured.members if m.seed is not None})
    place = {seed: index for index, seed in enumerate(seeds)}
    table = {arm: np.full(len(seeds), np.nan) for arm in measured.arms}
    for member, value in zip(measured.members, values, strict=True):
        if member.seed is not None:
            gone = math.isnan(value) and member.id in measured.diverged
            table[member.arm][place[member.seed]] = math.inf if gone else value
    return table


def _compared(
    table: Mapping[str, Array], better: Direction, expect: Sequence[Expectation]
) -> tuple[Comparison, ...]:
    """The two families of pairs, paired by seed."""
    if len(table) < 2:
        return ()
    named = list(dict.fromkeys((e.first, e.second) for e in expect if isinstance(e, Better)))
    taken = {frozenset(pair) for pair in named}
    others = [p for p in itertools.combinations(table, 2) if frozenset(p) not in taken]
    families = [named, others if len(table) <= FEW_ARMS else []]
    return tuple(
        comparison
        for family in families
        for comparison in evidence.compare_all(table, LEVEL, 0, better, family)
    )


def _with_ends(
    comparisons: Sequence[Comparison],
    ranked: Mapping[str, Interval],
    table: Mapping[str, Array],
    better: Direction,
) -> Sequence[Comparison]:
    """The comparisons, and that of the best arm with the last, of which a sentence tells."""
    arms = [*ranked]
    ends = (arms[0], arms[-1])
    if len(arms) < 2 or any({c.first, c.second} == set(ends) for c in comparisons):
        return comparisons
    return [*comparisons, *evidence.compare_all(table, LEVEL, 0, better, [ends])]


def _outcome(claims: Sequence[Claim], seeds: int) -> str:
    if seeds == 1:
        return NOT_JUDGED
    if any(found.met is False for found in claims):
        return CONTRARY
    if all(found.met for found in claims):
        return EXPECTED
    differences = [found.met for found in claims if len(found.arms) == 2]
    return UNDECIDED if all(differences) else NOT_SHOWN


def _ranked(found: Findings) -> dict[str, Interval]:
    """Best first; arms without a value last, before them those of which half diverged or more.

    A run that diverged is worse than any other, and so is then the median of all runs.
    """
    sign = 1 if found.measure.better == "lower" else -1

    def place(item: tuple[str, Interval]) -> tuple[bool, bool, float]:
        arm, median = item
        gone = math.isnan(median.center)
        mostly = found.lost[arm] >= median.count
        return gone, mostly, 0.0 if gone else sign * median.center

    return dict(sorted(found.medians.items(), key=place))


# --- words -----------------------------------------------------------------------------


def _shorter(measure: Measure, measured: Measurements) -> Iterator[str]:
    for name, count in measure.shorter(measured.series).items():
        has = f"{name} has only {counted(count, 'value')}"
        yield f"The {measure.words} is a mean of all values: {has}, fewer than it asks for."


def _too_few(seeds: int, comparisons: Sequence[Comparison]) -> Iterator[str]:
    if seeds == 1:
        yield "One seed shows no ranking: another seed may turn it round. Try --seeds 10."
    if seeds <= 1:
        return
    needs = [evidence.fewest_pairs(one.family, LEVEL) for one in comparisons]
    few = sum(seeds < need for need in needs)
    lacks = ["there are no intervals"] if seeds < evidence.MIN_PAIRS else []
    if few:
        some = f"{few} of {len(needs)} pairs cannot be shown to differ"
        lacks.append(some if few < len(needs) else "no difference can be shown")
    if lacks:
        need = max([evidence.MIN_PAIRS, *needs])
        told = f"With {seeds} seeds {', and '.join(lacks)}: {need} are needed."
        yield f"{told} Try --seeds {max(need, 10)}."


def _without_value(measured: Measurements, values: Array, words: str) -> Iterator[str]:
    """Of each arm the members that diverged, and those that have no value for another reason."""
    for arm, rows in measured.arms.items():
        of = counted(len(rows), "member")
        lost = {row for row in rows if measured.members[row].id in measured.diverged}
        steps = [measured.diverged[measured.members[row].id] for row in sorted(lost)]
        if steps:
            first = f"first at step {min(steps)}" if len(steps) > 1 else f"at step {steps[0]}"
            ending = "each counts as worse than any that did not, and is in no median."
            if kept := sum(np.isfinite(values[row]) for row in lost):
                which = "each" if kept == len(lost) else f"{kept} of them"
                ending = f"{which} had a {words} before, which counts as those of others."
            yield f"{named(arm)}: {len(steps)} of {of} diverged, {first}; {ending}"
        if endless := sum(np.isinf(values[row]) and row not in lost for row in rows):
            ending = "each counts as worse than any finite one, and is in no median."
            yield f"{named(arm)}: the {words} of {endless} of {of} is infinite; {ending}"
        if missing := sum(np.isnan(values[row]) and row not in lost for row in rows):
            ending = "each is in no median, and its seed in no comparison with this arm."
            yield f"{named(arm)}: {missing} of {of} without a {words}; {ending}"
