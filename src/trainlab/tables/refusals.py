"""Faults of a table, told all at once, with the options of the command line that help."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trainlab.errors import DataError

NAMED: Final = 5
"""Columns, or classes, that one sentence names."""
MOST_OPTIONS: Final = 50


@dataclass(frozen=True)
class Fault:
    """What is wrong: a sentence without its remedy; options that help, and what else does."""

    text: str
    options: tuple[str, ...] = ()
    or_else: str = ""


def of_features(path: Path, must: str, found: Mapping[str, str], or_else: str = "") -> Fault:
    """Columns, each with what was found in it, that are not what features must be."""
    text = f"features of {path} must {must}; got {listed([*found.values()])}"
    return Fault(text, tuple(f"--drop {shlex.quote(name)}" for name in found), or_else)


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
