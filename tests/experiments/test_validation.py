"""What an experiment declares is checked before anything is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from reduced import training
from trainlab.errors import SettingError
from trainlab.experiments import EXPERIMENTS, Better, Options, run, summary
from trainlab.experiments.base import (
    FunctionExperiment,
    Measure,
    MeasuredSeries,
    Measurements,
    Reading,
    Row,
    StagedExperiment,
    Within,
    greatest,
    last_difference,
    mean_of_last,
)
from trainlab.experiments.validation import check_experiment, taken

BASE = training("dropout")
OWNER = "experiment dropout"


def test_every_experiment_of_ours_is_one() -> None:
    for experiment in EXPERIMENTS.values():
        check_experiment(experiment)


CASES: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "a name": ({"name": "My idea"}, "name of an experiment must be small letters, digits and -"),
    "no name": ({"name": None}, "name of an experiment must be small letters, digits and -"),
    "a title": ({"title": 3}, f"title of {OWNER} must be a text"),
    "a claim": ({"claim": None}, f"claim of {OWNER} must be a text"),
    "equations": ({"equations": "x"}, f"equations of {OWNER} must be a tuple"),
    "one that is expected": ({"expect": Better("a", "b")}, f"expect of {OWNER} must be a tuple"),
    "a word": ({"expect": ("none",)}, f"expect of {OWNER} must be Better or Within"),
    "a measure": ({"measure": "loss"}, f"measure of {OWNER} must be a Measure"),
    "a measure of two": (
        {"measure": Measure("loss", lambda series, more: more)},
        f"of of the measure of {OWNER} must be a function of the series by name; got",
    ),
    "a figure": ({"figure": "svg"}, f"figure of {OWNER} must be a function"),
    "what makes one": ({"figure": summary}, f"figure of {OWNER} must be a function"),
    "no base": ({"base": {}}, f"base of {OWNER} must be a dict from data sets to Setups"),
    "a data set": ({"base": {"digit": BASE.base["digits"]}}, f"base of {OWNER} must be of"),
    "no setup": ({"base": {"digits": {}}}, f"base['digits'] of {OWNER} must be a Setup"),
    "no optimizer": (
        {"base": {"digits": dataclasses.replace(BASE.base["digits"], optimizer="adam")}},
        f"optimizer of base['digits'] of {OWNER} must be an instance of Optimizer; got 'adam'; try",
    ),
    "no arms": ({"vary": {}}, f"vary of {OWNER} must be a dict from names of arms"),
    "arms in a list": ({"vary": [{}]}, f"vary of {OWNER} must be a dict from names of arms"),
    "fields": ({"vary": {"a": 0.5}}, f"vary of {OWNER} must be a dict from names of arms"),
    "a field": ({"vary": {"a": {"dropuot": 0.5}}}, "field of a Member with SGD must be"),
    "a value": ({"vary": {"a": {"dropout": 2}}}, "dropout of MLP must be a number in"),
    "another arm": ({"expect": (Within("a"),)}, f"expect of {OWNER} must be arms: "),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_declared(case: str, tmp_path: Path) -> None:
    """By `run`, which leaves the folder as it was."""
    fields, starts = CASES[case]
    made = dataclasses.replace(BASE, **fields)
    complains(lambda: run([made], tmp_path), SettingError, starts)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_experiment(tmp_path: Path) -> None:
    starts = "experiments of a run must be experiments"
    complains(lambda: run(["dropout"], tmp_path), SettingError, starts)  # type: ignore[list-item]


def test_an_arm_is_not_compared_with_itself(tmp_path: Path) -> None:
    arm = next(iter(BASE.vary))
    made = dataclasses.replace(BASE, expect=(Better(arm, arm),))
    starts = f"expect of {OWNER} must be two different arms"
    complains(lambda: run([made], tmp_path), SettingError, starts)


@pytest.mark.parametrize(
    "of",
    [
        mean_of_last("los", 2),
        greatest("los"),
        last_difference("loss", "los"),
        lambda found: found["los"].values[:, -1],
    ],
)
def test_a_measure_of_what_was_not_recorded(
    of: Callable[[Mapping[str, MeasuredSeries]], Any],
) -> None:
    series = MeasuredSeries("step", np.array([1.0, 2.0]), np.array([[0.5, 0.25]]))
    starts = "series of a measure must be one of loss, which were recorded; got 'los'; try loss"
    measured = Measurements((Row("a", 0, {}),), {"loss": series})
    complains(lambda: taken(Measure("loss", of), measured), SettingError, starts)


def test_a_measure_of_what_is_not_evaluated_says_where_that_is_asked_for() -> None:
    series = MeasuredSeries("step", np.array([1.0, 2.0]), np.array([[0.5, 0.25]]))
    with pytest.raises(SettingError, match=r"try evaluate=\"epoch\" and on=.* in the Setup"):
        mean_of_last("validation_accuracy", 2)(Reading({"train_loss": series}))


def test_curves_of_what_was_not_recorded(tmp_path: Path) -> None:
    made = dataclasses.replace(BASE, curves=("train_los",))
    with pytest.raises(
        SettingError, match=f"curves of {OWNER} must be of train_.*; try train_loss"
    ):
        run([made], tmp_path, Options(seeds=2, quick=True))


def computed(compute: Any, **fields: Any) -> FunctionExperiment:
    """An experiment on functions that computes so."""
    ours = EXPERIMENTS["derivative"]
    assert isinstance(ours, FunctionExperiment)
    changed = {"name": "own", "compute": compute, "expect": (), "curves": (), **fields}
    return dataclasses.replace(ours, **changed)


SERIES = MeasuredSeries("x", np.arange(3.0), np.ones((2, 3)))
ROWS = (Row("a", None, {}), Row("b", None, {}))


@pytest.mark.parametrize(
    ("compute", "says"),
    [
        (lambda: None, "compute of experiment own must be a function of the seeds; got"),
        (lambda seeds: None, "compute of experiment own must return Measurements; got None"),
        (
            lambda seeds: Measurements(ROWS, {"error": SERIES.values}),  # type: ignore[dict-item]
            "series 'error' of experiment own must be a MeasuredSeries; got an array",
        ),
        (
            lambda seeds: Measurements(ROWS[:1], {"error": SERIES}),
            "series 'error' of experiment own must have an array of values of shape (1, 3)",
        ),
        (
            lambda seeds: Measurements((Row("a", 1, {}),) * 2, {"error": SERIES}),
            "members of experiment own must differ in their arms or their seeds; got '2 a/1'",
        ),
    ],
)
def test_what_an_experiment_of_ones_own_computes(compute: Any, says: str, tmp_path: Path) -> None:
    complains(lambda: run([computed(compute)], tmp_path), SettingError, says)


@pytest.mark.parametrize("expect", [Within("c"), Better("a", "c"), Better("c", "b")])
def test_arms_that_were_not_measured_cannot_be_judged(expect: Any, tmp_path: Path) -> None:
    """Of what one's own function measures nobody knows the arms before; it was a KeyError."""
    own = computed(lambda seeds: Measurements(ROWS, {"error": SERIES}), expect=(expect,))
    starts = "expect of experiment own must be arms: 'a', 'b'; got 'c'"
    complains(lambda: run([own], tmp_path), SettingError, starts)


