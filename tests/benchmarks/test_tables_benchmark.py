"""The benchmark of tables: the same rows for all, right numbers, nothing lost, a true page.

CatBoost, LightGBM, XGBoost and pytabkit are not needed; where they are, they train too.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks.lineup import kept_variables
from benchmarks.tables import __main__ as program
from benchmarks.tables import (
    contestants,
    data,
    figure,
    lineup,
    measures,
    page,
    results,
    runner,
    summary,
)
from benchmarks.tables.data import Holdout, Table, TablesError, digest, holdouts, load, names
from benchmarks.tables.results import Record, Results
from trainlab import plots

DOCS = Path(__file__).parents[2] / "docs"
ROWS = 60


def written(folder: Path, **tables: tuple[str, str, str]) -> Path:
    """A folder of tables: name → (target, task, CSV)."""
    folder.mkdir(exist_ok=True)
    meta = {name: {"target": of, "task": task} for name, (of, task, _) in tables.items()}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    for name, (_, _, text) in tables.items():
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def people() -> str:
    """Numbers, words, empty cells of both; a rare word that only one row has."""
    rng = np.random.default_rng(0)
    lines = ["size,colour,known,kind"]
    for row in range(ROWS):
        size = "" if row % 7 == 0 else f"{rng.normal():.3f}"
        colour = "" if row % 11 == 0 else "NA" if row == 5 else ("red", "blue")[row % 2]
        lines.append(f"{size},{colour},{row},{('yes', 'no', 'maybe')[row % 3]}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prices = "price,rooms\n" + "".join(f"{3.5 * row},{row}\n" for row in range(20))
    return written(
        tmp_path / "tables",
        people=("kind", "classification", people()),
        prices=("price", "regression", prices),
    )


# --- tables and hold-outs ----------------------------------------------------------------


def test_columns_are_numbers_or_words_and_only_empty_cells_are_missing(folder: Path) -> None:
    table = load("people", folder)
    assert table.words == ["colour"]
    assert list(table.X.columns) == ["size", "colour", "known"]
    assert [str(table.X[name].dtype) for name in ("size", "known")] == ["float64"] * 2
    assert table.X["size"].isna().sum() == 9
    assert table.X["colour"].isna().sum() == 6
    assert set(table.X["colour"].cat.categories) == {"NA", "red", "blue"}
    assert table.labels == ("maybe", "no", "yes")
    assert table.y[:4].tolist() == [2, 1, 0, 2]
    prices = load("prices", folder)
    assert prices.y[:3].tolist() == [0.0, 3.5, 7.0]
    assert prices.labels == ()


def test_the_smallest_table_comes_first(folder: Path) -> None:
    assert names(folder) == ("prices", "people")
    assert names()[:5] == ("iris", "wine", "diabetes", "breast_cancer", "digits")


def test_tables_of_scikit_learn() -> None:
    found = {name: load(name) for name in names()[:5]}
    assert {name: (len(t.labels), *t.X.shape) for name, t in found.items()} == {
        "iris": (3, 150, 4),
        "wine": (3, 178, 13),
        "diabetes": (0, 442, 10),
        "breast_cancer": (2, 569, 30),
        "digits": (10, 1797, 64),
    }
    assert {t.task for t in found.values()} == set(data.TASKS)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "meta.json").unlink(), "must say target and task"),
        (lambda folder: (folder / "meta.json").write_text("["), "must say target and task"),
        (lambda folder: (folder / "meta.json").write_text("[]"), "an entry for each"),
        (lambda folder: (folder / "prices.csv.gz").unlink(), "has no prices.csv.gz"),
        (lambda folder: written(folder, prices=("cost", "regression", "a,b\n1,2")), "no column"),
        (lambda folder: written(folder, prices=("a", "guess", "a,b\n1,2")), "classification"),
        (lambda folder: written(folder, prices=("a", "regression", "a,b\n,2")), "every row"),
        (lambda folder: written(folder, prices=("a", "regression", "a,b\nx,2")), "a number"),
        (
            lambda folder: written(folder, prices=("a", "classification", "a,b\nx,2\ny,3\ny,4")),
            "two rows at least; x has one",
        ),
        (lambda folder: written(folder, other=("a", "regression", "a,b\n1,2")), "no table prices"),
    ],
)
def test_a_folder_that_cannot_be_used(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(folder)
    with pytest.raises(TablesError, match=said):
        load("prices", folder)


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(TablesError, match="there is no table titanic; there are iris"):
        load("titanic")


def test_hold_outs_are_a_fifth_and_have_their_share_of_each_class(folder: Path) -> None:
    table = load("people", folder)
    parts = holdouts(table)
    assert [part.number for part in parts] == [0, 1, 2]
    for part in parts:
        assert len(part.test) == ROWS // 5
        assert sorted([*part.train, *part.test]) == list(range(ROWS))
        assert np.bincount(table.y[part.test]).tolist() == [4, 4, 4]
    assert len({tuple(sorted(part.test)) for part in parts}) == 3


def test_hold_outs_are_the_same_for_everybody_and_always() -> None:
    table = load("iris")
    first, again = holdouts(table), holdouts(load("iris"), 5)
    for one, other in zip(first, again, strict=False):
        np.testing.assert_array_equal(one.train, other.train)
        np.testing.assert_array_equal(one.test, other.test)
    # As published results have them: other rows would be another benchmark.
    assert first[0].test[:5].tolist() == PUBLISHED_ROWS


PUBLISHED_ROWS = [36, 55, 44, 134, 39]


def test_a_digest_changes_with_cells_targets_and_rows(folder: Path) -> None:
    table = load("people", folder)
    first, second, _ = holdouts(table)
    seen = {digest(table, first), digest(table, second)}
    for name, value in (("size", 9.0), ("colour", "red")):
        X = table.X.copy()
        X.loc[0, name] = value
        seen.add(digest(Table("people", table.task, X, table.y), first))
    y = table.y.copy()
    y[0] = 0
    seen.add(digest(Table("people", table.task, table.X, y), first))
    seen.add(digest(table, Holdout(0, first.train[::-1].copy(), first.test)))
    assert len(seen) == 6
    assert digest(load("people", folder), first) == digest(table, first)


# --- measures ------------------------------------------------------------------------------


def test_log_loss_takes_probabilities_as_they_are_and_clips_them() -> None:
    chances = [[0.25, 0.5], [0.0, 1.0]]  # the first do not sum to 1
    assert measures.log_loss(chances, [0, 1]) == pytest.approx(math.log(4) / 2)
    assert measures.log_loss(chances, [1, 0]) == pytest.approx((math.log(2) - math.log(1e-15)) / 2)
    assert measures.log_loss([[0.0, 1.0 + 1e-9]], [1]) == 0


def test_accuracy_and_rmse() -> None:
    chances = [[0.6, 0.4, 0.0], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]]
    assert measures.accuracy(chances, [0, 2, 1]) == pytest.approx(2 / 3)
    assert measures.rmse([1.0, 5.0], [4.0, 9.0]) == pytest.approx(math.sqrt(12.5))


def test_calibration_error_by_hand() -> None:
    # Bins of width 1/15: 0.9 and 0.92 share one (0.867, 0.933], 0.55 is in another.
    chances = np.array([[0.9, 0.1], [0.08, 0.92], [0.55, 0.45], [0.45, 0.55]])
    truths = [0, 0, 0, 1]
    sure = abs((1 + 0) / 2 - (0.9 + 0.92) / 2) * 2 / 4
    unsure = abs((1 + 1) / 2 - 0.55) * 2 / 4
    assert measures.calibration_error(chances, truths) == pytest.approx(sure + unsure)
    assert measures.calibration_error([[1.0, 0.0]], [0]) == 0  # closed above: no sixteenth bin
    assert measures.calibration_error([[0.0, 1.0]], [0]) == 1


def test_a_bin_is_closed_above() -> None:
    # 0.6 is the upper end of the ninth bin: it shares it with 0.55, and not with 0.65.
    together = measures.calibration_error([[0.6, 0.4], [0.55, 0.45]], [0, 1])
    assert together == pytest.approx(abs(1 - 0.6 - 0.55) / 2)
    apart = measures.calibration_error([[0.6, 0.4], [0.65, 0.35]], [0, 1])
    assert apart == pytest.approx((0.4 + 0.65) / 2)


def test_predictions_that_are_no_numbers_are_refused() -> None:
    y = np.array([0, 1])
    with pytest.raises(TablesError, match="finite, one for each of 2 rows"):
        measures.measured("classification", np.array([[0.5, 0.5], [math.nan, 0.5]]), y)
    with pytest.raises(TablesError, match="one for each"):
        measures.measured("regression", np.array([1.0]), y)
    assert set(measures.measured("regression", np.array([1.0, 2.0]), y)) == {"rmse"}


# --- ranks and ratios ----------------------------------------------------------------------


def test_mean_ranks_share_ties_and_failures_come_last() -> None:
    errors = np.array([[0.1, 0.2, 0.3], [2.0, 1.0, 1.0], [5.0, math.inf, math.inf]])
    assert summary.mean_ranks(errors) == pytest.approx([5 / 3, (2 + 1.5 + 2.5) / 3, 7 / 3])


def test_a_ratio_is_a_geometric_mean_and_counts_wins() -> None:
    ours = np.array([1.0, 2.0, 4.0, 1.0, 1.0, math.inf, 3.0])
    theirs = np.array([2.0, 2.0, 2.0, 4.0, math.inf, 1.0, 6.0])
    found = summary.ratio(ours, theirs)
    assert found.value == pytest.approx((0.5 * 1 * 2 * 0.25 * 0.5) ** (1 / 5))
    assert (found.tables, found.wins, found.of) == (5, 4, 7)
    assert 0.25 < found.low < found.value < found.high < 2
    back = summary.ratio(theirs, ours)
    assert back.value == pytest.approx(1 / found.value)
    assert [back.low, back.high] == pytest.approx([1 / found.high, 1 / found.low])
    assert (back.wins, back.of) == (2, 7)


def test_an_interval_needs_five_tables_and_knows_no_spread_where_there_is_none() -> None:
    four = summary.ratio(np.full(4, 1.0), np.full(4, 2.0))
    assert (four.value, math.isnan(four.low), math.isnan(four.high)) == (0.5, True, True)
    five = summary.ratio(np.full(5, 1.0), np.full(5, 2.0))
    assert (five.low, five.high) == pytest.approx((0.5, 0.5))
    nobody = summary.ratio(np.full(5, math.inf), np.full(5, 1.0))
    assert (math.isnan(nobody.value), nobody.tables, nobody.wins, nobody.of) == (True, 0, 0, 5)


def test_an_error_of_zero_is_no_division_by_zero() -> None:
    assert summary.ratio(np.array([0.0]), np.array([1e-3])).value == pytest.approx(1e-3)


def one(contestant: str, table: str, holdout: int, error: float | None, **other: Any) -> Record:
    """A record; a failure without an error."""
    task = other.pop("task", "regression")
    numbers = dict.fromkeys(results.TIMES, 1.0) | {"fit_cpu": other.pop("cpu", 1.0)}
    measured = {
        "regression": {"rmse": error},
        "classification": {"log_loss": error, "accuracy": 0.5, "calibration_error": 0.25},
    }[task]
    fields: dict[str, Any] = {
        "task": task,
        "rows": 100,
        "columns": 4,
        "words": 1,
        "classes": 2 if task == "classification" else 0,
        "source": "made up",
        "digest": f"{table} {holdout}",
        "threads": 1,
        "version": "1.2",
        "numbers": {} if error is None else numbers | measured,
        "error": "ValueError: no" if error is None else None,
    }
    return Record(contestant, table, holdout=holdout, **(fields | other))


def gathered(*records: Record) -> Results:
    return Results({record.key: record for record in records}, ())


def test_errors_are_means_over_hold_outs_and_one_failure_fails_the_table() -> None:
    found = summary.errors(
        gathered(
            *(one("a", "x", number, error) for number, error in enumerate((1.0, 2.0, 6.0))),
            *(one("b", "x", number, error) for number, error in enumerate((1.0, None, 1.0))),
        )
    )
    assert found.contestants == ("a", "b")
    assert found.values.tolist() == [[3.0, math.inf]]


def test_a_table_on_which_somebody_was_not_tried_is_left_out() -> None:
    records = [one(name, table, 0, 1.0) for name in "ab" for table in ("x", "y", "z")]
    fewer = one("a", "y", 1, 1.0)  # b has no such hold-out
    other = one("b", "z", 0, 1.0, digest="other rows")
    found = summary.errors(gathered(*records, fewer, other))
    assert [table.table for table in found.tables] == ["x"]
    assert found.left_out == ("y", "z")


def test_standings() -> None:
    made = gathered(
        *(one("slow", "x", n, 1.0, cpu=cpu) for n, cpu in enumerate((1.0, 2.0, 30.0))),
        *(one("quick", "x", n, 2.0, cpu=0.5) for n in range(3)),
        one("slow", "c", 0, 0.4, task="classification", cpu=3.0),
        one("quick", "c", 0, None, task="classification"),
    )
    slow, quick = summary.standings(made)
    assert (slow.contestant, slow.ranks) == ("slow", (1.0, 1.0, 1.0))
    assert (slow.median, slow.most) == (1 + 2.5, 1 + 30.0)  # a second each for predictions
    assert slow.calibration == 0.25
    assert (slow.failures, slow.version) == (0, "1.2")
    assert (quick.contestant, quick.ranks, quick.failures) == ("quick", (2.0, 2.0, 2.0), 1)
    assert math.isnan(quick.calibration)
    assert summary.ratios(made, "slow", "regression")["quick"].value == pytest.approx(0.5)
    assert summary.ratios(made, "slow", None)["quick"].wins == 2
    assert summary.ratios(made, "nobody", None) == {}


# --- the file of results -------------------------------------------------------------------


def test_results_are_read_as_they_were_written_and_the_latest_counts(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "results.jsonl"
    results.begin(path, {"cores": 2})
    results.add(path, one("a", "x", 0, None))
    results.add(path, one("a", "x", 0, 1.23456789))
    results.begin(path, {"cores": 4})
    results.add(path, one("a", "x", 1, 2.0))
    found = results.read(path)
    assert found.machines == ({"cores": 2}, {"cores": 4})
    assert [record.loss for record in found.records.values()] == [1.23457, 2.0]
    assert found.of(["b"]).records == {}
    again = tmp_path / "again.jsonl"
    results.write(found, again)
    assert results.read(again) == found


def test_a_line_that_was_cut_off_is_left_out_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    results.begin(path, {})
    results.add(path, one("a", "x", 0, 1.0))
    with path.open("a", encoding="utf-8") as file:
        file.write(one("a", "x", 1, 1.0).line()[:40])
    assert list(results.read(path).records) == [("a", "x", 0)]
    results.begin(path, {})
    results.add(path, one("a", "x", 2, 1.0))
    assert list(results.read(path).records) == [("a", "x", 0), ("a", "x", 2)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2, is no JSON"),
        ("[]", "line 2, must be an object of format 1"),
        ('{"format": 0}', "must be an object of format 1"),
        ('{"contestant": "a"}', "needs other fields"),
        (one("a", "x", 0, 1.0, numbers={}).line(), "must have fit_cpu"),
        (one("a", "x", 0, 1.0).line().replace("regression", "guess"), "the task of a record"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(f'{{"machine": {{}}}}\n{line}\n{{"machine": {{}}}}\n', encoding="utf-8")
    with pytest.raises(TablesError, match=said):
        results.read(path)
    with pytest.raises(TablesError, match="holds no results"):
        results.read(tmp_path / "nowhere")


# --- fits ----------------------------------------------------------------------------------


class Fake:
    """Does fits at once: what each answers, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.interrupt_at = 10**9

    def __call__(self, name: str, table: str, holdout: int, _: runner.Settings) -> dict[str, Any]:
        if len(self.asked) == self.interrupt_at:
            raise KeyboardInterrupt
        self.asked.append((name, table, holdout))
        numbers = dict.fromkeys((*results.TIMES, "rmse", "log_loss", "accuracy"), 1.0)
        usual = {"version": "1", "calibration_error": 0.5, **numbers}
        return dict(self.answers.get(name, usual))


