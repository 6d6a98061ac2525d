"""Cells of a table: what is a hole, a number, a word; and the columns that they become.

Order: one cell, columns of cells, what no column holds, a column of numbers, a column of words.
Axis letters: N rows.
"""

from __future__ import annotations

import datetime
import math
import numbers
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self, TypeGuard

import numpy as np
from numpy.typing import NDArray

from trainlab.data.cells import bare, is_missing, number
from trainlab.data.formats import Writing
from trainlab.errors import DataError, sentence
from trainlab.network.workspace import Array

OWNER: Final = "TableEncoder"
NAMED: Final = "its name in words=, which names all columns of words"
BOOLEANS: Final = frozenset({"true", "false"})
"""Words, in small letters, that are one in any case of letters: programs differ in it."""
_PANDAS_HOLES: Final = frozenset({"NAType", "NaTType"})  # their == answers neither yes nor no


def is_hole(cell: Any) -> bool:
    """Whether there is no value: None, NaN, NA and NaT of pandas, or a word that says so.

    >>> [is_hole(cell) for cell in (None, float("nan"), " ", "NA", 0, "0", "red")]
    [True, True, True, True, False, False, False]
    """
    if isinstance(cell, str):
        return is_missing(cell)
    if cell is None or type(cell).__name__ in _PANDAS_HOLES:
        return True
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(cell))
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return isinstance(cell, (float, np.floating)) and math.isnan(cell)


def is_period(cell: Any) -> bool:
    """Whether a cell is a period of pandas, as a month."""
    return type(cell).__name__ == _PERIOD and hasattr(cell, "start_time")


def number_of(cell: Any) -> float:
    """The number in a cell; NaN for a word or a hole.

    >>> number_of(" 1e-3"), number_of(True), number_of("1,5")
    (0.001, 1.0, nan)
    """
    if isinstance(cell, str):
        return number(cell)
    if isinstance(cell, float):  # nearly all that are no text; the next test takes its time
        return float(cell)
    if not isinstance(cell, (numbers.Real, Decimal, np.bool_)):
        return math.nan
    if isinstance(cell, np.timedelta64):  # an integer to NumPy
        return math.nan
    try:
        return float(cell)
    except OverflowError:
        return math.inf
    except ValueError:  # Decimal("sNaN")
        return math.nan


def word_of(cell: Any) -> str:
    """The word in a cell that is no hole: without blanks around it; whole numbers without ".0".

    >>> word_of(" red"), word_of(7.0), word_of("007"), word_of(0.5)
    ('red', '7', '007', '0.5')
    """
    if isinstance(cell, (float, np.floating)):
        return str(cell).removesuffix(".0")
    return bare(str(cell))


# --- columns of cells ------------------------------------------------------------------


def holds_words(cells: NDArray[Any]) -> bool:
    """Whether any of the cells (N,) is neither a number nor a hole."""
    if cells.dtype.kind in "biuf":
        return False
    return any(math.isnan(number_of(cell)) and not is_hole(cell) for cell in cells.tolist())


def numbers_of(cells: NDArray[Any], name: str, booleans: bool = False) -> Array:
    """The cells (N,) of a column as float64, NaN for holes; DataError for any other cell.

    booleans  whether "TRUE" and "false", in any case of letters, are 1 and 0
    """
    if cells.dtype.kind in "biuf":
        values = cells.astype(np.float64)
        odd = np.isinf(values)
    else:
        listed = cells.tolist()
        if booleans:
            listed = [_boolean_of(cell) for cell in listed]
        values = np.array([number_of(cell) for cell in listed])
        odd = ~np.isfinite(values)
        odd[odd] = [not is_hole(listed[row]) for row in np.flatnonzero(odd)]
    if odd.any():
        got = cells[odd].tolist()[0]
        must = "hold finite numbers, or nothing, as in training"
        raise DataError(sentence(f"column {name!r}", OWNER, must, got))
    return values


def _boolean_of(cell: Any) -> Any:
    """The boolean that a text says; any other cell as it is."""
    word = bare(cell) if isinstance(cell, str) else None
    return word.lower() == "true" if _is_boolean(word) else cell


def are_booleans(cells: NDArray[Any]) -> bool:
    """Whether the cells (N,) that are no holes are booleans, no texts, and there are some."""
    if cells.dtype.kind != "O":
        return cells.dtype.kind == "b"
    filled = [cell for cell in cells.tolist() if not is_hole(cell)]
    return len(filled) > 0 and all(isinstance(cell, (bool, np.bool_)) for cell in filled)


