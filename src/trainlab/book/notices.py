"""Notices: one line on standard error, once per process, where a result is not the book's."""

from __future__ import annotations

import functools
import sys

from trainlab.terminal import printable


@functools.cache
def notice(text: str) -> None:
    """Write a line to standard error, the first time that this is asked for in a process."""
    sys.stderr.write(f"trainlab: {printable(text)}\n")
    sys.stderr.flush()