@pytest.fixture
def fits(folder: Path, tmp_path: Path) -> Any:
    """Measures into one file, as `--resume` does; returns the fits and lines of this session."""
    path = tmp_path / "results.jsonl"

    def measure(fake: Fake, threads: int = 1) -> tuple[list[tuple[str, str, int]], list[str]]:
        known = results.read(path).records if path.exists() else {}
        lines: list[str] = []
        settings = runner.Settings(folder, threads=threads)
        session = runner.Session(path, settings, lines.append, known, start=fake)
        session.measure(["linear", "CatBoost"], names(folder))
        return fake.asked, lines

    measure.path = path  # type: ignore[attr-defined]
    return measure


def test_contestants_take_turns_and_everything_is_kept(fits: Any, folder: Path) -> None:
    asked, lines = fits(Fake())
    assert asked[:4] == [(c, "prices", n) for n in (0, 1) for c in ("linear", "CatBoost")]
    assert len(asked) == len(lines) == 2 * 2 * 3
    assert lines[0] == "prices, hold-out 0  linear: rmse 1 in 2 CPU s"
    kept = results.read(fits.path).records
    assert set(kept) == set(asked)
    record, table = kept["CatBoost", "people", 1], load("people", folder)
    assert (record.rows, record.columns, record.words, record.classes) == (ROWS, 3, 1, 3)
    assert record.digest == digest(table, holdouts(table)[1])
    assert record.numbers["calibration_error"] == 0.5


