"""What explains a figure: its title, and a legend of everything that is drawn.

An entry of a legend is a handle with its words.  What an axes draws with a label has one;
the functions here make those of what is drawn for all arms alike, in the colour of ink.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from trainlab.plots.themes import LIGHT, CellFigure, Theme

Entry = tuple[Any, str]
"""A handle of a legend, and its words."""

BAND: Final = 0.18
"""Opacity of bands."""
TITLE: Final = 13.5
"""Points of the title of a figure."""
WIDTH: Final = 0.56
"""Width of a letter over its height, in the mean of English words."""
LINE: Final = 0.24
"""Inches of a line of a legend, or of a title."""
MARGIN: Final = 0.06
"""Inches around panels, and at the edges."""
HANDLE: Final = 0.62
"""Inches of a handle with the room around it."""


# --- entries ---------------------------------------------------------------------------


def line_entry(words: str, theme: Theme = LIGHT, color: str = "", **look: Any) -> Entry:
    """A line, a marker or both: `look` is that of a Line2D."""
    return Line2D([], [], color=color or theme.ink, **look), words


def marker_entry(
    words: str, marker: str, theme: Theme = LIGHT, color: str = "", **look: Any
) -> Entry:
    """A marker without a line."""
    return line_entry(words, theme, color, marker=marker, ls="", **look)


def area_entry(words: str, color: str, alpha: float = 1.0) -> Entry:
    """An area."""
    return Patch(facecolor=color, alpha=alpha, lw=0), words


def band_entry(words: str, theme: Theme = LIGHT, marker: str = "") -> Entry:
    """A median in its band, or a marker over a bar."""
    area = Patch(facecolor=theme.ink, alpha=BAND, lw=0)
    line = Line2D([], [], color=theme.ink, lw=0 if marker else 1.8, marker=marker, ms=6, mew=0)
    return (area, line), words


def note_entry(words: str) -> Entry:
    """Words without a handle: what a note in a figure means."""
    return Line2D([], [], lw=0), words


# --- legends ---------------------------------------------------------------------------


def legend(ax: Axes, entries: Iterable[Entry] = (), theme: Theme = LIGHT) -> None:
    """The legend of an axes and its twins, below: what has a label there, and the entries.

    It takes the place of earlier ones.  Call it when the axis of x has its name.  A figure of
    our own grows by it; another one that has no layout gets the tight one, which leaves it room.
    """
    over = overlaid(ax)
    found = _entries(over, entries)
    if not found:
        return
    figure: Any = ax.figure
    taken = 0.0
    for earlier in filter(None, (one.get_legend() for one in over)):
        taken += _height(earlier) if earlier.get_window_extent().y1 <= ax.bbox.y0 else 0.0
        earlier.remove()
    bounds = filter(None, (one.xaxis.get_tightbbox() for one in over))
    under = max((ax.bbox.y0 - one.y0 for one in bounds), default=0.0)
    beside = (one.bbox.x0 for one in figure.axes if one.bbox.x0 >= ax.bbox.x1)
    right = min(beside, default=figure.bbox.x1)
    look = _look(found, (right - ax.bbox.x0) / figure.dpi - 2 * MARGIN, theme)
    down = ScaledTranslation(0, -under / figure.dpi - MARGIN, figure.dpi_scale_trans)
    below: Any = {"loc": "upper left", "bbox_to_anchor": (0, 0)}
    drawn = ax.legend(**look, **below, bbox_transform=ax.transAxes + down, borderaxespad=0)
    engine, places = figure.get_layout_engine(), [one.get_subplotspec() for one in figure.axes]
    if isinstance(figure, CellFigure) and figure.axes == over:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, height + (_height(drawn) - taken) / figure.dpi)
    elif engine is not None and not isinstance(engine, PlaceHolderLayoutEngine):
        return  # which makes room for the legend
    elif None not in places:  # else they are where the user put them
        root: Any = figure.figure  # of a part of a figure the whole one
        root.set_layout_engine("tight" if root is figure else "constrained")


def overlaid(ax: Axes) -> list[Axes]:
    """The axes of the same place, as `twinx` makes them, and itself."""
    return [one for one in ax.figure.axes if one.bbox.bounds == ax.bbox.bounds]


def _height(drawn: Legend) -> float:
    """Pixels of a legend with its margin."""
    return float(drawn.get_window_extent().height + MARGIN * drawn.axes.figure.dpi)


def key(
    figure: Figure, axes: Sequence[Axes], entries: Iterable[Entry] = (), theme: Theme = LIGHT
) -> None:
    """A legend below all panels, of every label once and of the entries; the figure grows by it."""
    found = _entries(axes, entries)
    if not found:
        return
    width, height = figure.get_size_inches()
    look = _look(found, width - 0.3, theme)
    figure.legend(**look, loc="outside lower left", borderaxespad=0.2)
    lines = [one.count("\n") + 1 for one in look["labels"]]
    rows = math.ceil(len(found) / look["ncols"])
    tall = max(sum(lines[i : i + rows]) for i in range(0, len(lines), rows))
    figure.set_size_inches(width, height + tall * LINE + 0.15)


def _look(found: Sequence[Entry], room: float, theme: Theme) -> dict[str, Any]:
    """What a legend below is made of: words that fit into so many inches, in columns."""
    size = 10.0 if theme.narrow else 10.5
    letter = size * WIDTH / 72
    handles, texts = zip(*found, strict=True)
    words = [textwrap.fill(one, max(20, int((room - HANDLE) / letter))) for one in texts]
    columns = _columns([max(map(len, one.splitlines())) for one in words], room / letter)
    look: dict[str, Any] = {"handles": handles, "labels": words, "ncols": columns}
    return look | {"frameon": False, "fontsize": size, "columnspacing": 1.4}


def _columns(lengths: Sequence[int], room: float) -> int:
    """The most columns for words of these lengths, filled one after the other, all in letters."""
    handle = HANDLE * 72 / (10 * WIDTH)
    for columns in range(len(lengths), 1, -1):
        rows = math.ceil(len(lengths) / columns)
        own = [lengths[first : first + rows] for first in range(0, len(lengths), rows)]
        if sum(max(one) + handle for one in own) <= room:
            return len(own)
    return 1


def _entries(axes: Sequence[Axes], more: Iterable[Entry]) -> list[Entry]:
    """Every label of the axes once, in order, then the entries."""
    found: dict[str, Any] = {}
    for ax in axes:
        for handle, words in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(words, handle)
    for handle, words in more:
        found.setdefault(words, handle)
    return [(handle, words) for words, handle in found.items()]


def title(figure: Figure, words: str, theme: Theme = LIGHT) -> None:
    """What a figure shows, above all panels, in as many lines as its width asks for."""
    width, height = figure.get_size_inches()
    size = TITLE - 1 if theme.narrow else TITLE
    lines = textwrap.wrap(words, int((width - 0.2) * 72 / (size * WIDTH)))
    engine: Any = figure.get_layout_engine()
    engine.set(h_pad=MARGIN, w_pad=MARGIN)
    figure.suptitle("\n".join(lines), fontsize=size, x=0.01, ha="left", color=theme.ink)
    figure.set_size_inches(width, height + len(lines) * LINE + 0.05)
