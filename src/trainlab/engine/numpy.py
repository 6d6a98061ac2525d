"""The reference engine: the layers as they are written, on all rows at once.

Letters: K members, S seeds, n steps, B rows of a batch, N rows of a split.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.engine.base import Group, LaneSpec, Metrics, Samples, Span, Widths
from trainlab.engine.chunk import Chunk
from trainlab.engine.grouping import group
from trainlab.engine.inputs import InputRows, arrange, take
from trainlab.engine.state import MemberState
from trainlab.members import Member
from trainlab.network.workspace import Allocator, Array
from trainlab.streams import stream

# Rows evaluated at a time.  The tile is fixed because a BLAS may round a row
# differently at another place of a batch of another size; 256 rows of the widths
# used here keep the activations of one member inside a second-level cache.
EVALUATION_ROWS: Final = 256

# A sum of the squares of a member's step above this may hide parameters that are about to
# overflow (float32 ends at 3.4e38), so they are looked at one by one.
SUSPICIOUS: Final = 1e30


_Batch = tuple[Array, Array, Array | None]
"""Inputs (..., B, d), targets (..., B) or (..., B, out), and weights (..., B)."""


@dataclasses.dataclass(frozen=True)
class PreparedSplit:
    """Inputs, targets and weights of rows: (N, …), or (K, N, …) where members differ in them.

    is_flat  targets have no axis of outputs
    """

    x: InputRows
    t: Array
    weight: Array | None
    is_flat: bool

    def __len__(self) -> int:
        return len(self.x)

    def tile(self, rows: slice, new: Allocator) -> _Batch:
        """Neighbouring rows."""
        t = self.t[..., rows] if self.is_flat else self.t[..., rows, :]
        weight = None if self.weight is None else self.weight[..., rows]
        return self.x.tile(rows, new), t, weight


@dataclasses.dataclass(frozen=True)
class PreparedSplits:
    """The splits of a training, and the order that their columns are in, or None for their own."""

    splits: dict[str, PreparedSplit]
    columns: Array | None


class NumPyEngine:
    """Trains a chunk with NumPy."""

    name = "numpy"

    def supports(self, members: Sequence[Member]) -> str | None:
        """Whatever can be written with NumPy."""
        return None

    def prepare(self, splits: Mapping[str, Samples]) -> PreparedSplits:
        """Leaves columns out that no training row uses, where these are many."""
        inputs, columns = arrange({name: split.x for name, split in splits.items()})
        found = {
            name: PreparedSplit(inputs[name], own.t, own.weight, own.t.ndim == 1)
            for name, own in splits.items()
        }
        return PreparedSplits(found, columns)

    def group(
        self,
        members: Sequence[Member],
        widths: Widths,
        batch_size: int,
        dtype: Any,
        workers: int = 1,
        origins: Sequence[Hashable] | None = None,
    ) -> list[Group]:
        """As many side by side as fit into the caches."""
        return group(members, widths, batch_size, dtype, workers, origins)

    def open(self, spec: LaneSpec) -> NumPyLane:
        """A lane of matrices."""
        return NumPyLane(spec)


class NumPyLane:
    """A chunk, and the data it is trained on."""

    def __init__(self, spec: LaneSpec) -> None:
        self.data: PreparedSplits = spec.data or PreparedSplits({}, None)
        self.chunk = Chunk(spec.members, spec.widths, spec.dtype, self.data.columns, spec.states)

    @property
    def places(self) -> list[int]:
        """Rows are ordered by kind of optimizer."""
        return self.chunk.places

    @property
    def seeds(self) -> list[int]:
        """In order of first appearance."""
        return self.chunk.seeds

    def train(
        self, batches: Array, first_step: int, total: int, interrupted: Callable[[], bool]
    ) -> Span:
        """Forward, backward, update, one step after another."""
        chunk, samples, steps = self.chunk, self.data.splits["train"], batches.shape[1]
        losses = np.empty((len(chunk.places), steps), samples.x.dtype)
        with np.errstate(all="ignore"):  # what diverges is found by looking, and reported
            for i in range(steps):
                if interrupted():
                    return Span(losses[:, :i], {})
                batch = gather(chunk, samples, batches[:, i])
                losses[:, i], diverged = _step(chunk, batch, first_step + i, total)
                if diverged:
                    return Span(losses[:, : i + 1], dict.fromkeys(diverged, i))
        return Span(losses, {})

    def evaluate(self, split: str, batch: Array | None = None) -> Metrics:
        """Tile by tile."""
        chunk, samples = self.chunk, self.data.splits[split]
        if batch is not None:
            x, t, weight = gather(chunk, samples, batch)
            samples = dataclasses.replace(samples, x=InputRows(x), t=t, weight=weight)
        loss, new = chunk.architecture.loss, chunk.new.scope("evaluation")
        total: Array = np.zeros(len(chunk.places))
        right: Array | None = None
        with np.errstate(all="ignore"):
            for tile in _tiles(len(samples)):
                x, t, weight = samples.tile(tile, new)
                y, _, _ = chunk.architecture.forward(chunk.bound, x, new=new)
                value, _ = loss.forward(y, t, new.scope("loss"), weight)
                total += value.astype(np.float64) * (tile.stop - tile.start)
                correct = loss.correct(y, t)
                if correct is not None:
                    count = _sum(correct, weight)
                    right = count if right is None else right + count
        return Metrics(total / len(samples), None if right is None else right / len(samples))

    def outputs(self, x: Any) -> Array:
        """Tile by tile."""
        chunk = self.chunk
        inputs = self.data.splits[x].x if isinstance(x, str) else InputRows(x)
        shape = (len(chunk.places), len(inputs), chunk.architecture.out_features)
        out, new = np.empty(shape, inputs.dtype), chunk.new.scope("evaluation")
        with np.errstate(all="ignore"):
            for tile in _tiles(len(inputs)):
                tiled = inputs.tile(tile, new)
                out[:, tile] = chunk.architecture.forward(chunk.bound, tiled, new=new)[0]
        return out

    def state_of(self, row: int, updates: int, with_optimizer: bool) -> MemberState:
        """A copy, its features in their own order."""
        return self.chunk.state_of(row, updates, with_optimizer)

    def keep(self, rows: Sequence[int]) -> None:
        """Copies the rows that stay into smaller matrices."""
        self.chunk.keep(rows)


def gather(chunk: Chunk, samples: PreparedSplit, rows: Array) -> _Batch:
    """Inputs, targets and weights of the rows (S, B).

    They are (B, …) where all members share one seed, else (K, B, …).  A batch is gathered
    once for each seed, from all over the split, and then copied for the members that share it.
    """
    new, x, t, weight = chunk.new.scope("batch"), samples.x, samples.t, samples.weight
    batch = [x.take(rows, new("x", (*rows.shape, x.width), x.dtype))]
    batch.append(take(t, rows, new("t", rows.shape + t.shape[1:], t.dtype)))
    if weight is not None:
        batch.append(take(weight, rows, new("weight", rows.shape, weight.dtype)))
    seeds, members = len(rows), len(chunk.places)
    if seeds == 1:
        batch = [each[0] for each in batch]
    elif seeds != members:  # else they are in this order, which is that of the rows
        batch = [
            take(each, chunk.seed_rows, new(name, (members, *each.shape[1:]), each.dtype))
            for name, each in zip(("x", "t", "weight"), batch, strict=False)
        ]
    return batch[0], batch[1], batch[2] if weight is not None else None


def _step(chunk: Chunk, batch: _Batch, step: int, total: int) -> tuple[Array, tuple[int, ...]]:
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
        self.chunk = chunk
        self._step = step

    def __call__(self, layer: int, rows: int, width: int) -> Array:
        chunk, new = self.chunk, self.chunk.new.scope("draws")
        one = new("seeds", (len(chunk.seeds), rows, width), np.float32)
        for seed, out in zip(chunk.seeds, one, strict=True):
            stream(seed, "dropout", self._step, layer).random(dtype=np.float32, out=out)
        if len(chunk.seeds) == 1:
            shared: Array = one[0]
            return shared
        members = new("members", (len(chunk.places), rows, width), np.float32)
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
