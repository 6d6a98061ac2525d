"""Rows put aside: the models beside ours, who is better, and the sentence that says it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold

from search_command import write
from trainlab.estimators import TableEncoder
from trainlab.search.metrics import TablePrediction, TableTruth, metrics_of, named_metric
from trainlab.tables.baselines import MOST_KINDS, TREES, Kinds, baselines
from trainlab.tables.holdout import (
    HoldoutComparison,
    HoldoutScore,
    compare,
    conclusion,
    doubt,
    judge,
)
from trainlab.tables.problem import TableProblem, problem

ROWS = 80
OURS, RIVAL = "the ensemble", "gradient-boosted trees"


def compared(ours: Any, rival: Any, truth: Any, name: str) -> HoldoutComparison:
    metric = named_metric(name)
    return compare(truth, (OURS, ours), (RIVAL, rival), metric, seed=0)


def shifted(y: Any, by: float, rng: np.random.Generator) -> TablePrediction:
    return TablePrediction(y + by * rng.choice([-1.0, 1.0], len(y)))


def test_numbers_that_differ_are_shown_so(rng: np.random.Generator) -> None:
    """R² 0.999 against 0.999, and a difference of +0.000, would say nothing."""
    y = rng.normal(0, 3, ROWS)
    truth = TableTruth.of(y, np.arange(ROWS), "regression")
    near, far = TablePrediction(y + 0.0303), TablePrediction(y + 0.0309)
    metric = named_metric("r2")
    own, other = metric.value(truth, near), metric.value(truth, far)
    assert f"{own:.3f}" == f"{other:.3f}"
    told = compared(near, far, truth, "r2").words
    first, second = re.findall(r"R² (\S+) against (\S+),", told)[0]
    assert 1 < len(first) - len("0.999") <= 6
    assert float(first) > float(second)
    (difference,) = re.findall(r"difference \+(\S+),", told)
    assert float(difference) == pytest.approx(own - other, rel=0.5)
    assert difference.strip("0.") != ""
    judged = [judge(name, truth, one, metric, 0) for name, one in ((OURS, near), (RIVAL, far))]
    first, second = re.findall(
        r"\(R² (\S+)\).*\((\S+)\)", conclusion(judged, [compared(near, far, truth, "r2")], metric)
    )[0]
    assert float(first) > float(second)
    off = y + 0.02
    off[0] += 3
    clear = compared(TablePrediction(y), TablePrediction(off), truth, "r2")
    assert clear.shown == "better"
    (end,) = re.findall(r"interval \+(\S+) to", clear.words)
    assert end.strip("0.") != ""
    same = compared(near, near, truth, "rmse").words
    assert "RMSE 0.03030 against 0.03030, difference 0.0000" in same.replace("0, 95", "0000, 95")
    near, far = (TablePrediction(y + 5000 + by) for by in (0.0, 0.1))
    assert (
        "RMSE 5,000.0 against 5,000.1, difference −0.1000"
        in compared(near, far, truth, "rmse").words
    )


def test_the_better_of_two_is_named_first_and_chance_is_called_so(
    rng: np.random.Generator,
) -> None:
    y = rng.normal(0, 3, ROWS)
    truth = TableTruth.of(y, np.arange(ROWS), "regression")
    near, far = shifted(y, 1.0, rng), shifted(y, 2.0, rng)
    found = compared(near, far, truth, "rmse")
    assert found.shown == "better"
    assert found.words == (
        "The ensemble is better than gradient-boosted trees: RMSE 1.000 against 2.000, "
        "difference −1.000, 95 % interval −1.000 to −1.000."
    )
    assert found.numbers == pytest.approx({"value": -1, "low": -1, "high": -1})
    found = compared(far, near, truth, "rmse")
    assert found.shown == "worse"
    assert found.words == (
        "Gradient-boosted trees are better than the ensemble: RMSE 1.000 against 2.000, "
        "difference −1.000, 95 % interval −1.000 to −1.000."
    )
    assert found.numbers == pytest.approx({"value": 1, "low": 1, "high": 1})
    assert compared(near, far, truth, "r2").shown == "better"
    same = TablePrediction(y + rng.permutation(near.values - y))
    even = compared(near, same, truth, "mae")
    assert even.shown is None
    assert even.words.startswith("The ensemble is not shown to differ from gradient-boosted trees:")


def test_accuracies_are_compared_by_the_rows_that_one_alone_has_right() -> None:
    y = np.array(["a", "b"] * 520)
    truth = TableTruth.of(y, np.arange(1040), "classification")
    p = np.full((1040, 2), 0.5)
    wrong = y.copy()
    wrong[:8] = np.where(y[:8] == "a", "b", "a")
    one, other = TablePrediction(y, p), TablePrediction(wrong, p)
    found = compared(one, other, truth, "accuracy")
    assert (found.shown, found.numbers["won"], found.numbers["lost"]) == ("better", 8, 0)
    assert found.numbers["p"] == pytest.approx(2 / 2**8)
    found = compared(other, one, truth, "accuracy")
    assert found.words == (
        "Gradient-boosted trees are better than the ensemble: the ensemble alone is right in 0 of "
        "1,040 rows, gradient-boosted trees alone in 8."
    )
    wrong[4:] = y[4:]
    assert compared(one, TablePrediction(wrong, p), truth, "accuracy").shown is None
    exact = judge(OURS, truth, one, named_metric("accuracy"), seed=0)
    assert (exact.score, exact.high) == (1.0, 1.0)
    assert exact.low == pytest.approx(0.025 ** (1 / 1040))
    assert set(exact.scores) == {one.name for one in metrics_of("classification")}


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (
            ("better", "better"),
            (
                "The ensemble (log loss 0.300) is better than logistic regression (0.410) and "
                "gradient-boosted trees (0.350)."
            ),
        ),
        (
            ("better", None),
            (
                "The ensemble (log loss 0.300) is better than logistic regression (0.410), and not "
                "shown to differ from gradient-boosted trees (0.350)."
            ),
        ),
        (
            (None, None),
            (
                "The ensemble (log loss 0.300) is not shown to differ from logistic regression "
                "(0.410) and gradient-boosted trees (0.350)."
            ),
        ),
        (
            ("better", "worse"),
            "Gradient-boosted trees are better than the ensemble: log loss 0.350 against 0.300.",
        ),
        (
            ("worse", "worse"),  # the best of those that are better
            "Gradient-boosted trees are better than the ensemble: log loss 0.350 against 0.300.",
        ),
        (
            ("worse", None),
            "Logistic regression is better than the ensemble: log loss 0.410 against 0.300.",
        ),
    ],
)
def test_a_sentence_says_who_wins(shown: Any, sentence: str) -> None:
    names = (OURS, "logistic regression", RIVAL)
    scores = (0.3, 0.41, 0.35)
    judged = [HoldoutScore(n, s, 0, 1, None, {}) for n, s in zip(names, scores, strict=True)]
    versus = [
        HoldoutComparison(name, one, "", {}) for name, one in zip(names[1:], shown, strict=True)
    ]
    assert conclusion(judged, versus, named_metric("log_loss")) == sentence


@pytest.mark.parametrize(
    ("metric", "low", "floor", "told"),
    [
        ("log_loss", 0.2, "better", ""),
        ("log_loss", 0.2, None, "The ensemble is not shown to be better than the mean, which uses"),
        ("log_loss", 0.2, "worse", "The mean, which uses no feature, is better than the ensemble."),
        ("r2", 0.1, "better", ""),
        ("r2", -0.1, "better", "The ensemble is not shown to have an R² above 0, that of one"),
    ],
)
def test_a_model_that_may_be_of_no_use_is_doubted(
    metric: str, low: float, floor: Any, told: str
) -> None:
    """To be better than a worse model is no merit where one number for all rows does as well."""
    ours = HoldoutScore(OURS, 0.3, low, 1.0, None, {})
    said = doubt(ours, HoldoutComparison("the mean", floor, "", {}), named_metric(metric))
    assert said.startswith(told)
    assert bool(said) is bool(told)


def test_trees_have_what_an_encoder_makes_of_dates_and_text() -> None:
    x = np.array([["2024-12-31", 1.5, "a", "red"], [None, 2.0, "b", "blue"]], object)
    encoder = TableEncoder([3], dates={0: "ymd"}, text=[2], text_width=4, min_frequency=1)
    others = {place: encoder.fit(x).columns_[place] for place in (0, 2)}
    found = Kinds([3], others).fit(x)
    assert found[:, :4].tolist() == [[0, 1.5, 0, 1], [0, 2, 0, 0]]
    assert encoder.get_feature_names_out().tolist()[:2] == ["x0 elapsed days", "x0 missing"]
    assert found[:, 4:].tolist() == encoder.transform(x)[:, [0, 1, 3, 4, 5, 6]].tolist()


def test_words_become_kinds_and_holes_stay_holes() -> None:
    x = np.array([["red", 1.5], ["blue", None], [None, 2.0], ["red", 3.0]], object)
    kinds = Kinds([0])
    found = kinds.fit(x)
    assert found.tolist()[0] == [1.0, 1.5]
    assert found[[0, 1, 3], 0].tolist() == [1.0, 0.0, 1.0]
    assert np.isnan([found[1, 1], found[2, 0]]).all()
    assert np.isnan(kinds.transform(np.array([["green", 1.0]], object))[0, 0])
    many = np.array([[f"word {n // 2}", 0.0] for n in range(1200)] + [["often", 0.0]] * 9, object)
    codes = Kinds([0]).fit(many)[:, 0]
    assert len(np.unique(codes)) == MOST_KINDS
    assert codes.max() == MOST_KINDS - 1


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_trees_are_those_of_scikit_learn_on_the_same_rows(
    task: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = 300
    # What is between the others in their order is another kind to trees that know of kinds.
    words = rng.choice(["red", "blue", "green", ""], rows)
    size = rng.normal(0, 1, rows).round(3)
    y = np.where((words == "green") & (size > 0), 10, 1) + (
        rng.integers(0, 2, rows) if task == "classification" else rng.random(rows)
    )
    table = [
        [word, "" if n % 9 == 0 else number, target]
        for n, (word, number, target) in enumerate(zip(words, size, y, strict=True))
    ]
    found = problem(write(tmp_path / "t.csv", ["word", "size", "y"], table), "y", task=task)
    known, x = (found.x[:240], found.y[:240]), found.x[240:]
    encoder = TableEncoder(found.words).fit(known[0])
    metric = named_metric("log_loss" if task == "classification" else "r2")
    said = baselines(found, encoder, known, [], x, metric, seed=0)
    assert list(said)[1] == TREES
    # Another way to the same: pandas' categories.
    kinds = {"red": 2, "green": 1, "blue": 0, None: np.nan}
    codes = np.array([[kinds[word], number] for word, number in found.x], float)
    kind: Any = (
        HistGradientBoostingClassifier
        if task == "classification"
        else HistGradientBoostingRegressor
    )
    trees = kind(categorical_features=[0], random_state=0).fit(codes[:240], known[1])
    if task == "classification":
        assert said[TREES].p.tolist() == trees.predict_proba(codes[240:]).tolist()
    assert said[TREES].values.tolist() == trees.predict(codes[240:]).tolist()
    constant = [*said.values()][2]
    assert len(np.unique(constant.values)) == 1
    if task == "classification":
        assert constant.p.sum(axis=1) == pytest.approx(1)


def rivals(metric: str, y: Any, task: Any = "regression") -> tuple[Any, dict[str, Any]]:
    """What is true of the last 200 rows of a table of noise, and what the rivals say of them."""
    x = np.random.default_rng(5).standard_normal((len(y), 2))
    of = TableProblem("a.csv", "ab12", ("a", "b"), (), "y", task, "", x, y)
    known, asked = (x[:-200], y[:-200]), named_metric(metric)
    folds = [*KFold(5, shuffle=True, random_state=0).split(known[0])]
    truth = TableTruth.of(y, np.arange(len(y) - 200, len(y)), task)
    return truth, baselines(of, None, known, folds, x[-200:], asked, seed=0)


@pytest.mark.parametrize(
    ("metric", "share", "name"),
    [("pinball:0.9", 0.9, "the quantile 0.9"), ("mae", 0.5, "the median")],
)
def test_rivals_aim_at_what_the_metric_asks_for(metric: str, share: float, name: str) -> None:
    """A quantile of noise is no merit beside rivals that say the mean."""
    y = np.exp(1.2 * np.random.default_rng(6).standard_normal(1000))
    truth, said = rivals(metric, y)
    assert list(said) == ["ridge regression", TREES, name]
    assert set(said[name].values) == {np.quantile(y[:-200], share)}
    loss = named_metric(metric)
    of_the_mean = loss.value(truth, TablePrediction(np.full(200, y[:-200].mean())))
    for own in said.values():
        assert loss.value(truth, own) < of_the_mean
        assert np.mean(truth.values < own.values) == pytest.approx(share, abs=0.1)
    _, usual = rivals("rmse", y)
    assert list(usual)[2] == "the mean"
    assert np.mean(truth.values < usual["ridge regression"].values) > 0.6


def test_of_f1_the_constant_names_the_rarer_class() -> None:
    """Of the most frequent one F1 is 0, which any model beats."""
    y = np.where(np.random.default_rng(6).random(1000) < 0.4, "yes", "no")
    truth, said = rivals("f1", y, "classification")
    constant = said["always naming the rarer class"]
    share = np.mean(truth.values == "yes")
    assert named_metric("f1").value(truth, constant) == pytest.approx(2 * share / (1 + share))
    assert constant.p[0] == pytest.approx([np.mean(y[:-200] == "no"), np.mean(y[:-200] == "yes")])
    assert list(rivals("log_loss", y, "classification")[1])[2] == "the most frequent class"


def test_a_colon_keeps_a_quantile_apart_from_the_loss(rng: np.random.Generator) -> None:
    y = rng.normal(0, 3, ROWS)
    truth = TableTruth.of(y, np.arange(ROWS), "regression")
    near, far = TablePrediction(y + 0.1), TablePrediction(y + 5.0)
    metric = named_metric("pinball:0.9")
    told = compared(near, far, truth, metric.name)
    assert "trees: pinball loss at quantile 0.9: 0.01000 against 0.5000, diff" in told.words
    judged = [judge(name, truth, one, metric, 0) for name, one in ((OURS, near), (RIVAL, far))]
    ours, theirs = "The ensemble (pinball loss at quantile 0.9: 0.01000)", f"{RIVAL} (0.5000)"
    assert conclusion(judged, [told], metric) == f"{ours} is better than {theirs}."
    judged = [judge(name, truth, one, metric, 0) for name, one in ((OURS, far), (RIVAL, near))]
    worse = conclusion(judged, [compared(far, near, truth, metric.name)], metric)
    assert worse.endswith("ensemble: pinball loss at quantile 0.9: 0.01000 against 0.5000.")
