"""What separates the cells of a text table: a comma, a semicolon, a tab or a bar.

The first lines decide: each mark is tried, and the one that gives all of them the same number
of cells, more than one, is taken.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from trainlab.data.lines import BOM, HEAD, Fault
from trainlab.errors import SettingError, sentence

NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE: Final = 200
"""Lines that are looked at."""
# Excel writes this line above the names of the columns, and follows it when it reads.
_SAID: Final = re.compile(r'"?sep=(.)"?\s*')


@dataclass(frozen=True)
class TextLayout:
    """How the text of a table is laid out.

    delimiter  between cells
    above      lines above the names of the columns
    width      cells of most rows in the sample;  header: of the first of them
    titles     lines, after those above, that have another number of cells than all below
    """

    delimiter: str
    above: int
    width: int
    header: int
    titles: int


def delimiter_of(text: str | None) -> str | None:
    r"""The delimiter that is asked for: one character, or the name of one; None for none.

    >>> delimiter_of("tab"), delimiter_of(";"), delimiter_of(None)
    ('\t', ';', None)
    """
    if text is None:
        return None
    named = {name: mark for mark, name in NAMES.items()}
    mark = named.get(text, text) if isinstance(text, str) else ""
    if len(mark) != 1 or mark in '"\r\n\0':
        must = f"be one character, or one of {', '.join(NAMES.values())}"
        raise SettingError(sentence("delimiter", "a table", must, text, "--delimiter semicolon"))
    return mark


def layout(head: bytes, skip: int, delimiter: str | None, fault: Fault) -> TextLayout:
    """The layout of a table whose text begins with these bytes.

    DataError where two marks fit equally well.
    """
    text = head.removeprefix(BOM).decode("utf-8", "replace")
    lines = io.StringIO(text, newline="\n").readlines()  # a form feed in a cell ends no line
    if len(head) == HEAD and len(lines) > 1:
        lines.pop()  # which may be cut
    above = lines[skip : skip + 1]
    said = _SAID.fullmatch(above[0]) if above else None
    if said and delimiter in (None, said[1]):
        skip, delimiter = skip + 1, said[1]
    sample = lines[skip : skip + SAMPLE]
    whole = len(head) < HEAD and len(lines) <= skip + SAMPLE
    widths = {mark: _widths(sample, mark, whole) for mark in ([delimiter] if delimiter else NAMES)}
    mark = delimiter or _best(widths, fault)
    found = widths[mark]
    usual = _usual([width for _, width in found])
    header = found[0][1] if found else 0
    below = [place for place, (_, width) in enumerate(found) if width == usual]
    titles = 0
    if below and all(width == usual for _, width in found[below[0] :]) and len(below) > 1:
        titles = found[below[0] - 1][0] if below[0] else _padded(sample, mark)
    return TextLayout(mark, skip, usual, header, titles)


def _widths(sample: Sequence[str], mark: str, whole: bool) -> list[tuple[int, int]]:
    """(its last line, its cells) of each row that is not empty, as far as it can be read."""
    rows, found = csv.reader(sample, delimiter=mark), list[tuple[int, int]]()
    with contextlib.suppress(csv.Error):  # which is named where the table is read
        found.extend((rows.line_num, len(row)) for row in rows if row)
    return found if whole or len(found) < 2 else found[:-1]  # which may be cut


def _padded(sample: Sequence[str], mark: str) -> int:
    """The lines above the first row without an empty cell, if each has one cell that is not empty.

    Spreadsheets write a title so, with as many marks as the rows below have.  Of two columns the
    first alone may have a name.
    """
    rows = csv.reader(sample, delimiter=mark)
    with contextlib.suppress(csv.Error):
        before = 0
        for row in rows:
            filled = sum(map(bool, map(str.strip, row)))
            if filled > 1:
                return before if filled == len(row) > 2 else 0
            before = rows.line_num
    return 0


def _usual(widths: Sequence[int]) -> int:
    """The most frequent width above 1; of equally frequent ones the first."""
    counts = Counter(width for width in widths if width > 1)
    return counts.most_common(1)[0][0] if counts else 1


def _best(widths: dict[str, list[tuple[int, int]]], fault: Fault) -> str:
    """The mark with which all rows have as many cells; else that with which most have."""
    even = {
        mark: found[0][1]
        for mark, found in widths.items()
        if found and found[0][1] > 1 and len({width for _, width in found}) == 1
    }
    most = [mark for mark in even if even[mark] == max(even.values())]
    if len(most) > 1:
        names = " and ".join(NAMES[mark] for mark in most)
        must = "be one of comma, semicolon, tab and bar"
        got = f"{even[most[0]]} cells in each line with {names}"
        raise fault("delimiter", must, got, f"--delimiter '{most[0]}' (delimiter= in Python)")
    if most:
        return most[0]
    shares = {
        mark: sum(width == usual for _, width in found)
        for mark, found in widths.items()
        if (usual := _usual([width for _, width in found])) > 1
    }
    return max(shares, key=lambda mark: shares[mark]) if shares else ","
