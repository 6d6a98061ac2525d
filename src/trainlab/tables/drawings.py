"""The figures of the page of a search, each drawn once for all screens: dark, light, wide, narrow.

Order: all of them, what was tried, classes, numbers, columns.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np

from trainlab import plots
from trainlab.pages import markup, words
from trainlab.tables.classes import (
    FEW,
    calibration,
    confusion,
    precision_recall,
    roc,
    shown_order,
)
from trainlab.tables.explaining import SHOWN, PartialDependence
from trainlab.tables.settings import PENALTY, RATE
from trainlab.tables.study import StudyResult

WIDTH: Final = 4.6
HEIGHT: Final = 4.3
"""Inches of most figures: two stand side by side, or one fills a phone."""
SMALL: Final = (3.3, 2.5)
"""Inches of the figure of a column, of which there are many."""
LABEL: Final = 16
"""Characters of a name in a figure; longer ones would leave no room for it."""
MOST_CLASSES: Final = 60
"""Beyond, a confusion of all classes cannot be read on any screen: the table of pairs says more."""
_HOURS: Final = re.compile(r"[ T]\d{1,2}:\d\d.*")

Draw = Callable[[], plots.Figure]


def figures(result: StudyResult) -> Mapping[str, str]:
    """Name → picture, as the page shows them."""
    drawn = {}
    with warnings.catch_warnings(), plots.themed(plots.LIGHT):
        # A letter that the font lacks is a box in the picture, but right in the page's text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for name, draw in drawings(result):
            drawn[name] = markup.uri(plots.adaptive(plots.svg(draw())))
    return drawn


def drawings(result: StudyResult) -> Iterator[tuple[str, Draw]]:
    """The name of each figure, and what draws it, inside `plots.themed`."""
    yield "candidates", lambda: _candidates(result)
    if result.problem.task == "classification":
        assert result.truth.classes is not None
        if len(result.truth.classes) <= MOST_CLASSES:
            yield "confusion", lambda: _confusion(result)
        if result.truth.positive is not None or len(result.truth.classes) <= FEW:
            yield "roc", lambda: _roc(result)
            yield "precision", lambda: _precision(result)
        if calibration(np.ones(len(result.truth), bool), np.ones(len(result.truth))) is not None:
            yield "calibration", lambda: _calibration(result)
    else:
        yield "agreement", lambda: _agreement(result)
        yield "residuals", lambda: _residuals(result)
    if result.importance:
        yield "importance", lambda: _importance(result)
    limits = _limits(result.dependence)
    for place, one in enumerate(result.dependence):
        dated = result.problem.features.index(one.name) in result.problem.dates
        yield f"dependence {place}", partial(_dependence, one, limits, dated)


def _axes(width: float = WIDTH, height: float = HEIGHT) -> tuple[plots.Figure, Any]:
    figure, (ax,) = plots.blank(plots.LIGHT, width=width, height=height)
    return figure, ax


def short(text: object, limit: int = LABEL) -> str:
    """A name as a figure shows it."""
    return words.visible(str(text), limit)


# --- what was tried --------------------------------------------------------------------


def _candidates(result: StudyResult) -> plots.Figure:
    figure, ax = _axes(height=4.8)
    tried = result.candidates
    if result.loss is None:
        plots.tried(
            ax,
            np.array([one.settings[RATE] for one in tried]),
            np.array([one.score for one in tried]),
            np.array([one.settings[PENALTY] for one in tried]),
            np.array([one.round for one in tried]),
            result.box.get(RATE),
            "L2 penalty (alpha)",
            less_is_better=result.metric.better == "lower",
        )
        plots.label(ax, "learning rate", f"{result.metric.words} (mean of folds)")
    else:
        there = [one for one in tried if math.isfinite(one.score)]
        losses = np.array([one.score for one in there])
        weights = np.array([one.weight for one in there])
        plots.voters(ax, losses, weights, result.loss)
        plots.label(ax, "candidate in all folds, the best alone first", "loss on validation rows")
    return figure


# --- classes ---------------------------------------------------------------------------


def _confusion(result: StudyResult) -> plots.Figure:
    classes = result.truth.classes
    assert classes is not None
    labels = words.distinct([str(one) for one in classes[shown_order(classes)].tolist()], 12)
    side = plots.side_of(len(labels), max(map(len, labels)))
    figure, ax = _axes(side, side)
    plots.counts(ax, confusion(result.truth, result.predicted), labels)
    plots.label(ax, "predicted class", "true class")
    return figure


def _lines(result: StudyResult) -> list[tuple[str, Any, Any]]:
    """(name, whether rows are of it, its probability): of a class of two by each model, or of all.

    What knows the target alone has no curve.
    """
    truth, classes = result.truth, result.truth.classes
    assert classes is not None
    place = truth.positive
    if place is not None:
        there = truth.codes == place
        models = [*result.predictions.items()][:-1]
        return [(name, there, said.p[:, place]) for name, said in models]
    labels = words.distinct([str(one) for one in classes.tolist()], LABEL)
    order = shown_order(classes)[_colors(result)].tolist()
    return [(labels[one], truth.codes == one, result.predicted.p[:, one]) for one in order]


def _colors(result: StudyResult) -> Sequence[int]:
    """Places in the palette of `_lines`: a class keeps its colour where another one has no rows."""
    truth, classes = result.truth, result.truth.classes
    assert classes is not None
    if truth.positive is not None:
        return range(len(result.predictions))
    rows = np.bincount(truth.codes, minlength=len(classes))[shown_order(classes)]
    return np.flatnonzero((rows > 0) & (rows < len(truth))).tolist()


def predicted_classes(result: StudyResult) -> list[tuple[str, Any, Any]]:
    """(name, whether rows are of the class that was predicted, its probability) of each model.

    What knows the target alone has none.
    """
    truth, models = result.truth, [*result.predictions.items()][:-1]
    return [(name, said.codes(truth) == truth.codes, said.p.max(axis=1)) for name, said in models]


def _roc(result: StudyResult) -> plots.Figure:
    figure, ax = _axes()
    curves = [(name, *roc(there, p)) for name, there, p in _lines(result)]
    plots.rates(ax, curves, ((0, 1), (0, 1)), colors=_colors(result))
    plots.label(ax, "false positive rate", "true positive rate (recall)", "ROC")
    return figure


def _precision(result: StudyResult) -> plots.Figure:
    figure, ax = _axes()
    lines, curves = _lines(result), []
    for name, there, p in lines:
        recall, precision, mean = precision_recall(there, p)
        curves.append((f"{name} ({mean:.2f})", recall, precision))
    share = float(np.mean(lines[0][1]))  # of several classes each has a share of its own
    chance = ((0, 1), (share, share)) if result.truth.positive is not None else None
    plots.rates(ax, curves, chance, steps=True, colors=_colors(result))
    plots.label(ax, "recall", "precision", "Precision and recall (average precision)")
    return figure


def _calibration(result: StudyResult) -> plots.Figure:
    """Of a few classes each; else by each model, of the rarer of two or of that predicted."""
    truth = result.truth
    figure, ax = _axes()
    assert truth.classes is not None
    colors = _colors(result)
    if truth.positive is None and len(truth.classes) > FEW:
        lines, colors = predicted_classes(result), range(len(result.predictions))
        names = "probability of the class that was predicted", "share that is right"
    elif truth.positive is None:
        lines = _lines(result)
        names = "probability of a class", "share of its rows"
    else:
        label = short(truth.classes[truth.positive])
        lines = _lines(result)
        names = f"probability of {label}", f"share of {label}"
    found = [(name, calibration(there, p)) for name, there, p in lines]
    curves = [(name, one.said, one.shares) for name, one in found if one is not None]
    first, by_class = found[0][1], names[0] == "probability of a class"
    bounds = None if first is None or by_class else (first.low, first.high)
    plots.calibrated(ax, curves, bounds, colors)
    plots.label(ax, *names, "Calibration")
    _plainly(ax)
    return figure


# --- numbers ---------------------------------------------------------------------------


def _agreement(result: StudyResult) -> plots.Figure:
    figure, ax = _axes()
    plots.agreement(ax, result.truth.values, result.predicted.values)
    plots.shorten(ax, "x", "y")
    plots.label(ax, "true value", "predicted value", "Predictions")
    return figure


def _residuals(result: StudyResult) -> plots.Figure:
    figure, ax = _axes()
    said = result.predicted.values
    plots.residuals(ax, said, result.truth.values - said)
    plots.label(ax, "predicted value", "true less predicted", "Residuals")
    return figure


# --- columns ---------------------------------------------------------------------------


def _importance(result: StudyResult) -> plots.Figure:
    shown = result.importance[:SHOWN]
    figure, ax = _axes(5.4, 0.9 + 0.34 * len(shown))
    losses, errors = (np.array([getattr(one, n) for one in shown]) for n in ("loss", "error"))
    plots.importances(ax, words.distinct([one.name for one in shown], 22), losses, errors)
    plots.label(ax, f"{result.metric.words}: worse by", "")
    return figure


def _limits(every: tuple[PartialDependence, ...]) -> tuple[float, float]:
    values = [value for one in every for line in one.lines for value in line]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _days(dates: list[Any]) -> list[Any]:
    """Dates without their hours, for which there is no room, where the days tell them apart."""
    days = [_HOURS.sub("", str(date)) for date in dates]
    return days if len(set(days)) == len(days) else dates


def _dependence(one: PartialDependence, limits: tuple[float, float], dated: bool) -> plots.Figure:
    figure, ax = _axes(*SMALL)
    grid = ["no value" if value is None else value for value in one.grid]
    if dated:
        grid = _days(grid)
    if any(isinstance(value, str) for value in grid):
        grid = words.distinct([str(value) for value in grid], 10)
    lines = [(short(name), np.array(y)) for name, y in zip(one.names, one.lines, strict=True)]
    plots.dependence(ax, grid, lines, one.typical, limits, dated)
    plots.label(ax, "", "", short(one.name, 26))
    _plainly(ax)
    return figure


def _plainly(ax: Any) -> None:
    """Names of the table are no mathematics, whatever signs of it they have."""
    for text in (ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label):
        text.set_parse_math(False)
