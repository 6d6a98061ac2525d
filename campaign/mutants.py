"""Mutants of the source: a small fault is put in, and the tests that reach it must find it.

A mutant is killed when a test fails, or when the tests end in no way within the limit. What
survives is listed. Those that no test can find, because nothing that is promised changes, are
named in judged.json with the reason; they are counted apart and are in no share.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from campaign.mutations import Mutation, mutations
from campaign.part import ROOT, Case, Outcome, Part, Result
from campaign.selection import ROOMS, room_of
from campaign.tree import Tree

PER_ROOM, PER_ROOM_QUICK = 200, 5
CONTROLS, CONTROLS_QUICK = 30, 2  # the same without a fault: nothing may fail
CONTROL: Final = "control::"
LEAST_KILLED: Final = 0.95
JUDGED: Final = Path(__file__).with_name("judged.json")


class Mutants(Part):
    """The part."""

    name = "mutants"
    promise = f"tests find at least {LEAST_KILLED:.0%} of the faults put into the source"

    def __init__(self) -> None:
        self._tree: Tree | None = None

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        chosen = [
            mutation
            for room in ROOMS
            for mutation in drawn(room, seed)[: PER_ROOM_QUICK if quick else PER_ROOM]
        ]
        controls = sorted(chosen, key=lambda each: _rank(seed + 1, each.id))
        unchanged = [
            Case(CONTROL + each.id, dataclasses.replace(each, start=0, end=0, text=""))
            for each in controls[: CONTROLS_QUICK if quick else CONTROLS]
        ]
        return [*(Case(each.id, each) for each in chosen), *unchanged]

    def run(self, case: Case, scratch: Path) -> Outcome:
        mutation: Mutation = case.given
        reason = judged().get(case.id)
        if reason is not None:
            return Outcome(True, reason, {"judged": 1})
        if self._tree is None:
            self._tree = Tree()
        verdict, detail = self._tree.try_mutation(mutation, scratch)
        if case.id.startswith(CONTROL):
            quiet = verdict in ("survived", "not reached")
            return Outcome(quiet, detail, {"controls" if quiet else "controls failed": 1})
        return Outcome(verdict == "killed", detail, {verdict: 1})

    def passed(self, results: Sequence[Result]) -> bool:
        counts = _counts(results)
        killed, left = counts["killed"], counts["survived"] + counts["not reached"]
        return not counts["controls failed"] and killed >= LEAST_KILLED * (killed + left)

    def report(self, results: Sequence[Result]) -> str:
        return report(results)

    def close(self) -> None:
        if self._tree is not None:
            self._tree.close()
            self._tree = None


PART: Final = Mutants()


# --- which ------------------------------------------------------------------------------


@functools.cache
def drawn(room: str, seed: int) -> list[Mutation]:
    """All mutations of a room in an order drawn by the seed.

    The place of one does not depend on the others, so a change of the source moves few.
    """
    found = [
        mutation
        for path in files_of(room)
        for mutation in mutations(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    return sorted(found, key=lambda each: _rank(seed, each.id))


def files_of(room: str) -> list[Path]:
    """Its files."""
    return sorted(path for glob in ROOMS[room] for path in (ROOT / "src" / "trainlab").glob(glob))


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


@functools.cache
def judged() -> dict[str, str]:
    """The reason for each mutation that changes nothing that is promised, by id."""
    entries = json.loads(JUDGED.read_text(encoding="utf-8"))
    return {entry["id"]: entry["reason"] for entry in entries}


# --- what came out --------------------------------------------------------------------------

KINDS: Final = ("killed", "survived", "not reached", "judged")


def _counts(results: Sequence[Result]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    return counts


def report(results: Sequence[Result]) -> str:
    """A table by room, and what survived, in Markdown."""
    by_room: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        if not result.id.startswith(CONTROL):
            by_room[room_of(result.id)].append(result)
    lines = [
        "| room | killed | survived | not reached | judged equivalent | share killed |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    everything = [result for of_room in by_room.values() for result in of_room]
    for room, found in [*((r, by_room[r]) for r in ROOMS if r in by_room), ("all", everything)]:
        counts = _counts(found)
        tried = sum(counts[kind] for kind in KINDS[:3])
        share = f"{counts['killed'] / tried:.1%}" if tried else "–"
        cells = [room, *(f"{counts[kind]:,}" for kind in KINDS), share]
        lines.append("| " + " | ".join(cells) + " |")
    left = [result for result in everything if not result.ok]
    lines += ["", "Not killed and not judged equivalent:" if left else "None is left unjudged."]
    lines += ["", *(f"- `{result.id}` ({result.detail})" for result in left)]
    return "\n".join(lines).rstrip()
