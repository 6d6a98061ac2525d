"""How the numbers of a column are written: 1,234.5 or 1.234,5, $3, 12 % or 0.32 kg.

Order: one format, one cell, a column of cells, the columns of a table.

"1,234" alone may be 1234 or 1.234.  The other cells of its column decide, then the user, then
the other columns of the table; what stays open is refused.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from trainlab.data.cells import NUMBER, SheetNumber, bare, is_missing, number
from trainlab.errors import SettingError, describe, sentence

Decimal = Literal["point", "comma"]
DECIMALS: Final[dict[Decimal, str]] = {"point": ".", "comma": ","}
PERCENT: Final = "%"
MINUS: Final = "\u2212"
"""The minus sign of typesetters."""
_CODES: Final = """
AUD BRL CAD CHF CNY CZK DKK EUR Fr Ft GBP HKD HUF INR JPY KRW Kč MXN NOK NZD PLN R$ RMB RUB SEK
SGD TRY US$ USD ZAR kr zł
"""
CURRENCIES: Final = frozenset(_CODES.split())
"""Those that are written in letters; a single sign such as $ or € is known to Unicode."""

# Each group sign as a pattern: typesetters have apostrophes and spaces of their own.
_GROUPS: Final = {"": "", ",": ",", ".": r"\.", "'": "['\u2019]", " ": "[ \xa0\u2009\u202f]"}
_PARTS: Final = re.compile(
    r"(?P<sign>[+\-\u2212]?)(?P<before>[^\d\s+\-\u2212.,'\u2019()]{0,3})\s*"
    r"(?P<second>[+\-\u2212]?)"
    r"(?P<digits>(?:[0-9.,'\u2019 \xa0\u2009\u202f]*[0-9.,])(?:[eE][+-]?[0-9]+)?)"
    r"\s*(?P<after>[^\d\s+\-\u2212.,'\u2019()]{0,16})"
)
# A negative amount of accountants, as (12.50), $(12.50) or (12.50) €.
_BRACKETS: Final = re.compile(r"([^\d\s()]{0,3})\(([^()]+)\)\s*([^\d()]{0,3})")
_CENTS: Final = re.compile(r",[0-9]{2}\)")
_MEASURES: Final = "°µ²³/·%‰"
"""What units of measure have beside letters."""
_SHORT: Final = 64
"""Cells of at most so many characters are cached."""
MIXED: Final = "be numbers that are written in one way, in one unit"
UNCLEAR: Final = "leave no doubt whether a comma or a point is their decimal sign"


def check_decimal(decimal: Decimal | None) -> None:
    """Raise SettingError for anything but None and DECIMALS."""
    if decimal is not None and not (isinstance(decimal, str) and decimal in DECIMALS):
        raise SettingError(sentence("decimal", "a table", "be 'point', 'comma' or None", decimal))


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Parameters
    ----------
    decimal
        The decimal sign, "." or ",".
    group
        The sign between groups of three digits: ",", ".", "'", " ", or "" for none; groups
        of two, as in 1,23,456, are read where it is a comma.  Numbers without groups are
        read as well.
    unit
        A sign such as "$" or a code such as "EUR", before or after the number; "%" or a unit
        of measure such as "kg", after it; or "".  Numbers without a currency are read as
        numbers of this currency; "12" is neither "12 %" nor "12 kg".

    Examples
    --------
    >>> euros = NumberFormat(",", ".", "€")
    >>> euros.read("-1.234,50 €"), euros.read("7"), euros.read("1.5"), str(euros)
    (-1234.5, 7.0, nan, '1.234,5 €')
    >>> euros.read("(1.234,50) €"), euros.read("\u22127")
    (-1234.5, -7.0)
    """

    decimal: str = "."
    group: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        known = _is_unit(self.unit) or is_measure(self.unit)
        if (self.decimal, self.group) not in _PATTERNS or not known:
            must = "be a decimal sign, another sign between groups, and a unit"
            raise SettingError(sentence("format", "numbers", must, (*vars(self).values(),)))

    def read(self, cell: str) -> float:
        """The number in a cell; NaN where there is none, or where it is written in another way."""
        if isinstance(cell, SheetNumber):  # not written at all: its text is ours
            known = cell.unit == self.unit or (not cell.unit and _is_currency(self.unit))
            return number(cell.removesuffix(cell.unit)) if known else math.nan
        parts = _parts(bare(cell))
        if parts is None:
            return math.nan
        sign, digits, unit = parts
        if unit != self.unit and (unit or not _is_currency(self.unit)):
            return math.nan
        if not _PATTERNS[self.decimal, self.group].fullmatch(digits):
            return math.nan
        if self.group:
            digits = re.sub(_GROUPS[self.group], "", digits)
        value = float(sign + digits.replace(self.decimal, "."))
        return value if math.isfinite(value) else math.nan

    def __str__(self) -> str:
        """An example."""
        digits = f"1{self.group}234{self.decimal}5"
        return f"{self.unit}{digits}" if self.unit == "$" else f"{digits} {self.unit}".rstrip()


