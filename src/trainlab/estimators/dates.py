"""A column of dates, and the columns of numbers that it becomes.

Axis letters: N rows.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from trainlab.data.dates import DAY, WRITTEN, Order, is_month, moment_of, moments, order_of
from trainlab.errors import DataError, sentence
from trainlab.estimators.cells import OWNER, Column, is_hole, is_period
from trainlab.network.workspace import Array

WEEKDAY: Final = "weekday"
PARTS: Final = ("year", "month", "day", WEEKDAY, "hour", "elapsed days")
"""What a date may become.  Weekdays begin with 0 for Monday; 7:30 is the hour 7.5."""

MOST_YEARS: Final = 290_000
"""The last year, before and after Christ, whose microseconds NumPy counts."""


def dates_of(cells: NDArray[Any], name: str, order: Order) -> Array:
    """The cells (N,) of a column as moments, NaN for holes; DataError for any other cell."""
    listed, texts = cells.tolist(), dict[str, float]()
    values = np.empty(len(listed))
    if cells.dtype.kind == "M":
        values, listed = _of_numpy(cells), list(cells)
    else:
        for row, cell in enumerate(listed):
            if isinstance(cell, str):
                if cell not in texts:
                    texts[cell] = math.nan if is_hole(cell) else moments(cell).get(order, math.inf)
                values[row] = texts[cell]
            elif is_hole(cell):
                values[row] = math.nan
            elif isinstance(cell, datetime.date):
                values[row] = moment_of(cell)
            elif is_period(cell):
                values[row] = _start_of(cell)
            else:
                is_date = isinstance(cell, np.datetime64)
                values[row] = _of_numpy(np.array([cell]))[0] if is_date else math.inf
    odd = np.isinf(values)
    if odd.any():
        must = f"hold dates {WRITTEN[order]}, or nothing, as in training"
        got = listed[np.flatnonzero(odd)[0]]
        raise DataError(sentence(f"column {name!r}", OWNER, must, got))
    return values


def _start_of(period: Any) -> float:
    """The first moment of a period; infinity of one for which pandas has none."""
    try:
        return moment_of(period.start_time)
    except (OverflowError, ValueError):
        return math.inf


def _of_numpy(cells: NDArray[Any]) -> Array:
    """Moments (N,), NaN for NaT; infinity for a year that no clock of microseconds shows."""
    years = cells.astype("datetime64[Y]").astype(np.int64) + 1970
    missing = np.isnat(cells)
    beyond = (np.abs(years) > MOST_YEARS) & ~missing
    # From NumPy 2.5 on they would be an OverflowError; before, other years.
    shown = np.where(beyond, np.array("NaT", cells.dtype), cells)
    values = np.asarray(shown.astype("datetime64[us]").astype(np.float64) / 1e6)
    values[beyond] = math.inf
    values[missing] = math.nan
    return values


def find_order(cells: NDArray[Any]) -> Order | None:
    """The order in which all of the cells (N,) but holes are dates; None where some are none."""
    if cells.dtype.kind in "biufc":
        return None
    if cells.dtype.kind == "M":
        return None if np.isnat(cells).all() else "ymd"
    texts, some = dict[str, None](), False
    for cell in cells.tolist():
        if isinstance(cell, str):
            texts[cell] = None
        elif not is_hole(cell):
            if not (isinstance(cell, (datetime.date, np.datetime64)) or is_period(cell)):
                return None
            some = True
    words = [text for text in texts if not is_hole(text)]
    return order_of(words) if words else "ymd" if some else None


def _are_months(cells: NDArray[Any]) -> bool:
    """Whether all of the cells (N,) but holes say a month, or more, and no day: see `is_month`."""
    if cells.dtype.kind == "M":
        return False
    different = (cell for cell in dict.fromkeys(cells.tolist()) if not is_hole(cell))
    return all(
        cell.freqstr.lstrip("0123456789").startswith(_WITHOUT_DAYS)
        if is_period(cell)
        else isinstance(cell, str) and is_month(cell)
        for cell in different
    )


_WITHOUT_DAYS: Final = ("M", "Q", "Y", "A")
"""How pandas begins the frequencies of months, quarters and years."""


@dataclass(frozen=True)
class Dates(Column):
    """A column of dates: their parts that differ in training, and the days that have passed.

    order  of year, month and day in texts
    parts  those of PARTS that it becomes
    first  the earliest day of training, from which days are counted, as days from 1970 on
    put    the median moment of training, the earlier of two, which stands in place of a hole
    holes  whether there were any: then a last column is 1 where there is a hole, else 0
    """

    order: Order
    parts: tuple[str, ...]
    first: int
    put: float
    holes: bool

    @classmethod
    def of(cls, cells: NDArray[Any], name: str, order: Order) -> Self:
        """The parts that differ in the rows, and the median."""
        values = dates_of(cells, name, order)
        filled = np.sort(values[~np.isnan(values)])
        holes = len(filled) < len(values)
        if not len(filled):
            return cls(order, PARTS[-1:], 0, 0.0, holes)
        found = _parts(filled, 0)
        calendar = [part for part in PARTS[:-1] if part != WEEKDAY or not _are_months(cells)]
        parts = (part for part in calendar if np.ptp(found[part]))
        put = float(filled[(len(filled) - 1) // 2])
        return cls(order, (*parts, PARTS[-1]), int(filled[0] // DAY), put, holes)

    def names(self, name: str) -> list[str]:
        """NAME and the part for each, and "NAME missing"."""
        return [f"{name} {part}" for part in self.parts] + [f"{name} missing"] * self.holes

    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """The parts, and where a date is missing."""
        values = dates_of(cells, name, self.order)
        missing = np.isnan(values)
        values[missing] = self.put
        found = _parts(values, self.first)
        made = [found[part] for part in self.parts]
        return np.stack([*made, missing] if self.holes else made, axis=1)

    def strange(self, cells: NDArray[Any], name: str) -> int:
        """Holes where training saw none."""
        return 0 if self.holes else int(np.isnan(dates_of(cells, name, self.order)).sum())


def _parts(values: Array, first: int) -> dict[str, Array]:
    """The parts of moments (N,) by name; days are counted from the day `first` on."""
    number = np.floor(values / DAY)
    day = number.astype(np.int64).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    made = (
        day.astype("datetime64[Y]").astype(np.int64) + 1970,
        month.astype(np.int64) % 12 + 1,
        (day - month).astype(np.int64) + 1,
        (number + 3) % 7,  # 1970 began with a Thursday
        (values - number * DAY) / 3600,
        (values - first * DAY) / DAY,
    )
    return {name: part.astype(np.float64) for name, part in zip(PARTS, made, strict=True)}
