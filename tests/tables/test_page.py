"""The page of a search: whole, offline, and the same elements whatever words the table holds."""

from __future__ import annotations

import dataclasses
import itertools
import re
import urllib.parse
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

import chromium
import pages
from pages import HOSTILE
from search_results import ASIDE, MODELS, NAMES, WORDS, outcome
from trainlab import plots
from trainlab.pages import words
from trainlab.search.metrics import TablePrediction, TableTruth, named_metric
from trainlab.tables.classes import FEW
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.coverage import IntervalCoverage
from trainlab.tables.drawings import drawings, figures
from trainlab.tables.explaining import PartialDependence
from trainlab.tables.holdout import HoldoutComparison
from trainlab.tables.page import render
from trainlab.tables.settings import StudySettings
from trainlab.tables.study import RankedCandidate, StudyResult, content_of

BOTH = (plots.LIGHT, plots.DARK)
MATHEMATICS = (r"$\frac{1$", "$", "a$b$c", r"\$x^$", "_^{", "漢字", "\n\t", "x" * 500)
DRAWN = ("candidates", "confusion", "roc", "precision", "calibration", "importance")
COLUMNS = ("dependence 0", "dependence 1")
FIGURES = dict.fromkeys((*DRAWN, "agreement", "residuals", *COLUMNS), "data:,")
PLAIN = render(outcome(), {"library": "1.0"}, FIGURES)
STRUCTURE = pages.Page(PLAIN).structure


def test_the_page_says_what_was_found() -> None:
    page = pages.Page(PLAIN)
    for name in WORDS:
        assert name in page.text
    for part in (
        "A search of 6 candidates",
        "30 rows that had no part in the training",
        "40 rows, 2 features",
        "Gradient-boosted trees are better than the best network: accuracy 0.800 against 0.800.",
        "It is not shown to differ. The trees are better.",
        "the most frequent class 0.800 0.700 to 0.900",
        "1 −4.000 ± 0.010 2 none 0.1 0.0001 0.2",
        "3 −64.000 ± 0.010 2 5×5 0.001 0.01 0.2",
        "1 candidate failed",
        "2 of 3 are shown",
        "hidden layers none, 5, 5×5",
        "a column : 120 words, 50 with a column of their own, the rarer ones together",
        "Without a value a column : 3 rows; b column : 1 row, the median 2.500 in their place",
        "Numbers b column : written as 1.234,5 € Notes a note",
        "a column left out : asked for, with --drop",
        "a column : 70 rare words of 120 are one to the model",
        "learning rate 0.1, range to 0.03",
        "in up to 10 bins of as many rows: the best network 0.",
        "Threshold and cost",
        "a column 0.250 ± 0.010",
        "Model card",
        "drawn at random. On rows that come later, or from elsewhere, it is likely to be worse.",
        "library 1.0",
    ):
        assert part in page.text, part
    assert page.all("script") == []
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    plain = dataclasses.replace(outcome(), columns=())
    assert "Without a value" not in pages.Page(render(plain, {}, FIGURES)).text


def test_the_page_of_numbers() -> None:
    numbers = pages.Page(render(outcome(task="regression"), {}, FIGURES)).text
    assert "the best network 32,140 1,000 to 200,000 0.500" in numbers
    assert "Where it errs" in numbers
    assert "In training the target lay between 0 and 390,000; beyond" in numbers
    assert "Class by class" not in numbers
    assert "Threshold" not in numbers
    assert "Intervals of" not in numbers
    covered = IntervalCoverage(0.9, 0.91, [1.0, 0.97, 0.94, 0.88, 0.78])
    found = dataclasses.replace(outcome(task="regression"), covered=covered)
    numbers = pages.Page(render(found, {}, FIGURES)).text
    assert "hold 91% of the true values: 100% in the fifth of the rows with the lowest" in numbers
    assert "78% in the fifth with the highest" in numbers
    assert content_of(found)["test"]["intervals"]["inside"] == 0.91


