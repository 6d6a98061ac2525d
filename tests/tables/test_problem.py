"""A CSV file as a problem: which columns, which task, and which rows are put aside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.errors import DataError, SettingError
from trainlab.tables import columns as mixed
from trainlab.tables.columns import ColumnSummary, said
from trainlab.tables.problem import problem, split
from trainlab.tables.target import DAYS

ROWS = 24


def written(folder: Path, **columns: Sequence[Any]) -> Path:
    """A table of these columns, as they are."""
    path = folder / "table.csv"
    lines = [columns.keys(), *zip(*columns.values(), strict=True)]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def numbers() -> list[float]:
    return [0.5 * row for row in range(ROWS)]


@pytest.mark.parametrize(
    ("target", "task", "kind"),
    [
        (["no", "yes"] * 12, "classification", "U"),
        ([0, 1, 7] * 8, "classification", "i"),
        (["1.0", "2e0"] * 12, "classification", "i"),
        ([0.5, 1] * 12, "regression", "f"),
        (list(range(ROWS)), "regression", "f"),
        ([1e149, 2e149] * 12, "regression", "f"),
    ],
)
def test_the_target_says_what_the_task_is(
    target: list[Any], task: str, kind: str, tmp_path: Path, numbers: list[float]
) -> None:
    found = problem(written(tmp_path, x=numbers, spare=numbers, y=target), "y", ["spare"])
    assert (found.task, found.y.dtype.kind) == (task, kind)
    assert (found.features, found.dropped, found.x.shape) == (("x",), ("spare",), (ROWS, 1))
    assert found.x[:, 0].tolist() == numbers
    assert [type(one) for one in found.y.tolist()] == [type(found.y.tolist()[0])] * ROWS


def test_a_task_that_is_asked_for_is_taken(tmp_path: Path, numbers: list[float]) -> None:
    path = written(tmp_path, x=numbers, y=[0, 1, 7] * 8, z=[0.5, 1.5] * 12)
    assert problem(path, "y", task="regression").y.dtype == np.float64
    found = problem(path, "z", task="classification")
    assert np.unique(found.y).tolist() == ["0.5", "1.5"]


@pytest.mark.parametrize(
    ("target", "task", "values"),
    [
        (["3,750", "950", "1,200.5"] * 8, "regression", [3750, 950, 1200.5]),
        (["$1.5", "$20", "-$3"] * 8, "regression", [1.5, 20, -3]),
        (["3 %", "12 %", "5 %"] * 8, "classification", ["3 %", "12 %", "5 %"]),
        ([f"{row},5 €" for row in range(ROWS)], "regression", [0.5, 1.5, 2.5]),
    ],
)
def test_a_target_may_be_written_in_a_format(
    target: list[str], task: str, values: list[Any], tmp_path: Path, numbers: list[float]
) -> None:
    found = problem(written(tmp_path, x=numbers, y=[f'"{one}"' for one in target]), "y")
    assert (found.task, found.y[:3].tolist()) == (task, values)
    assert ", written as " in found.reason
    assert (found.columns, found.formats) == ((), {})


def test_a_target_without_a_value_is_an_error_or_left_out(
    tmp_path: Path, numbers: list[float]
) -> None:
    """Beside words and beside numbers alike: NA and nan are no classes."""
    for words in (["yes", "no"], [1, 2]):
        y: list[Any] = [*words * 11, "NA", "nan"]
        path = written(tmp_path, x=numbers, y=y)
        told = f"rows 23, 24 of target 'y' in {path} must have a value; got 'NA', 'nan' in 2 rows"
        complains(lambda path=path: problem(path, "y"), DataError, told)
        with pytest.raises(DataError, match="; try --drop-missing-target, or another name where"):
            problem(path, "y")
        found = problem(path, "y", drop_missing_target=True)
        assert (found.x[:, 0].tolist(), len(found.y)) == (numbers[:22], 22)
        assert set(found.y.tolist()) == set(words)
        assert found.notices == ("2 rows without a value of the target left out",)
        assert found.options == {"drop_missing_target": True}
    complains(
        lambda: problem(written(tmp_path, x=numbers, y=["NA", ""] * 12), "y"),
        DataError,
        f"values of target 'y' in {path} must be there in some row; got 'NA', '' in {ROWS} rows",
    )


def test_a_target_without_any_value_says_nothing_of_the_features(
    tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, word=["a", "b"] * 12, y=[""] * ROWS)
    for options in ({}, {"folds": 5}, {"drop_missing_target": True}, {"task": "regression"}):
        with pytest.raises(DataError) as caught:
            problem(path, "y", **options)
        told = f"values of target 'y' in {path} must be there in some row; got '' in {ROWS} rows"
        assert str(caught.value) == told
    path = written(tmp_path, x=numbers, hole=[""] * ROWS, y=[""] * ROWS)
    with pytest.raises(DataError, match=r"none in 'hole'; try --drop hole$"):
        problem(path, "y", use=["hole"])


def test_numbers_whose_squares_overflow_are_named(tmp_path: Path, numbers: list[float]) -> None:
    """A code for a missing value, in a feature or the target, fails before the training."""
    codes = [0.25, "", *numbers[2:9], "1.797e308", *numbers[10:20], "-1e160", *numbers[21:]]
    path = written(tmp_path, x=numbers, far=codes, y=numbers)
    told = (
        f"features of {path} must hold numbers between -1e+150 and 1e+150; "
        "got 1.797e+308 in rows 10, 21 of 'far'; try --drop far, or an empty cell where "
        "it stands for a missing value"
    )
    with pytest.raises(DataError, match=re.escape(told)):
        problem(path, "y")
    told = f"row 10 of target 'far' in {path} must be a number between -1e+150 and 1e+150"
    with pytest.raises(DataError, match=re.escape(told)):
        problem(path, "far", drop_missing_target=True)
    assert problem(path, "y", drop=["far"]).features == ("x",)


def test_classes_that_are_too_rare_are_an_error_or_left_out(
    tmp_path: Path, numbers: list[float]
) -> None:
    y = ["rare", *["seldom"] * 3, *["often", "usual"] * 10]
    path = written(tmp_path, x=numbers, y=y)
    assert len(problem(path, "y").y) == ROWS
    told = "2 classes of column 'y' in table.csv must have at least 4 rows for 2 folds; got "
    complains(lambda: problem(path, "y", folds=2), DataError, told + "1 of 'rare', 3 of 'seldom'")
    with pytest.raises(DataError, match=r"; try --drop-rare-classes 4, or more rows$"):
        problem(path, "y", folds=2)
    found = problem(path, "y", folds=2, drop_rare_classes=4)
    assert (found.x[:, 0].tolist(), set(found.y.tolist())) == (numbers[4:], {"often", "usual"})
    assert found.notices == ("4 rows of 2 classes left out: 'seldom' (3), 'rare' (1)",)
    assert len(problem(path, "y", drop_rare_classes=3).y) == ROWS - 1
    complains(
        lambda: problem(path, "y", drop_rare_classes=99),
        DataError,
        f"values of target 'y' in {path}",
    )
    complains(
        lambda: problem(written(tmp_path, x=numbers, y=numbers), "y", drop_rare_classes=2),
        DataError,
        "classes of target 'y'",
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("decimal", "."),
        ("decimal", 5),
        ("decimal", ["comma"]),
        ("drop_rare_classes", -1),
        ("drop_rare_classes", True),
        ("drop_missing_target", "no"),
        ("delimiter", "ab"),
        ("skip_lines", -1),
    ],
)
def test_options_that_are_none(
    option: str, value: Any, tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, y=[0, 1] * 12)
    given: dict[str, Any] = {option: value}
    complains(lambda: problem(path, "y", **given), SettingError, f"{option} of a table must")


def test_formatted_numbers_are_numbers(tmp_path: Path, numbers: list[float]) -> None:
    columns = {
        "price": [f'"{1000 + 250 * row:,}"' for row in range(ROWS)],
        "share": [f"{row}.5%" for row in range(ROWS)],
        "cost": [f"${row}.25" if row else "" for row in range(ROWS)],
    }
    found = problem(written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12), "y")
    assert (found.x.dtype, found.words) == (np.float64, [])
    assert found.x[2].tolist() == [numbers[2], 1500, 2.5, 2.25]
    assert said(found.columns) == (
        "'price' (numbers written as 1,234.5), 'share' (numbers written as 1234.5 %), "
        "'cost' (numbers written as $1234.5, 1 row without a value)"
    )
    assert {name: str(one) for name, one in found.formats.items()} == {
        "price": "1,234.5",
        "share": "1234.5 %",
        "cost": "$1234.5",
    }


def test_places_in_an_order_and_codes_with_letters_are_words(
    tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, rank=["1st", "2nd", "3rd", "4th"] * 6, y=["a", "b"] * 12)
    assert problem(path, "y").warnings == ()
    path = written(tmp_path, x=numbers, house=["171a", "170", "171b"] * 8, y=["12A", "12B"] * 12)
    assert problem(path, "y").warnings == ()  # letters of codes are no units
    path = written(tmp_path, x=numbers, price=["500K", "2M", "30K"] * 8, y=["a", "b"] * 12)
    assert "numbers with units, as '500K' beside '2M'" in problem(path, "y").warnings[0]


def test_words_and_classes_that_differ_in_case_alone_are_told(
    tmp_path: Path, numbers: list[float]
) -> None:
    colour = ["red", "RED", "blue", "Blue"] * 6
    found = problem(written(tmp_path, x=numbers, colour=colour, y=["Yes", "no", "yes"] * 8), "y")
    colours, classes = found.warnings
    assert colours.startswith("'colour' has words that differ in case alone, as 'red' and 'RED'")
    assert classes.startswith("'y' has classes that differ in case alone, as 'Yes' and 'yes'; try")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (5, "try more rows, or a network with two folds: --model network --folds 2"),
        (1, "; try more rows$"),
    ],
)
def test_two_folds_are_advised_where_they_help(rows: int, told: str, tmp_path: Path) -> None:
    y = ["a"] * rows + ["b"] * rows
    path = written(tmp_path, x=list(range(2 * rows)), y=y)
    with pytest.raises(DataError, match=told):
        problem(path, "y", folds=5)


def test_a_unit_of_the_whole_column_is_said_and_other_cells_with_units_are_told(
    tmp_path: Path, numbers: list[float]
) -> None:
    weights = [f"{row % 3}.5 kg" if row % 2 else f"{row % 3} g" for row in range(ROWS)]
    columns = {"way": [f"{row}.5 km" for row in range(ROWS)], "weight": weights}
    found = problem(written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12), "y")
    assert found.x[2].tolist() == [numbers[2], 2.5, "2 g"]
    assert said(found.columns) == "'way' (numbers written as 1234.5 km), 'weight' (6 words)"
    (warning,) = found.warnings
    assert warning == (
        "'weight' is read as words, and seems to hold numbers with units, as '0 g' beside "
        "'1.5 kg'; try the same unit in all cells, or --drop weight"
    )
    path = written(tmp_path, x=numbers, weight=[*weights[:20], 1, 2, 3, 4], y=["a", "b"] * 12)
    assert "as '0 g' beside '1.5 kg'" in problem(path, "y").warnings[0]
    path = written(tmp_path, x=numbers, y=[f"{row} km" for row in range(ROWS)])
    assert problem(path, "y").y.tolist() == list(range(ROWS))
    path = written(tmp_path, x=numbers, y=[f"{row % 3} km" for row in range(ROWS)])
    few = problem(path, "y")
    assert (few.y[:3].tolist(), few.warnings) == (["0 km", "1 km", "2 km"], ())


def test_negative_numbers_of_accountants_are_numbers_and_signs_behind_are_told(
    tmp_path: Path, numbers: list[float]
) -> None:
    profit = [f'"(1,{row}5.5)"' if row % 2 else f"{row}.5" for row in range(10, 10 + ROWS)]
    y = ["a", "b"] * 12
    found = problem(written(tmp_path, x=numbers, profit=profit, y=y), "y")
    assert found.x[:2, 1].tolist() == [10.5, -1115.5]
    assert said(found.columns) == "'profit' (numbers written as 1,234.5)"
    path = written(tmp_path, x=numbers, y=profit)
    assert problem(path, "y").y[:2].tolist() == [10.5, -1115.5]
    refund = [f"({row}.50)" if row else "" for row in range(ROWS)]
    found = problem(written(tmp_path, x=numbers, refund=refund, y=y), "y")
    assert found.x[1:3, 1].tolist() == [-1.5, -2.5]
    note = "'refund' has all numbers in brackets, as (1.50): taken as negative numbers"
    assert found.notices == (f"{note}; --words refund takes them as words",)
    found = problem(written(tmp_path, x=numbers, refund=[*refund[1:], "(99.50)"]), "refund")
    assert (found.y[0], found.notices) == (-1.5, (note,))
    told = "negative numbers with the sign behind them, as '1.5-'"
    few = [f"{row % 4}.5" + "-" * (row % 2) for row in range(ROWS)]
    (warning,) = problem(written(tmp_path, x=numbers, profit=few, y=y), "y").warnings
    assert warning == (
        f"'profit' is read as words, and seems to hold {told}; "
        "try the sign in front of the number, or --drop profit"
    )
    many = [f"{row}.5" + "-" * (row % 2) for row in range(ROWS)]
    remedy = re.escape(f"({told}); try --drop profit, or the sign in front of the number")
    with pytest.raises(DataError, match=remedy):
        problem(written(tmp_path, x=numbers, profit=many, y=y), "y")
    marks = [f"{row % 4 + 1}" + "-" * (row % 2) for row in range(ROWS)]
    assert problem(written(tmp_path, x=numbers, mark=marks, y=y), "y").warnings == ()


def test_what_helps_a_target_is_said(tmp_path: Path, numbers: list[float]) -> None:
    days = [f"2024-05-{row + 1:02}" for row in range(ROWS)]
    path = written(tmp_path, x=numbers, y=days)
    of_days = "; try numbers in place of the dates, such as the days since the first$"
    for task in (None, "regression"):
        with pytest.raises(DataError, match=of_days):
            problem(path, "y", task=task, folds=5)
    path = written(tmp_path, x=numbers, y=["?", *numbers[1:]])
    with pytest.raises(DataError, match=r"; try an empty cell and --drop-missing-target$"):
        problem(path, "y")
    path = written(tmp_path, x=numbers, y=["yes", *["Yes", "no"] * 11, "no"])
    one = "try --drop-rare-classes 8, or one case for 'yes' and 'Yes', if they mean the same, or"
    with pytest.raises(DataError, match=one):
        problem(path, "y", folds=5)


def test_text_is_read_whatever_it_holds(
    tmp_path: Path, numbers: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, numbers, what seems to be a slip, and dates in doubt; and no limit of words."""
    columns = {
        "name": [f"no {row}" if row else "" for row in range(ROWS)],
        "code": [f"{row:03}" for row in range(ROWS)],
        "price": ["$1", "€2"] * 12,
        "one": ["red"] * ROWS,
    }
    path = written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12)
    monkeypatch.setattr(mixed, "MAX_LETTERS", 3)
    found = problem(path, "y", text=list(columns))
    assert (found.text, found.words, found.dates) == ([1, 2, 3], [], {})
    assert found.x[1].tolist() == [0.5, "no 1", "001", "€2"]
    assert found.x[0, 1] is None
    assert found.notices == (
        "read as text: 'name', 'code', 'price'",
        "left out: 'one' (one value in all rows)",
    )
    assert said(found.columns) == (
        "'name' (text, 1 row without a value), 'code' (text), 'price' (text)"
    )
    assert found.encoder().fit(found.x).text_ == (1, 2, 3)
    for text in (["y"], ["x"]):
        complains(
            lambda text=text: problem(path, "y", ["x"], text=text), SettingError, "columns of"
        )
    monkeypatch.setattr(mixed, "MAX_TEXT", 20)
    told = f"features of {path} must have different texts of at most 20 letters together; got "
    complains(lambda: problem(path, "y", ["one"], text=list(columns)[:3]), DataError, told)


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        (["03.2024", "12.2023", "11.2020", ""], "months, as 03.2024"),
        (["2024.03", "2024.10", "2023.12", "NA"], "months, as 2024.03"),
        (["202403", "202410", "202312", "NA"], "months, as 202403"),
        (["20240301", "20241031", "20231208", ""], "dates, as 20240301"),
        (["1.1856", "1.2031", "1.2017", ""], ""),
        (["2024.03", "2024.10", "2024.13", ""], ""),
        (["2024", "2023", "2022", "2021"], ""),
        (["1999.05", "1999.05", "2049.05", ""], ""),
        (["20240301", "20241032", "20231208", ""], ""),
        (["20240301", "20240302", "20240304", ""], ""),
    ],
)
def test_dates_that_are_numbers_are_warned_of(
    dates: list[str], shown: str, tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, sold=dates * 6, y=["a", "b"] * 12)
    told = f"'sold' is read as numbers, and seems to hold {shown}; try "
    remedy = "dates such as 2024-12-31, or --words sold"
    if shown.startswith("months"):
        remedy = "months such as 2024-12, which are read as dates, or --words sold"
    assert problem(path, "y").warnings == ((told + remedy,) if shown else ())
    assert problem(path, "y", words=["sold"]).warnings == ()
    found = problem(path, "sold", task="regression", drop_missing_target=True).warnings
    assert found == ((told + DAYS,) if shown else ())


