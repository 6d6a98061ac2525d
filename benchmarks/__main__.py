"""python -m benchmarks: measures, prints tables, writes results/, and the page in docs/.

The page docs/performance.md is renewed by a full run (every workload, five repeats or
more, not --quick), or from a file of results by --page.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import data, machine, printing, results
from benchmarks.harness import ROOT, Session
from benchmarks.lineup import BY_NAME, LINEUP, Entrant
from benchmarks.workloads import NAMES, Workload, workload
from trainlab.errors import TrainlabError

LEAST_REPEATS: Final = 5  # of a run that may renew the page
INTERRUPTED: Final = 130


def positive(text: str) -> int:
    """An integer >= 1, or an error that argparse shows."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer >= 1; got {text}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser("python -m benchmarks", description=__doc__.splitlines()[0])
    made.add_argument("--workloads", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    made.add_argument("--entrants", nargs="+", choices=list(BY_NAME), metavar="NAME")
    made.add_argument("--repeats", type=positive, default=LEAST_REPEATS)
    made.add_argument("--quick", action="store_true", help="a tenth of the work, to see it run")
    made.add_argument("--resume", action="store_true", help="go on where the last run ended")
    made.add_argument("--out", type=Path, default=ROOT / "results" / "benchmark.json")
    made.add_argument("--page", action="store_true", help="renew the page from --out; no runs")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; 130 after Ctrl-C, with what was measured kept; 2 after an error, in one line."""
    options, console = parser().parse_args(arguments), Console()
    try:
        return _main(options, console)
    except (TrainlabError, results.ResultsError) as error:
        console.print(f"Error: {error}", markup=False)
        return 2


def _main(options: argparse.Namespace, console: Console) -> int:
    if options.page:
        publish(results.load(options.out), console)
        return 0
    document = _document(options)
    works = [workload(name, options.quick) for name in options.workloads]
    names = options.entrants or list(BY_NAME)
    entered = {
        w.name: [e for e in LINEUP if w.name in e.workloads and e.name in names] for w in works
    }
    interrupted = False
    try:
        _measure(document, works, entered, options, console)
    except KeyboardInterrupt:
        interrupted = True
        console.print("Interrupted; what was measured is kept.  Go on with --resume.")
    results.save(document, options.out)
    for table in printing.all_tables(document):
        console.print(table)
    busy = results.background(document)
    if busy is not None and busy > results.QUIET:
        console.print(f"Others kept {busy:.1f} cores busy meanwhile: measure again when they rest.")
    console.print(f"results: {options.out}")
    _draw(document, options.out.parent, console)
    if complete(document):
        publish(document, console)
    return INTERRUPTED if interrupted else 0


def complete(document: results.Document) -> bool:
    """Whether the document may become the page: all workloads, enough repeats, not quick."""
    if document["quick"]:
        return False
    for name in NAMES:
        entrants = document["workloads"].get(name, {}).get("entrants", {})
        for entrant in LINEUP:
            entry = entrants.get(entrant.name)
            if name in entrant.workloads and (
                entry is None or (not entry["error"] and len(entry["seconds"]) < LEAST_REPEATS)
            ):
                return False
    return True


def publish(document: results.Document, console: Console) -> None:
    """Writes the page, its figures and the results that they show into docs/."""
    from benchmarks import performance_page  # matplotlib is slow to import

    for path in performance_page.write(document, ROOT / "docs"):
        console.print(f"written: {path.relative_to(ROOT)}")


def _document(options: argparse.Namespace) -> results.Document:
    if not (options.resume and options.out.exists()):
        return results.new(machine.describe(), options.quick)
    document = results.load(options.out)
    if document["quick"] != options.quick:
        raise results.ResultsError(
            f"{options.out} is of a run {'with' if document['quick'] else 'without'} --quick"
        )
    now = machine.describe()
    for key in ("date", "peak_gflops"):  # which differ between two runs on one machine
        now.pop(key)
    changed = [key for key in now if now[key] != document["machine"].get(key)]
    if changed:
        raise results.ResultsError(
            f"{options.out} is of another machine or versions: {', '.join(changed)}"
        )
    return document


def _measure(
    document: results.Document,
    works: Sequence[Workload],
    entered: dict[str, list[Entrant]],
    options: argparse.Namespace,
    console: Console,
) -> None:
    columns = (TextColumn("benchmarks"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    total = sum((options.repeats + 1) * len(entrants) for entrants in entered.values())
    with (
        tempfile.TemporaryDirectory(prefix="trainlab-bench-") as folder,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("", total=total)

        def tell(line: str) -> None:
            console.print(line, highlight=False, markup=False)
            progress.advance(task)

        session = Session(document, options.out, Path(folder), options.repeats, tell)
        for work in works:
            if not work.command:
                data.write(Path(folder), work.data)
            session.measure(work, entered[work.name])


def _draw(document: results.Document, folder: Path, console: Console) -> None:
    from benchmarks import figures

    for path in figures.write(document, folder, prefix="benchmark"):
        console.print(f"figure: {path}")


if __name__ == "__main__":
    raise SystemExit(main())
