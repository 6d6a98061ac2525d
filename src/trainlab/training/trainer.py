"""Takes one chunk from its first step to its last: trains, evaluates, watches, records."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from trainlab.blas import one_thread
from trainlab.data.batches import BatchSource
from trainlab.engine.base import Engine, Lane, LaneSpec, Metrics, Prepared, Span, Widths
from trainlab.engine.state import Best, Checkpoint, MemberState, Result, Status
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.training.changes import Change, reopened
from trainlab.training.events import (
    Checkpointed,
    ChunkEnded,
    Ended,
    EpochEnded,
    Evaluated,
    Measured,
    Recorder,
)
from trainlab.training.metrics import evaluate
from trainlab.training.pace import Pace
from trainlab.training.plan import Plan, loss_name, position


@dataclasses.dataclass(frozen=True)
class TrainingSpec:
    """All that the chunks of a training share, the data above all.

    truth  targets and weights of each split, where there are metrics of the user's own
    """

    plan: Plan
    widths: Widths
    engine: Engine
    data: Prepared
    truth: Mapping[str, tuple[Array, Array | None]] = dataclasses.field(default_factory=dict)

    @property
    def has_threads(self) -> bool:
        """Whether a lane of the engine may keep several threads busy."""
        return getattr(self.engine, "has_threads", False)


@dataclasses.dataclass(frozen=True)
class ChunkSpec:
    """Members that are trained side by side, and what they begin with.

    states       None draws them from the seeds
    checkpoints  where a training that was cut off left them, after equally many updates
    changes      of any members of the training, which are known before it begins
    """

    members: Sequence[Member]
    states: Sequence[MemberState] | None = None
    checkpoints: Sequence[Checkpoint] | None = None
    changes: Sequence[Change] = ()


def train_chunk(
    spec: TrainingSpec,
    chunk: ChunkSpec,
    rows: Sequence[int],
    recorder: Recorder,
    threads: int = 1,
) -> None:
    """Trains a chunk, whose members have these rows in the recorder, with one BLAS thread.

    threads  that a lane may keep busy
    """
    with one_thread():
        trainer = _Trainer(spec, chunk, rows, recorder, threads)
        if not trainer.done and not recorder.stopped():
            trainer.evaluate()
        for mark in sorted({*spec.plan.marks(), *(change.step for change in chunk.changes)}):
            if mark <= trainer.done:
                continue
            while trainer.done < mark and trainer.rows:
                trainer.do_as_asked()
                trainer.train(mark)
            if not trainer.rows:
                return
            trainer.evaluate_batch()
            trainer.evaluate()
            trainer.end_epoch()
            trainer.checkpoint_if_due()
        trainer.end(trainer.all(), "finished")


class _Trainer:
    """A lane and where its members are in the plan.

    rows    the row in the recorder of each member that is left
    done    updates that they have received in this training
    total   updates that they will have received at its end, those before it included
    """

    def __init__(
        self,
        spec: TrainingSpec,
        chunk: ChunkSpec,
        rows: Sequence[int],
        recorder: Recorder,
        threads: int,
    ) -> None:
        self._plan, self._recorder, self._pace = spec.plan, recorder, Pace()
        self._truth, self._loss = spec.truth, chunk.members[0].network.loss
        dtype = spec.plan.dtype
        begin = LaneSpec(chunk.members, spec.widths, dtype, spec.data, chunk.states, threads)
        self.lane: Lane = spec.engine.open(begin)
        places = self.lane.places
        self.rows = [rows[place] for place in places]
        self._members = [chunk.members[place] for place in places]
        self._changes = sorted(chunk.changes, key=lambda change: change.step)
        self._engine, self._spec = spec.engine, dataclasses.replace(begin, states=None)
        self.done = self._evaluated = 0
        self._best = [Best()] * len(places)
        self._losses: list[Array] = []  # (K, n), of the steps since the last evaluation
        if chunk.checkpoints:
            left = [chunk.checkpoints[place] for place in places]
            self.done, self._evaluated = left[0].done, left[0].evaluated
            self._best = [each.best for each in left]
            self._losses = [np.stack([each.losses for each in left])]
        before = chunk.states[0].updates if chunk.states else 0
        self._origin = before - self.done  # updates that they had received before this training
        self.total = self._origin + spec.plan.total
        self._better = spec.plan.evaluated(scored=True)
        self._batches = BatchSource(
            spec.plan.batches, getattr(spec.engine, "permutations", None), threads
        )

    @property
    def updates(self) -> int:
        """Updates that the members have received, those before this training included."""
        return self._origin + self.done

    def do_as_asked(self) -> None:
        """Makes the changes that are due before the next step, and answers requests."""
        while self._changes and self._changes[0].step <= self.done:
            change = self._changes.pop(0)
            self._change([row for row in self.rows if change.has(row)], change.fields)
        for request, rows in self._recorder.asked.take(self.rows, self.done):
            if request.fields:
                self._change(rows, request.fields)
            else:
                copies = {row: self._copy(self.rows.index(row)) for row in rows}
                self._recorder.asked.give(request, copies)

    def _change(self, rows: Sequence[int], fields: Mapping[str, float]) -> None:
        """Gives members other settings."""
        if not rows:
            return
        chosen = set(rows)
        members = [
            member.replace(**fields) if row in chosen else member
            for row, member in zip(self.rows, self._members, strict=True)
        ]
        spec = dataclasses.replace(self._spec, members=members)
        self.lane = reopened(self._engine, self.lane, spec, self.updates)
        self._members = members
        self._keep(self.lane.places)

    def _copy(self, k: int) -> tuple[Member, MemberState]:
        return self._members[k], self.lane.state_of(k, self.updates, with_optimizer=True)

    def train(self, end: int) -> None:
        """Trains some of the steps up to one, until something is asked for."""
        batches = self.batches(self.done, end)
        interrupted = functools.partial(self._recorder.stopped, self.rows)
        span = self.lane.train(batches, self.updates, self.total, interrupted)
        self._take(span, batches.shape[1])

    def _take(self, span: Span, steps: int) -> None:
        """Records what the lane did of so many steps: up to a divergence or an interruption."""
        losses, diverged = span
        first, self.done = self.done, self.done + losses.shape[1]
        if len(self._plan.evaluations):
            self._losses.append(losses)
        at = slice(first, self.done)
        self._recorder.send(Measured(self.rows, at, {"train_loss": losses}, losses.size))
        if diverged:  # the step in which they diverged was not theirs
            self.end({k: first + step for k, step in diverged.items()}, "diverged")
        elif losses.shape[1] < steps and not self._recorder.asked.concern(self.rows):
            if self.done:
                self._checkpoint()
            self.end(self.all(), "interrupted")

    def batches(self, first: int, end: int) -> Array:
        """The batches (S, n, B) of the steps from `first` on, at most to `end`, that are alike.

        Alike: of one epoch and of one size, as the last batch of an epoch may be smaller.
        """
        origin = self._origin
        return self._batches.between(self.lane.seeds, origin + first, origin + end)

    def evaluate(self) -> None:
        """Evaluates the splits if it is time, and ends the members that should stop."""
        at = position(self._plan.evaluations, self.done)
        if at is None:
            return
        metrics: dict[str, Array] = {}
        for split in self._plan.on:
            metrics |= _named(split, self.lane.evaluate(split)) | self._own_metrics(split)
        self._recorder.send(Measured(self.rows, at, metrics))
        if self._evaluated < self.done:
            metrics = {**metrics, "train_loss": self._mean_loss()}
        self._evaluated, self._losses = self.done, []
        sent = Evaluated(self.rows, self.done, metrics, self._shown())
        ended = set(self._recorder.send(sent))
        patient = [self._is_patient(k, metrics) for k in range(len(self.rows))]
        self._stop([k for k, row in enumerate(self.rows) if not patient[k] or row in ended])

    def _own_metrics(self, split: str) -> dict[str, Array]:
        """The metrics of the user's own on a split, by the names of their series."""
        own = self._plan.metrics
        if not own:
            return {}
        found = evaluate(own, self._loss, self.lane.outputs(split), *self._truth[split])
        return {f"{split}_{name}": values for name, values in found.items()}

    def end_epoch(self) -> None:
        """Tells of the end of an epoch, if a callback waits for it."""
        is_end = self.done % self._plan.batches.steps_per_epoch == 0
        if is_end and self.rows and self._plan.hears_epochs:
            ended = set(self._recorder.send(EpochEnded(self.rows, self.done, self._shown())))
            self._stop([k for k, row in enumerate(self.rows) if row in ended])

    def _shown(self) -> dict[int, MemberState]:
        """What each member has learnt, for the callbacks that want to see it."""
        if not self._plan.shows_parameters:
            return {}
        updates = self.updates
        return {row: self.lane.state_of(k, updates, False) for k, row in enumerate(self.rows)}

    def _stop(self, ending: Sequence[int]) -> None:
        """Ends rows before their last step."""
        if ending and self.done < self._plan.total:
            self.end(dict.fromkeys(ending, self.done), "stopped early")

    def _mean_loss(self) -> Array:
        """The mean loss (K,) of the steps since the last evaluation, each sample counted once."""
        steps = self._origin + np.arange(self._evaluated, self.done)
        sizes = self._plan.batches.sizes(steps)
        losses = self._recent_losses().astype(np.float64, order="C")
        return np.average(losses, axis=1, weights=sizes)

    def _recent_losses(self) -> Array:
        """The losses (K, n) of the steps since the last evaluation, if there are evaluations."""
        none = np.empty((len(self.rows), 0), self._plan.dtype)
        return np.concatenate([none, *self._losses], axis=1)

    def _is_patient(self, k: int, metrics: Mapping[str, Array]) -> bool:
        """Keeps what row k has learnt if it is its best; False when its patience has run out."""
        rule, best = self._plan.early_stopping, self._best[k]
        if rule is None or rule.metric not in metrics:  # no loss of training before the first step
            return True
        value = float(metrics[rule.metric][k])
        if rule.improves(value, best.value, self._better.get(rule.metric)):
            updates = self.updates
            state = self.lane.state_of(k, updates, with_optimizer=False)
            self._best[k] = Best(value, 0, updates, state)
            return True
        self._best[k] = dataclasses.replace(best, waited=best.waited + 1)
        return self._best[k].waited < rule.patience

    def evaluate_batch(self) -> None:
        """Evaluates the batch of the step just done, if it is one of `batch_steps`."""
        step = self.done - 1
        at = position(self._plan.batch_steps, step)
        if at is not None:
            metrics = self.lane.evaluate("train", self.batches(step, step + 1)[:, 0])
            self._recorder.send(Measured(self.rows, at, _named("batch", metrics)))

    def all(self) -> dict[int, int]:
        """All rows, and the updates that they have received."""
        return dict.fromkeys(range(len(self.rows)), self.done)

    def end(self, ending: Mapping[int, int], kind: str) -> None:
        """Sends what is left of rows that end, each with so many updates, and drops them."""
        results: dict[int, Result] = {}
        for k, updates in ending.items():
            best, state = self._best[k], None
            status = Status(kind, self._origin + updates, best.step)
            if self._plan.keep != "history":
                with_optimizer = self._plan.keep == "state"
                state = self.lane.state_of(k, status.step, with_optimizer)
                if best.state is not None:
                    params, buffers = best.state.params, best.state.buffers
                    state = dataclasses.replace(state, params=params, buffers=buffers)
            results[self.rows[k]] = Result(status, state)
        self._recorder.send(Ended(results, len(results) * (self._plan.total - self.done)))
        kept = [k for k, row in enumerate(self.rows) if row not in results]
        self.lane.keep(kept)
        self._keep(kept)
        if not kept:
            self._recorder.send(ChunkEnded())

    def _keep(self, kept: Sequence[int]) -> None:
        """The members are these of the rows, in this order."""
        self.rows = [self.rows[k] for k in kept]
        self._members = [self._members[k] for k in kept]
        self._best = [self._best[k] for k in kept]
        self._losses = [losses[list(kept)] for losses in self._losses]

    def checkpoint_if_due(self) -> None:
        """Sends checkpoints, if the last time is long enough ago for what it took."""
        if self.rows and self.done < self._plan.total and self._pace.is_due():
            with self._pace.write():
                self._checkpoint()

    def _checkpoint(self) -> None:
        if not self._recorder.durable:
            return
        updates, losses = self.updates, self._recent_losses()
        checkpoints = {
            row: Checkpoint(
                self.lane.state_of(k, updates, with_optimizer=True),
                self.done,
                self._evaluated,
                self._best[k],
                losses[k],
            )
            for k, row in enumerate(self.rows)
        }
        self._recorder.send(Checkpointed(checkpoints))


def _named(split: str, metrics: Metrics) -> dict[str, Array]:
    """Metrics by the names of their series."""
    named = {loss_name(split): metrics.loss}
    return named if metrics.accuracy is None else {**named, f"{split}_accuracy": metrics.accuracy}
