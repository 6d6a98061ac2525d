"""Tables in CSV files, read as if they were hostile, and written so that they harm nobody.

Order: what is read, the file, cells and lines, then writing.

The first line names the columns.  Lines are read one at a time and never beyond a limit, rows
in blocks, so that a file costs what a block costs, whatever its size and whatever it claims.
Cells are numbers as programs write them (12, -0.5, 1e-3; no NaN, no thousands separators), or
text, or numbers of which some are missing, where that is asked for.  The format is RFC 4180's:
commas, double quotes, UTF-8.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import as_path

MAX_LINE: Final = 1 << 22
"""Bytes of a row, line breaks in quotes included."""
MAX_COLUMNS: Final = 100_000
MAX_NUMBERS: Final = 1 << 28
"""Numbers of a table that is read as a whole: 2 GiB."""
BLOCK_NUMBERS: Final = 1 << 20
"""Numbers that are read at a time."""
BLOCK_LETTERS: Final = 1 << 24
"""Letters of text that are read at a time, and those of one row more."""

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# `float` takes more than numbers as programs write them (1_000, nan, other scripts' digits);
# of these characters it takes no more than that.
_PLAIN: Final = re.compile(r"[0-9+\-.eE]*")
_NOT_A_NAME: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "inf", "-inf"})
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM: Final = b"\xef\xbb\xbf"


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of a table: names of d columns, their numbers (N, d) float64, and columns of text."""

    names: tuple[str, ...]
    numbers: NDArray[np.float64]
    text: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.numbers)

    def cells(self, names: Sequence[str]) -> NDArray[Any]:
        """The columns of these names as objects (N, d): numbers, NaN for none; text as it is."""
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
) -> Table:
    """The columns of a CSV file: `text` as strings, and `numbers` (None: all others) as float64.

    Raises DataError, which names the file, the line and the column, for anything that is not
    a table of at most `max_numbers` numbers.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "flowers.csv")
    ...     _ = path.write_text("width,length,kind\\n0.5,2,iris\\n1e-1,3,rose\\n")
    ...     table = read_table(path, text=["kind"])
    >>> table.names, table.numbers.tolist(), table.text
    (('width', 'length'), [[0.5, 2.0], [0.1, 3.0]], {'kind': ['iris', 'rose']})
    """
    with TableFile(path) as file:
        parts, count = [], 0
        for part in file.blocks(numbers, text):
            parts.append(part)
            count += part.numbers.size
            if count > max_numbers:
                must = f"be at most {max_numbers} numbers"
                raise DataError(sentence("table", str(path), must, f"{count} or more"))
    texts = {name: [cell for part in parts for cell in part.text[name]] for name in text}
    return Table(parts[0].names, np.concatenate([part.numbers for part in parts]), texts)


