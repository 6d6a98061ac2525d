"""The rows put aside: what models say of them, how good that is, and which model is better.

Order: scores, comparisons, a conclusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import scipy  # loads its room `stats` when that is first used: half a second

from trainlab.pages import words
from trainlab.search.metrics import (
    LEVEL,
    NamedMetric,
    RSquared,
    TablePrediction,
    TableTruth,
    difference_bounds,
    metric_bounds,
    metrics_of,
)
from trainlab.terminal import counted

MOST_MORE: Final = 6
"""Digits more than usual at most, that tell two numbers apart."""


@dataclass(frozen=True)
class HoldoutScore:
    """How good the predictions for the rows put aside are: a score and its 95 % interval.

    root_error  √(mean of (y − prediction)²), in the units of the target; None for classes
    scores      the metrics of the task, by name
    """

    name: str
    score: float
    low: float
    high: float
    root_error: float | None
    scores: Mapping[str, float]


@dataclass(frozen=True)
class HoldoutComparison:
    """Whether a model is better than a rival on the same rows.

    rival   its name
    shown   "better", "worse", or None where chance may have made the difference
    words   a sentence;  numbers: what it stands on
    """

    rival: str
    shown: str | None
    words: str
    numbers: Mapping[str, float]


def shown(metric: NamedMetric, value: float, more: int = 0) -> str:
    """A value of a metric in words: shares to a tenth of a percent, errors in their unit.

    more  digits than usual, see `digits`
    """
    return (words.score if _has_no_unit(metric) else words.amount)(value, more)


def named(metric: NamedMetric, value: float, more: int = 0) -> str:
    """A value behind the name of its metric; a colon keeps it apart from a number there."""
    colon = ":" if metric.words[-1].isdecimal() else ""
    return f"{metric.words}{colon} {shown(metric, value, more)}"


def digits(metric: NamedMetric, *values: float) -> int:
    """How many digits more than usual tell different values apart; 0 where MOST_MORE do not."""
    for more in range(MOST_MORE + 1):
        if len({shown(metric, value, more) for value in values}) == len({*values}):
            return more
    return 0


def _has_no_unit(metric: NamedMetric) -> bool:
    return metric.task == "classification" or isinstance(metric, RSquared)


def judge(
    name: str, truth: TableTruth, predicted: TablePrediction, metric: NamedMetric, seed: int
) -> HoldoutScore:
    """The metric with its interval, and all others of the task."""
    scores = {one.name: one.value(truth, predicted) for one in metrics_of(metric.task)}
    value = metric.value(truth, predicted)
    scores.setdefault(metric.name, value)
    if metric.name == "accuracy":
        # Resamples of rows that are all right would be all right, too: the exact interval
        # of a share (Clopper and Pearson 1934) knows that the rows are few.
        hits = int((predicted.codes(truth) == truth.codes).sum())
        ends = scipy.stats.binomtest(hits, len(truth)).proportion_ci(LEVEL)
        low, high = float(ends.low), float(ends.high)
    else:
        low, high = metric_bounds(metric, truth, predicted, seed)
    return HoldoutScore(name, value, low, high, scores.get("rmse"), scores)


def compare(
    truth: TableTruth,
    ours: tuple[str, TablePrediction],
    rival: tuple[str, TablePrediction],
    metric: NamedMetric,
    seed: int,
) -> HoldoutComparison:
    """Whether ours is better than a rival, each with its name.

    Of accuracies by the rows that one of the two has right, and a sign test of these (McNemar
    1947, in its exact form); of other metrics by the interval of their difference.
    """
    (first, one), (second, other) = ours, rival
    if metric.name == "accuracy":
        own, others = (said.codes(truth) == truth.codes for said in (one, other))
        won, lost = int((own & ~others).sum()), int((~own & others).sum())
        p = float(scipy.stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
        verdict = None if p > 1 - LEVEL else "better" if won > lost else "worse"
        rows = counted(len(truth), "row")
        found = f"{first} alone is right in {won:,} of {rows}, {second} alone in {lost:,}"
        numbers = {"won": won, "lost": lost, "p": p}
        return HoldoutComparison(second, verdict, _sentence(first, verdict, second, found), numbers)
    values = [metric.value(truth, said) for said in (one, other)]
    low, high = difference_bounds(metric, truth, one, other, seed)
    least, most = sorted((metric.sign * low, metric.sign * high))
    verdict = "better" if least > 0 else "worse" if most < 0 else None
    # In the order of the sentence, in which the better model comes first.
    own, difference = values, (values[0] - values[1], low, high)
    if verdict == "worse":
        own, difference = values[::-1], (values[1] - values[0], -high, -low)
    # An interval that lies on one side of 0 is shown so.
    off = difference if verdict else difference[:1]
    more = max(digits(metric, *own), *(digits(metric, one, 0.0) for one in off))
    texts = [_signed(metric, end, more) for end in difference]
    found = (
        f"{named(metric, own[0], more)} against {shown(metric, own[1], more)}, "
        f"difference {texts[0]}, 95 % interval {texts[1]} to {texts[2]}"
    )
    numbers = {"value": values[0] - values[1], "low": low, "high": high}
    return HoldoutComparison(second, verdict, _sentence(first, verdict, second, found), numbers)


def doubt(ours: HoldoutScore, floor: HoldoutComparison, metric: NamedMetric) -> str:
    """A warning where a model is not shown to be of any use; "" where it is.

    floor  the model against what uses no feature
    """
    first = capital(ours.name)
    if floor.shown == "worse":
        return f"{capital(floor.rival)}, which uses no feature, is better than {ours.name}."
    if floor.shown is None:
        return f"{first} is not shown to be better than {floor.rival}, which uses no feature."
    if isinstance(metric, RSquared) and ours.low <= 0:
        return f"{first} is not shown to have an R² above 0, that of one number for all rows."
    return ""


def _signed(metric: NamedMetric, value: float, more: int) -> str:
    text = shown(metric, value, more if _has_no_unit(metric) else 0)
    return f"+{text}" if value > 0 else text


def _sentence(first: str, verdict: str | None, second: str, found: str) -> str:
    """The words of a comparison; the better model comes first."""
    if verdict == "worse":
        return f"{capital(second)} {_are(second)} better than {first}: {found}."
    said = "better than" if verdict else "not shown to differ from"
    return f"{capital(first)} {_are(first)} {said} {second}: {found}."


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return f"{text[0].upper()}{text[1:]}"


def _are(name: str) -> str:
    return "are" if name.endswith("trees") else "is"


# --- a conclusion ----------------------------------------------------------------------


def conclusion(
    judged: Sequence[HoldoutScore], comparisons: Sequence[HoldoutComparison], metric: NamedMetric
) -> str:
    """One sentence: which of the models is best on the rows put aside, and what is not shown.

    judged       the first is ours; comparisons: of it with its rivals
    """
    ours, found = judged[0], {one.name: one for one in judged}
    more = digits(metric, *(one.score for one in judged))

    def with_score(name: str) -> str:
        return f"{name} ({shown(metric, found[name].score, more)})"

    first = f"{ours.name} ({named(metric, ours.score, more)})"
    worse = [one.rival for one in comparisons if one.shown == "worse"]
    better = [one.rival for one in comparisons if one.shown == "better"]
    open_ones = [one.rival for one in comparisons if one.shown is None]
    if worse:
        best = max(worse, key=lambda name: metric.sign * found[name].score)
        value = named(metric, found[best].score, more)
        against = shown(metric, ours.score, more)
        verb = _are(best)
        return f"{capital(best)} {verb} better than {ours.name}: {value} against {against}."
    if not better:
        others = " and ".join(map(with_score, open_ones))
        return f"{capital(first)} is not shown to differ from {others}."
    said = f"{capital(first)} is better than {' and '.join(map(with_score, better))}"
    if open_ones:
        said += f", and not shown to differ from {' and '.join(map(with_score, open_ones))}"
    return f"{said}."