_CODES = [["007", "010"], ["007", "7"], ["00", "-01"]]


@pytest.mark.parametrize("labels", [*_CODES, [str(2**53), str(2**53 + 1)]])
def test_labels_that_are_codes_stay_as_they_are_written(
    labels: list[str], tmp_path: Path, numbers: list[float]
) -> None:
    found = problem(written(tmp_path, x=numbers, y=labels * 12), "y")
    assert (found.task, found.y[:2].tolist()) == ("classification", labels)
    found = problem(written(tmp_path, x=numbers, y=["0.5", "007"] * 12), "y")
    assert (found.task, found.y[:2].tolist()) == ("regression", [0.5, 7.0])


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (["01067", "20095", "04109"], "with leading zeros, as 01067: taken as numbers"),
        (
            ["9007199254740992", "9007199254740993", "-7"],
            "of many digits, as 9007199254740993: their last digits are rounded",
        ),
        (
            [str(2**60), str(2**60 + 1), str(2**60 + 2000)],
            f"of many digits, as {2**60 + 1}: their last digits are rounded",
        ),
    ],
)
def test_codes_that_numbers_cannot_be_are_told_and_may_be_words(
    codes: list[str], told: str, tmp_path: Path, numbers: list[float]
) -> None:
    codes, spare = [*codes, codes[0]] * 6, ["0.5", "007"] * 12
    path = written(tmp_path, x=numbers, zip=codes, spare=spare, y=["a", "b"] * 12)
    told = f"'zip' has whole numbers {told}; --words zip takes them as words"
    found = problem(path, "y", ["spare"])
    assert (found.words, found.notices) == ([], (told,))
    found = problem(path, "y", words=["zip"])
    assert (found.words, found.options) == ([1], {"words": ["zip"]})
    assert found.notices == ("read as words: 'zip'",)
    assert found.x[:4, 1].tolist() == codes[:4]
    complains(
        lambda: problem(path, "y", words=["zip"], text=["zip"]),
        SettingError,
        "columns of words of a table must be columns of words, not of text",
    )


