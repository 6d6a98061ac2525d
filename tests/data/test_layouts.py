"""Files of tables: which mark separates cells, what stands above, and what is no text at all."""

from __future__ import annotations

import csv
import gzip
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.data import lines
from trainlab.data.table import TableFile, read_table
from trainlab.errors import DataError, SettingError

MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
ROWS = [["a", "b b", "c"], ["1", "2.5", "x, y; z"], ["3", "4", 'say "|"\t']]


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(mark: str, folder: Path, above: str = "") -> Path:
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(above)
        csv.writer(file, delimiter=mark).writerows(ROWS)
    return path


def read(path: Path, **options: Any) -> tuple[Any, ...]:
    with TableFile(path, **options) as file:
        (part,) = file.blocks(file.names[:-1], file.names[-1:])
        return file.names, part.numbers.tolist(), part.text[file.names[-1]], file.notices


FOUND = (tuple(ROWS[0]), [[1, 2.5], [3, 4]], [ROWS[1][2], ROWS[2][2]])


@pytest.mark.parametrize("mark", MARKS)
def test_the_delimiter_is_found_and_said(mark: str, tmp_path: Path) -> None:
    path = table(mark, tmp_path)
    notices = () if mark == "," else (f"cells are separated by a {MARKS[mark]}",)
    assert read(path) == (*FOUND, notices)
    for asked in (mark, MARKS[mark]):
        assert read(path, delimiter=asked) == (*FOUND, ())
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert read(path) == (*FOUND, notices)


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_line_breaks_alone_end_lines(sign: str, tmp_path: Path) -> None:
    """And no other signs that break lines on a screen, as some that come from web pages do."""
    path = written(tmp_path, "a,b,c\n" + f"1,x{sign}y,3\n" * 9)
    with TableFile(path) as file:
        (part,) = file.blocks(["a", "c"], ["b"])
    assert (part.numbers.tolist(), part.text["b"]) == ([[1, 3]] * 9, [f"x{sign}y"] * 9)


def test_empty_lines_above_the_names_can_be_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, "\n\na,b,c\n1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match=r"names of the columns; got 'nothing'; try --skip-lines 2"):
        TableFile(path)
    assert read_table(path, skip_lines=2).numbers.tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(DataError, match=r"got 'nothing'$"):
        TableFile(written(tmp_path, ""))


def test_any_other_delimiter_can_be_asked_for(tmp_path: Path) -> None:
    assert read(table(":", tmp_path), delimiter=":") == (*FOUND, ())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_excel_says_its_delimiter(line_end: str, tmp_path: Path) -> None:
    path = table("|", tmp_path, f"sep=|{line_end}")
    assert read(path) == (*FOUND, ("cells are separated by a bar",))
    assert read(path, delimiter="bar") == (*FOUND, ())
    path = table(";", tmp_path, f"Title{line_end}sep=;{line_end}")
    assert read(path, skip_lines=1)[:3] == FOUND
    assert read(path, skip_lines=2)[:3] == FOUND


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1;2,3;4\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a;b,c;d\n1,5;2,5;3\n", ";"),
        ("a\n1\n", ","),
        ("a,b,c\n1|2,3|4,5|6\n", ","),
        ('a;"b,\nc"\n1;2\n', ";"),
        ("a;b\n" + "1;2\n" * 50_000 + "1;2,5;3\n", ";"),  # only the first lines are looked at
        ('a,b\n1,"' + "x;\n" * 60_000 + '"\n2,3\n', ","),  # of which the last may be cut
    ],
)
def test_the_mark_that_all_rows_agree_on(content: str, delimiter: str, tmp_path: Path) -> None:
    with TableFile(written(tmp_path, content)) as file:
        assert file.delimiter == delimiter


def test_marks_that_fit_equally_well_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "price, EUR;b\n1,5;2\n")
    complains(lambda: TableFile(path), DataError, f"delimiter of {path} must be one of")
    with TableFile(path, delimiter="semicolon") as file:
        assert file.names == ("price, EUR", "b")