def grouped(decimal: str, unit: str = "") -> NumberFormat:
    """The format with this decimal sign, and the other of the two between groups."""
    return NumberFormat(decimal, "," if decimal == "." else ".", unit)


def _pattern(decimal: str, group: str) -> re.Pattern[str]:
    mark, sign = re.escape(decimal), _GROUPS[group]
    groups = f"(?:{sign}[0-9]{{{2 if group == ',' else 3},3}})*{sign}[0-9]{{3}}"
    whole = f"(?:[1-9][0-9]{{0,2}}{groups}|[0-9]+)" if group else "[0-9]+"
    return re.compile(f"(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?")


# In the order of preference: of the formats that fit a column the first is taken.
_PATTERNS: Final = {
    (decimal, group): _pattern(decimal, group)
    for decimal in ".,"
    for group in _GROUPS
    if group != decimal
}


def _is_currency(text: str) -> bool:
    return (len(text) == 1 and unicodedata.category(text) == "Sc") or text in CURRENCIES


def _is_unit(text: str) -> bool:
    return text in ("", PERCENT) or _is_currency(text)


def is_measure(text: str) -> bool:
    """Whether a text may be a unit of measure: letters, and the signs of km/h, m² and °C."""
    letters = all(sign.isalpha() or sign in _MEASURES for sign in text)
    return letters and bool(text) and not _is_unit(text)


def _parts(text: str) -> tuple[str, str, str] | None:
    """Sign, digits and unit of a number, however it is written; None for a word."""
    negative = _BRACKETS.fullmatch(text)
    if negative is not None:
        before, inside, after = negative.groups()
        parts = _parts(f"{before}{bare(inside)}{after}") if _is_unit(before or after) else None
        return ("-", *parts[1:]) if parts and not parts[0] else None
    found = _PARTS.fullmatch(text)
    if found is None:
        return None
    sign, before, second, digits, after = found.groups()
    if (sign and second) or (before and after) or before == PERCENT:
        return None
    known = _is_unit(before or after) or is_measure(after)
    return ((sign or second).replace(MINUS, "-"), digits, before or after) if known else None


# --- one cell --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """What one cell shows: the formats that fit its digits, its unit, and two of its habits."""

    fits: frozenset[tuple[str, str]]
    unit: str
    marked: bool  # has a point or a comma
    rounded: bool  # and ends in 0 after it
    bracketed: bool  # is a negative number in brackets


def _look(cell: str) -> _Look | None:
    """What a cell shows; None for a word."""
    # Long cells are not cached: together they could fill the memory.
    return (_cached if len(cell) <= _SHORT else _looked)(cell)


