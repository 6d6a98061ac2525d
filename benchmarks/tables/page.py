"""docs/tables-measured.md: made from results alone, so that no number is typed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.printing import MISSING, Table
from benchmarks.tables import figure, results, summary
from benchmarks.tables.data import TASKS, Task
from benchmarks.tables.lineup import LINEUP, OWN
from benchmarks.tables.results import UNTRIED, Results
from trainlab import plots

PAGE: Final = "tables-measured.md"
RESULTS: Final = "tables-measured.jsonl"
FIGURE: Final = "tables-measured.svg"

# ruff: noqa: E501 - rows of a Markdown table cannot be broken
INTRODUCTION: Final = """\
# Tables, measured

How good models of tables are with their defaults, and how long they take: trainlab's ensemble and
network beside boosted trees, forests, linear models and the networks of others, all trained on the same rows.
Where trainlab loses is shown as plainly as where it wins.

This page is made from `docs/tables-measured.jsonl` by `python -m benchmarks.tables --page`; no number on it is typed by hand.
"""

METHOD: Final = """\
## Method

- Of each table a fifth of the rows is held out, three times with three seeds, and of each class its share. All
  contestants are trained on the same rows, with the number of the hold-out as their seed, and scored on the others.
- Defaults of each: nothing is tuned. Each gets the table as its documentation recommends (below).
- **Error**: log loss for classes, of the probabilities as they are given, 1e-15 at least; the root of the mean squared
  error for numbers. The error on a table is the mean over its hold-outs.
- **Rank**: 1 for the least error on a table; a fit that fails has the last rank. Means are over tables.
- **Ratio**: the geometric mean over tables of the error of one ÷ the error of the other. The interval is
  that of 2,000 resamples of the tables: it says what other tables like these would give, not other rows of the same. For fewer
  than five tables there is none.
- **Calibration error**: rows are sorted into 15 bins by the probability of their likeliest class; the mean over
  rows of the difference, in their bin, between that probability and how often the class is the true one.
- **CPU seconds** of a fit with its predictions, in a process of its own; modules are loaded before.
  The median and the most are over all fits.
"""

AGAIN: Final = """\
## Do it again

```sh
make bench-tables                                          # tables that come with scikit-learn; results/ only
make bench-tables BENCH="--tables FOLDER --threads 2"      # your own: NAME.csv.gz, and a meta.json
make bench-tables BENCH="--tables FOLDER --resume"         # continue after Ctrl-C
make bench-tables BENCH=--page                             # renew this page
```

It makes an environment of its own with the pinned versions of the others and runs `python -m benchmarks.tables`, which leaves out who is not installed.

