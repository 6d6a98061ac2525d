"""Experiment 2: the numerical gradient of x0² + x1² on a grid, as a field of arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

ERROR_LIMIT = 1e-9
"""Rounding of a central difference: eps·|f|/h = 2e-16 · 10 / 1e-4 = 2e-11, with room; f‴ = 0."""


def f(x: Any) -> Any:
    """x0² + x1² of points (..., 2)."""
    return np.sum(x**2, axis=-1)


def compute(seeds: Sequence[int]) -> Measurements:
    """One numerical gradient per grid point, against 2x."""
    side = np.arange(-2.0, 2.5, 0.25)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    gradient = np.array([numerical_gradient(f, point, STEP, vectorized=True) for point in grid])
    series = along(
        "grid point",
        np.arange(float(len(grid))),
        x0=grid[:, 0],
        x1=grid[:, 1],
        gradient_0=gradient[:, 0],
        gradient_1=gradient[:, 1],
        error=np.abs(gradient - 2 * grid).max(axis=-1),
    )
    row = Row("central difference", None, {"method": "central", "h": STEP})
    return Measurements((row,), series)


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """Arrows along −gradient."""
    with plots.themed(theme):
        drawn, (ax,) = plots.blank(theme, width=6.6, height=5.4)
        x, y, u, v = (
            measured.series[name].values[0] for name in ("x0", "x1", "gradient_0", "gradient_1")
        )
        plots.arrows(ax, x, y, -u, -v, theme)
        plots.label(ax, "x0", "x1")
        plots.title(drawn, "The negative gradient of f = x0² + x1²", theme)
        arrow = plots.marker_entry("−gradient at its foot; its length, scaled", "$→$", theme, ms=16)
        plots.key(drawn, [ax], [arrow], theme)
    return drawn


EXPERIMENT = FunctionExperiment(
    name="gradient-field",
    number=2,
    title="Field of gradients",
    claim="The negative gradient points in the direction of steepest descent: here to the "
    "minimum, and it grows with the distance from it.",
    equations=(
        r"f(x_0, x_1) = x_0^2 + x_1^2",
        r"\nabla f = (\partial f / \partial x_0,\ \partial f / \partial x_1)",
    ),
    measure=Measure("greatest error of the gradient on the grid", greatest("error")),
    expect=(Within("central difference", high=ERROR_LIMIT),),
    figure=figure,
    curves=("gradient_0", "gradient_1", "error"),
    caption="The negative numerical gradient at 18 × 18 points; the colour is its length.",
    compute=compute,
)
