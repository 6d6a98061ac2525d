"""Has fits done, each in a process of its own, one at a time, and keeps what they come to.

Of each table and hold-out all contestants have their turn, one behind the other: a change of
the machine's speed meets all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.lineup import kept_variables
from benchmarks.tables import results
from benchmarks.tables.data import Holdout, Table, digest, holdouts, load
from benchmarks.tables.measures import ERRORS
from benchmarks.tables.results import Key, Record

ROOT: Final = Path(__file__).parents[2]
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Answer = dict[str, Any]
Tell = Callable[[str], None]
"""Takes a line for the user after each fit; an empty one for a fit that is there already."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How fits are done.

    folder   of the tables; None for those that scikit-learn brings
    holdouts of each table
    threads  that a contestant may use
    limit    seconds of a fit and its predictions
    """

    folder: Path | None = None
    holdouts: int = 3
    threads: int = 1
    limit: float = 3_600.0


def run(contestant: str, table: str, holdout: int, settings: Settings) -> Answer:
    """What the worker says; {"error": …} where it ends without a word or takes too long."""
    words = [sys.executable, "-m", "benchmarks.tables.worker", contestant, table, str(holdout)]
    words += ["--threads", str(settings.threads)]
    if settings.folder is not None:
        words += ["--tables", str(settings.folder.resolve())]
    variables = kept_variables() | dict.fromkeys(THREADS, str(settings.threads))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        with subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            env=variables,
            start_new_session=True,  # Ctrl-C is the parent's business
        ) as process:
            try:
                said, _ = process.communicate(timeout=settings.limit)
            except subprocess.TimeoutExpired:
                return {"error": f"took more than {settings.limit:g} s", "too_long": True}
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if said.strip():
            answer: Answer = json.loads(said)
            return answer
        log.seek(0)
        last = [line.strip() for line in log if line.strip()][-1:]
        return {"error": ": ".join([f"ended with code {process.returncode}", *last])}


def record(
    name: str, table: Table, part: Holdout, threads: int, answer: Mapping[str, Any]
) -> Record:
    """A record of what a worker said."""
    numbers = {k: v for k, v in answer.items() if isinstance(v, float)}
    return Record(
        contestant=name,
        table=table.name,
        task=table.task,
        rows=len(table.y),
        columns=table.X.shape[1],
        words=len(table.words),
        classes=len(table.labels),
        source=table.source,
        holdout=part.number,
        digest=digest(table, part),
        threads=threads,
        version=str(answer.get("version", "")),
        numbers=numbers,
        error=answer.get("error"),
    )


@dataclasses.dataclass
class Session:
    """Fits of some contestants to some tables, kept in a file as they come.

    known  the records that are there already: those of the same rows and threads are not
           measured again, unless they are failures
    start  does a fit; see `run`
    """

    path: Path
    settings: Settings
    tell: Tell
    known: Mapping[Key, Record] = dataclasses.field(default_factory=dict)
    start: Callable[[str, str, int, Settings], Answer] = run

    def measure(self, contestants: Sequence[str], tables: Sequence[str]) -> None:
        """Does all fits that are missing; who takes too long is not tried on that table again."""
        for name in tables:
            table = load(name, self.settings.folder)
            slow: dict[str, str] = {}
            for part, contestant in self._missing(table, contestants):
                answer: Answer
                if contestant in slow:
                    answer = {"error": f"{results.UNTRIED}: an earlier hold-out {slow[contestant]}"}
                else:
                    answer = self.start(contestant, name, part.number, self.settings)
                if answer.pop("too_long", False):
                    slow[contestant] = answer["error"]
                made = record(contestant, table, part, self.settings.threads, answer)
                results.add(self.path, made)
                self.tell(said(made))

    def _missing(self, table: Table, contestants: Sequence[str]) -> Iterator[tuple[Holdout, str]]:
        for part in holdouts(table, self.settings.holdouts):
            same = digest(table, part), self.settings.threads
            for contestant in contestants:
                one = self.known.get((contestant, table.name, part.number))
                if one is None or one.error or (one.digest, one.threads) != same:
                    yield part, contestant
                else:
                    self.tell("")


def said(one: Record) -> str:
    """A line about a record."""
    head = f"{one.table}, hold-out {one.holdout}  {one.contestant}: "
    if one.error:
        return f"{head}failed: {one.error}"
    measure = ERRORS[one.task].replace("_", " ")
    return f"{head}{measure} {one.loss:.4g} in {one.cpu:.3g} CPU s"