`meta.json` says target and task of each table: `{"houses": {"target": "price", "task": "regression"}}`. Empty cells are missing; a
column whose other cells are all numbers is one of numbers, else one of words. The code is in `benchmarks/tables/`; a contestant is a row in
`lineup.py`.
"""


def page(found: Results, ours: str) -> str:
    """The page, in Markdown."""
    return "\n".join(part.strip("\n") + "\n" for part in _parts(found, ours))


def _parts(found: Results, ours: str) -> Iterator[str]:
    yield INTRODUCTION
    yield _machine(found)
    yield f"## Ranks\n\n{summary.ranking(found).markdown()}\n\n{_left_out(found)}"
    compared = summary.comparison(found, ours)
    if compared.rows:
        words = f"Error of {ours} relative to that of each other contestant, with intervals"
        head = f"## {ours} beside each\n\nError of {ours} ÷ error of the other, and on how many tables it is lower."
        yield f"{head}\n\n![{words}]({FIGURE})\n\n{compared.markdown()}"
        yield _losses(found, ours)
    for task in TASKS:
        table = errors(found, task)
        if len(table.columns) > 1:
            yield f"## Each table: {task}\n\n{table.title}\n\n{table.markdown()}"
    yield f"## The tables\n\n{tables(found).markdown()}"
    yield f"{METHOD}\n{contestants(found).markdown()}"
    yield AGAIN


def _machine(found: Results) -> str:
    """The machines that were measured on."""
    described = dict.fromkeys(map(_described, found.machines))
    threads = sorted({one.threads for one in found.records.values()})
    each = f"{' or '.join(map(str, threads))} {'thread' if threads == [1] else 'threads'} each"
    if len(described) > 1:
        each += "; seconds are those of the machine that a fit was measured on last, errors do not depend on it"
    return "\n".join(["## Machine", "", *(f"- {one}" for one in (*described, each))])


def _described(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items() if v)
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB;"
        f" {machine['system']}, Python {machine['python']}; {versions}; measured on {machine['date']}"
    )


def _left_out(found: Results) -> str:
    """What the ranks lack."""
    lines = [
        f"{one.contestant} failed on {one.table}, hold-out {one.holdout}: {one.error}."
        for _, one in sorted(found.records.items())
        if one.error and not one.error.startswith(UNTRIED)
    ]
    names = summary.errors(found).left_out
    if names:
        lines.append(f"Not everybody has been tried on {', '.join(names)}: left out here.")
    return "\n".join(f"- {line}" for line in lines)


def _losses(found: Results, ours: str) -> str:
    """Every table on which somebody else's model has a lower error, and by how much."""
    made, rows = summary.errors(found), []
    own, others = made.of(ours), [name for name in made.contestants if name not in OWN]
    for place, table in enumerate(made.tables):
        value, name = min(((made.of(name)[place], name) for name in others), default=(math.inf, ""))
        if value < own[place]:
            more = f"{own[place] / value - 1:+.1%}" if math.isfinite(own[place]) else "failed"
            rows.append((table.table, table.task, name, more))
    head = f"## Where {ours} is not first\n\n"
    if not rows:
        return head + "Nowhere on these tables."
    columns = ("table", "task", "who is first", f"error of {ours} above that")
    return head + Table("", columns, tuple(rows), (0, 1, 2)).markdown()


def errors(found: Results, task: Task) -> Table:
    """The error of each contestant on each table of a task; the least is bold."""
    made = summary.errors(found).task(task)
    best = made.values.min(axis=1, initial=math.inf)
    rows = tuple(
        (
            one.contestant,
            *(
                _cell(value, value == least)
                for value, least in zip(made.of(one.contestant), best, strict=True)
            ),
        )
        for one in summary.standings(found)
    )
    measure = figure.MEASURES[task][0].upper() + figure.MEASURES[task][1:]
    title = f"{measure}, mean of the hold-outs; the least is bold."
    return Table(title, ("", *(table.table for table in made.tables)), rows)


def _cell(value: float, best: bool) -> str:
    if not math.isfinite(value):
        return "failed"
    words = f"{value:,.0f}" if value >= 1_000 else f"{value:#.4g}"
    return f"**{words}**" if best else words


def tables(found: Results) -> Table:
    """What was trained on."""
    rows = tuple(
        (
            one.table,
            one.task,
            f"{one.rows:,}",
            str(one.columns),
            str(one.words) if one.words else MISSING,
            str(one.classes) if one.classes else MISSING,
            one.source or MISSING,
        )
        for one in summary.tables(found)
    )
    columns = ("", "task", "rows", "columns", "of words", "classes", "from")
    return Table("", columns, rows, (0, 1, 6))


def contestants(found: Results) -> Table:
    """Who took part, with its version, and how it was given the tables."""
    versions = {one.contestant: one.version for one in summary.standings(found)}
    rows = tuple(
        (one.name, f"{one.package} {versions[one.name]}".strip(), one.words)
        for one in LINEUP
        if one.name in versions
    )
    return Table("", ("contestant", "version", "what it is"), rows, (0, 1, 2))


def write(found: Results, folder: Path, ours: str) -> list[Path]:
    """Writes the results, and the page and its figure of what was written; returns the files."""
    results.write(found, folder / RESULTS)
    found = results.read(folder / RESULTS)
    (folder / PAGE).write_text(page(found, ours), encoding="utf-8")
    written = [folder / PAGE, folder / RESULTS]
    drawn = figure.ratios(found, ours)
    if drawn is not None:
        (folder / FIGURE).write_bytes(plots.svg(drawn))
        written.append(folder / FIGURE)
    return written
