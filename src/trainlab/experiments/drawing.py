"""The figures of an experiment, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trainlab import files
from trainlab.errors import SettingError, sentence
from trainlab.experiments.base import AnyExperiment, Measurements

# Not when the first figure is drawn: a matplotlib whose import Ctrl-C cut off draws nothing more.
from trainlab.plots import THEMES, Figure, png, svg, themed

FIGURES: Final[Mapping[str, str]] = {"figure.svg": "light", "figure-narrow.svg": "narrow"}
"""File → theme.  PIXELS is figure.svg in pixels; the narrow one is for phones."""
PIXELS: Final = "figure.png"
EARLIER: Final = ("figure-dark.svg", "figure-narrow-dark.svg")
"""Files that earlier versions wrote: the page makes the dark pictures of the light ones."""


def draw(experiment: AnyExperiment, measured: Measurements, folder: Path) -> None:
    """Write the figures.  Each shape is drawn once: the dark one has other colours."""
    for name, theme in FIGURES.items():
        with themed(THEMES[theme]):  # a figure of the user's has its colours, too
            drawn = experiment.figure(measured, THEMES[theme])
        if not isinstance(drawn, Figure):
            owner, must = f"experiment {experiment.name}", "return a figure of matplotlib"
            raise SettingError(sentence("figure", owner, must, drawn))
        files.write(folder / name, svg(drawn))
        if theme == "light":
            files.write(folder / PIXELS, png(drawn))


def clear(folder: Path) -> None:
    """Remove the figures of earlier results, which must not stand beside other ones."""
    for name in (*FIGURES, *EARLIER, PIXELS):
        (folder / name).unlink(missing_ok=True)
