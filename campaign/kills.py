"""Kills with SIGKILL at moments drawn by chance: the same call goes on and ends with the same bits.

A case is one folder and one piece of work (works.py). It is started and killed, again and
again, and at last left alone.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from campaign.part import CampaignError, Case, Outcome, Part
from campaign.processes import Answer, Child
from campaign.works import ABSENT, WORKS, Work

KILLS: Final = 5  # of one case
STARTS: Final = 15  # of one case at most: work that has ended is begun anew
# Cases of each piece of work; fewer of those that take seconds.
CASES: Final = {name: 12 for name in WORKS} | {"trainlab run": 8, "trainlab search": 8}
CASES_QUICK: Final = 1
KILLS_QUICK: Final = 2


@dataclasses.dataclass(frozen=True)
class Known:
    """What a piece of work does when nobody disturbs it.

    folder   what it begins with
    before, after  its files;  digest: what came of it;  seconds: how long it took
    """

    folder: Path
    before: Mapping[str, str]
    after: Mapping[str, str]
    digest: str
    seconds: float


def know(work: Work, place: Path) -> Known:
    """Does the work undisturbed, in a copy of what it begins with."""
    folder, copy = place / "before", place / "after"
    folder.mkdir(parents=True)
    sound(Child(lambda: work.prepare(folder), place / "answer.json").answer())
    before = sound(Child(lambda: dict(work.files(folder)), place / "answer.json").answer())
    shutil.copytree(folder, copy)
    child = Child(lambda: clocked(work, copy), place / "answer.json")
    digest, seconds = sound(child.answer())
    after = sound(Child(lambda: dict(work.files(copy)), place / "answer.json").answer())
    return Known(folder, before, after, digest, seconds)


def clocked(work: Work, folder: Path) -> tuple[str, float]:
    """The digest of a piece of work, and the seconds that it took."""
    begun = time.perf_counter()
    return work.do(folder), time.perf_counter() - begun


def sound(answer: Answer) -> object:
    """The value of an answer; CampaignError if there is none: then nothing can be compared."""
    if answer.error or answer.code:
        raise CampaignError(f"work that nobody disturbed failed: {answer}")
    return answer.value


def fault_of_files(known: Known, found: Mapping[str, str]) -> str:
    """What is wrong with the files after a disturbance; nothing if each is older or new."""
    for name, digest in found.items():
        admitted = {known.before.get(name, ABSENT), known.after.get(name, ABSENT)}
        if digest not in admitted:
            return f"{name} is neither the older file nor the new one"
    return ""


def parts(folder: Path) -> list[str]:
    """Files that a save has left half done."""
    return sorted(path.name for path in folder.rglob("*.part"))


class Kills(Part):
    """The part."""

    name = "kills"
    promise = (
        "killed at any moment, files are the older or the new ones, whole; the same call goes on, "
        "ends with the bits of a run that nobody disturbed, and leaves no parts of files and no "
        "processes"
    )

    def __init__(self, works: Mapping[str, Work] = WORKS) -> None:
        self._works = works
        self._known: dict[str, Known] = {}
        self._place: Path | None = None

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """One for each folder; rounds through all pieces of work."""
        counts = {name: CASES_QUICK if quick else CASES.get(name, 1) for name in self._works}
        kills = KILLS_QUICK if quick else KILLS
        return [
            Case(f"{name}/{turn}", (name, kills, [seed, place, turn]))
            for turn in range(max(counts.values()))
            for place, (name, count) in enumerate(counts.items())
            if turn < count
        ]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """Starts and kills, and lets it end."""
        name, kills, seed = case.given
        work, known = self._works[name], self.known(name)
        rng, counts, folder = np.random.default_rng(seed), Counter[str](), scratch / "0"
        shutil.copytree(known.folder, folder)
        for start in range(STARTS):
            if counts["kills"] == kills:
                break
            child = Child(lambda folder=folder: work.do(folder), scratch / "answer.json")
            child.wait(rng.uniform(0, known.seconds * 1.1))
            child.kill()
            if child.killed:
                counts["kills"] += 1
                fault = _left(child) or _files(work, known, folder, scratch)
            else:  # it was faster
                counts["ended before"] += 1
                fault = _end(child.answer(), known)
                folder = scratch / str(start + 1)
                shutil.copytree(known.folder, folder)
            if fault:
                return Outcome(False, f"after {counts['kills']} kills: {fault}", counts)
        again = Child(lambda: work.do(folder), scratch / "answer.json").answer()
        fault = _end(again, known) or _files(work, known, folder, scratch, complete=True)
        if not fault and parts(folder):
            fault = f"parts of files stay: {', '.join(parts(folder))}"
        return Outcome(not fault, fault, {**counts, "resumed": 1})

    def known(self, name: str) -> Known:
        """What the work does undisturbed, found once in each process."""
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="trainlab-kills-"))
        if name not in self._known:
            place = self._place / str(len(self._known))
            self._known[name] = know(self._works[name], place)
        return self._known[name]

    def close(self) -> None:
        """Removes what it compared with."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
        self._place = None
        self._known.clear()


def _end(answer: Answer, known: Known) -> str:
    if answer.error or answer.code:
        return f"it could not go on: {answer}"
    same = answer.value == known.digest
    return "" if same else "it went on and ended with other bits"


def _left(child: Child) -> str:
    left = child.orphans()
    return f"{len(left)} of its processes live on" if left else ""


def _files(
    work: Work, known: Known, folder: Path, scratch: Path, complete: bool = False
) -> str:
    answer = Child(lambda: dict(work.files(folder)), scratch / "answer.json").answer()
    if answer.error or answer.code:
        return f"a file is torn: {answer}"
    if complete and answer.value != known.after:
        return "a file is not the new one after it went on"
    return fault_of_files(known, answer.value)


PART: Final = Kills()
