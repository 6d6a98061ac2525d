"""Tables in files: read as untrusted input, and written.

Order: what is read, the file, then writing.

The first line names the columns.  Lines are read one at a time and never beyond a limit, rows
in blocks, so that a file costs what a block costs, whatever its size and whatever it claims.
Cells are numbers as programs write them (12, -0.5, 1e-3; no NaN), or in a format that is given
for their column, or text, or numbers of which some are missing, where that is asked for.  Text
is RFC 4180's: UTF-8, double quotes, and commas or another mark between cells; it may be packed
with gzip.  Parquet files and Excel workbooks are read as if they were such text.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import shlex
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from trainlab.data.cells import NUMBER, bare
from trainlab.data.columns import NAMED, NumberReader
from trainlab.data.formats import NumberFormat
from trainlab.data.lines import BOM, Opened
from trainlab.data.rows import open_rows
from trainlab.data.sheets import INDEX, unnamed
from trainlab.errors import DataError, SettingError, describe, nearest, sentence
from trainlab.files import as_path
from trainlab.terminal import counted

MAX_COLUMNS: Final = 100_000
MAX_NUMBERS: Final = 1 << 28
"""Numbers of a table that is read as a whole: 2 GiB."""
BLOCK_NUMBERS: Final = 1 << 20
"""Numbers that are read at a time."""
BLOCK_LETTERS: Final = 1 << 24
"""Letters of text that are read at a time, and those of one row more."""

MISSING: Final = 20
"""Columns that are not there, of those that an error names."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of a table: names of d columns, their numbers (N, d) float64, and columns of text.

    lines  (N,), where each row stands in its file, as `TableFile.what` says; () of a whole table
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float64]
    text: dict[str, list[str]]
    lines: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def cells(self, names: Sequence[str]) -> NDArray[Any]:
        """The columns of these names as objects (N, d): numbers or NaN, and text as it is."""
        place = {name: column for column, name in enumerate(self.names)}
        cells = np.empty((len(self), len(names)), object)
        for column, name in enumerate(names):
            cells[:, column] = (
                self.text[name] if name in self.text else self.numbers[:, place[name]]
            )
        return cells


def read_table(
    path: str | os.PathLike[str],
    numbers: Sequence[str] | None = None,
    text: Sequence[str] = (),
    max_numbers: int = MAX_NUMBERS,
    *,
    delimiter: str | None = None,
    skip_lines: int = 0,
    encoding: str | None = None,
    formats: Mapping[str, NumberFormat] | None = None,
) -> Table:
    """The columns of a table in a file: `text` as strings, and `numbers` as float64.

    Parameters
    ----------
    path
        CSV, packed with gzip or not; Parquet, with the extra `parquet`; an Excel workbook,
        of which the first sheet is read, with the extra `excel`.
    numbers
        Names of columns; None: all that are not in `text`.
    max_numbers
        How many numbers there may be.
    delimiter
        Between cells, as ";" or "semicolon"; None: what the first lines show.
    skip_lines
        Lines above that with the names of the columns.
    encoding
        Of a text, as "cp1252" or "utf-16"; None: UTF-8.
    formats
        How numbers are written in columns where they are not plain.

    Raises
    ------
    DataError
        Names the file, the line and the column, for anything that is not such a table.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "flowers.csv")
    ...     _ = path.write_text("width,length,kind\\n0.5,2,iris\\n1e-1,3,rose\\n")
    ...     table = read_table(path, text=["kind"])
    >>> table.names, table.numbers.tolist(), table.text
    (('width', 'length'), [[0.5, 2.0], [0.1, 3.0]], {'kind': ['iris', 'rose']})
    """
    with TableFile(path, delimiter, skip_lines, encoding) as file:
        parts, count = [], 0
        for part in file.blocks(numbers, text, formats=formats or {}):
            parts.append(part)
            count += part.numbers.size
            if count > max_numbers:
                must = f"be at most {max_numbers} numbers"
                raise DataError(sentence("table", str(path), must, f"{count} or more"))
    texts = {name: [cell for part in parts for cell in part.text[name]] for name in text}
    return Table(parts[0].names, np.concatenate([part.numbers for part in parts]), texts)


