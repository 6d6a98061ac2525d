"""The figures of an experiment, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trainlab import files, plots
from trainlab.experiments.base import AnyExperiment, Measurements

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
        drawn = experiment.figure(measured, plots.THEMES[theme])
        picture = plots.svg(drawn)
        files.write(folder / f"{name}.svg", picture)
        files.write(folder / f"{name}-dark.svg", plots.recolored(picture))
        if theme == "light":
            files.write(folder / PIXELS, plots.png(drawn))


def clear(folder: Path) -> None:
    """Remove the figures of earlier results, which must not stand beside other ones."""
    for name in (*FIGURES, PIXELS):
        (folder / name).unlink(missing_ok=True)
