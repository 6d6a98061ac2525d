"""One file from the first of several mirrors that has it: retried, resumed, verified.

pooch retries and knows mirrors, but starts a broken transfer again from nothing and
hashes the compressed bytes, which differ between mirrors; so the transfer is here.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from trainlab.data.idx import IdxFile, largest_wrapper
from trainlab.data.transfer import MirrorError, transfer
from trainlab.errors import DataError, DownloadError
from trainlab.files import GZIP_MAGIC, sync

ATTEMPTS: Final = 3
FIRST_PAUSE: Final = 0.5
"""Seconds before the second attempt at a mirror; doubled before each further one."""
ABANDONED: Final = 300.0
"""Seconds without a write after which a partial file has no writer: far above TIMEOUT."""
_DIGITS: Final = 20
"""Of a size that is read: with as many it is larger than any file here."""
REMEDY: Final = (
    "try again when online, or name a folder that has the files: --data-dir or TRAINLAB_DATA"
)

Report = Callable[[int, int | None], None]
"""Is told the bytes that are here, and the bytes of the whole file where these are known."""


def fetch(
    file: IdxFile,
    folder: Path,
    mirrors: Sequence[str],
    *,
    report: Report = lambda done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """The path in `folder` of `file`, fetched as MIRROR/NAME.gz and verified.

    Each mirror is asked up to ATTEMPTS times; what a broken transfer brought is kept
    and continued (HTTP Range), also by a later run.  Only content with the right
    shape and SHA-256 gets the file's name, in one rename.  An answer larger than the
    file could be is cut off.  DownloadError, which lists the mirrors and their
    faults, where none of them has the file or the folder cannot be written.
    """
    tried: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mirror in mirrors:
            url = f"{mirror.rstrip('/')}/{file.name}.gz"
            try:
                return _fetch_from(url, file, folder, report, pause)
            except MirrorError as fault:
                tried.append(f"{url}: {fault}")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DownloadError(
            f"{file.name} could not be written to {folder}: {reason}; "
            "try a folder that can be written, or --data-dir or TRAINLAB_DATA with the files"
        ) from error
    listed = "".join(f"\n  {line}" for line in tried)
    raise DownloadError(f"{file.name} could not be fetched; tried:{listed}\n{REMEDY}")


def _fetch_from(
    url: str, file: IdxFile, folder: Path, report: Report, pause: Callable[[float], None]
) -> Path:
    part = _claim(url, file, folder)
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(FIRST_PAUSE * 2 ** (attempt - 1))
        continued = part.stat().st_size > 0
        try:
            try:
                _append(url, part, largest_wrapper(file.nbytes), report)
                return _accept(part, file, folder)
            except DataError as error:
                part.write_bytes(b"")
                # What was continued may have been the start of another version.
                raise MirrorError(f"wrong content: {error}", lasting=not continued) from error
        except MirrorError as fault:
            if fault.lasting or attempt == ATTEMPTS - 1:
                _leave(part)
                raise
        except BaseException:
            _leave(part)
            raise
    raise AssertionError("the last attempt returns or raises")


def _claim(url: str, file: IdxFile, folder: Path) -> Path:
    """A partial file that is ours alone: one that an earlier run left for this mirror, or new.

    Mirrors compress differently, so each has its own; a rename gives it to one process.
    """
    host = urllib.parse.quote(urllib.parse.urlsplit(url).netloc, safe="")
    prefix = f".{file.name}.{host}"
    mine = folder / f"{prefix}.{os.getpid()}.{time.time_ns()}.part"
    for left in sorted(folder.glob(f"{prefix}.*.part")):
        try:
            status = left.lstat()  # a link may lead to any file of the user's
            if stat.S_ISREG(status.st_mode) and time.time() - status.st_mtime > ABANDONED:
                os.replace(left, mine)
                os.utime(mine)
                return mine
        except FileNotFoundError:
            continue
    mine.touch(exist_ok=False)
    return mine


def _leave(part: Path) -> None:
    """Give up a partial file: remove an empty one, and mark another as having no writer."""
    if part.stat().st_size == 0:
        part.unlink()
    else:
        os.utime(part, (0, 0))


def _append(url: str, part: Path, largest: int, report: Report) -> None:
    """Appends to `part` what it lacks of the answer at `url`."""
    have = part.stat().st_size
    # Compression on the way would make offsets mean something else.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    pieces = transfer(url, headers)
    with contextlib.closing(pieces):
        answer = next(pieces)
        if answer.status_code == 416 and have:
            part.write_bytes(b"")
            raise MirrorError("the partial file does not fit the mirror's", lasting=False)
        if answer.status_code not in (200, 206):
            lasting = answer.status_code < 500 and answer.status_code not in (408, 425, 429)
            raise MirrorError(f"HTTP status {answer.status_code}", lasting=lasting)
        follows = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 206 and not follows:
            part.write_bytes(b"")
            raise MirrorError("the answer does not continue the partial file", lasting=False)
        if answer.status_code == 200:
            have = 0
        length = answer.headers.get("Content-Length", "")[:_DIGITS]
        total = have + int(length) if length.isascii() and length.isdigit() else None
        if total is not None and total > largest:
            raise MirrorError(f"{total} bytes where {largest} are the most", lasting=True)
        with part.open("ab" if have else "wb") as out:
            for piece in pieces:
                have += len(piece)
                if have > largest:
                    out.truncate(0)
                    raise MirrorError(f"more than the {largest} bytes it may have", lasting=True)
                out.write(piece)
                report(have, total)
            out.flush()
            os.fsync(out.fileno())


def _accept(part: Path, file: IdxFile, folder: Path) -> Path:
    """Verify a complete transfer and give it its name, which says whether it is compressed."""
    file.read(part)
    with part.open("rb") as content:
        compressed = content.read(2) == GZIP_MAGIC
    path = folder / (f"{file.name}.gz" if compressed else file.name)
    os.replace(part, path)
    sync(folder)
    return path