@pytest.mark.parametrize("ids", [[2**53 + 1], [2**60, 2**60 + 1]])
def test_ids_that_are_one_number_are_left_out_and_may_be_words(
    ids: list[int], tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, id=(ids * ROWS)[:ROWS], y=["a", "b"] * 12)
    found = problem(path, "y")
    told = "one value in all rows, to 16 digits; --words id takes it as words"
    assert (found.features, found.notices) == (("x",), (f"left out: 'id' ({told})",))
    assert problem(path, "y", words=["id"]).x[0, 1] == str(ids[0])


def test_what_is_asked_to_be_words_is_not_taken_for_anything_else(
    tmp_path: Path, numbers: list[float]
) -> None:
    columns = {"house": [*range(22), "12A", "12A"] * 3, "day": ["2024-05-07", "2024-05-08"] * 36}
    path = written(tmp_path, x=numbers * 3, **columns, y=["a", "b", "b"] * 24)
    with pytest.raises(DataError, match=r"'12A' among .*; try --drop house, or --words house,"):
        problem(path, "y", ["day"])
    found = problem(path, "y", words=["house", "day"])
    assert (found.words, found.warnings) == ([1, 2], ())


def test_columns_with_target_means_are_words(tmp_path: Path, numbers: list[float]) -> None:
    """Also numbers and dates; others stay what they are."""
    columns = {
        "zip": [20095 + row // 4 for row in range(ROWS)],
        "kind": ["red", "blue"] * 12,
        "day": ["2024-05-07", "2024-05-08"] * 12,
    }
    path = written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12)
    found = problem(path, "y", target_means=["zip", "day"])
    assert (found.words, found.dates) == ([1, 2, 3], {})
    assert found.notices == ("with target means: 'zip', 'day'",)
    assert found.options == {"target_means": ["zip", "day"]}
    assert found.x[0, 1] == "20095"
    encoder = found.encoder()
    encoder.fit_transform(found.x, found.y)
    names = encoder.get_feature_names_out(["x", *columns]).tolist()
    assert [name for name in names if "mean" in name] == ["zip mean of b", "day mean of b"]
    for given in ({"drop": ["zip"]}, {"text": ["zip"]}):
        complains(
            lambda given=given: problem(path, "y", target_means=["zip"], **given),
            SettingError,
            "columns with target means of a table must be",
        )
    plain = written(tmp_path, x=numbers, zip=columns["zip"], y=numbers)
    assert problem(plain, "y", target_means=["zip"]).words == [1]


