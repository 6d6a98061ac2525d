"""The lock of a store: one process at a time, whatever else is done, and on any file system."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import stat
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from trainlab import files
from trainlab.errors import StoreError
from trainlab.store import FILE, Store, listed, lock
from trainlab.store.database import LOCK

fcntl = pytest.importorskip("fcntl")  # locks of POSIX
NO_LOCKS = ("ENOSYS", "ENOLCK", "ENOTSUP")
START = """
import errno, fcntl, os, sys, time
from trainlab import files
from trainlab.errors import StoreError
from trainlab.store import Store
def broken(*words):
    raise OSError(errno.ENOSYS, "Function not implemented")
"""
BROKEN = "fcntl.flock = broken\n"


def in_python(code: str, *words: object, **more: bool) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", START + code, *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False, **more)


def refused(folder: Path) -> str:
    """What another process is told."""
    done = in_python("Store(sys.argv[1])", folder)
    assert done.returncode != 0
    return done.stderr.splitlines()[-1]


def without_locks(monkeypatch: pytest.MonkeyPatch, name: str = "ENOSYS") -> None:
    number = getattr(errno, name)

    def broken(*words: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", broken)


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: shutil.copytree(folder, folder.with_name("copy")),
        lambda folder: (folder / LOCK).read_bytes(),
        lambda folder: listed(folder),
    ],
    ids=["copy", "read", "list"],
)
def test_the_owner_does_not_lose_it(act: Callable[[Path], object], tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with Store(folder):
        act(folder)
        assert f"got process {os.getpid()}, which has it open" in refused(folder)


class TestPlanted:
    """What somebody else has put where a store wants to write."""

    @pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe", "file"])
    def test_in_place_of_the_lock(self, kind: str, tmp_path: Path) -> None:
        folder, victim = tmp_path / "runs", tmp_path / "victim"
        folder.mkdir()
        victim.write_bytes(b"precious")
        if kind == "pipe":
            os.mkfifo(folder / LOCK)
        elif kind == "file":
            os.link(victim, folder / LOCK)
        else:
            (folder / LOCK).symlink_to(victim if kind == "link" else tmp_path / "none")
        with pytest.raises(StoreError, match=r"lock of .* must be a file that trainlab made; got"):
            Store(folder)
        assert victim.read_bytes() == b"precious"
        assert sorted(os.listdir(tmp_path)) == ["runs", "victim"]
        assert os.listdir(folder) == [LOCK]

    def test_a_folder_in_place_of_the_lock(self, tmp_path: Path) -> None:
        (tmp_path / LOCK).mkdir()
        with pytest.raises(StoreError, match="got 'Is a directory'"):
            Store(tmp_path)

    def test_what_is_refused_is_not_left_open(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / LOCK)
        numbers = []
        for _ in range(2):
            with pytest.raises(StoreError, match="got 'no regular file'"):
                Store(tmp_path)
            with (tmp_path / "next").open("w") as file:
                numbers.append(file.fileno())  # the lowest that is free
        assert numbers[0] == numbers[1]

    @pytest.mark.parametrize("there", [True, False])
    def test_in_place_of_the_runs(self, there: bool, tmp_path: Path) -> None:
        folder, victim = tmp_path / "runs", tmp_path / "victim"
        folder.mkdir()
        if there:
            victim.touch()
        (folder / FILE).symlink_to(victim)
        with pytest.raises(StoreError, match="must be no link, or one to runs of trainlab"):
            Store(folder)
        assert not there or victim.read_bytes() == b""
        assert victim.exists() == there

    def test_a_link_to_runs_is_followed(self, tmp_path: Path) -> None:
        with Store(tmp_path / "one") as store:
            store.run("one", {}, 1).save({("result", 0): b"x"})
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / FILE).symlink_to(tmp_path / "one" / FILE)
        with Store(tmp_path / "two") as store:
            assert store.run("one", {}, 1).load("result") == {0: b"x"}

    def test_earlier_versions_see_the_lock_and_are_seen(self, tmp_path: Path) -> None:
        code = (
            "file = open(sys.argv[1], 'r+b');"
            "fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2**30);"
            "print(1, flush=True); time.sleep(float(sys.argv[2]))"
        )
        with Store(tmp_path):
            assert "BlockingIOError" in in_python(code, tmp_path / LOCK, 0).stderr
        assert in_python(code, tmp_path / LOCK, 0).returncode == 0
        line = [sys.executable, "-c", START + code, str(tmp_path / LOCK), "60"]
        with subprocess.Popen(line, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"1\n"
            with pytest.raises(StoreError, match="which has it open"):
                Store(tmp_path)
            process.kill()
        Store(tmp_path).close()

    def test_a_lock_of_the_first_versions_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / LOCK).write_text("123\n")
        Store(tmp_path).close()


def test_nothing_of_a_longer_name_is_left_in_the_lock(tmp_path: Path) -> None:
    long = f"12345678901234567890 {'host' * 20} 00000000 2026-01-02 03:04:05 UTC\n"
    (tmp_path / LOCK).write_text(long)
    with Store(tmp_path):
        said = (tmp_path / LOCK).read_text()
        assert said.startswith(f"{os.getpid()} ")
        assert len(said.splitlines()) == 1
    Store(tmp_path).close()


@pytest.mark.parametrize(("node", "host"), [("one  host\n", "one-host"), ("", "unknown")])
def test_the_lock_names_the_host_in_one_word(
    node: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: node)
    with Store(tmp_path):
        said = (tmp_path / LOCK).read_text()
    assert said.split()[:3] == [str(os.getpid()), host, files.place()]


def test_whoever_may_write_in_the_folder_may_take_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Store(tmp_path).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o666


def test_a_lock_that_was_released_is_forgotten(tmp_path: Path) -> None:
    own = lock.Lock(tmp_path / LOCK)
    own.release()
    left = weakref.ref(own)
    del own
    gc.collect()
    assert left() is None


def test_whether_there_are_locks_is_asked_in_the_folder_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    assert lock.has_locks(tmp_path)
    with pytest.raises(FileNotFoundError):
        lock.has_locks(tmp_path / "absent")


def test_another_error_is_not_taken_for_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch, "EIO")
    with pytest.raises(StoreError, match="got 'Input/output error'"):
        Store(tmp_path)


class TestWithoutLocks:
    """On a file system that has none a file is the lock."""

    @pytest.mark.parametrize("name", NO_LOCKS)
    def test_runs_are_kept_and_shut_for_others(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without_locks(monkeypatch, name)
        with Store(tmp_path) as store:
            store.run("one", {}, 2).save({("result", 0): b"x"})
            assert [about.done for about in listed(tmp_path)] == [1]
            with pytest.raises(StoreError, match="got another training of this process"):
                Store(tmp_path)
            done = in_python(BROKEN + "Store(sys.argv[1])", tmp_path)
            assert f"got process {os.getpid()}, which has it open" in done.stderr
        assert os.listdir(tmp_path) == [FILE]
        with Store(tmp_path) as store:
            assert store.run("one", {}, 2).load("result") == {0: b"x"}
        monkeypatch.undo()
        with Store(tmp_path) as store:  # copied to where there are locks
            assert store.run("one", {}, 2).load("result") == {0: b"x"}

    def test_a_dead_process_holds_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = "Store(sys.argv[1]).run('one', {}, 1).save({('result', 0): b'x'}); os._exit(0)"
        assert in_python(BROKEN + code, tmp_path).returncode == 0
        assert (tmp_path / lock.MARK).exists()
        without_locks(monkeypatch)
        with Store(tmp_path) as store:
            assert store.run("one", {}, 1).load("result") == {0: b"x"}
        assert os.listdir(tmp_path) == [FILE]

    @pytest.mark.parametrize(
        ("said", "owner"),
        [
            (
                "999999 there 00000000 2026-01-02 03:04:05 UTC\n",
                "process 999999 on there since 2026-01-02 03:04:05 UTC",
            ),
            ("", "another process"),
            ("\0" * 500, "another process"),
        ],
    )
    def test_of_a_process_elsewhere_nothing_is_assumed(
        self, said: str, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mark = tmp_path / lock.MARK
        mark.write_text(said)
        without_locks(monkeypatch)
        with pytest.raises(StoreError, match=f"got {owner}, which has it open; try") as caught:
            Store(tmp_path)
        assert str(caught.value).endswith(f"if it has, remove {mark}")
        assert mark.read_text() == said

    def test_of_two_that_find_a_dead_owner_the_slower_one_leaves_the_new_lock(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dead, quicker = 1, 2
        said = f"{{}} there {files.place()} 2026-01-02 03:04:05 UTC\n"
        mark = tmp_path / lock.MARK
        mark.write_text(said.format(dead))

        def is_running(process: int) -> bool:
            if process == dead:
                mark.write_text(said.format(quicker))
            return process == quicker

        monkeypatch.setattr(lock, "is_running", is_running)
        without_locks(monkeypatch)
        with pytest.raises(StoreError, match=f"got process {quicker}, which has it open"):
            Store(tmp_path)
        assert mark.read_text() == said.format(quicker)
        assert os.listdir(tmp_path) == [lock.MARK]

    def test_a_planted_link_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / lock.MARK).symlink_to(tmp_path / "victim")
        without_locks(monkeypatch)
        with pytest.raises(StoreError, match="must be a file that trainlab made; got 'a link'"):
            Store(tmp_path)
        assert not (tmp_path / "victim").exists()

    def test_a_forked_child_lets_the_lock_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without_locks(monkeypatch)
        own = lock.Lock(tmp_path / LOCK)
        child = os.fork()
        if not child:
            own.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert (tmp_path / lock.MARK).exists()
        own.release()
        assert os.listdir(tmp_path) == []

    def test_never_two_at_a_time(self, tmp_path: Path) -> None:
        """Processes that take it, are killed with it, and find what the killed ones left."""
        code = """
from trainlab.store.lock import Lock
import pathlib, random
folder, end, taken = pathlib.Path(sys.argv[1]), time.monotonic() + 20, 0
while taken < 15 and time.monotonic() < end:
    child = os.fork() if random.random() < 0.2 else None
    if child == 0:
        try:
            Lock(folder / "lock")  # and die with it
        finally:
            os._exit(0)
    if child:
        os.waitpid(child, 0)
    try:
        own = Lock(folder / "lock")
    except StoreError:
        continue
    os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
    time.sleep(0.001)
    os.unlink(folder / "inside")
    own.release()
    taken += 1
assert taken == 15, taken
"""
        found: list[subprocess.CompletedProcess[str]] = []
        threads = [
            threading.Thread(target=lambda: found.append(in_python(BROKEN + code, tmp_path)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [(one.returncode, one.stderr) for one in found] == [(0, "")] * 3
