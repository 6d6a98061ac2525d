"""What results are of, in words: data, runs, printed numbers, settings, and the command again."""

from __future__ import annotations

import shlex
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from trainlab.evidence import Replication
from trainlab.experiments import published
from trainlab.experiments.results import Results
from trainlab.experiments.runner import DataName
from trainlab.pages.words import name, visible
from trainlab.terminal import counted


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


# --- printed numbers -------------------------------------------------------------------


def replicated(rows: Sequence[Replication]) -> str:
    """How many of the numbers lie inside our intervals: printed ones, derived ones, misprints.

    >>> from trainlab.evidence import reproduce
    >>> rows = [reproduce("notes", "slope", 0.2, 0.2, 1e-9), reproduce("derived", "x", 1, 1, 0)]
    >>> replicated(rows)
    'Inside our intervals: 1 of 1 printed number, 1 of 1 derived by us'
    """
    known = [row for row in rows if row.inside is not None]
    derived = [row for row in known if row.source == published.DERIVED]
    printed = [row for row in known if row.source != published.DERIVED]
    parts = []
    if printed:
        count = counted(len(printed), "printed number")
        parts.append(f"{sum(map(_inside, printed))} of {count}")
    if derived:
        parts.append(f"{sum(map(_inside, derived))} of {len(derived)} derived by us")
    if len(known) < len(rows):
        parts.append(f"unknown, of too few runs: {len(rows) - len(known)}")
    text = f"Inside our intervals: {', '.join(parts)}"
    wrong = sum(misprint(row) is not None for row in rows)
    return f"{text}. Printed wrongly: {wrong}" if wrong else text


def _inside(row: Replication) -> bool:
    return row.inside is True


def origin(row: Replication) -> str:
    """Whether a number is printed, or derived, and what is printed wrongly in its place."""
    wrong = misprint(row)
    kind = "derived" if row.source == published.DERIVED else "printed"
    return kind if wrong is None else f"{kind}; printed wrongly: {wrong:.10g}"


def misprint(row: Replication) -> float | None:
    """What is printed in the place of a derived number, wrongly."""
    return published.misprints().get(row.what) if row.source == published.DERIVED else None


# --- settings --------------------------------------------------------------------------


ALL: Final = "all arms"


def settings(results: Results) -> Iterable[tuple[str, str]]:
    """Arm → its settings in words, of its first member; what all of several share, once."""
    measured = results.measured
    found = {
        arm: {k: v for k, v in measured.members[rows[0]].settings.items() if k != "seed"}
        for arm, rows in measured.arms.items()
    }
    shared = _shared(list(found.values())) if len(found) > 1 else {}
    if shared:
        yield ALL, ", ".join(_pairs(shared))
    for arm, own in found.items():
        said = ", ".join(_pairs(_without(own, shared)))
        if said or not shared:
            yield arm, said


def _shared(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all have in common; of parts of one kind, what these have in common."""
    first, *others = found
    same: dict[str, Any] = {}
    for key, value in first.items():
        values = [value, *(one.get(key) for one in others)]
        if all(one == value for one in values):
            same[key] = value
        elif all(
            isinstance(one, Mapping) and one.get("kind") == value.get("kind") for one in values
        ):
            same[key] = _shared(values)
    return same


def _without(own: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """What is not shared; the kind of a part stays with what differs in it."""
    rest: dict[str, Any] = {}
    for key, value in own.items():
        if key not in shared:
            rest[key] = value or _off(value)
        elif value != shared[key]:
            rest[key] = {"kind": value.get("kind")} | _without(value, shared[key])
    return rest


def _off(value: Any) -> str:
    """A setting that is off, where that is what an arm differs in."""
    return "off" if value is False else "0" if value == 0 else "none"


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
    are the words that stand for the experiment.  NumPy is named: elsewhere the native engine, which
    has other bits, would be there.
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
    words += ["--engine", "numpy"] if results.environment.get("engine") == "numpy" else []
    return shlex.join(words)
