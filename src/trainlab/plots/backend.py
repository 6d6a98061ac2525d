"""A backend of matplotlib for scripts that have no screen: `plt.show()` writes files.

Used by `figures_to_files` for readers' scripts; figures of this library never touch pyplot.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import matplotlib
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from trainlab.terminal import printable

NAME: Final = f"module://{__name__}"
WITHOUT_WINDOWS: Final = ("agg", "cairo", "pdf", "pgf", "ps", "svg", "template")
"""Matplotlib's backends that show nothing."""


def has_screen() -> bool:
    """Whether `plt.show()` would open a window: a display, and a backend that can use it."""
    wanted = os.environ.get("MPLBACKEND", "").lower()
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if wanted in WITHOUT_WINDOWS or (sys.platform == "linux" and not display):
        return False  # the usual cases, without waiting for pyplot
    return matplotlib.get_backend().lower() not in WITHOUT_WINDOWS


class Files:
    """The next file for a figure, `STEM-figure-1.png` and so on, where it can be written."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.count = 0
        self.folder = Path()

    def write(self, figure: Any, number: int | None) -> tuple[Path, int]:
        """Writes a figure, over the file of this number or a new one; its path and number."""
        if number is None:
            self.count += 1
            number = self.count
        name = f"{self.stem}-figure-{number}.png"
        try:
            figure.savefig(self.folder / name)
        except OSError:  # a folder that may only be read, or that is gone
            if self.folder != Path():
                raise
            self.folder = Path(tempfile.mkdtemp(prefix="trainlab-"))
            figure.savefig(self.folder / name)
        return self.folder.absolute() / name, number


class FileManager(FigureManagerBase):
    """Stands for the window of a figure."""

    files: ClassVar[Files] = Files("trainlab")  # a backend is one for the process
    number: int | None = None

    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        """Writes every open figure; closes them, as a reader would, if a window would wait."""
        for manager in Gcf.get_all_fig_managers():
            manager.show()
        if block or (block is None and not matplotlib.is_interactive()):
            Gcf.destroy_all()

    def show(self) -> None:
        """Writes the figure; its path is printed the first time."""
        known = self.number is not None
        path, self.number = self.files.write(self.canvas.figure, self.number)
        if not known:
            sys.stdout.write(f"Figure: {printable(str(path))}\n")
            sys.stdout.flush()


class FigureCanvas(FigureCanvasAgg):
    """The class that matplotlib looks for in a backend."""

    manager_class = FileManager


@contextmanager
def figures_to_files(stem: str) -> Iterator[None]:
    """Inside, `plt.show()` writes files named after `stem`, whatever backend a script chooses.

    They go to the working directory, or to a new temporary folder if that is read-only.
    """
    FileManager.files = Files(stem)
    use = matplotlib.use
    use(NAME)
    matplotlib.use = lambda *args, **kwargs: None  # a script's choice needs a screen
    try:
        yield
    finally:
        matplotlib.use = use
