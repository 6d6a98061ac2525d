"""Faults of a table, told all at once, with the options of the command line that help."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainlab.errors import DataError, describe

NAMED: Final = 5
"""Columns, or classes, that one sentence names."""
MOST_OPTIONS: Final = 50
LARGEST: Final = 1e150
"""The size of a number at most: squares of larger ones overflow float64, alone or in sums."""


@dataclass(frozen=True)
class Fault:
    """What is wrong: a sentence without its remedy; options that help, and what else does."""

    text: str
    options: tuple[str, ...] = ()
    or_else: str = ""


def of_features(
    path: Path, must: str, found: Mapping[str, str], or_else: str = "", drop: bool = True
) -> Fault:
    """Columns, each with what was found in it, that are not what features must be.

    drop  whether it helps to leave them out
    """
    text = f"features of {path} must {must}; got {listed([*found.values()])}"
    options = tuple(f"--drop {shlex.quote(name)}" for name in found) if drop else ()
    return Fault(text, options, or_else)


def too_large(
    path: Path, found: Mapping[str, NDArray[np.float64]], rows: NDArray[np.intp]
) -> list[Fault]:
    """Columns of numbers (N,), NaN for holes, some of which are larger than LARGEST.

    rows  (N,), the numbers of the rows in the table, from 0 on
    """
    got = dict[str, str]()
    for name, values in found.items():
        places = np.flatnonzero(np.abs(values) > LARGEST)
        if len(places):
            where = ", ".join(str(row + 1) for row in rows[places[:NAMED]].tolist())
            more = ", …" if len(places) > NAMED else ""
            row = "row" if len(places) == 1 else "rows"
            value = describe(float(values[places[0]]))
            got[name] = f"{value} in {row} {where}{more} of {describe(name)}"
    must = f"hold numbers between -{LARGEST:g} and {LARGEST:g}"
    remedy = "an empty cell where it stands for a missing value"
    return [of_features(path, must, got, remedy)] if got else []


def listed(words: Sequence[str]) -> str:
    """The first of the words."""
    return ", ".join(words[:NAMED]) + (", …" if len(words) > NAMED else "")


def refusal(faults: Sequence[Fault]) -> DataError:
    """One error that tells all faults."""
    options = list(dict.fromkeys(option for one in faults for option in one.options))
    more = " …" if len(options) > MOST_OPTIONS else ""
    others = dict.fromkeys(one.or_else for one in faults if one.or_else)
    remedies = [" ".join(options[:MOST_OPTIONS]) + more] if options else []
    remedy = ", or ".join([*remedies, *others])
    text = "; and ".join(one.text for one in faults)
    return DataError(f"{text}; try {remedy}" if remedy else text)
