"""Figures that several experiments share: curves of a population with bands over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from trainlab import evidence, plots
from trainlab.experiments.base import Measured

AXES: Mapping[str, str] = {"step": "step (updates)", "epoch": "epoch"}


def arm_curves(measured: Measured, series: str, smooth: bool = False) -> list[plots.Curve]:
    """Median and 95 % band of each arm; with a note on members that diverged."""
    found, arms = measured.series[series], []
    for arm, rows in measured.arms.items():
        values = evidence.smooth(found.values[rows]) if smooth else found.values[rows]
        center, low, high, _ = plots.spread(values)
        lost = sum(measured.members[row].id in measured.diverged for row in rows)
        note = f"{lost} of {len(rows)} diverged" if lost else ""
        arms.append(plots.Curve(arm, found.axis_values, center, low, high, note))
    return arms


def seeds_words(measured: Measured) -> str:
    """How many runs a curve stands for."""
    n = measured.seeds
    return "one seed: shows no ranking" if n == 1 else f"median and 95 % band of {n} seeds"


def losses(top: float, mark_every: int) -> Callable[[Measured, plots.Theme], plots.Figure]:
    """The smoothed training loss of each arm over steps, from 0 to `top`."""

    def figure(measured: Measured, theme: plots.Theme) -> plots.Figure:
        with plots.themed(theme):
            drawn, (ax,) = plots.blank(theme, width=8.2, height=5.0)
            arms = arm_curves(measured, "train_loss", smooth=True)
            plots.curves(ax, arms, theme, mark_every=mark_every, legend="best")
            ax.set_ylim(0, top)
            axis = AXES[measured.series["train_loss"].axis]
            words = "batch loss (nats, smoothed)"
            plots.label(ax, axis, words, seeds_words(measured))
        return drawn

    return figure


def accuracies(measured: Measured, theme: plots.Theme) -> plots.Figure:
    """Train (dashed) and test accuracy of each arm, one panel per arm."""
    names = list(measured.arms)
    with plots.themed(theme):
        drawn, axes = plots.blank(theme, 1, len(names), width=4.9 * len(names), height=4.4)
        train = arm_curves(measured, "train_accuracy")
        test = arm_curves(measured, "test_accuracy")
        for index, ax in enumerate(axes):
            curves = [
                plots.Curve("train", c.x, c.center, c.low, c.high, c.note, color=0, dashed=True)
                for c in train[index : index + 1]
            ]
            t = test[index]
            curves.append(plots.Curve("test", t.x, t.center, t.low, t.high, color=1))
            span = float(np.ptp(t.x))
            plots.curves(ax, curves, theme, mark_every=span / 8, legend="lower right")
            ax.set_ylim(0, 1.02)
            axis = AXES[measured.series["test_accuracy"].axis]
            plots.label(ax, axis, "accuracy (share of images)", names[index])
        drawn.suptitle(seeds_words(measured), fontsize=11, color=theme.ink)
    return drawn
