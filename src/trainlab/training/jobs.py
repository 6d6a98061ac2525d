"""A training: a population on its data, cut into jobs, which any worker can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from trainlab.store import Run
from trainlab.training.engine import Engine
from trainlab.training.grouping import group
from trainlab.training.inputs import Samples, arrange
from trainlab.training.keeping import Keeper
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.record import Checkpoint, Ledger, Numbers, Record, Session
from trainlab.training.work import Task, Work


class Load(NamedTuple):
    """What a job costs: so many steps, of so many floating-point operations each."""

    steps: float
    operations: float


class Training:
    """What one call of `fit` asks for, what is done of it, and what is left."""

    def __init__(
        self,
        members: Sequence[Member],
        plan: Plan,
        data: Mapping[str, Samples],
        widths: tuple[int, int],
        engine: Engine,
        session: Session,
        starts: Sequence[Numbers] | None = None,
        kept: Run | None = None,
    ) -> None:
        """data: the splits;  widths: features in and out.

        starts: the numbers that each member begins with; None draws them.
        kept: a run in a store, which has what was done before and gets what is done now.
        """
        inputs, columns = arrange({name: split.x.x for name, split in data.items()})
        splits = {name: replace(split, x=inputs[name]) for name, split in data.items()}
        self.members = members
        self.steps = len(members) * plan.total
        self.work = Work(plan, splits, widths, columns, engine)
        self.ledger = Ledger(members, plan, session)
        self._starts, self._kept = starts, kept
        self._left: dict[int, Checkpoint] = {}

    def resume(self) -> None:
        """Takes what the store has."""
        if self._kept:
            self.ledger.keeper = Keeper(self._kept, self.ledger.series)
            self._left = self.ledger.resume()

    def jobs(self, workers: int, even: bool = True) -> list[Job]:
        """What is left, in chunks for so many workers; `even` as for `group`."""
        plan, left = self.work.plan, self._left
        rest = [row for row, result in enumerate(self.ledger.results) if result is None]
        if not rest:
            return []
        numbers = [self._numbers_of(row) for row in rest]
        updates = [own.updates if own else 0 for own in numbers]
        done = [left[row].done if row in left else 0 for row in rest]
        chunks, costs = group(
            [self.members[row] for row in rest],
            self.work.widths,
            plan.batches.batch_size,
            plan.dtype,
            workers,
            origins=list(zip(updates, done, strict=True)),
            even=even,
        )
        steps = plan.effort(self.work.splits)
        return [
            Job(self, [rest[index] for index in chunk], Load(steps, cost))
            for chunk, cost in zip(chunks, costs, strict=True)
        ]

    def task(self, rows: Sequence[int]) -> Task:
        """What a chunk of these members needs beside the work."""
        own = [numbers for row in rows if (numbers := self._numbers_of(row))]
        resumed = [self._left[row] for row in rows if row in self._left]
        series = self.ledger.series.items() if resumed else ()
        before = {name: each.values[rows] for name, each in series}
        return Task([self.members[row] for row in rows], own or None, resumed or None, before)

    def _numbers_of(self, row: int) -> Numbers | None:
        if row in self._left:
            return self._left[row].numbers
        return None if self._starts is None else self._starts[row]


@dataclass(frozen=True, eq=False)
class Job:
    """A chunk of a training: the rows of its members there."""

    training: Training
    rows: list[int]
    load: Load

    @property
    def ledger(self) -> Ledger:
        """Where it is recorded."""
        return self.training.ledger

    @property
    def work(self) -> Work:
        """What it shares with the other jobs of its training."""
        return self.training.work

    @property
    def task(self) -> Task:
        """What it needs beside the work."""
        return self.training.task(self.rows)

    @property
    def is_done(self) -> bool:
        """Whether all its members have ended."""
        return all(self.ledger.results[row] is not None for row in self.rows)

    def do(self, record: Record | None = None) -> None:
        """Trains the chunk; without another record, into the ledger."""
        self.work.train(self.rows, self.task, record or self.ledger)