def _looked(cell: str) -> _Look | None:
    parts = _parts(bare(cell))
    if parts is None:
        return None
    _, digits, unit = parts
    fits = frozenset(one for one, pattern in _PATTERNS.items() if pattern.fullmatch(digits))
    marked = "." in digits or "," in digits
    rounded, bracketed = marked and digits.endswith("0"), "(" in cell
    return _Look(fits, unit, marked, rounded, bracketed) if fits else None


_cached: Final = functools.lru_cache(maxsize=1 << 14)(_looked)


def looks_numeric(cell: str) -> bool:
    """Whether a cell is a number in one format or another, without a unit of measure.

    >>> [looks_numeric(cell) for cell in ("12", "$1,234", "1,5 %", "1.2.3", "5 kg", "")]
    [True, True, True, False, False, False]
    """
    look = _look(cell)
    return look is not None and not is_measure(look.unit)


def measure_of(cell: str) -> str:
    """The unit of measure of a number in a cell; "" where there is no such unit.

    >>> measure_of("0.32 kg"), measure_of("$3"), measure_of("red")
    ('kg', '', '')
    """
    look = _look(cell)
    return look.unit if look is not None and is_measure(look.unit) else ""


# --- a column --------------------------------------------------------------------------


@dataclass
class Writing:
    """What the cells of a column show of how its numbers are written."""

    fits: frozenset[tuple[str, str]] = frozenset(_PATTERNS)
    units: dict[str, str] = field(default_factory=dict)  # each with a cell that has it
    plain: bool = True  # all of them are numbers as programs write them
    text: bool = False  # there is a cell that is neither empty nor a number
    marked: str = ""  # the first cell with a point or a comma
    telling: str = ""  # the first cell that not all formats fit
    clash: str = ""  # the cell with which no format fits all
    unmarked: bool = False
    rounded: bool = False
    bare: bool = False  # there is a number without brackets
    settled: bool = False  # plain numbers say no more
    cents: bool = True  # those in brackets have no comma but before their last two digits
    comma: bool = False  # other columns have a decimal comma, or it is asked for

    def add(self, cells: Iterable[str]) -> None:
        """Looks at more cells."""
        for cell in dict.fromkeys(cells):
            if not (self.settled and NUMBER.fullmatch(cell)):
                self._add(cell)

    def _add(self, cell: str) -> None:
        plain = not math.isnan(number(cell))
        if not plain and is_missing(cell):
            return
        self.plain &= plain
        if isinstance(cell, SheetNumber):  # not written at all: it does not tell how others are
            self.units.setdefault(cell.unit, cell)
            self.bare = True
            return
        look = _look(cell)
        if look is None:
            self.text = True
            return
        fits = look.fits
        if len(fits) < len(_PATTERNS):
            self.telling = self.telling or cell
            if self.fits and not self.fits & fits:
                self.clash = cell
        self.fits &= fits
        self.units.setdefault(look.unit, cell)
        self.marked = self.marked or (cell if look.marked else "")
        self.unmarked |= not look.marked
        self.rounded |= look.rounded
        self.bare |= not look.bracketed
        self.cents &= "," not in cell or _CENTS.search(cell) is not None
        # Every format with a point fits plain numbers: they say no more than this.
        commas = any(decimal == "," for decimal, _ in self.fits)
        self.settled = "" in self.units and self.bare and not commas

    @property
    def words(self) -> bool:
        """Whether it holds words.

        Numbers are told apart by a unit that they do not share, too.  Brackets around all of them,
        as in (1,2), are no signs but where they are `negative`.
        """
        mixed = len(self.units) > 1 and any(map(is_measure, self.units))
        bracketed = bool(self.units) and not self.bare
        return self.text or mixed or (bracketed and not self.negative)

    @property
    def negative(self) -> bool:
        """Whether all of them are in brackets, and can be nothing but negative amounts.

        (1,2) may be a pair, (3) a mark and (0.5 %) a share beside a count.  A decimal point, a sign
        between groups beside another decimal sign, or a currency says that they are not; and so do
        two digits behind each comma where other columns have a decimal comma.
        """
        if not self.units or self.bare or not all(u == "" or _is_currency(u) for u in self.units):
            return False
        in_groups = bool(self.fits) and all(group for _, group in self.fits)
        amounts = self.comma and self.cents and self.shows == ","
        return self.shows == "." or any(self.units) or in_groups or amounts

    @property
    def decimals(self) -> frozenset[str]:
        """The signs that may be the decimal sign.

        People and programs write either the same number of decimals in every cell, or no 0 at
        the end.  So where one cell has no mark, and another has one and ends in 0, the mark is
        not a decimal sign.  Plain numbers are exempt: "1.250" is what a program may write.
        """
        found = frozenset(decimal for decimal, _ in self.fits)
        if len(found) == 2 and self.marked and self.unmarked and self.rounded and not self.plain:
            found -= {"," if "," in self.marked else "."}
        return found

    @property
    def contested(self) -> bool:
        """Whether a mark may be a decimal sign as well as one between groups."""
        return bool(self.marked) and len(self.decimals) == 2

    @property
    def shows(self) -> str:
        """The decimal sign, if the column leaves no doubt about it; else ""."""
        return "".join(self.decimals) if self.marked and len(self.decimals) == 1 else ""

    def fault(self) -> str | None:
        """Why it is not a column of numbers of one unit, in one format."""
        if self.clash:
            return f"{describe(self.telling)} and {describe(self.clash)}"
        named = [unit for unit in self.units if unit]
        if len(named) > 1 or (PERCENT in named and "" in self.units):
            first, second, *_ = self.units.values()
            return f"{describe(first)} and {describe(second)}"
        return None

    def format(self, decimal: str) -> NumberFormat | None:
        """The format, with this decimal sign where either may be it; None for plain numbers."""
        among = {decimal} if self.contested and decimal else self.decimals
        sign, group = next(one for one in _PATTERNS if one in self.fits and one[0] in among)
        found = NumberFormat(sign, group, next(filter(None, self.units), ""))
        return None if self.plain and found == NumberFormat() else found


