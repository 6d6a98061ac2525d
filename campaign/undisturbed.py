"""What a piece of work does when nobody disturbs it, and how a disturbed one differs."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from campaign.part import CampaignError, Part
from campaign.processes import Answer, Child
from campaign.works import ABSENT, WORKS, Work, preload


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
    folder.mkdir()
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


def sound(answer: Answer) -> Any:
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


def fault_of_end(answer: Answer, known: Known) -> str:
    """What is wrong with an end; nothing if it is that of the undisturbed work."""
    if answer.error or answer.code:
        return f"it could not go on: {answer}"
    return "" if answer.value == known.digest else "it went on and ended with other bits"


def fault_of_folder(
    work: Work, known: Known, folder: Path, scratch: Path, complete: bool = False
) -> str:
    """What is wrong with the files of a folder; `complete`: the new ones must be there."""
    answer = Child(lambda: dict(work.files(folder)), scratch / "answer.json").answer()
    if answer.error or answer.code:
        return f"a file is torn: {answer}"
    if complete and answer.value != known.after:
        return "a file is not the new one after it went on"
    return fault_of_files(known, answer.value)


def parts(folder: Path) -> list[str]:
    """Files that a save has left half done."""
    return sorted(path.name for path in folder.rglob("*.part"))


class Disturbing(Part):
    """A part that disturbs pieces of work, and compares with what they do undisturbed."""

    def __init__(self, works: Mapping[str, Work] = WORKS) -> None:
        self._works = works
        self._known: dict[str, Known] = {}
        self._place: Path | None = None

    def known(self, name: str) -> Known:
        """What the work does undisturbed, found once in each process."""
        if self._place is None:
            preload()
            self._place = Path(tempfile.mkdtemp(prefix="trainlab-undisturbed-"))
        if name not in self._known:
            place = Path(tempfile.mkdtemp(dir=self._place))
            self._known[name] = know(self._works[name], place)
        return self._known[name]

    def close(self) -> None:
        """Removes what it compared with."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)
        self._place = None
        self._known.clear()