def test_the_page_says_where_predictions_cannot_be() -> None:
    found = outcome(task="regression")
    name, own = next(iter(found.predictions.items()))
    values = own.values.copy()
    values[:2] = -0.5
    below = dataclasses.replace(found, predictions={name: TablePrediction(values)})
    told = f"2 predictions of {len(values)} rows are below 0"
    assert told in pages.Page(render(below, {}, FIGURES)).text
    debts = dataclasses.replace(found.problem, y=found.problem.y - 1e6)
    for other in (found, dataclasses.replace(below, problem=debts)):
        assert "below 0" not in pages.Page(render(other, {}, FIGURES)).text


def test_the_page_says_that_a_model_may_be_of_no_use() -> None:
    floor = HoldoutComparison("the most frequent class", None, "", {})
    text = pages.Page(render(dataclasses.replace(outcome(), floor=floor), {}, FIGURES)).text
    told = "The best network is not shown to be better than the most frequent class, which uses no"
    assert told in text
    assert "A higher accuracy is better" in text
    assert "which uses no feature" not in pages.Page(PLAIN).text


def test_large_numbers_have_no_power_of_ten() -> None:
    found = outcome(task="regression")
    large = dataclasses.replace(
        found,
        problem=dataclasses.replace(found.problem, y=found.problem.y * 1e3 - 1e6),
        columns=(dataclasses.replace(found.columns[1], put=32_140.0),),
    )
    text = pages.Page(render(large, {}, FIGURES)).text
    assert "the target lay between −1,000,000 and 389,000,000; beyond" in text
    assert "the median 32,140 in their place" in text
    assert not re.search(r"[0-9]e\+?[0-9]", text)


def test_an_accuracy_of_an_imbalanced_table_is_not_left_alone() -> None:
    """11 of 42 that are found are no success, whatever the accuracy."""
    y = np.array(["fraud"] * 42 + ["no"] * 5000)
    said = y.copy()
    said[11:42] = "no"
    said[42:45] = "fraud"
    truth = TableTruth.of(y, np.arange(len(y)), "classification")
    p = np.where(said == "fraud", 0.9, 0.02)[:, None] * [1.0, -1.0] + [0.0, 1.0]
    found = dataclasses.replace(
        outcome(), truth=truth, predictions={"the best network": TablePrediction(said, p)}
    )
    text = pages.Page(render(found, {}, {})).text
    told = "11 of the 42 rows of 'fraud' are found, with 3 false alarms"
    assert f"{told}. Only 0.8% of the rows belong to it, and always predicting no" in text
    assert "has an accuracy of 0.992: look at the balanced accuracy (0.500)" in text
    # Precision, recall, F1, rows, predicted.
    assert "fraud 0.786 0.262 0.393 42 14" in text
    assert "1 false alarm 0.500 11 3 0.393 0.007 0.008" in text
    assert "100 false alarms 0.010 42 5,000 0.017 0.992 0.833" in text
    assert "Only" not in pages.Page(PLAIN).text
    assert "threshold 0.5" not in text
    assert "To find more of them, predict fraud wherever" in text
    all_found = TablePrediction(y, np.where(y == "fraud", 0.9, 0.02)[:, None] * [1, -1] + [0, 1])
    whole = dataclasses.replace(found, predictions={"the best network": all_found})
    text = pages.Page(render(whole, {}, {})).text
    assert "42 of the 42 rows of 'fraud' are found, with 0 false alarms. Which rows" in text
    p[11:42] = 0.2, 0.8  # which a lower threshold finds
    text = pages.Page(render(found, {}, {})).text
    told = "of these rows it is 0.393, and at the threshold 0.167 it would be 0.966."
    assert told in text
    assert "5 false alarms 0.167 42 3 0.966 0.001 0.042" in text