# --- the columns of a table ------------------------------------------------------------


@dataclass(frozen=True)
class Formats:
    """How the columns of a table write their numbers.

    found   the formats of the columns whose numbers are not plain
    faults  what is wrong with others, {what it must be: {name: what was found}}
    """

    found: Mapping[str, NumberFormat]
    faults: Mapping[str, Mapping[str, str]]


def formats(
    columns: Mapping[str, Writing], decimal: Decimal | None = None, in_doubt: bool = False
) -> Formats:
    """The formats of the columns of a table that hold nothing but numbers.

    Parameters
    ----------
    columns
        What their cells show.
    decimal
        The decimal sign where a column leaves it open; None: that of the other columns, if
        they agree.
    in_doubt
        Whether "1.234" may be 1234 though no other column says so.
    """
    shown = {one.shows for one in columns.values() if not one.words} - {""}
    for one in columns.values():
        one.comma = decimal == "comma" or (decimal is None and shown == {","})
    numeric = {name: one for name, one in columns.items() if one.units and not one.words}
    shown = {one.shows for one in numeric.values()} - {""}
    sign = DECIMALS[decimal] if decimal else "".join(shown) if len(shown) == 1 else ""
    found, faults = dict[str, NumberFormat](), dict[str, dict[str, str]]()
    for name, one in numeric.items():
        fault = one.fault()
        if fault:
            faults.setdefault(MIXED, {})[name] = f"{fault} in {describe(name)}"
        elif one.contested and not sign and (in_doubt or not one.plain):
            first, second = (one.format(sign) or NumberFormat() for sign in ".,")
            either = f"{first.read(one.marked):g} or {second.read(one.marked):g}"
            got = f"{describe(one.marked)} in {describe(name)}, which is {either}"
            faults.setdefault(UNCLEAR, {})[name] = got
        else:
            format = one.format(sign)
            found |= {} if format is None else {name: format}
    return Formats(found, faults)
