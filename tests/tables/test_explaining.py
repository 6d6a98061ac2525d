"""Importance of columns, and how predictions depend on them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from trainlab.search.metrics import TableTruth, named_metric
from trainlab.tables import explaining
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.explaining import dependence, importance
from trainlab.tables.problem import TableProblem

ROWS = 300


class Known:
    """A model that says 3·x0 − |x1|, and counts the rows that it is asked about."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, x: Any) -> Any:
        self.calls.append(len(x))
        return 3 * x[:, 0] - np.abs(x[:, 1])


class Odds(Known):
    """One that says the probability of "yes" from a word and a number."""

    def predict_proba(self, x: Any) -> Any:
        self.calls.append(len(x))
        number = np.nan_to_num(x[:, 1].astype(float))
        p = np.where(x[:, 0] == "red", 0.9, 0.2) + 0.01 * np.clip(number, -1, 1)
        return np.stack([1 - p, p], axis=1)

    def predict(self, x: Any) -> Any:
        return np.where(self.predict_proba(x)[:, 1] > 0.5, "yes", "no")


def numbers(rng: np.random.Generator) -> tuple[TableProblem, TableTruth]:
    x = rng.normal(0, 1, (ROWS, 3))
    y = 3 * x[:, 0] - np.abs(x[:, 1]) + rng.normal(0, 0.1, ROWS)
    about = "t", "ab", ("first", "second", "idle"), (), "y", "regression", "why"
    of = TableProblem(*about, x, y)  # type: ignore[arg-type]  # a literal
    return of, TableTruth.of(y, np.arange(ROWS), "regression")


def classes(rng: np.random.Generator) -> tuple[TableProblem, TableTruth]:
    x = np.empty((ROWS, 2), object)
    x[:, 0] = [("red", "blue", None)[n] for n in rng.choice(3, ROWS, p=(0.3, 0.6, 0.1))]
    x[:, 1] = rng.normal(0, 1, ROWS)
    y = np.where((x[:, 0] == "red") & (rng.random(ROWS) < 0.9), "yes", "no")
    about = "t", "ab", ("colour", "size"), (), "y", "classification", "why"
    columns = (ColumnSummary("colour", 2, 30),)
    of = TableProblem(*about, x, y, columns)  # type: ignore[arg-type]  # a literal
    return of, TableTruth.of(y, np.arange(ROWS), "classification")


def test_columns_are_ranked_by_what_the_model_loses(rng: np.random.Generator) -> None:
    of, truth = numbers(rng)
    for name in ("rmse", "r2"):
        found = importance(of, Known(), of.x, truth, named_metric(name), seed=0)
        assert [one.name for one in found] == ["first", "second", "idle"]
        assert found[2].loss == found[2].error == 0
        assert found[0].loss > found[1].loss > 10 * found[1].error > 0
    # With x0 exchanged the error is that of the difference of two draws of 3·x0.
    (first, *_) = importance(of, Known(), of.x, truth, named_metric("rmse"), seed=0)
    assert first.loss == pytest.approx(3 * np.sqrt(2) * of.x[:, 0].std(), rel=0.15)
    again = importance(of, Known(), of.x, truth, named_metric("rmse"), seed=0)
    assert again[0] == first


def test_words_are_exchanged_too(rng: np.random.Generator) -> None:
    of, truth = classes(rng)
    found = importance(of, Odds(), of.x, truth, named_metric("log_loss"), seed=0)
    assert [one.name for one in found] == ["colour", "size"]
    assert found[0].loss > 0.3 > 0.01 > abs(found[1].loss)


