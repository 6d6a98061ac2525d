"""The results as tables: the same rows for the terminal and for the page."""

from __future__ import annotations

import dataclasses
import re
import statistics
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from benchmarks import results
from benchmarks.lineup import LINEUP, OURS
from benchmarks.results import Document
from benchmarks.targets import TARGETS
from benchmarks.workloads import MAIN, SIZE_SWEEP, WIDTH_SWEEP

MISSING = "–"
SCALED = "*"


@dataclasses.dataclass(frozen=True)
class Table:
    """A title, names of columns, and rows of text; columns are numbers unless said otherwise.

    The last `page_only` columns are too long for a terminal.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: tuple[int, ...] = (0,)
    page_only: int = 0

    def rich(self) -> RichTable:
        """For the terminal."""
        made = RichTable(
            title=self.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        shown = len(self.columns) - self.page_only
        for i, name in enumerate(self.columns[:shown]):
            widest = max((len(row[i]) for row in self.rows), default=0)
            lines = textwrap.wrap(name, max(widest, 8), break_long_words=False)
            justify: Literal["left", "right"] = "left" if i in self.text_columns else "right"
            made.add_column("\n".join(lines), justify=justify, no_wrap=True)
        for row in self.rows:
            made.add_row(*(Text(cell) for cell in row[:shown]))
        return made

    def markdown(self) -> str:
        """For the page, without the title."""
        marks = ("---" if i in self.text_columns else "---:" for i in range(len(self.columns)))
        lines = [self.columns, tuple(marks), *self.rows]
        return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def seconds(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def ratio(value: float) -> str:
    """Two digits, or as many as there are before the point."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:.2f}" if value < 0.995 else f"{value:.1f}"


def targets(document: Document) -> Table:
    """Every target, what was found, and whether it is enough."""
    rows: list[tuple[str, ...]] = []
    for target in TARGETS:
        found = target.found(document)
        if found is None:
            continue
        name, value = found
        least = MISSING if target.least is None else f"≥ {target.least:g} ×"
        where = target.workload if target.of == OURS else f"{target.workload}, {target.of}"
        rows.append((where, name, least, f"{ratio(value)} ×", target.verdict(value)))
    columns = ("", "time of … ÷ time of trainlab", "target", "found", "")
    return Table("Targets", columns, tuple(rows), (0, 1, 4))


def workload(document: Document, name: str) -> Table:
    """Everybody's times at a workload, quickest last."""
    section = document["workloads"][name]
    relative = results.ratios(document, name)
    rows: list[tuple[str, ...]] = []
    for entrant in LINEUP:
        entry = section["entrants"].get(entrant.name)
        if entry is None:
            continue
        found = results.times(entry)
        if found is None:
            if entry["error"]:
                rows.append((entrant.name, "failed", MISSING, MISSING, MISSING, MISSING, MISSING))
            continue
        compile_seconds = entry["compile_seconds"]
        rows.append(
            (
                entrant.name,
                seconds(found.median) + (SCALED if found.scaled else ""),
                f"{seconds(found.low)}–{seconds(found.high)}",
                ratio(relative[entrant.name]) if entrant.name in relative else MISSING,
                outcome(document, name, entrant.name),
                MISSING if compile_seconds is None else seconds(compile_seconds),
                chosen(entry),
            )
        )
    last = (FINALS.get(name, Final()).words, "first call s", "chose")
    columns = ("", "median s", "least–most", "÷ trainlab", *last)
    return Table(f"{name}: {section['title']}", columns, tuple(rows), (0, 6), page_only=2)


@dataclasses.dataclass(frozen=True)
class Final:
    """The last numbers of a workload, and what is made of those of several networks."""

    metric: str = "loss"
    words: str = "median loss"
    over: Callable[[Sequence[float]], float] = statistics.median


FINALS: Mapping[str, Final] = MappingProxyType(
    {
        "A": Final("validation_accuracy", "best valid. acc.", max),
        "C": Final("train_accuracy", "median train acc."),
        "F": Final("test_accuracy", "test accuracy"),
    }
)


def outcome(document: Document, workload: str, name: str) -> str:
    """What the networks that everybody trained came to."""
    entrants = document["workloads"][workload]["entrants"]
    final = FINALS.get(workload, Final())
    metric = final.metric
    shown = {n: e["outcome"][metric] for n, e in entrants.items() if metric in e["outcome"]}
    if name not in shown:
        return MISSING
    common = min(len(values) for values in shown.values())
    # Networks that start too large diverge, with everybody: they count as the worst.
    worst = float("inf") if metric == "loss" else 0.0
    values = [worst if value is None else value for value in shown[name][:common]]
    return f"{final.over(values):.3f}"


_SHORT = {
    "networks per stack": ("stacks of {}",) * 2,
    "stacks at once": ("{} at a time",) * 2,
    "processes": ("{} process", "{} processes"),
    "threads of each": ("{} thread each", "{} threads each"),
    "threads": ("{} thread", "{} threads"),
    "jobs": ("{} job", "{} jobs"),
}


def chosen(entry: dict[str, Any]) -> str:
    """What an entrant chose by its trials, and how many members it trained."""
    options = entry["options"].items()
    words = [_SHORT[name][v > 1].format(v) for name, v in options if name in _SHORT]
    if entry["part"] < 1:
        words.append(f"timed on {entry['part']:.2g} of them")
    return ", ".join(words) or MISSING


def sweep(document: Document, names: tuple[str, ...], title: str, first: str) -> Table:
    """Microseconds of a member's step at each point of a sweep."""
    points = [name for name in names if name in document["workloads"]]
    entered = [e.name for e in LINEUP if any(per_step(document, p, e.name) for p in points)]
    rows: list[tuple[str, ...]] = []
    for name in entered:
        values = [per_step(document, point, name) for point in points]
        rows.append((name, *(MISSING if v is None else seconds(v) for v in values)))
    heads = [re.sub("000$", "k", point.partition("-")[2]) for point in points]
    return Table(title, (first, *heads), tuple(rows))


def per_step(document: Document, workload: str, name: str) -> float | None:
    """Microseconds of one update of one network, everything included."""
    found = results.all_times(document, workload).get(name)
    if found is None:
        return None
    section = document["workloads"][workload]
    steps: int = section["members"] * section["steps"]
    return found.median / steps * 1e6


def sizes(document: Document) -> Table:
    """The sweep over the number of networks."""
    title = "µs of one step of one network, by the number of networks (64-32-10, batch 32, Adam)"
    return sweep(document, SIZE_SWEEP, title, "networks")


def widths(document: Document) -> Table:
    """The sweep over widths."""
    title = "µs of one step of one network, by width (8 networks 784-w-w-10, batch 100, Adam)"
    return sweep(document, WIDTH_SWEEP, title, "width")


def all_tables(document: Document) -> Iterator[RichTable]:
    """Every table there is something for."""
    for name in MAIN:
        if name in document["workloads"]:
            yield workload(document, name).rich()
    for names, make in ((SIZE_SWEEP, sizes), (WIDTH_SWEEP, widths)):
        if any(name in document["workloads"] for name in names):
            yield make(document).rich()
    if OURS in results.all_times(document, "A") or targets(document).rows:
        yield targets(document).rich()
