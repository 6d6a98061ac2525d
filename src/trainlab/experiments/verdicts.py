"""From measured series to a verdict: what is shown, what is not, and how sure that is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from trainlab import evidence
from trainlab.evidence import Comparison, Interval
from trainlab.experiments.base import Array, Better, Expectation, Measure, Measured, Within
from trainlab.experiments.results import Verdict

EXPECTED: Final = "as expected"
NOT_SHOWN: Final = "no difference shown"
UNDECIDED: Final = "undecided"
CONTRARY: Final = "contrary to what was expected"
NOT_JUDGED: Final = "not judged"
OUTCOMES: Final = (EXPECTED, NOT_SHOWN, UNDECIDED, CONTRARY, NOT_JUDGED)

LEVEL: Final = 0.95


def judge(measured: Measured, measure: Measure, expect: Sequence[Expectation]) -> Verdict:
    """The verdict on what was measured.

    Arms are compared seed by seed (`evidence.compare_all`): a difference counts when
    its interval leaves out 0.  A median counts as within bounds when its interval is.
    With one seed nothing is judged; without randomness values stand for themselves.
    """
    values = measure.of(measured.series)
    seeds = measured.seeds
    arms = {arm: values[rows] for arm, rows in measured.arms.items()}
    medians = {arm: _median(found, random=seeds > 0) for arm, found in arms.items()}
    comparisons = _compared(measured, values) if seeds > 1 and len(arms) > 1 else ()
    warnings = _warnings(measured, seeds)
    if seeds == 1:
        outcome = NOT_JUDGED
    else:
        outcome = _outcome({e: _met(e, medians, comparisons, measure) for e in expect})
    ranked = _ranked(medians, measure)
    return Verdict(
        outcome=outcome,
        line=_line(outcome, measure, ranked, comparisons, expect, seeds),
        measure=measure.words,
        arms=ranked,
        comparisons=comparisons,
        warnings=warnings,
    )


def _median(values: Array, random: bool) -> Interval:
    if random:
        return evidence.median_interval(values, LEVEL)
    value = float(np.median(values))
    return Interval(value, value, value, LEVEL, len(values), 0)


def _compared(measured: Measured, values: Array) -> tuple[Comparison, ...]:
    """All pairs of arms, paired by seed; NaN where an arm lacks a seed."""
    seeds = sorted({m.seed for m in measured.members if m.seed is not None})
    place = {seed: index for index, seed in enumerate(seeds)}
    table = {arm: np.full(len(seeds), np.nan) for arm in measured.arms}
    for member, value in zip(measured.members, values, strict=True):
        if member.seed is not None:
            table[member.arm][place[member.seed]] = value
    return tuple(evidence.compare_all(table, LEVEL))


def _met(
    expected: Expectation,
    medians: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    measure: Measure,
) -> bool | None:
    """True: shown.  False: the opposite is shown.  None: neither."""
    if isinstance(expected, Within):
        found = medians[expected.arm]
        if expected.low <= found.low and found.high <= expected.high:
            return True
        return False if found.high < expected.low or found.low > expected.high else None
    low, high = _advantage(expected, comparisons, measure)
    return True if low > 0 else False if high < 0 else None


def _advantage(
    expected: Better, comparisons: Sequence[Comparison], measure: Measure
) -> tuple[float, float]:
    """The interval of by how much the first arm is better than the second."""
    for c in comparisons:
        if {c.first, c.second} == {expected.first, expected.second}:
            forward = (c.first == expected.first) == (measure.better == "higher")
            return (c.low, c.high) if forward else (-c.high, -c.low)
    return -math.inf, math.inf


def _outcome(met: Mapping[Expectation, bool | None]) -> str:
    if any(found is False for found in met.values()):
        return CONTRARY
    if all(met.values()):
        return EXPECTED
    differences = [found for e, found in met.items() if isinstance(e, Better)]
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
    outcome: str,
    measure: Measure,
    ranked: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    expect: Sequence[Expectation],
    seeds: int,
) -> str:
    """Measure: arm value < arm value ...; what "<" rests on; the expectations that failed."""
    names = list(ranked)
    text = f"{names[0]} {number(ranked[names[0]].center)}"
    signs = []
    for before, after in itertools.pairwise(names):
        signs.append(_sign(before, after, comparisons, measure, seeds))
        text += f"{signs[-1]} {after} {number(ranked[after].center)}"
    line = f"{measure.words}: {text}"
    if seeds == 1:
        return line + " (one seed: shows no ranking)"
    notes = [f"medians of {seeds} seeds"] if seeds else _bounds(expect)
    if " ≈" in signs:
        notes.append("≈: no difference shown between these two, seed by seed")
    line += f" ({'; '.join(notes)})" if notes else ""
    if outcome in (NOT_SHOWN, UNDECIDED, CONTRARY):
        missed = [e for e in expect if not _met(e, ranked, comparisons, measure)]
        line += "; " + "; ".join(_missed(e, ranked, comparisons, measure) for e in missed)
    return line


def _bounds(expect: Sequence[Expectation]) -> list[str]:
    """The bounds that were expected: once if all arms share them."""
    bounds = {e.arm: (e.low, e.high) for e in expect if isinstance(e, Within)}
    words = {arm: _between(*ends) for arm, ends in bounds.items()}
    if len(set(words.values())) == 1:
        return [f"expected {next(iter(words.values()))}"]
    return [f"expected: {', '.join(f'{arm} {text}' for arm, text in words.items())}"]


def _between(low: float, high: float) -> str:
    if math.isinf(low):
        return f"at most {number(high)}"
    return f"at least {number(low)}" if math.isinf(high) else f"{number(low)} to {number(high)}"


def _missed(
    expected: Expectation,
    medians: Mapping[str, Interval],
    comparisons: Sequence[Comparison],
    measure: Measure,
) -> str:
    opposite = _met(expected, medians, comparisons, measure) is False
    if isinstance(expected, Within):
        shown = "is not" if opposite else "is not shown to be"
        return f"{expected.arm} {shown} {_between(expected.low, expected.high)}"
    if opposite:
        return f"{expected.second} better than {expected.first}"
    return f"no difference shown between {expected.first} and {expected.second}"


def _sign(
    before: str, after: str, comparisons: Sequence[Comparison], measure: Measure, seeds: int
) -> str:
    if seeds == 1 or not comparisons:
        return ","
    low, high = _advantage(Better(before, after), comparisons, measure)
    if low <= 0 <= high:
        return " ≈"
    # Means of pairs may contradict medians; the sign says what the pairs show.
    better, worse = (" <", " >") if measure.better == "lower" else (" >", " <")
    return better if low > 0 else worse


def number(value: float) -> str:
    """A number as verdicts and tables show it.

    >>> number(0.19398), number(2.3025), number(1e-09), number(float("nan"))
    ('0.1940', '2.303', '1e−9', 'diverged')
    """
    if math.isnan(value):
        return "diverged"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:#.4g}".rstrip(".")
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    # With a minus, after which no line breaks, as it would after a hyphen.
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", "−")


def _warnings(measured: Measured, seeds: int) -> tuple[str, ...]:
    found = []
    if seeds == 1:
        found.append("One seed shows no ranking: another seed may turn it round. Try --seeds 10.")
    elif 1 < seeds < evidence.MIN_PAIRS:
        found.append(
            f"{seeds} seeds are too few for intervals: no difference can be shown. "
            f"Try --seeds {2 * evidence.MIN_PAIRS}."
        )
    for arm, rows in measured.arms.items():
        ids = [measured.members[row].id for row in rows]
        steps = [measured.diverged[name] for name in ids if name in measured.diverged]
        if steps:
            first = f"first at step {min(steps)}" if len(steps) > 1 else f"at step {steps[0]}"
            found.append(
                f"{arm}: {len(steps)} of {len(ids)} members diverged, {first}; "
                "they have no value and are not in the comparisons."
            )
    return tuple(found)
