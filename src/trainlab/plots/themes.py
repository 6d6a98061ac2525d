"""Paper and ink: themes, empty figures, names of axes.

Colours are those of Okabe and Ito (2008), which people with any common colour
vision can tell apart; markers tell the arms apart as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.ticker import MaxNLocator

from trainlab.plots.scales import Powers

# Blue and vermilion first: the pair that differs most, in hue and in lightness.
_LIGHT: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#666666")
_DARK: Final = ("#56B4E9", "#E8793A", "#2FBF97", "#D99ABD", "#A8DCFF", "#F0C05A", "#BBBBBB")

MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
RAMP: Final = 64
"""Colours of a ramp, all different."""
COUNTED: Final = ("step", "epoch", "rank", "candidate")
"""First words of names of axes along which there are whole numbers alone."""
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

    def marker(self, index: int) -> str:
        """The marker of the index-th arm: where its colour comes again, another one."""
        return MARKERS[(index + index // len(self.palette)) % len(MARKERS)]

    @property
    def colors(self) -> tuple[str, ...]:
        """All its colours: those at one place have the same part in every theme."""
        found = (self.paper, self.ink, self.faint, *self.palette, *ramp(self).colors)
        return tuple(map(to_hex, found))


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
        "axes.prop_cycle": cycler(color=theme.palette),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": theme.ink,
        "axes.titlelocation": "left",
        "axes.titlesize": 12.5,
        "axes.titley": 1.0,  # else each drawing measures all tick labels to find a place
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


def ramp(theme: Theme) -> Any:
    """A perceptually even ramp without the end that could not be told from the paper."""
    low, high = (0.0, 0.85) if theme.name == "light" else (0.25, 1.0)
    colors = matplotlib.colormaps["viridis"](np.linspace(low, high, RAMP))
    return matplotlib.colors.ListedColormap(colors)


def color_bar(drawn: Any, ax: Axes, words: str, theme: Theme = LIGHT, **place: Any) -> None:
    """What the colours of a ramp mean, beside the axes that have them."""
    bar: Any = ax.figure.colorbar(drawn, ax=ax, **place)
    bar.set_label(words)
    if isinstance(drawn.norm, LogNorm):
        bar.formatter = bar.minorformatter = Powers()
    bar.outline.set_edgecolor(theme.faint)
    # Areas that touch, where matplotlib would make an image of many.
    bar.solids.set(rasterized=False, edgecolor="face")


class CellFigure(Figure):
    """A figure that a notebook shows: pyplot, which shows its own there, does not know of it."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


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
    figure = CellFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def literal(name: str) -> str:
    """A name from outside as matplotlib is to be given it: "$5 or $6" is no formula."""
    return name.replace("$", r"\$")


def label(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Names, with units, for both axes; what is counted along x has whole ticks."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    count(ax, x)
    if title:
        ax.set_title(title)


def count(ax: Axes, name: str) -> None:
    """Whole ticks along x, where its name is one of what is counted.

    Within a single epoch there may be none; then they are parts of it.
    """
    locator, ends = ax.xaxis.get_major_locator(), ax.dataLim.intervalx
    if name.partition(" ")[0] in COUNTED and isinstance(locator, MaxNLocator):
        fewest = 1 if (np.round(ends) == ends).all() else 2
        locator.set_params(integer=True, min_n_ticks=fewest)
