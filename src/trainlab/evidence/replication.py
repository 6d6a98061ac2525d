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

    Parameters
    ----------
    source, what : str
        Who published the number, and what it is.
    value : float
        The published number.
    median, low, high : float
        Our median, and the interval that holds one more run.
    inside : bool or None
        Whether the published number lies in the interval; None where there are too few runs for
        one.
    runs : int
        How many runs the interval rests on.
    level : float
        The probability of the interval.
    note : str, optional
        Why the two differ, or what the number is, where that is known.
    """

    source: str
    what: str
    value: float
    median: float
    low: float
    high: float
    inside: bool | None
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
    """Compare a published number with the distribution of our runs.

    Parameters
    ----------
    source, what : str
        Who published the number, and what it is.
    value : float
        The published number.
    values : array_like, shape (runs,)
        Our numbers.
    level : float, default 0.99
        The probability of the interval, in (0, 1).
    note : str, optional
        Why the two differ, where that is known.

    Returns
    -------
    Replication
        One row of a replication table; `inside` says whether our runs could give the value, and
        is None for fewer than two of them.

    Raises
    ------
    SettingError
        If an argument is not of its type, or `level` is not in (0, 1).

    See Also
    --------
    run_interval : The interval that is used.
    reproduce : The same for a number without randomness.

    Examples
    --------
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
        inside=ours.contains(value) if ours.count > 1 else None,
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
    """Compare a published number without randomness with ours: equal or not.

    Parameters
    ----------
    source, what : str
        Who published the number, and what it is.
    value : float
        The published number.
    ours : float
        Our number, or NaN.
    tolerance : float
        The interval is ours ± tolerance; >= 0.
    note : str, optional
        Why the two differ, where that is known.

    Returns
    -------
    Replication
        One row of a replication table, with the level 1 and one run.

    Raises
    ------
    SettingError
        If an argument is not of its type, or the tolerance is negative.

    Examples
    --------
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
