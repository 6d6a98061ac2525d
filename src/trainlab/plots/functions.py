"""Drawings of functions, simplest first: tangents, arrows, paths, a small matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from trainlab.evidence.checks import Array
from trainlab.plots.legends import Entry, line_entry, marker_entry
from trainlab.plots.themes import LIGHT, Theme, color_bar, ramp


def tangent(
    ax: Axes, x: Array, y: Array, at: float, value: float, slope: float, theme: Theme = LIGHT
) -> None:
    """A curve (x, y) with the line y = value + slope·(x - at)."""
    ax.plot(x, y, color=theme.color(0), lw=2.2, label="f(x)")
    ax.plot(
        x,
        value + slope * (x - at),
        color=theme.color(1),
        lw=1.8,
        ls="--",
        label=f"tangent at x = {at:g}, slope {slope:.4f}",
    )
    ax.plot([at], [value], "o", color=theme.color(1), ms=7, label=f"the point x = {at:g}")


def arrows(ax: Axes, x: Array, y: Array, u: Array, v: Array, theme: Theme = LIGHT) -> None:
    """One arrow (u, v) from each point (x, y), scaled together; equal axes."""
    length = np.hypot(u, v)
    drawn = ax.quiver(x, y, u, v, length, angles="xy", cmap=ramp(theme), width=0.0045)
    ax.set_aspect("equal")
    color_bar(drawn, ax, "length of the gradient", theme, shrink=0.85)


def path(
    ax: Axes,
    x: Array,
    y: Array,
    f: Callable[[Array, Array], Array],
    levels: Sequence[float],
    color: int = 0,
    theme: Theme = LIGHT,
    named: Sequence[float] = (),
) -> None:
    """A path (x, y) over the contours of f on the axes' present limits; `path_entries` explains it.

    The start is a ring, the end a full square, the minimum at (0, 0) a plus.  The levels `named`
    stand on their contours.
    """
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    grid = np.meshgrid(np.linspace(left, right, 121), np.linspace(bottom, top, 121))
    style: Any = {"colors": theme.ink, "linewidths": 0.5, "alpha": 0.55}
    drawn = ax.contour(*grid, f(*grid), levels=list(levels), **style)
    if named:
        numbers = ax.clabel(drawn, list(named), fmt="%g", fontsize=10, colors=theme.ink)
        for number in numbers:
            number.set(color=theme.ink, alpha=1.0)
    ink = theme.color(color)
    ax.plot([0], [0], "+", color=theme.ink, ms=12, mew=1.6)
    ax.plot(x, y, "-", color=ink, lw=1.5)
    ax.plot(x[1:-1], y[1:-1], "o", color=ink, ms=3.6)
    ax.plot(x[:1], y[:1], "o", mfc=theme.paper, mec=ink, mew=1.8, ms=8)
    ax.plot(x[-1:], y[-1:], "s", color=ink, mec=theme.paper, ms=8)
    ax.grid(False)


def path_entries(start: str, steps: str, end: str, minimum: str, theme: Theme) -> list[Entry]:
    """What the signs of `path` mean, in this order, and the contours."""
    ring: Any = {"mfc": theme.paper, "mec": theme.ink, "mew": 1.8, "ms": 8}
    return [
        marker_entry(start, "o", theme, **ring),
        line_entry(steps, theme, marker="o", ms=3.6, lw=1.5),
        marker_entry(end, "s", theme, ms=8, mec=theme.paper),
        marker_entry(minimum, "+", theme, ms=12, mew=1.6),
        line_entry("points of equal f, with its value", theme, lw=0.5, alpha=0.55),
    ]


def matrix(ax: Axes, values: Array, title: str, theme: Theme = LIGHT) -> None:
    """A small matrix as coloured cells with its numbers written in."""
    reach = float(np.max(np.abs(values))) or 1.0
    for (i, j), value in np.ndenumerate(values):
        # The greatest is not opaque, so that ink stays legible on every cell.
        color, alpha = theme.color(0 if value > 0 else 1), abs(value) / (1.8 * reach)
        ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, lw=0, color=color, alpha=alpha))
        number = f"{value:+.4f}".replace("-", "−")
        ax.text(j, i, number, ha="center", va="center", color=theme.ink, fontsize=11.5)
    ax.set_aspect("equal")
    ax.set_xlim(-0.5, values.shape[1] - 0.5)
    ax.set_ylim(values.shape[0] - 0.5, -0.5)
    ax.set_xticks(range(values.shape[1]), [f"class {j}" for j in range(values.shape[1])])
    ax.set_yticks(range(values.shape[0]), [f"input {i}" for i in range(values.shape[0])])
    ax.tick_params(length=0)
    ax.set_title(title)
    ax.grid(False)
    ax.spines[:].set_visible(False)