@pytest.mark.parametrize("wrong", ["", "ab", "\n", '"', "\0", 5, [";"], b";"])
def test_what_is_no_delimiter(wrong: Any, tmp_path: Path) -> None:
    path = table(",", tmp_path)
    complains(lambda: TableFile(path, delimiter=wrong), SettingError, "delimiter of a table must")


@pytest.mark.parametrize("wrong", [-1, 1.0, True, "1", None, 10**20])
def test_what_is_no_number_of_lines(wrong: Any, tmp_path: Path) -> None:
    path = table(",", tmp_path)
    complains(lambda: TableFile(path, skip_lines=wrong), SettingError, "skip_lines of a table must")


@pytest.mark.parametrize(
    ("above", "count"),
    [("Report\n", 1), ("Report, of 2024\n", 1), ("\nReport\n\n", 3), ('"Report\nof"\n', 2)],
)
def test_lines_above_the_names_are_said_and_skipped(above: str, count: int, tmp_path: Path) -> None:
    path = table(",", tmp_path, above)
    if not above.startswith("\n"):
        with pytest.raises(DataError) as caught:
            read_table(path)
        assert f"first line of {path} must name the 3 columns" in str(caught.value)
        assert f"--skip-lines {count} (skip_lines= in Python)" in str(caught.value)
    assert read(path, skip_lines=count)[:3] == FOUND
    complains(lambda: read(path, skip_lines=10**6), DataError, f"first line of {path} must be the")


def test_a_first_column_without_a_name_is_called_index(tmp_path: Path) -> None:
    found = read_table(written(tmp_path, ",a\n7,1\n8,2\n"))
    assert (found.names, found.numbers.tolist()) == (("index", "a"), [[7, 1], [8, 2]])
    with TableFile(written(tmp_path, "\ufeff \u200b;a\n7;1\n")) as file:
        assert file.names == ("index", "a")
        assert file.notices == (
            "cells are separated by a semicolon",
            "column 1 has no name: it is called 'index' here",
        )
    complains(lambda: read_table(written(tmp_path, ",index\n7,1\n")), DataError, "names of columns")


def test_names_are_no_cells(tmp_path: Path) -> None:
    names = ("Na", "NaN", "none", "inf", "null", "N/A")
    assert read_table(written(tmp_path, ",".join(names) + "\n1,2,3,4,5,6\n")).names == names


def test_names_and_cells_have_one_rule_for_white_space(tmp_path: Path) -> None:
    found = read_table(written(tmp_path, "\xa0a\u200b,b\u3000\n1\xa0,\u202f2\n\u20073,4\ufeff\n"))
    assert (found.names, found.numbers.tolist()) == (("a", "b"), [[1, 2], [3, 4]])


def test_all_names_that_are_wrong_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a,,5.5,a,\n1,2,3,4,5\n")
    told = "'' as column 2, '5.5' as column 3, '' as column 5, 'a' 2 times"
    with pytest.raises(DataError, match=f"got {told}; try a first line such as"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a;b;\n1;2;\n", "got '' as column 3, since lines end with ';'; try lines without it"),
        ("a;b;\n1;2;3\n", "got '' as column 3; try a first line such as"),
        ("a;b;\n", "got '' as column 3; try a first line such as width,length,height"),
        (
            "sizes;;result\na;b;c\n1;2;3\n",
            r"height, or --skip-lines 1 \(skip_lines= in Python\) if the names are in line 2",
        ),
    ],
)
def test_missing_names_are_told_with_what_helps(content: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=told):
        read_table(written(tmp_path, content))


