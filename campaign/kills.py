"""Kills with SIGKILL at moments drawn by chance: the same call goes on and ends with the same bits.

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
from campaign.undisturbed import Disturbing, fault_of_end, fault_of_folder, parts
from campaign.works import WORKS

KILLS: Final = 5  # of one case
STARTS: Final = 15  # of one case at most: work that has ended is begun anew
# Cases of each piece of work; fewer of those that take seconds.
CASES: Final = dict.fromkeys(WORKS, 12) | {"trainlab run": 8, "trainlab search": 8}
CASES_QUICK: Final = 1
KILLS_QUICK: Final = 2


class Kills(Disturbing):
    """The part."""

    name = "kills"
    promise = (
        "killed at any moment, files are the older or the new ones, whole; the same call goes on, "
        "ends with the bits of a run that nobody disturbed, and leaves no parts of files and no "
        "processes"
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
            if counts["kills"] == kills:
                break
            child = Child(lambda folder=folder: work.do(folder), scratch / "answer.json")
            child.wait(rng.uniform(0, known.seconds * 1.1))
            child.kill()
            if child.killed:
                counts["kills"] += 1
                fault = _left(child) or fault_of_folder(work, known, folder, scratch)
            else:  # it was faster
                counts["ended before"] += 1
                fault = fault_of_end(child.answer(), known)
                folder = scratch / str(start + 1)
                shutil.copytree(known.folder, folder)
            if fault:
                return Outcome(False, f"after {counts['kills']} kills: {fault}", counts)
        again = Child(lambda: work.do(folder), scratch / "answer.json").answer()
        fault = fault_of_end(again, known) or fault_of_folder(
            work, known, folder, scratch, complete=True
        )
        if not fault and parts(folder):
            fault = f"parts of files stay: {', '.join(parts(folder))}"
        return Outcome(not fault, fault, {**counts, "resumed": 1})


def _left(child: Child) -> str:
    left = child.orphans()
    return f"{len(left)} of its processes live on" if left else ""


PART: Final = Kills()