class TableFile:
    """An open file of a table: the names of its columns and, once, its rows.

    names    of the columns
    notices  what was assumed about the file, in words
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        delimiter: str | None = None,
        skip_lines: int = 0,
        encoding: str | None = None,
        expected: Collection[str] = (),
    ) -> None:
        """Opens the file and reads the names; for the other parameters see `read_table`.

        expected  columns that are looked for: a first line that has all of them holds names
        """
        self.path = as_path(path, "path", "a table")
        with contextlib.ExitStack() as stack:
            opened = Opened(self.path, self._fault, encoding)
            stack.callback(opened.close)
            self._rows = open_rows(opened, self.path, self._fault, delimiter, skip_lines)
            stack.callback(self._rows.close)
            self.names = self._header(expected)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def delimiter(self) -> str:
        """Between cells of text; "" of a file of another kind."""
        return self._rows.delimiter

    @property
    def what(self) -> str:
        """What errors count: "line" or "row"."""
        return self._rows.what

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Columns that hold other things than cells do, by name, and what they hold."""
        return self._rows.unreadable

    @property
    def notices(self) -> tuple[str, ...]:
        """What was assumed about the file, in words."""
        return tuple(self._rows.notices)

    def blocks(
        self,
        numbers: Sequence[str] | None = None,
        text: Sequence[str] = (),
        holes: bool = False,
        formats: Mapping[str, NumberFormat] | None = None,
    ) -> Iterator[Table]:
        """The rows, some at a time; other columns are left out, whatever they hold.

        holes    whether a number may be missing; it is then NaN
        formats  of columns of numbers that are not plain
        DataError for cells that are not numbers: of each column the first in a block.
        """
        names = tuple(n for n in self.names if n not in text) if numbers is None else (*numbers,)
        places, texts = self._places(names), self._places(text)
        read = NumberReader(names, holes, formats or {})
        rows_at_once, rows = max(1, BLOCK_NUMBERS // max(1, len(self.names))), self._records()
        empty = True
        while True:
            values, cells, lines = array("d"), [list[str]() for _ in texts], array("q")
            letters = 0
            with read.complaints(self._rows.what, self.path):
                for row in itertools.islice(rows, rows_at_once):
                    lines.append(self._rows.number)
                    values.extend(read([row[place] for place in places], lines[-1]))
                    for column, place in zip(cells, texts, strict=True):
                        column.append(row[place])
                        letters += len(row[place])
                    if letters >= BLOCK_LETTERS:
                        break
            if lines:
                block = np.array(values, dtype=np.float64).reshape(len(lines), len(names))
                yield Table(names, block, dict(zip(text, cells, strict=True)), lines)
                empty = False
            if len(lines) < rows_at_once and letters < BLOCK_LETTERS:
                break
        if empty:
            raise self._fault("rows", "be there below the names", "none")

    def _records(self) -> Iterator[list[str]]:
        """The rows, each with a cell for every column."""
        while (row := self._rows.next()) is not None:
            if not row:
                continue  # an empty line
            if len(row) != len(self.names):
                cells = counted(len(self.names), "cell")
                must = f"have {cells}, one for each name in the first line"
                raise self._fault(f"{self._rows.what} {self._rows.number}", must, len(row))
            yield row

    def _header(self, expected: Collection[str]) -> tuple[str, ...]:
        row = self._rows.next()
        if not row:
            skip = self._rows.titles
            remedy = f"--skip-lines {skip} (skip_lines= in Python)" if skip else None
            raise self._fault("first line", "be the names of the columns", "nothing", remedy)
        names = [bare(name) for name in row]
        if self._rows.titles and (len(row) != self._rows.width or not all(names[1:])):
            must = f"name the {counted(self._rows.width, 'column')} that the rows below it have"
            remedy = "a name for each column, or " if len(row) > 1 else ""
            remedy += f"--skip-lines {self._rows.titles} (skip_lines= in Python)"
            raise self._fault("first line", must, row if len(row) > 1 else row[0], remedy)
        if len(names) > MAX_COLUMNS:
            raise self._fault("columns", f"be at most {MAX_COLUMNS}", len(names))
        if len(names) > 1 and not names[0] and INDEX not in names:
            names[0] = INDEX
            self._rows.notices.append(unnamed(1))
        # Where models know their columns by 0, 1, 2, a first row of data may have all of these.
        sure = {*expected} <= {*names} and not {*expected} <= {*map(str, range(len(names) + 1))}
        odd = {
            place: name
            for place, name in enumerate(names, 1)
            # Numbers are what a file without names begins with; pandas names columns 0, 1, 2.
            if not name
            or (not sure and self._is_number(name) and name not in (str(place), str(place - 1)))
        }
        faults = [f"{describe(name)} as column {place}" for place, name in odd.items()]
        remedy = "a first line such as width,length,height" if faults else "to rename one of them"
        if all(odd.values()) and odd:
            remedy += ", or y2024 for a column that is called 2024"
        times = Counter(filter(None, names))
        faults += [f"{describe(name)} {count} times" for name, count in times.items() if count > 1]
        if faults:
            must = "be words, and differ from each other"
            got = ", ".join(faults[:NAMED]) + ", …" * (len(faults) > NAMED)
            line, below = self._rows.number, [bare(cell) for cell in self._rows.next() or ()]
            at_the_end = self.delimiter and len(faults) == 1 and not names[-1]
            if at_the_end and below and not below[-1]:
                got += f", since lines end with {describe(self.delimiter)}"
                remedy = "lines without it at their end"
            elif "" in names and self._may_be_names(below):
                where = f"if the names are in {self._rows.what} {self._rows.number}"
                remedy += f", or --skip-lines {line} (skip_lines= in Python) {where}"
            text = f"names of columns of {self.path} must {must}; got {got}; try {remedy}"
            raise DataError(text)
        return tuple(names)

    def _may_be_names(self, row: Sequence[str]) -> bool:
        """Whether a row has a word for each column, but the first, which may be row names."""
        return len(row) > 1 and all(row[1:]) and not any(map(NUMBER.fullmatch, row))

    def _is_number(self, name: str) -> bool:
        """Whether a name is a number, and may be a cell of the first row."""
        return not self._rows.named and NUMBER.fullmatch(name) is not None

    def _places(self, names: Sequence[str]) -> list[int]:
        place = {name: index for index, name in enumerate(self.names)}
        self.require(names)
        return [place[name] for name in names]

    def require(self, names: Sequence[str]) -> None:
        """DataError where columns of these names are not there, or hold what no cell holds."""
        missing = [name for name in names if name not in self.names]
        if missing:
            more = f" and {len(missing) - MISSING} more" if len(missing) > MISSING else ""
            named = ", ".join(map(repr, missing[:MISSING])) + more
            must = f"have the column{'s' * (len(missing) > 1)} {named}"
            free = [name for name in self.names if name not in names]
            near = {name: found for name in missing[:NAMED] if (found := nearest(name, free))}
            remedy = ", ".join(f"to rename {found!r} to {name!r}" for name, found in near.items())
            raise self._fault("table", must, list(self.names), remedy or None)
        for name, kind in self.unreadable.items():
            if name in names:
                remedy = f"a table without it, or --drop {shlex.quote(name)} in a search"
                must = "hold numbers, words or dates"
                raise self._fault(f"column {name!r}", must, kind, remedy)

    def _fault(self, what: str, must: str, got: object, remedy: str | None = None) -> DataError:
        return DataError(sentence(what, str(self.path), must, got, remedy))


def write_table(columns: Mapping[str, Sequence[Any] | NDArray[Any]], excel: bool = False) -> bytes:
    """A CSV file of columns of equal lengths, by name; every cell is written as it is.

    Parameters
    ----------
    columns : mapping of str to sequence
        The cells of each column, all of one length.
    excel : bool, default False
        Write the file for a spreadsheet: the text of a cell that it would run as a formula is
        made `harmless`, and a byte order mark says that the file is UTF-8.

    Raises
    ------
    SettingError
        If the columns differ in length.
    DataError
        If a text holds half a character (a lone surrogate), which UTF-8 has no bytes for.

    Examples
    --------
    >>> write_table({"kind": ["iris", "=1+1"], "share": [0.5, 1.0]}).decode().split()
    ['kind,share', 'iris,0.5', '=1+1,1.0']
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise SettingError(sentence("columns", "write_table", "have one length", lengths))
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    cell: Callable[[Any], str] = harmless if excel else str
    alone = len(columns) == 1
    lines = [",".join(_quoted(cell(value), alone) for value in row) for row in rows]
    try:
        content = "".join(f"{line}\n" for line in lines).encode("utf-8")
    except UnicodeEncodeError as error:
        got = error.object[error.start : error.end]
        raise DataError(sentence("text", "write_table", "have a form in UTF-8", got)) from error
    return BOM + content if excel else content


def harmless(cell: Any) -> str:
    """A cell as text that no spreadsheet runs.

    Text that begins with =, +, -, @, a tab or a line break, and is not a number, gets an
    apostrophe in front.  Source: OWASP, "CSV injection".

    >>> harmless("=1+1"), harmless(-1.5)
    ("'=1+1", '-1.5')
    """
    text = str(cell)
    is_formula = text.startswith(_FORMULA) and not NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def _quoted(text: str, alone: bool) -> str:
    """A cell as RFC 4180 requires it; alone: in a row of its own.

    Python's writer leaves a lone carriage return unquoted.  Without quotes an empty cell that
    is alone would be an empty line, which readers skip, and a byte order mark in the first cell
    would be that of the file.
    """
    if (alone and not text) or any(mark in text for mark in ',"\r\n\ufeff'):
        return '"' + text.replace('"', '""') + '"'
    return text