def test_dates_are_read_and_said(tmp_path: Path, numbers: list[float]) -> None:
    days = [f"2024-05-{row % 4 + 1:02}" if row else "" for row in range(ROWS)]
    europe = [f"{row + 1}.{row % 12 + 1}.2024 7:{row:02}" for row in range(ROWS)]
    america = [f"{row % 12 + 1}/{row + 1}/2024" for row in range(ROWS)]
    columns = {"day": days, "at": europe, "us": america, "word": ["a", "b"] * 12}
    found = problem(written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12), "y")
    assert (found.dates, found.words) == ({1: "ymd", 2: "dmy", 3: "mdy"}, [4])
    assert found.notices == (
        "read as dates: 'day'; --words day takes it as words",
        "read as dates, the day before the month: 'at'; --words at takes it as words",
        "read as dates, the month before the day: 'us'; --words us takes it as words",
    )
    assert said(found.columns) == (
        "'day' (dates, 1 row without a value), 'at' (dates), 'us' (dates), 'word' (2 words)"
    )
    assert found.warnings == ()
    made = found.encoder().fit(found.x)
    names = made.get_feature_names_out(["x", *columns]).tolist()
    assert names == [
        *("x", "day day", "day weekday", "day elapsed days", "day missing"),
        *("at month", "at day", "at weekday", "at hour", "at elapsed days"),
        *("us month", "us day", "us weekday", "us elapsed days", "word=a", "word=b"),
    ]


@pytest.mark.parametrize("code", ["9999-12-31", "1900-01-01", "1970-01-01"])
def test_days_that_look_like_codes_are_told(
    code: str, tmp_path: Path, numbers: list[float]
) -> None:
    days = [code if row % 4 == 0 else f"20{10 + row % 9}-05-{row + 1:02}" for row in range(ROWS)]
    (told,) = problem(written(tmp_path, x=numbers, day=days, y=["a", "b"] * 12), "y").warnings
    outside = f"'day' has {code} in 25% of the rows, far outside the others, 2010-05-10 to 2018-05"
    assert told.startswith(outside)
    assert "; try empty cells in their place" in told
    days[:4:4] = [""]
    some = problem(written(tmp_path, x=numbers, day=days, y=["a", "b"] * 12), "y").warnings
    assert some[0].startswith(f"'day' has {code} in ")
    usual = [day.replace(code, "2019-07-01") for day in days]
    assert problem(written(tmp_path, x=numbers, day=usual, y=["a", "b"] * 12), "y").warnings == ()


