"""Printed numbers: all are there, each finds its place among ours, and none is flattered."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import trainlab as tl
from trainlab.experiments import (
    EXPERIMENTS,
    Options,
    hyper_parameter_search,
    published,
    random_search,
    runner,
)
from trainlab.experiments.base import Array, MeasuredSeries, Measurements, Row, TrainingExperiment
from trainlab.experiments.published import Printed, beside, printed

# Experiment → how many numbers the notes print for it, and their sum, which a slip changes.
FUNCTIONS = {
    "derivative": (2, 0.2),
    "gradient-field": (2, 14.0),
    "tiny-network": (3, 13.4808580471604245),
    "optimizer-paths": (8, 1.052979),
}
MNIST = {
    "optimizer-comparison": (20, 19.38633),
    "weight-init-comparison": (15, 22.53598),
    "batch-norm": (78, 19.284),
    "weight-decay": (4, 1.92753),
    "dropout": (7, 10.03106),
    "hyper-parameter-search": (28, 7.668644),
}


# --- the table -------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "expected"), [("functions", FUNCTIONS), ("mnist", MNIST)])
def test_every_number_is_there(data: str, expected: dict[str, tuple[int, float]]) -> None:
    assert set(published.table()["numbers"][data]) == set(expected)
    for name, (count, total) in expected.items():
        numbers = printed(name, data)
        assert len(numbers) == count, name
        assert math.fsum(n.value for n in numbers) == pytest.approx(total, rel=1e-5), name
        assert len({(n.source, n.what) for n in numbers}) == count, name
        assert {n.source for n in numbers} <= set(published.sources())


def test_what_is_printed_derived_and_printed_wrongly_is_counted_apart() -> None:
    numbers = published.table()["numbers"]
    every = [one for data in numbers for name in numbers[data] for one in printed(name, data)]
    derived = [one for one in every if one.source == published.DERIVED]
    assert (len(every) - len(derived), len(derived)) == (157, 10)
    wrong = [one for one in every if one.misprint is not None]
    assert [(one.value, one.misprint) for one in wrong] == [(6, 25000), (8, 35000)]
    assert all(one in derived for one in wrong)
    assert published.misprints() == {one.what: one.misprint for one in wrong}
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert "holds the 157 numbers" in text
    assert "and 10 that are *derived*" in text


def test_epochs_of_the_notes_are_counted_in_updates() -> None:
    # They evaluate after the update of a step i that n divides: epoch k, after k n + 1 updates.
    by_what = {n.what: n for n in printed("batch-norm", "mnist")}
    assert by_what["std=1, batch norm, training accuracy at epoch 17"].at == 171
    assert by_what["std=0.0001, plain, training accuracy at epoch 19"].value == 0.117
    assert [(n.at, n.value) for n in printed("weight-decay", "mnist")] == [
        (1, 0.07333333333333333),
        (601, 1.0),
        (1, 0.0905),
        (601, 0.7637),
    ]
    last = printed("dropout", "mnist")[-1]
    assert (last.what, last.at) == ("dropout 0.2, test accuracy after 301 epochs", 903)


def test_the_numbers_of_searches_have_arms_and_series_of_ours() -> None:
    numbers = printed("hyper-parameter-search", "mnist")
    assert {n.arm for n in numbers} == {random_search.WIDE, random_search.NARROW}
    ranges = hyper_parameter_search.SEARCHES["mnist"].wide
    series = {f"{name}_by_rank" for name in (*ranges, "validation_accuracy")}
    assert {n.series for n in numbers} == series
    assert all(n.at <= 100 and n.axis == "rank" for n in numbers)


@pytest.mark.parametrize("name", sorted(set(MNIST) - {"hyper-parameter-search"}))
def test_every_number_has_an_arm_and_a_place_of_ours(name: str) -> None:
    experiment = EXPERIMENTS[name]
    assert isinstance(experiment, TrainingExperiment)
    setup = experiment.base["mnist"]
    for number in printed(name, "mnist"):
        assert number.arm in experiment.vary, number.what
        split = number.series.split("_")[0]
        assert split in setup.on, number.what
        assert number.at < setup.steps if split == "batch" else number.at <= setup.steps
        if isinstance(setup.evaluate, int):
            assert number.at % setup.evaluate == 0, number.what
        else:  # the end is evaluated, too
            assert isinstance(setup.evaluate, tuple)
            assert number.at in (*setup.evaluate, setup.steps), number.what


# --- beside ours -----------------------------------------------------------------------


def data(labels: list[int]) -> tl.Dataset:
    """A data set that has the name of the one for which numbers are printed."""
    t = np.array(labels)
    return dataclasses.replace(tl.datasets.from_arrays(np.ones((len(t), 2)), t), name="mnist")


def measured(
    arm: str, values: Array, series: str = "train_accuracy", axis: str = "step", at: int = 1
) -> Measurements:
    rows = tuple(Row(arm, seed, {}) for seed in range(len(values)))
    return Measurements(
        rows, {series: MeasuredSeries(axis, np.array([float(at)]), values[:, None])}
    )


def test_a_number_is_set_beside_the_runs_of_its_arm_and_place() -> None:
    found = measured("std=1, batch norm", np.linspace(0.08, 0.12, 12))
    (row,) = beside("batch-norm", found, data([0, 1]))
    assert row.what == "std=1, batch norm, training accuracy at epoch 0"
    assert (row.value, row.runs, row.level, row.inside) == (0.098, 12, 0.99, True)
    far = measured("std=1, batch norm", np.linspace(0.5, 0.6, 12))
    (row,) = beside("batch-norm", far, data([0, 1]))
    assert not row.inside


@pytest.mark.parametrize(
    "found",
    [
        measured("another arm", np.ones(6)),
        measured("std=1, plain", np.ones(6), series="test_accuracy"),
        measured("std=1, plain", np.ones(6), axis="epoch"),
        measured("std=1, plain", np.ones(6), at=2),
    ],
)
def test_what_was_not_measured_is_left_out(found: Measurements) -> None:
    assert beside("batch-norm", found, data([0, 1])) == ()
    assert beside("batch-norm", found) == ()


def test_a_network_of_nan_is_scored_as_the_notes_score_it() -> None:
    found = measured("std=1, plain", np.full(6, np.nan), at=11)
    lost = {member.id: 3 for member in found.members}
    share = [0] * 97 + [1] * 903
    (row,) = beside("batch-norm", dataclasses.replace(found, diverged=lost), data(share))
    assert (row.low, row.median, row.high) == (0.097, 0.097, 0.097)
    assert row.inside
    assert row.note is not None
    assert "class 0" in row.note
    # Another share is another number; and a member without a value that did not diverge has none.
    (row,) = beside("batch-norm", dataclasses.replace(found, diverged=lost), data([0, 1]))
    assert not row.inside
    (row,) = beside("batch-norm", found, data(share))
    assert row.runs == 0


@pytest.mark.mnist
def test_97_of_the_first_1000_images_are_zeros(mnist_dir: Path) -> None:
    first = tl.load_mnist(mnist_dir).first(train=1000)
    number = Printed("notes-3", "", 0.097, 1, series="train_accuracy")
    assert published._of_nan(number, first) == number.value
    x = np.full((1, 10), np.nan)
    assert np.argmax(x) == 0


def test_the_place_may_be_the_nearest_on_another_series() -> None:
    rank = np.arange(1.0, 4.0)
    rates = np.array([[9e-3, 5e-3, 2.1e-3], [8e-3, 1.9e-3, 1.1e-3]])
    scores = np.array([[0.9, 0.8, 0.5], [0.8, 0.4, 0.3]])
    series = {
        "lr_by_rank": MeasuredSeries("rank", rank, rates),
        "validation_accuracy_by_rank": MeasuredSeries("rank", rank, scores),
    }
    rows = tuple(Row("narrow ranges", seed, {}) for seed in range(2))
    found = beside("hyper-parameter-search", Measurements(rows, series), data([0, 1]))
    (row,) = [row for row in found if "nearest" in row.what]
    assert row.median == pytest.approx(0.45)
    assert row.note is not None
    best = next(row for row in found if row.what == "narrow ranges, rate of trial 1 by rank")
    assert best.value == 0.009269786798484373
    assert best.median == pytest.approx(8.5e-3)


def test_numbers_without_randomness_are_equal_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FUNCTIONS:
        experiment = EXPERIMENTS[name]
        found = runner.measure(experiment, None, Options(seeds=2))
        assert [row.value for row in found.published] == [n.value for n in printed(name)]
        assert all(row.inside and row.runs == 1 for row in found.published)
    wrong = {**published.FUNCTIONS, "gradient": lambda: np.array([25000.0, 35000.0])}
    monkeypatch.setattr(published, "FUNCTIONS", wrong)
    found = runner.measure(EXPERIMENTS["gradient-field"], None, Options(seeds=2))
    assert [row.inside for row in found.published] == [False, False]
    assert "25000 and 35000" in (found.published[0].note or "")


def test_losses_after_the_update_are_found_in_a_training() -> None:
    # The settings of MNIST, on the digits' rows: only the places matter here.
    experiment = EXPERIMENTS["optimizer-comparison"]
    assert isinstance(experiment, TrainingExperiment)
    setup = dataclasses.replace(experiment.base["mnist"], steps=250, rows=None)
    small = dataclasses.replace(experiment, base={"digits": setup})
    digits = runner.load(Options())
    found = runner.train(small, digits, Options(seeds=1))
    assert found.series["batch_loss"].axis_values.tolist() == [0, 100, 200]
    rows = beside(small.name, found, dataclasses.replace(digits, name="mnist"))
    assert sorted({row.what for row in rows}) == [
        f"{arm}, loss at step 0" for arm in ("AdaGrad", "Adam", "Momentum", "SGD")
    ]
    assert len(rows) == 8
    assert beside(small.name, found, digits) == ()