def test_resuming_does_what_is_missing_and_what_failed(fits: Any) -> None:
    interrupted = Fake()
    interrupted.interrupt_at = 5
    interrupted.answers["CatBoost"] = {"error": "ValueError: no"}
    with pytest.raises(KeyboardInterrupt):
        fits(interrupted)
    first = set(interrupted.asked)
    assert len(results.read(fits.path).records) == 5
    again, lines = fits(Fake())
    assert len(lines) == 12
    failed = {key for key in first if key[0] == "CatBoost"}
    assert set(again) & first == failed
    assert len(again) == 12 - 5 + 2
    assert not any(record.error for record in results.read(fits.path).records.values())
    assert fits(Fake())[0] == []  # nothing is missing


def test_other_rows_and_other_threads_are_measured_again(fits: Any, folder: Path) -> None:
    fits(Fake())
    path = folder / "prices.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b",7\n", b",8\n")))
    assert {key[1] for key in fits(Fake())[0]} == {"prices"}
    assert len(fits(Fake(), threads=2)[0]) == 12


def test_who_takes_too_long_is_not_tried_on_that_table_again(fits: Any) -> None:
    slow = Fake()
    slow.answers["linear"] = {"error": "took more than 3 s", "too_long": True}
    asked, lines = fits(slow)
    assert [key for key in asked if key[0] == "linear"] == [
        ("linear", "prices", 0),
        ("linear", "people", 0),
    ]
    kept = results.read(fits.path).records
    untried = "not tried: an earlier hold-out took more than 3 s"
    assert [kept["linear", "prices", n].error for n in range(3)] == [
        "took more than 3 s",
        untried,
        untried,
    ]
    assert f"prices, hold-out 2  linear: failed: {untried}" in lines


