"""The file of a store: what is written to it, who may read it meanwhile, and who locks it."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trainlab.errors import SettingError, StoreError
from trainlab.store import FILE, Store, database, listed, lock
from trainlab.store.database import LOCK

fcntl = pytest.importorskip("fcntl")  # locks of POSIX
SETTINGS = {"batch_size": 100}
RESULT = ("result", 0)
LOG = f"{FILE}-wal"


def execute(folder: Path, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What a statement finds in the file of a closed store."""
    connection = sqlite3.connect(folder / FILE)
    try:
        found = connection.execute(statement, values).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


@contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """Another process has a lock of the system on the whole file, as SQLite asks for it."""
    code = (
        "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX);"
        "print(1, flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        try:
            yield
        finally:
            process.communicate()


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks, as far as Python sees."""

    def broken(*words: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", broken)


class TestRuns:
    def test_a_folder_is_made_with_those_above_it(self, tmp_path: Path) -> None:
        Store(tmp_path / "one" / "two").close()
        assert (tmp_path / "one" / "two" / FILE).exists()

    def test_a_part_has_the_checksum_that_earlier_versions_wrote(self, tmp_path: Path) -> None:
        def checksum(*parts: bytes) -> bytes:
            lengths = [len(part).to_bytes(8, "big") for part in parts]
            whole = b"".join(length + part for length, part in zip(lengths, parts, strict=True))
            return hashlib.sha256(whole).digest()

        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 2).save({("result", 1): b"x"})
        run = checksum(b"one", b'{"batch_size":100}', b"2")
        assert execute(tmp_path, "SELECT digest FROM runs") == [(run,)]
        part = checksum(run, b"result", b"1", b"x")
        assert execute(tmp_path, "SELECT digest FROM parts") == [(part,)]

    def test_a_save_is_a_change_of_the_run(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 1)
        before = "2026-01-02 03:04:05 UTC"
        execute(tmp_path, "UPDATE runs SET changed = ?", before)
        assert listed(tmp_path)[0].changed == before
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 1)
            assert listed(tmp_path)[0].changed == before
            run.save({RESULT: b"x"})
            assert listed(tmp_path)[0].changed > before

    def test_places_are_those_of_all_parts_of_a_kind_the_damaged_ones_included(
        self, tmp_path: Path
    ) -> None:
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 1)
            store.run("two", SETTINGS, 1).save({("state", 5): b"z"})
            run.save({("state", 2): b"x", ("state", 1): b"y", RESULT: b"x"})
        execute(tmp_path, "UPDATE parts SET content = x'00' WHERE place = 2")
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 1)
            assert run.load("state") == {1: b"y"}
            assert sorted(run.places("state")) == [1, 2]
            assert run.places("other") == []

    def test_a_run_of_an_earlier_version_goes_on(self, tmp_path: Path) -> None:
        """Its settings lack a field, and so its checksum is another than that of today's."""
        now = SETTINGS | {"engine": "numpy"}

        def complete(old: dict[str, Any]) -> dict[str, Any]:
            return {"engine": "numpy", **old}

        with Store(tmp_path) as store:
            store.run("zero", {}, 1)
            store.run("one", SETTINGS, 2).save({RESULT: b"x"})
        with Store(tmp_path) as store:
            run = store.run("one", now, 2, complete=complete)
            assert run.load("result") == {0: b"x"}
            run.save({("result", 1): b"y"})
            with pytest.raises(SettingError, match="engine was 'numpy', is 'native'"):
                store.run("one", SETTINGS | {"engine": "native"}, 2, complete=complete)
            with pytest.raises(SettingError, match="settings of run 'one'"):
                store.run("one", now, 3, complete=complete)
        with Store(tmp_path) as store:
            assert store.run("one", SETTINGS, 2).load("result") == {0: b"x", 1: b"y"}

    def test_a_run_that_starts_over_or_is_forgotten_leaves_no_parts(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            for key in ("one", "two", "three"):
                store.run(key, SETTINGS, 1).save({RESULT: b"x"})
            store.run("one", SETTINGS, 1, fresh=True)
            store.forget("three")
        assert execute(tmp_path, "SELECT key FROM runs, parts WHERE run = id") == [("two",)]
        assert execute(tmp_path, "SELECT count(*) FROM parts") == [(1,)]
        assert [(about.key, about.done) for about in listed(tmp_path)] == [("two", 1), ("one", 0)]

    def test_parts_of_a_run_that_was_lost_are_not_those_of_a_new_one(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 1).save({RESULT: b"x"})
        execute(tmp_path, "DELETE FROM runs")
        with Store(tmp_path) as store:
            assert store.run("two", SETTINGS, 1).load("result") == {}
        (about,) = listed(tmp_path)
        assert (about.done, about.size) == (0, 0)

    def test_a_row_that_is_not_as_it_was_written_is_not_listed(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            for key in ("one", "two"):
                store.run(key, SETTINGS, 1)
        execute(tmp_path, "UPDATE runs SET key = CAST(key AS BLOB) WHERE key = 'one'")
        assert [about.key for about in listed(tmp_path)] == ["two"]
        with Store(tmp_path) as store:
            assert list(store.began("")) == ["two"]


class TestReaders:
    """Those who list a folder while a process writes to it."""

    def test_the_log_of_the_writer_is_left_alone(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 2)
            run.save({RESULT: b"x"})
            log = (tmp_path / LOG).read_bytes()
            assert listed(tmp_path)[0].done == 1
            assert (tmp_path / LOG).read_bytes() == log
            run.save({("result", 1): b"y"})
            assert listed(tmp_path)[0].done == 2
        with Store(tmp_path) as store:
            assert store.run("one", SETTINGS, 2).load("result") == {0: b"x", 1: b"y"}

    def test_nothing_is_left_beside_what_is_read(self, tmp_path: Path) -> None:
        with Store(tmp_path) as store:
            store.run("one", SETTINGS, 1).save({RESULT: b"x"})
        there = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
        assert [about.done for about in listed(tmp_path)] == [1]
        assert there == {
            path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()
        }

    def test_ctrl_c_while_a_transaction_begins_leaves_none_open(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next thing that is written would be refused: there is one already."""
        with Store(tmp_path) as store:
            run, connection = store.run("one", SETTINGS, 1), store._connection

            class Pressed:
                in_transaction = property(lambda self: connection.in_transaction)

                def execute(self, statement: str, *values: Any) -> Any:
                    done = connection.execute(statement, *values)
                    if statement.startswith("BEGIN"):
                        raise KeyboardInterrupt
                    return done

            monkeypatch.setattr(store, "_connection", Pressed())
            with pytest.raises(KeyboardInterrupt):
                run.save({RESULT: b"x"})
            monkeypatch.undo()
            run.save({RESULT: b"y"})
            assert run.load("result") == {0: b"y"}

    def test_a_reader_does_not_hold_up_the_writer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "SECONDS_TO_WAIT", 0.0)
        with Store(tmp_path) as store:
            run = store.run("one", SETTINGS, 1)
            reader = sqlite3.connect(tmp_path / FILE, isolation_level=None)
            try:
                reader.execute("BEGIN")
                assert reader.execute("SELECT * FROM parts").fetchall() == []
                run.save({RESULT: b"x"})
                assert reader.execute("SELECT * FROM parts").fetchall() == []
            finally:
                reader.close()
            assert run.load("result") == {0: b"x"}

    def test_a_file_without_tables_has_no_runs(self, tmp_path: Path) -> None:
        (tmp_path / FILE).touch()
        assert listed(tmp_path) == []
        assert (tmp_path / FILE).read_bytes() == b""

    def test_on_a_full_disk_a_copy_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, elsewhere, opened = tmp_path / "runs", tmp_path / "elsewhere", list[Path]()
        elsewhere.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(elsewhere))

        def full(**words: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def connect(path: Path, mode: str, locks: bool) -> sqlite3.Connection:
            opened.append(path)
            return database_connect(path, mode, locks)

        database_connect = database._connect
        with Store(folder) as store:
            store.run("one", SETTINGS, 1).save({RESULT: b"x"})
            assert (folder / LOG).stat().st_size
            there = {path: path.read_bytes() for path in folder.iterdir()}
            monkeypatch.setattr(lock.tempfile, "TemporaryFile", full)
            monkeypatch.setattr(database, "_connect", connect)
            assert [about.done for about in listed(folder)] == [1]
            assert {path: path.read_bytes() for path in folder.iterdir()} == there
        (path,) = opened
        assert path.is_relative_to(elsewhere)
        assert os.listdir(elsewhere) == []


class TestLocks:
    """Whether SQLite asks the system for locks on its file."""

    def test_where_there_are_locks_it_heeds_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "SECONDS_TO_WAIT", 0.0)
        Store(tmp_path).close()
        with locked_by_another(tmp_path / FILE):
            for opened in (Store, listed):
                with pytest.raises(StoreError, match="database is locked"):
                    opened(tmp_path)
        Store(tmp_path).close()

    @pytest.mark.usefixtures("no_locks")
    def test_where_there_are_none_it_asks_for_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "SECONDS_TO_WAIT", 0.0)
        Store(tmp_path).close()
        with locked_by_another(tmp_path / FILE), Store(tmp_path) as store:
            store.run("one", SETTINGS, 1).save({RESULT: b"x"})
            assert [about.done for about in listed(tmp_path)] == [1]

    def test_where_there_are_none_a_copy_goes_on_without_shared_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        with Store(tmp_path / "one") as store:
            store.run("one", SETTINGS, 2).save({RESULT: b"x"})
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        request.getfixturevalue("no_locks")
        with Store(tmp_path / "two") as store:
            run = store.run("one", SETTINGS, 2)
            run.save({("result", 1): b"y"})
            assert run.load("result") == {0: b"x", 1: b"y"}
            there = sorted(os.listdir(tmp_path / "two"))
            assert there == sorted([LOCK, lock.MARK, FILE, LOG])
