"""Tables in Parquet files and Excel workbooks, as rows of text cells.

A cell is what a CSV file would have in its place: a number with all its digits, a date as in
2024-12-31, nothing where there is no value.  pyarrow and openpyxl come with the extras
`parquet` and `excel`.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import itertools
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.data.cells import SheetNumber, bare
from trainlab.data.lines import MAX_UNPACKED, TABLES, Fault, Kind
from trainlab.errors import DataError

MAX_WORKBOOK: Final = 1 << 30
"""Bytes of a workbook once it is unpacked."""
MAX_CELLS: Final = 1 << 28
"""Cells of a sheet, empty ones among them."""
_BATCH: Final = 1 << 10
INDEX: Final = "index"
"""The name given to a column of row names that has none, as pandas and R write it."""
_LITERAL: Final = re.compile(r'"[^"]*"|[\\_*].')
"""Parts of a format of numbers that are shown as they are, or leave room or fill it."""
# What pandas calls such a column in a Parquet file.
_PANDAS_INDEX: Final = "__index_level_0__"
# The tests of pyarrow, not all of them in every version, for types of what is in no cell.
_OF_NO_CELLS: Final = (
    *("is_nested", "is_binary", "is_large_binary", "is_fixed_size_binary", "is_binary_view"),
)
_KIND: Final = b"ARROW:extension:name"
_MORE: Final = b"ARROW:extension:metadata"
# Parts of archives that are no workbooks, what these are, and what to do about them.
_ARCHIVES: Final = (
    ("xl/workbook.bin", "an Excel workbook of the binary kind (.xlsb)", "to save it as .xlsx"),
    ("content.xml", "an OpenDocument spreadsheet (.ods)", "to save it as .xlsx"),
)
_ARCHIVE: Final = ["a ZIP archive", "to unpack it first"]


def parquet_rows(
    path: Path, fault: Fault, notices: list[str], unreadable: dict[str, str]
) -> Generator[list[str]]:
    """The names of the columns of a Parquet file, then its rows.

    notices  gets a sentence for a column that has no name, and for durations
    unreadable  gets the names of columns that hold other things than cells do, and what they hold
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise _needs("Parquet file", "pyarrow", "parquet", fault) from error
    try:
        with parquet.ParquetFile(path) as file:
            about, schema = file.metadata, file.schema_arrow
            cells = about.num_rows * max(1, about.num_columns)
            unpacked = sum(
                about.row_group(group).total_byte_size for group in range(about.num_row_groups)
            )
            if cells > MAX_CELLS or unpacked > MAX_UNPACKED:
                must = f"be at most {MAX_CELLS} cells in {MAX_UNPACKED} bytes"
                raise fault("content", must, f"{cells} in {unpacked}")
            types = pyarrow.types
            tests = [getattr(types, test) for test in _OF_NO_CELLS if hasattr(types, test)]
            kept = [getattr(column.type, "storage_type", column.type) for column in schema]
            others = {
                place: str(schema.types[place])
                for place, kind in enumerate(kept)
                if any(test(kind) for test in tests)
            }
            frequencies = {place: _frequency(column) for place, column in enumerate(schema)}
            periods = {p: _period_cells(name) for p, name in frequencies.items() if name}
            others |= {
                place: f"pandas periods of the frequency {frequencies[place]!r}"
                for place, cell in periods.items()
                if cell is None
            }
            names = list(schema.names)
            unreadable |= {bare(names[place]): kind for place, kind in others.items()}
            if _PANDAS_INDEX in names and INDEX not in names:
                names[names.index(_PANDAS_INDEX)] = INDEX
                notices.append(unnamed(names.index(INDEX) + 1))
            durations = {
                place: 1000 ** ["s", "ms", "us", "ns"].index(kind.unit)
                for place, kind in enumerate(kept)
                if types.is_duration(kind)
            }
            notices += [_of_durations(names[place]) for place in durations]
            yield names
            for batch in file.iter_batches(_BATCH):
                columns: list[Iterable[Any]] = [
                    itertools.repeat(None, batch.num_rows)
                    if place in others
                    else (one.cast(pyarrow.int64()) if place in durations else one).to_pylist()
                    for place, one in enumerate(batch.columns)
                ]
                for place, parts in durations.items():
                    columns[place] = [None if n is None else n / parts for n in columns[place]]
                for place, cell in periods.items():
                    columns[place] = columns[place] if cell is None else map(cell, columns[place])
                for row in zip(*columns, strict=True):
                    yield list(map(_text, row))
    except DataError:
        raise
    except Exception as error:  # pyarrow raises errors of many kinds for a damaged file
        raise fault("file", "be a sound Parquet file", _first_line(error)) from error


