"""A chunk: members that are trained side by side, a row of flat matrices for each.

Letters: K members, P parameters, Q running statistics.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from trainlab.engine.state import MemberState, draw_states, seeds_of
from trainlab.members import Member
from trainlab.network.architecture import Architecture
from trainlab.network.workspace import Array, Workspace
from trainlab.optimizers.base import Optimizer, State
from trainlab.settings import stack, structure


@dataclasses.dataclass
class Segment:
    """The rows of a chunk that one kind of optimizer updates, and its state for them."""

    rows: slice
    optimizer: Optimizer
    state: State


class Chunk:
    """K members of one structure: settings stacked, params (K, P), buffers (K, Q).

    `places[k]` is the place among the given members of row k.  Rows are ordered by kind of
    optimizer, so that each kind has one slice.  `columns` is the order in which inputs
    bring their features (engine/inputs.py): the rows of the first weights, and of the
    optimizer's arrays for them, stand in that order here, and in their own outside.
    """

    def __init__(
        self,
        settings: Sequence[Member],
        widths: tuple[int, int],
        dtype: Any,
        columns: Array | None = None,
        states: Sequence[MemberState] | None = None,
    ) -> None:
        """widths: features in and out.  states: what the members begin with; None draws it.

        Where a state has no arrays of the optimizer, the optimizer begins anew.
        """
        kinds = list(dict.fromkeys(kind(member) for member in settings))
        order = sorted(range(len(settings)), key=lambda k: kinds.index(kind(settings[k])))
        self.places = order
        self.settings = [settings[k] for k in order]
        self.columns = columns
        self._widths = widths
        if states is None:
            states = draw_states(self.settings, widths, dtype)
        else:
            states = [states[k] for k in order]
        self.params = np.stack([state.params for state in states])
        self.buffers = np.stack([state.buffers for state in states])
        self._stack()
        self._inside(self.params)
        for segment in self.segments:
            segment.state.update(segment.optimizer.init(self.params[segment.rows]))
            for row, own in enumerate(states[segment.rows]):
                for name, values in own.optimizer.items():
                    segment.state[name][row] = values
            if states[segment.rows][0].optimizer:
                for name in segment.optimizer.arrays:
                    self._inside(segment.state[name])

    def _stack(self) -> None:
        """Everything that follows from `settings`: stacked records, segments, scratch memory."""
        networks = [member.network for member in self.settings]
        self.architecture = Architecture.of(networks, *self._widths)
        self.seeds, self.seed_rows = seeds_of(self.settings)
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

    def state_of(self, row: int, updates: int, with_optimizer: bool) -> MemberState:
        """A copy of what the member of a row has learnt, its features in their own order."""
        params, optimizer = self._outside(self.params[row].copy()), dict[str, Array]()
        if with_optimizer:
            segment = next(s for s in self.segments if s.rows.start <= row < s.rows.stop)
            place = row - segment.rows.start
            optimizer = {name: values[place].copy() for name, values in segment.state.items()}
            for name in segment.optimizer.arrays:
                self._outside(optimizer[name])
        return MemberState(params, self.buffers[row].copy(), optimizer, updates)

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these.  The bits of those that stay do not change."""
        if not rows:
            self.places, self.settings, self.segments = [], [], []
            return
        kept, states = np.array(rows), []
        for segment in self.segments:
            first, end = segment.rows.start, segment.rows.stop
            own = kept[(kept >= first) & (kept < end)] - first
            if len(own):
                states.append({name: values[own] for name, values in segment.state.items()})
        self.places = [self.places[row] for row in rows]
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
