"""Tables that hold more than plain numbers: words, dates, formatted numbers, empty cells.

Order: what is said of a column, what the columns hold, what is read, what words may mean, what is
refused.
Axis letters: N rows, d features.
"""

from __future__ import annotations

import datetime
import math
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.cells import bare, is_missing, is_padded, is_rounded, looks_like_date
from trainlab.data.codes import GAP, codes_said
from trainlab.data.dates import DAY, Order, dates_as_numbers, moments, order_of
from trainlab.data.formats import NumberFormat, Writing, looks_numeric, measure_of
from trainlab.data.table import MAX_NUMBERS, Table, TableFile
from trainlab.errors import DataError, describe, sentence
from trainlab.estimators import TableEncoder
from trainlab.estimators.cells import BOOLEANS
from trainlab.estimators.dates import PARTS, dates_of
from trainlab.tables.refusals import NAMED, Fault, listed, of_features, refusal, too_large
from trainlab.terminal import counted

MAX_CELLS: Final = 1 << 26
"""Cells of a table with words: each is an object, 2 GiB in all."""
MAX_TEXT: Final = 1 << 28
"""Letters of all different texts of a table: they are in memory."""
MAX_LETTERS: Final = 1 << 21
"""Letters of all different words of a table: the file of its model lists them."""
MOST_WORDS: Final = 0.9
"""A column with more different words than this share of its rows names its rows."""
MOST_KINDS: Final = 20
"""Numbers of more different values are no kinds of things, whatever stands beside them."""
MOST_UNITS: Final = 4
"""Units of one column: codes such as 12A have more different letters."""
TOTALS: Final = ("total", "totals", "grand total", "sum", "mean", "average")
"""Words, in small letters, of a row that sums up those above it."""
EMPTIED: Final = "empty cells in their place, here and where the model is used"
"""What helps where numbers are codes for missing values."""
_USUAL: Final = TableEncoder()


@dataclass(frozen=True)
class ColumnSummary:
    """A column with words, dates, text, formatted numbers or holes.

    values  how many different words there are; None for other columns
    holes   how many rows have no value
    format  an example of how its numbers are written; None if they are plain
    dates   the order of year, month and day; None for columns that hold no dates
    text    whether it is read as text
    own     how many words have a column of their own in the model
    put     the number that the model puts in place of a hole; None, as `own`, without a model
    """

    name: str
    values: int | None
    holes: int
    own: int | None = None
    put: float | None = None
    format: str | None = None
    dates: Order | None = None
    text: bool = False

    @property
    def summary(self) -> str:
        """What there is, in words."""
        words = [] if self.values is None else [counted(self.values, "word")]
        words += [] if self.dates is None else ["dates"]
        words += ["text"] if self.text else []
        words += [] if self.format is None else [f"numbers written as {self.format}"]
        holes = [f"{counted(self.holes, 'row')} without a value"] if self.holes else []
        return ", ".join(words + holes)


def said(columns: Sequence[ColumnSummary]) -> str:
    """The columns in one line, of at most NAMED of them."""
    shown = ", ".join(f"{describe(one.name)} ({one.summary})" for one in columns[:NAMED])
    return shown + (", …" if len(columns) > NAMED else "")


def survey(opened: Callable[[], TableFile], names: Sequence[str]) -> dict[str, Writing]:
    """What the cells of the columns of a table show."""
    found = {name: Writing() for name in names}
    with opened() as table:
        for block in table.blocks((), names):
            for name, cells in block.text.items():
                found[name].add(cells)
    return found


def read_mixed(
    opened: Callable[[], TableFile],
    features: Sequence[str],
    target: str,
    words: Sequence[str],
    formats: Mapping[str, NumberFormat],
    text: Sequence[str] = (),
) -> tuple[NDArray[Any], list[str]]:
    """The features x (N, d) of a table, and the cells of the target.

    x is float64 with NaN for holes; of objects, with None for holes, where there are words or text.
    """
    cells = [name for name in features if name in words or name in text]
    numbers = [name for name in features if name not in cells]
    known = {name: _Known() for name in cells}
    parts, goal, count = [], list[str](), 0
    with opened() as table:
        for part in table.blocks(numbers, [*cells, target], holes=True, formats=formats):
            goal += part.text[target]
            parts.append(_shared(part, features, known))
            count += parts[-1].size
            if count > MAX_CELLS:
                must = f"be at most {MAX_CELLS} cells where some hold words, or nothing"
                raise DataError(sentence("table", str(table.path), must, f"{count} or more"))
            _check_letters(table.path, known, text)
    return np.concatenate(parts), goal


