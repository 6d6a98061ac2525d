"""A part of the campaign: what it promises, its cases, and how one of them is run."""

from __future__ import annotations

import abc
import dataclasses
import importlib
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

ROOT: Final = Path(__file__).parents[1]
_MADE: Final = ("__pycache__", "*.so", "*.pyd", "*.pyc")

# Every part by name, in the order in which they run; each module holds its part as PART.
PARTS: Final = {
    "kills": "campaign.kills",
    "system_calls": "campaign.system_calls",
    "parsers": "campaign.parsers",
    "bad_inputs": "campaign.bad_inputs",
    "concurrency": "campaign.concurrency",
    "packaging": "campaign.packaging",
    "sanitizers": "campaign.sanitizers",
    "mutants": "campaign.mutants",
}


def sources() -> list[str]:
    """The files of the project: those that git knows; where it is no clone those of an sdist."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        return [name for name in said.split("\0") if name and (ROOT / name).is_file()]
    with (ROOT / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["scikit-build"]["sdist"]["include"]
    found: list[str] = []
    for pattern in patterns:
        for top in ROOT.glob(pattern.removeprefix("/")):
            every = [top] if top.is_file() else [one for one in top.rglob("*") if one.is_file()]
            names = [one.relative_to(ROOT) for one in every]
            found += [str(name) for name in names if not _is_made(name)]
    return found


def _is_made(name: Path) -> bool:
    return any(one.match(pattern) for one in (name, *name.parents) for pattern in _MADE)


class CampaignError(Exception):
    """A campaign that cannot run: a damaged file of results, a page without markers."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing to try, or a batch of them.

    `id` is the same in every run with the same seed, and unique in its part.  `given` is what
    `run` needs; it may travel to another process, so it must be picklable.
    """

    id: str
    given: Any = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a case.

    `ok` says whether the promise was kept, `detail` what happened (needed where it was not),
    and `counts` how many tries ended in which way: {"refused": 812, "read": 188}.
    """

    ok: bool
    detail: str = ""
    counts: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"done": 1})


@dataclasses.dataclass(frozen=True)
class Result:
    """A line of the file of results."""

    id: str
    ok: bool
    detail: str
    counts: Mapping[str, int]
    seconds: float
    commit: str


class Part(abc.ABC):
    """One part.  A worker keeps one object of it and runs many cases, one after the other."""

    name: ClassVar[str]
    promise: ClassVar[str]  # one line, for the table

    @abc.abstractmethod
    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Every case, in the order of running; a tenth of them or fewer if quick."""

    @abc.abstractmethod
    def run(self, case: Case, scratch: Path) -> Outcome:
        """Runs one case.  `scratch` is an empty folder of this case, removed afterwards."""

    def passed(self, results: Sequence[Result]) -> bool:
        """Whether the results of all cases keep the promise."""
        return all(result.ok for result in results)

    def report(self, results: Sequence[Result]) -> str:
        """Markdown shown below the table; empty where counts say everything."""
        return ""

    def close(self) -> None:  # noqa: B027  # most parts hold nothing open
        """Releases what `run` kept from case to case."""


def load(name: str) -> Part:
    """The part of a name."""
    part: Part = importlib.import_module(PARTS[name]).PART
    return part