def test_the_page_of_an_ensemble() -> None:
    candidates = tuple(
        dataclasses.replace(one, score=0.1 * one.rank, error=np.nan, weight=weight, folds=())
        for one, weight in zip(outcome().candidates, (0.75, 0, 0.25, 0, 0, 0), strict=True)
    )
    settings = StudySettings()
    found = dataclasses.replace(outcome(), candidates=candidates, settings=settings, loss=0.09)
    text = pages.Page(render(found, {}, FIGURES)).text
    assert "An ensemble, out of 5 networks and 1 linear model, that predicts a target" in text
    assert "0.0900 is that of the ensemble" in text
    assert "75% 0.1000 linear, lr 0.1, alpha 0.0001, dropout 0.2 25% 0.3000" in text
    assert "An ensemble, out of 5 networks and 1 linear model, of which 2 vote" in text
    assert "edge of what was tried" not in text
    last = dataclasses.replace(candidates[-1], score=np.inf)
    race = dataclasses.replace(found, candidates=(*candidates[:-1], last))
    assert "first fold alone" not in text
    told = "No finalists, and not shown: 1 candidate with a loss of the first fold alone"
    assert told in pages.Page(render(race, {}, FIGURES)).text
    raced = content_of(race)
    assert raced["candidates"][-1]["reason"].startswith("no finalist: trained in the first fold")
    assert not any("reason" in one for one in raced["candidates"][:-1])
    (name, draw), *_ = drawings(found)
    assert name == "candidates"
    with plots.themed(plots.LIGHT):
        (ax,) = draw().axes
    dots = np.concatenate([one.get_offsets() for one in ax.collections])
    assert sorted(dots[:, 1].tolist()) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert ax.lines[0].get_ydata()[0] == 0.09


def test_what_all_networks_share_is_said_once() -> None:
    def with_settings(one: RankedCandidate, **more: Any) -> RankedCandidate:
        return dataclasses.replace(one, score=0.1, weight=0.2, settings={**one.settings, **more})

    one, two, *_ = outcome().candidates
    shared: dict[str, Any] = {"optimizer": "adam", "schedule": "cosine"}
    networks = with_settings(one, **shared, norm="batch"), with_settings(two, **shared)
    trees = dataclasses.replace(one, settings={"max_leaf_nodes": 24}, score=0.1, weight=0.6)
    found = dataclasses.replace(outcome(), candidates=(*networks, trees), loss=0.09)
    assert found.shared == shared
    text = pages.Page(render(found, {}, FIGURES)).text
    assert "ensemble. All networks: optimizer adam, schedule cosine" in text
    assert "linear, lr 0.1, alpha 0.0001, dropout 0.2, norm batch 20%" in text
    assert "trees, leaves 24" in text
    assert text.count("cosine") == 1
    assert dataclasses.replace(found, candidates=networks[:1]).shared_words == ""


@pytest.mark.parametrize("index", range(len(HOSTILE)))
@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_table_adds_an_element_or_an_attribute(name: str, index: int) -> None:
    text = render(outcome({name: HOSTILE[index]}), {"library": "1.0"}, FIGURES)
    assert pages.Page(text).structure == STRUCTURE
    text.encode("utf-8")
    assert not {"\u202e", "\u2066", "\u200f", "\x00", "\x1b"} & set(text)
    assert len(text) < len(PLAIN) + 12 * 6 * words.SENTENCE


def drawn(found: StudyResult, name: str) -> Any:
    """The axes of a figure."""
    with plots.themed(plots.LIGHT):
        return dict(drawings(found))[name]().axes[0]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("text", [*MATHEMATICS, HOSTILE[0]])
def test_labels_are_no_mathematics(text: str) -> None:
    """`$` begins a formula in other texts of a figure, and a wrong formula is an error."""
    found = outcome({"left": text, "a column": text})
    shown = [label.get_text() for label in drawn(found, "confusion").get_yticklabels()]
    assert words.visible(text, 12) in shown
    for name in ("confusion", "roc", "precision", "calibration", "importance", "dependence 0"):
        drawn(found, name).figure.draw_without_rendering()
    if text == MATHEMATICS[0]:
        every = figures(found)
        assert set(every) == set(FIGURES) - {"agreement", "residuals"}
        assert min(map(len, every.values())) > 2_000


