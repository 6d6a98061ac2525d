"""Columns of which nothing can be learnt: which they are, and why they are left out.

Axis letters: N rows, d features.
"""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.labels import EXACT
from trainlab.errors import describe
from trainlab.network.workspace import Array
from trainlab.tables.columns import TOTALS, is_slip, meaning, names_rows

EMPTY: Final = "no value in any row"
CONSTANT: Final = "one value in all rows"
ROUNDED_TO_ONE: Final = f"{CONSTANT}, to 16 digits"
"""They may differ in what they are written as."""
NUMBERS: Final = "it numbers the rows"
NAMES: Final = "it names the rows"
HELP: Final = {NAMES: "--text {} reads it", ROUNDED_TO_ONE: "--words {} takes it as words"}
TOTAL: Final = (
    "the last row is learnt like any other, but its numbers are the sums or means of those above "
    "them; if these are totals, try to delete it"
)
ROUNDED: Final = 1e-3
"""The relative error of a mean that is written with few digits."""
LEAST_NUMBERED: Final = 20
"""Rows from which on different whole numbers are no accident."""
SHOWN: Final = 20
"""Columns that a notice names."""


def needless(
    x: NDArray[Any],
    features: Sequence[str],
    words: Collection[str],
    others: Collection[str],
    used: Collection[str],
) -> dict[str, str]:
    """The columns of x (N, d) of which nothing can be learnt, each with the reason.

    words   of these which are words;  others: dates and text

    Those that are `used` stay, whatever they hold.  Of columns with the same cells the first stays.
    """
    found, seen = dict[str, str](), defaultdict[Hashable, list[int]](list)
    for place, name in enumerate(features):
        cells = x[:, place]
        if name in words or name in others:
            reason = _of_cells(cells, name in words)
            key: Hashable = name in words, hash(tuple(cells.tolist()))
        else:
            cells = cells.astype(np.float64) + 0.0  # of which −0 is 0
            reason = _of_numbers(cells)
            key = hashlib.sha256(cells.tobytes()).digest()
        if not reason:
            same = (one for one in seen[key] if _are_equal(x[:, one], x[:, place]))
            if (first := next(same, None)) is not None:
                reason = f"the same as {describe(features[first])}"
        if reason and name not in used:
            found[name] = reason
        else:
            seen[key].append(place)
    return found


def told(found: Mapping[str, str]) -> list[str]:
    """A sentence for each reason for which columns are left out."""
    names = defaultdict[str, list[str]](list)
    for name, reason in found.items():
        names[reason].append(describe(name))
    said = []
    for reason, those in names.items():
        more = f" and {len(those) - SHOWN:,} more" if len(those) > SHOWN else ""
        first = next(name for name, why in found.items() if why == reason)
        help = f"; {HELP[reason].format(shlex.quote(first))}" if reason in HELP else ""
        said.append(f"left out: {', '.join(those[:SHOWN])}{more} ({reason}{help})")
    return said


def _of_cells(cells: NDArray[Any], are_words: bool) -> str:
    """Why words or dates (N,), None for holes, say nothing; "" if they may say something."""
    counts = Counter(cells.tolist())
    holes = counts.pop(None, 0)
    if not counts:
        return EMPTY
    if len(counts) == 1 and not holes:
        return CONSTANT
    filled = len(cells) - holes
    unsaid = are_words and names_rows(counts, filled) and not is_slip(counts, filled)
    return NAMES if unsaid and meaning(counts) is None else ""


def _of_numbers(values: Array) -> str:
    """Why numbers (N,), NaN for holes, say nothing; "" if they may say something."""
    missing = np.isnan(values)
    if missing.all():
        return EMPTY
    if not missing.any() and values.min() == values.max():
        return CONSTANT if abs(values[0]) < EXACT else ROUNDED_TO_ONE
    return NUMBERS if numbers_rows(values) else ""


def is_total(x: NDArray[Any], worded: Sequence[bool], y: NDArray[Any]) -> bool:
    """Whether the last row of x (N, d) and of y (N,) is of totals.

    Its words, in the columns that are `worded`, are none or say so, and its numbers are the sums
    of those above them, or the means but for rounding.

    >>> x = np.array([[1.0, 5.0], [2.0, 7.0], [4.0, 3.0], [7.0, 15.0]])
    >>> is_total(x, [False, False], x[:, 0]), is_total(x[:3], [False, False], x[:3, 0])
    (True, False)
    """
    words = np.array(worded, bool)
    numbers = x[:, ~words].astype(np.float64)
    if y.dtype.kind in "if":
        numbers = np.column_stack([numbers, y])
    said = {str(cell or "").casefold() for cell in x[-1, words]}
    numbers = numbers[:, np.isfinite(numbers[-1])]
    above, last, there = numbers[:-1], numbers[-1], np.isfinite(numbers[:-1])
    with np.errstate(over="ignore"):
        sums = np.where(there, above, 0.0).sum(axis=0)
    means = sums / np.maximum(there.sum(axis=0), 1)
    equal = np.isclose(last, sums) | np.isclose(last, means, rtol=ROUNDED)
    telling = ((above != last) & there).any(axis=0)  # in a constant column all are the mean
    enough = telling.any() and telling.sum() + len(said - {""}) >= 2
    return bool(enough and equal.all() and said <= {"", *TOTALS})


def _are_equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two columns have the same cells, NaN and None among them."""
    equal = (one == other) | ((one != one) & (other != other))  # NaN is not itself
    return bool(np.all(equal))


def numbers_rows(values: Array) -> bool:
    """Whether values (N,) do no more than number the rows, as an id does.

    Whole numbers, all different, hardly fewer than there are between the least and the
    greatest: a half.

    >>> numbers_rows(np.arange(30.0)[::-1]), numbers_rows(np.arange(30.0) % 29)
    (True, False)
    """
    return _are_numbered(values) and bool(values.max() - values.min() < 2 * len(values))


def follows_rows(values: Array) -> bool:
    """Whether values (N,) are different whole numbers that go up, or down, with the rows.

    >>> follows_rows(np.arange(30.0) ** 2), follows_rows(np.roll(np.arange(30.0), 1))
    (True, False)
    """
    if not _are_numbered(values):
        return False
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())


def _are_numbered(values: Array) -> bool:
    """Whether there are enough values, all of them whole and different."""
    whole = len(values) >= LEAST_NUMBERED and bool((values == np.rint(values)).all())
    return whole and bool((np.diff(np.sort(values)) > 0).all())
