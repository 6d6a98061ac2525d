"""Files: whole or not there, whoever else writes, and whatever is at the path already."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainlab import files

if sys.platform == "win32":
    pytest.skip("modes, links and pipes are those of POSIX", allow_module_level=True)

OLD, NEW = b"old", b"new" * 1000
THREADS, WRITES = 8, 12
KILLS = 5


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def in_python(code: str, *words: str | Path, **more: object) -> subprocess.Popen[bytes]:
    start = "import os, sys, time, pathlib; from trainlab import files; "
    return subprocess.Popen([sys.executable, "-c", start + code, *map(str, words)], **more)  # type: ignore[call-overload, no-any-return]  # options of Popen


class TestManyWriters:
    def test_threads_that_write_one_path(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        contents = [bytes([i]) * 10_000 for i in range(THREADS * WRITES)]
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(files.write, path, content) for content in contents]:
                done.result()
                assert path.read_bytes() in contents
        assert os.listdir(tmp_path) == ["file"]

    def test_processes_that_write_one_path(self, tmp_path: Path) -> None:
        code = "[files.write(pathlib.Path(sys.argv[1]), sys.argv[2].encode()) for _ in range(20)]"
        started = [in_python(code, tmp_path / "file", word) for word in "abc"]
        assert [one.wait() for one in started] == [0, 0, 0]
        assert (tmp_path / "file").read_bytes() in (b"a", b"b", b"c")
        assert os.listdir(tmp_path) == ["file"]


class TestWhatIsThere:
    def test_a_new_file_has_the_mode_that_the_user_asks_for(self, tmp_path: Path) -> None:
        for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
            with umask(mask):
                files.write(tmp_path / f"{mask}", NEW)
            assert mode(tmp_path / f"{mask}") == expected

    @pytest.mark.parametrize("kept", [0o600, 0o640, 0o444, 0o666, 0o200])
    def test_an_older_file_keeps_its_mode(
        self, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, fsync, seen = tmp_path / "file", os.fsync, []
        path.write_bytes(OLD)
        path.chmod(kept)

        def watch(number: int) -> None:
            fsync(number)
            seen.append(os.fstat(number).st_mode)

        monkeypatch.setattr(os, "fsync", watch)
        files.write(path, NEW)
        assert mode(path) == kept
        assert stat.S_IMODE(seen[0]) == 0o600  # the content has been private before, too
        path.chmod(0o600)
        assert path.read_bytes() == NEW

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
    def test_an_older_file_keeps_its_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(OLD)
        os.chown(path, 65534, 65533)
        files.write(path, NEW)
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533)

    @pytest.mark.parametrize("there", [True, False])
    def test_a_link_stays(self, there: bool, tmp_path: Path) -> None:
        target, link = tmp_path / "folder" / "target", tmp_path / "link"
        target.parent.mkdir()
        if there:
            target.write_bytes(OLD)
        link.symlink_to("folder/target")
        files.write(link, NEW)
        assert os.readlink(link) == "folder/target"
        assert target.read_bytes() == NEW
        assert os.listdir(target.parent) == ["target"]

    def test_a_long_name(self, tmp_path: Path) -> None:
        path = tmp_path / ("é" * 127)
        files.write(path, NEW)
        assert path.read_bytes() == NEW

    def test_a_planted_link_is_not_followed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        victim = tmp_path / "victim"
        victim.write_bytes(OLD)
        monkeypatch.setattr("secrets.token_hex", lambda count: "0" * 2 * count)
        names = (f".file.{os.getpid()}.part", f".file.{files.place()}.{os.getpid()}.00000000.part")
        for name in names:
            (tmp_path / name).symlink_to(victim)
        with pytest.raises(FileExistsError):
            files.write(tmp_path / "file", NEW)
        assert victim.read_bytes() == OLD
        assert sorted(os.listdir(tmp_path)) == sorted([*names, "victim"])

    def test_a_pipe_is_written_to(self, tmp_path: Path) -> None:
        path, found = tmp_path / "pipe", []
        os.mkfifo(path)
        reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
        reader.start()
        files.write(path, NEW)
        reader.join(10)
        assert found == [NEW]
        assert path.is_fifo()

    def test_a_device_is_written_to(self) -> None:
        reader, writer = os.openpty()  # no device of the machine: a fault would replace it
        try:
            path = Path(os.ttyname(writer))
            files.write(path, b"content")
            assert os.read(reader, 7) == b"content"
            assert path.is_char_device()
        finally:
            os.close(writer)
            os.close(reader)

    @pytest.mark.parametrize("name", ["link", "/dev/fd/1"])
    @pytest.mark.parametrize("how", ["ab", "wb"])
    def test_standard_output_in_a_file(self, name: str, how: str, tmp_path: Path) -> None:
        path, link = tmp_path / "file", tmp_path / "link"  # for /dev/stdout, which is such a link
        path.write_bytes(b"before\n")
        link.symlink_to("/proc/self/fd/1")
        code = (
            "files._STREAMS[sys.argv[1]] = files._STREAMS['/dev/stdout'];"
            "files.write(pathlib.Path(sys.argv[2]), b'content\\n'); os.write(1, b'after\\n')"
        )
        with open(path, how) as output:
            assert in_python(code, link, tmp_path / name, stdout=output).wait() == 0
        before = b"before\n" if how == "ab" else b""
        assert path.read_bytes() == before + b"content\nafter\n"
        assert link.is_symlink()

    def test_standard_output_in_a_pipe(self) -> None:
        code = "files.write(pathlib.Path('/dev/fd/1'), b'content')"
        with in_python(code, stdout=subprocess.PIPE) as process:
            assert process.communicate()[0] == b"content"

    def test_what_can_be_neither_replaced_nor_written_to(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        path = Path("socket")  # the whole path may be too long for one
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
            with pytest.raises(OSError, match="a block device or a socket"):
                files.write(path, NEW)
        assert path.is_socket()
        with pytest.raises(IsADirectoryError):
            files.write(tmp_path, NEW)
        with pytest.raises(FileNotFoundError):
            files.write(Path(f"/dev/fd/{10**30}"), NEW)


class TestSync:
    """What happens after the rename: the new file is there, and no error may deny it."""

    @pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL])
    def test_a_folder_that_cannot_be_synced(
        self, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, fsync = tmp_path / "file", os.fsync
        path.write_bytes(OLD)

        def broken(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(number, os.strerror(number))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", broken)
        if number == errno.EIO:
            with pytest.raises(OSError, match="written, but not synced to disk: Input/output"):
                files.write(path, NEW)
        else:
            files.write(path, NEW)
        assert path.read_bytes() == NEW


class TestParts:
    """What killed processes leave."""

    STOPPED = (
        "os.fsync = lambda number: (print(1, flush=True), time.sleep(60));"
        "files.write(pathlib.Path(sys.argv[1]), b'part')"
    )

    def test_a_kill_leaves_the_older_file_and_the_next_write_cleans_up(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(OLD)
        for _ in range(KILLS):
            with in_python(self.STOPPED, path, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == b"1\n"
                process.kill()
            assert process.returncode == -signal.SIGKILL
            assert path.read_bytes() == OLD
            assert len(os.listdir(tmp_path)) == 2  # the file, and the part of the last one
        files.write(tmp_path / "other", NEW)
        assert sorted(os.listdir(tmp_path)) == ["file", "other"]

    def test_parts_of_living_writers_and_of_other_hosts_stay(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        elsewhere = tmp_path / ".file.00000000.99999999.00000000.part"
        elsewhere.touch()
        with in_python(self.STOPPED, path, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"1\n"
            files.write(path, NEW)
            parts = set(os.listdir(tmp_path)) - {"file", elsewhere.name}
            assert [part.split(".")[3] for part in parts] == [str(process.pid)]
            process.kill()
        files.write(path, NEW)
        assert sorted(os.listdir(tmp_path)) == sorted(["file", elsewhere.name])

    def test_processes(self) -> None:
        with in_python("") as process:
            process.wait()
        assert files.is_running(os.getpid())
        assert files.is_running(1)
        assert not files.is_running(process.pid)
        assert files.is_running(2**70)  # no number of a process: nothing is known of it
