"""Paths, and files that are written as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import stat
from pathlib import Path
from typing import Any, Final

from trainlab.errors import SettingError, sentence

GZIP_MAGIC: Final = b"\x1f\x8b"
"""What a file that gzip has packed begins with."""
_PIECE: Final = 1 << 20
_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}
_UNSUPPORTED: Final = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
"""A folder that may not be read, or a file system that cannot synchronise folders."""


def as_path(
    value: Any,
    name: str,
    owner: str,
    must: str = "be a path",
    *,
    home: bool = False,
    file: bool = False,
) -> Path:
    """The path in an argument; SettingError for what cannot be one, as None, "" or "a\\0b".

    So is one that is too long: left alone, it would fail where the work is done and to be written.

    name, owner  of the argument, and what it must be, for the error
    home  whether ~ at the beginning stands for the user's home, and ~name for another user's
    file  whether it is to be written to, so that a slash at the end, which says that it is a
          folder, is an error

    >>> as_path("model.safetensors", "path", "save").suffix
    '.safetensors'
    """
    try:
        text = os.fspath(value)
        if not isinstance(text, str) or not text or "\0" in text:
            raise TypeError
        os.fsencode(text)
        if file and os.path.basename(text) in ("", "."):
            must = "be the path of a file, without a slash at its end"
            raise TypeError
        path = Path(text).expanduser() if home else Path(text)
        path.lstat()
    except RuntimeError:  # of expanduser
        known = "begin with the home of a user who exists"
        raise SettingError(sentence(name, owner, known, value)) from None
    except (TypeError, UnicodeEncodeError):
        raise SettingError(sentence(name, owner, must, value)) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            short = f"{must}, not too long for the file system"
            raise SettingError(sentence(name, owner, short, value, "a shorter one")) from None
    return path


def as_folder(value: Any, name: str, owner: str) -> Path:
    """The path of a folder to write to, which need not be there; SettingError if it cannot be."""
    path = as_path(value, name, owner)
    there = next((one for one in (path, *path.parents) if os.path.lexists(one)), Path())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise SettingError(sentence(name, owner, "be a folder that can be written to", str(path)))
    return path


def are_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one regular file, by links or by another spelling."""
    try:
        first, second = one.stat(), other.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(first.st_mode) and os.path.samestat(first, second)


def write(path: Path, content: bytes) -> None:
    """Puts the content in the file, all or nothing: a reader or a crash never sees a part.

    Where the path is a link, the file that it leads to is written and the link stays.  The
    content is read again before it takes the place of an older file, whose mode and owner it
    keeps.  What cannot be replaced (a pipe, a character device, /dev/stdout, /dev/fd/3) is
    written to, which is not all or nothing.

    OSError, which names the path, where that fails; an older file then stays, unless the error
    says "written, but not synced".
    """
    try:
        try:
            old = path.stat()
        except FileNotFoundError:
            old = None
        number = _descriptor(path)
        if old is not None and number is not None:
            _pour(os.dup(number), content)
        elif old is None or stat.S_ISREG(old.st_mode):
            _replace(Path(os.path.realpath(path)), content, old)
        elif stat.S_ISFIFO(old.st_mode) or stat.S_ISCHR(old.st_mode):
            _pour(path, content)
        elif stat.S_ISDIR(old.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        else:
            raise OSError(errno.EINVAL, "a block device or a socket")
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _descriptor(path: Path) -> int | None:
    """The open file of this process that the path stands for, if it does.

    Opened by name, it would be truncated where the shell has redirected it to a file.
    """
    if str(path.parent) in ("/dev/fd", "/proc/self/fd") and path.name.isdecimal():
        return int(path.name)
    return _STREAMS.get(str(path))


def _pour(target: Path | int, content: bytes) -> None:
    with open(target, "wb") as file:
        file.write(content)


def _replace(path: Path, content: bytes, old: os.stat_result | None) -> None:
    """Writes a new file beside the path, and renames it to the path once it is sound."""
    _sweep(path.parent)
    start = os.fsencode(path.name)[:_SHOWN].decode(errors="ignore")
    part = path.with_name(f".{start}.{place()}.{os.getpid()}.{secrets.token_hex(4)}.part")
    # Until it has the mode of the older file, nobody else may read it.
    opener = functools.partial(os.open, mode=0o666 if old is None else 0o600)
    file = open(part, "xb", opener=opener)  # noqa: SIM115  # what is there already is not ours
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _verify(part, content)
        if old is not None:
            _inherit(part, old)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    sync(path.parent)


_SHOWN: Final = 100
"""Bytes of a file's name in that of its part: a name has 255 at most."""


def _verify(path: Path, content: bytes) -> None:
    """Raises OSError unless the file holds the content."""
    whole = memoryview(content)
    with open(path, "rb") as file:
        for first in range(0, len(content) + 1, _PIECE):  # one more: nothing may follow
            if file.read(_PIECE) != whole[first : first + _PIECE]:
                raise OSError(errno.EIO, "what was written reads otherwise", str(path))


def _inherit(path: Path, old: os.stat_result) -> None:
    """Gives a file the owner, where that is allowed, and the mode of an older one."""
    if hasattr(os, "chown"):
        for owner in ((old.st_uid, -1), (-1, old.st_gid)):
            with contextlib.suppress(OSError):
                os.chown(path, *owner)
    path.chmod(stat.S_IMODE(old.st_mode))


def sync(folder: Path) -> None:
    """Makes the new name of a file survive a power failure, where the system can do that."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            told = f"written, but not synced to disk: {error.strerror or error}"
            raise OSError(error.errno, told, str(folder)) from error


def _sweep(folder: Path) -> None:
    """Removes the parts of files that processes of this host have left when they were killed."""
    with contextlib.suppress(OSError):  # a folder that may be written to, and not read
        for name in os.listdir(folder):
            found = _PART.fullmatch(name)
            if found and found[1] == place() and not is_running(int(found[2])):
                with contextlib.suppress(OSError):
                    os.unlink(folder / name)


_PART: Final = re.compile(r"\..*\.([0-9a-f]{8})\.(\d+)\.[0-9a-f]{8}\.part", re.DOTALL)


@functools.cache
def place() -> str:
    """Identifies the host and, on Linux, the container: what numbers of processes belong to."""
    container = ""
    with contextlib.suppress(OSError):  # there is no /proc elsewhere
        container = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {container}".encode()).hexdigest()[:8]


def is_running(process: int) -> bool:
    """Whether this host has a process of that number, or may have: Windows does not say."""
    if os.name != "posix":
        return True  # where a signal 0 would be a real one
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's, or no number of a process
        return True
    return True