def words_of(cells: NDArray[Any]) -> list[str | None]:
    """The cells (N,) of a column as words, None for holes."""
    read = _Read()
    return [read[cell] if type(cell) is str else _word(cell) for cell in cells.tolist()]


def one_case(words: list[str | None]) -> list[str | None]:
    """The words, booleans in the one case of letters that most rows have.

    >>> one_case(["TRUE", "true", None, "red", "true", "False"])
    ['true', 'true', None, 'red', 'true', 'False']
    """
    counts = Counter(word for word in words if _is_boolean(word))
    if not counts:
        return words
    ranked = sorted(counts, key=lambda word: (counts[word], word))
    spelt = {word.lower(): word for word in ranked}
    return [spelt[word.lower()] if _is_boolean(word) else word for word in words]


def _is_boolean(word: str | None) -> TypeGuard[str]:
    return word is not None and len(word) <= len("false") and word.lower() in BOOLEANS


# Types of cells that are neither numbers nor words; how to make numbers of a column {} of them.
_REFUSED: Final[Mapping[tuple[type, ...], str]] = {
    (datetime.timedelta, np.timedelta64): "pandas.TimedeltaIndex({}).total_seconds()",
    (datetime.date, np.datetime64): "pandas.DatetimeIndex({}).year",
    (datetime.time,): "[None if cell is None else cell.hour for cell in {}]",
    (complex, np.complexfloating): "numpy.real({})",
}
_PERIODS: Final = "pandas.PeriodIndex({}).year"
_PERIOD: Final = "Period"


def refuse_dates_and_complex(cells: NDArray[Any], name: str, column: str) -> None:
    """DataError if any of the cells (N,) is a date, a time or a complex number.

    As a word each date is another one, and none tells which is later.

    column  the column as an expression, for the remedy
    """
    if cells.dtype.kind in "biufUS":
        return
    listed = cells.tolist() if cells.dtype.kind == "O" else list(cells)
    for kind in {type(cell): None for cell in listed}:
        remedy = _remedy_for(kind)
        if remedy is not None:
            got = next(cell for cell in listed if type(cell) is kind)
            must = "hold numbers or words"
            instead = f"numbers in its place, such as {remedy.format(column)}"
            raise DataError(sentence(f"column {name!r}", OWNER, must, got, instead))


def _remedy_for(kind: type) -> str | None:
    if kind.__name__ in _PANDAS_HOLES:
        return None
    if kind.__name__ == _PERIOD:
        return _PERIODS
    return next((remedy for kinds, remedy in _REFUSED.items() if issubclass(kind, kinds)), None)


def refuse_formats(cells: NDArray[Any], name: str) -> None:
    """DataError if the texts among the cells (N,) are numbers, but not as programs write them.

    As a word each of "3,750" and "$1.01" is another one, and none tells which is more.
    """
    texts = [cell for cell in cells.tolist() if isinstance(cell, str)]
    writing = Writing()
    writing.add(texts)
    if writing.units and not writing.words and not writing.plain:
        got = next(text for text in texts if math.isnan(number(text)) and not is_missing(text))
        must = "hold numbers as programs write them, or words"
        instead = f"numbers in its place, or {NAMED}"
        raise DataError(sentence(f"column {name!r}", OWNER, must, got, instead))


def refuse_words(cells: NDArray[Any], name: str) -> None:
    """DataError if any of the cells (N,) of a column that no list of words names is a word."""
    if holds_words(cells):
        words = (c for c in cells.tolist() if math.isnan(number_of(c)) and not is_hole(c))
        must = "hold numbers, or nothing, where words= does not name it"
        raise DataError(sentence(f"column {name!r}", OWNER, must, next(words), NAMED))


class _Read(dict[str, str | None]):
    """Texts that were read: a column of words has few different ones, each many times."""

    def __missing__(self, text: str) -> str | None:
        self[text] = found = _word(text)
        return found


def _word(cell: Any) -> str | None:
    return None if is_hole(cell) else word_of(cell)


