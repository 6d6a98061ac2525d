"""The seam between what is trained and what trains it.

An engine knows nothing of experiments, histories, files or workers.  What crosses the seam is
flat arrays and plain numbers; nothing outside an engine touches the arrays of a lane.
`numpy.py` is the reference: any other engine has to give what it gives.

Letters: K members, S seeds, n steps, B rows of a batch, N rows of a split.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from trainlab.engine.state import MemberState
from trainlab.members import Member
from trainlab.network.workspace import Array

Prepared = Any
"""Splits in the form that an engine wants; nobody else looks inside.  It can be pickled."""


@dataclasses.dataclass(frozen=True)
class Samples:
    """Inputs x (N, d), dense or SciPy's CSR; targets t (N, …); weights (N,) of mean 1, or None."""

    x: Any
    t: Array
    weight: Array | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])


class Widths(NamedTuple):
    """Features that go in and come out."""

    inputs: int
    outputs: int


class Group(NamedTuple):
    """Members to train side by side, by place, and what a step costs in operations."""

    places: list[int]
    cost: float


@dataclasses.dataclass(frozen=True)
class LaneSpec:
    """What a lane is opened with.

    members   of one structure, with equally many updates behind them
    dtype     float32 or float64
    data      what `Engine.prepare` made of the splits; None for a lane that only predicts
    states    what the members begin with; None draws it from their seeds
    threads   that the lane may keep busy, if its engine `has_threads`
    """

    members: Sequence[Member]
    widths: Widths
    dtype: Any
    data: Prepared | None = None
    states: Sequence[MemberState] | None = None
    threads: int = 1


class Span(NamedTuple):
    """What a call of `train` did: losses (K, steps done), and the rows that diverged.

    diverged  row → the step of the call, counted from 0, that it diverged in.  It has the finite
              parameters and buffers that it had before, and no losses after that step: NaN.
    """

    losses: Array
    diverged: Mapping[int, int]


class Metrics(NamedTuple):
    """Mean data loss (K,), and the share of right predictions (K,) where there is one."""

    loss: Array
    accuracy: Array | None


class Lane(Protocol):
    """Members in training, one to a row."""

    @property
    def places(self) -> list[int]:
        """The place in the specification of the member of each row."""

    @property
    def seeds(self) -> list[int]:
        """Those of the members, each once: batches come in this order."""

    def train(
        self, batches: Array, first_step: int, total: int, interrupted: Callable[[], bool]
    ) -> Span:
        """Steps on batches (S, n, B), which are rows of the training split.

        Returns early before a step if `interrupted`; it may do so after a step in which a row
        diverged.
        """

    def evaluate(self, split: str, batch: Array | None = None) -> Metrics:
        """Metrics of a whole split, or of one batch (S, B) of it, in evaluation mode."""

    def outputs(self, x: Any) -> Array:
        """Outputs (K, N, out) of the last layer, in evaluation mode.

        x: inputs (N, in), or the name of a split.
        """

    def state_of(self, row: int, updates: int, with_optimizer: bool) -> MemberState:
        """A copy of what the member of a row has learnt, after so many updates."""

    def keep(self, rows: Sequence[int]) -> None:
        """Drops all rows but these.  The bits of those that stay do not change."""


@runtime_checkable
class Engine(Protocol):
    """Opens lanes.

    One may have a true `has_threads`: a lane keeps several cores busy, without Python's lock.
    One may have `permutations`, which draws the orders of many seeds at once (data/batches.py).
    """

    name: str

    def supports(self, members: Sequence[Member]) -> str | None:
        """Why the engine cannot train one of these members, or None if it can train all."""

    def prepare(self, splits: Mapping[str, Samples]) -> Prepared:
        """The splits of a training in the form that lanes of this engine read."""

    def group(
        self,
        members: Sequence[Member],
        widths: Widths,
        batch_size: int,
        dtype: Any,
        workers: int = 1,
        origins: Sequence[Hashable] | None = None,
    ) -> list[Group]:
        """Who trains side by side, the dearest first; it changes the speed and not one bit.

        origins  what members must share beside their structure, such as their updates so far
        """

    def open(self, spec: LaneSpec) -> Lane:
        """The members of the specification, ready to train."""
