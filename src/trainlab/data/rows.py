"""The rows of a file of a table, whatever kind of file it is: cells of text."""

from __future__ import annotations

import csv
import itertools
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from trainlab.data.delimiters import NAMES, delimiter_of, layout
from trainlab.data.lines import Fault, Lines, Opened
from trainlab.data.sheets import READERS
from trainlab.errors import SettingError, sentence
from trainlab.limits import MAX_SKIPPED
from trainlab.settings import is_integer

_QUOTE: Final = "to close the double quote that one of the first of these lines opens"
SAMPLE: Final = 20
"""Rows of a sheet that show how wide it is."""


class RowReader(ABC):
    """Reads the rows of a file, once.

    what       what errors count: "line" or "row"
    notices    what was assumed about the file, in sentences
    delimiter  between cells of text; "" of a sheet
    width      cells of most rows
    titles     how many lines to skip until a row is so wide; 0 if that would not help
    unreadable  columns that hold other things than cells do, by name, and what they hold
    named      whether the first row has the names for certain, and is no row of numbers
    """

    unreadable: Mapping[str, str] = MappingProxyType({})
    named: bool = False
    what: str
    notices: list[str]
    delimiter: str
    width: int
    titles: int

    @property
    @abstractmethod
    def number(self) -> int:
        """The number of the line or row that was read last, counted from 1."""

    @abstractmethod
    def next(self) -> list[str] | None:
        """The cells of the next row ([] for an empty line); None at the end of the file."""

    @abstractmethod
    def close(self) -> None:
        """Close what was opened for the rows alone."""


def open_rows(
    opened: Opened, path: Path, fault: Fault, delimiter: str | None, skip: int
) -> RowReader:
    """The rows of a file that is open, after `skip` lines; see `read_table` for the rest."""
    mark = delimiter_of(delimiter)
    if not is_integer(skip) or not 0 <= skip <= MAX_SKIPPED:
        must = f"be an integer in [0, {MAX_SKIPPED}]"
        raise SettingError(sentence("skip_lines", "a table", must, skip))
    if opened.kind == "text":
        return _TextReader(opened, fault, mark, skip)
    if mark is not None:
        must = f"be left out: there is none in a file of the kind {opened.kind}"
        raise SettingError(sentence("delimiter", str(path), must, mark))
    notices, unreadable, (read, named) = list[str](), dict[str, str](), READERS[opened.kind]
    return _SheetReader(read(path, fault, notices, unreadable), skip, notices, unreadable, named)


class _TextReader(RowReader):
    """The rows of a text."""

    what = "line"

    def __init__(self, opened: Opened, fault: Fault, delimiter: str | None, skip: int) -> None:
        found = layout(opened.head, skip, delimiter, fault)
        self.width, self.titles = found.width, found.above + found.titles if found.titles else 0
        self.delimiter = found.delimiter
        self._name = NAMES.get(found.delimiter, repr(found.delimiter))
        taken = delimiter is None and found.delimiter != ","
        self.notices = [f"cells are separated by a {self._name}"] if taken else []
        self._fault, self._lines = fault, Lines(opened, fault)
        self._lines.skip(found.above)
        self._rows = csv.reader(self._lines, strict=True, delimiter=found.delimiter)

    @property
    def number(self) -> int:
        """Of the line."""
        return self._lines.number

    def next(self) -> list[str] | None:
        """The cells of the next row."""
        self._lines.start()
        first = self.number + 1
        try:
            return next(self._rows, None)
        except csv.Error as error:
            must = f"be cells with a {self._name} between them, quoted as a whole"
            many = self.number > first  # a quote that is not closed takes all lines below it
            what = f"lines {first} to {self.number}" if many else f"line {self.number}"
            got, remedy = str(error), _QUOTE if many else None
            if "new-line character" in got:  # advice on Python's `open`
                got = "a carriage return within a line"
                remedy = "line breaks of one kind, as CRLF, or quotes around the cell"
            raise self._fault(what, must, got, remedy) from error

    def close(self) -> None:
        """Nothing to close: the lines are those of the open file."""


class _SheetReader(RowReader):
    """The rows of a sheet, each at least as wide as the first."""

    what = "row"
    delimiter = ""

    def __init__(
        self,
        rows: Generator[list[str]],
        skip: int,
        notices: list[str],
        unreadable: Mapping[str, str],
        named: bool,
    ) -> None:
        self._source, self.unreadable, self.named = rows, unreadable, named and not skip
        below = itertools.islice(rows, skip, None)
        sample = list(itertools.islice(below, SAMPLE))
        widths = list(map(len, sample)) or [0]
        self.width = max(widths)
        place = widths.index(self.width)
        self.titles = skip + place if place else 0
        self.notices, self._number = notices, skip
        self._first = widths[0]
        self._rows = itertools.chain(sample, below)

    @property
    def number(self) -> int:
        """Of the row."""
        return self._number

    def next(self) -> list[str] | None:
        """The cells of the next row."""
        row = next(self._rows, None)
        self._number += 1
        return row + [""] * (self._first - len(row)) if row else row

    def close(self) -> None:
        """Closes the library's own view of the file."""
        self._source.close()
