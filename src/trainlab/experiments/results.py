"""results.json: what an experiment found, as strict JSON, written as a whole or not at all.

Keys: experiment; data (name, hash, sizes); members (id, arm, seed, settings); series
(metric → axis, axis_values, better, where it is said, dtype, where it is float32, and values: one
list per member); verdict; published (source, what, value, median, interval, inside, level, runs,
note); environment; and about, for experiments that are none of trainlab's.
A number that is not finite is null.  Where dtype is "float32", values are the shortest numbers that
mean those of float32; files of earlier versions have no dtype, and all digits of float64.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.arrays import plain
from trainlab.errors import DataError, sentence
from trainlab.evidence import Comparison, Interval, Replication
from trainlab.experiments.base import MeasuredSeries, Measurements, Row
from trainlab.files import write
from trainlab.models.container import UNSOUND
from trainlab.network.workspace import Array

FILE: Final = "results.json"
AT_ONCE: Final = 2**16
"""Numbers that become text at once: as objects they take five times their memory."""
NO_DATA: Final[Mapping[str, Any]] = {"name": None, "hash": None, "sizes": {}}


@dataclasses.dataclass(frozen=True)
class Claim:
    """One expectation, and whether it was met.

    text    a sentence: what was found, in how many seeds, how great and how sure
    met     True: shown.  False: the opposite is shown.  None: neither
    arms    the arms it is about, the one that was expected to be better first
    center, low, high  the median difference first − second, or the median of the one arm,
            with its interval of `level`; infinite ends where there is none
    wins, pairs  in how many seeds the first was better, of how many; None for one arm
    p       p-value after Holm's correction; None for one arm, or without a test
    """

    text: str
    met: bool | None
    arms: tuple[str, ...]
    center: float
    low: float
    high: float
    level: float
    wins: int | None = None
    pairs: int | None = None
    p: float | None = None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the statistics say.

    outcome      "as expected", "no difference shown", "undecided", "contrary to what was
                 expected", "not judged" or "no claim"
    line         the verdict in one sentence
    measure      what the numbers are
    arms         label → median with interval; best first
    comparisons  the pairs that the expectations name, then, of few arms, the others; each
                 of the two families is corrected by itself (docs/evidence.md)
    claims       what became of each expectation, in their order
    """

    outcome: str
    line: str
    measure: str
    arms: Mapping[str, Interval]
    comparisons: tuple[Comparison, ...] = ()
    warnings: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclasses.dataclass(frozen=True)
class Declared:
    """The description of an experiment that is none of trainlab's: changed, or the user's own.

    Its fields are those of `base.Experiment`.
    """

    title: str
    claim: str
    equations: tuple[str, ...]
    caption: str
    curves: tuple[str, ...]
    changes: str
    command: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Results:
    """Everything that results.json holds.

    Parameters
    ----------
    experiment : str
        The name of the experiment.
    data : dict
        The data set, described.
    measured : Measurements
        Members and their series.
    verdict : Verdict
        Whether the expectations were met.
    published : tuple of Replication
        Published numbers beside ours.
    environment : dict
        The versions and the machine that numbers depend on, and the options of the run.
    about : Declared, optional
        What the page says of the experiment, where it is none of trainlab's.
    """

    experiment: str
    data: Mapping[str, Any]
    measured: Measurements
    verdict: Verdict
    published: tuple[Replication, ...]
    environment: Mapping[str, Any]
    about: Declared | None = None

    def to_json(self) -> dict[str, Any]:
        """Describe the results as plain, strict JSON.

        Returns
        -------
        dict
            What `from_json` reads.
        """
        return dict(json.loads("".join(self.pieces())))

    def pieces(self) -> Iterator[str]:
        """Write the results as strict JSON.

        Yields
        ------
        str
            A piece of the text.
        """
        start = "{"
        for key, value in self._content().items():
            yield f"{start}{_text(key)}:"
            if key == "series":
                yield from _series_pieces(value)
            else:
                yield _text(value)
            start = ","
        yield "}"

    def _content(self) -> dict[str, Any]:
        """What the keys of the file stand for."""
        m = self.measured
        diverged = [{"member": key, "step": step} for key, step in m.diverged.items()]
        content: dict[str, Any] = {
            "experiment": self.experiment,
            "data": dict(self.data),
            "members": [
                {"id": row.id, "arm": row.arm, "seed": row.seed, "settings": dict(row.settings)}
                for row in m.members
            ],
            "series": m.series,
            "verdict": {
                "outcome": self.verdict.outcome,
                "line": self.verdict.line,
                "measure": self.verdict.measure,
                "arms": [{"arm": arm, **vars(found)} for arm, found in self.verdict.arms.items()],
                "comparisons": [{**vars(c), "shown": c.shown} for c in self.verdict.comparisons],
                "claims": [vars(claim) for claim in self.verdict.claims],
                "warnings": list(self.verdict.warnings),
                "diverged": diverged,
            },
            "published": [_without_ends(row) for row in self.published],
            "environment": dict(self.environment),
        }
        if self.about is not None:
            content["about"] = vars(self.about)
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Results:
        """Read the results that `to_json` wrote.

        Parameters
        ----------
        content : dict
            The JSON.

        Returns
        -------
        Results
            The same results.

        Raises
        ------
        KeyError, TypeError, ValueError
            For anything else.
        """
        verdict, members = content["verdict"], content["members"]
        series = {
            name: MeasuredSeries(
                found["axis"],
                _array(found["axis_values"]),
                _array(found["values"], found.get("dtype", "float64")),
                found.get("better"),
            )
            for name, found in content["series"].items()
        }
        rows = tuple(Row(row["arm"], row["seed"], row["settings"]) for row in members)
        diverged = {row["member"]: int(row["step"]) for row in verdict["diverged"]}
        return cls(
            experiment=content["experiment"],
            data=content["data"],
            measured=Measurements(rows, series, diverged),
            verdict=Verdict(
                outcome=verdict["outcome"],
                line=verdict["line"],
                measure=verdict["measure"],
                arms={row["arm"]: Interval(**_numbers(row, "arm")) for row in verdict["arms"]},
                comparisons=tuple(
                    Comparison(**_numbers(row, "shown")) for row in verdict["comparisons"]
                ),
                warnings=tuple(verdict["warnings"]),
                claims=tuple(_claim(row) for row in verdict["claims"]),
            ),
            published=tuple(_replication(row) for row in content["published"]),
            environment=content["environment"],
            about=_about(content["about"]) if "about" in content else None,
        )


