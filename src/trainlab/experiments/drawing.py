"""The figures of an experiment, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trainlab import files
from trainlab.experiments.base import AnyExperiment, Measurements

# Not when the first figure is drawn: a matplotlib whose import Ctrl-C cut off draws nothing more.
from trainlab.plots import THEMES, png, recolored, svg

FIGURES: Final[Mapping[str, str]] = {
    "figure.svg": "light",
    "figure-dark.svg": "dark",
    "figure-narrow.svg": "narrow",
    "figure-narrow-dark.svg": "narrow-dark",
}
"""File → theme.  PIXELS is figure.svg in pixels; the other three are for the page."""
PIXELS: Final = "figure.png"


def draw(experiment: AnyExperiment, measured: Measurements, folder: Path) -> None:
    """Write the figures.  Each shape is drawn once: the dark one has other colours."""
    for name, theme in (("figure", "light"), ("figure-narrow", "narrow")):
        drawn = experiment.figure(measured, THEMES[theme])
        picture = svg(drawn)
        files.write(folder / f"{name}.svg", picture)
        files.write(folder / f"{name}-dark.svg", recolored(picture))
        if theme == "light":
            files.write(folder / PIXELS, png(drawn))


def clear(folder: Path) -> None:
    """Remove the figures of earlier results, which must not stand beside other ones."""
    for name in (*FIGURES, PIXELS):
        (folder / name).unlink(missing_ok=True)
