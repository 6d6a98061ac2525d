"""Published numbers beside the distribution found here."""

from __future__ import annotations

import dataclasses

import numpy.typing as npt

from trainlab.evidence.intervals import run_interval


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
    ours = run_interval(values, level)
    return Replication(
        source=source,
        what=what,
        value=float(value),
        median=ours.center,
        low=ours.low,
        high=ours.high,
        inside=ours.contains(float(value)),
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
    low, high = ours - tolerance, ours + tolerance
    return Replication(source, what, value, ours, low, high, low <= value <= high, 1, 1.0, note)