def test_the_figure_of_candidates_shows_what_the_search_has() -> None:
    with plots.themed(plots.LIGHT):
        tried, bar = dict(drawings(outcome()))["candidates"]().axes
    dots = np.concatenate([one.get_offsets() for one in tried.collections])
    # Five candidates with a score, and the ring round the best.
    assert sorted(dots[:, 0].tolist()) == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.1])
    # The worst is drawn at the edge, 3 times as far from the best as the lower quartile.
    assert dots[:, 1].min() == pytest.approx(-4 - 3 * (256 - 4))
    names = {text.get_text() for text in tried.get_legend().get_texts()}
    assert names == {"rates of the last round", "round 1", "round 2", "the best"}
    assert bar.get_ylabel() == "L2 penalty (alpha)"


def test_where_less_is_better_the_worst_is_on_the_upper_edge() -> None:
    found = dataclasses.replace(outcome(), metric=named_metric("log_loss"))
    found = dataclasses.replace(
        found,
        candidates=tuple(dataclasses.replace(one, score=-one.score) for one in found.candidates),
    )
    tried = drawn(found, "candidates")
    dots = np.concatenate([one.get_offsets() for one in tried.collections])
    assert dots[:, 1].max() == pytest.approx(4 + 3 * (256 - 4))
    assert tried.get_ylabel() == "log loss (mean of folds)"


def test_figures_of_predictions_show_the_rows_put_aside() -> None:
    found = outcome()
    truth, said = found.truth, found.predicted
    counts = {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text())
        for text in drawn(found, "confusion").texts
    }
    assert sum(counts.values()) == ASIDE
    wrong = (truth.values == "left") & (said.values == "right")
    assert counts[0, 1] == np.count_nonzero(wrong) > 0
    roc = drawn(found, "roc")
    assert [text.get_text() for text in roc.get_legend().get_texts()] == list(MODELS[:3])
    calibration = drawn(found, "calibration")
    assert [text.get_text() for text in calibration.get_legend().get_texts()] == list(MODELS[:3])
    ours = calibration.lines[1]  # after the line where they are equal
    assert len(ours.get_ydata()) == 3  # bins of 10 rows
    (bars,) = [one for one in calibration.collections if isinstance(one, LineCollection)]
    assert [line[0][0] for line in bars.get_segments()] == ours.get_xdata().tolist()
    numbers = outcome(task="regression")
    cloud = drawn(numbers, "agreement").collections[0].get_offsets()
    assert cloud.tolist() == [[1e4 * n, 1e4 * n + 1] for n in range(ASIDE)]
    residual = drawn(numbers, "residuals").collections[0].get_offsets()
    assert residual[:, 1].tolist() == pytest.approx([-1.0] * ASIDE)
    bars = drawn(found, "importance")
    assert [bar.get_width() for bar in bars.patches] == [0.25, -0.002]
    grid, line = drawn(found, "dependence 0"), drawn(found, "dependence 1").lines[0]
    assert [one.get_text() for one in grid.get_xticklabels()] == ["left", "no value"]
    assert line.get_xydata().tolist() == [[1, 0.1], [1e5, 0.4], [2e5, 0.3]]


def hues(ax: Any, dotted: int = 0) -> dict[str, str]:
    """Of the lines with a name the colours, where so many others are dotted."""
    lines = {one.get_label(): one for one in ax.lines}
    assert sum(one.get_linestyle() == ":" for one in lines.values()) == dotted
    return {n: to_hex(one.get_color()) for n, one in lines.items() if one.get_linestyle() != ":"}


