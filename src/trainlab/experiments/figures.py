"""Figures that several experiments share: curves of a population with bands over the seeds."""

from __future__ import annotations

import dataclasses
import functools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab import evidence, plots
from trainlab.experiments.base import Measure, MeasuredSeries, Measurements
from trainlab.experiments.validation import taken
from trainlab.plots.populations import DIVERGED, STOPPED

AXES: Mapping[str, str] = {"step": "step (updates)", "epoch": "epoch"}
ACCURACY: Final = "accuracy (share of images)"
BATCH_LOSS: Final = "loss of a batch (smoothed)"

Draw = Callable[[Measurements, plots.Theme], plots.Figure]


def arm_curves(
    measured: Measurements, series: str | MeasuredSeries, smooth: bool = False
) -> list[plots.Curve]:
    """Median and 95 % band of each arm; with a note on members that diverged."""
    found = measured.series[series] if isinstance(series, str) else series
    arms = []
    for arm, rows in measured.arms.items():
        values = evidence.smooth(found.values[rows]) if smooth else found.values[rows]
        center, low, high = plots.spread(values)
        lost = sum(measured.members[row].id in measured.diverged for row in rows)
        note = f"{lost} of {len(rows)} diverged" if lost else ""
        ended = DIVERGED if lost == len(rows) else STOPPED
        arms.append(plots.Curve(arm, found.axis_values, center, low, high, note, ended=ended))
    return arms


def seeds_entry(measured: Measurements, theme: plots.Theme, marker: str = "") -> plots.Entry:
    """What a line and its band are, or a marker and its bar, and of how many runs."""
    n = measured.seeds
    if n != 1:
        words = f"median of {n} seeds, and the band of 95 % of them"
        return plots.band_entry(words, theme, marker)
    look: Any = {"marker": marker, "ls": ""} if marker else {"lw": 1.8}
    return plots.line_entry("one seed: shows no ranking", theme, **look)


def losses(top: float | None, mark_every: int, title: str = "Training loss of each arm") -> Draw:
    """The smoothed training loss of each arm over steps, from 0 to `top`; None: on a log axis."""

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        with plots.themed(theme):
            drawn, (ax,) = plots.blank(theme, width=8.2, height=5.0)
            arms = arm_curves(measured, "train_loss", smooth=True)
            plots.curves(ax, arms, theme, mark_every=mark_every)
            if top is None:
                plots.logarithmic(ax, "y")
            else:
                ax.set_ylim(0, top)
            axis = AXES[measured.series["train_loss"].axis]
            plots.label(ax, axis, BATCH_LOSS)
            plots.title(drawn, title, theme)
            plots.key(drawn, [ax], [seeds_entry(measured, theme)], theme)
        return drawn

    return figure


def summary(measure: Measure) -> Draw:
    """Make a figure for arms of any kind: their training losses, and the measure of each run.

    Parameters
    ----------
    measure : Measure
        What is measured.

    Returns
    -------
    callable
        The figure of an experiment that trains one population.
    """

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        arms = measured.arms
        with plots.themed(theme):
            names = [textwrap.fill(arm, 18 if theme.narrow else 26) for arm in arms]
            lines = max(name.count("\n") + 1 for name in names)
            least = 1.2 + len(arms) * max(0.34, 0.1 + 0.2 * lines)
            drawn, (left, right) = plots.blank(theme, 1, 2, width=9.8, height=max(4.6, least))
            if theme.narrow:
                _grow(drawn, right, least)
            curves = arm_curves(measured, "train_loss", smooth=True)
            lowest = min(np.nanmin(curve.center, initial=np.inf) for curve in curves)
            if 0 < lowest < 0.1 or plots.is_wide(*(curve.center for curve in curves)):
                plots.logarithmic(left, "y")
            every = float(np.ptp(curves[0].x)) / 8
            plots.curves(left, curves, theme, mark_every=every)
            axis = AXES[measured.series["train_loss"].axis]
            plots.label(left, axis, BATCH_LOSS, "Training loss")
            values = taken(measure, measured)
            rows = [values[own] for own in arms.values()]
            plots.intervals(right, names, rows, measure.heading, theme)
            right.set_title("Each run")
            plots.title(drawn, f"Training loss, and {measure.words}, by arm", theme)
            entries = [seeds_entry(measured, theme), *run_entries(theme)]
            plots.key(drawn, [left], entries, theme)
        return drawn

    return figure


