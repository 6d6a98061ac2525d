"""Numbers as people write them: which format a column has, and what stays in doubt."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.data.cells import SheetNumber, bare, is_missing, number
from trainlab.data.formats import (
    CURRENCIES,
    NumberFormat,
    Writing,
    formats,
    grouped,
    looks_numeric,
)
from trainlab.errors import SettingError

BLANKS = ("\xa0", "\u2007", "\u202f", "\u3000", "\ufeff", "\u200b", "\u2060", "\t", "\x1f", "\x85")


def writing(cells: Sequence[str]) -> Writing:
    found = Writing()
    found.add(cells)
    return found


def judged(*, decimal: Any = None, in_doubt: bool = False, **columns: Sequence[str]) -> Any:
    """The formats of these columns, as text, and what is said of those with a fault."""
    found = formats({name: writing(cells) for name, cells in columns.items()}, decimal, in_doubt)
    shown = {name: str(one) for name, one in found.found.items()}
    return shown, {name: text for got in found.faults.values() for name, text in got.items()}


@pytest.mark.parametrize("blank", BLANKS)
def test_white_space_at_the_ends_is_nothing(blank: str) -> None:
    assert bare(f"{blank}a{blank}b{blank} ") == f"a{blank}b"
    assert number(f"{blank}-1e3{blank}") == -1000
    assert is_missing(f"{blank}{blank}")
    assert is_missing(f"{blank}NA")


@pytest.mark.parametrize(
    ("cells", "format", "values"),
    [
        (["3,750", "950", "1,210"], "1,234.5", [3750, 950, 1210]),  # a decimal would not end in 0
        (["3,750", "1,234,567"], "1,234.5", [3750, 1234567]),
        (["3,751.5", "3,751"], "1,234.5", [3751.5, 3751]),
        (["1,23,456", "7"], "1,234.5", [123456, 7]),
        (["1,5", "-12,25", "3"], "1234,5", [1.5, -12.25, 3]),
        (["0,125", "3,751"], "1234,5", [0.125, 3.751]),  # groups do not begin with 0
        (["1,5E3", "2,5e-1"], "1234,5", [1500, 0.25]),
        (["1.234,5", "1.234"], "1.234,5", [1234.5, 1234]),
        (["1.234.567", "1,5"], "1.234,5", [1234567, 1.5]),
        (["$1.01", "$20", "-$3.5", "$-4", "5"], "$1234.5", [1.01, 20, -3.5, -4, 5]),
        (["1.234,50 €", "€ 3"], "1.234,5 €", [1234.5, 3]),
        (["EUR 3.5", "12 EUR"], "1234.5 EUR", [3.5, 12]),
        (["12%", "3.5 %", "-1 %"], "1234.5 %", [12, 3.5, -1]),
        (["12,5 %", "3 %"], "1234,5 %", [12.5, 3]),
        (["1'234.5", "1\u2019000"], "1'234.5", [1234.5, 1000]),
        (["1 234", "12\u202f345", "1\xa0000\xa0000"], "1 234.5", [1234, 12345, 1000000]),
        (["(12.5)", "3"], "1234.5", [-12.5, 3]),  # as accountants write
        (["$7", "$(1,234.5)", "($2)"], "$1,234.5", [7, -1234.5, -2]),
        (["(1.234,50) €", "7,5 €", "(3 €)"], "1.234,5 €", [-1234.5, 7.5, -3]),
        (["(0.5 %)", "1 %"], "1234.5 %", [-0.5, 1]),
        (["(12.50)", "(3)"], "1234.5", [-12.5, -3]),
        (["(1,234)", "(12.50)"], "1,234.5", [-1234, -12.5]),
        (["(1.234,50)", "(7,00)"], "1.234,5", [-1234.5, -7]),
        (["$(3)", "(2)"], "$1234.5", [-3, -2]),
        (["\u22121.5", "2", "$\u22123"], "$1234.5", [-1.5, 2, -3]),
    ],
)
def test_the_format_of_a_column(cells: list[str], format: str, values: list[float]) -> None:
    (found,) = formats({"a": writing(cells)}).found.values()
    assert str(found) == format
    assert [found.read(cell) for cell in cells] == values
    assert all(map(looks_numeric, cells))


def test_brackets_with_commas_are_amounts_beside_other_commas() -> None:
    amounts, pairs = ["(12,54)", "(3)", "(0,70)"], ["(12,54)", "(1,2)"]
    assert judged(a=amounts) == judged(a=pairs) == ({}, {})
    euros = {"b": "1234,5"}
    assert judged(a=amounts, b=["1,5"]) == ({"a": "1234,5"} | euros, {})
    assert judged(a=pairs, b=["1,5"]) == (euros, {})
    assert judged(a=amounts, decimal="comma") == ({"a": "1234,5"}, {})
    assert judged(a=amounts, b=["1.5"]) == judged(a=amounts, decimal="point") == ({}, {})


def test_numbers_of_a_sheet_have_a_decimal_point() -> None:
    """Their texts are made here: 1.234 of a cell is no 1234, whatever other cells look like."""
    euros, plain = NumberFormat(",", ".", "€"), NumberFormat(",", ".")
    for value in (1.234, 1234.5, 1e-7, -3, 0.125):
        assert euros.read(SheetNumber(value)) == plain.read(SheetNumber(value)) == value
    assert plain.read("1.234") == 1234
    assert math.isnan(NumberFormat(unit="kg").read(SheetNumber(1.5)))
    numbers, texts = [SheetNumber(1.234), SheetNumber(7)], ["1,5", "2,25"]
    assert judged(a=numbers, b=texts) == ({"b": "1234,5"}, {})
    assert judged(a=["1.234", "7"], b=texts) == ({"a": "1.234,5", "b": "1234,5"}, {})
    assert judged(a=[*numbers, *texts]) == ({"a": "1234,5"}, {})
    # So they do not tell either what a comma in texts is, or how percentages are read.
    unclear = {"a": "'1,100' in 'a', which is 1100 or 1.1"}
    assert judged(a=["1,100", "2,250"], b=[SheetNumber(0.5)]) == ({}, unclear)
    assert judged(a=["1,100", SheetNumber(0.5)]) == ({}, unclear)
    shares = [SheetNumber("12.125%"), SheetNumber("5%")]
    found, faults = judged(a=shares, b=texts)
    assert (found, faults) == ({"a": "1234.5 %", "b": "1234,5"}, {})
    assert NumberFormat(",", ".", "%").read(shares[0]) == 12.125
    assert math.isnan(plain.read(shares[0]))
    assert judged(a=[SheetNumber(7), *texts]) == ({"a": "1234,5"}, {})


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "-2.5", "1e3", ".5", "1.", ""],
        ["1.234", "2.345"],  # as programs write it
        ["1.250", "950"],
        ["NA", " ", ""],
        ["red", "1,5"],
        ["5 kg", "6"],
        ["5 kg", "320 g"],
        ["5 kg", "$6"],
        ["5½", "6½"],
        ["Q1", "Q2"],
        ["1.2.3", "01.02.2024"],
        ["1,2", "1,2,3"],  # lists
        ["12:30", "1/2", "1-2"],
        ["(1,234)", "(2,345)"],  # pairs, it may be
        ["(1,2)", "(12,50)"],
        ["(1,2)", "(1.5)"],
        ["(1)", "(2)"],  # marks
        ["(1.5 %)", "(3 %)"],  # shares beside counts
        ["(1.5 kg)", "(3 kg)"],
        ["(-3)", "((3))", "-(3)", "(3", "()", "3 (2)", "(3) red", "(a)"],
        ["%5", "$5€", "+-1"],
    ],
)
def test_what_is_plain_or_words_has_no_format(cells: list[str]) -> None:
    assert judged(a=cells) == ({}, {})


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["1.5", "1,5"], "'1.5' and '1,5' in 'a'"),
        (["1'234", "1 234"], "\"1'234\" and '1 234' in 'a'"),
        (["$1", "€2"], "'$1' and '€2' in 'a'"),
        (["12%", "0.12"], "'12%' and '0.12' in 'a'"),
        (["$1", "2%"], "'$1' and '2%' in 'a'"),
        (["3,751", "1,234"], "'3,751' in 'a', which is 3751 or 3.751"),
        (["$3,751", "1,234"], "'$3,751' in 'a', which is 3751 or 3.751"),
        (["3,751", "950"], "'3,751' in 'a', which is 3751 or 3.751"),
    ],
)
def test_what_stays_in_doubt_is_named(cells: list[str], words: str) -> None:
    assert judged(a=cells) == ({}, {"a": words})


def test_other_columns_settle_what_one_leaves_open() -> None:
    a, comma, point, plain = ["3,751", "1,234"], ["0,5"], ["0.5"], ["3.751", "1.234"]
    assert judged(a=a, b=point) == ({"a": "1,234.5"}, {})
    assert judged(a=a, b=["$0.5"])[0] == {"a": "1,234.5", "b": "$1234.5"}
    assert judged(a=a, b=comma) == ({"a": "1234,5", "b": "1234,5"}, {})
    assert judged(a=plain, b=comma) == ({"a": "1.234,5", "b": "1234,5"}, {})
    # Columns that disagree settle nothing, and words none of it.
    assert judged(a=a, b=comma, c=point)[1].keys() == {"a"}
    assert judged(a=plain, b=comma, c=point) == ({"b": "1234,5"}, {})
    assert judged(a=a, b=[*point, "red"])[1].keys() == {"a"}


def test_who_asks_settles_it() -> None:
    a, plain = ["3,751", "1,234"], ["3.751", "1.234"]
    assert judged(a=a, decimal="point") == ({"a": "1,234.5"}, {})
    assert judged(a=a, decimal="comma") == ({"a": "1234,5"}, {})
    assert judged(a=plain, decimal="comma") == ({"a": "1.234,5"}, {})
    assert judged(a=plain, decimal="point") == ({}, {})
    assert judged(a=["1.5"], decimal="comma") == ({}, {})  # there is no doubt about it
    assert judged(a=plain, in_doubt=True)[1] == {"a": "'3.751' in 'a', which is 3.751 or 3751"}


def test_cells_in_pieces_are_the_whole(rng: np.random.Generator) -> None:
    cells = ["3,750", "950", "$1,210.5", "", "7", "1,234.25", "0.5", "2"]
    order = rng.permutation(len(cells))
    pieces = Writing()
    for one in order:
        pieces.add([cells[one]])
    assert formats({"a": pieces}).found == {"a": NumberFormat(".", ",", "$")}


@pytest.mark.parametrize(
    "cell", ["", "x", "1,2345", "12,34", "1.234.56", "$", "1,234", "5 %", "1e999", "--1", "1 $ $"]
)
def test_a_format_reads_nothing_else(cell: str) -> None:
    assert math.isnan(grouped(",", "$").read(cell)) == (cell not in ("12,34", "1,2345", "1,234"))


@pytest.mark.parametrize(
    ("cell", "is_number"),
    [("1 " * 50_000 + "x", False), ("1,234" * 20_000, False), ("9" * 100_000, True)],
)
def test_long_cells_take_no_memory_and_end(cell: str, is_number: bool) -> None:
    """In a time that is quadratic in their length they would not."""
    tracemalloc.start()
    found = writing([cell])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(cell)
    assert found.text == (not is_number)


@pytest.mark.parametrize(
    "parts", [(";",), (".", "."), (".", "_"), (".", "", "k1"), (".", "", "a b"), (",", ",", "%")]
)
def test_formats_that_are_none(parts: tuple[str, ...]) -> None:
    complains(lambda: NumberFormat(*parts), SettingError, "format of numbers must")


@pytest.mark.parametrize(
    ("cells", "format", "values"),
    [
        (["0.32 kg", "1.5 kg", "2kg", "", "NA"], "1234.5 kg", [0.32, 1.5, 2]),
        (["1,5 km/h", "12 km/h"], "1234,5 km/h", [1.5, 12]),
        (["-3 °C", "20.5 °C"], "1234.5 °C", [-3, 20.5]),
        (["1,234.5 m²", "7 m²"], "1,234.5 m²", [1234.5, 7]),
        (["3 doors", "4 doors"], "1234.5 doors", [3, 4]),
    ],
)
def test_a_unit_that_the_whole_column_has(
    cells: list[str], format: str, values: list[float]
) -> None:
    (found,) = formats({"a": writing(cells)}).found.values()
    assert str(found) == format
    assert [found.read(cell) for cell in cells[: len(values)]] == values
    assert math.isnan(found.read("5"))
    assert math.isnan(found.read("5 g"))
    assert not any(map(looks_numeric, cells))


def test_currencies() -> None:
    for unit in (*CURRENCIES, "€", "₹", "¥"):
        assert NumberFormat(unit=unit).read(f"-12.5 {unit}") == -12.5
        assert NumberFormat(unit=unit).read(f"{unit}12.5") == 12.5
