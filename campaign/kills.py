"""Kills with SIGKILL at moments drawn by chance: the same call continues, with the same bits.

A case is one folder and one piece of work (works.py). It is started and killed, again and
again, and at last left alone.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from campaign.part import Case, Outcome
from campaign.processes import Child
from campaign.undisturbed import Disturbing, Known, fault_of_end, fault_of_folder, parts
from campaign.works import WORKS, Work

KILLS: Final = 5  # of one case
STARTS: Final = 15  # of one case at most: work that has ended is begun anew
# Cases of each piece of work; fewer of those that take seconds.
CASES: Final = dict.fromkeys(WORKS, 14) | {"trainlab run": 8, "trainlab search": 8}
CASES_QUICK: Final = 1
KILLS_QUICK: Final = 2
EARLY, KILLED = "ended before", "kills"


class Kills(Disturbing):
    """The part."""

    name = "kills"
    promise = (
        "killed at any moment, files are the older or the new ones, whole; the same call continues "
        "and ends with the bits of a run that nobody disturbed, and leaves no parts of files "
        "and no processes"
    )

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
            if counts[KILLED] == kills:
                break
            kind, fault = _kill(work, known, folder, scratch, rng)
            counts[kind] += 1
            if fault:
                return Outcome(False, f"after {start + 1} starts: {fault}", counts)
            if kind == EARLY:
                folder = scratch / str(start + 1)
                shutil.copytree(known.folder, folder)
        again = Child(lambda: work.do(folder), scratch / "answer.json").answer()
        fault = fault_of_end(again, known) or fault_of_folder(
            work, known, folder, scratch, complete=True
        )
        if not fault and parts(folder):
            fault = f"parts of files stay: {', '.join(parts(folder))}"
        return Outcome(not fault, fault, {**counts, "resumed": 1})


def _kill(
    work: Work, known: Known, folder: Path, scratch: Path, rng: np.random.Generator
) -> tuple[str, str]:
    """Starts the work and kills it: (how it ended, what is wrong)."""
    child = Child(lambda: work.do(folder), scratch / "answer.json")
    child.wait(rng.uniform(0, known.seconds * 1.1))
    child.kill()
    if not child.killed:
        return EARLY, fault_of_end(child.answer(), known)
    if left := child.orphans():
        return KILLED, f"{len(left)} of its processes live on"
    return KILLED, fault_of_folder(work, known, folder, scratch)


PART: Final = Kills()
