"""Tables in Parquet files and Excel workbooks, as rows of cells in text.

A cell is what a CSV file would have in its place: a number with all its digits, a date as in
2024-12-31, nothing where there is no value.  pyarrow and openpyxl come with the extras
`parquet` and `excel`.
"""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from trainlab.data.lines import MAX_UNPACKED, Fault
from trainlab.errors import DataError

MAX_WORKBOOK: Final = 1 << 30
"""Bytes of a workbook once it is unpacked."""
MAX_CELLS: Final = 1 << 28
"""Cells of a sheet, empty ones among them."""
_BATCH: Final = 1 << 10
INDEX: Final = "index"
"""The name of a column of names of rows that has none, as pandas and R write it."""
# What pandas calls such a column in Parquet.
_PANDAS_INDEX: Final = "__index_level_0__"


def parquet_rows(path: Path, fault: Fault, notices: list[str]) -> Iterator[list[str]]:
    """The names of the columns of a Parquet file, then its rows.

    notices  is told of a column that has no name
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
            for column in schema:
                if pyarrow.types.is_nested(column.type) or pyarrow.types.is_binary(column.type):
                    must = "hold numbers, words or dates"
                    raise fault(f"column {column.name!r}", must, str(column.type))
            names = list(schema.names)
            if _PANDAS_INDEX in names and INDEX not in names:
                names[names.index(_PANDAS_INDEX)] = INDEX
                notices.append(unnamed(names.index(INDEX) + 1))
            yield names
            for batch in file.iter_batches(_BATCH):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield list(map(_text, row))
    except DataError:
        raise
    except Exception as error:  # of whatever kind a damaged file makes pyarrow raise
        raise fault("file", "be a sound Parquet file", _first_line(error)) from error


def workbook_rows(path: Path, fault: Fault, notices: list[str]) -> Iterator[list[str]]:
    """The rows of the first sheet of an Excel workbook, without empty cells on their right.

    notices  is told which sheet it is, where there are others
    """
    try:
        import openpyxl
    except ImportError as error:
        raise _needs("Excel workbook", "openpyxl", "excel", fault) from error
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
            if "xl/workbook.xml" not in parts.namelist():
                raise fault("file", "be CSV, Parquet or an Excel workbook", "a ZIP archive")
        if size > MAX_WORKBOOK:
            raise fault("content", f"be at most {MAX_WORKBOOK} bytes when unpacked", size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that it does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                sheet = book.worksheets[0]
                if len(book.worksheets) > 1:
                    others = len(book.worksheets) - 1
                    notices.append(f"read sheet {sheet.title!r} alone, not the {others} after it")
                sheet.reset_dimensions()  # what it claims, which may be a million empty rows
                count = 0
                for row in sheet.iter_rows(values_only=True):
                    count += len(row)
                    if count > MAX_CELLS:
                        raise fault("content", f"be at most {MAX_CELLS} cells", "more")
                    width = len(row)
                    while width and row[width - 1] in (None, ""):
                        width -= 1
                    yield list(map(_text, row[:width]))
            finally:
                book.close()
    except DataError:
        raise
    except Exception as error:  # of zlib, expat and openpyxl, if it is damaged
        raise fault("file", "be a sound Excel workbook", _first_line(error)) from error


def unnamed(place: int) -> str:
    """What is said of a column without a name."""
    return f"column {place} has no name: it is called {INDEX!r} here"


def _text(value: Any) -> str:
    """A cell as a CSV file has it."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return str(value).removesuffix(" 00:00:00")  # a day, as Excel and pandas keep it
    return str(value)


def _needs(kind: str, library: str, extra: str, fault: Fault) -> DataError:
    remedy = f"pip install 'trainlab[{extra}]', or the table as CSV"
    return fault("file", f"be CSV where {library} is not installed", kind, remedy)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
