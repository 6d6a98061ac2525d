"""Equations as pictures, so that a page needs no fonts and no library to show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from trainlab.plots.themes import LIGHT, themed

SIZE: Final = 13.5
"""Points: 18 pixels; the letters of STIX are smaller than those of the text around."""
GAP: Final = 8.0
"""Points between lines."""


def equations(lines: Sequence[str]) -> Figure:
    """Lines of TeX, as mathtext understands it, one below the other, flush left.

    Fractions are as high as on a line of their own.  ValueError for TeX that mathtext
    does not understand.

    >>> from trainlab import plots
    >>> plots.svg(equations([r"y = \\frac{x}{2}", r"L = -\\log y"])).count(b"<svg")
    1
    """
    with themed(LIGHT):
        figure = Figure(figsize=(1.0, 1.0), dpi=72)
        FigureCanvasSVG(figure)
        style: Any = {"fontsize": SIZE, "math_fontfamily": "stix", "va": "bottom"}
        drawn = [figure.text(0, 0, f"${_displayed(line)}$", **style) for line in lines]
        boxes = [text.get_window_extent() for text in drawn]
        pixels = GAP * figure.dpi / 72
        width = 1.02 * max(box.width for box in boxes)
        height = sum(box.height + pixels for box in boxes)
        figure.set_size_inches(width / figure.dpi, height / figure.dpi)
        bottom = height - pixels / 2
        for text, box in zip(drawn, boxes, strict=True):
            bottom -= box.height
            text.set_y(bottom / height)
            bottom -= pixels
    return figure


def _displayed(line: str) -> str:
    return line.replace(r"\frac", r"\dfrac")
