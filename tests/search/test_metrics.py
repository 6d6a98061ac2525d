"""Metrics by name: those of scikit-learn, and intervals that resample them as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from complaints import complains
from trainlab.cli import main
from trainlab.errors import SettingError
from trainlab.search.metrics import (
    NAMES,
    NumberMetric,
    TablePrediction,
    TableTruth,
    difference_bounds,
    metric_bounds,
    metrics_of,
    named_metric,
)

ROOT = Path(__file__).parents[2]
ROWS = 60
CLASSES = {"two": ["fraud", "no"], "four": ["a", "b", "c", "d"]}


def classes(which: str, rng: np.random.Generator, noise: float = 1.0) -> tuple[Any, Any]:
    """Labels of which each is there, and what a model might say of them."""
    labels = np.array(CLASSES[which])
    y = np.concatenate([labels, labels, rng.choice(labels, ROWS - 2 * len(labels))])
    logits = rng.normal(0, noise, (ROWS, len(labels))).round(1)  # some are equal
    logits[np.arange(ROWS), np.searchsorted(labels, y)] += 0.7
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = np.maximum(np.rint(p * 256), 1) / 256  # exact, so that 1 − p has the same ties
    p[np.arange(ROWS), p.argmax(axis=1)] += 1 - p.sum(axis=1)
    truth = TableTruth.of(y, np.arange(ROWS), "classification")
    return truth, TablePrediction(labels[p.argmax(axis=1)], p)


def numbers(rng: np.random.Generator, unit: float = 1.0) -> tuple[Any, Any]:
    y = rng.normal(5, 2, ROWS)
    truth = TableTruth.of(y * unit, np.arange(ROWS), "regression")
    return truth, TablePrediction((y + rng.normal(0, 1, ROWS)) * unit)


def by_sklearn(name: str, truth: Any, said: Any, weight: Any = None) -> float:
    """What scikit-learn says of a metric, called as its manual has it."""
    y, t = said.values, truth.values
    given: Any = {"sample_weight": weight}
    if name == "roc_auc" and truth.positive is not None:
        hit = t == truth.classes[truth.positive]
        return float(sk.roc_auc_score(hit, said.probabilities[:, truth.positive], **given))
    if name == "roc_auc":
        return float(sk.roc_auc_score(t, said.probabilities, multi_class="ovr", **given))
    if name == "f1" and truth.positive is not None:
        return float(sk.f1_score(t, y, pos_label=truth.classes[truth.positive], **given))
    known: dict[str, Callable[[], Any]] = {
        "log_loss": lambda: sk.log_loss(t, said.probabilities, labels=truth.classes, **given),
        "accuracy": lambda: sk.accuracy_score(t, y, **given),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(t, y, **given),
        "f1": lambda: sk.f1_score(t, y, average="macro", **given),
        "r2": lambda: sk.r2_score(t, y, **given),
        "rmse": lambda: sk.root_mean_squared_error(t, y, **given),
        "mae": lambda: sk.mean_absolute_error(t, y, **given),
        "pinball": lambda: sk.mean_pinball_loss(t, y, alpha=0.5, **given),
        "pinball:0.9": lambda: sk.mean_pinball_loss(t, y, alpha=0.9, **given),
    }
    assert name in known, f"by_sklearn needs a row for {name!r}"
    return float(known[name]())


@pytest.mark.parametrize("name", [*NAMES, "pinball:0.9"])
@pytest.mark.parametrize("which", CLASSES)
def test_values_and_resamples_are_those_of_scikit_learn(
    name: str, which: str, rng: np.random.Generator
) -> None:
    metric = named_metric(name)
    truth, said = classes(which, rng) if metric.task == "classification" else numbers(rng)
    expected = by_sklearn(name, truth, said)
    assert metric.value(truth, said) == pytest.approx(expected, rel=1e-12)
    # Each row as often as it is drawn, which to scikit-learn is its weight.
    times = np.stack([np.ones(ROWS), rng.integers(0, 4, ROWS)]).astype(np.float64)
    times[1, : 2 * len(CLASSES[which])] = 1.0  # of each class some row
    weighed = by_sklearn(name, truth, said, times[1])
    if name == "roc_auc" and which == "four":  # scikit-learn's own mean is of classes as ours
        one = [
            sk.roc_auc_score(truth.codes == c, said.probabilities[:, c], sample_weight=times[1])
            for c in range(4)
        ]
        weighed = float(np.mean(one))
    assert metric.resampled(truth, said)(times) == pytest.approx([expected, weighed], rel=1e-9)


@pytest.mark.parametrize("name", [*NAMES, "pinball:0.9"])
@pytest.mark.parametrize("which", CLASSES)
def test_a_scorer_gives_a_search_the_same_number(
    name: str, which: str, rng: np.random.Generator
) -> None:
    metric = named_metric(name)
    truth, said = classes(which, rng) if metric.task == "classification" else numbers(rng)

    model = saying(said, truth.classes)
    score = sk.check_scoring(model, metric.scorer(truth))(model, np.zeros((ROWS, 1)), truth.values)
    assert metric.sign * score == pytest.approx(metric.value(truth, said), rel=1e-12)


def saying(said: TablePrediction, classes: Any) -> Any:
    """A model that says the same of whatever rows."""

    class Said(BaseEstimator):  # type: ignore[misc]  # scikit-learn comes without types
        def __init__(self) -> None:
            self.classes_ = classes

        def fit(self, X: Any, y: Any) -> Any:
            return self

        def predict(self, X: Any) -> Any:
            return said.values

        def predict_proba(self, X: Any) -> Any:
            return said.probabilities

    kind = RegressorMixin if classes is None else ClassifierMixin
    return type("Model", (kind, Said), {})()


@pytest.mark.parametrize("which", CLASSES)
def test_a_fold_may_lack_a_class_that_the_model_knows(which: str, rng: np.random.Generator) -> None:
    truth, said = classes(which, rng)
    rows = np.flatnonzero(truth.codes != len(CLASSES[which]) - 1)
    fold, own = truth.take(rows), said.take(rows)
    for metric in metrics_of("classification"):
        one_class = which == "two" and metric.name == "roc_auc"
        assert metric.lacks(truth) == ""
        assert metric.lacks(fold) == ("rows of a second class" if one_class else "")
        score = metric.scorer(truth)(
            saying(own, truth.classes), np.zeros((len(rows), 1)), fold.values
        )
        assert np.isnan(score) == one_class
        assert one_class or metric.sign * score == metric.value(fold, own)


def test_one_row_has_no_variance() -> None:
    truth = TableTruth.of(np.array([1.0, 2.0]), np.arange(2), "regression")
    lacking = {one.name: one.lacks(truth.take([0])) for one in metrics_of("regression")}
    assert {name: what for name, what in lacking.items() if what} == {"r2": "a second row"}
    assert named_metric("r2").lacks(truth) == ""


@pytest.mark.parametrize("unit", [1.0, 2.0**-1000, 1e-300, 1e300])
@pytest.mark.parametrize("name", ["r2", "rmse", "mae", "pinball:0.2"])
def test_metrics_of_numbers_are_the_same_in_any_unit(
    name: str, unit: float, rng: np.random.Generator
) -> None:
    seed, metric = int(rng.integers(2**31)), named_metric(name)
    plain, scaled = (numbers(np.random.default_rng(seed), one) for one in (1.0, unit))
    by = 1.0 if name == "r2" else unit
    assert metric.value(*scaled) / by == pytest.approx(metric.value(*plain), rel=1e-9)
    ends = [np.array(metric_bounds(metric, *one, seed=0)) for one in (plain, scaled)]
    assert ends[1] / by == pytest.approx(ends[0], rel=1e-9)
    assert ends[0][0] < metric.value(*plain) < ends[0][1]


def test_a_prediction_beyond_all_bounds_counts_as_very_far() -> None:
    truth = TableTruth.of(np.array([1.0, 2.0, 3.0]), np.arange(3), "regression")
    said = TablePrediction(np.array([1.0, 2.0, 1e308]))
    for metric in metrics_of("regression"):
        assert np.isfinite(metric.value(truth, said))
        assert np.isfinite(metric.resampled(truth, said)(np.ones((1, 3)))).all()


def test_the_rarer_of_two_classes_is_the_one_to_be_found() -> None:
    rows = np.arange(4)
    y = np.array(["no", "no", "a fraud", "no", "no"])
    assert TableTruth.of(y, rows, "classification").positive == 0
    assert TableTruth.of(y[:4], rows[:2], "classification").positive == 0  # by all of y
    even = np.array(["no", "yes"] * 2)
    assert TableTruth.of(even, rows, "classification").positive == 1
    assert TableTruth.of(np.arange(4) % 3, rows, "classification").positive is None


def test_a_class_that_no_row_put_aside_has_is_left_out() -> None:
    y = np.array(["a", "b", "c", "a", "b", "a"])
    truth = TableTruth.of(y, np.array([0, 1, 3]), "classification")
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.5, 0.4, 0.1]])
    said = TablePrediction(np.array(["a", "c", "a"]), p)
    assert named_metric("balanced_accuracy").value(truth, said) == 0.5
    assert named_metric("f1").value(truth, said) == pytest.approx((1 + 0 + 0) / 3)
    same = TablePrediction(np.array(["a", "a", "a"]), p)  # c is neither there nor named
    assert named_metric("f1").value(truth, same) == pytest.approx((0.8 + 0) / 2)
    assert named_metric("f1").resampled(truth, same)(np.ones((1, 3))) == pytest.approx([0.4])
    assert named_metric("roc_auc").value(truth, said) == pytest.approx((1 + 0.25) / 2)
    assert named_metric("log_loss").value(truth, said) == pytest.approx(
        -np.log([0.6, 0.3, 0.5]).mean()
    )
    for metric in metrics_of("classification"):
        # Of the first resample no class but one is there.
        found = metric.resampled(truth, said)(np.array([[2.0, 0, 1], [1, 1, 1]]))
        assert found[1] == pytest.approx(metric.value(truth, said))
        assert np.isnan(found[0]) == (metric.name == "roc_auc")


def test_a_difference_is_of_the_same_rows(rng: np.random.Generator) -> None:
    """What makes rows hard for both models falls out: a shift shows in the narrowest interval."""
    truth, said = numbers(rng)
    worse = TablePrediction(truth.values + 1.01 * (said.values - truth.values))
    metric = named_metric("mae")
    low, high = difference_bounds(metric, truth, worse, said, seed=0)
    one, other = (
        metric_bounds(metric, truth, said, seed=0),
        metric_bounds(metric, truth, worse, seed=0),
    )
    assert 0 < low < high
    assert one[1] > other[0]  # apart, the two would not be told apart


def test_a_difference_that_is_rounding_is_none() -> None:
    class Constant(NumberMetric):
        """What was said, in each resample."""

        def resampled(self, truth: Any, predicted: Any) -> Any:
            return lambda times: np.full(len(times), predicted)

    found = difference_bounds(Constant(), np.arange(5), 0.1 + 0.2, 0.3, seed=0)  # type: ignore[arg-type]
    assert found == (0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_where_metrics_are_listed(name: str) -> None:
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| .*`{name}[`:]", page, re.MULTILINE), "docs/tables.md needs a row for it"
    options = {one.name: one for one in main.commands["search"].params}
    told = re.search(rf"\b{name}\b", getattr(options["metric"], "help", ""))
    assert told, "the help of --metric in src/trainlab/cli/searching.py needs its name"


def test_names() -> None:
    for given, name in (
        ("neg_log_loss", "log_loss"),
        ("roc_auc_ovr", "roc_auc"),
        ("f1_macro", "f1"),
        ("neg_root_mean_squared_error", "rmse"),
        ("neg_mean_pinball_loss", "pinball"),
        ("pinball:0.90", "pinball:0.9"),
    ):
        assert named_metric(given).name == name
    for quantile in (0.1, 0.12345678, 1 - 1e-9):
        name = named_metric(f"pinball:{quantile}").name
        assert named_metric(name).alpha == quantile  # type: ignore[attr-defined]
    assert {one.better for one in map(named_metric, ("log_loss", "rmse", "mae", "pinball"))} == {
        "lower"
    }
    assert all(isinstance(one, NumberMetric) for one in metrics_of("regression"))
    for given, task, starts in (
        ("acuracy", None, "metric of a search must be one of log_loss, roc_auc, accuracy,"),
        ("f1", "regression", "metric of a search must be one of r2, rmse, mae, "),
        ("pinball:1.5", None, "metric of a search must have a number between 0 and 1 after"),
        (3, None, "metric of a search must be one of log_loss"),
    ):
        complains(partial(named_metric, given, task), SettingError, starts)
