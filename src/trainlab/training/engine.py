"""The seam between what is trained and what trains it.

An engine advances a chunk by some steps, or evaluates it; it knows nothing of
experiments, histories, files or threads.  What crosses the seam is flat: the matrices of a
chunk, the samples, and the rows of every batch of a whole epoch.  NumPyEngine is the
reference: any other engine has to give what it gives.

Letters: K members, S seeds, n steps, B rows of a batch, N rows of a split.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from trainlab.network.workspace import Array
from trainlab.streams import stream
from trainlab.training.chunk import Chunk
from trainlab.training.inputs import Inputs, Samples, take

# Rows evaluated at a time.  The tile is fixed because a BLAS may round a row
# differently at another place of a batch of another size; 256 rows of the widths
# used here keep the activations of one member inside a second-level cache.
EVALUATION_ROWS: Final = 256

# A sum of the squares of a member's step above this may hide parameters that are about to
# overflow (float32 ends at 3.4e38), so they are looked at one by one.
SUSPICIOUS: Final = 1e30


@dataclasses.dataclass(frozen=True)
class Span:
    """What a call of `train` did: losses (K, steps done) and the rows that diverged in the last.

    Rows that diverged have the finite parameters and buffers they had before that step.
    """

    losses: Array
    diverged: tuple[int, ...]


class Engine(Protocol):
    """Trains and evaluates one chunk."""

    name: str

    def supports(self, chunk: Chunk) -> str | None:
        """Why the engine cannot train this chunk, or None if it can."""

    def train(
        self,
        chunk: Chunk,
        samples: Samples,
        batches: Array,
        first_step: int,
        total: int,
        interrupted: Callable[[], bool],
    ) -> Span:
        """Steps on batches (S, n, B), which are rows of the samples, for the seeds of the chunk.

        Returns early after a step in which a row diverged, and before a step if `interrupted`.
        """

    def evaluate(self, chunk: Chunk, samples: Samples) -> tuple[Array, Array | None]:
        """Mean data loss (K,) and share of right predictions (K,), in evaluation mode."""

    def outputs(self, chunk: Chunk, x: Inputs) -> Array:
        """The outputs (K, N, out) of the last layer, in evaluation mode."""


class NumPyEngine:
    """The reference engine: the layers as they are written, on all rows at once."""

    name = "numpy"

    def supports(self, chunk: Chunk) -> str | None:
        return None

    def train(
        self,
        chunk: Chunk,
        samples: Samples,
        batches: Array,
        first_step: int,
        total: int,
        interrupted: Callable[[], bool],
    ) -> Span:
        steps = batches.shape[1]
        losses = np.empty((len(chunk.members), steps), samples.x.dtype)
        with np.errstate(all="ignore"):  # what diverges is found by looking, and reported
            for i in range(steps):
                if interrupted():
                    return Span(losses[:, :i], ())
                batch = gather(chunk, samples, batches[:, i])
                losses[:, i], diverged = _step(chunk, batch, first_step + i, total)
                if diverged:
                    return Span(losses[:, : i + 1], diverged)
        return Span(losses, ())

    def evaluate(self, chunk: Chunk, samples: Samples) -> tuple[Array, Array | None]:
        loss, new = chunk.architecture.loss, chunk.new.scope("evaluation")
        total: Array = np.zeros(len(chunk.members))
        right: Array | None = None
        with np.errstate(all="ignore"):
            for tile in _tiles(len(samples)):
                y, _, _ = chunk.architecture.forward(
                    chunk.bound, samples.x.tile(tile, new), new=new
                )
                t = (
                    samples.t[..., tile]
                    if loss.task == "classification"
                    else samples.t[..., tile, :]
                )
                weight = None if samples.weight is None else samples.weight[..., tile]
                value, _ = loss.forward(y, t, new.scope("loss"), weight)
                total += value.astype(np.float64) * (tile.stop - tile.start)
                correct = loss.correct(y, t)
                if correct is not None:
                    count = _sum(correct, weight)
                    right = count if right is None else right + count
        return total / len(samples), None if right is None else right / len(samples)

    def outputs(self, chunk: Chunk, x: Inputs) -> Array:
        out = np.empty((len(chunk.members), len(x), chunk.architecture.out_features), x.dtype)
        new = chunk.new.scope("evaluation")
        with np.errstate(all="ignore"):
            for tile in _tiles(len(x)):
                tiled = x.tile(tile, new)
                out[:, tile] = chunk.architecture.forward(chunk.bound, tiled, new=new)[0]
        return out


Batch = tuple[Array, Array, Array | None]


def gather(chunk: Chunk, samples: Samples, rows: Array) -> Batch:
    """Inputs, targets and weights of the rows (S, B).

    They are (B, …) where all members share one seed, else (K, B, …).  A batch is gathered
    once for each seed, from all over the split, and then copied for the members that share it.
    """
    new, x, t, weight = chunk.new.scope("batch"), samples.x, samples.t, samples.weight
    batch = [x.take(rows, new("x", (*rows.shape, x.width), x.dtype))]
    batch.append(take(t, rows, new("t", rows.shape + t.shape[1:], t.dtype)))
    if weight is not None:
        batch.append(take(weight, rows, new("weight", rows.shape, weight.dtype)))
    seeds, members = len(rows), len(chunk.members)
    if seeds == 1:
        batch = [each[0] for each in batch]
    elif seeds != members:  # else they are in this order, which is that of the rows
        batch = [
            take(each, chunk.seed_rows, new(name, (members, *each.shape[1:]), each.dtype))
            for name, each in zip(("x", "t", "weight"), batch, strict=False)
        ]
    return batch[0], batch[1], batch[2] if weight is not None else None


def _step(chunk: Chunk, batch: Batch, step: int, total: int) -> tuple[Array, tuple[int, ...]]:
    """One update of every row that stays finite: the losses, and the rows that do not."""
    draw, (x, t, weight) = _Draws(chunk, step), batch
    loss, _, updated = chunk.architecture.loss_and_gradient(
        chunk.bound, x, t, chunk.bound_grads, draw, chunk.new, weight
    )
    decays = chunk.architecture.layout.decaying
    for index, segment in enumerate(chunk.segments):
        rows, new = segment.rows, chunk.new.scope(("optimizer", index))
        params, grads = chunk.params[rows], chunk.grads[rows]
        segment.optimizer.delta(params, grads, segment.state, step, total, decays, new)
    diverged = _diverged(chunk, loss, updated)
    for k in diverged:
        chunk.grads[k] = 0.0
    np.add(chunk.params, chunk.grads, out=chunk.params)
    for current, fresh in zip(chunk.bound_buffers, updated, strict=True):
        for name, values in fresh.items():
            for k in diverged:
                values[k] = current[name][k]
            current[name][...] = values
    return loss, diverged


def _diverged(chunk: Chunk, loss: Array, updated: Sequence[Any]) -> tuple[int, ...]:
    """The rows whose loss, next parameters or next buffers are not finite."""
    found = ~np.isfinite(loss)
    suspects = ~(np.vecdot(chunk.grads, chunk.grads) < SUSPICIOUS)
    for k in np.flatnonzero(suspects & ~found):
        found[k] = not np.isfinite(chunk.params[k] + chunk.grads[k]).all()
    for fresh in updated:
        for values in fresh.values():
            found |= ~(np.abs(values).max(axis=(-2, -1)) < np.inf)
    return tuple(int(k) for k in np.flatnonzero(found))


class _Draws:
    """The uniforms of random layers at one step: a stream for each seed and layer."""

    def __init__(self, chunk: Chunk, step: int) -> None:
        self._chunk = chunk
        self._step = step

    def __call__(self, layer: int, rows: int, width: int) -> Array:
        chunk, new = self._chunk, self._chunk.new.scope("draws")
        one = new("seeds", (len(chunk.seeds), rows, width), np.float32)
        for seed, out in zip(chunk.seeds, one, strict=True):
            stream(seed, "dropout", self._step, layer).random(dtype=np.float32, out=out)
        if len(chunk.seeds) == 1:
            shared: Array = one[0]
            return shared
        members = new("members", (len(chunk.members), rows, width), np.float32)
        return take(one, chunk.seed_rows, members)


def _sum(right: Array, weight: Array | None) -> Array:
    """The number of right predictions (..., B), or their weight."""
    if weight is None:
        count: Array = right.sum(axis=-1, dtype=np.int64)
        return count
    weighed: Array = np.where(right, weight, 0).sum(axis=-1, dtype=np.float64)
    return weighed


def _tiles(rows: int) -> list[slice]:
    starts = range(0, rows, EVALUATION_ROWS)
    return [slice(start, min(start + EVALUATION_ROWS, rows)) for start in starts]