def _grow(drawn: plots.Figure, lower: plots.Axes, least: float) -> None:
    """Makes the lower of two axes, one below the other, at least so many inches high."""
    width, height = drawn.get_size_inches()
    grid: Any = lower.get_gridspec()
    grid.set_height_ratios((height / 2, max(height / 2, least)))
    drawn.set_size_inches(width, height / 2 + max(height / 2, least))


def run_entries(theme: plots.Theme) -> list[plots.Entry]:
    """What the signs of `plots.intervals` mean."""
    return [
        plots.marker_entry("one run", "o", theme, ms=4.5),
        plots.marker_entry("median of the runs", "|", theme, ms=14, mew=2),
    ]


def accuracies(title: str) -> Draw:
    """Train (dashed) and test accuracy of each arm, one panel per arm."""

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        arms = len(measured.arms)
        with plots.themed(theme):
            drawn, axes = plots.blank(theme, 1, arms, width=4.9 * arms, height=4.4)
            _train_and_test(axes, measured, theme)
            plots.title(drawn, title, theme)
            plots.key(drawn, axes, [seeds_entry(measured, theme)], theme)
        return drawn

    return figure


def overfitting(title: str, steps_per_epoch: int, *losses: str) -> Draw:
    """Panels in two columns: the accuracies of each arm, then losses of all arms, by epochs.

    losses  keys of LOSSES
    """

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        arms = len(measured.arms)
        rows = (arms + len(losses)) // 2
        with plots.themed(theme):
            drawn, axes = plots.blank(theme, rows, 2, width=9.8, height=4.0 * rows)
            _train_and_test(axes, measured, theme, steps_per_epoch)
            for ax, name in zip(axes[arms:], losses, strict=True):
                curves = arm_curves(measured, by_epoch(LOSSES[name](measured), steps_per_epoch))
                curves = [dataclasses.replace(c, color=2 + i) for i, c in enumerate(curves)]
                every = float(np.ptp(curves[0].x)) / 8
                plots.curves(ax, curves, theme, mark_every=every)
                _begin_at_zero(ax)
                plots.label(ax, AXES["epoch"], "loss", name)
            plots.title(drawn, title, theme)
            plots.key(drawn, axes, [seeds_entry(measured, theme)], theme)
        return drawn

    return figure


def ladder(title: str, setting: str, axis: str, log: bool = False) -> Draw:
    """At the end, against a setting of the network: accuracies on the left, losses on the right.

    On a log axis 0 has a place of its own, left of the decades.
    """

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        rungs = functools.partial(_rungs, measured, setting)
        accuracies = [
            rungs(measured.series["train_accuracy"], label=TRAIN, color=0, style="--"),
            rungs(measured.series["test_accuracy"], label=TEST, color=1),
        ]
        losses = [
            rungs(of(measured), label=name, color=2 + i)
            for i, (name, of) in enumerate(LOSSES.items())
        ]
        with plots.themed(theme):
            drawn, (left, right) = plots.blank(theme, 1, 2, width=9.8, height=4.4)
            panels = ((left, accuracies, ACCURACY, "Accuracy"), (right, losses, "loss", "Loss"))
            for ax, curves, words, name in panels:
                if log:
                    plots.logarithmic(ax, "x", linthresh=float(curves[0].x[1]))
                plots.curves(ax, curves, theme)
                _begin_at_zero(ax)
                plots.label(ax, axis, words, f"{name} at the end of training")
            plots.title(drawn, title, theme)
            plots.key(drawn, [left, right], [seeds_entry(measured, theme)], theme)
        return drawn

    return figure


