"""One process at a time: a lock on a file, which the system releases when the process dies.

Where the file system has no locks, a second file is the lock by being there.  It says which
process made it, and is removed when that process is gone.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import platform
import re
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

from trainlab.errors import StoreError, sentence
from trainlab.files import is_running, place

MARK: Final = ".runs.owner"
_NO_LOCKS: Final = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
_OWNER: Final = re.compile(
    r"(?P<process>\d{1,20})( (?P<host>\S+) (?P<place>[0-9a-f]{8}) (?P<time>.{1,40}))?\n?"
)
"""What a lock says of its owner; the first versions wrote the number of the process alone."""
_LONGEST: Final = 400
# Outside POSIX locked bytes cannot be read, and the beginning of the file must be readable.
_BYTE: Final = 2**30


class Lock:
    """The lock on a folder's store; StoreError, naming the process, where another has it.

    of_system  whether the file system has locks
    """

    def __init__(self, path: Path) -> None:
        self.of_system = has_locks(path.parent)
        self._file: int | None = None
        self._mark: Path | None = None
        if self.of_system:
            self._file = _locked(path)
        else:
            self._mark = _marked(path.with_name(MARK))
        _HELD.add(self)

    def release(self) -> None:
        """Let another process have it."""
        mark = self._mark
        self._forget()
        if mark is not None:
            with contextlib.suppress(OSError):
                mark.unlink()

    def _forget(self) -> None:
        """Close the file; its lock lasts as long as any process has it open."""
        _HELD.discard(self)
        file, self._file, self._mark = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)


_HELD: Final[set[Lock]] = set()


def _forked() -> None:
    """Forget the lock in a forked child, which must not keep it when its parent is killed."""
    for lock in list(_HELD):
        lock._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def has_locks(folder: Path) -> bool:
    """Whether the file system has locks: both kinds, since SQLite uses the second."""
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
    return True


def _open(path: Path, flags: int) -> int:
    """The file, open; StoreError for a link, which may lead to any file, and for a pipe."""
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.open(path, flags, 0o666)
    except OSError as error:
        if path.is_symlink():
            raise _foreign(path, "a link") from error
        raise
    if path.is_symlink() or not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _foreign(path, "no regular file")
    return file


def _locked(path: Path) -> int:
    """The file, open and locked."""
    file = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        said = os.read(file, _LONGEST).decode("utf-8", "replace")
        if said and not _OWNER.fullmatch(said):
            raise _foreign(path, said)
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            raise _taken(path, said) from error
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, _this_process())
    except BaseException:
        os.close(file)
        raise
    return file


def _marked(path: Path) -> Path:
    """The path, at which a file was made that was not there before."""
    while True:
        try:
            with open(path, "xb") as file:
                file.write(_this_process())
            return path
        except FileExistsError:
            _remove_stale(path)


def _remove_stale(path: Path) -> None:
    """Remove the lock file of a process that has ended; StoreError where it may be running."""
    try:
        with open(_open(path, os.O_RDONLY), "rb") as file:
            said = file.read(_LONGEST).decode("utf-8", "replace")
        owner = _OWNER.fullmatch(said)
        if not owner or owner["place"] != place() or is_running(int(owner["process"])):
            raise _taken(path, said)
        # Of several that see the same stale file, the slower ones may find a new one here.
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        os.rename(path, aside)
        if aside.read_bytes() != said.encode("utf-8", "replace"):
            os.rename(aside, path)
        else:
            aside.unlink()
    except FileNotFoundError:
        pass  # it has ended, or another has removed it


def _this_process() -> bytes:
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    host = "-".join(platform.node().split()) or "unknown"
    return f"{os.getpid()} {host} {place()} {now}\n".encode()


def _taken(path: Path, said: str) -> StoreError:
    """The error that names the owner of a lock by what the lock says."""
    owner = _OWNER.fullmatch(said)
    here = owner is not None and owner["place"] in (None, place())
    if owner is None:
        name = "another process"
    elif not here:
        name = f"process {owner['process']} on {owner['host']} since {owner['time']}"
    elif int(owner["process"]) == os.getpid():
        name = "another training of this process"
    else:
        name = f"process {owner['process']}"
    what = f"runs of {path.parent} must be used by one process at a time"
    remedy = "again when that has ended"
    if path.name == MARK and not here:  # nothing is known here about processes on other machines
        remedy += f"; if it has, remove {path}"
    return StoreError(f"{what}; got {name}, which has it open; try {remedy}")


def _foreign(path: Path, got: str) -> StoreError:
    must, remedy = "be a file that trainlab made", "another folder"
    return StoreError(sentence("lock", str(path), must, got, remedy))


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(file: int) -> None:
        # A lock of the open file: opening and closing the file again, for instance to copy the
        # folder, does not release it.  The second, of the process, is the one that earlier
        # versions check.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _BYTE)
