"""A copy of the source and its tests, in which a mutation is tried."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from campaign.forkserver import ForkServer
from campaign.mutations import Mutation
from campaign.part import ROOT, CampaignError, sources
from campaign.reach import Reach
from campaign.selection import by_name, selection

# Not the tests that compare texts with the source, draw pictures, or take minutes.
TESTS: Final = (
    "tests/network",
    "tests/engine",
    "tests/training",
    "tests/workers",
    "tests/population",
    "tests/models",
    "tests/estimators",
    "tests/ensembles",
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

TEST: Final = "test_*.py"

REACH_LIMIT: Final = 7200.0
ENDED: Final = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,  # of a file whose tests are all slow
)
LIMIT: Final = 60.0  # seconds beyond five times what the tests take
LONGER: Final = 5  # times that a limit is doubled where the machine is busy
CACHE: Final = ROOT / "campaign-results"


class Tree:
    """A copy of the project and of the compiled engine, in which one file at a time changes."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="trainlab-mutants-tree-")
        self.root = Path(self._folder.name).resolve()
        names = sources()
        names += [str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("_native.*")]
        for name in set(names):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / name)
        paths = os.pathsep.join([str(self.root / "src"), str(self.root)])
        self._server = ForkServer(
            self.root, {"PYTHONPATH": paths, "TRAINLAB_TEST_SEED": "1", "TRAINLAB_DATA": ""}
        )
        self._changes = 0
        try:
            self._reach = self._load_reach(CACHE)
        except BaseException:
            self.close()
            raise

    def _load_reach(self, cache: Path) -> Reach:
        """That of every file of tests; those run for it that are new or have changed."""
        units = [unit for name in TESTS for unit in self._units(name)]
        folder = cache / f"reach-{self._digest()}"
        folder.mkdir(parents=True, exist_ok=True)
        known = {unit: folder / f"{unit.replace('/', '.')}-{self._own(unit)}" for unit in units}
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one worker runs them, the others wait
            missing = [unit for unit, path in known.items() if not path.exists()]
            if missing:
                self._make_reach(missing, known, folder / "log")
        return Reach.union([Reach.load(path) for path in known.values()])

    def _units(self, name: str) -> list[str]:
        """The files of tests in a folder; a file, and the source with its examples, are whole."""
        files = sorted((self.root / name).rglob(TEST))
        return [str(path.relative_to(self.root)) for path in files] or [name]

    def _digest(self) -> str:
        """Of what any test may import, and of how it is watched."""
        digest = hashlib.sha256()
        paths = [path for name in ("src", "tests") for path in (self.root / name).rglob("*")]
        for path in sorted([*paths, self.root / "campaign" / "reach.py"]):
            if path.is_file() and not path.match(TEST):
                digest.update(str(path.relative_to(self.root)).encode() + path.read_bytes())
        return digest.hexdigest()[:12]

    def _own(self, unit: str) -> str:
        """Of a file of tests; the source is part of the other digest."""
        path = self.root / unit
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "whole"

    def _make_reach(self, units: Sequence[str], known: Mapping[str, Path], log: Path) -> None:
        draft = log.with_name("part")
        words = [*PYTEST, "-p", "campaign.reach", "--reach", str(draft), *units]
        code, _ = self._server.pytest(words, REACH_LIMIT, log)
        if code not in ENDED:
            raise CampaignError(f"the tests ended with {code}; see {log}")
        for unit, own in Reach.load(draft).split(units).items():
            own.save(draft)
            os.replace(draft, known[unit])

    def try_mutation(self, mutation: Mutation, scratch: Path) -> tuple[str, str]:
        """("killed", "survived" or "not reached", by what)."""
        reach = self._reach
        tests = reach.tests(mutation.path, mutation.first, mutation.last)
        tests |= by_name(mutation.id, reach.seconds)
        tests = tests or reach.of_file(mutation.path)  # what other processes run is not watched
        if not tests:
            return "not reached", f"line {mutation.first}"
        batches = selection(tests, reach.seconds, mutation.id)
        for number, batch in enumerate(batches):
            limit = LIMIT + 5 * sum(reach.seconds[test] for test in batch)
            log = scratch / f"{number}.log"
            code = self._test(mutation, batch, limit, log)
            if code == pytest.ExitCode.USAGE_ERROR:
                left = self._left(batch, log)
                if 0 < len(left) < len(batch):
                    code = self._test(mutation, left, limit, log)
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

    def _left(self, batch: Sequence[str], log: Path) -> list[str]:
        """The tests that are still there, where the fault has taken the examples of a docstring."""
        text = log.read_text(encoding="utf-8", errors="replace")
        return [test for test in batch if f"not found: {self.root / test}\n" not in text]

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


def killer(log: Path, code: int) -> str:
    """What pytest says failed; CampaignError where it could not run what it was given."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.partition(" ")[2].partition(" - ")[0]
    if code == pytest.ExitCode.USAGE_ERROR and "while loading conftest" not in text:
        raise CampaignError(f"pytest does not run these tests: {text[-200:]}")
    return "the import" if code == pytest.ExitCode.USAGE_ERROR else f"exit status {code}"