def test_a_fit_in_a_process_of_its_own(folder: Path) -> None:
    settings = runner.Settings(folder)
    answer = runner.run("linear", "prices", 1, settings)
    assert answer["rmse"] < 3  # of numbers up to 66, on a line
    assert all(answer[name] >= 0 for name in results.TIMES)
    assert answer["version"]
    table = load("prices", folder)
    made = runner.record("linear", table, holdouts(table)[1], 1, answer)
    assert Record.of(json.loads(made.line())).error is None
    failed = runner.run("linear", "nothing", 0, settings)
    assert failed["error"].startswith("TablesError: ")
    assert "has no table nothing" in failed["error"]
    late = runner.run("linear", "prices", 0, runner.Settings(folder, limit=0.01))
    assert late == {"error": "took more than 0.01 s", "too_long": True}


def test_a_process_that_ends_without_a_word_is_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.sys, "executable", "false")
    assert runner.run("linear", "prices", 0, runner.Settings(folder)) == {
        "error": "ended with code 1"
    }


def test_every_process_has_the_threads_it_may_use_and_no_kernels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert not {"OPENBLAS_CORETYPE", "OMP_NUM_THREADS"} & set(kept_variables())
    seen: dict[str, Any] = {}

    def popen(words: list[str], **given: Any) -> Any:
        seen.update(given["env"], words=words)
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.subprocess, "Popen", popen)
    with pytest.raises(KeyboardInterrupt):
        runner.run("linear", "prices", 0, runner.Settings(folder, threads=3))
    assert {seen[name] for name in runner.THREADS} == {"3"}
    assert "OPENBLAS_CORETYPE" not in seen
    assert seen["words"][-4:] == ["--threads", "3", "--tables", str(folder)]


