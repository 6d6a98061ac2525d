"""The page of a search: whole, offline, and the same elements whatever words the table holds."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import chromium
import pages
from pages import HOSTILE
from trainlab import plots
from trainlab.pages import words
from trainlab.search.metrics import TablePrediction, TableTruth, named_metric
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.holdout import HoldoutComparison, HoldoutScore
from trainlab.tables.page import figure, figures, render
from trainlab.tables.problem import TableProblem
from trainlab.tables.study import RankedCandidate, StudyResult, StudySettings

FIGURES = dict.fromkeys(("light", "dark", "narrow", "narrow-dark"), "data:,")
LABELS = ("left", "right")
WORDS = ("a file", "a column", "b column", "a target", "a column left out", "a warning", "a note")
NAMES = (*WORDS, *LABELS)
MATHEMATICS = (r"$\frac{1$", "$", "a$b$c", r"\$x^$", "_^{", "漢字", "\n\t", "x" * 500)


def outcome(by: dict[str, str] | None = None, task: Any = "classification") -> StudyResult:
    """A search of six candidates, with words swapped."""

    def word(text: str) -> str:
        return (by or {}).get(text, text)

    y: Any = np.array([word(LABELS[n % 2]) for n in range(40)])
    predicted = y[np.arange(9) // 2]
    root_error, metric = None, named_metric("accuracy")
    if task == "regression":
        y = np.arange(40.0)
        predicted, root_error, metric = y[:9] + 1.0, 1.0, named_metric("r2")
    columns = (word("a column"), word("b column"))
    reason, target, left = "2 different words", word("a target"), (word("a column left out"),)
    x = np.zeros((40, 2))
    about = word("a file"), "ab12", columns, left, target, task, reason
    problem = TableProblem(*about, x, y, notices=(word("a note"),))
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
    judged = tuple(
        HoldoutScore(name, 0.8, 0.7, 0.9, root_error, {})
        for name in (
            "the best network",
            "logistic regression",
            "gradient-boosted trees",
            "the most frequent class",
        )
    )
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
        truth=TableTruth.of(y, np.arange(9), task),
        predicted=TablePrediction(predicted),
        warnings=(word("a warning"),),
        model=None,  # type: ignore[arg-type]  # the page does not ask it
        columns=(
            ColumnSummary(columns[0], 120, 3, own=50),
            ColumnSummary(columns[1], None, 1, put=2.5, format=word("1.234,5 €")),
        ),
    )


PLAIN = render(outcome(), {"library": "1.0"}, FIGURES)
STRUCTURE = pages.Page(PLAIN).structure


def test_the_page_says_what_was_found() -> None:
    page = pages.Page(PLAIN)
    for name in WORDS:
        assert name in page.text
    for part in (
        "A search of 6 candidates",
        "9 rows that had no part in the search",
        "40 rows, 2 features",
        "Gradient-boosted trees are better than the best network: accuracy 0.800 against 0.800.",
        "It is not shown to differ. The trees are better.",
        "the most frequent class 0.800 0.700 to 0.900",
        "1 −4.000 ± 0.010 2 none 0.1 0.0001 0.2",
        "3 −64.000 ± 0.010 2 5×5 0.001 0.01 0.2",
        "1 candidate failed",
        "hidden layers none, 5, 5×5",
        "a column : 120 words, 50 with a column of their own, the rarer ones together",
        "Without a value a column : 3 rows; b column : 1 row, the median 2.500 in their place",
        "Numbers b column : written as 1.234,5 € Notes a note",
        "library 1.0",
    ):
        assert part in page.text
    assert page.all("script") == []
    assert "Root of the mean squared error" not in page.text
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    plain = dataclasses.replace(outcome(), columns=())
    assert "Without a value" not in pages.Page(render(plain, {}, FIGURES)).text
    numbers = pages.Page(render(outcome(task="regression"), {}, FIGURES)).text
    assert "the best network 0.800 0.700 to 0.900 1.000" in numbers


@pytest.mark.parametrize("index", range(len(HOSTILE)))
@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_table_adds_an_element_or_an_attribute(name: str, index: int) -> None:
    text = render(outcome({name: HOSTILE[index]}), {"library": "1.0"}, FIGURES)
    assert pages.Page(text).structure == STRUCTURE
    text.encode("utf-8")
    assert not {"\u202e", "\u2066", "\u200f", "\x00", "\x1b"} & set(text)
    assert len(text) < len(PLAIN) + 12 * 6 * words.SENTENCE


@pytest.mark.parametrize("text", [*MATHEMATICS, HOSTILE[0]])
def test_labels_are_no_mathematics(text: str) -> None:
    """`$` begins a formula in other texts of a figure, and a wrong formula is an error."""
    found = outcome({"left": text})
    drawn = figure(found, plots.LIGHT)
    shown = [label.get_text() for label in drawn.axes[1].get_yticklabels()]
    assert words.visible(text, 14) in shown
    narrow = figure(found, plots.THEMES["narrow"]).axes[1].get_yticklabels()
    assert max(len(label.get_text()) for label in narrow) <= 9
    assert len(figures(found)["light"]) > 10_000 if text == MATHEMATICS[0] else True


def test_the_figure_shows_what_the_search_has() -> None:
    tried, confusion, bar = figure(outcome(), plots.LIGHT).axes
    dots = np.concatenate([one.get_offsets() for one in tried.collections])
    # Five candidates with a score, and the ring round the best.
    assert sorted(dots[:, 0].tolist()) == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.1])
    # The worst is drawn at the edge, 3 times as far from the best as the lower quartile.
    assert dots[:, 1].min() == pytest.approx(-4 - 3 * (256 - 4))
    names = {text.get_text() for text in tried.get_legend().get_texts()}
    assert names == {"rates of the last round", "round 1", "round 2", "the best"}
    assert bar.get_ylabel() == "L2 penalty (alpha)"
    counts = [text.get_text() for text in confusion.texts]
    assert sum(map(int, counts)) == 9
    truth, predicted = outcome().truth.values, outcome().predicted.values
    assert int(counts[1]) == np.count_nonzero((truth == "left") & (predicted == "right"))
    cloud = figure(outcome(task="regression"), plots.DARK).axes[1].collections[0].get_offsets()
    assert cloud.tolist() == [[n, n + 1.0] for n in range(9)]


def test_where_less_is_better_the_worst_is_on_the_upper_edge() -> None:
    found = dataclasses.replace(outcome(), metric=named_metric("log_loss"))
    found = dataclasses.replace(
        found,
        candidates=tuple(dataclasses.replace(one, score=-one.score) for one in found.candidates),
    )
    tried = figure(found, plots.LIGHT).axes[0]
    dots = np.concatenate([one.get_offsets() for one in tried.collections])
    assert dots[:, 1].max() == pytest.approx(4 + 3 * (256 - 4))
    assert tried.get_ylabel() == "log loss (mean of folds)"
    assert "2 none" in pages.Page(render(found, {}, FIGURES)).text


def test_many_classes_and_many_rows_stay_small() -> None:
    found = outcome(task="regression")
    y = np.arange(20_000.0)
    many = dataclasses.replace(found, truth=TableTruth(y), predicted=TablePrediction(y))
    assert len(plots.svg(figure(many, plots.LIGHT))) < 1_000_000
    labels = np.array([f"class {n}" for n in range(60)])
    problem = dataclasses.replace(outcome().problem, y=labels)
    said = TableTruth(labels, labels), TablePrediction(labels)
    classes = dataclasses.replace(outcome(), problem=problem, truth=said[0], predicted=said[1])
    assert len(figure(classes, plots.LIGHT).axes[1].texts) == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(width: int, tmp_path: Any) -> None:
    found = outcome(dict.fromkeys(NAMES[:-2], "a_name_without_any_spaces_" * 20))
    path = tmp_path / "index.html"
    path.write_text(render(found, {}, FIGURES), encoding="utf-8")
    script = "return [document.documentElement.scrollWidth, innerWidth];"
    wide, window = chromium.seen(path, tmp_path, script, width=width)
    assert wide <= window
