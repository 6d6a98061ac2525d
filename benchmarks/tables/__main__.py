"""python -m benchmarks.tables: models of tables with their defaults, side by side.

Each contestant is trained on the same rows of each table, in a process of its own.  Results go to
results/tables.jsonl as they come; --page makes docs/tables-measured.md of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine
from benchmarks.__main__ import INTERRUPTED, positive
from benchmarks.tables import data, results, summary
from benchmarks.tables.lineup import BY_NAME, LINEUP, OURS
from benchmarks.tables.runner import ROOT, Session, Settings

LIBRARIES: Final = ("trainlab", "numpy", "scikit-learn", "pandas", "torch")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = __doc__.splitlines()[0]
    made = argparse.ArgumentParser("python -m benchmarks.tables", description=line)
    made.add_argument(
        "--tables",
        type=Path,
        metavar="FOLDER",
        help="of NAME.csv.gz and a meta.json that says target and task of each;"
        " by default the tables that come with scikit-learn",
    )
    made.add_argument("--names", nargs="+", metavar="NAME", help="these tables alone")
    made.add_argument("--contestants", nargs="+", choices=list(BY_NAME), metavar="NAME")
    made.add_argument("--holdouts", type=positive, default=data.HOLDOUTS)
    made.add_argument("--threads", type=positive, default=1, help="of each contestant")
    made.add_argument(
        "--limit", type=positive, default=int(Settings.limit), help="seconds of a fit"
    )
    made.add_argument("--out", type=Path, default=ROOT / "results" / "tables.jsonl")
    made.add_argument(
        "--resume", action="store_true", help="go on with --out; what failed is tried again"
    )
    made.add_argument("--page", action="store_true", help="renew the page from --out; no fits")
    made.add_argument(
        "--ours", choices=list(BY_NAME), default=OURS, metavar="NAME", help="whom to compare"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; 130 after Ctrl-C, with what was measured kept; 2 after an error, in one line."""
    options, console = parser().parse_args(arguments), Console()
    try:
        return _main(options, console)
    except data.TablesError as error:
        console.print(f"Error: {error}", markup=False)
        return 2


def _main(options: argparse.Namespace, console: Console) -> int:
    if options.page:
        _publish(options, console)
        return 0
    if options.out.exists() and not options.resume:
        words = "--resume goes on with it; or choose another --out"
        raise data.TablesError(f"{options.out} holds results already: {words}")
    names = options.contestants or list(BY_NAME)
    missing = {c.name: c.missing() for c in LINEUP if c.name in names}
    for sentence in filter(None, missing.values()):
        console.print(sentence, markup=False)
    entered = [name for name, sentence in missing.items() if sentence is None]
    tables = options.names or data.names(options.tables)
    interrupted = False
    try:
        _measure(entered, tables, options, console)
    except KeyboardInterrupt:
        interrupted = True
        console.print("Interrupted; what was measured is kept.  Go on with --resume.")
    for table in summary.printed(results.read(options.out), options.ours):
        console.print(table.rich())
    console.print(f"results: {options.out}")
    return INTERRUPTED if interrupted else 0


def _measure(
    entered: Sequence[str], tables: Sequence[str], options: argparse.Namespace, console: Console
) -> None:
    known = results.read(options.out).records if options.out.exists() else {}
    results.begin(options.out, machine.facts(LIBRARIES))
    settings = Settings(options.tables, options.holdouts, options.threads, options.limit)
    columns = (TextColumn("fits"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(entered) * len(tables) * options.holdouts)

        def tell(line: str) -> None:
            if line:
                console.print(line, highlight=False, markup=False)
            progress.advance(task)

        Session(options.out, settings, tell, known).measure(entered, tables)


def _publish(options: argparse.Namespace, console: Console) -> None:
    """Writes the page, its figure and the results that they show into docs/."""
    from benchmarks.tables import page  # matplotlib is slow to import

    found = results.read(options.out)
    if options.contestants:
        found = found.of(options.contestants)
    for path in page.write(found, ROOT / "docs", options.ours):
        console.print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    raise SystemExit(main())
