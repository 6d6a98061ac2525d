"""The seam between what is trained and what trains it.

A chunk is a handful of members of one architecture with their numbers in flat
matrices.  An engine advances a chunk by some steps, or evaluates it; it knows
nothing of experiments, histories, files or threads.  NumPyEngine is the
reference: any other engine has to give what it gives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from trainlab.network.architecture import Architecture
from trainlab.network.workspace import Array, Workspace
from trainlab.optimizer_base import Optimizer, State
from trainlab.settings import stack, structure
from trainlab.streams import stream
from trainlab.training.members import Member

# Rows evaluated at a time.  The tile is fixed because a BLAS may round a row
# differently at another place of a batch of another size; 256 rows of the widths
# used here keep the activations of one member inside a second-level cache.
EVALUATION_ROWS: Final = 256

# A sum of a member's step above this may hide parameters that are about to overflow
# (float32 ends at 3.4e38), so they are looked at one by one.
SUSPICIOUS: Final = 1e30


@dataclasses.dataclass
class Segment:
    """The rows of a chunk that one kind of optimizer updates, and its state for them."""

    rows: slice
    optimizer: Optimizer
    state: State


class Chunk:
    """K members of one structure: settings stacked, numbers in rows of flat matrices.

    params (K, P), buffers (K, Q); `members[k]` is the place in the population of row k.
    Rows are ordered by kind of optimizer, so that each kind has one slice.
    """

    def __init__(
        self,
        members: Sequence[int],
        settings: Sequence[Member],
        in_features: int,
        out_features: int,
        dtype: Any,
        starts: Sequence[tuple[Array, Array]] | None = None,
    ) -> None:
        """`starts` are the parameters and buffers to begin with; None draws them."""
        kinds = list(dict.fromkeys(structure(member.optimizer) for member in settings))
        order = sorted(range(len(settings)), key=lambda k: kinds.index(_kind(settings[k])))
        self.members = [members[k] for k in order]
        self.settings = [settings[k] for k in order]
        self._shape = (in_features, out_features)
        if starts is None:
            built = [m.network.build(in_features, out_features) for m in settings]
            starts = [
                network.initialize(member.seed, dtype)
                for network, member in zip(built, settings, strict=True)
            ]
        starts = [starts[k] for k in order]
        self.params = np.stack([params for params, _ in starts])
        self.buffers = np.stack([buffers for _, buffers in starts])
        self._stack()
        for segment in self.segments:
            segment.state.update(segment.optimizer.init(self.params[segment.rows]))

    def _stack(self) -> None:
        """Everything that follows from `settings`: stacked records, segments, scratch memory."""
        networks = [member.network for member in self.settings]
        self.architecture = Architecture.of(networks, *self._shape)
        self.seeds = list(dict.fromkeys(member.seed for member in self.settings))
        self.seed_rows = [self.seeds.index(member.seed) for member in self.settings]
        self.grads = np.empty_like(self.params)
        self.bound = self.architecture.bind(self.params, self.buffers)
        self.bound_grads = self.architecture.bind(self.grads)
        self.bound_buffers = self.architecture.buffer_layout.layer_views(
            self.buffers, len(self.architecture.layers)
        )
        self.new = Workspace()
        self.segments: list[Segment] = []
        start = 0
        while start < len(self.settings):
            kind, end = _kind(self.settings[start]), start
            while end < len(self.settings) and _kind(self.settings[end]) == kind:
                end += 1
            optimizers = [member.optimizer for member in self.settings[start:end]]
            self.segments.append(Segment(slice(start, end), stack(optimizers, trailing=1), {}))
            start = end

    def state_of(self, row: int) -> State:
        """A copy of the optimizer state of one row."""
        for segment in self.segments:
            if segment.rows.start <= row < segment.rows.stop:
                at = row - segment.rows.start
                return {name: values[at].copy() for name, values in segment.state.items()}
        raise IndexError(row)

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these.  The bits of those that stay do not change."""
        if not rows:
            self.members, self.settings, self.segments = [], [], []
            return
        states = [self.state_of(row) for row in rows]
        self.members = [self.members[row] for row in rows]
        self.settings = [self.settings[row] for row in rows]
        self.params = self.params[list(rows)]
        self.buffers = self.buffers[list(rows)]
        self._stack()
        for segment in self.segments:
            own = states[segment.rows]
            segment.state.update({name: np.stack([s[name] for s in own]) for name in own[0]})


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
        x: Array,
        t: Array,
        orders: Sequence[Sequence[Array]],
        first_step: int,
        total: int,
        interrupted: Callable[[], bool],
    ) -> Span:
        """Steps on the batches orders[seed][i] (rows of x and t), i = 0, 1, ….

        Returns early after a step in which a row diverged, and before a step if `interrupted`.
        """

    def evaluate(self, chunk: Chunk, x: Array, t: Array) -> tuple[Array, Array | None]:
        """Mean data loss (K,) and count of right predictions (K,), in evaluation mode.

        x: (N, in) for all members, or (K, N, in).
        """

    def outputs(self, chunk: Chunk, x: Array) -> Array:
        """The outputs (K, N, out) of the last layer, in evaluation mode."""


