"""What is said of predicted classes: scores, pairs, thresholds, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from trainlab import plots
from trainlab.search.metrics import TablePrediction, TableTruth
from trainlab.tables.classes import (
    BINS,
    COSTS,
    calibration,
    class_scores,
    confusion,
    confusions,
    precision_recall,
    rare_class,
)

LABELS = np.array(["a", "b", "c", "d"])


def said(labels: Any) -> TablePrediction:
    return TablePrediction(np.asarray(labels), None)


def test_the_area_below_the_steps_of_precision_is_its_mean(rng: np.random.Generator) -> None:
    there = np.arange(40) % 4 == 0
    p = rng.random(40)
    p[1] = 2.0  # the most certain is wrong
    recall, precision, mean = precision_recall(there, p)
    assert (recall[0], recall[-1], precision[-1]) == (1, 0, 0)
    assert float(np.sum(-np.diff(recall) * precision[:-1])) == pytest.approx(mean)

    _, (ax,) = plots.blank(plots.LIGHT)
    plots.rates(ax, [("model", recall, precision)], ((0, 1), (0.25, 0.25)), steps=True)
    assert ax.lines[-1].get_drawstyle() == "steps-post"


def test_each_class_has_the_scores_of_scikit_learn(rng: np.random.Generator) -> None:
    y = np.concatenate([LABELS, rng.choice(LABELS, 56)])
    named = np.where(rng.random(60) < 0.4, rng.choice(LABELS, 60), y)
    truth = TableTruth.of(y, np.arange(60), "classification")
    expected = np.stack(precision_recall_fscore_support(y, named, labels=LABELS)).T
    for one, numbers in zip(class_scores(truth, said(named)), expected, strict=True):
        assert [one.precision, one.recall, one.f1, one.support] == pytest.approx(numbers.tolist())
        assert one.named == (named == one.label).sum()
    counts = confusion(truth, said(named))
    assert counts[0, 1] == ((y == "a") & (named == "b")).sum()
    pairs = confusions(truth, said(named))
    assert [one.count for one in pairs] == sorted((one.count for one in pairs), reverse=True)
    assert all(one.label != one.other for one in pairs)
    first = pairs[0]
    own = y == first.label
    assert first.count == (own & (named == first.other)).sum()
    assert first.share == first.count / own.sum()


def test_words_that_are_numbers_are_shown_by_size() -> None:
    """Scores, confusions and pairs belong to their labels in whichever order these are."""
    words, plain = np.array(["10", "2", "1", "2"]), np.array(["c", "b", "a", "b"])
    truth = TableTruth.of(words, np.arange(4), "classification")
    named = said(["10", "10", "1", "2"])
    other = TableTruth.of(plain, np.arange(4), "classification"), said(["c", "c", "a", "b"])
    assert truth.classes is not None
    assert truth.classes.tolist() == ["1", "10", "2"]  # as scikit-learn has them
    assert [one.label for one in class_scores(truth, named)] == ["1", "2", "10"]
    scores = [[one.support, one.named, one.f1] for one in class_scores(truth, named)]
    assert scores == [[one.support, one.named, one.f1] for one in class_scores(*other)]
    assert (confusion(truth, named) == confusion(*other)).all()
    (pair,) = confusions(truth, named)
    assert (pair.label, pair.other, pair.count) == ("2", "10", 1)


def test_a_class_that_is_not_there_or_never_named_has_no_share() -> None:
    truth = TableTruth(np.array(["a", "a", "b"]), LABELS)
    found = class_scores(truth, said(["a", "c", "a"]))
    scores = {one.label: (one.precision, one.recall, one.f1) for one in found}
    assert scores["a"] == (0.5, 0.5, 0.5)
    assert scores["b"][1:] == (0, 0)
    assert np.isnan(scores["b"][0])  # none was said to be b
    assert np.isnan(scores["c"][1])  # none is c
    assert np.isnan(scores["d"]).all()


def test_thresholds_of_true_probabilities_cost_least(rng: np.random.Generator) -> None:
    rows = 40_000
    p = rng.beta(0.5, 4, rows)
    y = np.where(rng.random(rows) < p, "fraud", "no")
    truth = TableTruth.of(y, np.arange(rows), "classification")
    both = np.stack([p, 1 - p], axis=1)
    named = np.where(p >= 0.5, "fraud", "no")
    found = rare_class(truth, TablePrediction(named, both))
    assert found is not None
    assert (found.label, found.other, found.there) == ("fraud", "no", (y == "fraud").sum())
    assert found.found == ((y == "fraud") & (named == "fraud")).sum()
    assert found.imbalanced == (found.there / rows < 0.2)
    assert [one.miss for one in found.thresholds] == list(COSTS)
    for one in found.thresholds:
        costs = [
            (one.miss * ((y == "fraud") & (p < t)).sum() + ((y == "no") & (p >= t)).sum()) / rows
            for t in (one.threshold, one.threshold / 2, min(2 * one.threshold, 0.99))
        ]
        assert one.cost == pytest.approx(costs[0])
        assert costs[0] == min(costs)
        assert one.otherwise == min(one.miss * found.there, rows - found.there) / rows
        assert one.cost <= one.otherwise
    first = found.thresholds[0]
    assert first.found == found.found
    assert first.alarms == found.named - found.found
    four = TableTruth.of(LABELS, np.arange(4), "classification")
    assert rare_class(four, said(LABELS)) is None


def test_calibration_knows_true_probabilities_from_false_ones(rng: np.random.Generator) -> None:
    p = rng.random(20_000)
    hits = rng.random(20_000) < p
    true, false = calibration(hits, p), calibration(hits, p**2)
    assert true is not None
    assert false is not None
    assert true.error < 0.03 < 0.1 < false.error
    assert len(true.said) == BINS
    assert (true.low <= true.shares).all()
    assert (true.shares <= true.high).all()
    assert np.mean((true.low <= true.said) & (true.said <= true.high)) > 0.5
    assert calibration(hits[:19], p[:19]) is None
    few = calibration(hits[:20], p[:20])
    assert few is not None
    assert len(few.said) == 2
