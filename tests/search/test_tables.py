"""A CSV file as a problem: which columns, which task, and which rows are put aside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.errors import DataError, SettingError
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
        ({"y": [0, 1] * 12, "kind": ["red"] * ROWS}, "features of"),
        ({"y": [0, 1] * 12, "age": [*range(ROWS - 1), ""]}, "features of"),
    ],
)
def test_columns_that_cannot_be_learnt_from(
    columns: dict[str, Any], words: str, tmp_path: Path, numbers: list[float]
) -> None:
    path = written(tmp_path, x=numbers, **columns)
    complains(lambda: problem(path, "y"), DataError, words)


def test_all_columns_of_text_are_named_with_the_remedy(
    tmp_path: Path, numbers: list[float]
) -> None:
    columns = {"two words": ["red"] * ROWS, "size": [*range(ROWS - 1), "big"], "age": [""] * ROWS}
    path = written(tmp_path, x=numbers, **columns, y=[0, 1] * 12)
    with pytest.raises(DataError, match=r"text in 'two words', 'size'; try --drop 'two words' "):
        problem(path, "y")
    with pytest.raises(DataError, match="without a value in 'age'; try --drop age, or a table"):
        problem(path, "y", ["two words", "size"])
    assert problem(path, "y", ["two words", "size", "age"]).features == ("x",)


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