class NumPyEngine:
    """The reference engine: the layers as they are written, on all rows at once."""

    name = "numpy"

    def supports(self, chunk: Chunk) -> str | None:
        return None

    def train(
        self,
        chunk: Chunk,
        x: Array,
        t: Array,
        orders: Sequence[Sequence[Array]],
        first_step: int,
        total: int,
        interrupted: Callable[[], bool],
    ) -> Span:
        steps = len(orders[0])
        losses = np.empty((len(chunk.members), steps), x.dtype)
        with np.errstate(all="ignore"):  # what diverges is found by looking, and reported
            for i in range(steps):
                if interrupted():
                    return Span(losses[:, :i], ())
                batch = gather(chunk, x, t, [order[i] for order in orders])
                losses[:, i], diverged = _step(chunk, *batch, first_step + i, total)
                if diverged:
                    return Span(losses[:, : i + 1], diverged)
        return Span(losses, ())

    def evaluate(self, chunk: Chunk, x: Array, t: Array) -> tuple[Array, Array | None]:
        rows, loss = x.shape[-2], chunk.architecture.loss
        total: Array = np.zeros(len(chunk.members))
        right: Array | None = None
        new = chunk.new.scope("evaluation")
        with np.errstate(all="ignore"):
            for tile in _tiles(rows):
                y, _, _ = chunk.architecture.forward(chunk.bound, x[..., tile, :], new=new)
                t_tile = t[..., tile] if loss.task == "classification" else t[..., tile, :]
                value, _ = loss.forward(y, t_tile, new.scope("loss"))
                total += value.astype(np.float64) * (tile.stop - tile.start)
                correct = loss.correct(y, t_tile)
                if correct is not None:
                    right = correct if right is None else right + correct
        return total / rows, right

    def outputs(self, chunk: Chunk, x: Array) -> Array:
        out = np.empty((len(chunk.members), len(x), chunk.architecture.out_features), x.dtype)
        new = chunk.new.scope("evaluation")
        with np.errstate(all="ignore"):
            for tile in _tiles(len(x)):
                out[:, tile] = chunk.architecture.forward(chunk.bound, x[tile], new=new)[0]
        return out


def gather(chunk: Chunk, x: Array, t: Array, rows: Sequence[Array]) -> tuple[Array, Array]:
    """The batch of each seed: (B, in) where all rows share one seed, else (K, B, in)."""
    new = chunk.new.scope("batch")
    if len(rows) == 1:
        shape = (len(rows[0]),)
        x_batch = new("x", shape + x.shape[1:], x.dtype)
        t_batch = new("t", shape + t.shape[1:], t.dtype)
        return _take(x, rows[0], x_batch), _take(t, rows[0], t_batch)
    members = (len(chunk.members), len(rows[0]))
    x_batch = new("x", members + x.shape[1:], x.dtype)
    t_batch = new("t", members + t.shape[1:], t.dtype)
    for k, seed in enumerate(chunk.seed_rows):
        _take(x, rows[seed], x_batch[k])
        _take(t, rows[seed], t_batch[k])
    return x_batch, t_batch


def _take(source: Array, rows: Array | list[int], out: Array) -> Array:
    # "clip" because "raise" would make NumPy fill a copy of `out` first; rows are in range
    return np.take(source, rows, axis=0, out=out, mode="clip")


def _step(chunk: Chunk, x: Array, t: Array, step: int, total: int) -> tuple[Array, tuple[int, ...]]:
    """One update of every row that stays finite: the losses, and the rows that do not."""
    draw = _Draws(chunk, step)
    loss, _, updated = chunk.architecture.loss_and_gradient(
        chunk.bound, x, t, chunk.bound_grads, draw, chunk.new
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
    suspects = ~(np.abs(np.add.reduce(chunk.grads, axis=-1)) < SUSPICIOUS)
    found = ~np.isfinite(loss)
    for k in np.flatnonzero(suspects & ~found):
        found[k] = not np.isfinite(chunk.params[k] + chunk.grads[k]).all()
    for fresh in updated:
        for values in fresh.values():
            found |= ~np.isfinite(values).all(axis=(-2, -1))
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
        return _take(one, chunk.seed_rows, members)


def _tiles(rows: int) -> list[slice]:
    starts = range(0, rows, EVALUATION_ROWS)
    return [slice(start, min(start + EVALUATION_ROWS, rows)) for start in starts]


def _kind(member: Member) -> Any:
    return structure(member.optimizer)
