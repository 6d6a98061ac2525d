"""A chunk: members that are trained side by side, their numbers in rows of flat matrices.

Letters: K members, P parameters, Q running statistics.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from trainlab.network.architecture import MLP, Architecture
from trainlab.network.workspace import Array, Workspace
from trainlab.optimizer_base import Optimizer, State
from trainlab.settings import stack, structure
from trainlab.training.members import Member
from trainlab.training.record import Numbers


@dataclasses.dataclass
class Segment:
    """The rows of a chunk that one kind of optimizer updates, and its state for them."""

    rows: slice
    optimizer: Optimizer
    state: State


class Chunk:
    """K members of one structure: settings stacked, params (K, P), buffers (K, Q).

    `members[k]` is the place in the population of row k.  Rows are ordered by kind of
    optimizer, so that each kind has one slice.  `columns` is the order in which inputs
    bring their features (training/inputs.py): the rows of the first weights, and of what
    optimizers keep of them, stand in that order here, and in their own outside.  `origin` is
    the number of updates that all of them had received before.
    """

    def __init__(
        self,
        members: Sequence[int],
        settings: Sequence[Member],
        widths: tuple[int, int],
        dtype: Any,
        columns: Array | None = None,
        starts: Sequence[Numbers] | None = None,
    ) -> None:
        """widths: features in and out.  `starts`: the numbers to begin with; None draws them.

        Where they have no state, the optimizer begins with a new one.
        """
        kinds = list(dict.fromkeys(kind(member) for member in settings))
        order = sorted(range(len(settings)), key=lambda k: kinds.index(kind(settings[k])))
        self.members = [members[k] for k in order]
        self.settings = [settings[k] for k in order]
        self.columns = columns
        self._widths = widths
        if starts is None:
            starts = _draw(self.settings, widths, dtype)
        else:
            starts = [starts[k] for k in order]
        self.origin = starts[0].updates
        self.params = np.stack([numbers.params for numbers in starts])
        self.buffers = np.stack([numbers.buffers for numbers in starts])
        self._stack()
        self._inside(self.params)
        for segment in self.segments:
            segment.state.update(segment.optimizer.init(self.params[segment.rows]))
            for row, numbers in enumerate(starts[segment.rows]):
                for name, values in numbers.state.items():
                    segment.state[name][row] = values
            if starts[segment.rows][0].state:
                for name in segment.optimizer.arrays:
                    self._inside(segment.state[name])

    def _stack(self) -> None:
        """Everything that follows from `settings`: stacked records, segments, scratch memory."""
        networks = [member.network for member in self.settings]
        self.architecture = Architecture.of(networks, *self._widths)
        self.seeds = list(dict.fromkeys(member.seed for member in self.settings))
        place = {seed: index for index, seed in enumerate(self.seeds)}
        self.seed_rows = np.array([place[member.seed] for member in self.settings])
        self.grads = np.empty_like(self.params)
        self.bound = self.architecture.bind(self.params, self.buffers)
        self.bound_grads = self.architecture.bind(self.grads)
        self.bound_buffers = self.architecture.buffer_layout.layer_views(
            self.buffers, len(self.architecture.layers)
        )
        self.new = Workspace()
        self.segments: list[Segment] = []
        kinds, start = [kind(member) for member in self.settings], 0
        while start < len(kinds):
            end = start + kinds[start:].count(kinds[start])
            optimizers = [member.optimizer for member in self.settings[start:end]]
            self.segments.append(Segment(slice(start, end), stack(optimizers, trailing=1), {}))
            start = end

    def params_of(self, row: int) -> Array:
        """A copy of the parameters (P,) of one row, features in their own order."""
        return self._outside(self.params[row].copy())

    def state_of(self, row: int) -> State:
        """A copy of the optimizer state of one row, features in their own order."""
        segment = next(s for s in self.segments if s.rows.start <= row < s.rows.stop)
        state = {name: v[row - segment.rows.start].copy() for name, v in segment.state.items()}
        for name in segment.optimizer.arrays:
            self._outside(state[name])
        return state

    def numbers_of(self, row: int, updates: int, with_state: bool) -> Numbers:
        """A copy of all numbers of one row, which has received so many updates."""
        state = self.state_of(row) if with_state else {}
        return Numbers(self.params_of(row), self.buffers[row].copy(), state, updates)

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these.  The bits of those that stay do not change."""
        if not rows:
            self.members, self.settings, self.segments = [], [], []
            return
        kept, states = np.array(rows), []
        for segment in self.segments:
            first, end = segment.rows.start, segment.rows.stop
            own = kept[(kept >= first) & (kept < end)] - first
            if len(own):
                states.append({name: values[own] for name, values in segment.state.items()})
        self.members = [self.members[row] for row in rows]
        self.settings = [self.settings[row] for row in rows]
        self.params, self.buffers = self.params[kept], self.buffers[kept]
        self._stack()
        for segment, state in zip(self.segments, states, strict=True):
            segment.state = state

    def _outside(self, flat: Array) -> Array:
        """Puts the rows of the first weights of flat (P,) into their own order, in place."""
        if self.columns is not None:
            weights = self._first_weights(flat)
            weights[self.columns] = weights.copy()
        return flat

    def _inside(self, flat: Array) -> None:
        """Puts the rows of the first weights of flat (..., P) into the chunk's order, in place."""
        if self.columns is not None:
            weights = self._first_weights(flat)
            weights[...] = weights[..., self.columns, :]

    def _first_weights(self, flat: Array) -> Array:
        """The weights (..., in, out) of the first layer in flat (..., P)."""
        return self.architecture.layout.view(flat, 0)


def kind(member: Member) -> Hashable:
    """What members must share for one optimizer to update them as rows of one matrix."""
    return structure(member.optimizer)


def _draw(settings: Sequence[Member], widths: tuple[int, int], dtype: Any) -> list[Numbers]:
    """The starting numbers of each member; what is the same is made once."""
    built: dict[MLP, Architecture] = {}
    drawn: dict[tuple[MLP, int], Numbers] = {}
    for member in settings:
        network, key = member.network, (member.network, member.seed)
        if network not in built:
            built[network] = network.build(*widths)
        if key not in drawn:
            drawn[key] = Numbers(*built[network].initialize(member.seed, dtype))
    return [drawn[member.network, member.seed] for member in settings]
