"""The bytes of a table's file: what kind they are, and the lines of text in them.

Order: kinds of files, the file, its lines.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Literal, Self

from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import GZIP_MAGIC

MAX_LINE: Final = 1 << 22
"""Bytes of a row, line breaks in quotes included."""
MAX_UNPACKED: Final = 1 << 32
"""Bytes of a file that is compressed, once it is unpacked: 4 GiB."""
_CONTROL: Final = re.compile("[\x80-\x84\x86-\x9f]")
"""What no text holds, but the line break U+0085."""
HEAD: Final = 1 << 16
"""Bytes that are looked at before a file is read."""
BOM: Final = b"\xef\xbb\xbf"

Kind = Literal["text", "parquet", "excel"]
Fault = Callable[..., DataError]
"""What of the file must be what; got what; try what."""

_CSV: Final = "to save the table as CSV in UTF-8"
_ENCODING: Final = (
    f"--encoding {{}} (encoding= in Python), or {_CSV} (in Excel the type “CSV UTF-8”)"
)
TABLES: Final = "be CSV, Parquet or an Excel workbook"
# First bytes of tables that are not text.
_SHEETS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (rb"PAR1[\0-\x08\x0e-\x1f]", "parquet"),
    (rb"PK\x03\x04", "excel"),
)
# First bytes of other files that are not text, their names, and what to do about them.
_OTHERS: Final = (
    (
        rb"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls), or one with a password",
        "to save it as .xlsx without a password",
    ),
    (rb"BZh[1-9]1AY&SY", "a file compressed with bzip2", "to unpack it first"),
    (rb"\xfd7zXZ\0", "a file compressed with xz", "to unpack it first"),
    (rb"\x28\xb5\x2f\xfd", "a file compressed with Zstandard", "to unpack it first"),
    (rb"ARROW1\0\0", "a Feather file", "pandas.read_feather(…).to_parquet(…)"),
    (rb"\xff\xfe|\xfe\xff", "text in UTF-16", _ENCODING.format("utf-16")),
    (rb"SQLite format 3\0", "an SQLite database", _CSV),
    (rb"\x89HDF\r\n", "an HDF5 file", _CSV),
    (rb"%PDF-", "a PDF document", _CSV),
    (rb"\s*<(?:!doctype|html|\?xml|table)\b", "a page in HTML or XML", _CSV),
    (
        rb"\s*\{\s*\"[^\n]*\}\s*\n\s*\{",
        "JSON lines",
        "pandas.read_json(…, lines=True).to_csv(…, index=False)",
    ),
    (rb"\s*(?:\[\s*)?\{\s*\"", "JSON", "pandas.read_json(…).to_csv(…, index=False)"),
    (rb"\s*\[\s*\[", "JSON", "pandas.read_json(…).to_csv(…, index=False)"),
)


class Opened:
    """A file that is open, unpacked if it is gzip: its kind, and its bytes in UTF-8, once.

    encoding  of its text; None: UTF-8
    kind  "text" for anything that is of no other known kind
    head  the first bytes, at most HEAD
    """

    def __init__(self, path: Path, fault: Fault, encoding: str | None = None) -> None:
        self._fault, self._encoding = fault, encoding
        try:
            self._raw: IO[bytes] = open(path, "rb")  # noqa: SIM115  # `close` closes it
        except (OSError, ValueError) as error:
            text = getattr(error, "strerror", None) or str(error)
            raise fault("file", "be there, and readable", text) from error
        try:
            self.head = self._take(self._raw, HEAD)
            self._rest: IO[bytes] = self._raw
            self._left: int | None = None
            if self.head.startswith(GZIP_MAGIC):
                packed = io.BufferedReader(_Joined(self.head, self._raw))
                self._rest = gzip.GzipFile(fileobj=packed)  # type: ignore[assignment]  # GzipFile is not an IO to typeshed
                self._left = MAX_UNPACKED
                self.head = self._take(self._rest, HEAD)
            if encoding is not None:
                self._rest = io.BufferedReader(_Recoded(self.head, self._rest, encoding))
                self.head = self._take(self._rest, HEAD)
            self.kind = self._kind()
            if encoding is not None and self.kind != "text":
                must = f"be left out: there is none in a file of the kind {self.kind}"
                raise SettingError(sentence("encoding", str(path), must, encoding))
            self._ahead = io.BytesIO(self.head)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._raw.close()

    def readline(self, most: int) -> bytes:
        """The next line, with its end; or as many bytes of it."""
        line = self._ahead.readline(most)
        if len(line) < most and not line.endswith(b"\n"):
            line += self._read(self._rest.readline, most - len(line))
        if self._left is not None:
            self._left -= len(line)
            if self._left < 0:
                must = f"be at most {MAX_UNPACKED} bytes when unpacked"
                raise self._fault("content", must, "more")
        return line

    def _take(self, file: IO[bytes], count: int) -> bytes:
        """Read so many bytes, or all there are: a pipe gives them in pieces."""
        found = bytearray()
        while len(found) < count and (piece := self._read(file.read, count - len(found))):
            found += piece
        return bytes(found)

    def _read(self, read: Callable[[int], bytes], count: int) -> bytes:
        try:
            return read(count)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            remedy = "a fresh copy of the file"
            raise self._fault("gzip stream", "be sound", str(error), remedy) from error
        except OSError as error:
            text = error.strerror or str(error)
            raise self._fault("file", "be there, and readable", text) from error
        except UnicodeError as error:
            must, remedy = f"be text in {self._encoding}", "another encoding"
            if isinstance(error, _WindowsTextError):
                remedy = f"--encoding {_WindowsTextError.encoding} (encoding= in Python)"
            raise self._fault("content", must, str(error), remedy) from error

    def _kind(self) -> Kind:
        """The kind; DataError for what is not a table."""
        kind = next((one for pattern, one in _SHEETS if re.match(pattern, self.head)), None)
        if kind is None:
            text = self.head.removeprefix(BOM)
            for pattern, name, remedy in _OTHERS:
                if re.match(pattern, text, re.IGNORECASE):
                    raise self._fault("file", TABLES, name, remedy)
            return "text"
        if self._left is not None:
            raise self._fault(
                "content", "be CSV in a file that is gzip", kind, "to unpack it first"
            )
        return kind


class _Joined(io.RawIOBase):
    """Bytes that were read already, and then the rest of their file."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fills the buffer, or a part of it."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever has a buffer
        piece = self._head.read(len(view)) or self._rest.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


