"""Dates and times as people and programs write them, in text.

A text is a day, with or without a time of day: 2024-12-31, 2024/12/31 17:30, 31.12.2024,
12/31/2024 5:30 pm, 31 Dec 2024, December 31, 2024, also with a weekday in front: Tue, 31 Dec 2024.
Or it is a month, which counts as its first day: 2024-12, 12/2024, Dec 2024, 2024 Dec.  A moment is
counted in seconds from the beginning of 1970 on, by the clock where it was written: a zone behind
a time says where that was, and moves nothing.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from trainlab.data.cells import WEEKDAY, bare, is_season
from trainlab.errors import describe

Order = Literal["ymd", "dmy", "mdy"]
ORDERS: Final[tuple[Order, ...]] = ("ymd", "dmy", "mdy")
"""The orders of year, month and day."""
WRITTEN: Final[Mapping[Order, str]] = {
    "ymd": "as 2024-12-31, or months as 2024-12",
    "dmy": "with the day before the month, as 31.12.2024",
    "mdy": "with the month before the day, as 12/31/2024",
}
"""Dates in each order, in words."""
DAY: Final = 86_400
"""Seconds of a day."""
LEAST_MONTHS: Final = 3
"""Different months in a column of numbers that seem to be months or days, at least."""
AS_NUMBERS: Final = "is read as numbers, and seems to hold"
"""What a warning of such numbers says."""
_REMEDIES: Final = {
    "months": "months such as 2024-12, which are read as dates",
    "dates": "dates such as 2024-12-31",
}
"""What helps."""

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_THURSDAY: Final = 3
"""The weekday of the epoch."""
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS: Final = (
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    r"(?P<one>\d{1,2})(?P<sign>[-/.])(?P<two>\d{1,2})(?P=sign)(?P<last>\d{4})",
    r"(?P<before>\d{1,2})(?P<gap>[ -])(?P<name>[a-z]{3,9})\.?(?P=gap)(?P<end>\d{4})",
    r"(?P<word>[a-z]{3,9})\.? (?P<after>\d{1,2}),? (?P<close>\d{4})",
)
_ZONE: Final = r"z|utc|gmt|[cew]es?t|[bijk]st|msk|[aecmp][sd]t|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?"
_TIME: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?"
    rf"(?: ?(?P<half>[ap])m)?(?: ?(?:{_ZONE}))?"
)
_YEAR: Final = r"(?:1[6-9]|2[01])\d{2}"  # a code such as 4711-02 is no month
_WHOLE_MONTHS: Final = (
    rf"(?P<of>{_YEAR})[-/](?P<number>\d{{1,2}})",
    rf"(?P<first>\d{{1,2}})[-/](?P<its>{_YEAR})",
    rf"(?P<called>[a-z]{{3,9}})\.?[ -](?P<own>{_YEAR})",
    rf"(?P<behind>{_YEAR})[ -](?P<then>[a-z]{{3,9}})\.?",
)
_DATE: Final = re.compile(
    f"(?:{WEEKDAY})?(?:{'|'.join(_DAYS)})(?:[t ]{_TIME})?|{'|'.join(_WHOLE_MONTHS)}",
    re.IGNORECASE | re.ASCII,
)
_YEARS_OF_MONTHS: Final = ("of", "its", "own", "behind")
_YEARS: Final = ("year", "end", "close", *_YEARS_OF_MONTHS)
_NUMBERS: Final = ("month", "number", "first")
_NAMES: Final = ("name", "word", "called", "then")
_DAYS_OF: Final = ("day", "before", "after")
"""Groups of _DATE, of which a text has one of each at most."""


def moments(text: str) -> Mapping[Order, float]:
    """The moments that a text may mean, by the order of its parts; none where it is no date.

    The order matters where a day is written in digits with the year at their end.  A weekday in
    front says which orders are right, and none is where it belongs to another day.

    >>> moments("1970-01-02"), moments("2.1.1970 0:00:30"), moments("31/31/1970")
    ({'ymd': 86400.0, 'dmy': 86400.0, 'mdy': 86400.0}, {'dmy': 86430.0, 'mdy': 2678430.0}, {})
    """
    found = _DATE.fullmatch(bare(text))
    if found is None:
        return {}
    part = found.groupdict()
    seconds = _seconds(part)
    if part["last"]:
        year, one, two = part["last"], part["one"], part["two"]
        said: dict[Order, tuple[str, int, str]] = {
            "dmy": (year, int(two), one),
            "mdy": (year, int(one), two),
        }
    else:
        number, name = (_first(part, *names) for names in (_NUMBERS, _NAMES))
        month, day = int(number) if number else _month(name), _first(part, *_DAYS_OF) or "1"
        said = dict.fromkeys(ORDERS, (_first(part, *_YEARS), month, day))
    days = {order: _day(int(year), month, int(day)) for order, (year, month, day) in said.items()}
    if named := part["weekday"]:
        at = _WEEKDAYS.index(named[:3].lower())
        days = {order: day for order, day in days.items() if (day + _THURSDAY) % 7 == at}
    known = {order: day * DAY + seconds for order, day in days.items()}
    return {order: moment for order, moment in known.items() if not math.isnan(moment)}


def is_month(text: str) -> bool:
    """Whether a text is a month of a year, without a day.

    >>> is_month("2024-12"), is_month("Dec 2024"), is_month("2024-12-01")
    (True, True, False)
    """
    found = _DATE.fullmatch(bare(text))
    return found is not None and any(found[name] for name in _YEARS_OF_MONTHS)


def order_of(texts: Iterable[str]) -> Order | None:
    """The order in which all of the texts are dates; None where it is in doubt, or some are none.

    Where all of them may be seasons, as 2010-11, they are none.

    >>> order_of(["31/12/2024", "1/2/2024"]), order_of(["1/2/2024"]), order_of(["2024-12-31"])
    ('dmy', None, 'ymd')
    """
    common, seasons = set(ORDERS), True  # and of no text nothing is said
    for text in texts:
        common.intersection_update(moments(text))
        seasons = seasons and is_season(text)
        if not common:
            return None
    if seasons or ("ymd" not in common and len(common) > 1):
        return None
    return next(order for order in ORDERS if order in common)


def moment_of(date: datetime.date) -> float:
    """The moment of a date or time of Python.

    >>> moment_of(datetime.date(1970, 1, 2)), moment_of(datetime.datetime(1970, 1, 1, 0, 1))
    (86400.0, 60.0)
    """
    days = float(date.toordinal() - _EPOCH)
    if not isinstance(date, datetime.datetime):
        return days * DAY
    return days * DAY + date.hour * 3600 + date.minute * 60 + date.second + date.microsecond / 1e6


def dates_as_numbers(
    name: str, values: NDArray[Any], or_else: str = "", remedy: str = ""
) -> Iterator[str]:
    """A warning where all numbers of a column (N,), NaN aside, seem to be dates.

    Such are months as 03.2024, 2024.03 and 202403, and days as 20240301.  They must be of some
    different months, so that prices and densities are none.

    or_else  another remedy, in place of dates as they are read
    remedy   the only one

    >>> list(dates_as_numbers("sold", np.array([3.2024, 12.2023, 4.202])))[0]
    "'sold' is read as numbers, and seems to hold months, as 03.2024; try months such as 2024-12, \
which are read as dates"
    """
    there = values[~np.isnan(values)]
    if not len(there) or there.min() < 1 or there.max() >= 2100_00_00:
        return
    for factor, form in (
        (1e4, "{month:02}.{year}"),
        (1e2, "{year}.{month:02}"),
        (1, "{year}{month:02}"),
        (1, "{year}{month:02}{day:02}"),
    ):
        whole = np.rint(there * factor)
        if not np.allclose(there * factor, whole, rtol=1e-7, atol=0):
            continue
        whole, days = np.divmod(whole, 100) if "day" in form else (whole, np.ones(len(whole)))
        if form.startswith("{month"):
            months, years = np.divmod(whole, 1e4)
        else:
            years, months = np.divmod(whole, 100)
        known = (months >= 1) & (months <= 12) & (years >= 1900) & (years < 2100)
        known &= (days >= 1) & (days <= 31)
        if known.all() and len(np.unique(months)) >= LEAST_MONTHS:
            shown = form.format(month=int(months[0]), year=int(years[0]), day=int(days[0]))
            kind = "dates" if "day" in form else "months"
            helps = remedy or f"{_REMEDIES[kind]}{or_else}"
            yield f"{describe(name)} {AS_NUMBERS} {kind}, as {shown}; try {helps}"


def _first(part: Mapping[str, str | None], *names: str) -> str:
    """The text of the one of some groups that is there; "" of none."""
    return next((text for name in names if (text := part[name])), "")


def _day(year: int, month: int, day: int) -> float:
    """Days from 1970 on; NaN for a day that no month has."""
    try:
        return float(datetime.date(year, month, day).toordinal() - _EPOCH)
    except ValueError:
        return math.nan


def _month(name: str) -> int:
    """The number of a month by its English name, or the first letters of it; 0 of another word."""
    short = "sep" if name.lower() == "sept" else name.lower()
    return next((n for n, month in enumerate(_MONTHS, 1) if month.startswith(short)), 0)


def _seconds(part: Mapping[str, str | None]) -> float:
    """Seconds from midnight on; NaN for a time that no clock shows."""
    if not part["hour"] or not part["minute"]:
        return 0.0
    hour, minute, second = int(part["hour"]), int(part["minute"]), float(part["second"] or 0)
    if part["half"]:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + 12 * (part["half"].lower() == "p")
    if hour > 23 or minute > 59 or second >= 60:
        return math.nan
    return hour * 3600 + minute * 60 + second
