"""Figures as files: PNG and SVG, the same bytes each time."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from trainlab.plots.compact import compact
from trainlab.plots.themes import DARK, LIGHT, Theme

SVG_DPI: Final = 72
"""Dots per inch that matplotlib draws SVG with."""


def png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as PNG; one whose SVG was drawn before has the same layout."""
    canvas: Any = FigureCanvasAgg(figure)
    _lay_out(figure, dpi)
    file = io.BytesIO()
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG: text as outlines, no date, and the same bytes each time."""
    canvas: Any = FigureCanvasSVG(figure)
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "trainlab", "svg.fonttype": "path"}):
        _lay_out(figure, SVG_DPI)
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})
    return compact(file.getvalue())


def adaptive(drawn: bytes, theme: Theme = LIGHT) -> bytes:
    """The SVG of a figure in its theme and in the dark one: the reader's screen decides.

    Colours that are none of the theme stay.
    """
    places = {color: place for place, color in enumerate(theme.colors)}
    used: set[int] = set()

    def variable(found: re.Match[bytes]) -> bytes:
        place = places.get(found[0].decode())
        if place is None:
            return found[0]
        used.add(place)
        return b"var(--c%d)" % place

    text = _COLOR.sub(variable, drawn)
    own, others = (
        "".join(f"--c{place}:{colors[place]};" for place in sorted(used))
        for colors in (theme.colors, DARK.colors)
    )
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{others}}}}}"
    style = f"<style>:root{{{own}}}{dark}</style>"
    return _OPENING.sub(lambda found: found[0] + style.encode(), text, count=1)


_OPENING: Final = re.compile(rb"<svg\b[^>]*>")
_COLOR: Final = re.compile(rb"(?<=[: ])#[0-9a-f]{6}\b")  # of a style; files of old have a space


def _lay_out(figure: Figure, dpi: int) -> None:
    """Place the axes, once: `savefig` would draw the whole figure just for that, each time."""
    figure.set_dpi(dpi)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
