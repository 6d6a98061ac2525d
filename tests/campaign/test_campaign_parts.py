"""The parts of the campaign: some cases of each pass, and each finds the faults it looks for."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign import concurrency, processes, system_calls
from campaign.bad_inputs import BadInputs
from campaign.concurrency import Concurrency
from campaign.injection import reaches_sqlite
from campaign.kills import Kills
from campaign.parsers import Parsers
from campaign.part import Case, Outcome, Part
from campaign.processes import Child
from campaign.syncs import can_trace, without_sync
from campaign.system_calls import SystemCalls
from campaign.undisturbed import Disturbing
from campaign.works import WORKS, Work, digest, of_file
from trainlab import files
from trainlab.errors import ModelFileError
from trainlab.store import Store, lock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the campaign needs Linux")

QUICK = ("save", "training in threads")
SIZE = 20_000
PAUSE = 0.02


def run(part: Part, case: Case, place: Path) -> Outcome:
    place.mkdir()
    try:
        return part.run(case, place)
    finally:
        part.close()


def first(part: Part, start: str = "") -> Case:
    return next(case for case in part.cases(0, quick=True) if case.id.startswith(start))


# --- works of these tests ---------------------------------------------------------------


def content(path: Path) -> dict[str, str]:
    return {path.name: of_file(path)}


def work(do: Callable[[Path], Any]) -> Work:
    """Writes a file in place of an older one."""

    def done(folder: Path) -> str:
        time.sleep(PAUSE)
        do(folder / "file")
        time.sleep(PAUSE)
        return digest(*content(folder / "file").values())

    return Work(
        done,
        lambda folder: (folder / "file").write_bytes(b"old") and None,
        lambda folder: content(folder / "file"),
    )


def torn(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(20):
            file.write(bytes(SIZE))
            file.flush()
            time.sleep(PAUSE / 10)


def torn_and_named(path: Path) -> None:
    try:
        path.write_bytes(bytes(SIZE))
    except OSError as error:
        raise ModelFileError(f"file of {path} must be writable; got {error}") from error


def silent(path: Path) -> None:
    try:
        files.write(path, bytes(SIZE))
    except OSError:
        files.write(path, b"something else")


def unnamed(path: Path) -> None:
    try:
        files.write(path, bytes(SIZE))
    except OSError:
        raise ModelFileError("it could not be written") from None


def foreign(path: Path) -> None:
    try:
        files.write(path, bytes(SIZE))
    except OSError as error:
        raise KeyError(str(path)) from error


def counted(path: Path) -> None:
    """Begins anew, and forgets that it has begun: it ends with another file each time."""
    files.write(path, path.read_bytes() + b"new")
    time.sleep(2 * PAUSE)


def leaves_parts(path: Path) -> None:
    """A part of the file that nobody removes."""
    path.with_name(f".file.{os.getpid()}.part").write_bytes(b"part")
    files.write(path, bytes(SIZE))


@pytest.mark.parametrize("part", [Kills(), Parsers(), Concurrency()], ids=lambda part: part.name)
def test_quick_is_a_tenth(part: Part) -> None:
    quick, full = (part.cases(0, quick=quick) for quick in (True, False))
    assert len(quick) <= len(full) / 10
    assert {case.id for case in quick} <= {case.id for case in full}


def test_there_are_500_kills() -> None:
    assert sum(case.given[1] for case in Kills().cases(0, quick=False)) >= 500


# --- kills -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_kills(name: str, tmp_path: Path) -> None:
    part = Kills({name: WORKS[name]})
    found = run(part, first(part), tmp_path / "scratch")
    assert found.ok, found.detail
    assert found.counts["kills"] == 2
    assert found.counts["resumed"] == 1


@pytest.mark.parametrize(
    ("do", "told"),
    [
        (torn, "neither the older file nor the new one"),
        (counted, "neither the older file nor the new one|ended with other bits"),
        (leaves_parts, "parts of files stay"),
    ],
)
def test_kills_find(do: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    part = Kills({"own": work(do)})
    (case,) = part.cases(0, quick=True)
    many = Case(case.id, ("own", 12, [0]))
    found = run(part, many, tmp_path / "scratch")
    assert not found.ok
    assert any(each in found.detail for each in told.split("|")), found.detail


def test_kills_find_processes_that_live_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> None:
        if not os.fork():
            time.sleep(600)
            os._exit(0)
        time.sleep(600)

    child = Child(fork, tmp_path / "answer.json")
    while not child.ended() and len(processes._living(child.number)) < 2:
        time.sleep(0.01)
    child.kill()
    assert child.killed
    with monkeypatch.context() as patch:
        patch.setattr("campaign.processes.ORPHANS", 0.1)
        assert len(child.orphans()) == 1
    assert child.orphans() == []


def test_work_that_hangs_is_ended(tmp_path: Path) -> None:
    child = Child(lambda: time.sleep(60), tmp_path / "answer.json")
    assert child.answer(0.2).error == "Hang"
    assert child.killed


# --- system calls ----------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_system_calls(name: str, tmp_path: Path) -> None:
    part = SystemCalls({name: WORKS[name]})
    found = run(part, first(part, f"{name}/disk full"), tmp_path / "scratch")
    assert found.ok, found.detail
    assert sum(found.counts.values()) == 2


def test_calls_of_sqlite_are_reached(tmp_path: Path) -> None:
    if not reaches_sqlite():
        pytest.skip("this Python has its SQLite where no other code reaches it")

    def calls() -> list[str]:
        injector = system_calls.Injector(tmp_path)
        injector._sqlite()
        with Store(tmp_path) as store:
            store.run("a", {}, 1).save({("result", 0): bytes(SIZE)})
        return injector.calls

    found = Child(calls, tmp_path / "answer.json").answer()
    assert {"open", "write", "close"} <= set(found.value or ()), found


def test_calls_of_fsync_fail(tmp_path: Path) -> None:
    if not can_trace():
        pytest.skip("strace is not here, or may not look at other processes")

    def write() -> int:
        with open(tmp_path / "file", "wb") as file:
            for done in range(3):
                try:
                    os.fsync(file.fileno())
                except OSError:
                    return done
        return -1

    for at, failed in ((0, 0), (2, 2), (3, -1)):
        assert without_sync(write, tmp_path, at).value == failed


@pytest.mark.parametrize(
    ("do", "fault", "told"),
    [
        (torn_and_named, "disk full", "neither the older file nor the new one"),
        (silent, "input/output error", "it ended with other bits"),
        (unnamed, "disk full", "ModelFileError: it could not be written"),
        (foreign, "not permitted", "KeyError"),
        (leaves_parts, "short write", "parts of files stay"),
    ],
)
def test_system_calls_find(
    do: Callable[[Path], None], fault: str, told: str, tmp_path: Path
) -> None:
    part = SystemCalls({"own": work(do)})
    found = run(part, Case("own", ("own", fault, 30, [0])), tmp_path / "scratch")
    assert not found.ok
    assert told in found.detail


# --- bad inputs ------------------------------------------------------------------------


def test_bad_inputs(tmp_path: Path) -> None:
    part = BadInputs()
    quick, full = part.cases(0, quick=True), part.cases(0, quick=False)
    assert len(full) * 250 >= 25_000
    assert len(quick) <= len(full) / 10
    found = run(part, Case("few", quick[0].given[:20]), tmp_path / "scratch")
    assert found.ok, found.detail
    assert sum(found.counts.values()) == 20


def test_bad_inputs_find(tmp_path: Path) -> None:
    part, kinds = BadInputs(), ["done", "refused", "hang", "foreign"]

    @dataclasses.dataclass
    class Found:
        kind: str
        text: str = "why"

        @property
        def ok(self) -> bool:
            return self.kind in ("done", "refused")

    part._doors = types.SimpleNamespace(  # type: ignore[assignment]  # in its place
        Case=types.SimpleNamespace(named=lambda name: types.SimpleNamespace(id=name)),
        run_all=lambda cases: zip(cases, map(Found, kinds), strict=True),
    )
    found = run(part, Case("four", list("abcd")), tmp_path / "scratch")
    assert found == Outcome(False, "c: hang: why; d: foreign: why", dict.fromkeys(kinds, 1))


# --- concurrency -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["saves/threads", "saves/processes", "stores/threads"])
def test_concurrency(kind: str, tmp_path: Path) -> None:
    part = Concurrency({})
    found = run(part, first(part, kind), tmp_path / "scratch")
    assert found.ok, found.detail


@pytest.mark.parametrize("kind", ["together", "Ctrl-C"])
def test_two_at_once(kind: str, tmp_path: Path) -> None:
    part = Concurrency({"training in threads": WORKS["training in threads"]})
    found = run(part, first(part, kind), tmp_path / "scratch")
    assert found.ok, found.detail


@pytest.mark.slow
def test_bits(tmp_path: Path) -> None:
    part = Concurrency({})
    found = run(part, first(part, "bits/predictions"), tmp_path / "scratch")
    assert found.ok, found.detail


@pytest.mark.parametrize("kind", ["saves/threads", "saves/processes"])
def test_concurrency_finds_saves_that_are_not_whole(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = itertools.count()

    def write(path: Path, content: bytes) -> None:
        path.write_bytes(content[: len(content) // 2])
        time.sleep(next(turns) % 5 * PAUSE)  # unequal, so that not all of them load at once
        path.write_bytes(content)

    monkeypatch.setattr(files, "write", write)
    monkeypatch.setattr(concurrency, "LOADS", 400)  # as long as there are saves
    part = Concurrency({})
    try:
        found = run(part, first(part, kind), tmp_path / "scratch")
    except ModelFileError:
        return  # in a thread: which the campaign counts as a failure
    assert not found.ok


def test_concurrency_finds_a_store_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_lock", lambda *_: None)
    part = Concurrency({})
    try:
        found = run(part, first(part, "stores/threads"), tmp_path / "scratch")
    except FileExistsError:
        return  # two owners
    assert not found.ok


def test_concurrency_finds_other_bits_after_ctrl_c(tmp_path: Path) -> None:
    part = Concurrency({"own": work(counted)})
    assert not run(part, first(part, "Ctrl-C"), tmp_path / "scratch").ok
    part = Concurrency({"own": work(counted)})
    assert not run(part, first(part, "together"), tmp_path / "other").ok


def test_concurrency_finds_other_bits_in_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "bits.py"
    script.write_text("print('other bits')\n", encoding="utf-8")
    monkeypatch.setattr(concurrency, "BITS", script)
    part = Concurrency({})
    found = run(part, first(part, "bits"), tmp_path / "scratch")
    assert (found.ok, found.detail) == (False, "other bits")


def test_what_is_compared_with_is_found_once_and_removed() -> None:
    class Own(Disturbing):
        name = "own"
        promise = "none"
        cases = Kills.cases
        run = Kills.run

    part = Own({"own": work(lambda path: files.write(path, b"new"))})
    known = part.known("own")
    assert part.known("own") is known
    assert known.before != known.after
    part.close()
    assert not known.folder.exists()
