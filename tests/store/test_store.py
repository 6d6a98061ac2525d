"""The store: what is in it survives anything, and what does not is noticed."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from read_only import read_only
from trainlab.cli import main
from trainlab.errors import SettingError, StoreError
from trainlab.store import FILE, Run, Store, database, decode, encode, listed
from trainlab.store.coding import UNKNOWN
from trainlab.store.differences import differences

resource = pytest.importorskip("resource")  # limits of POSIX, which stand in for a full disk
SETTINGS = {"batch_size": 100, "members": [{"lr": 0.1}, {"lr": 0.2}]}
CUTS, FLIPS, FLIPS_OF_A_LOG = 200, 2000, 500
SECONDS = 5.0  # more than any file should take to be refused


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: thousands of files are written here."""
    shared = Path("/dev/shm")  # noqa: S108  # the folder in it has the number of the process
    folder = shared / f"trainlab-{os.getpid()}" if os.access(shared, os.W_OK) else tmp_path / "fast"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def fill(folder: Path) -> None:
    """Two runs of a dozen parts; some were replaced, some dropped."""
    with Store(folder) as store:
        for key in ("one", "two"):
            run = store.run(key, SETTINGS, 8)
            for place in range(8):
                run.save({("checkpoint", place): old(place)})
                run.save({("checkpoint", place): part(key, "checkpoint", place)})
            for place in range(4):
                dropped = [("checkpoint", place)]
                run.save({("result", place): part(key, "result", place)}, dropped)


def part(key: str, kind: str, place: int) -> bytes:
    """What the parts of `fill` hold: longer than a page where the place is even."""
    word = hashlib.sha256(f"{key} {kind} {place}".encode()).digest()
    return word * (200 if place % 2 else 10)


def old(place: int) -> bytes:
    """What a part holds before it is replaced."""
    return b"old" * (place + 1)


def loaded(folder: Path) -> dict[tuple[str, str, int], bytes]:
    """Every part that can be read."""
    found = {}
    with Store(folder) as store:
        for key in ("one", "two"):
            run = store.run(key, SETTINGS, 8)
            for kind in ("checkpoint", "result"):
                for place, content in run.load(kind).items():
                    found[key, kind, place] = content
    return found


def all_parts() -> dict[tuple[str, str, int], bytes]:
    places = {"checkpoint": range(4, 8), "result": range(4)}
    return {
        (key, kind, place): part(key, kind, place)
        for key in ("one", "two")
        for kind, own in places.items()
        for place in own
    }


class TestCoding:
    def test_every_kind_of_array_comes_back_to_the_bit(self) -> None:
        arrays = {
            "nan": np.array([np.nan, -0.0, np.inf], np.float32),
            "none": np.empty((3, 0)),
            "one": np.array(2.5),
            "big": np.arange(6, dtype=">i8").reshape(2, 3),
            "turned": np.arange(6.0).reshape(2, 3).T,
            "bool": np.array([True, False]),
        }
        info, found = decode(encode({"step": 3, "best": None}, arrays))
        assert info == {"step": 3, "best": None}
        for name, values in arrays.items():
            assert found[name].shape == values.shape
            assert found[name].dtype == values.dtype.newbyteorder("=")
            assert found[name].tobytes() == values.astype(values.dtype.newbyteorder("=")).tobytes()
            assert found[name].flags.writeable

    def test_any_other_bytes_are_a_value_error(self) -> None:
        whole = encode({}, {"a": np.arange(3), "b": np.ones((2, 2), np.float32)})
        for end in range(len(whole)):
            with pytest.raises(ValueError, match=r".+"):
                decode(whole[:end])
        with pytest.raises(ValueError, match="longer"):
            decode(whole + b"x")
        for old, new in (
            (b"[2,2]", b"[2,9]"),
            (b'"<f4"', b'"|O8"'),
            (b'"<f4"', b'",f4"'),  # which NumPy would evaluate
            (b'"info"', b'"onfi"'),
        ):
            with pytest.raises(ValueError, match=r".+"):
                decode(whole.replace(old, new))
        for header in (
            b"[" * 100_000,
            b'{"arrays":[["a","<f4",[0,%d]]],"info":1}' % (2**70),
            b'{"arrays":[["a","<f4",[%s1]]],"info":1}' % (b"0," * 99),
        ):
            with pytest.raises(ValueError, match=r".+"):
                decode(len(header).to_bytes(8, "little") + header)

    def test_a_huge_declared_size_is_refused_before_anything_is_allocated(self) -> None:
        whole = encode({}, {"a": np.arange(3)})
        declared = whole.replace(b"[3]", b"[%d]" % 10**15)
        header = int.from_bytes(whole[:8], "little") + 15
        with pytest.raises(ValueError, match="not in the content"):
            decode(header.to_bytes(8, "little") + declared[8:])


