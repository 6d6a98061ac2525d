"""Figures: the only file that imports matplotlib.

Every function draws on the axes it is given or returns a `Figure`; nothing here
touches pyplot, so figures need no screen and leave no state behind.  Simplest
first: curve with tangent, arrows, contours with paths, curves with bands.

Colours are those of Okabe and Ito (2008), which people with any common colour
vision can tell apart; markers tell the arms apart once more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Figure  # under this name for the other rooms

from trainlab import evidence
from trainlab.errors import SettingError, sentence

Array = npt.NDArray[np.float64]

# Blue and vermilion first: the pair that differs most, in hue and in lightness.
_LIGHT: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#666666")
_DARK: Final = ("#56B4E9", "#E8793A", "#2FBF97", "#D99ABD", "#A8DCFF", "#F0C05A", "#BBBBBB")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")

Corner = Literal["best", "upper left", "upper right", "lower left", "lower right"]

DRAWN_POINTS: Final = 300
"""A curve of a figure 590 points wide shows little more; thinning keeps an SVG small."""

NARROW: Final = 4.4
"""Inches: on a phone 360 pixels wide 11-point text is then 12 pixels high."""


@dataclasses.dataclass(frozen=True)
class Theme:
    """The colours of a figure: paper, ink, faint lines, and one colour per arm."""

    name: str
    paper: str
    ink: str
    faint: str
    palette: tuple[str, ...]
    narrow: bool = False

    def color(self, index: int) -> str:
        """The colour of the index-th arm; beyond the palette the colours come again."""
        return self.palette[index % len(self.palette)]


LIGHT: Final = Theme("light", "#ffffff", "#1d2430", "#d9dde3", _LIGHT)
DARK: Final = Theme("dark", "#171b21", "#e3e7ec", "#3a424d", _DARK)
THEMES: Final = MappingProxyType(
    {
        "light": LIGHT,
        "dark": DARK,
        "narrow": dataclasses.replace(LIGHT, narrow=True),
        "narrow-dark": dataclasses.replace(DARK, narrow=True),
    }
)


@contextlib.contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Artists made inside have the theme's colours and legible sizes."""
    settings: Any = {
        "axes.edgecolor": theme.ink,
        "axes.facecolor": theme.paper,
        "axes.grid": True,
        "axes.labelcolor": theme.ink,
        "axes.labelsize": 12,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": theme.ink,
        "axes.titlelocation": "left",
        "axes.titlesize": 12.5,
        "figure.facecolor": theme.paper,
        "font.family": "DejaVu Sans",
        "font.size": 11,
        "grid.color": theme.faint,
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "legend.facecolor": theme.paper,
        "legend.edgecolor": theme.faint,
        "legend.fontsize": 10.5,
        "legend.framealpha": 0.9,
        "legend.labelcolor": theme.ink,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "xtick.labelsize": 11,
        "ytick.labelsize": 11,
    }
    with matplotlib.rc_context(settings):
        yield


def blank(
    theme: Theme, rows: int = 1, columns: int = 1, width: float = 7.2, height: float = 4.6
) -> tuple[Figure, list[Axes]]:
    """A figure with rows × columns axes, in reading order; width and height in inches.

    A narrow theme puts them one below the other, for a phone.
    """
    if theme.narrow:
        panel = (height / rows) / (width / columns)
        rows, columns, width = rows * columns, 1, NARROW
        least = 0.85 if rows == 1 else 0.6
        height = rows * NARROW * min(max(panel, least), 1.0)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def label(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Names, with units, for both axes."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if title:
        ax.set_title(title)


# --- functions -------------------------------------------------------------------------


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
    ax.plot([at], [value], "o", color=theme.color(1), ms=7)
    ax.legend()


def arrows(ax: Axes, x: Array, y: Array, u: Array, v: Array, theme: Theme = LIGHT) -> None:
    """One arrow (u, v) at each point (x, y), scaled together; equal axes."""
    length = np.hypot(u, v)
    drawn = ax.quiver(x, y, u, v, length, angles="xy", cmap=_ramp(theme), width=0.0045)
    ax.set_aspect("equal")
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.85)
    bar.set_label("length of the gradient")
    bar.outline.set_edgecolor(theme.faint)


