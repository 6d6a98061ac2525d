"""A population in training, cut into jobs, which any worker can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trainlab.engine.base import Engine, LaneSpec, Samples, Widths
from trainlab.engine.state import Checkpoint, MemberState
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.own import kinds_among
from trainlab.store import Run
from trainlab.training.changes import changed
from trainlab.training.checkpoints import StoredRun
from trainlab.training.plan import Plan
from trainlab.training.recorder import HistoryRecorder, Session
from trainlab.training.trainer import ChunkSpec, TrainingSpec


class Load(NamedTuple):
    """What a job costs: so many steps, of so many floating-point operations each."""

    steps: float
    operations: float

    @property
    def total(self) -> float:
        """Operations of all steps."""
        return self.steps * self.operations


class PopulationTraining:
    """What one call of `fit` asks for, what is done of it, and what is left.

    states  what each member begins with; None draws it from the seeds
    run     in a store, which has what was done before and gets what is done now
    """

    def __init__(
        self,
        members: Sequence[Member],
        plan: Plan,
        splits: Mapping[str, Samples],
        widths: Widths,
        engine: Engine,
        session: Session,
        states: Sequence[MemberState] | None = None,
    ) -> None:
        self.members, self.states = members, states
        self.steps = len(members) * plan.total
        truth = {name: (own.t, own.weight) for name, own in splits.items()} if plan.metrics else {}
        self.spec = TrainingSpec(plan, widths, engine, engine.prepare(splits), truth)
        self.recorder = HistoryRecorder(members, plan, widths, session, engine.name)
        self.run: Run | None = None
        self._effort = plan.effort(splits)
        self._checkpoints: dict[int, Checkpoint] = {}

    @property
    def own_kinds(self) -> set[type]:
        """The classes of the user's own that a worker needs."""
        parts = {part for one in self.members for part in (one.network, one.optimizer)}
        return kinds_among((*parts, *self.spec.plan.metrics))

    def resume(self) -> None:
        """Takes what the store has."""
        if self.run:
            stored = StoredRun(self.run, self.recorder.series)
            self._checkpoints = self.recorder.resume(stored)

    def jobs(self, workers: int) -> list[Job]:
        """What is left, in chunks for so many workers."""
        plan, widths = self.spec.plan, self.spec.widths
        rest = [row for row, result in enumerate(self.recorder.results) if result is None]
        if not rest:
            return []
        states = [self._state(row) for row in rest]
        updates = [state.updates if state else 0 for state in states]
        done = [self._checkpoints[row].done if row in self._checkpoints else 0 for row in rest]
        groups = self.spec.engine.group(
            [self.members[row] for row in rest],
            widths,
            plan.batches.batch_size,
            plan.dtype,
            workers,
            list(zip(updates, done, strict=True)),
        )
        if sorted(place for group in groups for place in group.places) != list(range(len(rest))):
            must, got = "put each member into one group", [group.places for group in groups]
            raise SettingError(sentence("group", f"engine {self.spec.engine.name}", must, got))
        return [
            Job(self, [rest[place] for place in group.places], Load(self._effort, group.cost))
            for group in groups
        ]

    def chunk(self, rows: Sequence[int]) -> ChunkSpec:
        """What a chunk of these members needs beside what all share."""
        states = [state for row in rows if (state := self._state(row))]
        left = [self._checkpoints[row] for row in rows if row in self._checkpoints]
        changes = [one for one in self.recorder.asked.known if any(map(one.has, rows))]
        members = [self.members[row] for row in rows]
        return ChunkSpec(members, states or None, left or None, changes)

    def copies(self, rows: Sequence[int]) -> dict[int, tuple[Member, MemberState]]:
        """The settings of members that have not begun, and what they will begin with."""
        found = {}
        for row in rows:
            state, left = self._state(row), self._checkpoints.get(row)
            done = 0 if left is None else left.done
            member = changed(self.members[row], row, self.recorder.asked.log, done)
            states = None if state is None else [state]
            spec = LaneSpec([member], self.spec.widths, self.spec.plan.dtype, None, states)
            lane = self.spec.engine.open(spec)
            found[row] = member, lane.state_of(0, state.updates if state else 0, True)
        return found

    def _state(self, row: int) -> MemberState | None:
        if row in self._checkpoints:
            return self._checkpoints[row].state
        return None if self.states is None else self.states[row]


@dataclass(frozen=True, eq=False)
class Job:
    """A chunk of a population in training: the rows of its members there."""

    training: PopulationTraining
    rows: list[int]
    load: Load

    @property
    def spec(self) -> TrainingSpec:
        """What it shares with the other jobs of its training."""
        return self.training.spec

    @property
    def chunk(self) -> ChunkSpec:
        """What it needs beside."""
        return self.training.chunk(self.rows)

    @property
    def recorder(self) -> HistoryRecorder:
        """Where it is recorded."""
        return self.training.recorder

    @property
    def is_done(self) -> bool:
        """Whether all its members have ended."""
        return all(self.recorder.results[row] is not None for row in self.rows)