class TableFile:
    """A CSV file that is open: the names of its columns, and its rows, once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens the file and reads its first line."""
        self.path = as_path(path, "path", "a table")
        self._file: IO[bytes] = self._open()
        self._lines = _Lines(self._file, self._fault)
        self._rows = csv.reader(self._lines, strict=True)
        try:
            self.names = self._header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def blocks(
        self, numbers: Sequence[str] | None = None, text: Sequence[str] = (), holes: bool = False
    ) -> Iterator[Table]:
        """The rows, some at a time; other columns are left out, whatever they hold.

        holes: whether a number may be missing, which is NaN then.
        """
        names = tuple(n for n in self.names if n not in text) if numbers is None else (*numbers,)
        places, texts = self._places(names), self._places(text)
        rows_at_once, rows = max(1, BLOCK_NUMBERS // max(1, len(self.names))), self._records()
        empty = True
        while True:
            values, cells = array("d"), [list[str]() for _ in texts]
            count = letters = 0
            for row in itertools.islice(rows, rows_at_once):
                values.extend(self._numbers([row[place] for place in places], names, holes))
                for column, place in zip(cells, texts, strict=True):
                    column.append(row[place])
                    letters += len(row[place])
                count += 1
                if letters >= BLOCK_LETTERS:
                    break
            if count:
                block = np.array(values, dtype=np.float64).reshape(count, len(names))
                yield Table(names, block, dict(zip(text, cells, strict=True)))
                empty = False
            if count < rows_at_once and letters < BLOCK_LETTERS:
                break
        if empty:
            raise self._fault("rows", "be there below the names", "none")

    def _records(self) -> Iterator[list[str]]:
        """The rows, each with a cell for every column."""
        while (row := self._record()) is not None:
            if not row:
                continue  # an empty line
            if len(row) != len(self.names):
                must = f"have {len(self.names)} cells, one for each name in the first line"
                raise self._fault(f"line {self._lines.number}", must, len(row))
            yield row

    def _record(self) -> list[str] | None:
        """The next row; None at the end of the file."""
        self._lines.start()
        try:
            return next(self._rows, None)
        except csv.Error as error:
            what = f"line {self._lines.number}"
            raise self._fault(what, "be cells between commas, quoted as a whole", str(error)) from (
                error
            )

    def _numbers(self, cells: list[str], names: tuple[str, ...], holes: bool) -> Iterable[float]:
        """The numbers in the cells of a row; NaN for a hole where there may be some."""
        if _PLAIN.fullmatch("".join(cells)):
            with contextlib.suppress(ValueError):
                values = [float(cell) for cell in cells]
                if math.isfinite(sum(values)):
                    return values
        values = []
        for cell, name in zip(cells, names, strict=True):
            value = number(cell)
            if not (math.isfinite(value) or (holes and is_missing(cell))):
                what = f"column {name!r} in line {self._lines.number}"
                must = f"be a finite number, as 12 or -0.5 or 1e-3{', or empty' if holes else ''}"
                raise self._fault(what, must, cell)
            values.append(value)
        return values

    def _header(self) -> tuple[str, ...]:
        row = self._record()
        if not row:
            raise self._fault("first line", "be the names of the columns", "nothing")
        names = tuple(name.strip() for name in row)
        if len(names) > MAX_COLUMNS:
            raise self._fault("columns", f"be at most {MAX_COLUMNS}", len(names))
        for place, name in enumerate(names, 1):
            # Numbers are what a file without names begins with; pandas names columns 0, 1, 2.
            is_number = _NUMBER.fullmatch(name) and name not in (str(place), str(place - 1))
            if name.lower() in _NOT_A_NAME or is_number:
                remedy = "a first line such as width,length,height"
                raise self._fault(f"name of column {place}", "be a word", name, remedy)
        name, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise self._fault("names of columns", "differ from each other", f"{name!r} twice")
        return names

    def _places(self, names: Sequence[str]) -> list[int]:
        place = {name: index for index, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            must = f"have the columns {', '.join(map(repr, missing[:5]))}"
            raise self._fault("table", must, list(self.names))
        return [place[name] for name in names]

    def _open(self) -> IO[bytes]:
        try:
            return open(self.path, "rb")
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or str(error)
            raise self._fault("file", "be there, and readable", text) from error

    def _fault(self, what: str, must: str, got: object, remedy: str | None = None) -> DataError:
        return DataError(sentence(what, str(self.path), must, got, remedy))


def number(cell: str) -> float:
    """The number in a cell; NaN where it is none, as in a cell that is empty or a word.

    >>> number(" 1e-3"), number("1,5"), number("nan")
    (0.001, nan, nan)
    """
    plain = cell.strip(" \t")
    value = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    return value if math.isfinite(value) else math.nan


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, or one of the words for that."""
    return cell.strip().lower() in _NOT_A_NAME


class _Lines:
    """The lines of a file as text.  A row may take several of them, and MAX_LINE bytes."""

    def __init__(self, file: IO[bytes], fault: Any) -> None:
        self._file, self._fault = file, fault
        self.number = 0
        self._left = MAX_LINE

    def start(self) -> None:
        """A new row begins."""
        self._left = MAX_LINE

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        try:
            line = self._file.readline(self._left + 1)
        except OSError as error:
            text = error.strerror or str(error)
            raise self._fault("file", "be there, and readable", text) from error
        if not line:
            raise StopIteration
        self.number += 1
        what = f"line {self.number}"
        if len(line) > self._left:
            raise self._fault(what, f"belong to a row of at most {MAX_LINE} bytes", "more")
        self._left -= len(line)
        if self.number == 1:
            line = line.removeprefix(_BOM)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            remedy = "to save the table as CSV in UTF-8"
            raise self._fault(what, "be text in UTF-8", str(error), remedy) from error
        if "\0" in text:
            raise self._fault(what, "hold no null character", "one")
        return text


def write_table(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> bytes:
    """A CSV file of columns of equal lengths, by name.

    Text that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a
    line break, and is no number) gets an apostrophe in front, which spreadsheets do not show.
    Source: OWASP, "CSV injection".

    >>> write_table({"kind": ["iris", "=1+1"], "share": [0.5, 1.0]}).decode().split()
    ['kind,share', 'iris,0.5', "'=1+1,1.0"]
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise SettingError(sentence("columns", "write_table", "have one length", lengths))
    rows = [tuple(columns), *zip(*columns.values(), strict=True)]
    lines = (",".join(_quoted(harmless(cell)) for cell in row) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def harmless(cell: Any) -> str:
    """A cell as text that no spreadsheet runs."""
    text = str(cell)
    is_formula = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def _quoted(text: str) -> str:
    """A cell as RFC 4180 wants it.  Python's writer leaves a lone carriage return unquoted."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