class TestRuns:
    def test_parts_come_back(self, tmp_path: Path) -> None:
        fill(tmp_path)
        assert loaded(tmp_path) == all_parts()

    def test_a_save_is_all_or_nothing(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 2)
            run.save({("result", 0): b"kept"})
            with pytest.raises(StoreError):
                run.save({("result", 0): b"new", ("result", 2**70): b"no such place"})
            assert run.load("result") == {0: b"kept"}

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"batch_size": 128}, "batch_size was 100, is 128"),
            ({"members": [{"lr": 0.1}, {"lr": 0.3}]}, "members[1].lr was 0.2, is 0.3"),
            ({"members": [{"lr": 0.1}]}, "members were 2, are 1"),
            ({"dtype": "float64"}, "dtype was not given, is 'float64'"),
            ({"batch_size": None}, "batch_size was 100, is None"),
        ],
    )
    def test_changed_settings_are_named(
        self, changed: dict[str, object], told: str, tmp_path: Path
    ) -> None:
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 2).save({("result", 0): b"kept"})
            with pytest.raises(SettingError) as caught:
                store.run("one", SETTINGS | changed, 2)
            assert f"got others: {told}; try fresh=True" in str(caught.value)
            assert store.run("one", SETTINGS, 2).load("result") == {0: b"kept"}
            assert store.run("two", SETTINGS | changed, 2).load("result") == {}
            assert store.run("one", SETTINGS | changed, 2, fresh=True).load("result") == {}

    def test_many_changes_are_counted(self) -> None:
        old, new = ({str(i): i + j for i in range(6)} for j in (0, 1))
        first = ["0 was 0, is 1", "1 was 1, is 2", "2 was 2, is 3"]
        assert differences(old, new) == [*first, "and 3 more"]

    def test_fresh_forgets_one_run(self, tmp_path: Path) -> None:
        fill(tmp_path)
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 8, fresh=True)
        assert loaded(tmp_path) == {k: v for k, v in all_parts().items() if k[0] == "two"}

    def test_runs_of_one_purpose_are_forgotten_together(self, tmp_path: Path) -> None:
        keys = ("one", "one: first", "one two", "ones: first", "two")
        with Store(tmp_path) as store:
            for key in keys:
                store.run(key, SETTINGS, 1).save({("result", 0): b"x"})
            store.forget("one")
        assert [about.key for about in listed(tmp_path)] == list(keys[2:])
        with Store(tmp_path) as store:
            assert not store.run("one", {}, 1).load("result")

    def test_the_list(self, tmp_path: Path) -> None:
        fill(tmp_path)
        with Store(tmp_path):  # also while it is open for writing
            one, two = listed(tmp_path)
        assert (one.key, one.done, one.total, one.settings) == ("one", 4, 8, SETTINGS)
        parts = all_parts().items()
        assert two.size == sum(len(content) for key, content in parts if key[0] == "two")
        assert one.begun <= one.changed <= two.changed
        with pytest.raises(StoreError, match=f"folder with {FILE}"):
            listed(tmp_path / "absent")

    def test_times_that_are_damaged_are_unknown(self, tmp_path: Path) -> None:
        fill(tmp_path)
        whole, (before, other) = (tmp_path / FILE).read_bytes(), listed(tmp_path)
        stamp = execute(tmp_path, "SELECT begun FROM runs")[0][0]
        assert isinstance(stamp, str)
        first = whole.index(stamp.encode())
        for place in range(first, first + len(stamp)):
            for bit in range(8):
                content = bytearray(whole)
                content[place] ^= 1 << bit
                (tmp_path / FILE).write_bytes(content)
                damaged, same = listed(tmp_path)
                assert damaged == dataclasses.replace(before, begun=UNKNOWN)
                assert same == other

    @pytest.mark.parametrize(
        ("begun", "read"),
        [
            ("2026-01-02 03:04:05 UTC", "2026-01-02 03:04:05 UTC"),  # as the first versions wrote
            ("2026-01-02 03:04:05 UTC ", UNKNOWN),
            ("[red]6-01-02 03:04:05 UTC", UNKNOWN),
            ("\x1b[31m", UNKNOWN),
            (b"\xff", UNKNOWN),
            (7, UNKNOWN),
        ],
    )
    def test_times_of_earlier_versions(
        self, begun: object, read: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fill(tmp_path)
        execute(tmp_path, "UPDATE runs SET begun = ? WHERE key = 'one'", begun)
        assert listed(tmp_path)[0].begun == read
        main(["runs", str(tmp_path)], standalone_mode=False)
        shown = capsys.readouterr().out
        assert read in shown
        assert "\x1b" not in shown


class TestOneProcess:
    HOLD = "import sys, time; from trainlab.store import Store; s = Store(sys.argv[1]); "

    def test_the_second_one_is_told_of_the_first(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 2)
            told = rf"one process at a time; got process {os.getpid()}, which has it open"
            words = [sys.executable, "-c", self.HOLD, str(tmp_path)]
            second = subprocess.run(words, capture_output=True, text=True, check=False)
            assert f"StoreError: runs of {tmp_path} must be used by {told}" in second.stderr
            with pytest.raises(StoreError, match="got another training of this process"):
                Store(tmp_path)
            third = subprocess.run(words, capture_output=True, text=True, check=False)
            assert told in third.stderr  # the attempt of this process has not let the lock go
        assert subprocess.run(words, check=False).returncode == 0
        Store(tmp_path).close()

    def test_a_dead_process_holds_nothing(self, tmp_path: Path) -> None:
        words = [sys.executable, "-c", self.HOLD + "print(1, flush=True); time.sleep(60)"]
        with subprocess.Popen([*words, str(tmp_path)], stdout=subprocess.PIPE) as first:
            assert first.stdout is not None
            assert first.stdout.readline() == b"1\n"
            with pytest.raises(StoreError, match=f"got process {first.pid}, which"):
                Store(tmp_path)
            first.kill()
            first.wait()
            Store(tmp_path).close()


class TestVersions:
    def test_a_newer_file_is_refused(self, tmp_path: Path) -> None:
        fill(tmp_path)
        execute(tmp_path, f"PRAGMA user_version = {len(database.MIGRATIONS) + 1}")
        for opened in (Store, listed):
            with pytest.raises(
                StoreError, match=r"must have a version up to 1; got 2; try a newer"
            ):
                opened(tmp_path)

    def test_an_older_file_is_brought_up(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(tmp_path)
        later = (*database.MIGRATIONS, ("ALTER TABLE runs ADD COLUMN words TEXT",))
        monkeypatch.setattr(database, "MIGRATIONS", later)
        assert [about.done for about in listed(tmp_path)] == [4, 4]  # which writes nothing
        assert loaded(tmp_path) == all_parts()
        assert execute(tmp_path, "PRAGMA user_version") == [(2,)]
        assert execute(tmp_path, "SELECT words FROM runs") == [(None,), (None,)]

    def test_a_migration_that_fails_leaves_the_file_as_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(tmp_path)
        broken = ("ALTER TABLE runs ADD COLUMN words TEXT", "SELECT nothing FROM nowhere")
        with monkeypatch.context() as patch:
            patch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, broken))
            with pytest.raises(StoreError):
                Store(tmp_path)
        assert loaded(tmp_path) == all_parts()

    def test_files_of_others_are_left_alone(self, tmp_path: Path) -> None:
        execute(tmp_path, "CREATE TABLE runs (id)")
        with pytest.raises(StoreError, match="got 'another database'"):
            Store(tmp_path)
        (tmp_path / FILE).write_bytes(b"no database " * 100)
        for opened in (Store, listed):
            with pytest.raises(StoreError, match="file is not a database"):
                opened(tmp_path)
        assert (tmp_path / FILE).read_bytes() == b"no database " * 100


