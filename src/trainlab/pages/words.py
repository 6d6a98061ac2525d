"""Numbers and names in words, fit for a page: short, visible, one reading direction at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from trainlab.terminal import printable

SENTENCE: Final = 2_000
"""Characters shown of any text; the longest sentence of a verdict has about 600."""
NAME: Final = 80
"""Characters shown of a name: more would leave no room beside it in a table."""
SMALLEST_P: Final = 0.001
"""Smaller p-values are not told apart: the seeds are too few to know them."""
LEAST_PLAIN: Final = 1e-4
MOST_PLAIN: Final = 1e15
"""A quantity between the two is written without a power of ten."""

_BLANKS: Final = str.maketrans("\t\n\r", "   ")


def visible(text: str, limit: int = SENTENCE) -> str:
    """The text in at most `limit` characters; what has no picture of its own is spelt out.

    White space becomes a space, other characters without a picture become escapes as in
    `terminal.printable`, and what is too long ends in an ellipsis.

    >>> visible("loss\\u202e\\n!"), visible("abcdef", 4)
    ('loss\\\\u202e !', 'abc…')
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return printable(cut.translate(_BLANKS))


def distinct(texts: Sequence[str], limit: int) -> list[str]:
    """Names, each visible in at most `limit` characters, so that what is left tells them apart.

    Of names that begin alike the letters that they share give way to those in which they differ.

    >>> distinct(["Department 7 of Sales", "Department 8 of Sales", "Board"], 12)
    ['Dep…7 of Sa…', 'Dep…8 of Sa…', 'Board']
    """
    cut = {text: visible(text, limit) for text in texts}
    pending = _alike(cut, cut)
    while pending:
        group = pending.pop()
        shared, head = _shared(group), limit // 4
        own = {text: visible(f"{text[:head]}…{text[shared:]}", limit) for text in group}
        cut |= own
        if head < shared and limit > head + 3:
            pending += (part for part in _alike(own, group) if len(part) < len(group))
    return [cut[text] for text in texts]


def _shared(texts: Sequence[str]) -> int:
    """How many letters all of them begin with."""
    first, last = min(texts), max(texts)  # what these share all share
    pairs = enumerate(zip(first, last, strict=False))
    return next((place for place, (one, other) in pairs if one != other), len(first))


def _alike(cut: Mapping[str, str], texts: Iterable[str]) -> list[list[str]]:
    """The texts that are cut to the same."""
    groups = defaultdict[str, list[str]](list)
    for text in texts:
        groups[cut[text]].append(text)
    return [group for group in groups.values() if len(group) > 1]


def name(text: str) -> str:
    """The name of an arm, a source or a data set, visible and short."""
    return visible(text, NAME)


def span(low: float, high: float) -> str:
    """An interval in words."""
    if math.isinf(low) and math.isinf(high):
        return "too few runs"
    return f"{number(low)} to {number(high)}"


def chance(p: float) -> str:
    """A p-value in words.

    >>> chance(0.0312), chance(1e-6), chance(math.nan)
    ('0.031', '< 0.001', '–')
    """
    if math.isnan(p):
        return "–"
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.2g}"


def signed(value: float) -> str:
    """A number with its sign; a dash for none."""
    if math.isnan(value):
        return "–"
    return f"+{number(value)}" if value > 0 else number(value)


def score(value: float, more: int = 0) -> str:
    """An accuracy or an R², to a tenth of a percent or `more` digits; a dash for none.

    >>> score(0.96667), score(-0.00134), score(-0.0001), score(float("nan"))
    ('0.967', '−0.001', '0.000', '–')
    """
    if math.isnan(value):
        return "–"
    return (
        _minus(f"{round(value, 3 + more) + 0.0:.{3 + more}f}")
        if abs(value) < 1000
        else number(value)
    )


def amount(value: float, more: int = 0) -> str:
    """A quantity in a unit, to four digits or `more`, as people write it; a dash for none.

    >>> amount(32_140.7), amount(-0.25), amount(1.5e-7), amount(float("nan")), amount(32_140.7, 2)
    ('32,140', '−0.2500', '1.5e−7', '–', '32,140.7')
    """
    if math.isnan(value):
        return "–"
    if not LEAST_PLAIN <= abs(value) < MOST_PLAIN and value != 0:
        return number(value)
    digits = 4 + more
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) < 1000:
        return _minus(f"{value:#.{digits}g}".rstrip("."))
    decimals = max(0, digits - len(f"{abs(rounded):.0f}"))
    return _minus(f"{rounded:,.{decimals}f}")


def number(value: float) -> str:
    """A number as verdicts and tables show it.

    >>> number(-0.19398), number(2.3025), number(1e-09), number(float("nan")), number(9999.96)
    ('−0.1940', '2.303', '1e−9', 'diverged', '1e4')
    """
    if math.isnan(value):
        return "diverged"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or 1e-3 <= abs(float(f"{value:.4g}")) < 1e4:
        return _minus(f"{value:#.4g}".rstrip("."))
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return _minus(f"{mantissa.removesuffix('.0')}e{int(exponent)}")


def _minus(text: str) -> str:
    """With a minus, after which no line breaks, as it would after a hyphen."""
    return text.replace("-", "−")
