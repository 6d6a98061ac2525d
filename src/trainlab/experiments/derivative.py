"""Experiment 1: the derivative of a function of one number, by evaluation alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trainlab import plots
from trainlab.differentiation import numerical_diff
from trainlab.experiments.base import (
    FunctionExperiment,
    Measure,
    Measurements,
    Row,
    Within,
    along,
    greatest,
)

AT = 5.0
STEP = 1e-4
"""h of all differences in these experiments, as in the study notes."""
ERROR_LIMIT = 1e-9
"""Rounding of a central difference: eps·|f|/h = 2e-16 · 6 / 1e-4 = 1.3e-11, with room for
the operations inside f.  Its truncation is 0: f‴ = 0."""


def f(x: Any) -> Any:
    """0.01 x² + 0.1 x."""
    return 0.01 * x**2 + 0.1 * x


def compute(seeds: Sequence[int]) -> Measurements:
    """Both differences on [0, 20), against 0.02 x + 0.1."""
    x = np.arange(0.0, 20.0, 0.1)
    exact = 0.02 * x + 0.1
    methods = ("central", "forward")
    slopes = np.array([numerical_diff(f, x, STEP, method) for method in methods])
    rows = tuple(Row(f"{m} difference", None, {"method": m, "h": STEP}) for m in methods)
    errors = np.abs(slopes - exact)
    return Measurements(
        rows, along("x", x, f=np.tile(f(x), (2, 1)), derivative=slopes, error=errors)
    )


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """The curve with its tangent, and the error of both differences."""
    with plots.themed(theme):
        drawn, (curve, errors) = plots.blank(theme, 1, 2, width=9.6, height=4.8)
        x = measured.series["f"].axis_values
        at = int(np.argmin(np.abs(x - AT)))
        y, slope = measured.series["f"].values[0], measured.series["derivative"].values[0]
        plots.tangent(curve, x, y, AT, float(y[at]), float(slope[at]), theme)
        plots.label(curve, "x", "f(x)", "f(x) = 0.01 x² + 0.1 x, and a tangent")
        found = zip(measured.members, measured.series["error"].values, strict=True)
        shown = [plots.Curve(member.arm, x, np.maximum(error, 1e-17)) for member, error in found]
        plots.curves(errors, shown, theme)
        plots.logarithmic(errors, "y")
        plots.label(errors, "x", "|numerical − exact derivative|", f"Error, h = {STEP:g}")
        for ax in (curve, errors):
            plots.legend(ax, theme=theme)
        plots.title(drawn, "A derivative by differences, and how far off they are", theme)
    return drawn


EXPERIMENT = FunctionExperiment(
    name="derivative",
    number=1,
    title="Numerical derivative",
    claim="A central difference gives the derivative of a smooth function to many digits; "
    "a forward difference of the same step is off by h·f″/2.",
    equations=(r"f'(x) \approx \frac{f(x + h) - f(x - h)}{2h},\quad h = 10^{-4}",),
    measure=Measure("greatest error of the derivative on [0, 20)", greatest("error")),
    expect=(
        Within("central difference", high=ERROR_LIMIT),
        # h·f″/2 = 1e-4 · 0.02 / 2 = 1e-6, give or take rounding.
        Within("forward difference", low=0.9e-6, high=1.1e-6),
    ),
    figure=figure,
    curves=("error", "derivative", "f"),
    caption="Left: the function and its tangent at x = 5, the slope from a central difference. "
    "Right: the error of both differences against 0.02 x + 0.1.",
    compute=compute,
)
