"""When to write to disk: rarely enough that it takes a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SHARE: Final = 1 / 50
"""Of the time that writing may take."""
FIRST: Final = 1.0
"""Seconds: what is done sooner need not be written."""


class Pace:
    """Says when the next write is due, from how long the last one took."""

    def __init__(self) -> None:
        self._due = time.monotonic() + FIRST

    def is_due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._due

    @contextmanager
    def write(self) -> Iterator[None]:
        """The block writes."""
        start = time.monotonic()
        yield
        end = time.monotonic()
        self._due = end + (end - start) / SHARE