def test_the_first_wrong_cell_of_each_column_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b,c\n1,2,x\n1,y,z\nw,2,3\n")
    told = "column 'c' in line 2 of .* got 'x', and 'y' of column 'b' in line 3, "
    with pytest.raises(DataError, match=told + "and 'w' of column 'a' in line 4$"):
        read_table(path)
    written(tmp_path, "a,b,c\n1,2,x\n1,y,z,9\nw,2,3\n")
    with pytest.raises(DataError, match=r"got 'x'; and line 3 of .* must have 3 cells"):
        read_table(path)
    written(tmp_path, 'a,b\n"1,5",2\n3,"4,25"\n')
    with pytest.raises(DataError, match=r"; try --decimal comma$"):
        read_table(path)
    written(tmp_path, 'a,b\n"1,500",2\n')
    with pytest.raises(DataError, match=r"; try --decimal point or --decimal comma$"):
        read_table(path)


# --- files that are no plain text ------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel workbook (.xls), or one with a password"),
        (b"BZh91AY&SY", "a file compressed with bzip2"),
        (b"\xfd7zXZ\0\0", "a file compressed with xz"),
        (b"\x28\xb5\x2f\xfd\0", "a file compressed with Zstandard"),
        (b"ARROW1\0\0", "a Feather file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html>", "a page in HTML or XML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "a page in HTML or XML"),
        (b'[{"a": 1}]', "JSON"),
        (b'{"a": {"b": 1}}\r\n{"a": {}}\r\n', "JSON lines"),
        (b'\n{\n "a": [1]}', "JSON"),
        (b"[[1, 2], [3, 4]]", "JSON"),
    ],
)
def test_other_files_are_called_by_their_names(content: bytes, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    complains(lambda: read_table(path), DataError, f"file of {path} must be CSV, Parquet or")
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert f"got {words!r}; try " in str(caught.value)
    assert ("lines=True" in str(caught.value)) == (words == "JSON lines")


@pytest.mark.parametrize("name", ["PAR1", "BZh9", "[a]", "{a}", "<b>", "PK", "%PDF"])
def test_names_that_look_like_other_files_are_names(name: str, tmp_path: Path) -> None:
    assert read_table(written(tmp_path, f"{name},b\n1,2\n")).names == (name, "b")


def test_gzip_that_is_damaged(tmp_path: Path, rng: np.random.Generator) -> None:
    text = "a,b\n" + "".join(f"{rng.random()},{n}\n" for n in range(20_000))
    whole = gzip.compress(text.encode())
    assert len(read_table(written(tmp_path, whole))) == 20_000
    for content in (
        whole[:2],
        whole[:12],
        whole[:-1],
        whole[: len(whole) // 2],
        whole[:-8] + bytes(8),
        whole + b"x",
    ):
        path = written(tmp_path, content)
        complains(lambda path=path: read_table(path), DataError, f"gzip stream of {path} must be")
    # Damage in the middle is found at the latest by the checksum, and before as what it made.
    path = written(tmp_path, whole[:5000] + bytes(5) + whole[5005:])
    complains(lambda: read_table(path), DataError)


def test_what_gzip_may_hold_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 100))
    for limit in (404, 403):
        with monkeypatch.context() as patch:
            patch.setattr(lines, "MAX_UNPACKED", limit)
            if limit == 404:
                assert len(read_table(path)) == 100
            else:
                told = f"content of {path} must be at most 403 bytes"
                complains(lambda: read_table(path), DataError, told)
    bomb = written(tmp_path, gzip.compress(bytes(1 << 26)))
    complains(lambda: read_table(bomb), DataError, f"line 1 of {bomb} must belong to a row of at")
    inner = written(tmp_path, gzip.compress(b"PK\x03\x04"))
    complains(lambda: read_table(inner), DataError, f"content of {inner} must be CSV")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_in_whatever_pieces_it_comes(pack: Any, tmp_path: Path) -> None:
    content = pack(b"a;b\n" + b"1;2\n" * 40_000)
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with open(path, "wb", buffering=0) as file:
            file.writelines(content[at : at + 4097] for at in range(0, len(content), 4097))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert len(read_table(path)) == 40_000
    finally:
        writer.join()
