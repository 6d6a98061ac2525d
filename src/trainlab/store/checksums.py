"""Checksums: of a run, of its parts, and of its times."""

from __future__ import annotations

import datetime
import hashlib
import re
from typing import Any, Final

UNKNOWN: Final = "unknown"
"""In place of a time that is damaged."""
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)(?: ([0-9a-f]{64}))?", re.ASCII)


def checksum(*parts: str | bytes) -> bytes:
    """SHA-256 of parts, each preceded by its length, so that no two lists share a digest."""
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.digest()


def is_run(key: Any, settings: Any, total: Any, digest: Any) -> bool:
    """Whether a row of `runs` is as it was written."""
    text = isinstance(key, str) and isinstance(settings, str)
    return text and digest == checksum(key, settings, str(total))


def stamp(digest: bytes) -> str:
    """The current time, with a checksum that is valid in the run of that digest."""
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{now} {checksum(digest, now).hex()}"


def time_of(stamp: Any, digest: bytes) -> str:
    """The time of a stamp; those of earlier versions of trainlab have no checksum."""
    found = _STAMP.fullmatch(stamp) if isinstance(stamp, str) else None
    if found and found[2] in (None, checksum(digest, found[1]).hex()):
        return found[1]
    return UNKNOWN
