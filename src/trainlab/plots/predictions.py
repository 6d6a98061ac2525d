"""Drawings of predictions: curves of classes, calibration, residuals, and what columns do.

Names come from users' files: none of them is read as mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from trainlab.evidence.checks import Array
from trainlab.plots.searches import evenly
from trainlab.plots.themes import LIGHT

BINS: Final = 12
"""Of residuals along the predictions, at most."""
BIN_ROWS: Final = 10
"""Rows of a bin at least."""
STEPS: Final = (1, 2, 2.5, 5, 10)
"""Between the numbers of an axis, in a power of ten."""
LONG: Final = 16
"""Letters of a name of which two fit side by side."""
BELOW: Final = 0.55
"""Inches that the numbers and the name of an axis take; a legend is below them."""
NEAR_ZERO: Final = 0.5
"""Where all probabilities and shares are less, axes to 1 would squeeze them into a corner."""
FAR: Final = 6.0
"""Residuals so many times beyond the quartiles are on the edge: else they would hide the others."""


def short(value: float, pos: int | None = None) -> str:
    """A number that leaves room for its neighbours on an axis.

    >>> [short(v) for v in (0.25, 12_500, 300_000, -2.5e6, 4e9, 1e-7)]
    ['0.25', '12.5k', '300k', '−2.5M', '4B', '1e−07']
    """
    size = abs(value)
    for unit, letter in ((1e15, ""), (1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit * (10 if letter == "k" else 1) and size < 1e18:
            return f"{value / (unit if letter else 1):.4g}{letter}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def shorten(ax: Axes, *axes: str) -> None:
    """Few and short numbers on the axes "x" and "y"."""
    for name in axes:
        axis: Any = getattr(ax, f"{name}axis")
        axis.set_major_locator(MaxNLocator(5, steps=STEPS))
        axis.set_major_formatter(FuncFormatter(short))


def rates(
    ax: Axes,
    lines: Sequence[tuple[str, Array, Array]],
    chance: tuple[tuple[float, float], tuple[float, float]] | None,
    steps: bool = False,
    colors: Sequence[int] | None = None,
) -> None:
    """Curves (name, x, y) between 0 and 1, the first the most visible; and what chance gives.

    chance  the ends (x, x), (y, y) of its line; None: there is no one line
    steps   whether y stays as it is until the next x
    colors  the places of their colours in the palette; None: 0, 1, …
    """
    if chance is not None:
        ax.plot(*chance, color=LIGHT.ink, lw=0.9, ls=":")
    colors = range(len(lines)) if colors is None else colors
    for number, (name, x, y) in enumerate(lines):
        keep = np.unique(evenly(len(x), 300))
        line: Any = {"lw": 2.0 if number == 0 else 1.4, "zorder": 10 - number}
        line |= {"drawstyle": "steps-post" if steps else "default"}
        ax.plot(x[keep], y[keep], color=LIGHT.color(colors[number]), label=name, **line)
    _unit_square(ax)
    named_below(ax, len(lines))


def calibrated(
    ax: Axes,
    lines: Sequence[tuple[str, Array, Array]],
    bounds: tuple[Array, Array] | None,
    colors: Sequence[int] | None = None,
) -> None:
    """Shares over probabilities (name, p, share), with the line where they are equal.

    bounds  (low, high) of the shares of the first
    colors  as `rates` has them
    """
    colors = range(len(lines)) if colors is None else colors
    ax.plot([0, 1], [0, 1], color=LIGHT.ink, lw=0.9, ls=":")
    for number, (name, p, share) in enumerate(lines):
        style: Any = {"marker": "o", "ms": 4.5, "lw": 1.4, "zorder": 10 - number}
        ax.plot(p, share, color=LIGHT.color(colors[number]), label=name, **style)
    if bounds is not None:
        _, p, share = lines[0]
        whiskers = np.abs(np.stack(bounds) - share)
        color = LIGHT.color(colors[0])
        ax.errorbar(p, share, yerr=whiskers, fmt="none", ecolor=color, elinewidth=1.0)
    ends = [] if bounds is None else [bounds[1]]
    most = max(
        float(part.max()) for part in (*ends, *(part for line in lines for part in line[1:]))
    )
    _unit_square(ax, most if most < NEAR_ZERO else 1.0)
    if len(lines) > 1:
        named_below(ax, len(lines))


def _unit_square(ax: Axes, end: float = 1.0) -> None:
    ax.set_xlim(-0.02 * end, 1.02 * end)
    ax.set_ylim(-0.02 * end, 1.02 * end)
    shorten(ax, "x", "y")


def named_below(ax: Axes, count: int) -> None:
    """The names of the lines, below the axes and their name."""
    down = ScaledTranslation(0, -BELOW, ax.figure.dpi_scale_trans)
    place: Any = {"bbox_to_anchor": (0.5, 0), "bbox_transform": ax.transAxes + down}
    place |= {"loc": "upper center", "columnspacing": 1.0, "borderaxespad": 0}
    _, names = ax.get_legend_handles_labels()
    beside = count > 1 and max(map(len, names)) <= LONG
    legend = ax.legend(ncols=2 if beside else 1, **place)
    for text in legend.get_texts():
        text.set_parse_math(False)


def residuals(ax: Axes, predicted: Array, residual: Array) -> None:
    """Residuals over predictions, with their quartiles along them.

    Those that are far beyond are triangles on the edge.
    """
    kept = evenly(len(residual))
    quartiles = np.quantile(residual, (0.25, 0.75))
    reach = FAR * float(np.abs(quartiles).max()) or float(np.abs(residual).max()) or 1.0
    x, y = predicted[kept], residual[kept]
    style: Any = {"alpha": 0.55, "edgecolors": "none", "s": 20, "color": LIGHT.color(0)}
    inside = np.abs(y) <= reach
    ax.scatter(x[inside], y[inside], **style)
    for far, marker in ((y > reach, "^"), (y < -reach, "v")):
        if far.any():
            ax.scatter(x[far], np.clip(y[far], -reach, reach), marker=marker, **style)
    ax.axhline(0, color=LIGHT.ink, lw=1.0, ls="--")
    bins = min(BINS, len(residual) // BIN_ROWS)
    if bins > 1:
        parts = np.array_split(np.argsort(predicted, kind="stable"), bins)
        middle = [float(np.median(predicted[part])) for part in parts]
        three = np.array([np.quantile(residual[part], (0.25, 0.5, 0.75)) for part in parts])
        lines: Any = {"color": LIGHT.color(1), "zorder": 3}
        ax.fill_between(middle, three[:, 0], three[:, 2], alpha=0.2, lw=0, **lines)
        ax.plot(middle, three[:, 1], lw=1.8, **lines)
    # The band is cut where the triangles are: else it would squeeze what they make room for.
    low, high = max(ax.get_ylim()[0], -1.1 * reach), min(ax.get_ylim()[1], 1.1 * reach)
    ax.set_ylim(low, high)
    shorten(ax, "x", "y")


def importances(ax: Axes, names: Sequence[str], losses: Array, errors: Array) -> None:
    """By how much a model is worse without each column, the greatest on top."""
    place = np.arange(len(names))
    bars: Any = {"color": LIGHT.color(0), "height": 0.62, "zorder": 2}
    ax.barh(place, losses, **bars)
    ax.errorbar(losses, place, xerr=errors, fmt="none", ecolor=LIGHT.ink, elinewidth=1.1, zorder=3)
    ax.axvline(0, color=LIGHT.ink, lw=0.9)
    ax.set_yticks(place, list(names), parse_math=False)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    shorten(ax, "x")


def dependence(
    ax: Axes,
    grid: Sequence[Any],
    lines: Sequence[tuple[str, Array]],
    typical: Sequence[float],
    limits: tuple[float, float],
    ordered: bool = False,
) -> None:
    """The mean prediction over the values of a column: (name, y) over numbers, or over words.

    typical  numbers that tenths of the rows lie between: ticks inside the lower edge
    limits   of y, the same for all columns
    ordered  whether words have an order, as dates: then a line joins them, and some are written
    """
    numbers = all(isinstance(one, (int, float)) for one in grid)
    x: Any = np.array(grid, float) if numbers else np.arange(len(grid))
    for number, (name, y) in enumerate(lines):
        size, width = (3.5, 1.8) if numbers or ordered else (6.0, 0)
        style: Any = {"marker": "o", "ms": size, "lw": width, "label": name}
        ax.plot(x, y, color=LIGHT.color(number), **style)
    if numbers:
        edge: Any = {"transform": ax.get_xaxis_transform(), "color": LIGHT.ink}
        ax.vlines(np.unique(typical), 0, 0.04, lw=1.0, **edge)
        shorten(ax, "x")
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
    else:
        turned: Any = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        written = x[:: 1 + len(grid) // 4 if ordered else 1]
        names = [str(grid[place]) for place in written]
        ax.set_xticks(written, names, parse_math=False, fontsize=9.5, **turned)
        ax.set_xlim(-0.6, len(grid) - 0.4)
        ax.grid(axis="x", visible=False)
    low, high = limits
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
    ax.set_ylim(low - margin, high + margin)
    shorten(ax, "y")


def counts(ax: Axes, table: npt.NDArray[Any], labels: Sequence[str]) -> None:
    """How many rows of each class (rows) were predicted to be of each (columns); 0 is left out.

    The stronger a cell, the greater its share of the rows of its class.
    """
    classes = len(labels)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    size = 11 if classes <= 8 else 9 if classes <= 16 else 7.5
    cells, colors = [], []
    for row, column in np.argwhere(table):
        # Up to half the ink, so that the count is legible on every cell.
        alpha = 0.08 + 0.47 * float(share[row, column])
        colors.append(to_rgba(LIGHT.color(0 if row == column else 1), alpha))
        cells.append(np.array([column, row]) + _CORNERS)
        count = short(float(table[row, column]))
        ax.text(column, row, count, ha="center", va="center", color=LIGHT.ink, fontsize=size)
    ax.add_collection(PolyCollection(cells, facecolors=colors, linewidths=0))
    words: Any = {"parse_math": False, "fontsize": size}
    long = max(map(len, labels)) > max(28 // classes, 2)
    turned: Any = {"rotation": 90} if classes > 16 else {"rotation": 45, "ha": "right"}
    turned |= {} if classes > 16 else {"rotation_mode": "anchor"}
    ax.set_xticks(range(classes), list(labels), **words, **(turned if long else {}))
    ax.set_yticks(range(classes), list(labels), **words)
    ax.set_xlim(-0.5, classes - 0.5)
    ax.set_ylim(classes - 0.5, -0.5)
    ax.set_aspect("equal")
    ax.tick_params(length=0)
    ax.grid(False)
    for edge in np.arange(classes + 1) - 0.5:
        ax.axhline(edge, color=LIGHT.faint, lw=0.5, zorder=0)
        ax.axvline(edge, color=LIGHT.faint, lw=0.5, zorder=0)
    ax.spines[:].set_visible(False)


_CORNERS: Final = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])


def side_of(classes: int, longest: int) -> float:
    """Inches of a figure of `counts` of so many classes whose longest label has so many letters."""
    cell = 0.42 if classes <= 8 else 0.34 if classes <= 16 else 0.27
    return max(4.6, 1.0 + cell * classes + 0.07 * longest)
