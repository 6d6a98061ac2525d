"""Runs contestants, each in a process of its own, in turns.

Each process lives as long as its workload, so that thread pools and libraries of one
contestant never meet those of another.  In each repeat all contestants run one after
the other, so that a change of the machine's speed meets all of them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, results
from benchmarks.lineup import Entrant, environment, variables
from benchmarks.workloads import Workload

ROOT: Final = Path(__file__).parents[1]
LIMIT_SECONDS: Final = 1_800.0  # for one order; whoever takes longer has failed
PAUSE: Final = 0.2  # seconds between runs, for the threads of the last one to fall asleep
LOOK: Final = 0.2  # seconds between runs in which to see whether others use the machine

Tell = Callable[[str], None]
"""Takes a line for the user, after each thing that was done."""


class ContestantError(Exception):
    """A contestant could not do what it was told."""


def source(entrant: Entrant, folder: Path) -> Path | None:
    """The source of an earlier version, written into the folder; None for this one."""
    if entrant.commit is None:
        return None
    own = folder / entrant.commit
    if not own.exists():
        words = ["git", "archive", "--format=tar", entrant.commit, "src"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            raise ContestantError(f"git archive: {done.stderr.decode(errors='replace').strip()}")
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
            files.extractall(own, filter="data")
    return own / "src"


class Process:
    """One contestant at one workload."""

    def __init__(
        self,
        entrant: Entrant,
        workload: Workload,
        folder: Path,
        quick: bool,
        limit: float = LIMIT_SECONDS,
    ) -> None:
        words = [sys.executable, "-m", "benchmarks.worker", entrant.name, workload.name]
        self._limit = limit
        # Open as long as the process lives: `close` closes it.
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [*words, str(folder), *(["--quick"] if quick else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=environment(entrant, source(entrant, folder)),
            start_new_session=True,  # Ctrl-C is the parent's business
        )
        assert self._process.stdin
        assert self._process.stdout
        self._orders, self._answers = self._process.stdin, self._process.stdout

    def ask(self, order: str) -> dict[str, Any]:
        """The answer to an order; ContestantError with the reason where there is none."""
        timer = threading.Timer(self._limit, self._kill)
        timer.start()
        try:
            self._orders.write(json.dumps({"do": order}) + "\n")
            self._orders.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        finally:
            in_time = timer.is_alive()
            timer.cancel()
        if not line:
            code = self._process.wait()
            why = f"ended with code {code}" if in_time else f"took more than {self._limit:.0f} s"
            raise ContestantError(": ".join([why, *self._last_words()]))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ContestantError(answer["error"])
        return answer

    def _kill(self) -> None:
        """Kills it, with the processes that it may have started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _last_words(self) -> list[str]:
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1:]

    def close(self) -> None:
        """Ends it: it ends by itself where no more orders come, else it is killed."""
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass  # it is killed below
        finally:
            self._kill()
            self._process.wait()
        self._answers.close()
        self._log.close()


class Session:
    """Measures workloads into a document, which is saved after every run."""

    def __init__(
        self,
        document: results.Document,
        path: Path,
        folder: Path,
        repeats: int,
        tell: Tell,
        start: Callable[..., Any] = Process,
    ) -> None:
        """`folder` holds the arrays; `start` makes the process of a contestant."""
        self.document = document
        self.path = path
        self.folder = folder
        self.repeats = repeats
        self.tell = tell
        self.start = start

    def measure(self, workload: Workload, entrants: Sequence[Entrant]) -> None:
        """Every entrant's repeats at the workload; those that are there already are kept."""
        entries = {e.name: results.entry(self.document, workload, e) for e in entrants}
        wanted = [e for e in entrants if len(entries[e.name]["seconds"]) < self.repeats]
        with contextlib.ExitStack() as stack:
            running: dict[str, Any] = {}
            for entrant in wanted:
                entry = entries[entrant.name]
                entry["error"] = None
                with self._failing(workload, entrant, entry):
                    running[entrant.name] = self._ready(stack, workload, entrant, entry)
            for repeat in range(self.repeats):
                for entrant in wanted:
                    entry = entries[entrant.name]
                    if entrant.name not in running or len(entry["seconds"]) > repeat:
                        continue
                    time.sleep(PAUSE)
                    busy = machine.background(LOOK)
                    if busy is not None:
                        results.section(self.document, workload)["background"].append(busy)
                    with self._failing(workload, entrant, entry):
                        self._run(running[entrant.name], entry)
                        seconds = entry["seconds"][-1]
                        scaled = "" if entry["part"] == 1 else f" for {entry['part']:.1%}"
                        self.tell(
                            f"{workload.name}  repeat {repeat + 1} of {self.repeats}  "
                            f"{entrant.name}: {seconds:.3g} s{scaled}"
                        )
                    if entry["error"]:
                        del running[entrant.name]
                    results.save(self.document, self.path)

    def _ready(
        self, stack: contextlib.ExitStack, workload: Workload, entrant: Entrant, entry: Any
    ) -> Any:
        """A process that has prepared, chosen its options, compiled and warmed up."""
        quick = bool(self.document["quick"])
        process = self.start(entrant, workload, self.folder, quick)
        stack.callback(process.close)
        began = time.perf_counter()
        process.ask("prepare")
        process.ask("tune")
        entry["compile_seconds"] = process.ask("compile")["seconds"]
        process.ask("warm_up")
        entry["variables"] = variables(entrant)
        took = time.perf_counter() - began
        self.tell(f"{workload.name}  {entrant.name} is ready after {took:.1f} s")
        return process

    def _run(self, process: Any, entry: Any) -> None:
        answer = process.ask("run")
        entry["seconds"].append(answer["seconds"])
        entry["outcome"] = results.thin(answer["outcome"])
        entry.update(process.ask("describe"))

    @contextlib.contextmanager
    def _failing(self, workload: Workload, entrant: Entrant, entry: Any) -> Iterator[None]:
        """Records a failure with its message; the others go on."""
        try:
            yield
        except ContestantError as failure:
            entry["error"] = str(failure)
            results.save(self.document, self.path)
            self.tell(f"{workload.name}  {entrant.name} FAILED: {failure}")
