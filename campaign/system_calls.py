"""A system call that fails while something is saved: a named error, older files, and going on.

A case is one piece of work (works.py) and one fault, put into each of its calls that write, one
at a time; where there are many of them, into some that are drawn.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from campaign.injection import ERRORS, Injector
from campaign.part import Case, Outcome
from campaign.processes import Answer, Child
from campaign.syncs import can_trace, without_sync
from campaign.undisturbed import Disturbing, Known, fault_of_end, fault_of_folder, parts
from campaign.works import WORKS, Work

# Calls of one case at most.
CALLS: Final = 30
SLOW: Final = {"trainlab run": 6, "trainlab search": 6, "trainlab report": 10}
CALLS_QUICK: Final = 2
FULL: Final = "disk stays full"
SYNC: Final = "fsync of SQLite"
SYNCS: Final = 8  # calls of fsync that fail, one at a time
TYPED: Final = {"ModelFileError", "StoreError", "OutputError", "DataError", "Failure"}
STORED: Final = ("training in threads", "search with store", "ensemble with store", "trainlab run")
QUICK: Final = ("save", "training in threads")


class SystemCalls(Disturbing):
    """The part."""

    name = "system_calls"
    promise = (
        "whichever system call of a save fails: no harm, or an error that names the file; files "
        "are the older or the new ones, whole; the same call continues with the same bits"
    )

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Each fault in each piece of work."""
        works = [name for name in self._works if not quick or name in (*QUICK, *self._own)]
        return [
            Case(f"{name}/{fault}", (name, fault, CALLS_QUICK if quick else CALLS, [seed, a, b]))
            for a, name in enumerate(works)
            for b, fault in enumerate((*ERRORS, FULL, *((SYNC,) if can_trace() else ())))
            if fault != SYNC or name in STORED
        ]

    @property
    def _own(self) -> Sequence[str]:
        return [name for name in self._works if name not in WORKS]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """Counts the calls, and lets them fail one at a time."""
        name, fault, limit, seed = case.given
        work, known = self._works[name], self.known(name)
        if fault == SYNC:
            calls = ["fsync"] * SYNCS
        else:
            calls = _disturbed(work, known, scratch / "counted", fault, None).value[1]
        chosen = np.random.default_rng(seed).permutation(len(calls))
        counts, faults = Counter[str](), list[str]()
        for at in sorted(chosen[: min(limit, SLOW.get(name, limit))].tolist()):
            folder = scratch / str(at)
            answer = _disturbed(work, known, folder, fault, at)
            wrong = self._judge(work, known, folder, answer)
            if wrong:
                counts["failed"] += 1
            else:
                counts["named" if answer.value[1] == "error" else "no harm"] += 1
            if wrong:
                faults.append(f"call {at} ({calls[at] if at < len(calls) else '?'}): {wrong}")
            shutil.rmtree(folder, ignore_errors=True)
        return Outcome(not faults, "; ".join(faults[:3]), counts)

    def _judge(self, work: Work, known: Known, folder: Path, answer: Answer) -> str:
        """What is wrong after a call has failed."""
        if answer.error or answer.code:
            return f"{answer}"
        digest, how, kind, text = answer.value
        scratch = folder.parent
        if how == "error":
            if kind not in TYPED or str(folder) not in text:
                return f"{kind}: {text}"
        elif digest != known.digest:
            return "it ended with other bits"
        wrong = fault_of_folder(work, known, folder, scratch, complete=how == "done")
        if wrong:
            return wrong
        again = Child(lambda: work.do(folder), scratch / "answer.json").answer()
        wrong = fault_of_end(again, known)
        wrong = wrong or fault_of_folder(work, known, folder, scratch, complete=True)
        left = [] if wrong else parts(folder)
        return wrong or (f"parts of files stay: {', '.join(left)}" if left else "")


def _disturbed(work: Work, known: Known, folder: Path, fault: str, at: int | None) -> Answer:
    """The work in a fresh folder, with a fault.

    The value: (digest, "done" or "error", the type of the error, its text), or, where `at` is
    None, (digest, the calls).
    """
    shutil.copytree(known.folder, folder)

    def do() -> list[object]:
        number = ERRORS.get(fault, ERRORS["disk full"])
        injector = Injector(folder, at, number, stays=fault == FULL)
        if fault != SYNC:
            injector.install()
        try:
            digest = work.do(folder)
        except Exception as error:  # noqa: BLE001  # the parent judges it
            return ["", "error", type(error).__name__, str(error)]
        return [digest, injector.calls] if at is None else [digest, "done", "", ""]

    if fault == SYNC and at is not None:
        return without_sync(do, folder.parent, at)
    return Child(do, folder.parent / "answer.json").answer()


PART: Final = SystemCalls()
