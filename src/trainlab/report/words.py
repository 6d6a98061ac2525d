"""What results are of, in words: data, runs, settings, and the command that repeats a run."""

from __future__ import annotations

import shlex
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainlab.experiments.results import Results
from trainlab.experiments.runner import DataName
from trainlab.pages.words import counted, name, visible


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


def command(results: Results, known: Sequence[str]) -> str | None:
    """The command that repeats the run, with the same bits; None where there is none.

    Seeds of a run are 0 to n - 1, and its data has a name that `trainlab run` knows.  `known`
    are the words that stand for the experiment.
    """
    if not known:
        return None
    words = ["trainlab", "run", *map(visible, known)]
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
