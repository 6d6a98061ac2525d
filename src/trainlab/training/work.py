"""A chunk as work that can be sent away: what it needs, and what comes back.

Threads and forked processes share the memory of the ledger and write into it.  Whoever does
not is sent a `Work`, once, and a `Task` for each chunk, and returns an `Outcome`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from trainlab.blas import one_thread
from trainlab.network.workspace import Array
from trainlab.training.chunk import Chunk
from trainlab.training.engine import Engine
from trainlab.training.history import Series
from trainlab.training.inputs import Samples
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.record import Checkpoint, Numbers, Outcome, Record, Result, empty_series
from trainlab.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Task:
    """What one chunk needs beside the work: its members, and what they begin with if not draws.

    resumed  what each was left with by a training that was cut off
    series   its values up to there (members, n), for those who do not share the ledger's
    """

    members: list[Member]
    starts: list[Numbers] | None = None
    resumed: list[Checkpoint] | None = None
    series: Mapping[str, Array] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Work:
    """All that the chunks of a training share, the data above all.

    widths   features in and out
    columns  the order in which the inputs bring their features, or None for their own
    """

    plan: Plan
    splits: Mapping[str, Samples]
    widths: tuple[int, int]
    columns: Array | None
    engine: Engine

    def train(self, rows: Sequence[int], task: Task, record: Record) -> None:
        """Trains a chunk, whose members have these rows in the record, with one BLAS thread."""
        dtype, columns = self.plan.dtype, self.columns
        resumed = dict(zip(rows, task.resumed or (), strict=False))
        with one_thread():
            chunk = Chunk(rows, task.members, self.widths, dtype, columns, task.starts)
            Trainer(chunk, self.plan, self.splits, self.engine, record, resumed).run()

    def complete(self, task: Task, stopped: Callable[[], bool]) -> Outcome:
        """Trains a chunk far from the ledger."""
        record = _Gathered(task, self.plan, stopped)
        self.train(range(len(task.members)), task, record)
        return record.outcome()


class _Gathered:
    """The record of one chunk, which keeps everything until it is fetched."""

    durable = False

    def __init__(self, task: Task, plan: Plan, stopped: Callable[[], bool]) -> None:
        self.series: dict[str, Series] = empty_series(task.members, plan)
        for name, values in task.series.items():
            self.series[name].values[...] = values
        self.stopped = stopped
        self._results: dict[int, Result] = {}
        self._members = self._steps = 0

    def advance(self, members: int, steps: int) -> None:
        """Counts."""
        self._members += members
        self._steps += steps

    def finish(self, row: int, result: Result) -> None:
        """Keeps the result of a member."""
        self._results[row] = result

    def checkpoint(self, members: Mapping[int, Checkpoint]) -> None:
        """No store is here."""

    def commit(self) -> None:
        """No store is here."""

    def asks_to_end(self, row: int, updates: int, metrics: Mapping[str, float]) -> bool:
        """Nobody is here to be asked."""
        return False

    def outcome(self) -> Outcome:
        """All of it."""
        results = [self._results[row] for row in range(len(self._results))]
        series = {name: series.values for name, series in self.series.items()}
        return Outcome(results, series, self._members, self._steps)
