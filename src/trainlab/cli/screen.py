"""What the commands write: messages and tables for people, and data for programs.

Everything that reaches a terminal passes here, and through `terminal.printable`.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from trainlab.terminal import prepare, printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

# rich is imported by what draws with it: `trainlab --help` need not wait for it.

WIDE: Final = 120
"""Columns of a table in a file."""
NARROW: Final = 60
"""On a screen of fewer columns the cells of a row stand below each other: none is cut."""
Cell = str | tuple[str, str]
"""A text, or a text and its style."""


def say(text: str, err: bool = False, style: str = "", whole: str = "") -> None:
    """Writes a line on standard output, or on standard error; a terminal gets whole words.

    whole  follows on a line of its own if it must, and is never broken: a path or a command, which
           may be copied
    """
    if style:
        from rich.text import Text

        show(Text(printable(text), style=style))
        return
    stream = sys.stderr if err else sys.stdout
    lines = wrapped(text, stream)
    if whole:
        whole = printable(whole)
        fits = not _is_terminal(stream) or len(lines[-1]) + 1 + len(whole) <= columns()
        lines[-1:] = [f"{lines[-1]} {whole}"] if fits else [lines[-1], whole]
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def wrapped(text: str, stream: TextIO) -> list[str]:
    """The lines of a text: one, or, on a terminal, as many as keep its words whole."""
    shown = printable(text)
    if not _is_terminal(stream):
        return [shown]
    lines = textwrap.wrap(shown, columns(), break_long_words=False, break_on_hyphens=False)
    return lines or [""]


@contextmanager
def logged() -> Iterator[None]:
    """Inside, what trainlab logs is written on standard error, beside a bar if there is one."""
    logger, lines = logging.getLogger("trainlab"), _LogLines()
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(lines)


class _LogLines(logging.Handler):
    """Writes records on what standard error is at that moment: a bar keeps its place below it."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage(), err=True)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[Cell]], title: str | None = None, **look: Any
) -> None:
    """Writes a table on standard output; `look` is that of rich.table.Table."""
    if _screen().width < NARROW:
        _stacked(headings, rows, title)
        return
    from rich.table import Table

    made = Table(title=None if title is None else _text(title), **look)
    for heading in headings:
        made.add_column(_text(heading), overflow="fold")  # else a long word is cut
    for row in rows:
        made.add_row(*map(_text, row))
    show(made)


def _stacked(headings: Sequence[str], rows: Iterable[Sequence[Cell]], title: str | None) -> None:
    """Writes a table as a list: the first cell of each row, and the others below it."""
    from rich.padding import Padding

    if title is not None:
        show(_text(title))
    for first, *others in rows:
        show(_text(first))
        for heading, cell in zip(headings[1:], others, strict=True):
            named = _text(f"{heading}: " if heading else "").append(_text(cell))
            show(Padding(named, (0, 0, 0, 2)))


def show(what: RenderableType) -> None:
    """Writes a text or a table of ours on standard output."""
    _screen().print(what)


def _screen() -> Console:
    """Standard output: as wide as the terminal or COLUMNS say, else wide enough for a file."""
    from rich.console import Console

    known = _is_terminal(sys.stdout) or "COLUMNS" in os.environ
    return Console(width=None if known else WIDE, markup=False, emoji=False, highlight=False)


def data(content: bytes) -> None:
    """Writes a file on standard output: to a terminal its lines as text, else its bytes."""
    if _is_terminal(sys.stdout):
        for line in content.decode("utf-8-sig").removesuffix("\n").split("\n"):
            say(line)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def of_an_error(text: str) -> str:
    """A message as click writes it behind "Error: " on standard error, in whole words."""
    first = "Error: "
    shown = printable(text, sys.stderr.encoding)
    return "\n".join(wrapped(first + shown, sys.stderr)).removeprefix(first)


def columns() -> int:
    """How wide the terminal is."""
    return max(1, shutil.get_terminal_size().columns)


@contextmanager
def prepared() -> Iterator[None]:
    """Inside, streams replace what their encodings lack, and warnings hide nothing."""
    prepare()
    usual = warnings.formatwarning

    def spelt_out(message: Warning | str, *place: Any, **line: Any) -> str:
        text = "\n".join(map(printable, str(message).split("\n")))
        return usual(text, *place, **line)

    warnings.formatwarning = spelt_out
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _text(cell: Cell) -> Text:
    from rich.text import Text

    text, style = (cell, "") if isinstance(cell, str) else cell
    # Replaced here and not by the stream alone: a longer text needs a wider column.
    return Text(printable(text, sys.stdout.encoding), style=style)
