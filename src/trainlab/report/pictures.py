"""The pictures of the report, as data URIs; each follows the reader's theme by itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from trainlab import plots
from trainlab.errors import DataError, sentence
from trainlab.experiments.drawing import FIGURES
from trainlab.pages.markup import uri

TALL: Final = 0.85
"""Height over width of a figure, from which it has panels below each other."""
MOST_BYTES: Final = 4_000_000
"""A figure beyond this would make a page that no e-mail carries; ours have some 100 kB."""


def figures(folder: Path, remedy: str) -> Mapping[str, str]:
    """Shape → picture; DataError or OSError, naming the file, where one is missing or damaged."""
    return {theme: _embedded(folder / name, remedy) for name, theme in FIGURES.items()}


def is_tall(picture: str) -> bool:
    """Whether a picture is about as high as wide, or higher, as its size in points says."""
    found = _SIZE.search(picture)
    return found is not None and float(found[2]) > TALL * float(found[1])


_SIZE: Final = re.compile(r"%20width='(\d+\.?\d*)pt'%20height='(\d+\.?\d*)pt'")


def _embedded(path: Path, remedy: str) -> str:
    if not path.is_file():
        raise DataError(f"The figure is not there: {path} is no file; try {remedy}.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        must = f"have at most {MOST_BYTES:,} bytes"
        raise DataError(sentence("figure", str(path), must, size, remedy))
    drawn = path.read_bytes()
    if not drawn.startswith(b"<") or not drawn.rstrip().endswith(b"</svg>"):
        must = "be a whole SVG that trainlab wrote"
        raise DataError(sentence("figure", str(path), must, drawn[:20], remedy))
    return uri(plots.adaptive(drawn))


@functools.lru_cache(maxsize=256)
def equations(lines: Sequence[str]) -> str:
    """The equations as a picture; ValueError for TeX that cannot be set."""
    return uri(plots.adaptive(plots.svg(plots.equations(lines))))