class _Known(dict[str, str | None]):
    """Cells of a column of words that were met, and the words that they hold: each once."""

    def __missing__(self, cell: str) -> str | None:
        self[cell] = found = None if is_missing(cell) else bare(cell)
        return found


def _shared(part: Table, features: Sequence[str], known: Mapping[str, _Known]) -> NDArray[Any]:
    """The cells of a block; equal words are one object."""
    if not known:
        return part.numbers
    words: dict[str, Any] = {
        name: [met[cell] for cell in part.text[name]] for name, met in known.items()
    }
    return replace(part, text=words).cells(features)


def dates_among(x: NDArray[Any], features: Sequence[str], words: Sequence[str]) -> dict[str, Order]:
    """The columns of words in x (N, d) that are dates, and the order in which they are written."""
    found = {}
    for name in words:
        cells = dict.fromkeys(x[:, features.index(name)].tolist())
        cells.pop(None, None)
        order = order_of(cells)
        if order is not None:
            found[name] = order
    return found


_READ: Final[Mapping[Order, str]] = {
    "ymd": "",
    "dmy": ", the day before the month",
    "mdy": ", the month before the day",
}


def dates_said(dates: Mapping[str, Order]) -> list[str]:
    """A sentence for each way in which columns are read as dates."""
    ways = defaultdict[Order, list[str]](list)
    for name, order in dates.items():
        ways[order].append(name)
    return [
        f"read as dates{_READ[order]}: {listed([*map(describe, names)])}; "
        f"--words {shlex.quote(names[0])} takes {'it' if len(names) == 1 else 'the first'} as words"
        for order, names in ways.items()
    ]


_LOST: Final = {
    is_padded: "has whole numbers with leading zeros, as {}: taken as numbers",
    is_rounded: "has whole numbers of many digits, as {}: their last digits are rounded",
}
"""What is told of numbers whose digits say more than they are taken for."""


def lost_said(opened: Callable[[], TableFile], numbers: Sequence[str]) -> list[str]:
    """A sentence for each column of numbers of which some lose digits that codes have."""
    found = dict[tuple[str, str], str]()
    if not numbers:  # or all rows would be read for nothing
        return []
    with opened() as table:
        for block in table.blocks((), numbers):
            for name in numbers:
                cells = dict.fromkeys(block.text[name])
                for lost, told in _LOST.items():
                    if (code := next(filter(lost, cells), None)) is not None:
                        found.setdefault((name, told), bare(code))
    return [
        f"{describe(name)} {told.format(code)}; --words {shlex.quote(name)} takes them as words"
        for (name, told), code in found.items()
    ]


# --- what words may mean ---------------------------------------------------------------


@dataclass(frozen=True)
class Meaning:
    """What most words of a column seem to be, with an example, and what would help.

    drop  whether it helps to leave the column out, too
    """

    what: str
    remedy: str
    drop: bool = True


_CLOCK: Final = re.compile(r"\s*[0-9]{1,2}:")
_ORDINAL: Final = re.compile(r"[0-9]+(st|nd|rd|th)", re.IGNORECASE)
"""A place in an order, as 1st: a word, and no number with a unit."""
_LETTERED: Final = re.compile(r"[0-9]+[A-Za-z]")
"""A whole number and a letter: 5g is a measure, 171a a code."""
_LETTERS: Final = frozenset("ghklmstwyGKLMTVW")
"""Units of one letter, without those with which codes begin to count."""

_SIGNED: Final = re.compile(r".*[0-9][.,][0-9]+[-\u2212]")
"""A number such as 12.50-; without decimals it may be a mark, as the 2- of a school."""


def alike(name: str, counts: Mapping[str, int], what: str = "words") -> Iterator[str]:
    """A warning where words differ in case alone: they are one thing more often than not.

    Booleans are one word whatever their case; as classes they are as they are written.
    """
    words = [word for word in counts if what != "words" or word.lower() not in BOOLEANS]
    if pair := differing_in_case(words):
        yield (
            f"{describe(name)} has {what} that differ in case alone, as {pair}; "
            "try one case, if they mean the same"
        )


def differing_in_case(words: Iterable[str]) -> str:
    """Two words that differ in case alone; "" where there are none.

    >>> differing_in_case(["No", "yes", "Yes"]), differing_in_case(["no", "yes"])
    ("'yes' and 'Yes'", '')
    """
    cased = dict[str, str]()
    for word in words:
        first = cased.setdefault(word.casefold(), word)
        if first != word:
            return f"{describe(first)} and {describe(word)}"
    return ""


