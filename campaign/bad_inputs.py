"""Nasty values at every public call: all cases of tests/support/doors.py, in batches."""

from __future__ import annotations

import sys
import types
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from campaign.part import ROOT, Case, Outcome, Part

BATCH: Final = 250
CASES_QUICK: Final = 2_500
SHOWN: Final = 5


def doors() -> types.ModuleType:
    """The door test, which lies among the tests."""
    place = str(ROOT / "tests" / "support")
    if place not in sys.path:
        sys.path.append(place)
    import doors as found

    return found


class BadInputs(Part):
    """The part."""

    name = "bad_inputs"
    promise = (
        "whatever value one parameter of a public call gets: a result or a documented error, "
        "within limits of time and memory"
    )

    def __init__(self) -> None:
        self._doors: types.ModuleType | None = None

    @property
    def doors(self) -> types.ModuleType:
        """The door test, imported once it is needed."""
        self._doors = self._doors or doors()
        return self._doors

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Batches of all cases, mixed, so that slow doors do not come together."""
        ids = [case.id for case in self.doors.cases(CASES_QUICK if quick else None, seed)]
        order = np.random.default_rng(seed).permutation(len(ids))
        batches = [
            [ids[place] for place in order[first : first + BATCH]]
            for first in range(0, len(ids), BATCH)
        ]
        return [Case(f"batch {number}", batch) for number, batch in enumerate(batches)]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """One batch, in the forked processes of the door test."""
        counts, faults = Counter[str](), list[str]()
        for one, found in self.doors.run_all([self.doors.Case.named(name) for name in case.given]):
            counts[found.kind] += 1
            if not found.ok:
                faults.append(f"{one.id}: {found.kind}: {found.text}")
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        return Outcome(not faults, "; ".join(faults[:SHOWN]) + more, counts)


PART: Final = BadInputs()