def test_a_wide_or_long_table_is_asked_about_few_rows(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, truth = numbers(rng)
    cells = [explaining.LEAST_ROWS * explaining.REPEATS * d**2 for d in (632, 633)]
    assert cells[0] <= explaining.WIDER * explaining.MOST_CELLS < cells[1]  # as docs/tables.md says
    monkeypatch.setattr(explaining, "MOST_ROWS", 1_500)
    monkeypatch.setattr(explaining, "AT_ONCE", 300)
    model = Known()
    importance(of, model, of.x, truth, named_metric("mae"), seed=0)
    assert sum(model.calls) == 1_500 + 100  # 100 rows, as they are and for 3 · 5 permutations
    assert max(model.calls) == 300
    model = Known()
    monkeypatch.setattr(explaining, "MOST_CELLS", 900)
    importance(of, model, of.x, truth, named_metric("mae"), seed=0)
    assert sum(model.calls) == 50 + 750  # fewer rows would say what chance does
    monkeypatch.setattr(explaining, "MOST_CELLS", 200)
    assert importance(of, None, of.x, truth, named_metric("mae"), seed=0) == ()


def test_a_sample_has_rows_of_each_class(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, _ = classes(rng)
    y = np.array(["no"] * (ROWS - 1) + ["yes"])
    of, truth = dataclasses.replace(of, y=y), TableTruth.of(y, np.arange(ROWS), "classification")
    monkeypatch.setattr(explaining, "MOST_ROWS", 600)
    for seed in range(3):
        found = importance(of, Odds(), of.x, truth, named_metric("roc_auc"), seed)
        assert all(np.isfinite([one.loss, one.error]).all() for one in found)


def test_dependence_is_the_mean_over_rows_with_one_value(rng: np.random.Generator) -> None:
    of, _ = numbers(rng)
    (first, idle) = dependence(of, Known(), of.x, ("first", "idle"), seed=0)
    slopes = np.diff(first.lines[0]) / np.diff(first.grid)
    assert slopes == pytest.approx([3.0] * (len(first.grid) - 1))
    assert np.ptp(idle.lines[0]) < 1e-9
    ends = np.quantile(of.x[:, 0], (0.01, 0.99))
    assert (first.grid[0], first.grid[-1]) == pytest.approx(tuple(ends))
    assert len(first.typical) == 9
    assert np.mean(of.x[:, 0] < first.typical[0]) == pytest.approx(0.1, abs=0.01)


def test_dependence_on_dates_is_in_their_order(rng: np.random.Generator) -> None:
    of, _ = classes(rng)
    x = of.x.copy()
    x[:, 1] = [f"{n % 28 + 1}.{n % 12 + 1}.{2000 + n % 20}" for n in rng.permutation(ROWS)]
    x[::9, 1] = None
    columns = (*of.columns, ColumnSummary("size", None, 30, dates="dmy"))
    of = dataclasses.replace(of, x=x, columns=columns)

    class Years(Odds):
        def predict_proba(self, x: Any) -> Any:
            years = [int(one.rpartition(".")[2]) for one in x[:, 1]]
            p = (np.array(years) - 2000) / 20
            return np.stack([1 - p, p], axis=1)

    (size,) = dependence(of, Years(), x, ("size",), seed=0)
    assert len(size.grid) == 10
    count = len({*of.x[:, 1].tolist()} - {None})
    assert size.shown == f"10 of {count} dates"
    years = [int(one.rpartition(".")[2]) for one in size.grid]
    assert years == sorted(years)
    assert size.lines[0] == pytest.approx([(year - 2000) / 20 for year in years])


def test_text_has_importance_and_no_dependence(rng: np.random.Generator) -> None:
    of, truth = classes(rng)
    columns = (ColumnSummary("colour", None, 0, text=True),)
    of = dataclasses.replace(of, columns=columns)
    found = importance(of, Odds(), of.x, truth, named_metric("log_loss"), seed=0)
    assert found[0].name == "colour"
    shown = dependence(of, Odds(), of.x, [one.name for one in found], seed=0)
    assert [one.name for one in shown] == ["size"]


def test_dependence_on_words_and_holes(rng: np.random.Generator) -> None:
    of, _ = classes(rng)
    colour, size = dependence(of, Odds(), of.x, ("colour", "size"), seed=0)
    assert colour.names == ("yes",)  # the rarer of two
    found = dict(zip(colour.grid, colour.lines[0], strict=True))
    assert set(found) == {"red", "blue", None}
    assert found["red"] == pytest.approx(0.9, abs=0.01)
    assert found[None] == found["blue"] == pytest.approx(0.2, abs=0.01)
    assert colour.typical == ()
    assert colour.shown == size.shown == ""
    assert len(size.grid) > 10


def test_words_that_are_left_out_are_counted(rng: np.random.Generator) -> None:
    of, _ = classes(rng)
    x = of.x.copy()
    x[:, 0] = [f"word {n % 12}" for n in range(len(x))]
    (many,) = dependence(dataclasses.replace(of, x=x), Odds(), x, ("colour",), seed=0)
    assert len(many.grid) == 10
    assert many.shown == "the 10 most frequent of 12 words"
    x[::13, 0] = None
    (many,) = dependence(dataclasses.replace(of, x=x), Odds(), x, ("colour",), seed=0)
    assert many.shown == "the 10 most frequent of 12 words and 'no value'"


class Sizes(Known):
    """One that says of eight classes that they are as likely."""

    def predict(self, x: Any) -> Any:
        return np.full(len(x), "1")

    def predict_proba(self, x: Any) -> Any:
        return np.tile(np.arange(8) / 28, (len(x), 1))


def test_the_most_frequent_classes_are_shown_by_size(rng: np.random.Generator) -> None:
    of, _ = classes(rng)
    names = ("1", "2", "3", "10", "20", "30", "4", "40")
    y = np.repeat(names, [40, 40, 40, 40, 40, 40, 31, 29])
    (size,) = dependence(dataclasses.replace(of, y=y), Sizes(), of.x, ("size",), seed=0)
    assert size.names == ("1", "2", "3", "10", "20", "30")
    places = [sorted(names).index(name) for name in size.names]
    assert [line[0] * 28 for line in size.lines] == pytest.approx(places)