def execute(folder: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / FILE)
    try:
        found = connection.execute(statement, values).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


class TestDamage:
    """A damaged file: an error of ours, or parts that were all written as they are."""

    @staticmethod
    def check(folder: Path, files: dict[str, bytes]) -> int | None:
        """The number of parts that are left in a folder of these files; None for an error."""
        for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
            (folder / name).unlink(missing_ok=True)
            if name in files:
                (folder / name).write_bytes(files[name])
        start = time.monotonic()
        try:
            listed(folder)
            found = loaded(folder)
        except StoreError:
            found = None
        if found is not None:
            for key, content in found.items():
                before = old(key[2]) if key[1] == "checkpoint" else None
                assert content in (part(*key), before)
        assert time.monotonic() - start < SECONDS
        return None if found is None else len(found)

    @staticmethod
    def files(folder: Path, closed: bool) -> dict[str, bytes]:
        """The files of a store, closed or as a killed process leaves it."""
        place = folder / "whole"
        if closed:
            fill(place)
        else:
            script = (
                "import os, pathlib, sys; sys.path.append('../support');"
                "from trainlab.store import Store; import test_store;"
                "Store.close = lambda self: None;"  # so that all of it stays in the log
                "test_store.fill(pathlib.Path(sys.argv[1])); os._exit(0)"
            )
            subprocess.run(
                [sys.executable, "-c", script, str(place)], check=True, cwd=Path(__file__).parent
            )
        return {path.name: path.read_bytes() for path in place.iterdir() if path.name[0] != "."}

    @pytest.mark.parametrize("closed", [True, False])
    def test_truncated(self, closed: bool, fast: Path) -> None:
        files = self.files(fast, closed)
        assert (f"{FILE}-wal" in files) != closed
        assert self.check(fast, files) == len(all_parts())
        left = set()
        for name in set(files) - {f"{FILE}-shm"}:
            whole = files[name]
            for cut in range(CUTS):
                length = len(whole) * cut // CUTS
                left.add(self.check(fast, files | {name: whole[:length]}))
        assert None in left or not closed
        assert left - {None, len(all_parts())}  # in some, a part of the parts is left

    @pytest.mark.parametrize("closed", [True, False])
    def test_flipped(self, closed: bool, fast: Path) -> None:
        files, rng = self.files(fast, closed), np.random.default_rng(5)
        names = sorted(files)
        sizes = np.array([len(files[name]) for name in names])
        left: dict[int | None, int] = {}
        for place in rng.integers(sizes.sum(), size=FLIPS if closed else FLIPS_OF_A_LOG):
            index = int(np.searchsorted(sizes.cumsum(), place, side="right"))
            content = bytearray(files[names[index]])
            at = int(place - sizes[:index].sum())
            content[at] ^= int(rng.integers(1, 256))
            found = self.check(fast, files | {names[index]: bytes(content)})
            left[found] = left.get(found, 0) + 1
        if closed:
            assert left[None] > 0
            assert left[len(all_parts())] > 0
            assert len(left) > 2

    def test_what_is_damaged_can_be_written_again(self, fast: Path) -> None:
        files, rng = self.files(fast, closed=True), np.random.default_rng(6)
        whole, mended = files[FILE], 0
        for _ in range(200):
            content = bytearray(whole)
            content[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
            if self.check(fast, {FILE: bytes(content)}) is None:
                continue
            try:
                with Store(fast) as store:
                    for key in ("one", "two"):
                        own = {k[1:]: v for k, v in all_parts().items() if k[0] == key}
                        store.run(key, SETTINGS, 8).save(own)
                found = loaded(fast)
            except StoreError:
                continue
            assert found == all_parts()
            mended += 1
        assert mended > 100


class TestNoRoom:
    def test_a_full_disk_keeps_what_was_saved(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 8)
            run.save({("result", 0): b"first"})
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            try:
                with pytest.raises(StoreError) as caught:
                    run.save({("result", 1): bytes(10**6)})
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert "with room on the disk; got" in str(caught.value)
            assert run.load("result") == {0: b"first"}
            run.save({("result", 1): b"second"})
        with Store(tmp_path) as store:
            found = store.run("one", SETTINGS, 8).load("result")
        assert found == {0: b"first", 1: b"second"}

    @pytest.mark.parametrize("below", ["", "runs"])
    def test_a_file_in_place_of_the_folder(self, below: str, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("mine")
        told = (
            "must be in a folder that can be written to; got 'a file in its place'; "
            "try the path of a folder, which need not be there yet"
        )
        with pytest.raises(StoreError, match=told):
            Store(tmp_path / "notes" / below)
        assert (tmp_path / "notes").read_text() == "mine"

    def test_a_read_only_folder(self, tmp_path: Path) -> None:
        fill(tmp_path)
        code = (
            "import sys; from trainlab.store import Store, listed; "
            "print([a.done for a in listed(sys.argv[1])], flush=True); Store(sys.argv[1])"
        )
        done = read_only(tmp_path).run([sys.executable, "-c", code, str(tmp_path)], Path("/"))
        assert done.stdout == "[4, 4]\n", done.stderr
        last = done.stderr.splitlines()[-1]
        assert "StoreError" in last
        assert "must be in a folder that can be written to" in last


def test_a_child_that_outlives_its_killed_parent_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from trainlab.store import Store; s = Store(sys.argv[1]);"
        "os.fork() or print(os.getpid(), flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        try:
            Store(tmp_path).close()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_child_has_locked_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    child = os.fork()
    if not child:
        try:
            Store(tmp_path)
        except StoreError as error:
            os._exit(0 if f"process {os.getppid()}" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(store.run("one", SETTINGS, 1), Run)
    store.close()
