"""Parquet files and Excel workbooks, read as if they were CSV."""

from __future__ import annotations

import builtins
import datetime
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, get_args

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet
import pytest

from complaints import complains
from trainlab.data import sheets
from trainlab.data.formats import NumberFormat
from trainlab.data.lines import _SHEETS, Kind
from trainlab.data.sheets import READERS
from trainlab.data.table import TableFile, read_table
from trainlab.errors import DataError, SettingError
from trainlab.estimators import TableEncoder

FRAME = pd.DataFrame(
    {
        "x": [0.1, np.nan, 1e300, 3.0],
        "n": [1, 2, 3, 2**40],
        "word": ["red", None, " blue", "5"],
        "flag": [True, False, True, True],
        "day": pd.to_datetime(["2024-01-31"] * 4),
    }
)
FLIPS = 60


@pytest.fixture(params=["csv", "parquet", "xlsx"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(FRAME, tmp_path / f"table.{request.param}")


def test_every_kind_of_file_has_a_reader() -> None:
    lacking = {*get_args(Kind), *(kind for _, kind in _SHEETS)} - {*READERS, "text"}
    assert not lacking, f"READERS in src/trainlab/data/sheets.py needs a row for {lacking}"
    lacking = set(READERS) - {kind for _, kind in _SHEETS}
    assert not lacking, f"_SHEETS in src/trainlab/data/lines.py needs a row for {lacking}"


def written(frame: pd.DataFrame, path: Path, **options: Any) -> Path:
    if path.suffix == ".xlsx":
        frame.to_excel(path, **{"index": False} | options)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, **options)
    else:
        frame.to_csv(path, index=False)
    return path


def test_the_same_table_in_all_files(path: Path) -> None:
    with TableFile(path) as file:
        (part,) = file.blocks(["x", "n"], ["word", "flag", "day"], holes=True)
        assert (file.names, file.notices) == (tuple(FRAME.columns), ())
    expected = FRAME[["x", "n"]].to_numpy(dtype=float)
    assert np.array_equal(part.numbers, expected, equal_nan=True)
    assert part.text["word"] == ["red", "", " blue", "5"]
    assert part.text["flag"] == ["True", "False", "True", "True"]
    assert part.text["day"] == ["2024-01-31"] * 4


def test_faults_name_the_row(path: Path) -> None:
    what = "line" if path.suffix == ".csv" else "row"
    complains(lambda: read_table(path, ["word"]), DataError, f"column 'word' in {what} 2 of {path}")


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_an_index_without_a_name(suffix: str, tmp_path: Path) -> None:
    path = written(FRAME, tmp_path / f"table.{suffix}", index=True)
    with TableFile(path) as file:
        place = file.names.index("index") + 1
        assert file.notices == (f"column {place} has no name: it is called 'index' here",)
        (part,) = file.blocks(["index"])
        assert part.numbers.ravel().tolist() == [0, 1, 2, 3]


def test_titles_empty_cells_and_other_sheets(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    with pd.ExcelWriter(path) as book:
        frame = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [3.0, np.nan, np.nan], "c": "xyz"})
        frame.loc[2, "c"] = None
        frame.to_excel(book, sheet_name="first", startrow=2, index=False)
        book.sheets["first"]["A1"] = "Report"
        FRAME.to_excel(book, sheet_name="second")
    with pytest.raises(DataError, match=r"got 'Report'; try --skip-lines 2 \("):
        TableFile(path)
    with TableFile(path, skip_lines=2) as file:
        (part,) = file.blocks(["a", "b"], ["c"], holes=True)
        assert file.notices == ("read sheet 'first' alone, not the 1 after it",)
    assert np.array_equal(part.numbers, [[1, 3], [2, np.nan]], equal_nan=True)


def test_bytes_of_any_kind_are_no_cells(tmp_path: Path) -> None:
    path, made = tmp_path / "table.parquet", pyarrow.array([b"x"])
    for kind in ("binary", "large_binary", "binary_view"):
        if hasattr(pyarrow, kind):
            own = made.cast(getattr(pyarrow, kind)())
            pyarrow.parquet.write_table(pyarrow.table({"a": own}), path)
            told = f"column 'a' of {path} must hold numbers, words or dates; got '{kind}'"
            complains(lambda: read_table(path, text=["a"]), DataError, told)