def workbook_rows(
    path: Path, fault: Fault, notices: list[str], unreadable: dict[str, str]
) -> Generator[list[str]]:
    """The rows of the first sheet of an Excel workbook, without empty cells on their right.

    notices  gets a sentence where there are other sheets, and for durations and what may be some
    unreadable  is for files of other kinds
    """
    try:
        import openpyxl
    except ImportError as error:
        raise _needs("Excel workbook", "openpyxl", "excel", fault) from error
    try:
        with zipfile.ZipFile(path) as parts:
            size, names = sum(part.file_size for part in parts.infolist()), parts.namelist()
            if "xl/workbook.xml" not in names:
                found = next((kind for part, *kind in _ARCHIVES if part in names), _ARCHIVE)
                raise fault("file", TABLES, *found)
        if size > MAX_WORKBOOK:
            raise fault("content", f"be at most {MAX_WORKBOOK} bytes when unpacked", size)
        with _quietly():
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        with contextlib.closing(book):
            sheet, others = book.worksheets[0], len(book.worksheets) - 1
            if others:
                notices.append(f"read sheet {sheet.title!r} alone, not the {others} after it")
            sheet.reset_dimensions()  # what it declares may be a million empty rows
            rows, count, empty = sheet.iter_rows(), 0, True
            names, told = list[str](), set[int]()
            while (row := _next(rows)) is not None:
                count += len(row)
                if count > MAX_CELLS:
                    raise fault("content", f"be at most {MAX_CELLS} cells", "more")
                width = len(row)
                while width and row[width - 1].value in (None, ""):
                    width -= 1
                empty = empty and not width
                shown = list(map(_shown, row[:width]))
                names = shown if len(shown) > len(names) else names
                for place, cell in enumerate(row[:width]):
                    if place not in told and (notice := _told_of(cell, names[place])):
                        told.add(place)
                        notices.append(notice)
                yield shown
            if empty and others:
                must, remedy = "hold the table", "a workbook that begins with its sheet"
                raise fault("first sheet", must, f"nothing in {sheet.title!r}", remedy)
    except DataError:
        raise
    except Exception as error:  # of zlib, expat and openpyxl, if it is damaged
        raise fault("file", "be a sound Excel workbook", _first_line(error)) from error


Rows = Callable[[Path, Fault, list[str], dict[str, str]], Generator[list[str]]]
READERS: Final[Mapping[Kind, tuple[Rows, bool]]] = {
    "parquet": (parquet_rows, True),
    "excel": (workbook_rows, False),
}
"""What reads the rows of each kind of file, and whether the first has the names for certain."""


