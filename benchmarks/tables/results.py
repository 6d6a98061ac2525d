"""What was measured: a file of JSON lines that grows, and is read again to go on.

The first line of each session says where it was measured; every other one is a fit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self, cast

from benchmarks.tables.data import TASKS, TablesError, Task
from benchmarks.tables.measures import ERRORS

FORMAT: Final = 1
TIMES: Final = ("fit_cpu", "fit_wall", "predict_cpu", "predict_wall")
MEASURES: Final[Mapping[Task, tuple[str, ...]]] = {
    "classification": ("log_loss", "accuracy", "calibration_error"),
    "regression": ("rmse",),
}
DIGITS: Final = 6  # that numbers are written with
UNTRIED: Final = "not tried"
"""How the error of a fit begins that was not tried, since an earlier one took too long."""

Key = tuple[str, str, int]
"""Contestant, table, number of the hold-out."""


@dataclass(frozen=True)
class Record:
    """One contestant's fit to one hold-out of one table.

    rows, columns, words, classes, source  of the table
    digest   of its cells and its division, see data.digest
    threads  that the contestant might use
    version  of its package
    numbers  TIMES, in seconds, and the MEASURES of the task; empty after a failure
    error    why there are none
    """

    contestant: str
    table: str
    task: Task
    rows: int
    columns: int
    words: int
    classes: int
    source: str
    holdout: int
    digest: str
    threads: int
    version: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None

    @property
    def key(self) -> Key:
        """Which fit it is."""
        return self.contestant, self.table, self.holdout

    @property
    def loss(self) -> float:
        """The error that ranks: log loss or RMSE; infinite after a failure."""
        return self.numbers.get(ERRORS[self.task], math.inf)

    @property
    def cpu(self) -> float:
        """CPU seconds of fit and predictions."""
        return self.numbers["fit_cpu"] + self.numbers["predict_cpu"]

    def line(self) -> str:
        """The record as a line of JSON."""
        short = {name: float(f"{value:.{DIGITS}g}") for name, value in self.numbers.items()}
        return json.dumps(asdict(self) | {"numbers": short}, allow_nan=False)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """A record from a line of JSON; TablesError where it is none."""
        try:
            made = cls(**fields)
        except TypeError as error:
            raise TablesError(f"a record needs other fields: {error}") from error
        if made.task not in TASKS:
            raise TablesError(f"the task of a record must be one of {', '.join(TASKS)}")
        needed = set() if made.error else {*TIMES, *MEASURES[made.task]}
        if not needed <= set(made.numbers):
            raise TablesError(f"the record of {made.key} must have {', '.join(sorted(needed))}")
        return made


@dataclass(frozen=True)
class Results:
    """All records, the latest of each fit, and the machines that they were measured on."""

    records: Mapping[Key, Record]
    machines: tuple[Mapping[str, Any], ...] = ()

    def of(self, names: Iterable[str]) -> Results:
        """Those of some contestants."""
        kept = set(names)
        records = {key: one for key, one in self.records.items() if one.contestant in kept}
        return Results(records, self.machines)


def read(path: Path) -> Results:
    """The results of a file.

    A last line that was cut off, as by a machine that went down, is left out.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TablesError(f"{path} holds no results: {error}") from error
    records: dict[Key, Record] = {}
    machines: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                break
            raise TablesError(f"{path}, line {number}, is no JSON: {error}") from error
        if not isinstance(fields, dict) or fields.pop("format", FORMAT) != FORMAT:
            raise TablesError(f"{path}, line {number}, must be an object of format {FORMAT}")
        if "machine" in fields:
            machines.append(cast(Mapping[str, Any], fields["machine"]))
            continue
        try:
            record = Record.of(fields)
        except TablesError as error:
            raise TablesError(f"{path}, line {number}: {error}") from error
        records[record.key] = record
    return Results(records, tuple(machines))


def begin(path: Path, machine: Mapping[str, Any]) -> None:
    """Writes where the next fits are measured, after what is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    if cut_off:
        path.write_bytes(path.read_bytes().rpartition(b"\n")[0] + b"\n")
    _append(path, json.dumps({"format": FORMAT, "machine": machine}))


def add(path: Path, record: Record) -> None:
    """Writes a record behind the others."""
    _append(path, record.line())


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def write(results: Results, path: Path) -> None:
    """Writes the latest records alone, in order, as a page needs them."""
    lines = [json.dumps({"format": FORMAT, "machine": machine}) for machine in results.machines]
    lines += [results.records[key].line() for key in sorted(results.records)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