def meaning(counts: Mapping[str, int]) -> Meaning | None:
    """What the words of a column seem to be, where they seem to be none; counts: rows of each."""
    half = sum(counts.values()) / 2
    dates = [word for word in counts if looks_like_date(word)]
    if sum(counts[word] for word in dates) > half:
        return _of_dates(counts, dates)
    measures = (word for word in counts if not _ORDINAL.fullmatch(word))
    units = {word: unit for word in measures if (unit := measure_of(word))}
    few = len(set(units.values())) <= MOST_UNITS
    are_codes = all(map(_LETTERED.fullmatch, units)) and not _LETTERS.issuperset(units.values())
    if few and not are_codes and sum(counts[word] for word in units) > half:
        first, unit = next(iter(units.items()))
        odd = next((word for word in counts if units.get(word) != unit), None)
        if odd is None:  # a target, whose labels stay as they are written
            return None
        shown = f"{describe(first)} beside {describe(odd)}"
        return Meaning(f"numbers with units, as {shown}", "the same unit in all cells")
    signed = [word for word in counts if _SIGNED.fullmatch(word) and looks_numeric(word[:-1])]
    numeric = [word for word in counts if looks_numeric(word)]
    if signed and sum(counts[word] for word in (*signed, *numeric)) > half:
        what = f"negative numbers with the sign behind them, as {describe(signed[0])}"
        return Meaning(what, "the sign in front of the number")
    return None


def _of_dates(counts: Mapping[str, int], dates: Sequence[str]) -> Meaning:
    """Of words of which most are dates or times: why they are not read as such."""
    remedy = "dates such as 2024-12-31 in all cells"
    if not any(map(moments, dates)):
        what = f"dates or times, as {describe(dates[0])}"
        hours = "numbers in their place, such as the hour"
        years = "years of four digits, as 2024-12-31 or 2024-12"
        return Meaning(what, hours if _CLOCK.match(dates[0]) else years)
    odd = next((word for word in counts if not moments(word)), None)
    if odd is not None:
        return Meaning(f"dates, but for {describe(odd)}", *_instead(odd, remedy))
    day = next((word for word in dates if "mdy" not in moments(word)), None)
    month = next((word for word in dates if "dmy" not in moments(word)), None)
    what = f"dates or times, as {describe(dates[0])}"  # of a target
    if day and month:
        shown = f"{describe(day)} and {describe(month)}"
        what = f"dates, some with the day first and some with the month, as {shown}"
    elif order_of(dates) is None:
        doubtful = next(word for word in dates if "ymd" not in moments(word))
        what = f"dates whose day and month cannot be told apart, as {describe(doubtful)}"
    return Meaning(what, remedy)


def _instead(odd: str, remedy: str) -> tuple[str, bool]:
    """What helps against a word, and whether leaving out its column does."""
    if odd.casefold() in TOTALS:
        return f"the table without the row of {describe(odd)}", False
    return remedy, True


def hint(name: str, found: Meaning, *options: str) -> str:
    """A warning that the words of a column seem to be none; options: that help, too."""
    remedy = ", or ".join((found.remedy, *options))
    return f"{describe(name)} is read as words, and seems to hold {found.what}; try {remedy}"


# --- what is refused -------------------------------------------------------------------


def _check_letters(path: Path, known: Mapping[str, _Known], text: Sequence[str]) -> None:
    letters = {name: sum(map(len, met)) for name, met in known.items()}
    long = {name: letters.pop(name) for name in text if name in letters}
    if sum(letters.values()) > MAX_LETTERS:
        for name in list(letters):  # dates are not listed in a file
            if order_of(filter(None, known[name].values())) is not None:
                del letters[name]
    for what, found, most in (("words", letters, MAX_LETTERS), ("texts", long, MAX_TEXT)):
        if sum(found.values()) > most:
            worst = max(found, key=lambda name: found[name])
            must = f"have different {what} of at most {most} letters together"
            got = f"{len(known[worst])} or more in {describe(worst)}"
            raise refusal([of_features(path, must, {worst: got})])


