"""The columns of numbers of a table: rows of cells in, numbers out, and what is wrong with them."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from trainlab.data.cells import is_missing, number
from trainlab.data.formats import DECIMALS, NumberFormat, grouped
from trainlab.errors import DataError, describe, sentence
from trainlab.terminal import counted

NAMED: Final = 5
"""Faults that one sentence names."""
# `float` takes more than numbers as programs write them (1_000, nan, other scripts' digits);
# of these characters it takes no more than that.
_PLAIN: Final = re.compile(r"[0-9+\-.eE]*")


class NumberReader:
    """Reads the numbers in rows, and remembers the first cell of each column that is not one."""

    def __init__(
        self, names: Sequence[str], holes: bool, formats: Mapping[str, NumberFormat]
    ) -> None:
        self._names, self._holes = names, holes
        self._formats = [formats.get(name) for name in names]
        self._plain = not any(self._formats)
        self.faults: dict[str, tuple[int, str]] = {}

    def __call__(self, cells: list[str], line: int) -> Iterable[float]:
        """The numbers in the cells of a row; NaN for missing and faulty ones."""
        if self._plain and _PLAIN.fullmatch("".join(cells)):
            with contextlib.suppress(ValueError):
                values = [float(cell) for cell in cells]
                if math.isfinite(sum(values)):
                    return values
        values = []
        for cell, name, format in zip(cells, self._names, self._formats, strict=True):
            value = number(cell) if format is None else format.read(cell)
            if not (math.isfinite(value) or (self._holes and is_missing(cell))):
                self.faults.setdefault(name, (line, cell))
            values.append(value)
        return values

    @contextlib.contextmanager
    def complaints(self, lines: str, path: Path) -> Iterator[None]:
        """Yield some rows; a DataError at their end reports their faults, and what ended them."""
        try:
            yield
        except DataError as error:
            if self.faults:
                raise DataError(f"{self._complaint(lines, path)}; and {error}") from error
            raise
        if self.faults:
            raise DataError(self._complaint(lines, path) + self._remedy())

    def _complaint(self, lines: str, path: Path) -> str:
        """The first cell of each column that is not a number."""
        (name, (line, cell)), *others = self.faults.items()
        format = self._formats[self._names.index(name)]
        example = "12 or -0.5 or 1e-3" if format is None else str(format)
        must = f"be a finite number, as {example}{', or empty' if self._holes else ''}"
        text = sentence(f"column {name!r} in {lines} {line}", str(path), must, cell)
        for name, (line, cell) in others[:NAMED]:
            text += f", and {describe(cell)} of column {describe(name)} in {lines} {line}"
        more = counted(len(others) - NAMED, "column")
        return text + (f", and {more} more" if others[NAMED:] else "")

    def _remedy(self) -> str:
        """The decimal sign with which some of these cells are numbers: the rest is told next."""
        known = dict(zip(self._names, self._formats, strict=True))
        units = {name: format.unit if format else "" for name, format in known.items()}
        fits = [
            f"--decimal {way}"
            for way, sign in DECIMALS.items()
            if any(
                math.isfinite(grouped(sign, units[name]).read(cell))
                for name, (_, cell) in self.faults.items()
            )
        ]
        return f"; try {' or '.join(fits)}" if fits else ""