def test_a_class_has_one_colour_in_all_figures() -> None:
    """Also where the rows put aside lack another class, and where words are ordered by size."""
    found = outcome(labels=("1", "2", "3", "10"))
    y = np.where(found.truth.values == "2", "1", found.truth.values)
    every = np.concatenate([y, found.problem.y])
    lines = ((0.1, 0.2),) * 4
    found = dataclasses.replace(
        found,
        truth=TableTruth.of(every, np.arange(ASIDE), "classification"),
        dependence=(PartialDependence("a column", (0.0, 1.0), lines, ("1", "2", "3", "10")),),
    )
    colors = hues(drawn(found, "dependence 0"))
    assert len(set(colors.values())) == 4
    del colors["2"]
    assert hues(drawn(found, "roc"), dotted=1) == colors
    assert hues(drawn(found, "calibration"), dotted=1) == colors
    # The precision of a guess is the share of a class, for which there is no one line.
    named = hues(drawn(found, "precision"))
    assert {name.split(" (")[0]: hue for name, hue in named.items()} == colors


def test_the_key_of_the_figures_of_columns_has_their_colours() -> None:
    rules = re.findall(r"\.key li:nth-child\((\d)\) \{ --hue: (#\w+); \}", PLAIN)
    themes = [(str(n + 1), theme.color(n).lower()) for theme in BOTH for n in range(FEW)]
    assert rules == themes


def test_classes_that_the_figures_of_columns_leave_out_are_counted() -> None:
    labels = tuple("abcdefgh")
    lines = ((0.1, 0.2),) * 6
    (one, other) = (PartialDependence(n, (0.0, 1.0), lines, labels[:6]) for n in "xy")
    found = dataclasses.replace(outcome(labels=labels), dependence=(one, other))
    text = pages.Page(render(found, {}, FIGURES)).text
    assert text.count("Of 8 classes the 6 of the most rows are shown") == 1
    assert "of the most rows" not in pages.Page(PLAIN).text


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (
            "pinball:0.975",
            "of the quantile 0.975 are to lie above 97.5% of the true values, and lie",
        ),
        ("pinball:0.975", "and lie above 100%. Triangles"),
        ("pinball", "where it leaves 0, the model is off in one direction. Triangles"),
        ("r2", "where it leaves 0, the model is off in one direction. Triangles"),
    ],
)
def test_residuals_of_a_quantile_are_told_from_those_of_a_mean(metric: str, told: str) -> None:
    found = dataclasses.replace(outcome(task="regression"), metric=named_metric(metric))
    assert told in pages.Page(render(found, {}, FIGURES)).text


def test_numbers_of_an_axis_are_few_and_short() -> None:
    """Else they run into each other: 100000 beside 200000 and 300000."""
    ax = drawn(outcome(task="regression"), "agreement")
    ax.figure.canvas.draw()
    texts = [one.get_text() for one in ax.get_xticklabels()]
    assert texts
    assert max(map(len, texts)) <= 5
    assert "200k" in texts
    boxes = [one.get_window_extent() for one in ax.get_xticklabels() if one.get_text()]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        (
            ("2026-03-01 07:00:00", "2026-03-09T21:00", None),
            ["2026-03-01", "2026-03-09", "no value"],
        ),
        (("1.3.2026 9:30", "12.3.2026"), ["1.3.2026", "12.3.2026"]),
        (("2026-03-01 09:00", "2026-03-01 21:00"), ["20…09:00", "20…21:00"]),
    ],
)
def test_dates_of_a_figure_are_days_where_hours_do_not_fit(dates: Any, shown: list[str]) -> None:
    found = outcome()
    (name, *_) = found.problem.features
    held = (ColumnSummary(name, None, 0, dates="ymd"),)
    line = PartialDependence(name, dates, (tuple(range(len(dates))),), ("",))
    dated = dataclasses.replace(
        found,
        problem=dataclasses.replace(found.problem, columns=held),
        dependence=(line,),
    )
    assert [text.get_text() for text in drawn(dated, "dependence 0").get_xticklabels()] == shown


