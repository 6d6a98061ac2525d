"""Pictures as data URIs: nothing is fetched, and inside an <img> nothing can run."""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from trainlab import plots
from trainlab.errors import DataError, sentence
from trainlab.experiments.runner import FIGURES

MOST_BYTES: Final = 4_000_000
"""A figure beyond this would make a page that no e-mail carries; ours have some 100 kB."""


def figures(folder: Path) -> Mapping[str, str]:
    """Theme → picture; DataError or OSError, naming the file, where one is missing or too large."""
    return {theme: _embedded(folder / name) for name, theme in FIGURES.items()}


def _embedded(path: Path) -> str:
    if not path.is_file():
        raise DataError(f"The figure is not there: {path} is no file.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        must = f"have at most {MOST_BYTES:,} bytes"
        raise DataError(sentence("figure", str(path), must, size, "trainlab run"))
    return uri(path.read_bytes())


@functools.lru_cache(maxsize=256)
def equations(lines: Sequence[str]) -> Mapping[str, str]:
    """Theme → the equations as a picture; ValueError for TeX that cannot be set."""
    themes = (plots.LIGHT, plots.DARK)
    return {theme.name: uri(plots.svg(plots.equations(lines, theme))) for theme in themes}


def uri(svg: bytes) -> str:
    """An SVG as a data URI, safe in a quoted attribute; percent-encoded, a quarter below base64.

    Space is left out where SVG needs none: in paths it would be a fifth of the page.  The
    rest of it is encoded, since a space ends a URL in `srcset`.

    >>> uri(b'<a d="M 0 1 L 2 3"/>\\n')
    'data:image/svg+xml,%3Ca%20d=%22M0,1L2,3%22/%3E'
    """
    compact = _PATH.sub(_numbers, b" ".join(svg.split())).replace(b"> <", b"><")
    # Quotes, brackets, & and whatever ends an attribute or an element are never left as they are.
    return "data:image/svg+xml," + urllib.parse.quote(compact, safe="=:/;,.-_()")


_PATH: Final = re.compile(rb' d="([^"]*)"')
_COMMAND: Final = re.compile(rb" ?([A-Za-z]) ?")


def _numbers(path: re.Match[bytes]) -> bytes:
    numbers = _COMMAND.sub(rb"\1", path[1]).strip().replace(b" ", b",")
    return b' d="' + numbers + b'"'
