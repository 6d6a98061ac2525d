"""Warnings that name the line of the user that led to them, from wherever they arise.

What lies between that line and trainlab is not the user's either: a pipeline of scikit-learn, a
thread of ours.  A thread that works for somebody is told the line when it starts.
"""

from __future__ import annotations

import contextvars
import sys
import warnings
from types import FrameType
from typing import Any, Final, NamedTuple

_BETWEEN: Final = frozenset(
    {
        "concurrent",
        "contextlib",
        "dataclasses",
        "functools",
        "joblib",
        "sklearn",
        "threading",
        "trainlab",
    }
)
"""Packages through which trainlab is called, itself included."""
_WORKERS: Final = frozenset({"dask", "distributed", "multiprocessing"})
"""Packages that call what another process or thread sent: no user's line is further out."""


class Line(NamedTuple):
    """A line of a program, as `warnings.warn_explicit` wants it."""

    file: str
    number: int
    module: str
    registry: dict[Any, Any]


_LINE: contextvars.ContextVar[Line | None] = contextvars.ContextVar("line", default=None)


def users_line() -> Line:
    """The line outside of trainlab that the running code was called from.

    In a thread that was told a line by `work_for` it is that line; where there is none, as in a
    worker of scikit-learn, the outermost one of trainlab.
    """
    frame: FrameType | None = sys._getframe()
    own = sys._getframe()
    while frame is not None and (package := _package(frame)) in _BETWEEN:
        own = frame if package == "trainlab" else own
        frame = frame.f_back
    if frame is None or package in _WORKERS:
        if (told := _LINE.get()) is not None:
            return told
        frame = own
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return Line(frame.f_code.co_filename, frame.f_lineno, _module(frame), registry)


def work_for(line: Line) -> None:
    """Has warnings of the running thread name a line."""
    _LINE.set(line)


def warn(text: str, category: type[Warning], line: Line | None = None) -> None:
    """Warns, of a line or of the user's that led here."""
    at = line or users_line()
    warnings.warn_explicit(text, category, at.file, at.number, at.module, at.registry)


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "<unknown>"))


def _package(frame: FrameType) -> str:
    return _module(frame).partition(".")[0]
