"""Numbers that look like codes for missing values, such as −999 among ages.

Axis letters: N rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROWS: Final = 5
"""Rows that have such a number, at least."""
SHARE: Final = 0.01
"""The share of all rows that they are, at least."""
MOST_CODES: Final = 3
"""Codes of a column, as 997, 998 and 999: don't know, refused, not asked."""
LEAST_VALUES: Final = 3
"""Other numbers of a column, at least: of fewer the range says little."""
GAP: Final = 2.0
"""Codes are further from all other numbers of the column than so many times their range."""
VAST: Final = 1000.0
"""From so many times their range on, whatever the digits of the code."""
SAMPLE: Final = 256
"""Rows that are looked at, at least, to see in which columns there may be codes at all."""
_DIGITS: Final = re.compile(r"7+|8+|9*[7-9]")
"""Those of codes, as 9, 99, 998 and 77; a 24 among 1 to 8, as in the Boston data, is an amount."""


def codes_of(values: NDArray[Any], vast: float = VAST) -> tuple[list[float], NDArray[Any]]:
    """Numbers of a column (N,) that look like codes for missing values; and the others, sorted.

    Many rows have each of them, and they stand far outside all the others; nearer ones have the
    digits of a code, or are negative where the others are not.  NaN is no number here, and 0 no
    code: it is mostly an amount.

    vast  codes of any digits are further away than so many times half the range of the others

    >>> ages, others = codes_of(np.array([20, 35, 50, 65] * 5 + [-999] * 5))
    >>> ages, others.tolist()
    ([-999.0], [20, 35, 50, 65])
    """
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    least = max(ROWS, SHARE * len(there))
    for end in (np.min, np.max):
        others, codes = there, list[float]()
        while len(others) and len(codes) < MOST_CODES:
            code = end(others)
            is_code = others == code
            if code == 0 or is_code.sum() < least:
                break
            others = others[~is_code]
            codes.append(float(code))
            if len(others) and _are_apart(codes, float(others.min()), float(others.max()), vast):
                own = np.unique(others)
                if len(own) >= LEAST_VALUES:
                    return sorted(codes), own
    return [], there[:0]


def may_have_codes(x: NDArray[Any]) -> list[int]:
    """The columns of finite x (N, d) that may have codes, found quickly.

    Codes are so far away that nothing but them lies between a third and two thirds of the way
    from the least number to the largest.

    >>> may_have_codes(np.array([[20, 30, 40, 65], [20, 30, 40, 999]]).T)
    [1]
    """
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    third, some = high / 3 - low / 3, x[:: max(1, len(x) // SAMPLE)]
    between = (some > low + third) & (some < high - third)
    return np.flatnonzero((low < high) & ~between.any(axis=0)).tolist()


def _are_apart(codes: Sequence[float], low: float, high: float, vast: float) -> bool:
    """Whether codes stand far outside the others, and the last of them is the nearest."""
    gap = max(low / 2 - codes[-1] / 2, codes[-1] / 2 - high / 2)
    written = all(map(_is_written_so, codes)) or max(codes) < 0 <= low
    return gap > (GAP if written else vast) * (high / 2 - low / 2)


def _is_written_so(code: float) -> bool:
    """Whether a number has the digits of a code for missing values."""
    digits = f"{abs(code):.15g}".replace(".", "")
    return _DIGITS.fullmatch(digits) is not None


CODES: Final = "looks like a code for missing values"
"""What a warning of such a number says."""


def codes_said(
    name: str,
    values: NDArray[Any],
    remedy: str,
    written: Callable[[float], str] = "{:.6g}".format,
    vast: float = VAST,
) -> Iterator[str]:
    """A sentence on the numbers of a column (N,) that look like codes, if there are any.

    written  a number as the sentence shows it
    vast     see codes_of
    """
    codes, others = codes_of(values, vast)
    if codes:
        shown = ", ".join(map(written, codes))
        share = float(np.isin(values, codes).mean())
        yield (
            f"{name} has {shown} in {share:.0%} of the rows, far outside the others, "
            f"{written(others[0])} to {written(others[-1])}: that {CODES}; try {remedy}"
        )