def test_each_figure_is_drawn_once_for_light_and_dark() -> None:
    svg = urllib.parse.unquote(figures(outcome())["roc"])
    assert "@media screen and (prefers-color-scheme:dark)" in svg
    used = set(re.findall(r"var\(--c(\d+)\)", svg))
    light, dark = re.findall(r":root\{([^}]*)\}", svg)
    for own, theme in ((light, plots.LIGHT), (dark, plots.DARK)):
        said = dict(one.split(":") for one in own.rstrip(";").split(";"))
        assert said == {f"--c{place}": theme.colors[int(place)] for place in used}


def test_many_classes_and_many_rows_stay_small() -> None:
    y = np.arange(20_000.0)
    numbers = outcome(task="regression")
    many = dataclasses.replace(
        numbers, truth=TableTruth(y), predictions={"the best network": TablePrediction(y + 1)}
    )
    assert sum(map(len, figures(many).values())) < 1_000_000

    labels = np.array([f"class {n:02}" for n in range(40)])
    rng = np.random.default_rng(0)
    y = rng.choice(labels, 4_000)
    said = np.where(rng.random(4_000) < 0.3, rng.choice(labels, 4_000), y)
    problem = dataclasses.replace(outcome().problem, y=y)
    one = TablePrediction(said, np.eye(40)[np.searchsorted(labels, said)])
    classes = dataclasses.replace(
        outcome(),
        problem=problem,
        truth=TableTruth(y, labels),
        predictions=dict.fromkeys(MODELS, one),
    )
    every = figures(classes)
    page = render(classes, {}, every)
    assert len(page) < 3_000_000
    assert "roc" not in every  # 40 curves say nothing
    calibration = drawn(classes, "calibration").get_legend()  # of the class that was predicted
    assert [text.get_text() for text in calibration.get_texts()] == list(MODELS[:3])
    ax = drawn(classes, "confusion")
    assert [one.get_text() for one in ax.get_xticklabels()] == labels.tolist()
    # Its letters do not touch, at the size that the page shows it in.
    ax.figure.canvas.draw()
    boxes = [one.get_window_extent() for one in ax.get_yticklabels()]
    assert all(one.y0 >= other.y1 for one, other in itertools.pairwise(boxes))
    text = pages.Page(page).text
    worst = np.unravel_index(
        np.argmax(
            [
                [((y == own) & (said == other)).sum() * (own != other) for other in labels]
                for own in labels
            ]
        ),
        (40, 40),
    )
    assert f"{labels[worst[0]]} {labels[worst[1]]}" in text
    more = np.array([f"class {n:03}" for n in range(61)])
    truth = TableTruth(more, more)
    said_of = {"the best network": TablePrediction(more, np.eye(61))}
    beyond = dataclasses.replace(
        classes,
        problem=dataclasses.replace(problem, y=more),
        truth=truth,
        predictions=said_of,
    )
    assert "confusion" not in dict(drawings(beyond))


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(width: int, tmp_path: Any) -> None:
    found = outcome(dict.fromkeys(NAMES[:-2], "a_name_without_any_spaces_" * 20))
    path = tmp_path / "index.html"
    path.write_text(render(found, {}, FIGURES), encoding="utf-8")
    script = "return [document.documentElement.scrollWidth, innerWidth];"
    wide, window = chromium.seen(path, tmp_path, script, width=width)
    assert wide <= window


def test_an_option_on_the_page_is_never_broken(tmp_path: Any) -> None:
    """A browser breaks a line behind the hyphens of --proba."""
    covered = IntervalCoverage(0.9, 0.9, [0.9] * 5)
    script = """
        const said = document.querySelector("p:not(.again) code").closest("p");
        const widths = [...Array(80).keys()].map((more) => 240 + more);
        return widths.every((width) => {
          said.style.width = `${width}px`;
          const options = [...said.querySelectorAll("code")];
          return options.every((one) => one.getClientRects().length === 1);
        });
    """
    for page in (outcome(), dataclasses.replace(outcome(task="regression"), covered=covered)):
        path = tmp_path / "index.html"
        path.write_text(render(page, {}, FIGURES), encoding="utf-8")
        assert chromium.seen(path, tmp_path, script)