def judged(
    path: Path,
    x: NDArray[Any],
    features: Sequence[str],
    words: Sequence[str],
    formats: Mapping[str, NumberFormat],
    dates: Mapping[str, Order],
    text: Sequence[str],
    rows: NDArray[np.intp],
    worded: Collection[str],
) -> tuple[tuple[ColumnSummary, ...], list[Fault], list[str]]:
    """The columns that are not of plain numbers, what is wrong with any, and what may be.

    rows    (N,), the numbers of the rows of x in the table, from 0 on
    worded  of the words those that were asked for
    """
    columns, faults, width = [], defaultdict[tuple[str, str, bool], dict[str, str]](dict), 0
    hints, numbers = list[str](), dict[str, NDArray[np.float64]]()
    for place, name in enumerate(features):
        cells, counts = x[:, place], None
        if name in text:
            holes = sum(cell is None for cell in cells.tolist())
            width += _USUAL.text_width
        elif name in words:
            counts = Counter(cells.tolist())
            holes = counts.pop(None, 0)
            width += min(len(counts), _USUAL.max_categories)
        elif name in dates:
            holes = sum(cell is None for cell in cells.tolist())
            width += len(PARTS)
            days = dates_of(cells, name, dates[name]) / DAY + _TO_1970
            hints += codes_said(describe(name), days, EMPTIED, _day_of, GAP)
        else:
            numbers[name] = cells.astype(np.float64)
            holes = int(np.isnan(numbers[name]).sum())
            hints += codes_said(describe(name), numbers[name], EMPTIED)
            hints += dates_as_numbers(name, numbers[name], f", or --words {shlex.quote(name)}")
            width += 1
        width += bool(holes)
        format = str(formats[name]) if name in formats else None
        values = None if counts is None else len(counts)
        kinds: dict[str, Any] = {"dates": dates.get(name), "text": name in text}
        columns.append(ColumnSummary(name, values, holes, format=format, **kinds))
        is_asked = name in worded
        seems = None if is_asked else meaning(counts or {})
        wrong = [*_faults(name, counts, len(x) - holes, seems, is_asked)]
        for must, got, remedy, drop in wrong:
            faults[must, remedy, drop][name] = got
        hints += alike(name, counts or {})
        if seems is not None and not wrong:
            options = [f"--drop {shlex.quote(name)}"] if seems.drop else []
            hints.append(hint(name, seems, *options))
    if len(x) * width > MAX_NUMBERS:
        most = max(columns, key=lambda one: one.values or 0).name
        must = f"become at most {MAX_NUMBERS} numbers"
        raise refusal([of_features(path, must, {most: f"{width} columns of {len(x)} rows"})])
    unusual = (one for one in columns if one.summary)
    told = [
        of_features(path, must, got, remedy, drop) for (must, remedy, drop), got in faults.items()
    ]
    return tuple(unusual), told + too_large(path, numbers, rows), hints


_TO_1970: Final = float(datetime.date(1970, 1, 1).toordinal())
"""Days before 1970: 0 would be no code."""


def _day_of(days: float) -> str:
    """A day by its number in the calendar of Python."""
    return str(datetime.date.fromordinal(math.floor(days)))


def _faults(
    name: str, counts: Counter[str] | None, filled: int, seems: Meaning | None, is_asked: bool
) -> Iterator[tuple[str, str, str, bool]]:
    """What a column must be, what it is, what helps, and whether leaving it out does, too.

    counts  of words, None of numbers
    """
    shown = describe(name)
    if not filled:
        yield "have a value in some row", f"none in {shown}", "", True
    if not counts:
        return
    if is_slip(counts, filled) and not is_asked:
        odd = next(word for word in counts if not looks_numeric(word))
        got = f"{describe(odd)} among the numbers of {shown}"
        must = "hold numbers, or words and few different numbers"
        is_code = any(map(str.isdigit, odd))  # as 12A
        empty = f"{f'--words {shlex.quote(name)}, or ' * is_code}nothing in such cells"
        yield must, got, *_instead(odd, seems.remedy if seems else empty)
    elif names_rows(counts, filled):
        must = "be numbers, or words that rows have in common"
        got = f"{len(counts):,} different ones in {counted(filled, 'row')} of {shown}"
        if seems is None:
            yield must, got, "", True
        else:
            yield must, f"{got} ({seems.what})", seems.remedy, seems.drop


def is_slip(counts: Mapping[str, int], filled: int) -> bool:
    """Whether words of so many rows each, `filled` in all, are numbers but for some.

    Of a column of many different numbers others are slips more often than not.
    """
    numeric = [word for word in counts if looks_numeric(word)]
    mostly = 2 * sum(counts[word] for word in numeric) >= filled
    return MOST_KINDS < len(numeric) < len(counts) and mostly


def names_rows(counts: Mapping[str, int], filled: int) -> bool:
    """Whether words of so many rows each, `filled` in all, are names that rows do not share."""
    return len(counts) > MOST_WORDS * filled or max(counts.values()) < _USUAL.min_frequency