def test_dates_in_doubt_and_times_are_told(tmp_path: Path, numbers: list[float]) -> None:
    """Where day and month cannot be told apart, some cells are no dates, or there is no day."""
    told = "is read as words, and seems to hold"
    alike, times = "dates whose day and month cannot be told apart, as", "dates or times, as"
    remedy = "try dates such as 2024-12-31 in all cells"
    for cells in (
        [f"{row % 4 + 1}/5/2024" for row in range(ROWS)],
        ["red", "1.2.24", "1.3.24"] * 8,
    ):
        example = next(cell for cell in cells if cell != "red")
        what = times if "red" in cells else alike
        found = problem(written(tmp_path, x=numbers, day=cells, y=["a", "b"] * 12), "y")
        (warning,) = found.warnings
        assert (found.dates, found.notices) == ({}, ())
        assert warning.startswith(f"'day' {told} {what} {example!r}; try ")
    found = problem(written(tmp_path, x=numbers, day=["1/5/2024", "2/5/2024"] * 12, y=numbers), "y")
    assert found.warnings == (f"'day' {told} {alike} '1/5/2024'; {remedy}, or --drop day",)
    clock = [f"7:3{row % 4}" for row in range(ROWS)]
    found = problem(written(tmp_path, x=numbers, at=clock, y=["a", "b"] * 12), "y")
    assert found.warnings[0].endswith(
        "; try numbers in their place, such as the hour, or --drop at"
    )
    for short in (["Mar-24", "Apr-24"], ["1/13/24", "12/1/23 7:30"], ["31.12.24", "30.11.24"]):
        found = problem(written(tmp_path, x=numbers, at=short * 12, y=["a", "b"] * 12), "y")
        years = "try years of four digits, as 2024-12-31 or 2024-12"
        assert found.warnings == (f"'at' {told} {times} {short[0]!r}; {years}, or --drop at",)
    days = [f"2024-05-{row % 4 + 1:02}" for row in range(ROWS)]
    assert problem(written(tmp_path, x=numbers, day=days), "day").warnings == (
        f"'day' {told} {times} '2024-05-01'; try {DAYS}",
    )
    # More of them than rows can have in common are refused, with the same advice.
    days = [f"{row % 12 + 1}.{row % 11 + 1}.2024" for row in range(ROWS)]
    path = written(tmp_path, x=numbers, day=days, y=["a", "b"] * 12)
    with pytest.raises(DataError, match=re.escape(f"'day' ({alike} '1.1.2024'); try --drop day")):
        problem(path, "y")
    path = written(tmp_path, x=numbers, day=[*["red"] * 12, *days[:4] * 3], y=["a", "b"] * 12)
    assert problem(path, "y").warnings == ()


