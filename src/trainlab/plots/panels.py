"""Many small panels with common axes, what stands above them, and the trials of a search."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from trainlab.evidence.checks import Array
from trainlab.plots.legends import BAND
from trainlab.plots.populations import spread
from trainlab.plots.scales import logarithmic
from trainlab.plots.themes import LIGHT, NARROW, Theme, color_bar, count, literal, ramp

NEAR: float = 0.22
"""Opacity of the region that `sensitivity` shades."""

SMALL: float = 10.0
"""Points: the smallest text of a figure."""


def above(
    theme: Theme, heads: int, panels: int, columns: int, width: float = 9.6, height: float = 1.75
) -> tuple[Figure, list[Axes], list[Axes]]:
    """A figure with large axes side by side, and below them rows of small panels.

    `height` is that of a row of panels, in inches.  A narrow theme puts the large axes one
    below the other and two panels side by side.
    """
    head = 4.4
    if theme.narrow:
        width, columns = NARROW, 2
    rows = math.ceil(panels / columns)
    upper = (head * heads if theme.narrow else head) if heads else 0.0
    lower = rows * height + 0.5
    figure = Figure(figsize=(width, upper + lower), layout="constrained")
    FigureCanvasAgg(figure)
    large: list[Axes] = []
    # Parts have names of their own; the title and the legend are those of the whole.
    ratios = [upper, lower] if heads else [lower]
    parts = figure.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
    below: SubFigure = parts[-1]
    if heads:
        shape = (heads, 1) if theme.narrow else (1, heads)
        large = list(parts[0].subplots(*shape, squeeze=False).ravel())
    grid = below.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for spare in grid[panels:]:
        spare.remove()
    for ax in grid[:panels]:
        # Their axes are named in common: no drawing need measure ticks to place a name of each.
        ax.xaxis.set_label_coords(0, 0)
        ax.yaxis.set_label_coords(0, 0)
    return figure, large, list(grid[:panels])


def name_common(axes: Sequence[Axes], x: str, y: str, title: str = "") -> None:
    """The names of the axes that all panels share, once for all of them."""
    part = axes[0].figure
    for ax in axes:
        count(ax, x)
    part.supxlabel(x, fontsize=12)
    part.supylabel(y, fontsize=12)
    if title:
        part.suptitle(title, fontsize=12.5, x=0.01, ha="left")


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle in the plane of two settings."""

    label: str
    x: tuple[float, float]
    y: tuple[float, float]
    color: int
    dashed: bool = False


def trials(
    ax: Axes, x: Array, y: Array, value: Array, boxes: Sequence[Box], bar: str, theme: Theme = LIGHT
) -> None:
    """Trials at two settings, on logarithmic axes and coloured by value, with boxes around some.

    A trial without a value is a cross.
    """
    logarithmic(ax, "x")
    logarithmic(ax, "y")
    there = np.isfinite(value)
    order = np.argsort(value[there])  # the best on top
    drawn = ax.scatter(
        x[there][order],
        y[there][order],
        c=value[there][order],
        cmap=ramp(theme),
        vmin=0,
        vmax=1,
        s=34,
        edgecolors=theme.ink,
        linewidths=0.4,
        zorder=3,
        label="one trial",
    )
    if not there.all():
        ax.plot(
            x[~there], y[~there], "x", color=theme.color(1), ms=7, label="a trial that diverged"
        )
    for box in boxes:
        (left, right), (low, high) = box.x, box.y
        ax.add_patch(
            Rectangle(
                (left, low),
                right - left,
                high - low,
                fill=False,
                ec=theme.color(box.color),
                lw=2.0,
                ls="--" if box.dashed else "-",
                label=literal(box.label),
                zorder=4,
            )
        )
    color_bar(drawn, ax, bar, theme, pad=0.02)


def sensitivity(
    ax: Axes,
    rates: Array,
    losses: Array,
    marks: Sequence[tuple[float, str]] = (),
    near: tuple[float, float] | None = None,
    diverged: Array | None = None,
    theme: Theme = LIGHT,
    top: float = np.inf,
) -> None:
    """Losses (runs, rates) over rates: median and 95 % band, on a logarithmic axis.

    marks     rates to point out, each with a line style
    near      ends of the rates that are shaded
    diverged  the share of runs that diverged at each rate, as bars from the top (1: the height)
    top       losses above it are triangles on the upper edge
    """
    logarithmic(ax, "x")
    if np.isfinite(top):
        ax.set_ylim(0, top)
    if near is not None:
        half = float(np.sqrt(rates[1] / rates[0]))
        ax.axvspan(near[0] / half, near[1] * half, color=theme.color(2), alpha=NEAR, lw=0)
    for place, line in marks:
        ax.axvline(place, color=theme.ink, ls=line, lw=1.1)
    center, low, high = spread(losses)
    ax.plot(rates, center, color=theme.color(0), marker="o", ms=3.5, lw=1.6)
    if low is not None and high is not None:
        ax.fill_between(rates, low, high, color=theme.color(0), alpha=BAND, lw=0)
    beyond = center > top
    if beyond.any():
        style: Any = {"color": theme.color(0), "ms": 6, "clip_on": False, "zorder": 5}
        words = f"a loss above {top:g}"
        ax.plot(rates[beyond], np.full(beyond.sum(), top), "^", label=words, **style)
    if diverged is not None and diverged.any():
        words, share = "share of runs that diverged, from the top", ax.get_xaxis_transform()
        style = {"color": theme.color(1), "lw": 3.5, "alpha": 0.8, "label": words}
        ax.vlines(rates, 1 - diverged, 1, transform=share, **style)