def test_durations_of_a_parquet_file_are_seconds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": pd.to_timedelta(["1h", None, "90s", "0s", "-2 days"]), "n": 1})
    with TableFile(written(frame, tmp_path / "table.parquet")) as file:
        (part,) = file.blocks(["t"], holes=True)
        assert file.notices == ("'t' holds durations: taken in seconds",)
    assert np.array_equal(part.numbers[:, 0], [3600, np.nan, 90, 0, -172_800], equal_nan=True)
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        made = pyarrow.array([10**15, None, -3], pyarrow.duration(unit))
        pyarrow.parquet.write_table(pyarrow.table({"t": made}), tmp_path / "far.parquet")
        found = read_table(tmp_path / "far.parquet", text=["t"]).text["t"]
        assert found == [str(1e15 / scale), "", str(-3 / scale)]


def test_durations_that_pandas_wrote_into_a_workbook_are_announced(tmp_path: Path) -> None:
    """They are days, of which a spreadsheet shows whole ones: nothing tells them from numbers."""
    frame = pd.DataFrame({"n": [0.5, 2], "t": pd.to_timedelta(["1 day", "30h"])})
    with TableFile(written(frame, tmp_path / "table.xlsx")) as file:
        (told,) = file.notices
        assert told.startswith("'t' shows whole numbers and holds fractions, as 1.25: taken as ")
        (part,) = file.blocks(["n", "t"])
    assert part.numbers.tolist() == [[0.5, 1], [2, 1.25]]


