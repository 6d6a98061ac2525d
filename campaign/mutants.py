"""Mutants of the source: a small fault is put in, and the tests that reach it must find it.

A mutant is killed when a test fails, or when the tests end in no way within the limit. What
survives is listed. Those that no test can find, because nothing that is promised changes, are
named in judged.json with the reason; they are counted apart and are in no share.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from campaign.forkserver import ForkServer
from campaign.mutations import Mutation, mutations
from campaign.part import ROOT, CampaignError, Case, Outcome, Part, Result
from campaign.reach import Reach

ROOMS: Final[Mapping[str, Sequence[str]]] = {
    "network": ("network/*.py",),
    "optimizers": ("optimizers/*.py",),
    "training": ("engine/*.py", "training/*.py", "workers/*.py", "population/*.py"),
    "store": ("store/*.py",),
    "models": ("models/*.py",),
    "estimators": ("estimators/*.py",),
}
PER_ROOM, PER_ROOM_QUICK = 200, 5
CONTROLS, CONTROLS_QUICK = 30, 2  # the same without a fault: nothing may fail
CONTROL: Final = "control::"
LEAST_KILLED: Final = 0.95

# Not the tests that compare texts with the source, draw pictures, or take minutes.
TESTS: Final = (
    "tests/network",
    "tests/engine",
    "tests/training",
    "tests/workers",
    "tests/population",
    "tests/models",
    "tests/estimators",
    "tests/search",
    "tests/data",
    "tests/store",
    "tests/differentiation/test_faults.py",
    "tests/optimizers/test_optimizers.py",
    "tests/optimizers/test_optimizer_formulas.py",
    "tests/schedules/test_schedules.py",
    "tests/differentiation/test_linked_gradients.py",
    "tests/differentiation/test_differentiation.py",
    "tests/errors/test_bad_inputs.py",
    "tests/settings/test_bad_settings.py",
    "tests/docs/test_conventions.py",
    "tests/evidence/test_comparisons.py",
    "tests/evidence/test_evidence.py",
    "tests/cli/test_search_command.py",
    "tests/cli/test_cli.py",
    "src/trainlab",
)
PYTEST: Final = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow and not mnist")

# Tests of how long something takes: what else the machine does must kill nothing.
TIMED: Final = (
    "_are_grouped_in_seconds",
    "_take_seconds_",
    "_less_than_a_second",
    "_well_under_a_second",
    "_small_share_of_the_time",
)

BUDGET: Final = 15.0  # seconds of tests for one mutant, as measured without a fault
MOST_TESTS: Final = 1000
# Most are killed at once: so many files and seconds run before the others are even collected.
FIRST_FILES: Final = 4
FIRST: Final = 3.0
LEAST_WORD: Final = 3  # letters of a name that says something
REACH_LIMIT: Final = 3600.0
LIMIT: Final = 60.0  # seconds beyond five times what the tests take
LONGER: Final = 5  # times that a limit is doubled where the machine is busy
JUDGED: Final = Path(__file__).with_name("judged.json")
CACHE: Final = ROOT / "campaign-results"


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
            dataclasses.replace(each, id=CONTROL + each.id, start=0, end=0, text="")
            for each in controls[: CONTROLS_QUICK if quick else CONTROLS]
        ]
        return [Case(each.id, each) for each in [*chosen, *unchanged]]

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


def room_of(name: str) -> str:
    """The room of a mutation, from its id."""
    path = Path(name.partition("::")[0])
    return next(room for room, globs in ROOMS.items() if any(map(path.match, globs)))


@functools.cache
def judged() -> dict[str, str]:
    """The reason for each mutation that changes nothing that is promised, by id."""
    entries = json.loads(JUDGED.read_text(encoding="utf-8"))
    return {entry["id"]: entry["reason"] for entry in entries}


# --- a copy of the tree, and the tests in it ----------------------------------------------


class Tree:
    """A copy of what git knows and of the compiled engine, in which one file at a time changes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="trainlab-mutants-tree-")
        self.root = Path(self._folder.name).resolve()
        names = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
        names += [str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("_native.*")]
        digest = hashlib.sha256()
        for name in sorted(name for name in set(names) if name and (ROOT / name).is_file()):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / name)
            if name.startswith(("src/", "tests/")) or name.endswith("reach.py"):
                digest.update(name.encode() + (ROOT / name).read_bytes())
        paths = os.pathsep.join([str(self.root / "src"), str(self.root)])
        self._server = ForkServer(
            self.root, {"PYTHONPATH": paths, "TRAINLAB_TEST_SEED": "1", "TRAINLAB_DATA": ""}
        )
        self._changes = 0
        try:
            self._reach = self._load_reach(CACHE / f"reach-{digest.hexdigest()[:12]}.json")
        except BaseException:
            self.close()
            raise

    def _load_reach(self, path: Path) -> Reach:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one worker makes it, the others wait
            if not path.exists():
                self._make_reach(path)
        return Reach.load(path)

    def _make_reach(self, path: Path) -> None:
        draft, log = path.with_suffix(".part"), path.with_suffix(".log")
        words = [*PYTEST, "-p", "campaign.reach", "--reach", str(draft), *TESTS]
        code, _ = self._server.pytest(words, REACH_LIMIT, log)
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise CampaignError(f"the tests ended with {code}; see {log}")
        os.replace(draft, path)

    def try_mutation(self, mutation: Mutation, scratch: Path) -> tuple[str, str]:
        """("killed", "survived" or "not reached", by what)."""
        reach = self._reach
        name = mutation.id.removeprefix(CONTROL)
        tests = reach.tests(mutation.path, mutation.first, mutation.last)
        tests |= _of_field(name, reach.seconds)
        tests = tests or reach.of_file(mutation.path)  # what other processes run is not watched
        if not tests:
            return "not reached", f"line {mutation.first}"
        batches = selection(tests, reach.seconds, name)
        for number, batch in enumerate(batches):
            limit = LIMIT + 5 * sum(reach.seconds[test] for test in batch)
            log = scratch / f"{number}.log"
            code = self._test(mutation, batch, limit, log)
            if code != 0:
                return "killed", "time limit" if code is None else killer(log, code)
        count = sum(map(len, batches))
        rest = "" if count == len(tests) else f" of {len(tests)}"
        return "survived", f"line {mutation.first}; {count}{rest} tests"

    def _test(
        self, mutation: Mutation, batch: Sequence[str], limit: float, log: Path
    ) -> int | None:
        """The exit status of the tests with the fault; None where the fault makes them too slow.

        Where they are nearly as slow without it the machine is busy, and gets more time.
        """
        words = [*PYTEST, "-x", *batch]
        for _ in range(LONGER):
            with self._changed(mutation):
                code, _ = self._server.pytest(words, limit, log)
            if code is not None:
                return code
            code, seconds = self._server.pytest(words, limit, log)
            if code is not None and 2 * seconds < limit:
                return None
            limit *= 2
        raise CampaignError("the machine is too busy for these tests")

    @contextlib.contextmanager
    def _changed(self, mutation: Mutation) -> Iterator[None]:
        path = self.root / mutation.path
        source = path.read_bytes()
        self._write(path, mutation.apply(source))
        try:
            yield
        finally:
            self._write(path, source)

    def _write(self, path: Path, source: bytes) -> None:
        # A time of its own: Python knows what it has compiled by time, in seconds, and size.
        self._changes += 1
        path.write_bytes(source)
        os.utime(path, (self._changes, self._changes))

    def close(self) -> None:
        """Ends the server and removes the copy."""
        self._server.close()
        self._folder.cleanup()


