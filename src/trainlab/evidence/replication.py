"""Published numbers beside the distribution found here."""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy.typing as npt

from trainlab.evidence.intervals import run_interval
from trainlab.settings import TEXT, Rule, either, is_real, real

_OURS: Final = Rule(
    lambda v: is_real(v) or (isinstance(v, float) and math.isnan(v)), "be a number or NaN", float
)


@dataclasses.dataclass(frozen=True)
class Replication:
    """A published number beside the distribution found here.

    `note` says why the two differ, or what the number is, where that is known.
    """

    source: str
    what: str
    value: float
    median: float
    low: float
    high: float
    inside: bool
    runs: int
    level: float
    note: str | None = None


def replicate(
    source: str,
    what: str,
    value: float,
    values: npt.ArrayLike,
    level: float = 0.99,
    note: str | None = None,
) -> Replication:
    """One row of a replication table: is the published value one that our runs could give?

    >>> replicate("notes", "loss", 2.1, [2.0, 2.1, 2.2, 2.3]).inside
    True
    """
    value = _check_value(source, what, value, note, "replicate")
    ours = run_interval(values, level)
    return Replication(
        source=source,
        what=what,
        value=value,
        median=ours.center,
        low=ours.low,
        high=ours.high,
        inside=ours.contains(value),
        runs=ours.count,
        level=level,
        note=note,
    )


def reproduce(
    source: str,
    what: str,
    value: float,
    ours: float,
    tolerance: float,
    note: str | None = None,
) -> Replication:
    """One row of a replication table for a number without randomness: equal or not.

    The interval is ours ± tolerance.

    >>> reproduce("notes", "derivative", 0.2, 0.2 + 1e-12, 1e-9).inside
    True
    """
    value = _check_value(source, what, value, note, "reproduce")
    ours = _OURS.check(ours, "ours", "reproduce")
    tolerance = real(0.0, closed="[)").check(tolerance, "tolerance", "reproduce")
    low, high = ours - tolerance, ours + tolerance
    return Replication(source, what, value, ours, low, high, low <= value <= high, 1, 1.0, note)


def _check_value(source: str, what: str, value: float, note: str | None, owner: str) -> float:
    """The published value; SettingError for it, or for the words about it."""
    TEXT.check(source, "source", owner)
    TEXT.check(what, "what", owner)
    either(TEXT, None).check(note, "note", owner)
    published: float = real().check(value, "value", owner)
    return published
