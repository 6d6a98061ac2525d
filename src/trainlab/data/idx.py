"""IDX files (the format of MNIST), plain or gzip-compressed, read as untrusted input.

Order: what a header may say, then the reader, then a file whose content is known.

The header is read and judged first; the content is then read in small pieces, never
beyond what the header declares plus one byte.  So a lie about the size, a truncated
file or a gzip bomb costs a few pieces of memory, not what it claims to hold.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import math
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import GZIP_MAGIC, as_path
from trainlab.settings import whole_number

DTYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_AXES: Final = 8
MAX_BYTES: Final = 1 << 30
"""The most that `read_idx` reads unless told otherwise, in bytes of decompressed content."""

_SHA256: Final = re.compile("[0-9a-fA-F]{64}")
_PIECE: Final = 1 << 16
_FRESH: Final = "a fresh copy of the file"


def largest_wrapper(content: int) -> int:
    """An upper bound on the gzip file that holds `content` bytes.

    Stored blocks, the worst case of deflate, add 5 bytes to each 16 KiB or more
    (RFC 1951, 3.2.4), below 1/1000; the rest is room for names in the gzip header.
    """
    return content + content // 1000 + 4096


def read_idx(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, ...] | None = None,
    sha256: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> NDArray[Any]:
    """Read the array in an IDX file; gzip is recognised by its first bytes, not by the name.

    Parameters
    ----------
    path : str or path
        The file.
    shape : tuple of int, optional
        The shape that the array must have.
    sha256 : str, optional
        The SHA-256 (hex) that the decompressed file must have.
    max_bytes : int, default 2**30
        The most that is read, of the decompressed file.

    Returns
    -------
    ndarray
        The array, in the dtype that the file names.

    Raises
    ------
    DataError
        Names the file and its fault, for anything that is not exactly one such array.
    SettingError
        For arguments that cannot be.

    Notes
    -----
    Layout: two zero bytes, a dtype code, the number of axes, each axis as a big-endian int32,
    then the elements in C order.  Axes of length 0 are refused.

    Source: LeCun, Cortes & Burges, "The MNIST database".

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "three")
    ...     _ = path.write_bytes(bytes([0, 0, 0x08, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    path = as_path(path, "path", "read_idx")
    max_bytes = whole_number(1).check(max_bytes, "max_bytes", "read_idx")
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise SettingError(sentence("sha256", "read_idx", "be 64 hex digits or None", sha256))
    if shape is not None and not (
        isinstance(shape, (tuple, list)) and all(whole_number(0).valid(axis) for axis in shape)
    ):
        raise SettingError(sentence("shape", "read_idx", "be a tuple of integers or None", shape))
    with _faults_named(path):
        _check_kind(path)
        with path.open("rb") as raw:
            size = os.fstat(raw.fileno()).st_size  # of this file: another may take its place now
            compressed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            bound = largest_wrapper(max_bytes) if compressed else max_bytes
            if size > bound:
                raise _fault(path, "size", f"be at most {bound} bytes", size)
            file: IO[bytes] = gzip.GzipFile(fileobj=raw) if compressed else raw  # type: ignore[assignment]  # GzipFile is not an IO to typeshed
            return _read(file, path, None if compressed else size, shape, sha256, max_bytes)


def _read(
    file: IO[bytes],
    path: Path,
    size: int | None,
    shape: tuple[int, ...] | None,
    sha256: str | None,
    max_bytes: int,
) -> NDArray[Any]:
    digest = hashlib.sha256()
    dtype, found = _read_header(file, path, digest)
    if shape is not None and found != tuple(shape):
        raise _fault(path, "shape", f"be {shape}", found)
    header = 4 + 4 * len(found)
    count = math.prod(found) * dtype.itemsize
    if header + count > max_bytes:
        raise _fault(path, "declared size", f"be at most {max_bytes} bytes", header + count)
    if size is not None and size != header + count:
        raise _fault(path, "size", f"be the declared {header + count} bytes", size)
    content = _take(file, count, path, "content", digest)
    # For gzip this read also makes the library check the CRC and look for trailing bytes.
    if file.read(1):
        raise _fault(path, "end", f"come after the declared {header + count} bytes", "more data")
    if sha256 is not None and digest.hexdigest() != sha256.lower():
        raise _fault(path, "SHA-256", f"be {sha256}", digest.hexdigest(), _FRESH)
    array = np.frombuffer(content, dtype).reshape(found)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(
    file: IO[bytes], path: Path, digest: hashlib._Hash
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = bytes(_take(file, 4, path, "header", digest))
    if magic[:2] != b"\0\0":
        raise _fault(path, "magic number", "begin with two zero bytes (IDX)", magic.hex())
    code, axes = magic[2], magic[3]
    if code not in DTYPES:
        listed = ", ".join(f"0x{known:02x}" for known in DTYPES)
        raise _fault(path, "dtype code", f"be one of {listed}", f"0x{code:02x}")
    if not 1 <= axes <= MAX_AXES:
        raise _fault(path, "number of axes", f"be in [1, {MAX_AXES}]", axes)
    shape = struct.unpack(f">{axes}i", _take(file, 4 * axes, path, "header", digest))
    if min(shape) < 1:
        raise _fault(path, "every axis", "have a length >= 1", shape)
    return np.dtype(DTYPES[code]), shape


def _take(file: IO[bytes], count: int, path: Path, what: str, digest: hashlib._Hash) -> bytearray:
    """Read exactly `count` bytes; memory grows with what arrives, not with what is claimed."""
    content = bytearray()
    while len(content) < count:
        piece = file.read(min(_PIECE, count - len(content)))
        if not piece:
            must = f"be {count} bytes (the file is truncated)"
            raise _fault(path, what, must, len(content), _FRESH)
        digest.update(piece)
        content += piece
    return content


def _check_kind(path: Path) -> None:
    # Asked before the file is opened: opening a pipe would wait for its writer.
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise _fault(path, "kind", "be a regular file", stat.filemode(mode))


def _fault(path: Path, what: str, must: str, got: object, remedy: str | None = None) -> DataError:
    # A hash is shown whole: `describe` would cut it in the middle.
    if what == "SHA-256":
        return DataError(f"{what} of {path} must {must}; got {got}; try {remedy}")
    return DataError(sentence(what, str(path), must, got, remedy))


@contextlib.contextmanager
def _faults_named(path: Path) -> Iterator[None]:
    """Turns what the system and the gzip library raise into a DataError that names the file."""
    try:
        yield
    except EOFError as error:
        must = "be complete (the file is truncated)"
        raise _fault(path, "gzip stream", must, str(error), _FRESH) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise _fault(path, "gzip stream", "be sound", str(error), _FRESH) from error
    except OSError as error:
        raise _fault(path, "file", "be readable", error.strerror or str(error)) from error


@dataclass(frozen=True)
class IdxFile:
    """A uint8 IDX file whose content is known: its name, shape, and SHA-256 when decompressed."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def nbytes(self) -> int:
        """The size of the decompressed file: header and elements."""
        return 4 + 4 * len(self.shape) + math.prod(self.shape)

    def read(self, path: str | os.PathLike[str]) -> NDArray[np.uint8]:
        """The array at `path`; DataError unless it is, byte for byte, this file."""
        return read_idx(path, shape=self.shape, sha256=self.sha256, max_bytes=self.nbytes)