def test_a_figure_is_one_of_matplotlib(tmp_path: Path) -> None:
    compute = lambda seeds: Measurements(ROWS, {"error": SERIES})  # noqa: E731
    own = computed(compute, figure=lambda measured, theme: None)
    starts = "figure of experiment own must return a figure of matplotlib; got None"
    complains(lambda: run([own], tmp_path), SettingError, starts)


def test_a_staged_experiment_takes_three(tmp_path: Path) -> None:
    ours = EXPERIMENTS["gradient-norms"]
    assert isinstance(ours, StagedExperiment)
    own = dataclasses.replace(ours, name="own", compute=lambda data, seeds: None)  # type: ignore[arg-type]
    starts = "compute of experiment own must be a function of the data, the seeds and a Train; got"
    complains(lambda: run([own], tmp_path), SettingError, starts)


@pytest.mark.parametrize("given", [np.ones((2, 3)), np.ones(1), 1.0, "ab", None, [[1.0], [2.0, 3]]])
def test_a_measure_gives_a_number_for_each_member(given: Any, tmp_path: Path) -> None:
    own = computed(
        lambda seeds: Measurements(ROWS, {"error": SERIES}),
        measure=Measure("error", lambda _: given),
    )
    complains(lambda: run([own], tmp_path), SettingError, "of of a Measure must ")


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_a_mean_of_no_values(count: Any) -> None:
    complains(lambda: mean_of_last("loss", count), SettingError, "count of mean_of_last must be")
