"""A CSV file as a problem: which columns, which task, and which rows are put aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.errors import DataError, SettingError
from trainlab.search import mixed
from trainlab.search.mixed import Column, said
from trainlab.search.tables import problem, split

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
        (["NA", "none"] * 12, "classification", "U"),  # words beside words alone
        ([0, 1, 7] * 8, "classification", "i"),
        (["1.0", "2e0"] * 12, "classification", "i"),
        ([0.5, 1] * 12, "regression", "f"),
        (list(range(ROWS)), "regression", "f"),
        ([1e300, 2e300] * 12, "regression", "f"),
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
    complains(lambda: problem(path, "y"), DataError, words)


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
    slip = "got '?' among the numbers of 'size'; try --drop size, or nothing in such cells"
    got = "24 different ones in 24 rows of 'two words', 12 different ones in 24 rows of 'id'"
    for dropped, words in (
        (0, "have a value in some row; got none in 'age'; try --drop age"),
        (1, f"hold numbers, or words and few different numbers; {slip}"),
        (2, f"be numbers, or words that rows have in common; got {got}; "),
    ):
        with pytest.raises(DataError) as caught:
            problem(path, "y", list(columns)[:dropped])
        assert str(caught.value).startswith(f"features of {path} must {words}")
    assert str(caught.value).endswith("try --drop 'two words' --drop id")
    assert problem(path, "y", list(columns)).features == ("x",)


def test_words_and_holes_are_read(tmp_path: Path, numbers: list[float]) -> None:
    kind = ["red", " red", "blue", "", "NA", "12"] * 4
    age = ["", *range(ROWS - 1)]
    path = written(tmp_path, kind=kind, x=numbers, age=age, y=[0, 1] * 12)
    found = problem(path, "y")
    assert found.columns == (Column("kind", 3, 8), Column("age", None, 1))
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
    """Sizes 1 to 20 and XL; one number more, and XL is a slip."""
    for most, words in ((20, 21), (21, None)):
        size = [*range(1, most + 1)] * 3 + ["XL"] * 4
        path = written(tmp_path, size=size, y=[0.5 * row for row in range(len(size))])
        if words is None:
            complains(lambda path=path: problem(path, "y"), DataError, "features of")
        else:
            assert problem(path, "y").columns == (Column("size", words, 0),)


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
    assert problem(path, "y").columns == (Column("w", 3, 0),)
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
    complains(lambda: problem(path, "y", ["y"]), SettingError, "columns of")
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
