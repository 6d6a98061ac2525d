"""Figures: the only room that imports matplotlib.

Every function draws on the axes it is given or returns a `Figure`; nothing here
touches pyplot, so figures need no screen and leave no state behind.

themes.py        paper, ink, empty figures
functions.py     tangents, arrows, paths over contours, small matrices, tables
histograms.py    distributions, layer by layer
populations.py   curves with bands, runs and medians of each arm, training histories
panels.py        many small panels, the trials of a search
searches.py      candidates of a search, confusion of classes, predictions against truth
tex.py           equations as pictures
files.py         PNG and SVG
"""

from matplotlib.axes import Axes as Axes  # under these names for the other rooms
from matplotlib.figure import Figure as Figure

from trainlab.plots.files import png, svg
from trainlab.plots.functions import arrows, matrix, path, table, tangent
from trainlab.plots.histograms import Strips, strips
from trainlab.plots.panels import (
    SMALL,
    Box,
    above,
    legend_below,
    name_common,
    sensitivity,
    trials,
)
from trainlab.plots.populations import (
    DRAWN_POINTS,
    MARKERS,
    Corner,
    Curve,
    curves,
    dots,
    history,
    intervals,
    spread,
)
from trainlab.plots.searches import agreement, confusion, tried
from trainlab.plots.tex import equations
from trainlab.plots.themes import DARK, LIGHT, NARROW, THEMES, Theme, blank, label, themed

__all__ = [
    "DARK",
    "DRAWN_POINTS",
    "LIGHT",
    "MARKERS",
    "NARROW",
    "SMALL",
    "THEMES",
    "Axes",
    "Box",
    "Corner",
    "Curve",
    "Figure",
    "Strips",
    "Theme",
    "above",
    "agreement",
    "arrows",
    "blank",
    "confusion",
    "curves",
    "dots",
    "equations",
    "history",
    "intervals",
    "label",
    "legend_below",
    "matrix",
    "name_common",
    "path",
    "png",
    "sensitivity",
    "spread",
    "strips",
    "svg",
    "table",
    "tangent",
    "themed",
    "trials",
    "tried",
]
