"""What happens in a training, as a stream of typed events.

A trainer sends them to a `Recorder`, which may be in another process: an event holds plain
numbers and arrays, and can be pickled.  Rows are the places of members in their population.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trainlab.engine.state import Checkpoint, MemberState, Result
from trainlab.network.workspace import Array
from trainlab.training.changes import Requests


@dataclass(frozen=True)
class Measured:
    """Values of series: (K,) at one position, or (K, n) at neighbouring ones.

    steps  member-steps that were done for them
    """

    rows: list[int]
    at: int | slice
    values: Mapping[str, Array]
    steps: int = 0


@dataclass(frozen=True)
class Evaluated:
    """Metrics (K,) of members that have received so many updates; the recorder may end some.

    states  by row, where a callback wants to see parameters
    """

    rows: list[int]
    updates: int
    metrics: Mapping[str, Array]
    states: Mapping[int, MemberState] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochEnded:
    """Members at the end of an epoch, where a callback waits for that; it may end some."""

    rows: list[int]
    updates: int
    states: Mapping[int, MemberState] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """Members that train no more.

    steps  member-steps that they will not do
    """

    results: Mapping[int, Result]
    steps: int


@dataclass(frozen=True)
class Checkpointed:
    """What members would go on from; where there is a store it is on disk before the next step."""

    checkpoints: Mapping[int, Checkpoint]


@dataclass(frozen=True)
class ChunkEnded:
    """The last member of a chunk has ended."""


Event = Measured | Evaluated | EpochEnded | Ended | Checkpointed | ChunkEnded


class Recorder(Protocol):
    """Where a trainer sends events, and asks whether to go on."""

    @property
    def durable(self) -> bool:
        """Whether checkpoints are of use."""

    def send(self, event: Event) -> Collection[int]:
        """Takes an event; returns the rows of members that are to end now."""

    @property
    def asked(self) -> Requests:
        """What members are asked for while they train."""

    def stopped(self, rows: Sequence[int] = ()) -> bool:
        """Whether everything is to end, or these members are asked for something.

        Waits while the training is paused.
        """
