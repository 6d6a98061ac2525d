"""One-hot columns as trees see them: the mean target of the rows of each value."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainlab.estimators import merging
from trainlab.estimators.merging import PRIOR, MergedColumns, one_hot_runs
from trainlab.network.workspace import Array


def table(rows: int = 400) -> tuple[Array, Array]:
    """A number, a word of 30 values, a number, a word of 3 values."""
    rng = np.random.default_rng(3)
    one, other = rng.integers(30, size=rows), rng.integers(3, size=rows)
    numbers = rng.standard_normal((rows, 2))
    x = np.concatenate([numbers[:, :1], np.eye(30)[one], numbers[:, 1:], np.eye(3)[other]], axis=1)
    return x, rng.standard_normal(30)[one] + 0.1 * numbers[:, 0] + (other == 1)


@pytest.mark.parametrize(
    ("columns", "runs"),
    [
        ([[1, 0, 0], [0, 1, 1]], [(0, 2)]),
        ([[1, 0, 0], [0, 1, 0]], []),  # the third row has none
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]], [(0, 3)]),
        ([[1, 0, 0], [1, 1, 0], [0, 0, 1]], [(1, 3)]),  # flags before a word
        ([[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]], [(0, 3)]),
        ([[0.5, 0, 1], [0, 1, 0], [1, 0, 1]], [(1, 3)]),
        ([[1, 2, 0], [0, 1, 1]], []),
        ([[0, -1, 0], [1, 0, 0], [0, 1, 1]], [(1, 3)]),
        ([[1, 0], [0, 1], [1, 0], [0, 1]], [(0, 2), (2, 4)]),
        ([[1, 1], [1, 0], [0, 1]], [(1, 3)]),  # a constant before a word
        ([[1, 1]], []),
        ([[3, 4]], []),
    ],
)
def test_a_word_is_neighbours_of_which_each_row_has_one(
    columns: list[list[float]], runs: list[tuple[int, int]]
) -> None:
    found = one_hot_runs(np.array(columns).T)
    assert [(run.start, run.stop) for run in found] == runs


def test_flags_that_leave_each_other_room_are_no_word() -> None:
    rng = np.random.default_rng(1)
    x = np.eye(8)[rng.integers(8, size=50)][:, :7]
    assert one_hot_runs(x) == []


def test_the_words_of_a_table_are_found() -> None:
    assert one_hot_runs(table()[0]) == [range(1, 31), range(32, 35)]


@pytest.mark.parametrize("weighed", [False, True])
def test_a_word_becomes_the_mean_of_its_rows_drawn_to_that_of_all(weighed: bool) -> None:
    x, y = table()
    values = np.stack([y, y > 0], axis=1)
    weight = np.random.default_rng(0).integers(1, 4, len(x)).astype(float) if weighed else None
    runs = one_hot_runs(x)
    merged = MergedColumns.of(x, runs, values, weight)
    assert merged.is_sound(x.shape[1])
    assert merged.count(x.shape[1]) == 2 + 2 * len(runs)
    w = np.ones(len(x)) if weight is None else weight
    seen = merged.seen(x)
    assert np.array_equal(seen[:, :2], x[:, [0, 31]])

    def mean(rows: Array, v: Array) -> float:
        return float(
            ((w * v)[rows].sum() + PRIOR * np.average(v, weights=w)) / (w[rows].sum() + PRIOR)
        )

    place = 2
    for run in runs:
        own = x[:, run.start : run.stop]
        for v in values.T:
            usual = np.average(v, weights=w)
            expected = [mean((own == row).all(axis=1), v) - usual for row in own[:40]]
            assert seen[:40, place] == pytest.approx(expected, abs=1e-6)
            place += 1
    assert place == seen.shape[1]


def test_rows_of_float32_and_of_float64_see_the_same() -> None:
    x, y = table()
    merged = MergedColumns.of(x, one_hot_runs(x), y[:, np.newaxis], None)
    words = merged.seen(x)[:, 2:]
    assert np.array_equal(words, words.astype(np.float32))
    assert np.array_equal(words, merged.seen(x.astype(np.float32).astype(np.float64))[:, 2:])


def test_a_value_that_was_not_there_counts_as_the_mean() -> None:
    x, y = table()
    merged = MergedColumns.of(x, one_hot_runs(x), y[:, np.newaxis], None)
    assert (merged.seen(np.zeros((1, x.shape[1]))) == 0).all()
    own = merged.seen(x)[:, 2:]
    assert (own.min(axis=0) < 0).all()
    assert (own.max(axis=0) > 0).all()


def test_without_words_rows_are_as_they_are() -> None:
    x, y = table()
    assert MergedColumns.of(x, [], y[:, np.newaxis], None).seen(x) is x
    assert MergedColumns().seen(x) is x


def test_a_table_of_words_alone_has_no_column_that_stays() -> None:
    x = np.eye(5)[np.arange(20) % 5]
    merged = MergedColumns.of(x, one_hot_runs(x), np.arange(20.0)[:, np.newaxis], None)
    assert merged.seen(x).shape == (20, 1)
    assert merged.is_sound(5)


def test_rows_are_added_up_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, the words of a table would take as often its memory as there are classes."""
    x, y = table()
    merged = MergedColumns.of(x, one_hot_runs(x), np.stack([y] * 20, axis=1), None)
    x = np.concatenate([x] * 50)
    tracemalloc.start()
    seen = merged.seen(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < seen.nbytes + 50e6  # they are 210e6 bytes
    for numbers in (1, 1 << 14):
        monkeypatch.setattr(merging, "BLOCK_NUMBERS", numbers)
        assert merged.seen(x[:400]).tobytes() == seen[:400].tobytes()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kept": np.array([0, 99])},
        {"kept": np.array([0.0])},
        {"source": np.array([-1, 1])},
        {"into": np.array([1, 1])},
        {"into": np.array([0, 2])},
        {"into": np.array([0])},
        {"factor": np.array([0.0, np.nan])},
        {"factor": np.zeros(3)},
        {"source": np.zeros(0, np.int64), "into": np.zeros(0, np.int64), "factor": np.zeros(0)},
    ],
)
def test_arrays_of_a_file_are_judged(wrong: dict[str, Any]) -> None:
    sound = MergedColumns(np.array([0]), np.array([1, 2]), np.array([0, 0]), np.array([0.5, 1.0]))
    assert sound.is_sound(3)
    assert not replace(sound, **wrong).is_sound(3)
