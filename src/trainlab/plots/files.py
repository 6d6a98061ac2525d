"""Figures as files: PNG and SVG, the same bytes each time."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import matplotlib
from matplotlib.figure import Figure


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