def test_the_target_and_the_delimiter_cast_doubt_on_plain_numbers(tmp_path: Path) -> None:
    rows = [f"1.{100 + row};{row},5" for row in range(ROWS)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x;y", *rows]))
    assert problem(path, "y").x[:2, 0].tolist() == [1100, 1101]
    path.write_text("\n".join(["x;y", *(f"1.{100 + row};{row}" for row in range(ROWS))]))
    with pytest.raises(DataError, match=r"which is 1.1 or 1100; try --decimal point or --decimal"):
        problem(path, "y")
    assert problem(path, "y", decimal="point").x[1, 0] == 1.101
    assert problem(path, "y", decimal="comma").x[1, 0] == 1101
    path.write_text(path.read_text().replace(";", ","))
    assert problem(path, "y").x[1, 0] == 1.101


def test_all_faults_of_all_columns_are_told_at_once(tmp_path: Path, numbers: list[float]) -> None:
    columns = {
        "empty": [""] * ROWS,
        "id": [f"no {row}" for row in range(ROWS)],
        "open": [f'"{row + 1},{100 + row}"' for row in range(ROWS)],
        "mixed": ["$1", "€2"] * 12,
    }
    y = ["", *["rare"] * 2, *["a"] * 11, *["b"] * 10]
    path = written(tmp_path, x=range(ROWS), **columns, y=y)
    with pytest.raises(DataError) as caught:
        problem(path, "y", folds=2, use=["x", "empty", "id"])
    for told in (
        "'$1' and '€2' in 'mixed'",
        "'1,100' in 'open', which is 1100 or 1.1",
        f"row 1 of target 'y' in {path} must have a value; got ''",
        "class 'rare' of column 'y' in table.csv must have at least 4 rows for 2 folds; got 2",
        "none in 'empty'",
        "23 different ones in 23 rows of 'id'",
    ):
        assert told in str(caught.value)
    options = "--drop mixed --drop-missing-target --drop-rare-classes 4 --drop empty --drop id, or "
    assert f"; try {options}--decimal point or --decimal comma, or more rows" in str(caught.value)
    found = problem(
        path,
        "y",
        ["mixed", "empty", "id"],
        folds=2,
        drop_missing_target=True,
        drop_rare_classes=4,
        decimal="point",
        use=["x"],
    )
    assert found.x[0].tolist() == [3, 4103]


@pytest.mark.parametrize(
    ("last", "totals"),
    [
        (("Total", sum, sum, sum), True),
        (("", sum, sum, sum), True),
        (("mean", np.mean, lambda values: round(float(np.mean(values)), 2), np.mean), True),
        (("TOTAL", sum, lambda _: "", sum), True),
        (("Berlin", sum, sum, sum), False),
        (("Total", sum, max, sum), False),
        (("Total", sum, sum, max), False),
        (("Total", lambda _: "", lambda _: "", np.mean), True),
        (("", lambda _: "", lambda _: "", np.mean), False),  # chance does that
    ],
)
def test_a_last_row_of_totals_is_told_and_learnt(
    last: Sequence[Any], totals: bool, tmp_path: Path, rng: np.random.Generator
) -> None:
    town, *ends = last
    columns = [rng.uniform(1, 9, ROWS).round(3).tolist() for _ in ends]
    a, b, y = ([*values, end(values)] for values, end in zip(columns, ends, strict=True))
    path = written(tmp_path, town=[*(["Bonn", "Jena"] * (ROWS // 2)), town], a=a, b=b, y=y)
    found = problem(path, "y")
    assert any("the last row is learnt" in one for one in found.warnings) is totals
    assert len(found.y) == ROWS + 1


@pytest.mark.parametrize("name", ["id", "day"])
def test_a_row_of_totals_is_to_be_deleted_where_its_word_is_in_the_way(
    name: str, tmp_path: Path, numbers: list[float]
) -> None:
    """To leave the column out would be to learn the row."""
    rows = range(1, ROWS)
    columns = {"id": [7 * row for row in rows], "day": [f"2024-05-{row:02}" for row in rows]}
    cells: list[Any] = [*columns[name], "Total"]
    path = written(tmp_path, **{name: cells}, x=[*numbers[1:], sum(numbers)], y=["a", "b"] * 12)
    with pytest.raises(DataError, match=r"'Total'.*; try the table without the row of 'Total'$"):
        problem(path, "y")
    path.write_text(path.read_text().replace("Total", "?"))
    with pytest.raises(DataError, match=rf"'\?'.*; try --drop {name}, or "):
        problem(path, "y")


def test_dates_with_the_day_first_and_the_month_first_are_told(
    tmp_path: Path, numbers: list[float]
) -> None:
    days = ["31/12/2024", "12/31/2024", "1/2/2024"] * 8
    (warning,) = problem(written(tmp_path, x=numbers, day=days, y=["a", "b"] * 12), "y").warnings
    assert "as '31/12/2024' and '12/31/2024'; try dates such as 2024-12-31" in warning


def test_columns_of_one_value_are_no_totals(tmp_path: Path) -> None:
    x = [1, 3] * 11 + [2, 2]  # the last is the mean
    path = written(tmp_path, x=x, one=[1] * ROWS, zero=[0] * ROWS, y=["a", "b"] * 12)
    assert problem(path, "y").warnings == ()


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        (range(ROWS), "left out"),
        (range(1, ROWS + 1), "left out"),
        (range(1000, 1000 + ROWS), "left out"),
        (range(ROWS, 0, -1), "left out"),
        (np.random.default_rng(0).permutation(ROWS) + 5, "left out"),
        (np.random.default_rng(0).permutation(2 * ROWS - 1)[:ROWS], "left out"),
        ([float(row) for row in range(ROWS)], "left out"),
        (range(0, 10 * ROWS, 10), "warned of"),
        ([row**2 for row in range(ROWS)], "warned of"),  # rows of a greater table, in their order
        ([*range(ROWS - 1), 0], "kept"),
        (np.random.default_rng(0).permutation(100 * ROWS)[:ROWS], "kept"),
        ([row // 2 for row in range(ROWS)], "kept"),
        ([row + 0.5 for row in range(ROWS)], "kept"),
        ([*range(ROWS - 1), ""], "kept"),
    ],
)
def test_a_column_that_numbers_the_rows_is_left_out(
    values: Sequence[Any], outcome: str, tmp_path: Path
) -> None:
    path = written(tmp_path, **{"row id": values}, word=["a", "b", "c"] * 8, y=["a", "b"] * 12)
    found = problem(path, "y")
    gone = outcome == "left out"
    assert found.features == (("word",) if gone else ("row id", "word"))
    assert found.dropped == (("row id",) if gone else ())
    assert found.x.shape[1] == len(found.features)
    assert found.notices == (("left out: 'row id' (it numbers the rows)",) if gone else ())
    assert len(found.warnings) == (outcome == "warned of")
    for one in found.warnings:
        assert one.startswith(
            "'row id' has a different whole number in each row, as row numbers do"
        )
        assert one.endswith("; try --drop 'row id'")
    kept = problem(path, "y", use=["row id"])
    assert (kept.features, kept.notices) == (("row id", "word"), ())
    assert kept.x[:, 0].astype(str).tolist() == [
        str(float("nan" if one == "" else one)) for one in values
    ]


def test_columns_that_say_nothing_are_left_out_and_named(
    tmp_path: Path, numbers: list[float]
) -> None:
    days = [f"2024-05-{row % 4 + 1:02}" for row in range(ROWS)]
    kind = ["red", "blue", ""] * 8
    columns = {
        "empty": ["", "NA"] * 12,
        "one": [5] * ROWS,
        "word": ["red"] * ROWS,
        "some": ["", "red"] * 12,  # where it is missing says something
        "kind": kind,
        "again": [" red", "blue", "NA"] * 8,
        "hole": ["", *numbers[1:]],
        "the hole": ["", *(f"{one}0" for one in numbers[1:])],
        "x too": numbers,
        "day": days,
        "day too": days,
        "today": ["2024-05-07"] * ROWS,
        "id": [f"no {row}" for row in range(ROWS)],
        "pairs": [f"no {row // 2}" for row in range(ROWS)],
    }
    path = written(tmp_path, x=numbers, **columns, y=["a", "b"] * 12)
    found = problem(path, "y", ["pairs"])
    assert found.features == ("x", "some", "kind", "hole", "day")
    assert found.notices == (
        "read as dates: 'day'; --words day takes it as words",
        "left out: 'empty' (no value in any row)",
        "left out: 'one', 'word', 'today' (one value in all rows)",
        "left out: 'again' (the same as 'kind')",
        "left out: 'the hole' (the same as 'hole')",
        "left out: 'x too' (the same as 'x')",
        "left out: 'day too' (the same as 'day')",
        "left out: 'id' (it names the rows; --text id reads it)",
    )
    assert found.dropped[0] == "pairs"
    assert set(found.dropped) == {*columns, "x", "pairs"} - set(found.features)
    assert found.words == [1, 2]
    assert [one.name for one in found.columns] == ["some", "kind", "hole", "day"]
    assert found.x[:4, 2].tolist() == ["red", "blue", None, "red"]
    # Rows that are left out say nothing, either.
    y = ["", *["a"] * 12, *["b"] * 11]
    path = written(tmp_path, x=numbers, one=[0, *[1] * 23], y=y)
    assert problem(path, "y", drop_missing_target=True).features == ("x",)


def test_columns_may_be_used_whatever_they_say(tmp_path: Path, numbers: list[float]) -> None:
    path = written(tmp_path, one=[5] * ROWS, x=numbers, copy=numbers, y=["a", "b"] * 12)
    found = problem(path, "y", use=["copy", "one"])
    assert (found.features, found.notices) == (("one", "x", "copy"), ())
    path = written(tmp_path, one=[5] * ROWS, id=[f"no {n}" for n in numbers], y=["a", "b"] * 12)
    with pytest.raises(DataError) as caught:
        problem(path, "y")
    assert str(caught.value) == (
        f"table of {path} must have columns beside the target that say something; got left out: "
        "'one' (one value in all rows); left out: 'id' (it names the rows; --text id reads it); "
        "try --use one"
    )
    path = written(tmp_path, id=numbers, y=["a", "b"] * 12)
    for time, drop, remedy in (("id", (), "; try --use id"), (None, ("id",), "")):
        with pytest.raises(DataError) as caught:
            problem(path, "y", drop, time=time)
        assert str(caught.value).endswith(f"beside the target; got ['id', 'y']{remedy}")
    # A curve over the rows is better than nothing.
    path = written(tmp_path, one=[5] * ROWS, id=range(ROWS), y=["a", "b"] * 12)
    found = problem(path, "y")
    assert (found.features, found.dropped, len(found.warnings)) == (("id",), ("one",), 1)
    assert problem(path, "y", use=["id"]).warnings == ()
    for use in (["y"], ["id"]):
        complains(
            lambda use=use: problem(path, "y", ["id"], use=use), SettingError, "columns to use of"
        )
    complains(lambda: problem(path, "y", use=["ix"]), DataError, "column of")
    path = written(tmp_path, x=numbers, empty=[""] * ROWS, y=["a", "b"] * 12)
    complains(lambda: problem(path, "y", use=["empty"]), DataError, "features of")


def test_what_a_table_has_of_names_and_white_space(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{row % 7}{' ' if row else ''},red\xa0,{'ab'[row % 2]}\u200b" for row in range(ROWS)]
    path.write_text("\n".join([" Na\xa0,None,\ufeffy", *rows[:-1], "\xa0,red,a"]), encoding="utf-8")
    found = problem(path, "y", ["None"])
    assert (found.features, set(found.y.tolist())) == (("Na",), {"a", "b"})
    assert found.columns == (ColumnSummary("Na", None, 1),)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": [1] * ROWS}, "values of target 'y' in"),
        ({"y": ["", *range(ROWS - 1)]}, "row 1 of target 'y' in"),
        ({"y": [*range(ROWS - 1), "NA"]}, f"row {ROWS} of target 'y' in"),
        ({"y": [*range(ROWS - 1), "1,5".replace(",", ";")]}, f"row {ROWS} of target 'y' in"),
        ({"y": [0, 1] * 12, "name": [f"no {row}" for row in range(ROWS)]}, "features of"),
        ({"y": [0, 1] * 12, "name": [*"aaa", *(f"no {row}" for row in range(21))]}, "features of"),
        ({"y": [0, 1] * 12, "age": ["", "NA"] * 12}, "features of"),
    ],
)
def test_columns_that_cannot_be_learnt_from(
    columns: dict[str, Any], words: str, tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, **columns)
    used = [name for name in columns if name != "y"]
    complains(lambda: problem(path, "y", use=used), DataError, words)


def test_all_columns_without_sense_are_named_with_the_remedy(
    tmp_path: Path, numbers: list[float]
) -> None:
    columns = {
        "age": [""] * ROWS,
        "size": [*range(ROWS - 1), "?"],
        "two words": list("abcdefghijklmnopqrstuvwx"),
        "id": [f"no {row // 2}" for row in range(ROWS)],  # none is there often enough
    }
    path = written(tmp_path, x=numbers, **columns, y=[0, 1] * 12)
    for dropped, words in (
        (0, ["have a value in some row; got none in 'age'", "'?' among the numbers of 'size'"]),
        (1, ["hold numbers, or words and few different numbers; got '?' among the numbers of"]),
        (2, ["be numbers, or words that rows have in common; got 24 different ones in 24 rows"]),
    ):
        with pytest.raises(DataError) as caught:
            problem(path, "y", list(columns)[:dropped], use=list(columns)[dropped:])
        text = str(caught.value)
        assert text.startswith(f"features of {path} must {words[0]}")
        assert all(word in text for word in words)
        assert "of 'two words', 12 different ones in 24 rows of 'id'; try --drop " in text
        options = ["--drop age", "--drop size", "--drop 'two words'", "--drop id"][dropped:]
        or_else = ", or nothing in such cells" if dropped < 2 else ""
        assert text.endswith(f"; try {' '.join(options)}{or_else}")
    assert problem(path, "y", list(columns)).features == ("x",)


def test_words_and_holes_are_read(tmp_path: Path, numbers: list[float]) -> None:
    kind = ["red", " red", "blue", "", "NA", "12"] * 4
    age = ["", *range(ROWS - 1)]
    path = written(tmp_path, kind=kind, x=numbers, age=age, y=[0, 1] * 12)
    found = problem(path, "y")
    assert found.columns == (ColumnSummary("kind", 3, 8), ColumnSummary("age", None, 1))
    assert (found.words, found.x.dtype, found.x.shape) == ([0], object, (ROWS, 3))
    assert found.x[:6, 0].tolist() == ["red", "red", "blue", None, None, "12"]
    assert found.x[:, 1].tolist() == numbers
    assert np.isnan(found.x[0, 2])
    assert found.x[1:, 2].tolist() == list(range(ROWS - 1))
    assert len({id(word) for word in found.x[:, 0]}) <= 5  # each spelling is kept once
    assert (
        said(found.columns)
        == "'kind' (3 words, 8 rows without a value), 'age' (1 row without a value)"
    )
    without = problem(path, "y", ["kind"])
    assert (without.x.dtype, without.words) == (np.float64, [])
    assert np.isnan(without.x).sum() == 1
    plain = problem(path, "y", ["kind", "age"])
    assert (plain.columns, plain.x.tolist()) == ((), [[one] for one in numbers])


def test_few_numbers_beside_words_are_words(tmp_path: Path) -> None:
    """Sizes 1 to 20 and XL; one number more, and XL is a slip, unless words were asked for."""
    for most, words in ((20, 21), (21, None)):
        size = [*range(1, most + 1)] * 3 + ["XL"] * 4
        path = written(tmp_path, size=size, y=[0.5 * row for row in range(len(size))])
        if words is None:
            complains(lambda path=path: problem(path, "y"), DataError, "features of")
            assert problem(path, "y", words=["size"]).words == [0]
        else:
            assert problem(path, "y").columns == (ColumnSummary("size", words, 0),)


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ("12-2024 11-2024", "read as dates: 'code'; --words code takes it as words"),
        ("12.11.2024 1.2.2024", "'code' is read as words, and seems to hold dates whose day"),
        ("2kg 320g", "'code' is read as words, and seems to hold numbers with units"),
        ("12.50- 3.20-", "'code' is read as words, and seems to hold negative numbers"),
    ],
)
@pytest.mark.parametrize("how", ["words", "target_means"])
def test_words_that_were_asked_for_are_taken_for_nothing_else(
    codes: str, told: str, how: str, tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, code=codes.split() * 12, y=["a", "b"] * 12)
    found = problem(path, "y")
    assert any(one.startswith(told) for one in (*found.notices, *found.warnings))
    asked: dict[str, Any] = {how: ["code"]}
    found = problem(path, "y", **asked)
    assert (found.words, found.warnings) == ([1], ())


@pytest.mark.parametrize(
    ("limit", "most", "words"),
    [
        ("MAX_CELLS", 2 * ROWS - 1, "be at most 47 cells where some hold words"),
        ("MAX_LETTERS", 10, "different words of at most 10 letters together; got 3 or more in 'w'"),
        ("MAX_NUMBERS", 4 * ROWS - 1, "become at most 95 numbers; got 4 columns of 24 rows"),
    ],
)
def test_tables_with_words_are_bounded(
    limit: str,
    most: int,
    words: str,
    tmp_path: Path,
    numbers: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = written(tmp_path, x=numbers, w=["aaaa", "bbbb", "cccc"] * 8, y=[0, 1] * 12)
    monkeypatch.setattr(mixed, limit, most + 1 if limit != "MAX_LETTERS" else 12)
    assert problem(path, "y").columns == (ColumnSummary("w", 3, 0),)
    monkeypatch.setattr(mixed, limit, most)
    with pytest.raises(DataError) as caught:
        problem(path, "y")
    assert words in str(caught.value)


def test_blocks_are_the_whole(
    tmp_path: Path, numbers: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, x=numbers, w=["aa", "b", ""] * 8, h=["", 1] * 12, y=[0, 1] * 12)
    whole = problem(path, "y")
    for limit, size in (("BLOCK_NUMBERS", 8), ("BLOCK_LETTERS", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(f"trainlab.data.table.{limit}", size)
            found = problem(path, "y")
        assert found.columns == whole.columns
        assert str(found.x.tolist()) == str(whole.x.tolist())
        assert found.y.tolist() == whole.y.tolist()


def test_names_that_are_not_there(tmp_path: Path, numbers: list[float]) -> None:
    path = written(tmp_path, width=numbers, y=[0, 1] * 12)
    complains(lambda: problem(path, "widht"), DataError, "column of")
    with pytest.raises(DataError, match=r"got 'widht'; try width$"):
        problem(path, "widht")
    complains(lambda: problem(path, "y", ["yy"]), DataError, "column of")
    complains(lambda: problem(path, "y", ["y"]), SettingError, "columns to drop of")
    complains(lambda: problem(path, "y", ["width"]), DataError, "table of")


def test_rows_are_put_aside_by_seed_and_class(tmp_path: Path) -> None:
    y = ["rare"] * 10 + ["usual"] * 90
    found = problem(written(tmp_path, x=range(100), y=y), "y")
    parts = split(found, 0.2, 5, seed=1)
    assert sorted([*parts.search, *parts.test]) == list(range(100))
    assert np.count_nonzero(found.y[parts.test] == "rare") == 2
    assert parts.test.tolist() == split(found, 0.2, 5, seed=1).test.tolist()
    assert parts.test.tolist() != split(found, 0.2, 5, seed=2).test.tolist()
    # As many folds as can be: each has one of the rare class.
    for folds in range(2, 8):
        at_least = split(found, 0.2, folds, seed=0).search
        assert np.count_nonzero(found.y[at_least] == "rare") >= folds
    complains(lambda: split(found, 0.2, 8, seed=0), DataError, "class 'rare' of column 'y'")
    complains(lambda: split(found, 0.001, 5, seed=0), DataError, "--test-fraction of table.csv")


def test_too_few_rows_of_numbers(tmp_path: Path) -> None:
    found = problem(written(tmp_path, x=range(12), y=[0.5 * row for row in range(12)]), "y")
    complains(lambda: split(found, 0.2, 5, seed=0), DataError, "table of table.csv must have")


def test_codes_for_missing_values_are_warned_of(tmp_path: Path, numbers: list[float]) -> None:
    ages = [*range(20, 20 + ROWS - 5), *[-999] * 5]
    words = ["red", "blue"] * (ROWS // 2)
    wages = [*[-999] * 5, *(1000.5 + row for row in range(ROWS - 5))]
    path = written(tmp_path, age=ages, x=numbers, colour=words, y=wages)
    age, wage = problem(path, "y").warnings
    said = "has -999 in 21% of the rows, far outside the others,"
    code = "that looks like a code for missing values; try empty cells in their place"
    assert age == f"'age' {said} 20 to 38: {code}, here and where the model is used"
    assert wage == f"'y' {said} 1000.5 to 1018.5: {code}, and --drop-missing-target"


def test_spellings_of_booleans_are_one_word_but_two_classes(
    tmp_path: Path, numbers: list[float]
) -> None:
    spelt = ["TRUE", "true", "False", "false"] * (ROWS // 4)
    path = written(tmp_path, told=spelt, x=numbers, y=spelt)
    (warning, *_) = problem(path, "y").warnings
    assert warning.startswith("'y' has classes that differ in case alone, as 'TRUE' and 'true'")
