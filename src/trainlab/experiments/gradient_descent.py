"""Experiment 3: gradient descent on x0² + x1² from (−3, 4), by numerical gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainlab import plots
from trainlab.differentiation import numerical_gradient
from trainlab.experiments.base import (
    FunctionExperiment,
    Measure,
    Measurements,
    Row,
    Within,
    along,
    greatest,
)
from trainlab.experiments.derivative import STEP
from trainlab.experiments.gradient_field import f
from trainlab.members import describe
from trainlab.optimizers import SGD

START = (-3.0, 4.0)
RATE = 0.1
STEPS = 20
ERROR_LIMIT = 1e-9
"""Each step adds rate · eps·|f|/h <= 0.1 · 2e-16 · 25 / 1e-4 = 5e-12, and shrinks the rest."""


def compute(seeds: Sequence[int]) -> Measurements:
    """The path, against the exact one: (1 − 2·rate)^n times the start."""
    optimizer, point = SGD(RATE), np.array(START)
    state, path = optimizer.init(point), [point.copy()]
    for step in range(STEPS):
        optimizer.update(point, numerical_gradient(f, point, STEP, vectorized=True), state, step)
        path.append(point.copy())
    found, step_axis = np.array(path), np.arange(STEPS + 1.0)
    exact = np.outer((1 - 2 * RATE) ** step_axis, START)
    error = np.abs(found - exact).max(axis=-1)
    series = along("step", step_axis, x0=found[:, 0], x1=found[:, 1], f=f(found), error=error)
    return Measurements((Row("SGD", None, {"optimizer": describe(optimizer)}),), series)


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """The path over contours."""
    with plots.themed(theme):
        drawn, (ax,) = plots.blank(theme, width=6.2, height=5.6)
        ax.set(xlim=(-3.9, 3.9), ylim=(-4.6, 4.6))
        ax.axhline(0, color=theme.faint, lw=1)
        ax.axvline(0, color=theme.faint, lw=1)
        x, y = (measured.series[name].values[0] for name in ("x0", "x1"))
        levels = (1, 4, 9, 16, 25)
        plots.path(ax, x, y, lambda a, b: a**2 + b**2, levels, 0, theme, named=levels)
        ax.set_aspect("equal")
        plots.label(ax, "x0", "x1")
        title = f"Gradient descent on f = x0² + x1²: {STEPS} steps at rate {RATE:g}"
        plots.title(drawn, title, theme)
        signs = ("start (−3, 4)", "after each step", f"after {STEPS} steps", "minimum of f")
        plots.key(drawn, [], plots.path_entries(*signs, theme), theme)
    return drawn


EXPERIMENT = FunctionExperiment(
    name="gradient-descent",
    number=3,
    title="Gradient descent",
    claim="Steps along the negative gradient lead to the minimum: at rate 0.1 each shortens "
    "the distance to it by a fifth.",
    equations=(r"x \leftarrow x - \eta\,\nabla f(x),\quad \eta = 0.1",),
    measure=Measure("greatest distance from the exact path", greatest("error")),
    expect=(Within("SGD", high=ERROR_LIMIT),),
    figure=figure,
    curves=("f", "x0", "x1", "error"),
    caption="The path of gradient descent, by numerical gradients, over lines of equal f.",
    compute=compute,
)
