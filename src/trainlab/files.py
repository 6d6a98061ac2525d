"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, Final

from trainlab.errors import SettingError, sentence

_PIECE: Final = 1 << 20


def as_path(
    value: Any, name: str, owner: str, must: str = "be a path", *, home: bool = False
) -> Path:
    """The path in an argument; SettingError for what cannot be one, as None, "" or "a\\0b".

    name, owner  of the argument, and what it must be, for the error
    home  whether ~ at the beginning stands for the user's home, and ~name for another user's

    >>> as_path("model.safetensors", "path", "save").suffix
    '.safetensors'
    """
    try:
        text = os.fspath(value)
        if not isinstance(text, str) or not text or "\0" in text:
            raise TypeError
        os.fsencode(text)
        path = Path(text)
        return path.expanduser() if home else path
    except RuntimeError:  # of expanduser
        known = "begin with the home of a user who exists"
        raise SettingError(sentence(name, owner, known, value)) from None
    except (TypeError, UnicodeEncodeError):
        raise SettingError(sentence(name, owner, must, value)) from None


def write(path: Path, content: bytes) -> None:
    """Puts the content in the file, all or nothing: a reader or a crash never sees a part.

    It is read again before it takes the place of an older file.  OSError, which names the
    file, where that fails.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _verify(part, content)
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened, nor need it be
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _verify(path: Path, content: bytes) -> None:
    """Raises OSError unless the file holds the content."""
    whole = memoryview(content)
    with open(path, "rb") as file:
        for first in range(0, len(content) + 1, _PIECE):  # one more: nothing may follow
            if file.read(_PIECE) != whole[first : first + _PIECE]:
                raise OSError(errno.EIO, "what was written reads otherwise", str(path))