class _WindowsTextError(UnicodeError):
    """A text that was called latin-1, of whose bytes some are signs of Windows alone, as the €."""

    encoding = "cp1252"


class _Recoded(io.RawIOBase):
    """The bytes of a text in UTF-8, whose encoding is another."""

    def __init__(self, head: bytes, rest: IO[bytes], encoding: str) -> None:
        try:
            given = io.BufferedReader(_Joined(head, rest))
            self._text = io.TextIOWrapper(given, encoding, newline="")
        except (LookupError, TypeError, ValueError) as error:
            must = "be the name of an encoding of text"
            message = sentence("encoding", "a table", must, encoding, "encoding='cp1252'")
            raise SettingError(message) from error
        self._latin = codecs.lookup(encoding).name in ("iso8859-1", "iso8859-15")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fills the buffer, or a part of it."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # whatever has a buffer
        text = self._text.read(len(view) // 4)  # of at most 4 bytes a character
        if self._latin and (found := _CONTROL.search(text)):
            sign = found[0].encode("latin-1").decode(_WindowsTextError.encoding, "replace")
            of = f"which is {sign} in {_WindowsTextError.encoding}"
            raise _WindowsTextError(f"the byte {ord(found[0]):#04x}, {of}")
        piece = text.encode("utf-8")
        view[: len(piece)] = piece
        return len(piece)


class Lines:
    """The lines of a file as text.  A row may take several of them, and MAX_LINE bytes."""

    def __init__(self, file: Opened, fault: Fault) -> None:
        self._file, self._fault = file, fault
        self.number = 0
        self.start()

    def start(self) -> None:
        """A new row begins."""
        self._left = MAX_LINE

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        what = f"line {self.number}"
        if len(line) > self._left:
            raise self._fault(what, f"belong to a row of at most {MAX_LINE} bytes", "more")
        self._left -= len(line)
        if self.number == 1:
            line = line.removeprefix(BOM)
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            shown = line.decode("utf-8", "replace").strip()[:30]
            got = f"the byte {line[error.start]:#04x} in {shown}"
            remedy = _ENCODING.format("cp1252")
            raise self._fault(what, "be text in UTF-8", got, remedy) from error
        if "\0" in text:
            raise self._fault(what, "hold no null character", "one")
        return text

    def skip(self, count: int) -> None:
        """Skip lines, each at most as long as a row may be."""
        for _ in range(count):
            self.start()
            if next(self, None) is None:
                return