def _ramp(theme: Theme) -> Any:
    """A perceptually even ramp without the end that would vanish into the paper."""
    low, high = (0.0, 0.85) if theme.name == "light" else (0.25, 1.0)
    colors = matplotlib.colormaps["viridis"](np.linspace(low, high, 256))
    return matplotlib.colors.ListedColormap(colors)


def path(
    ax: Axes,
    x: Array,
    y: Array,
    f: Callable[[Array, Array], Array],
    levels: Sequence[float],
    color: int = 0,
    theme: Theme = LIGHT,
) -> None:
    """A path (x, y) over the contours of f on the axes' present limits.

    The start is a ring, the end a full square, the minimum at (0, 0) a plus.
    """
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    grid = np.meshgrid(np.linspace(left, right, 121), np.linspace(bottom, top, 121))
    ax.contour(*grid, f(*grid), levels=list(levels), colors=theme.ink, linewidths=0.5, alpha=0.55)
    ink = theme.color(color)
    ax.plot([0], [0], "+", color=theme.ink, ms=12, mew=1.6)
    ax.plot(x, y, "-", color=ink, lw=1.5)
    ax.plot(x[1:-1], y[1:-1], "o", color=ink, ms=3.6)
    ax.plot(x[:1], y[:1], "o", mfc=theme.paper, mec=ink, mew=1.8, ms=8)
    ax.plot(x[-1:], y[-1:], "s", color=ink, mec=theme.paper, ms=8)
    ax.grid(False)


def matrix(ax: Axes, values: Array, title: str, theme: Theme = LIGHT) -> None:
    """A small matrix as coloured cells with its numbers written in."""
    reach = float(np.max(np.abs(values))) or 1.0
    ramp = matplotlib.colors.LinearSegmentedColormap.from_list(
        "signed", [theme.color(1), theme.paper, theme.color(0)]
    )
    # The ramp ends beyond the greatest value, so that ink stays legible on every cell.
    ax.imshow(values, cmap=ramp, vmin=-1.8 * reach, vmax=1.8 * reach)
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:+.4f}", ha="center", va="center", color=theme.ink, fontsize=11.5)
    ax.set_xticks(range(values.shape[1]), [f"class {j}" for j in range(values.shape[1])])
    ax.set_yticks(range(values.shape[0]), [f"input {i}" for i in range(values.shape[0])])
    ax.tick_params(length=0)
    ax.set_title(title)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


# --- populations -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Curve:
    """One arm of a figure: a line, its band, and a word on members that diverged."""

    label: str
    x: Array
    center: Array
    low: Array | None = None
    high: Array | None = None
    note: str = ""
    color: int | None = None
    dashed: bool = False


def curves(
    ax: Axes,
    arms: Sequence[Curve],
    theme: Theme = LIGHT,
    mark_every: float | None = None,
    legend: Corner = "best",
) -> None:
    """Lines with bands, one colour and marker per arm; a marker each `mark_every` of x."""
    if not arms:
        raise SettingError(sentence("arms", "curves", "hold at least one Curve", arms))
    for index, arm in enumerate(arms):
        place = index if arm.color is None else arm.color
        _curve(ax, arm, theme.color(place), MARKERS[place % len(MARKERS)], mark_every)
    low = min(float(arm.x[0]) for arm in arms)
    high = max(float(arm.x[-1]) for arm in arms)
    ax.set_xlim(low, high if high > low else low + 1)
    ax.legend(loc=legend)


def _curve(ax: Axes, arm: Curve, ink: str, marker: str, mark_every: float | None) -> None:
    kept = _thinned(len(arm.x), mark_every, arm.x)
    x, y = arm.x[kept], arm.center[kept]
    marks = np.arange(len(x)) if mark_every is None else _marks(x, mark_every)
    ax.plot(
        x,
        y,
        color=ink,
        lw=1.8,
        ls="--" if arm.dashed else "-",
        marker=marker if len(marks) <= 40 else None,
        markevery=marks.tolist() if len(marks) <= 40 else None,
        ms=5.5,
        mew=0.6,
        mec=ax.get_facecolor(),
        label=f"{arm.label} ({arm.note})" if arm.note else arm.label,
    )
    if arm.low is not None and arm.high is not None:
        ax.fill_between(x, arm.low[kept], arm.high[kept], color=ink, alpha=0.18, lw=0)
    last = np.flatnonzero(np.isfinite(y))
    if last.size and last[-1] < len(y) - 1:
        # The curve ends early: every member has diverged by here.
        ax.plot(x[last[-1]], y[last[-1]], "x", color=ink, ms=10, mew=2.4)


