"""One system call that fails: of Python's own files, and of SQLite's.

Files that Python opens for writing get a raw file whose system calls are counted; functions of
`os` are replaced; SQLite has an interface for the replacement of its system calls. Calls on
other folders are let through. All of this stays in force: it is for forked children.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

SHORT: Final = 0  # in place of an error number: a write that writes less
STAYS: Final = {
    "write",
    "open",
    "fsync",
    "ftruncate",
}  # calls that fail for as long as a disk is full
PATHS: Final = ("mkdir", "unlink", "chmod", "chown")
RENAMES: Final = ("replace", "rename")


class Injector:
    """Counts the calls that write below a folder, and lets one of them fail.

    at       the number of the call, from 0; None: none
    number   of the error, or SHORT
    stays    whether the writes after it fail, too
    """

    def __init__(
        self, folder: Path, at: int | None = None, number: int = SHORT, stays: bool = False
    ) -> None:
        self._folder, self._at, self._number, self._stays = str(folder), at, number, stays
        self._guard = threading.Lock()
        self.calls: list[str] = []

    def fails(self, name: str) -> int | None:
        """Counts a call: the number of its error, None if it is to succeed."""
        with self._guard:
            place = len(self.calls)
            self.calls.append(name)
        if self._at is None or place < self._at:
            return None
        if place == self._at or (self._stays and name in STAYS):
            return self._number if self._number != SHORT or name == "write" else None
        return None

    def check(self, name: str, path: Any) -> None:
        """Counts a call; OSError if it is to fail."""
        number = self.fails(name)
        if number:
            raise OSError(number, os.strerror(number), str(path))

    def concerns(self, target: Any) -> bool:
        """Whether a path or the number of an open file lies below the folder."""
        try:
            if isinstance(target, int):
                target = os.readlink(f"/proc/self/fd/{target}")
            return os.path.abspath(os.fsdecode(target)).startswith(self._folder)
        except (OSError, TypeError, ValueError):
            return False

    def install(self) -> None:
        """Replaces the calls of this process."""
        self._files()
        self._functions()
        self._sqlite()

    # --- Python ------------------------------------------------------------------------

    def _files(self) -> None:
        injector, usual = self, io.open

        class Raw(io.FileIO):
            """A file whose calls are counted."""

            def write(self, content: Any) -> int:
                number = injector.fails("write")
                if number:
                    raise OSError(number, os.strerror(number))
                view = memoryview(content).cast("B")
                short = number == SHORT and len(view) > 1
                return super().write(view[: len(view) // 2] if short else view) or 0

            def close(self) -> None:
                if not self.closed:
                    super().close()
                    injector.check("close", self.name)

        def opened(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
            if not set(mode) & set("wxa+") or not injector.concerns(file):
                return usual(file, mode, *given, **named)
            injector.check("open", file)
            plain = mode.replace("b", "").replace("t", "")
            named.pop("buffering", None)
            raw = Raw(file, plain, named.pop("closefd", True), named.pop("opener", None))
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, **named)

        builtins.open = opened
        io.open = opened

    def _functions(self) -> None:
        for name in (*PATHS, *RENAMES, "fsync", "open", "write", "close"):
            setattr(os, name, self._function(name, getattr(os, name)))

    def _function(self, name: str, right: Callable[..., Any]) -> Callable[..., Any]:
        writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT

        def called(target: Any, *given: Any, **named: Any) -> Any:
            reads = name == "open" and not (given and given[0] & writes)
            if reads or not self.concerns(target):
                return right(target, *given, **named)
            if name == "close":  # which closes, whatever it says
                right(target)
                self.check(name, target)
                return None
            self.check(name, target)
            return right(target, *given, **named)

        return called

    # --- SQLite ------------------------------------------------------------------------

    def _sqlite(self) -> None:
        vfs = _vfs()
        if vfs is None:
            return
        for name, (kind, of) in _CALLS.items():
            pointer = vfs.get(vfs.address, name.encode())
            if pointer:
                made = kind(self._replaced(name, kind(pointer), of))
                _KEPT.append(made)
                vfs.set(vfs.address, name.encode(), ctypes.cast(made, ctypes.c_void_p))

    def _replaced(self, name: str, right: Callable[..., int], of: str) -> Callable[..., int]:
        def called(*given: Any) -> int:
            reads = name == "open" and not given[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not reads and self.concerns(given[0]):
                number = self.fails(of)
                if number == SHORT and given[2] > 1:
                    given = (given[0], given[1], given[2] // 2, *given[3:])
                elif number:
                    if name == "close":
                        right(*given)
                    ctypes.set_errno(number)
                    return -1
            return right(*given)

        return called


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, as sqlite3.h has it since 3.7.6."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("methods", ctypes.c_void_p * 13),
        ("set", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)),
        ("get", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
    )
    address: int


def _vfs() -> _Vfs | None:
    """The file system of the SQLite that Python uses; None where it cannot be reached."""
    try:
        import _sqlite3

        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_initialize()
        library.sqlite3_vfs_find.restype = ctypes.c_void_p
        address = library.sqlite3_vfs_find(b"unix")
    except (ImportError, OSError, AttributeError):
        return None
    if not address:
        return None
    found = _Vfs.from_address(address)
    found.address = address
    return found if found.version >= 3 else None  # of the interface


def reaches_sqlite() -> bool:
    """Whether the system calls of SQLite can be replaced here."""
    return _vfs() is not None


def _kind(*arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(*arguments, use_errno=True)


_INT, _LONG, _POINTER, _TEXT = ctypes.c_int, ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_char_p
# Call of SQLite → (its type, what it is counted as).
_CALLS: Final = {
    "open": (_kind(_INT, _TEXT, _INT, _INT), "open"),
    "close": (_kind(_INT, _INT), "close"),
    "write": (_kind(_LONG, _INT, _POINTER, ctypes.c_size_t), "write"),
    "pwrite": (_kind(_LONG, _INT, _POINTER, ctypes.c_size_t, ctypes.c_int64), "write"),
    "pwrite64": (_kind(_LONG, _INT, _POINTER, ctypes.c_size_t, ctypes.c_int64), "write"),
    "ftruncate": (_kind(_INT, _INT, ctypes.c_int64), "ftruncate"),
    "unlink": (_kind(_INT, _TEXT), "unlink"),
}
_KEPT: Final[list[Any]] = []  # what C calls must stay

ERRORS: Final = {
    "disk full": errno.ENOSPC,
    "quota": errno.EDQUOT,
    "input/output error": errno.EIO,
    "interrupted": errno.EINTR,
    "not permitted": errno.EACCES,
    "short write": SHORT,
}
