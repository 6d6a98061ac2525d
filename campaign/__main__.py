"""python -m campaign [PART ...]: runs the long tests; `python -m campaign table` shows them.

Results are appended to OUT/PART.jsonl as they come, and summed up in OUT/PART.json.  `table`
writes the sums into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import secrets
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from campaign import drive, table
from campaign.ledger import Ledger
from campaign.part import PARTS, ROOT, CampaignError, Case, Result, load

FAILED: Final = 1
INTERRUPTED: Final = 130


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser("python -m campaign", description=__doc__.splitlines()[0])
    made.add_argument("parts", nargs="*", type=_part_name, metavar="PART", help=", ".join(PARTS))
    made.add_argument("--resume", action="store_true", help="go on where the last run ended")
    made.add_argument("--retry", action="store_true", help="--resume, and run failed cases again")
    made.add_argument(
        "--again", metavar="PATTERN", help="--resume, and run cases again: *store* for example"
    )
    made.add_argument("--quick", action="store_true", help="a tenth of the cases or fewer")
    made.add_argument("--seed", type=int, help="of what is drawn; a new one if left out")
    made.add_argument("--workers", type=int, default=1, help="processes that run cases")
    made.add_argument("--out", type=Path, default=ROOT / "campaign-results")
    return made


def _part_name(text: str) -> str:
    if text not in (*PARTS, "table"):
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join([*PARTS, 'table'])}; got {text}"
        )
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """0: every promise was kept.  1: one was not.  2: an error.  130: Ctrl-C; results are kept."""
    options, console = parser().parse_args(arguments), Console()
    try:
        if "table" in options.parts:
            table.renew(options.out)
            console.print(f"written: {table.PAGE.relative_to(ROOT)}")
            return 0
        with drive.interruptible():
            summaries = [_part(name, options, console) for name in options.parts or PARTS]
    except CampaignError as error:
        console.print(f"Error: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        words = [*options.parts, "--resume", *(["--quick"] if options.quick else [])]
        words += ["--workers", str(options.workers), "--out", str(options.out)]
        again = shlex.join(["python", "-m", "campaign", *words])
        console.print(f"Interrupted; every result is kept.  Go on with: {again}", markup=False)
        return INTERRUPTED
    return 0 if all(summary["passed"] for summary in summaries) else FAILED


def _part(name: str, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    part, ledger = load(name), Ledger(options.out, name)
    plan = _plan(ledger, options)
    cases, done = part.cases(plan.seed, plan.quick), ledger.read()[1]
    again = [name for name, one in done.items() if _is_again(name, one, options)]
    if again:
        ledger.forget(again)
    left = len(drive.to_do(cases, ledger.read()[1]))
    console.print(
        f"{name}: {len(cases)} cases, {left} to do, seed {plan.seed}; {ledger.path}", markup=False
    )
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=left)

        def tell(case: Case, result: Result) -> None:
            progress.advance(task)
            if not result.ok:
                console.print(f"FAILED {case.id}: {result.detail}", markup=False, highlight=False)

        try:
            summary = drive.run_part(part, plan, ledger, tell)
        except KeyboardInterrupt:
            drive.summarize(part, plan, ledger)
            raise
    word = "passed" if summary["passed"] else "NOT PASSED"
    counts = ", ".join(f"{number} {what}" for what, number in summary["counts"].items())
    console.print(f"{name}: {word}; {counts}; {summary['failed']} failed", markup=False)
    return summary


def _is_again(name: str, result: Result, options: argparse.Namespace) -> bool:
    """Whether a case that has a result is to be run again."""
    matches = options.again is not None and fnmatch.fnmatchcase(name, options.again)
    return matches or (options.retry and not result.ok)


def _plan(ledger: Ledger, options: argparse.Namespace) -> drive.Plan:
    goes_on = options.resume or options.retry or options.again is not None
    if goes_on and ledger.exists():
        head, _ = ledger.read()
        seed, quick = head["seed"], head["quick"]
        if options.quick != quick or options.seed not in (None, seed):
            raise CampaignError(
                f"{ledger.path} is of seed {seed} {'with' if quick else 'without'} --quick"
            )
    else:
        seed = secrets.randbelow(2**32) if options.seed is None else options.seed
        quick = options.quick
        ledger.begin(seed, quick)
    return drive.Plan(seed, quick, options.workers)


if __name__ == "__main__":
    raise SystemExit(main())
