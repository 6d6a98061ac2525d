"""Equations as pictures, so that a page needs no fonts and no library to show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from trainlab.plots.themes import LIGHT, Theme, themed

SIZE: Final = 13.5
"""Points: 18 pixels; the letters of STIX are smaller than those of the text around."""
LINE: Final = 2.3
"""Height of a line in sizes: room for a fraction."""


def equations(lines: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """Lines of TeX, as mathtext understands it, one below the other, flush left.

    ValueError for TeX that mathtext does not understand.

    >>> equations([r"y = x W", r"L = -\\log y"]).get_size_inches().round(2).tolist()[1]
    0.86
    """
    with themed(theme):
        height = len(lines) * LINE * SIZE
        figure = Figure(figsize=(1.0, height / 72))
        FigureCanvasAgg(figure)
        style: Any = {"fontsize": SIZE, "math_fontfamily": "stix"}
        drawn = [
            figure.text(0, 1 - (i + 0.5) / len(lines), f"${line}$", va="center", **style)
            for i, line in enumerate(lines)
        ]
        widest = max(text.get_window_extent().width for text in drawn)
        figure.set_size_inches(1.02 * widest / figure.dpi, height / 72)
    return figure