# --- contestants -----------------------------------------------------------------------------

TRAINED = {
    "linear": contestants.linear,
    "mlp": contestants.sklearn_mlp,
    "forest": contestants.random_forest,
    "boosting": contestants.hist_gradient_boosting,
    "ours": contestants.ours("MLP", max_iter=20),
    "ensemble": contestants.ours("PopulationEnsemble", n_candidates=2, n_folds=1, max_iter=3),
    "catboost": contestants.catboost,
    "lightgbm": contestants.lightgbm,
    "xgboost": contestants.xgboost,
    "pytabkit": contestants.pytabkit("RealMLP_TD_S", n_epochs=2),
}


@pytest.mark.filterwarnings("ignore")  # networks that have not converged; libraries as they like
@pytest.mark.parametrize("name", TRAINED)
def test_everybody_is_trained_on_words_and_missing_cells(name: str, folder: Path) -> None:
    if name in ("catboost", "lightgbm", "xgboost", "pytabkit"):
        pytest.importorskip(name)
    table = load("people", folder)
    X, train = table.X.rename(columns={"size": 'si,z[e" <'}), np.arange(40)
    later = X.iloc[40:].copy()
    later.iloc[0, 1] = "NA"  # which one row of training has
    predict = TRAINED[name]("classification", X.iloc[:40], table.y[train], 0, 1)
    chances = predict(later)
    assert chances.shape == (20, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    if name != "pytabkit":  # two epochs of a regression would be those of a default, 256
        y = table.X["known"].to_numpy()
        assert TRAINED[name]("regression", X.iloc[:40], y[train], 0, 1)(later).shape == (20,)


def test_a_word_that_is_new_and_a_column_without_words_are_no_error(folder: Path) -> None:
    table = load("people", folder)
    rows = table.X.iloc[6:]  # without the only "NA"
    later = table.X.iloc[:6]
    predict = contestants.linear("classification", rows, table.y[6:], 0, 1)
    assert np.isfinite(predict(later)).all()
    assert contestants.filled(table.X)["colour"].tolist()[:2] == ["missing", "blue"]


def test_a_class_that_was_not_seen_has_the_probability_zero() -> None:
    class Model:
        classes_ = (0, 2)

        def predict_proba(self, X: pd.DataFrame) -> Any:
            return np.full((len(X), 2), 0.5)

    found = contestants.answers("classification", Model())(pd.DataFrame({"x": [1.0, 2.0]}))
    assert found.tolist() == [[0.5, 0.0, 0.5]] * 2


def test_who_is_not_installed_is_left_out_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"catboost": None, "sklearn": object(), "trainlab": object()}
    monkeypatch.setattr(importlib.util, "find_spec", found.get)
    assert lineup.BY_NAME["CatBoost"].missing() == (
        "CatBoost is left out: catboost is not installed (make bench-tables installs it)."
    )
    assert lineup.BY_NAME["linear"].missing() is None
    assert lineup.BY_NAME[lineup.OURS].missing() is None
    later = lineup.Contestant("later", contestants.linear, "", "trainlab", (), ("MLP", "wings"))
    assert later.missing() == "later is left out: MLP has no wings in this version."
    assert contestants.knows("MLP", "max_iter")