def test_durations_of_a_workbook_are_seconds(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    cells = [datetime.timedelta(hours=30), None, datetime.timedelta(seconds=90)]
    for row in (["a title"], ["n", "t"], *([n, cell] for n, cell in enumerate(cells))):
        book.active.append(row)
    book.save(tmp_path / "table.xlsx")
    with TableFile(tmp_path / "table.xlsx", skip_lines=1) as file:
        assert file.notices == ("'t' holds durations: taken in seconds",)
        (part,) = file.blocks(["t"], holes=True)
    assert np.array_equal(part.numbers[:, 0], [108_000, np.nan, 90], equal_nan=True)


SCRIPT = """
import sys
from trainlab.data.table import TableFile
with TableFile(sys.argv[1]) as file:
    print([*file.blocks((), file.names)][0].text, "pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("frequency", "cells"),
    [
        ("M", ["1969-05", "", "2024-12"]),
        ("Q", ["1969-04", "", "2024-10"]),
        ("Y", ["1969", "", "2024"]),
        ("D", ["1969-05-07", "", "2024-12-31"]),
    ],
)
def test_periods_of_pandas_are_dates(frequency: str, cells: list[str], tmp_path: Path) -> None:
    """In the file they are numbers from 1970 on; their type is known where pandas is imported."""
    days = ("1969-05-07", None, "2024-12-31")
    periods = [pd.Period(day, freq=frequency) for day in days]
    path = written(pd.DataFrame({"m": periods, "n": 1}), tmp_path / "table.parquet")
    assert read_table(path, text=["m", "n"]).text["m"] == cells
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], capture_output=True, text=True, check=True
    )
    assert told.stdout == f"{ {'m': cells, 'n': ['1'] * 3} } False\n"


FREQUENCIES = "D M 3M Q-NOV Q-JAN Y-JUN W-SUN W-MON W-SAT B h 2h min s ms us ns"


@pytest.mark.filterwarnings("ignore:.*(BDay freq|Dtype.B. is):FutureWarning")
@pytest.mark.parametrize("frequency", FREQUENCIES.split())
def test_periods_are_what_they_are_in_a_frame(frequency: str, tmp_path: Path) -> None:
    days = ["2024-02-29 14:30", "1969-03-05 23:10", None, "2023-12-31 00:00:01"]
    frame = pd.DataFrame({"m": [pd.Period(day, freq=frequency) for day in days], "n": 1})
    path = written(frame, tmp_path / "table.parquet")
    cells = np.array([[cell] for cell in read_table(path, text=["m", "n"]).text["m"]], object)
    expected = TableEncoder().fit_transform(frame[["m"]])
    assert TableEncoder().fit_transform(cells).tolist() == expected.tolist()


def test_intervals_are_refused(tmp_path: Path) -> None:
    held = pd.interval_range(0, 3)
    path = written(pd.DataFrame({"m": held, "n": 1}), tmp_path / "table.parquet")
    assert read_table(path, ["n"]).numbers.tolist() == [[1], [1], [1]]
    with pytest.raises(DataError, match=r"column 'm' of .* must hold numbers, words or dates; got"):
        read_table(path, text=["m"])


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_numbers_of_cells_are_no_texts_of_a_decimal_comma(suffix: str, tmp_path: Path) -> None:
    """A model of a table with 1.234,50 for the number 1234.5 may get a sheet with the number."""
    frame = pd.DataFrame({"x": [1.234, 12.5], "n": [1234, 7], "s": ["1.234", "12,5"]})
    path, comma = written(frame, tmp_path / f"table.{suffix}"), NumberFormat(",", ".")
    with TableFile(path) as file:
        (part,) = file.blocks(["x", "n", "s"], formats=dict.fromkeys("xns", comma))
    assert part.numbers.tolist() == [[1.234, 1234, 1234], [12.5, 7, 12.5]]


def test_empty_rows_above_the_names(tmp_path: Path) -> None:
    path = written(FRAME, tmp_path / "table.xlsx", startrow=1)
    with pytest.raises(DataError, match=r"names of the columns; got 'nothing'; try --skip-lines 1"):
        TableFile(path)
    with TableFile(path, skip_lines=1) as file:
        assert file.names == tuple(FRAME.columns)


def test_names_that_are_numbers(tmp_path: Path) -> None:
    """In a Parquet file they are names for certain; elsewhere a row of numbers looks so."""
    frame = pd.DataFrame({"a": [1.0], "2023": [2.0], "2024": [3.0]})
    path = written(frame, tmp_path / "table.parquet")
    assert read_table(path, ["2024", "a"]).numbers.tolist() == [[3, 1]]
    for suffix in ("csv", "xlsx"):
        path = written(frame, tmp_path / f"table.{suffix}")
        with pytest.raises(DataError, match=r"'2023' as column 2.*, or y2024 for a column that"):
            TableFile(path)


def test_a_first_sheet_without_a_table(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame().to_excel(book, sheet_name="cover", index=False)
        FRAME.to_excel(book, sheet_name="data", index=False)
    told = f"first sheet of {path} must hold the table; got \"nothing in 'cover'\"; try a workbook"
    complains(lambda: TableFile(path), DataError, told)


def test_times_of_a_day_and_dates(tmp_path: Path) -> None:
    when = datetime.datetime(2024, 1, 31, 12, 30)
    for suffix in ("parquet", "xlsx"):
        path = written(pd.DataFrame({"t": [when], "n": [1]}), tmp_path / f"table.{suffix}")
        assert read_table(path, text=["t"]).text["t"] == ["2024-01-31 12:30:00"]


def test_percentages_are_what_a_csv_file_has(tmp_path: Path) -> None:
    """By how a cell is shown: a percent sign in quotes, or behind a number, says nothing."""
    book = openpyxl.Workbook()
    cells = [(0.05, "0%"), (0.07, "0.00%"), (-1, "0 %;[Red]-0 %"), (1.25, "0.0%"), (0, "0%")]
    others = [(0.5, "General"), (0.5, '0.0" % of all"'), (2, "0\\%"), (True, "0%"), ("a%", "0%")]
    others += [(0.25, "0.00_%"), (3, "*%0")]  # the width of a sign, and what fills a cell
    sheet = book.active
    assert sheet is not None
    for row, (value, shown) in enumerate([("share", "General"), *cells, *others], 1):
        sheet.cell(row, 1, value).number_format = shown
    book.save(tmp_path / "table.xlsx")
    with TableFile(tmp_path / "table.xlsx") as file:
        (part,) = file.blocks((), ["share"])
    shares = ["5%", "7%", "-100%", "125%", "0%"]
    assert part.text["share"] == [*shares, "0.5", "0.5", "2", "True", "a%", "0.25", "3"]


def test_there_is_no_delimiter(tmp_path: Path) -> None:
    for suffix in ("parquet", "xlsx"):
        path = written(FRAME, tmp_path / f"table.{suffix}")
        complains(lambda path=path: TableFile(path, ","), SettingError, f"delimiter of {path}")


def test_lists_are_no_cells(tmp_path: Path) -> None:
    """They are left alone where nobody asks for them."""
    for cell in ([1, 2], {"a": 1}, b"x"):
        frame = pd.DataFrame({"x": [0.5], " a": [cell], "word": ["red"]})
        path = written(frame, tmp_path / "table.parquet")
        told = f"column 'a' of {path} must hold numbers, words or dates; got "
        for asked in ((["a"], ()), ((), ["a", "x"])):
            complains(lambda path=path, asked=asked: read_table(path, *asked), DataError, told)
        found = read_table(path, ["x"], ["word"])
        assert (found.numbers.tolist(), found.text) == ([[0.5]], {"word": ["red"]})


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a_file_that_is_damaged_is_a_data_error(
    suffix: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    path = written(FRAME, tmp_path / f"table.{suffix}")
    whole = path.read_bytes()
    for flip in range(FLIPS):
        content = bytearray(whole)
        if flip % 2:
            content[rng.integers(4, len(whole))] ^= 1 << rng.integers(8)
        else:
            del content[rng.integers(4, len(whole)) :]
        path.write_bytes(content)
        try:
            read_table(path, ["x"], ["word"])
        except DataError as error:
            assert str(path) in str(error)  # noqa: PT017  # the byte may be one that nobody reads


def test_what_they_may_hold_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix, limit in (
        ("parquet", "MAX_CELLS"),
        ("parquet", "MAX_UNPACKED"),
        ("xlsx", "MAX_WORKBOOK"),
    ):
        path = written(FRAME, tmp_path / f"table.{suffix}")
        with monkeypatch.context() as patch:
            patch.setattr(sheets, limit, 19)
            complains(lambda path=path: TableFile(path), DataError, f"content of {path} must be at")


def test_a_cell_far_away_is_no_billion_of_cells(tmp_path: Path) -> None:
    path = written(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), tmp_path / "table.xlsx")
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    for end, told in ((b"</sheetData>", None), (far, "row 1048576 of")):
        with zipfile.ZipFile(path, "w") as new:
            for name, content in parts.items():
                wide = content.replace(b"A1:B3", b"A1:XFD1048576")
                new.writestr(name, wide.replace(b"</sheetData>", end))
        if told is None:
            assert read_table(path).numbers.tolist() == [[1, 3], [2, 4]]
        else:
            complains(lambda: read_table(path), DataError, told)


def test_an_archive_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "table.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("table.csv", "a,b\n1,2\n")
    must = f"file of {path} must be CSV, Parquet or an Excel workbook; got "
    complains(lambda: TableFile(path), DataError, must + "'a ZIP archive'; try to unpack it first")
    for part, told in (("xl/workbook.bin", "(.xlsb)"), ("content.xml", "(.ods)")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(part, "")
        complains(lambda: TableFile(path), DataError, must)
        with pytest.raises(DataError, match=re.escape(f"{told}'; try to save it as .xlsx")):
            TableFile(path)


@pytest.mark.parametrize(
    ("suffix", "library", "extra"),
    [("parquet", "pyarrow", "parquet"), ("xlsx", "openpyxl", "excel")],
)
def test_without_the_extra_its_name_is_said(
    suffix: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(FRAME, tmp_path / f"table.{suffix}")
    right = builtins.__import__

    def absent(name: str, *given: Any) -> Any:
        if name.split(".")[0] == library:
            raise ImportError(name)
        return right(name, *given)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(DataError, match=rf"try pip install 'trainlab\[{extra}\]'"):
        TableFile(path)
