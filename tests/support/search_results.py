"""A search of a table as its page gets it, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainlab.search.metrics import TablePrediction, TableTruth, named_metric
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.explaining import ColumnImportance, PartialDependence
from trainlab.tables.holdout import HoldoutComparison, HoldoutScore
from trainlab.tables.problem import TableProblem
from trainlab.tables.settings import StudySettings
from trainlab.tables.study import RankedCandidate, StudyResult

LABELS = ("left", "right")
WORDS = ("a file", "a column", "b column", "a target", "a column left out", "a warning", "a note")
NAMES = (*WORDS, *LABELS)
ROWS = 40
ASIDE = 30
MODELS = (
    "the best network",
    "logistic regression",
    "gradient-boosted trees",
    "the most frequent class",
)


def predictions(y: Any, labels: Any) -> dict[str, TablePrediction]:
    """What four models say of the first rows; a tenth of the first's is wrong."""
    rng, found = np.random.default_rng(0), {}
    for number, name in enumerate(MODELS):
        if labels is None:
            found[name] = TablePrediction(y[:ASIDE] + 1.0 + number)
            continue
        codes = np.searchsorted(labels, y[:ASIDE])
        said = np.where(rng.random(ASIDE) < 0.1 + 0.1 * number, (codes + 1) % len(labels), codes)
        p = np.full((ASIDE, len(labels)), 0.3 / len(labels))
        p[np.arange(ASIDE), said] += 0.7 - 0.2 * rng.random(ASIDE)
        found[name] = TablePrediction(labels[said], p)
    return found


def outcome(
    by: dict[str, str] | None = None, task: Any = "classification", labels: Any = LABELS
) -> StudyResult:
    """A search of six candidates, with words swapped."""

    def word(text: str) -> str:
        return (by or {}).get(text, text)

    y: Any = np.array([word(labels[n % len(labels)]) for n in range(ROWS)])
    metric = named_metric("accuracy")
    if task == "regression":
        y, metric = np.arange(ROWS) * 10_000.0, named_metric("rmse")
    columns = (word("a column"), word("b column"))
    reason, target, left = "2 different words", word("a target"), (word("a column left out"),)
    about = word("a file"), "ab12", columns, left, target, task, reason
    problem = TableProblem(*about, np.zeros((ROWS, 2)), y, notices=(word("a note"),))
    tried = tuple(
        RankedCandidate(
            rank,
            1 + rank % 2,
            {
                "learning_rate_init": 10.0**-rank,
                "alpha": 10.0 ** (rank - 5),
                "hidden_layer_sizes": (5,) * (rank - 1),
                "dropout": 0.2,
            },
            np.nan if rank == 6 else -(4.0**rank),
            0.01,
            (0.1, 0.2),
        )
        for rank in range(1, 7)
    )
    others = ("log_loss", "roc_auc", "balanced_accuracy", "f1", "accuracy")
    scores = dict.fromkeys(("r2", "rmse", "mae") if task == "regression" else others, 0.5)
    score = (32_140.7, 1_000.0, 2e5) if task == "regression" else (0.8, 0.7, 0.9)
    judged = tuple(HoldoutScore(name, *score, None, scores) for name in MODELS)
    truth = TableTruth.of(y, np.arange(ASIDE), task)
    names = tuple(map(word, labels))[1:] if task == "classification" else ("",)
    return StudyResult(
        problem=problem,
        settings=StudySettings(model="network", hidden=((), (5,), (5, 5))),
        rows=31,
        metric=metric,
        candidates=tried,
        box={"learning_rate_init": (1e-4, 1e-2)},
        judged=judged,
        versus=(
            HoldoutComparison("logistic regression", None, "It is not shown to differ.", {}),
            HoldoutComparison("gradient-boosted trees", "worse", "The trees are better.", {}),
        ),
        floor=HoldoutComparison("the most frequent class", "better", "It is better.", {}),
        truth=truth,
        predictions=predictions(y, truth.classes),
        warnings=(word("a warning"),),
        model=None,  # the page does not ask it
        columns=(
            ColumnSummary(columns[0], 120, 3, own=50),
            ColumnSummary(columns[1], None, 1, put=2.5, format=word("1.234,5 €")),
        ),
        importance=(
            ColumnImportance(columns[0], 0.25, 0.01),
            ColumnImportance(columns[1], -0.002, 0.001),
        ),
        dependence=(
            PartialDependence(
                columns[0], (word("left"), None), ((0.2, 0.7),), names[:1], shown="2 of 3"
            ),
            PartialDependence(columns[1], (1.0, 1e5, 2e5), ((0.1, 0.4, 0.3),), names[:1], (1.0,)),
        ),
    )
