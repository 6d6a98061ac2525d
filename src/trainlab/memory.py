"""How much memory there is: what cannot fit is refused before any of it is allocated."""

from __future__ import annotations

import os
import sys

from trainlab.errors import SettingError, sentence

try:
    import resource
except ImportError:  # not on Windows, where a process has no such limit
    resource = None  # type: ignore[assignment]


def available() -> int:
    """Bytes that this process can have: the memory of the machine, or its own limit if lower.

    >>> available() > 2**20
    True
    """
    limits = [sys.maxsize]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    if resource is not None:
        limits.append(resource.getrlimit(resource.RLIMIT_AS)[0])
    return min(limit for limit in limits if limit > 0)  # -1 stands for no limit


def need(size: int, what: str, of: str, remedy: str | None = None) -> None:
    """SettingError if `size` bytes, the least that `what` takes, are more than there can be."""
    limit = available()
    if size > limit:
        must = f"fit into {limit / 1e9:,.1f} GB of memory"
        raise SettingError(sentence(what, of, must, Size(size), remedy))


class Size(int):
    """A number of bytes, as an error shows it."""

    def __repr__(self) -> str:
        return f"{self / 1e9:,.1f} GB" if self < 2**60 else f"2**{self.bit_length() - 1} bytes"
