"""Damaged copies of a file: flipped, cut, spliced, and with numbers that nothing can have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np

Damage = Callable[
    [bytes, bytes, np.random.Generator], bytes
]  # (content, another file of its kind, rng) → damaged

EXTREMES: Final = (0, 1, -1, 2**7 - 1, 2**15, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, 2**64 - 1)
TEXTS: Final = (
    *(b"0", b"-1", b"-0", b"1e999", b"NaN", b"Infinity", b"null", b"true", b'""', b"[]", b"{}"),
    *(b"9" * 20, b"9" * 400, b"9" * 5000, b"0.0000001", b"1e-400", b"4611686018427387904"),
    *(b'"\xff"', b'"\\ud800"', b"[" * 200, b'{"a":' * 50, b"1_000", b"\xd9\xa3", b"\x00", b"\r\n"),
)
_NUMBER: Final = re.compile(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def _place(content: bytes, rng: np.random.Generator) -> int:
    """A place: anywhere, or, half of the time, among the first bytes, where headers are."""
    end = len(content) if rng.random() < 0.5 else min(len(content), 128)
    return int(rng.integers(max(end, 1)))


def _span(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = _place(content, rng)
    return start, min(len(content), start + int(rng.integers(1, 64)))


def flip(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Changes some bits of a few bytes."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 4)) if changed else 0):
        changed[_place(content, rng)] ^= int(rng.integers(1, 256))
    return bytes(changed)


def cut(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Ends early."""
    return content[: _place(content, rng)]


def insert(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Has bytes too many."""
    at = len(content) if rng.random() < 0.2 else _place(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 40))) + content[at:]


def remove(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Lacks bytes."""
    start, stop = _span(content, rng)
    return content[:start] + content[stop:]


def repeat(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Has some bytes again, in another place."""
    (start, stop), at = _span(content, rng), _place(content, rng)
    return content[:at] + content[start:stop] + content[at:]


def blank(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Has zeros where a disk lost a sector."""
    start = _place(content, rng)
    stop = min(len(content), start + int(rng.choice([1, 16, 512, 4096])))
    return content[:start] + bytes(stop - start) + content[stop:]


def splice(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Begins as one file and ends as another."""
    at = _place(content, rng)
    return content[:at] + other[at if rng.random() < 0.5 else _place(other, rng) :]


def field(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Has an extreme value where a length, an offset or a count may be."""
    width = int(rng.choice([1, 2, 4, 8]))
    value: int = EXTREMES[int(rng.integers(len(EXTREMES)))] % 256**width
    at = _place(content, rng)
    order: Literal["little", "big"] = "little" if rng.random() < 0.5 else "big"
    return content[:at] + value.to_bytes(width, order) + content[at + width :]


def word(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Has another number, or none, in place of one in its text."""
    found = list(_NUMBER.finditer(content[: 1 << 16]))
    if not found:
        return field(content, other, rng)
    start, stop = found[int(rng.integers(len(found)))].span()
    return content[:start] + TEXTS[int(rng.integers(len(TEXTS)))] + content[stop:]


DAMAGES: Final[Sequence[Damage]] = (flip, cut, insert, remove, repeat, blank, splice, field, word)


def damaged(content: bytes, other: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """(kinds of damage, the damaged content): one kind, and sometimes more."""
    names: list[str] = []
    while not names or rng.random() < 0.2:
        kind = DAMAGES[int(rng.integers(len(DAMAGES)))]
        names.append(kind.__name__)
        content = kind(content, other, rng)
    return "+".join(names), content


def mended_length(content: bytes) -> bytes:
    """The length of a header of safetensors as it is, where a damaged header has another."""
    end = content.rfind(b"}", 0, 1 << 20) + 1
    return (max(end - 8, 0)).to_bytes(8, "little") + content[8:]


def generator(*seed: int) -> np.random.Generator:
    """Draws that are the same for the same numbers."""
    return np.random.default_rng(seed)