def pairs(
    title: str, panels: Sequence[str], kinds: Sequence[str], steps_per_epoch: int, words: str
) -> Draw:
    """Panels of one scale, four in a row: train accuracy of the arms "panel, kind", by epochs."""

    def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
        found = by_epoch(measured.series["train_accuracy"], steps_per_epoch)
        arms = {curve.label: curve for curve in arm_curves(measured, found)}
        with plots.themed(theme):
            drawn, _, axes = plots.above(theme, 0, len(panels), 4, width=9.8, height=1.9)
            for ax, panel in zip(axes, panels, strict=True):
                own = {kind: arms[f"{panel}, {kind}"] for kind in kinds}
                curves = [
                    dataclasses.replace(curve, label=kind, note="", color=i)
                    for i, (kind, curve) in enumerate(own.items())
                ]
                plots.curves(ax, curves, theme, mark_every=5)
                ax.set_ylim(0, 1.05)
                ax.set_title(plots.literal(panel), fontsize=11)
                notes = [
                    f"{plots.literal(kind)}:\n{curve.note}"
                    for kind, curve in own.items()
                    if curve.note
                ]
                ax.text(
                    0.5,
                    0.6,
                    "\n".join(notes),
                    transform=ax.transAxes,
                    ha="center",
                    fontsize=plots.SMALL,
                )
            plots.name_common(axes, AXES["epoch"], words)
            plots.title(drawn, title, theme)
            plots.key(drawn, axes, [seeds_entry(measured, theme)], theme)
        return drawn

    return figure


# --- parts of figures ------------------------------------------------------------------


def by_epoch(series: MeasuredSeries, steps_per_epoch: int) -> MeasuredSeries:
    """The series along epochs, of which a step is a part."""
    return MeasuredSeries("epoch", series.axis_values / steps_per_epoch, series.values)


def _gap(measured: Measurements) -> MeasuredSeries:
    test, train = measured.series["test_loss"], measured.series["train_evaluation_loss"]
    return dataclasses.replace(test, values=test.values - train.values)


TRAIN: Final = "training images"
TEST: Final = "test images"

LOSSES: Final[Mapping[str, Callable[[Measurements], MeasuredSeries]]] = {
    "test loss": lambda measured: measured.series["test_loss"],
    "test loss − train loss": _gap,
}


def _begin_at_zero(ax: plots.Axes) -> None:
    """Has the axis begin at 0, or where the curves do: a gap between losses may be below it."""
    if ax.dataLim.y0 >= 0:
        ax.set_ylim(bottom=0)


def _train_and_test(
    axes: Sequence[plots.Axes],
    measured: Measurements,
    theme: plots.Theme,
    steps_per_epoch: int | None = None,
) -> None:
    """Train (dashed) and test accuracy, a panel for each arm."""
    both = [measured.series[f"{split}_accuracy"] for split in ("train", "test")]
    if steps_per_epoch:
        both = [by_epoch(series, steps_per_epoch) for series in both]
    train, test = (arm_curves(measured, series) for series in both)
    for ax, arm, seen, unseen in zip(axes, measured.arms, train, test, strict=False):
        curves = [
            dataclasses.replace(seen, label=TRAIN, color=0, style="--", note=""),
            dataclasses.replace(unseen, label=TEST, color=1, note=""),
        ]
        span = float(np.ptp(seen.x))
        plots.curves(ax, curves, theme, mark_every=span / 8)
        ax.set_ylim(0, 1.02)
        plots.label(ax, AXES[both[0].axis], ACCURACY, f"{arm} ({seen.note})" if seen.note else arm)


def _rungs(
    measured: Measurements, setting: str, series: MeasuredSeries, **looks: Any
) -> plots.Curve:
    """The last values of each arm against its setting: median and 95 % band."""
    arms = measured.arms.values()
    x = np.array([measured.members[rows[0]].settings["network"][setting] for rows in arms])
    values = np.stack([series.values[rows, -1] for rows in arms], axis=1)
    center, low, high = plots.spread(values)
    lost = len(measured.diverged)
    note = f"{lost} of {len(measured.members)} diverged" if lost else ""
    return plots.Curve(x=x, center=center, low=low, high=high, note=note, **looks)
