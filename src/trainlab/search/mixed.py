"""Tables that hold more than numbers: words, and cells without a value.

Order: what is said of a column, which columns hold words, what is read, what is refused.
Axis letters: N rows, d features.
"""

from __future__ import annotations

import math
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.table import MAX_NUMBERS, Table, TableFile, is_missing, number
from trainlab.errors import DataError, describe, sentence
from trainlab.estimators import TableEncoder

MAX_CELLS: Final = 1 << 26
"""Cells of a table with words: each is an object, 2 GiB in all."""
MAX_LETTERS: Final = 1 << 21
"""Letters of all different words of a table: the file of its model lists them."""
MOST_WORDS: Final = 0.9
"""A column with more different words than this share of its rows names its rows."""
MOST_KINDS: Final = 20
"""Numbers of more different values are no kinds of things, whatever stands beside them."""
NAMED: Final = 5
"""Columns that one sentence names."""
_USUAL: Final = TableEncoder()
_KINDS: Final = "hold numbers, or words and few different numbers"


@dataclass(frozen=True)
class Column:
    """A column with words or holes.

    values  how many different words; None of numbers
    holes   rows without a value
    own     words that have a column of their own in a model, and
    put     the number that stands there in place of holes; None where there is no model yet
    """

    name: str
    values: int | None
    holes: int
    own: int | None = None
    put: float | None = None

    @property
    def summary(self) -> str:
        """What there is, in words."""
        words = [] if self.values is None else [_counted(self.values, "word")]
        holes = [f"{_counted(self.holes, 'row')} without a value"] if self.holes else []
        return ", ".join(words + holes)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


@dataclass(frozen=True, eq=False)
class Mixed:
    """A table: x (N, d), objects where there are words, else float64 with NaN for holes.

    text     the cells of the target
    columns  those that hold words or holes, in the order of the features
    """

    x: NDArray[Any]
    text: list[str]
    columns: tuple[Column, ...]


def said(columns: Sequence[Column]) -> str:
    """The columns in one line, of at most NAMED of them."""
    shown = ", ".join(f"{describe(one.name)} ({one.summary})" for one in columns[:NAMED])
    return shown + (", …" if len(columns) > NAMED else "")


def read_mixed(path: Path, features: Sequence[str], target: str) -> Mixed | None:
    """The columns of a CSV file; None where all features are numbers in all rows.

    A column holds words if any cell is no number, and does not say that there is no value.
    DataError for what is no table, and for columns that say nothing, or nothing in common.
    """
    words, holes = _kinds(path, features)
    if not words and not holes:
        return None
    numbers = [name for name in features if name not in words]
    known = {name: _Known() for name in words}
    parts, text, count = [], list[str](), 0
    with TableFile(path) as table:
        for part in table.blocks(numbers, [*words, target], holes=True):
            text += part.text[target]
            parts.append(_shared(part, features, known))
            count += parts[-1].size
            if count > MAX_CELLS:
                must = f"be at most {MAX_CELLS} cells where some hold words, or nothing"
                raise DataError(sentence("table", str(path), must, f"{count} or more"))
            _check_letters(path, known)
    x = np.concatenate(parts)
    columns = _judged(path, x, features, words)
    return Mixed(x, text, columns)


def _kinds(path: Path, features: Sequence[str]) -> tuple[list[str], bool]:
    """The columns that hold words, and whether any holds holes."""
    words, holes = set[str](), False
    with TableFile(path) as table:
        for block in table.blocks((), features):
            for name, cells in block.text.items():
                odd = [cell for cell in cells if math.isnan(number(cell))]
                missing = sum(map(is_missing, odd))
                holes |= missing > 0
                words |= {name} if missing < len(odd) else set()
    return [name for name in features if name in words], holes


class _Known(dict[str, str | None]):
    """Cells of a column of words that were met, and the words that they hold: each once."""

    def __missing__(self, cell: str) -> str | None:
        self[cell] = found = None if is_missing(cell) else cell.strip()
        return found


def _shared(part: Table, features: Sequence[str], known: Mapping[str, _Known]) -> NDArray[Any]:
    """The cells of a block; equal words are one object."""
    if not known:
        return part.numbers
    words: dict[str, Any] = {
        name: [met[cell] for cell in part.text[name]] for name, met in known.items()
    }
    return replace(part, text=words).cells(features)


# --- what is refused -------------------------------------------------------------------


def _check_letters(path: Path, known: Mapping[str, _Known]) -> None:
    letters = {name: sum(map(len, met)) for name, met in known.items()}
    if sum(letters.values()) > MAX_LETTERS:
        worst = max(letters, key=lambda name: letters[name])
        must = f"have different words of at most {MAX_LETTERS} letters together"
        got = f"{len(known[worst])} or more in {worst!r}"
        raise _refused(path, must, got, [worst])


def _judged(
    path: Path, x: NDArray[Any], features: Sequence[str], words: Sequence[str]
) -> tuple[Column, ...]:
    """The columns with words or holes; DataError for those that nothing can be learnt of."""
    columns, faults, width = [], defaultdict[str, dict[str, str]](dict), 0
    for place, name in enumerate(features):
        cells, counts = x[:, place], None
        if name in words:
            counts = Counter(cells.tolist())
            holes = counts.pop(None, 0)
            width += min(len(counts), _USUAL.max_categories) + bool(holes)
        else:
            holes = int(np.isnan(cells.astype(np.float64)).sum())
            width += 1 + bool(holes)
        columns.append(Column(name, None if counts is None else len(counts), holes))
        for must, got in _faults(name, counts, len(x) - holes):
            faults[must][name] = got
    for must, found in faults.items():
        or_else = ", or nothing in such cells" if must == _KINDS else ""
        raise _refused(path, must, _listed(found), list(found), or_else)
    if len(x) * width > MAX_NUMBERS:
        most = max(columns, key=lambda one: one.values or 0).name
        must = f"become at most {MAX_NUMBERS} numbers"
        raise _refused(path, must, f"{width} columns of {len(x)} rows", [most])
    return tuple(one for one in columns if one.values is not None or one.holes)


def _faults(name: str, counts: Counter[str] | None, filled: int) -> Iterator[tuple[str, str]]:
    """What a column must be and is not; counts: of words, None for a column of numbers."""
    shown = describe(name)
    if not filled:
        yield "have a value in some row", f"none in {shown}"
    if counts is None:
        return
    numeric = [word for word in counts if not math.isnan(number(word))]
    if len(numeric) > MOST_KINDS and 2 * sum(counts[word] for word in numeric) >= filled:
        word = next(word for word in counts if math.isnan(number(word)))
        yield _KINDS, f"{describe(word)} among the numbers of {shown}"
    elif len(counts) > MOST_WORDS * filled or max(counts.values()) < _USUAL.min_frequency:
        must = "be numbers, or words that rows have in common"
        yield must, f"{len(counts):,} different ones in {filled:,} rows of {shown}"


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join([*found.values()][:NAMED]) + (", …" if len(found) > NAMED else "")


def _refused(path: Path, must: str, got: str, names: Sequence[str], or_else: str = "") -> DataError:
    dropped = " ".join(f"--drop {shlex.quote(name)}" for name in names[:NAMED])
    more = " …" if len(names) > NAMED else ""
    return DataError(f"features of {path} must {must}; got {got}; try {dropped}{more}{or_else}")