def _thinned(points: int, mark_every: float | None, x: Array) -> npt.NDArray[np.intp]:
    """Indices of the points to draw: every one, or evenly DRAWN_POINTS, marks and end kept."""
    stride = math.ceil(points / DRAWN_POINTS)
    kept = set(range(0, points, stride)) | {points - 1}
    if mark_every is not None:
        kept |= set(_marks(x, mark_every).tolist())
    return np.array(sorted(kept), dtype=np.intp)


def _marks(x: Array, every: float) -> npt.NDArray[np.intp]:
    """Indices of the points nearest to the multiples of `every`."""
    wanted = np.arange(math.ceil(x[0] / every) * every, x[-1] + every / 2, every)
    return np.unique(np.abs(x[None, :] - wanted[:, None]).argmin(axis=1))


def intervals(
    ax: Axes, labels: Sequence[str], rows: Sequence[Array], axis: str, theme: Theme = LIGHT
) -> None:
    """One line per arm: every run as a dot, the median as a bar; best on top."""
    for index, (name, values) in enumerate(zip(labels, rows, strict=True)):
        present = values[np.isfinite(values)]
        place = len(labels) - 1 - index
        spread = np.linspace(-0.22, 0.22, len(present)) if len(present) > 1 else np.zeros(1)
        ax.plot(present, place + spread[: len(present)], "o", color=theme.color(index), ms=4.5)
        if len(present):
            ax.plot([np.median(present)] * 2, [place - 0.36, place + 0.36], color=theme.ink, lw=2)
        lost = len(values) - len(present)
        if lost:
            text = f"{name}: {lost} of {len(values)} diverged"
            ax.annotate(text, (0.99, place), xycoords=("axes fraction", "data"), ha="right")
    ax.set_yticks(range(len(labels)), list(reversed(labels)))
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(axis)
    ax.grid(axis="y", visible=False)


class _History(Protocol):
    """What `history` needs of a training history."""

    @property
    def series(self) -> Mapping[str, Any]: ...
    @property
    def status(self) -> Sequence[Any]: ...
    def arms(self, by: str) -> Mapping[str, npt.NDArray[np.intp]]: ...


def history(
    past: _History,
    name: str,
    by: str,
    ax: Axes | None = None,
    smooth: int | None = None,
    theme: Theme = LIGHT,
) -> Axes:
    """A series of a training history: the median of each arm and its 95 % band over the seeds."""
    series = past.series[name]
    values = series.values if smooth is None else evidence.smooth(series.values, smooth)
    with themed(theme):
        ax = blank(theme)[1][0] if ax is None else ax
        arms = []
        for text, rows in past.arms(by).items():
            center, low, high, _ = spread(values[rows])  # other members end early, too
            lost = sum(past.status[row].kind == "diverged" for row in rows)
            note = f"{lost} of {len(rows)} diverged" if lost else ""
            arms.append(Curve(text, series.axis_values, center, low, high, note))
        curves(ax, arms, theme)
        label(ax, series.axis, name.replace("_", " "))
    return ax


def spread(values: Array) -> tuple[Array, Array | None, Array | None, int]:
    """Median, low and high of (members, n), and how many end without a value.

    One member has no band.
    """
    over = evidence.band(values)
    lost = int(np.sum(~np.isfinite(values[:, -1])))
    return (
        (over.center, over.low, over.high, lost)
        if len(values) > 1
        else (values[0], None, None, lost)
    )


# --- files -----------------------------------------------------------------------------


def png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as PNG."""
    return _rendered(figure, "png", dpi=dpi, metadata={"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as SVG: text as outlines, no date, and the same bytes each time."""
    with matplotlib.rc_context({"svg.hashsalt": "trainlab", "svg.fonttype": "path"}):
        drawn = _rendered(figure, "svg", metadata={"Date": None, "Creator": None})
    return _PATH.sub(lambda path: _DECIMALS.sub(rb"\1", path[0]), drawn)


# A hundredth of a point is beyond any screen; the digits after it are half of the file.
_PATH: Final = re.compile(rb' d="[^"]*"')
_DECIMALS: Final = re.compile(rb"(\.\d\d)\d+")


def _rendered(figure: Figure, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind, **options)
    return file.getvalue()
