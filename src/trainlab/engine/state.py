"""What a member has learnt, how far it has come, and how it ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from trainlab.deprecated import renamed
from trainlab.members import Member
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.workspace import Array

STATUS_KINDS: Final = ("finished", "stopped early", "diverged", "interrupted", "running")


@dataclasses.dataclass(frozen=True)
class MemberState:
    """Parameters (P,), buffers (Q,), the arrays of the optimizer by name, and a count.

    optimizer  {} where they were not kept
    updates    how many the member has received so far
    """

    params: Array
    buffers: Array
    optimizer: dict[str, Array] = dataclasses.field(default_factory=dict)
    updates: int = 0

    state = renamed("state", "optimizer")

    def arrays(self) -> dict[str, Array]:
        """All of its arrays by name, as a store keeps them."""
        optimizer = {f"state/{name}": values for name, values in self.optimizer.items()}
        return {"params": self.params, "buffers": self.buffers, **optimizer}

    @classmethod
    def of(cls, arrays: Mapping[str, Array], updates: int) -> MemberState:
        """The state that gave these arrays, among which there may be others."""
        optimizer = {
            name.removeprefix("state/"): values
            for name, values in arrays.items()
            if name.startswith("state/")
        }
        return cls(arrays["params"], arrays["buffers"], optimizer, updates)


class Start(NamedTuple):
    """What members of one seed and the same starts begin with, and their places."""

    places: list[int]
    architecture: Architecture
    seed: int

    def draw(self, dtype: Any) -> MemberState:
        """The parameters and buffers."""
        return MemberState(*self.architecture.initialize(self.seed, dtype))


def starts(settings: Sequence[Member], widths: tuple[int, int]) -> list[Start]:
    """What has to be drawn for these members: what is the same, once."""
    built: dict[MLP, tuple[Architecture, int]] = {}
    numbers: dict[Hashable, int] = {}
    found: dict[tuple[int, int], Start] = {}
    for place, member in enumerate(settings):
        known = built.get(member.network)
        if known is None:
            architecture = member.network.build(*widths)
            number = numbers.setdefault(architecture.starts, len(numbers))
            known = built[member.network] = architecture, number
        key = known[1], member.seed
        found.setdefault(key, Start([], known[0], member.seed)).places.append(place)
    return list(found.values())


def seeds_of(members: Sequence[Member]) -> tuple[list[int], Array]:
    """The seeds, each once, and of each member the place of its own among them, (K,)."""
    places: dict[int, int] = {}
    rows = [places.setdefault(member.seed, len(places)) for member in members]
    return list(places), np.array(rows, np.int64)


def draw_states(
    settings: Sequence[Member], widths: tuple[int, int], dtype: Any
) -> list[MemberState]:
    """What each member begins with; members that begin alike share it."""
    found: dict[int, MemberState] = {}
    for start in starts(settings, widths):
        found.update(dict.fromkeys(start.places, start.draw(dtype)))
    return [found[place] for place in range(len(settings))]


@dataclasses.dataclass(frozen=True)
class Status:
    """How a member ended: kind, the number of updates it received, and its best evaluation.

    kind  one of STATUS_KINDS; "running" while it trains
    step  updates done; a diverged member keeps the finite state it had after them
    best_step  the updates after which early stopping saw the best value, if it watched
    """

    kind: str
    step: int
    best_step: int | None = None

    def __str__(self) -> str:
        return self.kind if self.kind == "finished" else f"{self.kind} at step {self.step}"


@dataclasses.dataclass(frozen=True)
class Result:
    """What is kept of a member that has ended."""

    status: Status
    state: MemberState | None


@dataclasses.dataclass(frozen=True)
class Best:
    """The best evaluation of a member so far, and how many were worse since.

    state  what the member had learnt then, without its optimizer's arrays
    """

    value: float | None = None
    waited: int = 0
    step: int | None = None
    state: MemberState | None = None


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A member in the middle of a training: all that its next step depends on but its settings.

    state      with the arrays of its optimizer
    done       updates that it received in this training, which may not be its first
    evaluated  how many of these it had received when it was last evaluated
    losses     (done − evaluated,) of the steps since then
    """

    state: MemberState
    done: int
    evaluated: int
    best: Best
    losses: Array
