"""CSV files: what is read, what is refused by line and column, and what it may cost."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.data import lines, table
from trainlab.data.table import TableFile, harmless, read_table, write_table
from trainlab.errors import DataError, SettingError

# What a process that refuses a file may use beyond what the imports do; a line is 2^30 bytes.
HEADROOM = 100 << 20


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_numbers_and_text_in_any_order(tmp_path: Path) -> None:
    path = written(tmp_path, "a,kind,b\n1,x,2.5\n-.5,y,+1E-3\n")
    found = read_table(path, text=["kind"])
    assert found.names == ("a", "b")
    assert found.numbers.tolist() == [[1.0, 2.5], [-0.5, 0.001]]
    assert found.text == {"kind": ["x", "y"]}
    assert read_table(path, numbers=["b", "a"]).numbers.tolist() == [[2.5, 1.0], [0.001, -0.5]]
    assert len(found) == 2


def test_numbers_come_back_to_the_bit(tmp_path: Path, rng: np.random.Generator) -> None:
    bits = rng.integers(0, 2**64, (50, 3), dtype=np.uint64)
    values = bits.view(np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    path = written(tmp_path, write_table({name: values[:, k] for k, name in enumerate("abc")}))
    assert read_table(path).numbers.tobytes() == values.tobytes()


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "\ufeffa,b\n1,2\n3,4\n",
        '"a","b"\n"1","2"\n"3","4"\n',
        "a,b\n\n1,2\n\n3,4\n\n",
        " a , b \n 1,2 \n3,\t4\n",
    ],
)
def test_the_same_table_in_several_spellings(content: str, tmp_path: Path) -> None:
    found = read_table(written(tmp_path, content))
    assert (found.names, found.numbers.tolist()) == (("a", "b"), [[1.0, 2.0], [3.0, 4.0]])


def test_cells_in_quotes(tmp_path: Path) -> None:
    cells = ["a,b", 'say "x"', "two\nlines", "ü", ""]
    with open(tmp_path / "table.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["n", "t"], *([k, cell] for k, cell in enumerate(cells))])
    found = read_table(tmp_path / "table.csv", text=["t"])
    assert found.text["t"] == cells
    assert found.numbers.ravel().tolist() == [0, 1, 2, 3, 4]


def test_blocks_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(21.0).reshape(7, 3)
    path = written(tmp_path, write_table({name: values[:, k] for k, name in enumerate("abc")}))
    for numbers in (1, 3, 6, 7, 20, 21, 22):
        monkeypatch.setattr(table, "BLOCK_NUMBERS", numbers)
        with TableFile(path) as file:
            parts = list(file.blocks(["c"], ["a"]))
        assert max(map(len, parts)) == min(max(1, numbers // 3), 7)
        assert np.concatenate([part.numbers for part in parts]).tolist() == values[:, 2:].tolist()
        assert [cell for part in parts for cell in part.text["a"]] == [
            str(value) for value in values[:, 0]
        ]


def test_a_block_of_text_ends_where_its_letters_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "n,t\n" + "".join(f"{k},{'x' * 6}\n" for k in range(7)))
    for letters, sizes in ((6, [1] * 7), (7, [2, 2, 2, 1]), (18, [3, 3, 1]), (42, [7]), (43, [7])):
        monkeypatch.setattr(table, "BLOCK_LETTERS", letters)
        with TableFile(path) as file:
            parts = list(file.blocks(["n"], ["t"]))
        assert list(map(len, parts)) == sizes
        assert [n for part in parts for n in part.numbers[:, 0].tolist()] == list(range(7))


def test_numbers_may_be_missing_where_that_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "a,kind,b\n1,x,\nNA,,2\n inf ,NA,3\n")
    with TableFile(path) as file:
        (part,) = file.blocks(["b", "a"], ["kind"], holes=True)
    assert np.array_equal(part.numbers, [[np.nan, 1], [2, np.nan], [3, np.nan]], equal_nan=True)
    cells = part.cells(["a", "kind", "b"])
    assert cells[:, 1].tolist() == ["x", "", "NA"]
    assert np.array_equal(cells[:, 2].astype(float), [np.nan, 2, 3], equal_nan=True)
    for wrong in ("big", "1e999", '"1,5"', "="):
        with TableFile(written(tmp_path, f"a\n1\n{wrong}\n")) as file:
            complains(
                lambda file=file: list(file.blocks(holes=True)), DataError, "column 'a' in line 3"
            )


def test_names_that_are_places_are_names(tmp_path: Path) -> None:
    assert read_table(written(tmp_path, "0,1,2\n5,6,7\n")).names == ("0", "1", "2")
    assert read_table(written(tmp_path, "1,2,3\n5,6,7\n")).names == ("1", "2", "3")


@pytest.mark.parametrize(
    ("content", "starts"),
    [
        ("", "first line of"),
        ("\n", "first line of"),
        ("a,b\n", "rows of"),
        ("a,b\n\n\n", "rows of"),
        ("a,\n1,2\n", "names of columns of"),
        ("a,\ufeff \u200b\n1,2\n", "names of columns of"),
        (",\n1,2\n", "names of columns of"),
        ("5.1,3.5\n4.9,3.0\n", "names of columns of"),
        ("a,a\n1,2\n", "names of columns of"),
        ("a, a\n1,2\n", "names of columns of"),
        ("a,b\n1\n", "line 2 of"),
        ("a,b\n1,2\n1,2,3\n", "line 3 of"),
        ('a,b\n"1\n",2\n1,2,3\n', "line 4 of"),
        ("a:b\n1:2\n", "column 'a:b' in line 2 of"),
        ("a,b\n1,\n", "column 'b' in line 2 of"),
        ("a,b\n1,x\n", "column 'b' in line 2 of"),
        ("a,b\n1,2\n1,nan\n", "column 'b' in line 3 of"),
        ("a,b\n1,inf\n", "column 'b' in line 2 of"),
        ("a,b\n1,1e999\n", "column 'b' in line 2 of"),
        ("a,b\n1,1_000\n", "column 'b' in line 2 of"),
        ("a,b\n1,0x10\n", "column 'b' in line 2 of"),
        ("a,b\n1,1e\n", "column 'b' in line 2 of"),
        ("a,b\n1,1-2\n", "column 'b' in line 2 of"),
        ("a,b\n1,\u0663\n", "column 'b' in line 2 of"),
        ("a,b\n1,=1+1\n", "column 'b' in line 2 of"),
        ("a,b\n1,=cmd|' /C calc'!A0\n", "column 'b' in line 2 of"),
        ('a,b\n1,"2"3\n', "line 2 of"),
        ('a,b\n1,"2\n', "line 2 of"),
        ("a,b\r1,2\r", "line 1 of"),
        ("a,b\n1,2\0\n", "line 2 of"),
        (b"a,b\n1,\xff\n", "line 2 of"),
        ("a,b\n1,2\n".encode("utf-16"), "file of"),
        ("a,b\n1," + "9" * 200_000 + "\n", "line 2 of"),
        ("a,b\n" + "," * lines.MAX_LINE, "line 2 of"),
        ('a,b\n"' + "1\n" * lines.MAX_LINE, "lines 2 to 65538 of"),
        (",".join(f"c{k}" for k in range(table.MAX_COLUMNS + 1)) + "\n", "columns of"),
    ],
    ids=range(36),
)
def test_what_is_no_table_is_refused(content: str | bytes, starts: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    complains(lambda: read_table(path), DataError, f"{starts} {path} must")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("größe;kauf\n1;2\n".encode("latin-1"), "got 'the byte 0xf6 in "),
        (
            "größe;kauf\n1;2\n".encode("latin-1"),
            "try --encoding cp1252 (encoding= in Python), or to",
        ),
        ("a,b\n1,2\n".encode("utf-16"), "try --encoding utf-16 (encoding= in Python), or to"),
        ("a,b,a\n1,2,3\n", "got 'a' 2 times; try to rename one of them"),
        ("Sales,,\n,,\na,b,c\n1,2,3\n", "try a name for each column, or --skip-lines 2"),
        ('a,b\n1,2\n"3,4\n5,6\n', "lines 3 to 4 of"),
        ('a,b\n1,2\n"3,4\n5,6\n', "try to close the double quote that one of the first"),
    ],
)
def test_what_is_no_table_is_refused_with_what_helps(
    content: str | bytes, told: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert told in str(caught.value)


TEXT = "größe;“kauf”\n1;2\n3;4\n"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_other_encodings(encoding: str, pack: Any, tmp_path: Path) -> None:
    rows = "5;6\n" * 20_000  # more than is looked at before the file is read
    path = written(tmp_path, pack((TEXT + rows).encode(encoding)))
    table = read_table(path, encoding=encoding)
    assert table.names == ("größe", "“kauf”")
    assert table.numbers[:3].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert len(table.numbers) == 20_002


OF_WINDOWS = (
    "content of {} must be text in latin-1; got 'the byte 0x80, which is € in cp1252'; "
    "try --encoding cp1252 (encoding= in Python)"
)


@pytest.mark.parametrize(
    ("content", "encoding", "error", "starts"),
    [
        (b"a,b\n\x81,2\n", "cp1252", DataError, "content of {} must be text in cp1252; got"),
        (b"a,b\n1,2\n", "utf-16", DataError, "content of {} must be text in utf-16; got"),
        ("a;b\n1;2\n3 €;4\n".encode("cp1252"), "latin-1", DataError, OF_WINDOWS),
        (b"a,b\n1,2\n", "cp125", SettingError, "encoding of a table must be the name of an"),
        (b"a,b\n1,2\n", "rot13", SettingError, "encoding of a table must be the name of an"),
        (b"a,b\n1,2\n", 7, SettingError, "encoding of a table must be the name of an"),
        (b"PK\x03\x04", "cp1252", SettingError, "encoding of {} must be left out: there is none"),
    ],
)
def test_encodings_that_are_wrong(
    content: bytes, encoding: Any, error: Any, starts: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    complains(lambda: read_table(path, encoding=encoding), error, starts.format(path))


def test_all_columns_that_are_missing_are_named_and_those_that_may_be_meant(tmp_path: Path) -> None:
    path = written(tmp_path, "Shop,area\n1,2\n")
    with pytest.raises(DataError) as caught:
        read_table(path, ["shop", "area", "promo"])
    assert "must have the columns 'shop', 'promo'" in str(caught.value)
    assert str(caught.value).endswith("try to rename 'Shop' to 'shop'")


def test_empty_cells_are_quoted_where_they_are_alone() -> None:
    assert write_table({"a": ["1", ""], "b": ["", "x"]}) == b"a,b\n1,\n,x\n"
    assert write_table({"a": ["1", ""]}) == b'a\n1\n""\n'


def test_a_row_of_many_lines_has_an_end(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + '"1\n",' * (lines.MAX_LINE // 5 + 1))
    complains(lambda: read_table(path), DataError, f"line {lines.MAX_LINE // 5 + 3} of")


def test_files_that_are_none(tmp_path: Path) -> None:
    complains(lambda: read_table(tmp_path / "absent"), DataError, "file of")
    complains(lambda: read_table(tmp_path), DataError, "file of")
    complains(lambda: read_table("a\0b"), SettingError, "path of")
    path = written(tmp_path, "a,b\n1,2\n3,4\n")
    complains(lambda: read_table(path, text=["kind"]), DataError, "table of")
    complains(lambda: read_table(path, numbers=["c"]), DataError, "table of")
    complains(lambda: read_table(path, max_numbers=3), DataError, "table of")
    assert len(read_table(path, max_numbers=4)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits memory on Linux alone")
def test_a_line_of_a_gigabyte_takes_little_memory(tmp_path: Path) -> None:
    for name, start in (("first", b""), ("second", b"a,b\n"), ("quoted", b'a,b\n1,"')):
        with open(tmp_path / name, "wb") as file:
            file.write(start)
            file.truncate(1 << 30)  # of zeros, which take no room on the disk
    code = (
        "import sys, resource\n"
        "from trainlab.data.table import read_table\n"
        "from trainlab.errors import DataError\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "limit = used + int(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "for path in sys.argv[2:]:\n"
        "    try: read_table(path)\n"
        "    except DataError as error: print(\"bytes; got 'more'\" in str(error))\n"
    )
    paths: list[Any] = [tmp_path / name for name in ("first", "second", "quoted")]
    words = [sys.executable, "-c", code, str(HEADROOM), *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 3


def test_an_endless_file_is_refused() -> None:
    if os.path.exists("/dev/zero"):
        complains(lambda: read_table("/dev/zero"), DataError, "line 1 of /dev/zero")


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+x"]
)
def test_formulas_become_text_for_a_spreadsheet_alone(cell: str, tmp_path: Path) -> None:
    assert harmless(cell) == f"'{cell}"
    columns = {"n": [1, 2], cell: [cell, "plain"]}
    for excel, shown in ((False, cell), (True, f"'{cell}")):
        path = written(tmp_path, write_table(columns, excel))
        with open(path, encoding="utf-8-sig", newline="") as file:
            assert list(csv.reader(file)) == [["n", shown], ["1", shown], ["2", "plain"]]
        assert path.read_bytes().startswith(b"\xef\xbb\xbf") is excel


@pytest.mark.parametrize(
    "cell", ["", " ", " a ", "'=1", '"', 'a"b,c', "\r", "a\r\nb", "\ufeffa", "\x1b[2J", "None", "0"]
)
def test_cells_come_back_as_they_were(cell: str, tmp_path: Path) -> None:
    """Also in a column of its own, where an empty line would be no row."""
    for columns in ({"x": [cell, "b"]}, {"x": ["b", cell], "y": [cell, "c"]}):
        path = written(tmp_path, write_table(columns))
        assert read_table(path, (), list(columns)).text == columns
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert rows == [list(columns), *map(list, zip(*columns.values(), strict=True))]


def test_half_a_character_is_refused() -> None:
    complains(lambda: write_table({"a": ["\ud800"]}), DataError, "text of write_table")


@pytest.mark.parametrize("cell", ["-1", "+2.5", "-1e-3", "a=1", "", "x", 3, -3.5, True])
def test_what_is_no_formula_stays(cell: Any) -> None:
    assert harmless(cell) == str(cell)


def test_columns_of_several_lengths_are_no_table() -> None:
    complains(lambda: write_table({"a": [1], "b": [1, 2]}), SettingError, "columns of write_table")
