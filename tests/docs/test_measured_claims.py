"""What is said of tables elsewhere is what docs/tables-measured.jsonl says."""

from __future__ import annotations

import statistics
from collections import defaultdict

from benchmarks.tables import results, summary
from documents import ROOT

PAGE = (ROOT / "docs" / "tables-measured.md").read_text(encoding="utf-8")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MORE = ("eleven", "twelve", "thirteen", "fourteen", "fifteen")


def plain(name: str) -> str:
    """A document in one line."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of the first table below a heading, by their first."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return {first.strip(): [cell.strip() for cell in rest] for first, *rest in found[2:]}


def test_the_estimators_page_and_the_changelog_say_what_was_measured() -> None:
    page, ranks, beside = plain("docs/estimators.md"), rows("Ranks"), rows("trainlab beside each")
    number = [*WORDS, *MORE][len(ranks)]
    own = [*WORDS, *MORE][sum(name.startswith("trainlab") for name in ranks)]
    assert min(ranks, key=lambda name: float(ranks[name][0])) == "trainlab"
    assert f"their mean rank is the best of {number} models, {own} of them ours" in page
    told = f"its mean rank is the best of {number} models, CatBoost, LightGBM and RealMLP among"
    assert told in plain("README.md")
    _, log_loss, rmse, _ = beside["CatBoost"]
    told = f"Their log loss is {log_loss.split()[0]} of CatBoost's {log_loss.split(' ', 1)[1]}, "
    assert f"{told}their RMSE {rmse.split()[0]} of it {rmse.split(' ', 1)[1]}" in page
    wins = beside["trainlab, MLP"][0]
    assert f"a lower error than a single network on {wins} tables" in plain("CHANGELOG.md")


def test_what_a_fit_takes_beside_catboost() -> None:
    """The median over tables, the least and the most: of the medians over hold-outs."""
    seconds, tasks = defaultdict[tuple[str, str], list[float]](list), dict[str, str]()
    for one in results.read(ROOT / "docs" / "tables-measured.jsonl").records.values():
        if one.error is None:
            seconds[one.contestant, one.table].append(one.numbers["fit_cpu"])
            tasks[one.table] = one.task
    told = []
    for task in ("classification", "regression"):
        ratios = [
            statistics.median(seconds["trainlab", table])
            / statistics.median(seconds["CatBoost", table])
            for table, own in tasks.items()
            if own == task
        ]
        least, most = (
            f"{value:.1f}" if value < 2 else f"{value:.0f}" for value in (min(ratios), max(ratios))
        )
        told.append(f"{statistics.median(ratios):.0f} times")
        told.append(f"in {task} ({least} to {most} times)")
    text = plain("docs/estimators.md")
    assert f"{told[0]} the processor time of CatBoost {told[1]} and {told[2]} {told[3]}" in text


def test_what_the_quick_preset_takes_and_gives_beside_catboost() -> None:
    """The page of the measurements of the estimators says it, too."""
    ranks, found = rows("Ranks"), results.read(ROOT / "docs" / "tables-measured.jsonl")
    quick, other = (float(ranks[name][3]) for name in ("trainlab, quick", "CatBoost"))
    assert quick < other
    log_loss, rmse = (
        f"{summary.ratios(found, 'trainlab, quick', task)['CatBoost'].value:.2f}"
        for task in ("classification", "regression")
    )
    told = (
        f"takes {quick:.1f} s in the median over the 16 tables, where CatBoost takes {other:.1f} s"
    )
    told += f", for {log_loss} of its log loss and {rmse} of its RMSE"
    assert told in plain("docs/estimators-measured.md")