def _of_field(name: str, tests: Iterable[str]) -> set[str]:
    """The tests that name the field, or the method, of a class that is changed.

    What a field of settings may be is checked by the base of all settings, so such tests reach no
    line of the file in which the field stands. A field may be tested through an heir.
    """
    *_, owner, changed = ["", *name.split("::")[1].split(".")]
    if not owner[:1].isupper():
        return set()
    return {test for test in tests if re.search(rf"(\b|_){changed}(\b|_)", test)}


def selection(tests: frozenset[str], seconds: Mapping[str, float], name: str) -> list[list[str]]:
    """The tests to run on the mutation of a name, in batches and within the budget.

    The likeliest to fail and the quickest come first: a test of the same room counts as ten times
    as quick, and so does one that names the file, class, field or function that is changed, or
    says that nothing is allocated where an `out=` is gone.
    Of the other parametrized tests a second case has its turn when each has had its first.
    """
    room = room_of(name)
    path, scope = name.split("::")[:2]
    words = {_squeezed(word) for word in [Path(path).stem, *scope.split(".")]}
    words = {word for word in words if len(word) >= LEAST_WORD}
    if "::without out: " in name:
        words.add("allocated")
    turns: Counter[str] = Counter()
    placed = []
    for test in sorted(tests, key=lambda each: (seconds[each], each)):
        if any(timed in test for timed in TIMED):
            continue
        own = f"/{room}/" in test or f"test_{room.removesuffix('s')}" in test
        named = any(word in _squeezed(test.partition("::")[2]) for word in words)
        function = test.partition("[")[0]
        turns[function] += 1
        weight = seconds[test] * (0.1 if own else 1.0) * (0.1 if named else 1.0)
        placed.append((turns[function] > 1 and not named, weight, test))
    batches: list[list[str]] = [[], []]
    files: set[str] = set()
    spent = 0.0
    for *_, test in sorted(placed)[:MOST_TESTS]:
        if spent + seconds[test] > BUDGET and spent:
            continue
        spent += seconds[test]
        file = test.partition("::")[0]
        later = spent > FIRST or (file not in files and len(files) == FIRST_FILES)
        batches[later].append(test)
        if not later:
            files.add(file)
    return [batch for batch in batches if batch]


def _squeezed(name: str) -> str:
    """MeanSquaredError and mean_squared_error are one name."""
    return name.replace("_", "").lower()


def killer(log: Path, code: int) -> str:
    """What pytest says failed; CampaignError where it could not run what it was given."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.partition(" ")[2].partition(" - ")[0]
    if code == pytest.ExitCode.USAGE_ERROR and "while loading conftest" not in text:
        raise CampaignError(f"pytest does not run these tests: {text[-200:]}")
    return "the import" if code == pytest.ExitCode.USAGE_ERROR else f"exit status {code}"


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
