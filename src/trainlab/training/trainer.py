"""Takes one chunk from its first step to its last: trains, evaluates, watches, records."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from trainlab.network.workspace import Array
from trainlab.training.chunk import Chunk
from trainlab.training.engine import Engine, gather
from trainlab.training.history import Status
from trainlab.training.inputs import Inputs, Samples
from trainlab.training.plan import Plan, loss_name, position
from trainlab.training.record import Best, Checkpoint, Record, Result, write

Splits = Mapping[str, Samples]

# A checkpoint may take this share of the time, and what is done sooner than that is not worth one.
CHECKPOINT_SHARE: Final = 1 / 50
FIRST_CHECKPOINT: Final = 1.0  # seconds


class Trainer:
    """The training of one chunk."""

    def __init__(
        self,
        chunk: Chunk,
        plan: Plan,
        data: Splits,
        engine: Engine,
        record: Record,
        resumed: Mapping[int, Checkpoint] | None = None,
    ) -> None:
        """`resumed`: what each member of the chunk was left with, after equally many updates."""
        self.chunk = chunk
        self.plan = plan
        self.data = data
        self.engine = engine
        self.record = record
        self.done = 0  # updates that the members of the chunk have received here
        self._evaluated = 0  # and had received when they were last evaluated
        self._best = {row: Best() for row in chunk.members}
        for row, left in (resumed or {}).items():
            self.done, self._evaluated = left.done, left.evaluated
            self._best[row] = dataclasses.replace(left.best)
        self.origin = chunk.origin - self.done  # updates that they had received before
        self._due = time.monotonic() + FIRST_CHECKPOINT
        self._orders: dict[int, tuple[int, Array]] = {}  # seed → epoch, its batches end to end

    def run(self) -> None:
        """Trains until every member has ended."""
        reason = self.engine.supports(self.chunk)
        if reason is not None:
            raise NotImplementedError(f"the engine {self.engine.name} cannot do this: {reason}")
        if not self.done and not self.record.stopped():
            self._evaluate()
        for mark in self.plan.marks():
            if mark <= self.done:
                continue
            while self.done < mark and self.chunk.members:
                self._advance(mark)
            if not self.chunk.members:
                return
            self._evaluate_batch()
            self._evaluate()
            if self.record.durable and self.done < self.plan.total:
                self._checkpoint()
        self._retire(range(len(self.chunk.members)), "finished", self.done)

    def _advance(self, mark: int) -> None:
        """Trains towards `mark`, and no further than a divergence or an interruption."""
        chunk, first = self.chunk, self.done
        batches = self._batches(first, mark)
        samples, stopped, origin = self.data["train"], self.record.stopped, self.origin
        total = origin + self.plan.total
        span = self.engine.train(chunk, samples, batches, origin + first, total, stopped)
        self.done += span.losses.shape[1]
        write(self.record, "train_loss", chunk.members, slice(first, self.done), span.losses)
        self.record.advance(0, span.losses.size)
        if span.diverged:  # the step in which they diverged was not theirs
            self._retire(span.diverged, "diverged", self.done - 1)
        elif span.losses.shape[1] < batches.shape[1]:
            if self.record.durable and self.done:
                self._keep()
            self._retire(range(len(chunk.members)), "interrupted", self.done)

    def _batches(self, first: int, end: int) -> Array:
        """The batches (S, n, B) of the steps from `first` on, at most to `end`, that are alike.

        Alike: of one epoch and of one size, as the last batch of an epoch may be smaller.
        """
        plan = self.plan.batches
        epoch, offset = divmod(self.origin + first, plan.steps_per_epoch)
        for seed in self.chunk.seeds:
            if self._orders.get(seed, (-1,))[0] != epoch:
                self._orders[seed] = (epoch, plan.order(seed, epoch))
        orders = [self._orders[seed][1] for seed in self.chunk.seeds]
        size, whole = plan.batch_size, len(orders[0]) // plan.batch_size
        if offset >= whole:
            return np.stack([order[offset * size :] for order in orders])[:, None]
        rows = slice(offset * size, min(offset + end - first, whole) * size)
        return np.stack([order[rows].reshape(-1, size) for order in orders])

    def _evaluate(self) -> None:
        """Evaluates the splits if it is time, and ends the members that should stop."""
        at = position(self.plan.evaluations, self.done)
        if at is None:
            return
        chunk, metrics = self.chunk, dict[str, Array]()
        for split in self.plan.on:
            metrics[loss_name(split)], right = self.engine.evaluate(chunk, self.data[split])
            if right is not None:
                metrics[f"{split}_accuracy"] = right
        for name, values in metrics.items():
            write(self.record, name, chunk.members, at, values)
        ending, since = [], slice(self._evaluated, self.done)
        sizes = self.plan.batches.sizes(self.origin + np.arange(self._evaluated, self.done))
        self._evaluated = self.done
        for k, row in enumerate(chunk.members):
            own = {name: float(values[k]) for name, values in metrics.items()}
            if since.start < since.stop:
                losses = self.record.series["train_loss"].values[row, since]
                own["train_loss"] = float(np.average(losses.astype(np.float64), weights=sizes))
            patient = self._watch(k, self._best[row], own)
            asked = self.record.asks_to_end(row, self.done, own)
            if asked or not patient:
                ending.append(k)
        if ending and self.done < self.plan.total:
            self._retire(ending, "stopped early", self.done)

    def _watch(self, k: int, best: Best, metrics: Mapping[str, float]) -> bool:
        """Keeps a copy of the best numbers of row k; False when its patience has run out."""
        rule = self.plan.early_stopping
        if rule is None:
            return True
        value = metrics.get(rule.metric)
        if value is None:  # the loss of training, before the first step
            return True
        if not rule.improves(value, best.value):
            best.waited += 1
            return best.waited < rule.patience
        best.value, best.waited, best.step = value, 0, self.origin + self.done
        best.params, best.buffers = self.chunk.params_of(k), self.chunk.buffers[k].copy()
        return True

    def _evaluate_batch(self) -> None:
        """Evaluates the batch of the step just done, if that was asked for."""
        step = self.done - 1
        at = position(self.plan.batch_steps, step)
        if at is None:
            return
        chunk, rows = self.chunk, self._batches(step, step + 1)[:, 0]
        x, t, weight = gather(chunk, self.data["train"], rows)
        loss, right = self.engine.evaluate(chunk, Samples(Inputs(x), t, weight))
        write(self.record, "batch_loss", chunk.members, at, loss)
        if right is not None:
            write(self.record, "batch_accuracy", chunk.members, at, right)

    def _retire(self, ending: Iterable[int], kind: str, updates: int) -> None:
        """Stores the rows that end with so many updates, and drops them from the chunk."""
        chunk, gone = self.chunk, set(ending)
        for k in gone:
            row = chunk.members[k]
            best = self._best.pop(row)
            status, numbers = Status(kind, self.origin + updates, best.step), None
            if self.plan.keep != "history":
                numbers = chunk.numbers_of(k, status.step, self.plan.keep == "state")
                if best.params is not None and best.buffers is not None:
                    numbers = dataclasses.replace(numbers, params=best.params, buffers=best.buffers)
            self.record.finish(row, Result(status, numbers))
        self.record.advance(len(gone), len(gone) * (self.plan.total - self.done))
        chunk.keep([k for k in range(len(chunk.members)) if k not in gone])
        if not chunk.members:
            self.record.commit()

    def _checkpoint(self) -> None:
        """Keeps where the members are, if the last time is long enough ago for what it took."""
        start = time.monotonic()
        if start >= self._due and self.chunk.members:
            self._keep()
            end = time.monotonic()
            self._due = end + (end - start) / CHECKPOINT_SHARE

    def _keep(self) -> None:
        """Keeps all that the next step of each member depends on."""
        updates = self.origin + self.done
        self.record.checkpoint(
            {
                row: Checkpoint(
                    self.chunk.numbers_of(k, updates, with_state=True),
                    self.done,
                    self._evaluated,
                    dataclasses.replace(self._best[row]),
                )
                for k, row in enumerate(self.chunk.members)
            }
        )
