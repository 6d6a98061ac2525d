"""Experiment 6: four optimizers on an elongated bowl, x²/20 + y² from (−7, 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trainlab import plots
from trainlab.experiments.base import (
    Array,
    FunctionExperiment,
    Measure,
    Measurements,
    Row,
    Within,
    along,
    mean_of_last,
)
from trainlab.experiments.published import end_points
from trainlab.members import describe
from trainlab.optimizers import SGD, AdaGrad, Adam, Momentum, Optimizer

START: Final = (-7.0, 2.0)
STEPS: Final = 30
OPTIMIZERS: Final[dict[str, Optimizer]] = {
    "SGD": SGD.book(0.95),
    "Momentum": Momentum.book(0.1),
    "AdaGrad": AdaGrad.book(1.5),
    "Adam": Adam.book(0.3),
}


def f(x: Any, y: Any) -> Any:
    """x²/20 + y²."""
    return x**2 / 20 + y**2


def path(optimizer: Optimizer) -> Array:
    """The points (STEPS + 1, 2) that an optimizer visits, by the exact gradient."""
    point = np.array(START)
    state, points = optimizer.init(point), [point.copy()]
    for step in range(STEPS):
        gradient = np.array([point[0] / 10, 2 * point[1]])
        optimizer.update(point, gradient, state, step)
        points.append(point.copy())
    return np.array(points)


def compute(seeds: Sequence[int]) -> Measurements:
    """All paths, and how far each ends from the end point that was derived for it."""
    paths = np.array([path(optimizer) for optimizer in OPTIMIZERS.values()])
    published = np.array([end_points()[arm] for arm in OPTIMIZERS])
    step = np.arange(STEPS + 1.0)
    off = np.abs(paths[:, -1] - published).max(axis=-1, keepdims=True)
    x, y = paths[..., 0], paths[..., 1]
    series = along("step", step, x=x, y=y, f=f(x, y)) | along("step", step[-1:], off_published=off)
    rows = tuple(Row(arm, None, {"optimizer": describe(o)}) for arm, o in OPTIMIZERS.items())
    return Measurements(rows, series)


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """2 × 2 contours with paths."""
    with plots.themed(theme):
        drawn, axes = plots.blank(theme, 2, 2, width=9.0, height=5.6)
        for index, (member, ax) in enumerate(zip(measured.members, axes, strict=True)):
            ax.set(xlim=(-10, 10), ylim=(-3.5, 3.5), xticks=range(-10, 11, 5))
            x, y = (measured.series[name].values[index] for name in ("x", "y"))
            plots.path(ax, x, y, f, tuple(range(1, 8)), index, theme, named=(1, 3, 5, 7))
            rate = member.settings["optimizer"]["lr"]
            plots.label(ax, "x", "y", f"{member.arm}, rate {rate:g}")
        plots.title(drawn, "Paths of four optimizers on f = x²/20 + y²", theme)
        signs = ("start (−7, 2)", "after each update", f"after {STEPS} updates", "minimum of f")
        plots.key(drawn, [], plots.path_entries(*signs, theme), theme)
    return drawn


EXPERIMENT = FunctionExperiment(
    name="optimizer-paths",
    number=6,
    title="Paths of optimizers",
    claim="On a bowl twenty times flatter in x than in y, SGD zigzags; momentum rolls, AdaGrad "
    "slows down in the steep direction, and Adam does a little of both.",
    equations=(r"f(x, y) = \frac{x^2}{20} + y^2",),
    measure=Measure(
        "distance from the derived end point after 30 updates", mean_of_last("off_published", 1)
    ),
    expect=tuple(Within(arm, high=1e-6) for arm in OPTIMIZERS),
    figure=figure,
    curves=("f", "x", "y"),
    caption="Thirty updates of each optimizer by exact gradients, over lines of equal f, 1 to 7.",
    compute=compute,
)
