"""One cell of a table: white space around it, whether it has a value, its number, a date."""

from __future__ import annotations

import math
import re
from typing import Final

NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WEEKDAY: Final = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)\.?,? "
)
"""What may stand in front of a day."""
_PADDED: Final = re.compile(r"[+-]?0[0-9]+")
_LONG: Final = re.compile(r"[+-]?[0-9]{16,308}")
_MISSING: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "inf", "-inf"})
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY: Final = "|".join(
    (
        r"\d{4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,2}",
        r"\d{1,2}(?P<sign>[-/.])\d{1,2}(?P=sign)(?:\d{2}|\d{4})",
        rf"\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}",
        rf"{_MONTH} \d{{1,2}},? \d{{4}}",
    )
)
_TIME: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[ap]m|z|[+-]\d{2}:?\d{2})?"
_YEAR: Final = r"(?:1[6-9]|2[01])\d{2}"
_NAME: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WHOLE_MONTH: Final = "|".join(
    (
        rf"{_YEAR}[-/](?:0?[1-9]|1[0-2])",
        rf"(?:0?[1-9]|1[0-2])[-/]{_YEAR}",
        rf"{_NAME}\.?[ -]{_YEAR}",
        rf"{_YEAR}[ -]{_NAME}\.?",
        rf"{_NAME}-\d{{2}}",  # as Excel shows a month, and saves it in a CSV file
    )
)
_DATE: Final = re.compile(
    f"(?:{WEEKDAY})?(?:{_DAY})(?:[t ]{_TIME})?|{_WHOLE_MONTH}|{_TIME}", re.IGNORECASE
)
_SEASON: Final = re.compile(r"\d{2}(\d{2})[-/](\d{2})")
# Characters without width, which copying from web pages and spreadsheets leaves behind.
_UNSEEN: Final = "\u200b\u200e\u200f\u2060\ufeff"
# Unicode has no white space beyond U+3000.
_BLANKS: Final = "".join(filter(str.isspace, map(chr, range(0x3001)))) + _UNSEEN


class SheetNumber(str):
    """A number of a sheet as text: with a decimal point, whatever stands in other cells.

    >>> SheetNumber(1.234)
    '1.234'
    """

    __slots__ = ()

    @property
    def unit(self) -> str:
        """A percent sign, where the sheet shows one; else nothing."""
        return "%" if self.endswith("%") else ""


def bare(text: str) -> str:
    r"""Strip what cannot be seen from both ends: Unicode white space and zero-width characters.

    Names of columns, cells and labels all go through here, so that texts that look the same
    at their ends are the same.

    >>> bare("\ufeff red\xa0\u200b"), bare("\u3000")
    ('red', '')
    """
    return text.strip(_BLANKS)


def number(cell: str) -> float:
    r"""The number in a cell; NaN where there is none, as in a cell that is empty or a word.

    >>> number(" 1e-3\xa0"), number("1,5"), number("nan")
    (0.001, nan, nan)
    """
    plain = bare(cell)
    value = float(plain) if NUMBER.fullmatch(plain) else math.nan
    return value if math.isfinite(value) else math.nan


def is_padded(cell: str) -> bool:
    """Whether a cell is a whole number with zeros in front, as codes have them.

    >>> is_padded("007"), is_padded("0"), is_padded("0.5"), is_padded("00:30")
    (True, False, False, False)
    """
    return _PADDED.fullmatch(bare(cell)) is not None


def is_rounded(cell: str) -> bool:
    """Whether a cell is a whole number that float64 has no number for, as ids of 17 digits may be.

    >>> is_rounded("9007199254740993"), is_rounded("9007199254740992"), is_rounded("1e30")
    (True, False, False)
    """
    plain = bare(cell)
    return _LONG.fullmatch(plain) is not None and int(float(plain)) != int(plain)


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value: empty, or one of the words for that."""
    return bare(cell).lower() in _MISSING


def looks_like_date(cell: str) -> bool:
    """Whether a cell seems to be a date, a month of a year or a time of day.

    >>> [looks_like_date(cell) for cell in ("2024-05-12", "12 May 2024", "7:30 pm", "1.2.3", "12")]
    [True, True, True, False, False]
    """
    return _DATE.fullmatch(bare(cell)) is not None and not is_season(cell)


def is_season(cell: str) -> bool:
    """Whether a cell may say from which year to which, as a season does, and no month.

    >>> is_season("2010-11"), is_season("1999/00"), is_season("2010-12")
    (True, True, False)
    """
    found = _SEASON.fullmatch(bare(cell))
    return found is not None and (int(found[1]) + 1) % 100 == int(found[2])
