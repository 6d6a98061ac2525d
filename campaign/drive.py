"""Runs the cases of a part that are still to do, in one process or several, and sums them up."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import datetime
import multiprocessing
import multiprocessing.util
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from campaign import part as parts
from campaign.ledger import Ledger, commit
from campaign.part import Case, Outcome, Part, Result

SHOWN_FAILURES: Final = 20  # so many are copied into the summary; the .jsonl has all

Tell = Callable[[Case, Result], None]


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to run."""

    seed: int
    quick: bool
    workers: int = 1


def run_part(part: Part, plan: Plan, ledger: Ledger, tell: Tell) -> dict[str, Any]:
    """Runs what is to do and gives the summary, which is saved also after Ctrl-C."""
    cases = part.cases(plan.seed, plan.quick)
    assert len({case.id for case in cases}) == len(cases), f"{part.name}: ids are not unique"
    _, done = ledger.read()
    at = commit()
    for case, outcome, seconds in _outcomes(part, to_do(cases, done), plan.workers):
        result = Result(case.id, outcome.ok, outcome.detail, dict(outcome.counts), seconds, at)
        ledger.add(result)
        tell(case, result)
    return summarize(part, plan, ledger)


def to_do(cases: Sequence[Case], done: Mapping[str, Result]) -> list[Case]:
    """The cases without a result."""
    return [case for case in cases if case.id not in done]


def summarize(part: Part, plan: Plan, ledger: Ledger) -> dict[str, Any]:
    """Sums up the results of the present cases, writes that down and gives it back."""
    cases = part.cases(plan.seed, plan.quick)
    _, done = ledger.read()
    results = [done[case.id] for case in cases if case.id in done]
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    failed = [result for result in results if not result.ok]
    summary = {
        "part": part.name,
        "promise": part.promise,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": plan.seed,
        "quick": plan.quick,
        "commits": dict(Counter(result.commit for result in results)),
        "machine": machine.describe(),
        "cases": len(cases),
        "done": len(results),
        "failed": len(failed),
        "counts": dict(sorted(counts.items())),
        "seconds": round(sum(result.seconds for result in results), 1),
        "passed": len(results) == len(cases) and part.passed(results),
        "report": part.report(results),
        "failures": [[result.id, result.detail] for result in failed[:SHOWN_FAILURES]],
    }
    ledger.save_summary(summary)
    return summary


def _outcomes(
    part: Part, cases: Sequence[Case], workers: int
) -> Iterator[tuple[Case, Outcome, float]]:
    if workers == 1:
        try:
            for case in cases:
                yield case, *_try(part, case)
        finally:
            part.close()
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(part.name,),
    )
    try:
        waiting = {pool.submit(_work, part.name, case): case for case in cases}
        for future in concurrent.futures.as_completed(waiting):
            yield waiting[future], *future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker(name: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the work
    # Workers run no functions of atexit.
    multiprocessing.util.Finalize(None, parts.load(name).close, exitpriority=1)


def _work(name: str, case: Case) -> tuple[Outcome, float]:
    return _try(parts.load(name), case)


def _try(part: Part, case: Case) -> tuple[Outcome, float]:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(
        prefix=f"trainlab-{part.name}-", ignore_cleanup_errors=True
    ) as scratch:
        try:
            outcome = part.run(case, Path(scratch))
        except Exception as error:  # noqa: BLE001  # a part that fails is a failure, not the end
            outcome = Outcome(False, f"{type(error).__name__}: {error}", {"error": 1})
    return outcome, round(time.perf_counter() - begun, 3)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Makes SIGTERM end the campaign as Ctrl-C does."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
