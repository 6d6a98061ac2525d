"""One process at a time: a lock on a file, which the system lets go when the process dies."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Final

from trainlab.errors import StoreError

# Only this byte is locked: elsewhere than on POSIX what is locked cannot be read, and the
# number of the process at the beginning of the file is there to be read.
_BYTE: Final = 2**30

# A process may lock a file twice, and loses the lock with the first of the two that it
# closes: so it has to remember what it has locked.  A forked child has locked nothing.
_HELD: Final[set[tuple[int, str]]] = set()
_GUARD: Final = threading.Lock()


class Lock:
    """The lock on a folder's store; StoreError, naming the process, where another has it."""

    def __init__(self, path: Path) -> None:
        self._key = (os.getpid(), os.path.realpath(path))
        with _GUARD:
            if self._key in _HELD:
                raise _taken(path, "this process, which has it open")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _lock(self._file)
            except OSError as error:
                owner = os.pread(self._file, 32, 0) if hasattr(os, "pread") else b""
                os.close(self._file)
                name = owner.decode("ascii", "replace").strip() or "unknown"
                raise _taken(path, f"process {name}, which has it open") from error
            _HELD.add(self._key)
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Lets another process have it."""
        with _GUARD:
            if self._key in _HELD and self._key[0] == os.getpid():
                _HELD.discard(self._key)
                with contextlib.suppress(OSError):
                    os.close(self._file)


def _taken(path: Path, owner: str) -> StoreError:
    what = f"runs of {path.parent} must be used by one process at a time"
    return StoreError(f"{what}; got {owner}; try again when that has ended")


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock(file: int) -> None:
        # Of the process, not of the open file as `flock`: a child that outlives a killed parent
        # for a moment must not keep the next one out.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _BYTE)