def _text(value: Any) -> str:
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _series_pieces(series: Mapping[str, MeasuredSeries]) -> Iterator[str]:
    """The JSON of all series, some rows at a time."""
    start = "{"
    for name, one in series.items():
        values = np.asarray(one.values, dtype=np.float64)
        about = {key: v for key, v in vars(one).items() if key != "values" and v is not None}
        is_single = _is_single(values)
        about |= {"dtype": "float32"} if is_single else {}
        yield f'{start}{_text(name)}:{_text(about)[:-1]},"values":['
        rows = max(1, AT_ONCE // max(1, values[:1].size))
        for first in range(0, len(values), rows):
            some = values[first : first + rows]
            text = _text(_shortest(some) if is_single else some)[1:-1]
            yield f",{text}" if first else text
        yield "]}"
        start = ","
    yield "}" if series else "{}"


def _is_single(values: Array) -> bool:
    """Whether all numbers are those of float32."""
    with np.errstate(over="ignore"):
        return np.array_equal(values, values.astype(np.float32), equal_nan=True)


_POWERS: Final = np.array([float(f"1e{n}") for n in range(23)])
"""Of ten, those that a float64 has exactly."""


def _shortest(values: Array) -> Array:
    """Numbers of few digits that mean the same in float32: 0.1 for 0.10000000149011612."""
    found, left = values.copy(), np.isfinite(values) & (values != 0)
    size = np.zeros(values.shape)
    np.log10(np.abs(values), out=size, where=left)
    with np.errstate(over="ignore"):
        for digits in (6, 7, 8, 9):
            power = np.clip(digits - 1 - np.floor(size).astype(int), -22, 22)
            scale = _POWERS[np.abs(power)]
            fewer = np.where(
                power < 0, np.rint(values / scale) * scale, np.rint(values * scale) / scale
            )
            are_same = left & (fewer.astype(np.float32) == values)
            found[are_same] = fewer[are_same]
            left &= ~are_same
    return found


def _about(row: Mapping[str, Any]) -> Declared:
    lists = {name: row[name] for name in ("equations", "curves", "command")}
    if not all(isinstance(words, list) for words in lists.values()):
        raise TypeError(f"{', '.join(lists)} must be lists")
    return Declared(**{**row, **{name: tuple(words) for name, words in lists.items()}})


def _without_ends(row: Replication) -> dict[str, Any]:
    about = {key: value for key, value in vars(row).items() if key not in ("low", "high")}
    return {**about, "interval": [row.low, row.high]}


def _replication(row: Mapping[str, Any]) -> Replication:
    low, high = row["interval"]
    return Replication(**_numbers({**row, "low": low, "high": high}, "interval"))


def _claim(row: Mapping[str, Any]) -> Claim:
    absent = ("met", "wins", "pairs", "p")  # None says what it means
    known = _numbers({k: v for k, v in row.items() if k not in absent}, "arms")
    return Claim(arms=tuple(row["arms"]), **known, **{key: row[key] for key in absent})


def _numbers(row: Mapping[str, Any], without: str) -> dict[str, Any]:
    """A record's fields, with null as the number that it stood for."""
    absent = {"low": -math.inf, "high": math.inf, "winner": None, "note": None, "inside": None}
    absent |= {"median_low": -math.inf, "median_high": math.inf}
    return {
        key: absent.get(key, math.nan) if value is None else value
        for key, value in row.items()
        if key != without
    }


def _array(values: Any, dtype: str = "float64") -> Array:
    found = np.array(values, dtype=np.float64)  # None becomes NaN
    if dtype not in ("float32", "float64"):
        raise ValueError(f"numbers have an unknown dtype: {dtype!r}")
    with np.errstate(over="ignore"):
        return found.astype(dtype).astype(np.float64, copy=False)


# --- files -----------------------------------------------------------------------------


def save(results: Results, folder: Path) -> None:
    """Writes results.json into the folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / FILE, b"".join(piece.encode() for piece in (*results.pieces(), "\n")))


def load(folder: Path) -> Results:
    """Reads results.json; DataError, naming the file, if it is not what `save` writes."""
    path = folder / FILE
    try:
        return Results.from_json(json.loads(path.read_text(encoding="utf-8")))
    except UNSOUND as error:
        got = f"{type(error).__name__}: {error}"
        remedy = "trainlab run, which writes it anew"
        must = "be results that trainlab wrote"
        raise DataError(sentence("content", str(path), must, got, remedy)) from error
