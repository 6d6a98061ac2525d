"""Values of results in words, fit for a page: short, visible, one reading direction at a time.

Simplest first: characters and lengths, numbers, settings, the command that repeats a run.
"""

from __future__ import annotations

import math
import shlex
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final

from trainlab.experiments.claims import SMALLEST_P, number
from trainlab.experiments.results import Results
from trainlab.experiments.runner import DataName
from trainlab.terminal import printable

SENTENCE: Final = 2_000
"""Characters shown of any text; the longest sentence of a verdict has about 600."""
NAME: Final = 80
"""Characters shown of a name: more would leave no room beside it in a table."""

_BLANKS: Final = str.maketrans("\t\n\r", "   ")


def visible(text: str, limit: int = SENTENCE) -> str:
    """The text in at most `limit` characters; what cannot be seen is spelt out.

    White space becomes a space, other characters without a picture become escapes as in
    `terminal.printable`, and what is too long ends in an ellipsis.

    >>> visible("loss\\u202e\\n!"), visible("abcdef", 4)
    ('loss\\\\u202e !', 'abc…')
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return printable(cut.translate(_BLANKS))


def name(text: str) -> str:
    """The name of an arm, a source or a data set, visible and short."""
    return visible(text, NAME)


def span(low: float, high: float) -> str:
    """An interval in words."""
    if low == high:
        return "exact"
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
    text = number(value)
    return text if text.startswith("-") or not value > 0 else f"+{text}"


def score(value: float) -> str:
    """An accuracy or an R², to a tenth of a percent; a dash for none.

    >>> score(0.96667), score(-0.00134), score(float("nan"))
    ('0.967', '−0.001', '–')
    """
    if math.isnan(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 1000 else number(value)
    return text.replace("-", "−")


def counted(count: int, thing: str) -> str:
    """A count of things.

    >>> counted(1, "arm"), counted(1440, "seed")
    ('1 arm', '1,440 seeds')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def data(results: Results) -> str:
    """The data set in words."""
    about = results.data
    if not about["name"]:
        return "none: a function"
    sizes = ", ".join(f"{count:,} {name(part)}" for part, count in about["sizes"].items())
    return f"{name(about['name'])} ({sizes})"


def runs(results: Results) -> str:
    """Arms and seeds in words."""
    arms, seeds = counted(len(results.measured.arms), "arm"), results.measured.seeds
    return f"{arms} × {counted(seeds, 'seed')}" if seeds else f"{arms}, no randomness"


# --- settings --------------------------------------------------------------------------


def settings(results: Results) -> Iterable[tuple[str, str]]:
    """Arm → its settings in words, of its first member."""
    measured = results.measured
    for arm, rows in measured.arms.items():
        found = measured.members[rows[0]].settings
        yield arm, ", ".join(_pairs({k: v for k, v in found.items() if k != "seed"}))


def _pairs(found: Mapping[str, Any]) -> Iterable[str]:
    for key, value in found.items():
        if value is True:
            yield visible(key)
        elif value:  # settings that are off, 0 or unlimited are left out
            yield f"{visible(key)} {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(_pairs({k: v for k, v in value.items() if k != "kind"}))
        kind = visible(str(value.get("kind", "")))
        return f"{kind}({inside})" if inside else kind
    if isinstance(value, list):
        return "×".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else visible(str(value))


# --- the command -----------------------------------------------------------------------


def command(results: Results) -> str | None:
    """The command that repeats the run, with the same bits; None where there is none.

    Seeds of a run are 0 to n - 1, and its data has a name that `trainlab run` knows.
    """
    words = ["trainlab", "run", results.experiment]
    if results.data["name"] is not None:
        if results.data["name"] not in typing.get_args(DataName):
            return None
        words += ["--data", results.data["name"]]
    seeds = {member.seed for member in results.measured.members} - {None}
    if seeds != set(range(len(seeds))):
        return None
    words += ["--seeds", str(len(seeds))] if seeds else []
    words += ["--quick"] if results.environment.get("quick") else []
    return shlex.join(words)