def test_every_contestant_has_a_name_of_its_own_and_words() -> None:
    assert len(lineup.BY_NAME) == len(lineup.LINEUP)
    assert all(contestant.words for contestant in lineup.LINEUP)
    assert lineup.BY_NAME["linear"].version()
    assert lineup.OURS in lineup.OWN
    assert "CatBoost" not in lineup.OWN


# --- the command line --------------------------------------------------------------------------


def test_from_tables_to_the_page(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(runner, "ROOT", program.ROOT)
    monkeypatch.setattr(program, "Session", session_with(Fake()))
    gone = lineup.Contestant("gone", contestants.linear, "", "no_such_package")
    monkeypatch.setattr(program, "LINEUP", (*lineup.LINEUP, gone))
    monkeypatch.setattr(program, "BY_NAME", dict(lineup.BY_NAME) | {"gone": gone})
    out = tmp_path / "results.jsonl"
    words = ["--tables", str(folder), "--out", str(out), "--holdouts", "2"]
    chosen = ["--contestants", lineup.OURS, "linear", "gone"]
    assert program.main([*words, *chosen]) == 0
    said = capsys.readouterr().out
    assert "gone is left out: no_such_package is not installed" in said
    assert "Mean ranks" in said
    assert len(results.read(out).records) == 2 * 2 * 2
    assert program.main([*words, *chosen]) == 2
    assert "--resume goes on with it" in " ".join(capsys.readouterr().out.split())
    assert program.main([*words, *chosen, "--resume"]) == 0
    monkeypatch.setattr(program, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    assert program.main(["--out", str(out), "--page"]) == 0
    assert (tmp_path / "docs" / page.PAGE).exists()
    assert program.main(["--out", str(tmp_path / "nowhere"), "--page"]) == 2


def session_with(fake: Fake) -> Any:
    def made(*given: Any) -> runner.Session:
        return runner.Session(*given, start=fake)

    return made


def test_ctrl_c_keeps_what_was_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    fake = Fake()
    fake.interrupt_at = 3
    monkeypatch.setattr(program, "Session", session_with(fake))
    out = tmp_path / "results.jsonl"
    words = ["--tables", str(folder), "--out", str(out), "--contestants", "linear"]
    assert program.main(words) == 130
    assert "Go on with --resume" in capsys.readouterr().out
    assert len(results.read(out).records) == 3


def test_the_command_line_refuses_nonsense(tmp_path: Path, capsys: Any) -> None:
    for words in (["--threads", "0"], ["--contestants", "nobody"], ["--ours", "nobody"]):
        with pytest.raises(SystemExit):
            program.main(words)
    nowhere = ["--tables", str(tmp_path), "--out", str(tmp_path / "x.jsonl")]
    assert program.main(nowhere) == 2
    assert "mustsaytargetandtask" in "".join(capsys.readouterr().out.split())
    unknown = ["--names", "titanic", "--contestants", "linear", "--out", str(tmp_path / "y")]
    assert program.main(unknown) == 2


# --- the page ------------------------------------------------------------------------------


def everything() -> Results:
    """Results of everybody on six tables: CatBoost first on b, our MLP on e, one failure."""
    made = []
    for place, table in enumerate(("a", "b", "c", "d", "e", "f")):
        task = "classification" if place < 5 else "regression"
        for rank, contestant in enumerate(lineup.LINEUP, start=1):
            for number in range(2):
                error = 0.1 * rank + 0.01 * place + 0.001 * number
                if (table, contestant.name) == ("b", "CatBoost"):
                    error = 0.05
                if (table, contestant.name) == ("e", "trainlab, MLP"):
                    error = 0.04
                failed = (table, contestant.name) == ("c", "TabM")
                made.append(
                    one(
                        contestant.name,
                        table,
                        number,
                        None if failed else error,
                        task=task,
                        rows=1_000 + place,
                        cpu=float(rank),
                    )
                )
    machine = {
        "date": "2001-02-03",
        "processor": "Abacus",
        "cores": 2,
        "memory_gib": 4.0,
        "caches": {},
        "system": "Linux x86_64",
        "python": "3.11.7",
        "versions": {"numpy": "2.0", "torch": None},
    }
    return Results({record.key: record for record in made}, (machine, machine))


def test_the_page_says_everything(tmp_path: Path) -> None:
    made = everything()
    written_files = page.write(made, tmp_path, lineup.OURS)
    assert [path.name for path in written_files] == [page.PAGE, page.RESULTS, page.FIGURE]
    text = (tmp_path / page.PAGE).read_text(encoding="utf-8")
    assert text.count("Abacus") == 1
    assert "1 thread each" in text
    assert f"({page.FIGURE})" in text
    for contestant in lineup.LINEUP:
        assert f"| {contestant.name} | {contestant.package} 1.2 | {contestant.words} |" in text
    assert "- TabM failed on c, hold-out 0: ValueError: no." in text
    assert "| b | classification | CatBoost | +121.0% |" in text
    assert "| e | classification |" not in text.partition("## Each table")[0]  # first is ours, too
    assert "| **0.1005** |" in text
    assert " failed |" in text
    found = summary.ratios(made, lineup.OURS, "classification")["LightGBM"]
    assert f"| {summary.interval(found)} |" in text
    assert "5 of 6" in text  # tables that ours wins from CatBoost
    reread = results.read(tmp_path / page.RESULTS)
    assert page.page(reread, lineup.OURS) == text
    assert (tmp_path / page.FIGURE).read_bytes() == plots.svg(figure.ratios(reread, lineup.OURS))


def test_a_page_without_ours_shows_the_others_alone(tmp_path: Path) -> None:
    made = everything().of(["CatBoost", "linear"])
    assert len(page.write(made, tmp_path, lineup.OURS)) == 2
    text = page.page(made, lineup.OURS)
    assert "| CatBoost | 1.00 |" in text
    assert "beside each" not in text
    assert "not first" not in text


def test_nobody_is_tried_on_less_unseen() -> None:
    made = everything()
    fewer = {key: record for key, record in made.records.items() if key != ("linear", "d", 1)}
    text = page.page(Results(fewer, made.machines), lineup.OURS)
    assert "- Not everybody has been tried on d: left out here." in text
    assert "| 5 of 5 |" in text


def test_tables_fit_a_terminal() -> None:
    for table in summary.printed(everything(), lineup.OURS):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(table.rich())
        assert "…" not in console.export_text().replace("error of …", "")
    assert summary.printed(Results({}), lineup.OURS) == []


def test_ticks_do_not_touch() -> None:
    assert 1.0 in figure._ticks(0.5, 2.0)
    for low, high in ((0.5, 2.0), (0.05, 20.0), (0.9, 1.1)):
        logs = np.log(figure._ticks(low, high))
        assert np.diff(logs).min() > figure.CLOSE * math.log(high / low)


def test_the_page_is_what_its_results_make() -> None:
    """Of docs/tables-measured.md, which `python -m benchmarks.tables --page` leaves."""
    made = results.read(DOCS / page.RESULTS)
    assert (DOCS / page.PAGE).read_text(encoding="utf-8") == page.page(made, lineup.OURS)
    assert "tables-measured.svg" in os.listdir(DOCS)
