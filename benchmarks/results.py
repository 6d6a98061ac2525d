"""What was measured: a plain JSON document, how it is kept, checked, resumed and summed up."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.lineup import OURS, OURS_RUN, Entrant
from benchmarks.workloads import Workload

FORMAT: Final = 1
QUIET: Final = 0.15  # cores that others may keep busy on a machine that counts as quiet
SHOWN_MEMBERS: Final = 20  # final metrics are kept of the first so many members

Document = dict[str, Any]


class ResultsError(ValueError):
    """A file that does not hold results, or not those of the same work."""


def new(machine: Mapping[str, Any], quick: bool) -> Document:
    """A document without times."""
    return {"format": FORMAT, "quick": quick, "machine": dict(machine), "workloads": {}}


def load(path: Path) -> Document:
    """The document of a file, checked."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} holds no results: {error}") from error
    check(document)
    checked: Document = document
    return checked


def save(document: Document, path: Path) -> None:
    """Writes the document so that the file is at no time half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(draft, path)


def check(document: Any) -> None:
    """Raises ResultsError unless the document has the parts that tables and figures read."""

    def need(holds: bool, what: str) -> None:
        if not holds:
            raise ResultsError(f"results: {what}")

    need(isinstance(document, dict), "must be a JSON object")
    need(document.get("format") == FORMAT, f"format must be {FORMAT}")
    need(isinstance(document.get("quick"), bool), "quick must be true or false")
    need(isinstance(document.get("machine"), dict), "machine must be an object")
    need(isinstance(document.get("workloads"), dict), "workloads must be an object")
    for name, work in document["workloads"].items():
        need(
            set(work) == {"title", "members", "steps", "command", "background", "entrants"},
            f"workload {name} must have title, members, steps, command, background, entrants",
        )
        for entrant, entry in work["entrants"].items():
            where = f"{entrant} at {name}"
            need(set(entry) == set(_entry("")), f"{where}: must have {', '.join(_entry(''))}")
            times = entry["seconds"]
            need(isinstance(times, list), f"{where}: seconds must be a list")
            need(all(isinstance(t, float) and t > 0 for t in times), f"{where}: seconds > 0")
            need(0 < entry["part"] <= 1, f"{where}: part must be in (0, 1]")


def _entry(digest: str) -> Document:
    return {
        "digest": digest,
        "seconds": [],
        "part": 1.0,
        "compile_seconds": None,
        "options": {},
        "variables": {},
        "kernels": [],
        "outcome": {},
        "error": None,
    }


def section(document: Document, workload: Workload) -> Document:
    """The part of a workload, made where it is missing."""
    found: Document = document["workloads"].setdefault(
        workload.name, {"background": [], "entrants": {}}
    )
    command = " ".join(["trainlab", *workload.command]) if workload.command else None
    found.update(
        title=workload.title,
        members=len(workload.members),
        steps=workload.steps,
        command=command,
    )
    return found


def entry(document: Document, workload: Workload, entrant: Entrant) -> Document:
    """The part of an entrant at a workload: what there is of the same work, or an empty one."""
    entrants = section(document, workload)["entrants"]
    digest = _digest(workload, entrant)
    if entrants.get(entrant.name, {}).get("digest") != digest:
        entrants[entrant.name] = _entry(digest)
    found: Document = entrants[entrant.name]
    return found


def _digest(workload: Workload, entrant: Entrant) -> str:
    """Changes with anything that makes earlier times the times of other work."""
    own = sorted({**entrant.options, **entrant.set_to, "commit": entrant.commit}.items())
    work = repr((workload, entrant.count(workload), own))
    return hashlib.sha256(work.encode()).hexdigest()[:16]


def thin(outcome: Mapping[str, list[float]]) -> dict[str, list[float | None]]:
    """Final metrics of the first members, to four digits; null where they are not finite."""
    return {
        name: [float(f"{v:.4g}") if abs(v) < float("inf") else None for v in values[:SHOWN_MEMBERS]]
        for name, values in outcome.items()
    }


# --- summing up ------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds of the whole workload: median, least and most of the repeats, scaled by the part."""

    median: float
    low: float
    high: float
    repeats: int
    part: float

    @property
    def scaled(self) -> bool:
        """Whether only a part of the members was trained."""
        return self.part < 1


def times(entry: Mapping[str, Any]) -> Times | None:
    """The times of an entry, or None where there are none."""
    seconds, part = [t / entry["part"] for t in entry["seconds"]], entry["part"]
    if not seconds:
        return None
    return Times(statistics.median(seconds), min(seconds), max(seconds), len(seconds), part)


def all_times(document: Document, workload: str) -> dict[str, Times]:
    """The times of everybody who has some, by name."""
    entrants = document["workloads"].get(workload, {}).get("entrants", {})
    found = {name: times(entry) for name, entry in entrants.items()}
    return {name: found_times for name, found_times in found.items() if found_times}


def ratios(document: Document, workload: str, of: str = OURS) -> dict[str, float]:
    """Median time of everybody relative to that of one; empty where it has none."""
    found = all_times(document, workload)
    if of == OURS and OURS_RUN in found:
        of = OURS_RUN
    if of not in found:
        return {}
    return {name: each.median / found[of].median for name, each in found.items()}


def best(
    document: Document, workload: str, names: tuple[str, ...], of: str = OURS
) -> tuple[str, float] | None:
    """The quickest of some entrants, and its time relative to that of one."""
    found = {n: ratio for n, ratio in ratios(document, workload, of).items() if n in names}
    return min(found.items(), key=lambda item: item[1]) if found else None


def background(document: Document) -> float | None:
    """Cores kept busy by others between the runs, in the middle of all looks."""
    looks = [busy for work in document["workloads"].values() for busy in work["background"]]
    return statistics.median(looks) if looks else None