def _next(rows: Iterator[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    with _quietly():  # not around the loop: the code that uses the rows may warn, too
        return next(rows, None)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without openpyxl's warnings of styles and extensions that it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def unnamed(place: int) -> str:
    """What is said about a column without a name."""
    return f"column {place} has no name: it is called {INDEX!r} here"


def _of_durations(name: str) -> str:
    return f"{name!r} holds durations: taken in seconds"


def _text(value: Any) -> str:
    """A cell as a CSV file has it."""
    if value is None:
        return ""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return SheetNumber(value)
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")  # a day, as Excel and pandas keep it
    return str(value)


def _frequency(column: Any) -> str:
    """That of a column of pandas periods, which a file has as numbers from 1970 on; "" of others.

    Their type is known as such where pandas is imported.
    """
    about = dict(column.metadata or {})
    if hasattr(column.type, "extension_name"):
        about = {_KIND: column.type.extension_name.encode(), _MORE: b"{}"}
        if about[_KIND] == b"pandas.period":
            about[_MORE] = column.type.__arrow_ext_serialize__()
    return str(json.loads(about[_MORE])["freq"]) if about.get(_KIND) == b"pandas.period" else ""


_UNITS: Final[Mapping[str, tuple[Any, int]]] = {
    name: (unit, count)
    for unit, count, *names in (
        ("Y", 1, "Y-DEC", "A-DEC"),
        ("M", 12, "Y", "A"),
        ("M", 3, "Q"),
        ("M", 1, "M"),
        ("D", 7, "W"),
        ("D", 1, "D"),
        ("B", 1, "B"),
        ("m", 60, "h", "H"),
        ("m", 1, "min", "T"),
        ("s", 1, "s", "S"),
        ("ms", 1, "ms", "L"),
        ("us", 1, "us", "U"),
        ("ns", 1, "ns", "N"),
    )
    for name in names
}
"""Periods of pandas by their frequency: the unit of NumPy, and how many of it one takes."""
_ENDS: Final = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", "SUN MON TUE WED THU FRI SAT"
_SHIFTS: Final[Mapping[str, int]] = {
    end: place - last
    for ends, last in zip(_ENDS, (11, 10), strict=True)
    for place, end in enumerate(ends.split())
}
"""Where the period 0 begins, in months or days from 1970 on, by its last month or weekday."""


def _period_cells(frequency: str) -> Callable[[int | None], str | None] | None:
    """What makes cells of periods of pandas, by their numbers; None where the frequency is unknown.

    A cell is the first moment of a period, as the TableEncoder has it.

    >>> [_period_cells(one)(650) for one in ("M", "Q-NOV", "W-SUN", "2h")]
    ['2024-03', '2132-06', '1982-06-07', '1970-01-28 02:00']
    >>> _period_cells("moon")
    """
    name = frequency.lstrip("0123456789")
    kind, _, end = name.partition("-")
    unit, count = _UNITS.get(name) or _UNITS.get(kind, ("", 0))
    if not unit or end not in ("", *_SHIFTS):
        return None
    shift = _SHIFTS.get(end, 0)

    def cell(number: int | None) -> str | None:
        if number is None:
            return None
        if unit == "B":
            return str(np.busday_offset("1970-01-01", np.int64(number), "forward"))
        return str(np.datetime64(count * number + shift, unit)).replace("T", " ")

    return cell


def _shown(cell: Any) -> str:
    """A cell of a workbook; 0.125 that is shown as 12.5% is "12.5%"."""
    value = cell.value
    if type(value) in (int, float) and "%" in _LITERAL.sub("", cell.number_format or ""):
        return SheetNumber(f"{(decimal.Decimal(repr(value)) * 100).normalize():f}%")
    return _text(value)


def _told_of(cell: Any, name: str) -> str:
    """What is said about a column of a workbook with such a cell; "" of most."""
    value = cell.value
    if isinstance(value, datetime.timedelta):
        return _of_durations(name)
    if type(value) is float and cell.number_format == "0" and not value.is_integer():
        shows = f"{name!r} shows whole numbers and holds fractions, as {value:g}"
        return f"{shows}: taken as they are; durations that pandas wrote are such numbers, of days"
    return ""


def _needs(kind: str, library: str, extra: str, fault: Fault) -> DataError:
    remedy = f"pip install 'trainlab[{extra}]', or the table as CSV"
    return fault("file", f"be CSV where {library} is not installed", kind, remedy)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
