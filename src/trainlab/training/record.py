"""Where trainers write: the series, what is kept of each member, progress, callbacks, the stop.

A trainer is given a `Record` and knows no more: its numbers may stay in this process or
go to the one that started it (training/backends.py).
"""

from __future__ import annotations

import dataclasses
import mmap
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trainlab.network.workspace import Array
from trainlab.training.history import Series, Status
from trainlab.training.members import Member
from trainlab.training.plan import Callback, Plan
from trainlab.training.progress import Progress

if TYPE_CHECKING:
    from trainlab.training.keeping import Keeper


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What a member has learnt: parameters (P,), buffers (Q,), and its optimizer's state, or {}.

    updates  how many it has received so far
    """

    params: Array
    buffers: Array
    state: dict[str, Array] = dataclasses.field(default_factory=dict)
    updates: int = 0


@dataclasses.dataclass(frozen=True)
class Result:
    """What is kept of a member."""

    status: Status
    numbers: Numbers | None


@dataclasses.dataclass
class Best:
    """The best evaluation of a member so far, and how many were worse since."""

    value: float | None = None
    waited: int = 0
    step: int | None = None
    params: Array | None = None
    buffers: Array | None = None


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A member in the midst of a training: all that its next step depends on but its settings.

    numbers    with the state of its optimizer
    done       updates that it received in this training, which may not be its first
    evaluated  and how many it had received when it was last evaluated
    """

    numbers: Numbers
    done: int
    evaluated: int
    best: Best


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a chunk that was trained elsewhere sends back: results, and series (members, n).

    Progress is told of the members that have ended, and of the member-steps done or dropped.
    """

    results: list[Result]
    series: dict[str, Array]
    members: int
    steps: int

    @property
    def interrupted(self) -> bool:
        """Whether it was cut short."""
        return any(result.status.kind == "interrupted" for result in self.results)


class Record(Protocol):
    """What a trainer tells and asks."""

    series: dict[str, Series]

    @property
    def durable(self) -> bool:
        """Whether anything is kept on disk: else no checkpoint need be made."""

    def advance(self, members: int, steps: int) -> None:
        """So many members have ended, so many member-steps are done or dropped."""

    def finish(self, row: int, result: Result) -> None:
        """A member has ended."""

    def checkpoint(self, members: Mapping[int, Checkpoint]) -> None:
        """Keeps what members would go on from; when it returns it is on disk."""

    def commit(self) -> None:
        """A chunk has ended: its results are to be on disk before anything else is."""

    def asks_to_end(self, row: int, updates: int, metrics: Mapping[str, float]) -> bool:
        """Whether a callback wants the member to end."""

    def stopped(self) -> bool:
        """Whether everything is to end."""


def write(record: Record, name: str, rows: list[int], at: int | slice, values: Array) -> None:
    """Values of a series; what is not finite is written as NaN."""
    record.series[name].values[rows, at] = np.where(np.isfinite(values), values, np.nan)


class Stop:
    """A flag that processes share: forked ones at once, others through a file."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    @classmethod
    def at(cls, path: Path) -> Stop:
        """The flag that was shared there."""
        stop = cls()
        with path.open("r+b") as file:
            stop._byte = mmap.mmap(file.fileno(), 1)
        return stop

    def share(self, path: Path) -> None:
        """Moves the flag into a new file."""
        path.write_bytes(b"\0")
        before, self._byte = self._byte, Stop.at(path)._byte
        if before[0]:  # read after the change of place: a `set` meanwhile is not lost
            self.set()

    def set(self) -> None:
        """Everything is to end."""
        self._byte[0] = 1

    def is_set(self) -> bool:
        """Whether it is."""
        return self._byte[0] == 1


class Session:
    """What trainings that run together share: the flag that ends them all, and the progress."""

    def __init__(self, progress: Progress | None = None) -> None:
        self.stop = Stop()
        self.lock = threading.Lock()
        """Of what users give, which is called by one thread at a time."""
        self._progress = progress

    def start(self, members: int, steps: int) -> None:
        """So many members begin, with so many member-steps in all."""
        if self._progress:
            self._progress.start(members, steps)

    def advance(self, members: int, steps: int) -> None:
        """Tells the progress."""
        if self._progress:
            with self.lock:
                self._progress.advance(members, steps)


class Ledger:
    """The record of the process that was asked to train; its methods are safe in threads."""

    def __init__(self, members: Sequence[Member], plan: Plan, session: Session) -> None:
        self.series = empty_series(members, plan)
        self.results: list[Result | None] = [None] * len(members)
        self.session = session
        self.keeper: Keeper | None = None
        self._callbacks: tuple[Callback, ...] = plan.callbacks
        self._total = plan.total

    def advance(self, members: int, steps: int) -> None:
        """Tells the progress."""
        self.session.advance(members, steps)

    def finish(self, row: int, result: Result) -> None:
        """Keeps the result of a member."""
        self.results[row] = result
        if self.keeper:
            self.keeper.finish(row, result)

    def resume(self) -> dict[int, Checkpoint]:
        """Takes what the store has: the results of members, and where others are to go on."""
        if not self.keeper:
            return {}
        found, left = self.keeper.load(len(self.results))
        for row, result in found.items():
            self.results[row] = result
        steps = sum(each.done for each in left.values())
        self.advance(len(found), len(found) * self._total + steps)
        return left

    @property
    def durable(self) -> bool:
        """Whether there is a store."""
        return self.keeper is not None

    def checkpoint(self, members: Mapping[int, Checkpoint]) -> None:
        """Writes it to the store."""
        if self.keeper:
            self.keeper.checkpoint(members)

    def commit(self) -> None:
        """Writes what the store does not have yet."""
        if self.keeper:
            self.keeper.commit()

    def accept(self, rows: Sequence[int], outcome: Outcome) -> None:
        """Keeps what a chunk of these rows has sent."""
        for name, values in outcome.series.items():
            self.series[name].values[rows] = values
        for row, result in zip(rows, outcome.results, strict=True):
            self.finish(row, result)
        self.commit()
        self.advance(outcome.members, outcome.steps)

    def asks_to_end(self, row: int, updates: int, metrics: Mapping[str, float]) -> bool:
        """Asks every callback, one at a time."""
        with self.session.lock:
            answers = [callback(row, updates, metrics) for callback in self._callbacks]
            return any(answers)

    @property
    def has_callbacks(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._callbacks)

    def stopped(self) -> bool:
        """Whether Ctrl-C or an error has ended it all."""
        return self.session.stop.is_set()


def empty_series(members: Sequence[Member], plan: Plan) -> dict[str, Series]:
    """Every series that training will fill, full of NaN, in memory that processes share."""
    scored = any(member.network.loss.task != "regression" for member in members)
    found: dict[str, Series] = {}

    def add(name: str, axis: str, at: Array, dtype: Any = np.float64) -> None:
        shape, dtype = (len(members), len(at)), np.dtype(dtype)
        memory = mmap.mmap(-1, max(1, shape[0] * shape[1] * dtype.itemsize))
        values: Array = np.ndarray(shape, dtype, memory)
        values.fill(np.nan)
        found[name] = Series(name, axis, at, values)

    add("train_loss", "step", np.arange(plan.total), plan.dtype)
    for name in plan.metrics(scored):
        add(name, plan.axis, plan.axis_values)
    if len(plan.batch_steps):
        for name in ("batch_loss", "batch_accuracy")[: 1 + scored]:
            add(name, "step", plan.batch_steps)
    return found