@dataclass(frozen=True)
class Column(ABC):
    """What one column of a table became: one or more columns of numbers."""

    @abstractmethod
    def names(self, name: str) -> list[str]:
        """The names of the columns that a column of this name becomes."""

    @abstractmethod
    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """The cells (N,) as numbers (N, columns), float64."""

    @abstractmethod
    def strange(self, cells: NDArray[Any], name: str) -> int:
        """How many of the cells are of a kind that training never saw."""


@dataclass(frozen=True)
class Numbers(Column):
    """A column of numbers.

    median  of the rows of training, which stands in place of a hole; 0 where all were holes
    holes   whether there were any: then a second column is 1 where there is a hole, else 0
    booleans  whether they were booleans, which a file has as texts
    """

    median: float
    holes: bool
    booleans: bool = False

    @classmethod
    def of(cls, cells: NDArray[Any], name: str) -> Self:
        """The median of the numbers, and whether there were holes."""
        values = numbers_of(cells, name)
        filled = values[~np.isnan(values)]
        return cls(_median(filled), len(filled) < len(values), are_booleans(cells))

    def names(self, name: str) -> list[str]:
        """NAME, and "NAME missing"."""
        return [name, f"{name} missing"] if self.holes else [name]

    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """The numbers, and where they are missing."""
        values = numbers_of(cells, name, self.booleans)
        missing = np.isnan(values)
        values[missing] = self.median
        return np.stack([values, missing] if self.holes else [values], axis=1)

    def strange(self, cells: NDArray[Any], name: str) -> int:
        """Holes where training saw none."""
        values = numbers_of(cells, name, self.booleans)
        return 0 if self.holes else int(np.isnan(values).sum())


def _median(values: Array) -> float:
    if not len(values):
        return 0.0
    values, middle = np.sort(values), len(values) // 2
    # Halved before they are added: the sum of two large numbers may be none.
    both = values[[middle, middle] if len(values) % 2 else [middle - 1, middle]] / 2
    return float(both[0] + both[1])


@dataclass(frozen=True)
class Words(Column):
    """A column of words: 1 in the column of the word that a row has, 0 in the others.

    values  the words that have a column of their own, sorted
    rare    the other words of training, sorted: where there are any they have a column together
    holes   whether there were any, which then have a column
    """

    values: tuple[str, ...]
    rare: tuple[str, ...]
    holes: bool

    @classmethod
    def of(cls, cells: NDArray[Any], least: int, most: int) -> Self:
        """The words of the rows: of those that `least` rows have the `most` frequent."""
        counts = Counter(one_case(words_of(cells)))
        holes = counts.pop(None, 0) > 0
        own = {word for word, count in counts.items() if word is not None and count >= least}
        if len(own) + (len(own) < len(counts)) > most:
            # Of equally many rows the later word, as scikit-learn does.
            ranked = sorted(own, key=lambda word: (counts[word], word))
            own = set(ranked[len(ranked) - most + 1 :])
        rest = {word for word in counts if word is not None} - own
        return cls(tuple(sorted(own)), tuple(sorted(rest)), holes)

    def names(self, name: str) -> list[str]:
        """NAME=word for each, "NAME other", "NAME missing"."""
        last = [f"{name} other"] * bool(self.rare) + [f"{name} missing"] * self.holes
        return [f"{name}={value}" for value in self.values] + last

    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """One 1 in each row, or none for what training did not see."""
        places: dict[str | None, int] = {word: place for place, word in enumerate(self.values)}
        width = len(self.values) + bool(self.rare) + self.holes
        if self.holes:
            places[None] = width - 1
        unknown = len(self.values) if self.rare else width
        found = [places.get(word, unknown) for word in self.known(cells)]
        ones = np.zeros((len(found), width + 1))
        ones[np.arange(len(found)), found] = 1
        return ones[:, :width]

    def known(self, cells: NDArray[Any]) -> list[str | None]:
        """The cells (N,) as words, None for holes; booleans as training has spelt them."""
        seen = {*self.values, *self.rare}
        spelt = {word.lower(): word for word in sorted(seen) if _is_boolean(word)}
        found = words_of(cells)
        if not spelt:
            return found
        return [
            spelt.get(word.lower(), word) if _is_boolean(word) and word not in seen else word
            for word in found
        ]

    def strange(self, cells: NDArray[Any], name: str) -> int:
        """Words that no row of training had; holes where there were none."""
        seen: set[str | None] = {*self.values, *self.rare}
        seen |= {None} if self.holes else set()
        return sum(word not in seen for word in self.known(cells))
