"""Damaged files: refused by the one documented error, or read as they are; never anything else.

A case is a batch of damaged copies of one kind of file (subjects.py, damage.py), read in a
forked process with limits. `python -m campaign.parsers NAME SEED BATCH INDEX FILE` writes the
damaged copy of a failure to FILE.
"""

from __future__ import annotations

import os
import signal
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from campaign.damage import generator
from campaign.part import Case, Outcome, Part
from campaign.processes import Child
from campaign.subjects import NAMES, Subject, subjects

BATCH: Final = 500
BATCHES: Final = 19  # of each kind of file: 22 × 19 × 500 = 209,000
BATCHES_QUICK: Final = 1
MEMORY: Final = 1 << 30  # bytes beyond those of the process
CPU_SECONDS: Final = 10.0  # of one file
SHOWN: Final = 3


def mutant(subject: Subject, name: str, seed: int, batch: int, index: int) -> tuple[str, bytes]:
    """(kinds of damage, a damaged copy): the same for the same numbers."""
    rng = generator(seed, zlib.crc32(name.encode()), batch, index)
    one, other = rng.integers(len(subject.samples), size=2)
    return subject.damage(subject.samples[one], subject.samples[other], rng)


class Parsers(Part):
    """The part."""

    name = "parsers"
    promise = (
        "a damaged file is refused by the documented error or is read as what it says; no other "
        "error, no hang, no memory beyond a limit, no other model"
    )

    def __init__(self, make: Any = subjects, names: Sequence[str] = NAMES) -> None:
        self._make, self._names = make, names
        self._subjects: Mapping[str, Subject] | None = None

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Batches, in turn of all kinds of files."""
        return [
            Case(f"{name}/{batch}", (name, seed, batch))
            for batch in range(BATCHES_QUICK if quick else BATCHES)
            for name in self._names
        ]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """One batch; goes on behind a file that ended the process."""
        name, seed, batch = case.given
        if self._subjects is None:
            self._subjects = self._make()
        subject, place = self._subjects[name], scratch / "place"
        counts, faults, first = Counter[str](), list[str](), 0
        if subject.means is None:
            list(map(subject.truth, subject.samples))  # before the limits
        while first < BATCH:
            place.write_text("", encoding="ascii")
            work = _Batch(subject, name, seed, batch, first, scratch)
            answer = Child(work, scratch / "answer.json", MEMORY).answer(600)
            if answer.value is not None:
                counts.update(answer.value[0])
                faults += answer.value[1]
                break
            index, done = work.progress()
            counts.update(done)
            how = "too slow" if answer.code == -signal.SIGPROF else str(answer)
            faults.append(f"[{index}] ended the process: {how}")
            counts["failed"] += 1
            first = index + 1
        detail = f"{name} {seed} {batch} {'; '.join(faults[:SHOWN])}" if faults else ""
        return Outcome(not faults, detail, counts)


class _Batch:
    """What the process does."""

    def __init__(
        self, subject: Subject, name: str, seed: int, batch: int, first: int, scratch: Path
    ) -> None:
        self._subject, self._name, self._seed = subject, name, seed
        self._batch, self._first, self._scratch = batch, first, scratch

    def __call__(self) -> tuple[dict[str, int], list[str]]:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is at
        counts, faults = Counter[str](), list[str]()
        place = os.open(self._scratch / "place", os.O_WRONLY)
        for index in range(self._first, BATCH):
            kinds, content = mutant(self._subject, self._name, self._seed, self._batch, index)
            os.pwrite(place, f"{index:6d} {counts['refused']:6d} {counts['read']:6d}".encode(), 0)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            try:
                counts[self._subject.judge(self._scratch / "file", content)] += 1
            except Exception as error:  # noqa: BLE001  # which error it is, is the question
                counts["failed"] += 1
                faults.append(f"[{index}] {kinds}: {type(error).__name__}: {str(error)[:150]}")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        return dict(counts), faults

    def progress(self) -> tuple[int, dict[str, int]]:
        """(the file at which it ended, how many before it ended how)."""
        words = (self._scratch / "place").read_text(encoding="ascii").split()
        index, refused, read = map(int, words or (0, 0, 0))
        return index, {"refused": refused, "read": read}


PART: Final = Parsers()

if __name__ == "__main__":
    name, *numbers, out = sys.argv[1:]
    kind = subjects()[name]
    said, content = mutant(kind, name, *map(int, numbers))
    Path(out).write_bytes(kind.pack(content))
    print(said)  # noqa: T201  # a program
