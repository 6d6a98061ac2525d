"""Members that train on, step by step, and may be other members after any step.

A change opens a lane anew (training/changes.py); a clone, and an arm that stops, open all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from trainlab.blas import usable_cores
from trainlab.data.batches import Batches, BatchSource
from trainlab.engine.base import Engine, Lane, LaneSpec, Metrics, Prepared, Widths
from trainlab.engine.state import MemberState
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.training.changes import reopened

UNKNOWN_LENGTH: Final = 2**28 - 1
"""The steps that a lane is told of: it never ends, and no schedule may ask (session.py)."""

Key = tuple[str, int]
"""Which member: the name of its arm, and its seed."""


@dataclasses.dataclass(frozen=True)
class LaneSetting:
    """What all lanes of a session share, the data above all."""

    engine: Engine
    data: Prepared
    widths: Widths
    dtype: Any
    batches: Batches


class Growth(NamedTuple):
    """What some steps did: losses (steps,) of each member, and who diverged at which step.

    losses  NaN from the step on in which a member diverged
    """

    losses: dict[Key, Array]
    diverged: dict[Key, int]


class Lanes:
    """Members by key, in as many lanes as their engine likes, all after the same number of steps.

    Those that diverge leave; `diverged` has what they had learnt before.

    Parameters
    ----------
    setting : LaneSetting
        The engine and the data.
    members : dict of Member
        Who trains.
    states : dict of MemberState, optional
        What they begin with; None draws it from their seeds.
    step : int
        Updates that they have received.
    """

    def __init__(
        self,
        setting: LaneSetting,
        members: Mapping[Key, Member],
        states: Mapping[Key, MemberState] | None = None,
        step: int = 0,
    ) -> None:
        self.setting, self.step = setting, step
        self.diverged: dict[Key, MemberState] = {}
        engine, keys = setting.engine, list(members)
        found = [members[key] for key in keys]
        threads = usable_cores() if getattr(engine, "has_threads", False) else 1
        size = setting.batches.batch_size
        groups = engine.group(found, setting.widths, size, setting.dtype) if found else []
        self._lanes: list[tuple[Lane, list[Key], BatchSource]] = []
        self._members = dict(members)
        self._threads = threads
        for group in groups:
            own = [keys[place] for place in group.places]
            before = None if states is None else [states[key] for key in own]
            lane = engine.open(self._spec(own, before))
            source = BatchSource(setting.batches, getattr(engine, "permutations", None), threads)
            self._lanes.append((lane, [own[place] for place in lane.places], source))

    def _spec(self, keys: Sequence[Key], states: Sequence[MemberState] | None = None) -> LaneSpec:
        setting, members = self.setting, [self._members[key] for key in keys]
        dtype, data = setting.dtype, setting.data
        return LaneSpec(members, setting.widths, dtype, data, states, self._threads)

    def change(self, members: Mapping[Key, Member]) -> None:
        """Members of before with other settings; all stay as they are where that fails."""
        before, lanes = self._members, list(self._lanes)
        self._members = {**before, **members}
        try:
            for number, (lane, keys, source) in enumerate(lanes):
                if any(key in members for key in keys):
                    again = reopened(self.setting.engine, lane, self._spec(keys), self.step)
                    lanes[number] = again, [keys[place] for place in again.places], source
        except BaseException:
            self._members = before
            raise
        self._lanes = lanes

    @property
    def keys(self) -> list[Key]:
        """Those that train."""
        return [key for _, keys, _ in self._lanes for key in keys]

    def train(self, steps: int) -> Growth:
        """Some steps of all."""
        losses: dict[Key, Array] = {}
        diverged: dict[Key, int] = {}
        for number, (lane, keys, source) in enumerate(self._lanes):
            left = self._train(lane, keys, source, steps, losses, diverged)
            self._lanes[number] = lane, left, source
        self._lanes = [one for one in self._lanes if one[1]]
        self.step += steps
        return Growth(losses, diverged)

    def _train(
        self,
        lane: Lane,
        keys: list[Key],
        source: BatchSource,
        steps: int,
        losses: dict[Key, Array],
        diverged: dict[Key, int],
    ) -> list[Key]:
        """One lane; returns who is left."""
        done = 0
        for key in keys:
            losses[key] = np.full(steps, np.nan, self.setting.dtype)
        while done < steps and keys:
            first = self.step + done
            batches = source.between(lane.seeds, first, self.step + steps)
            span = lane.train(batches, first, UNKNOWN_LENGTH, lambda: False)
            for key, own in zip(keys, span.losses, strict=True):
                losses[key][done : done + len(own)] = own
            if span.diverged:  # the step in which they diverged was not theirs
                for row, step in span.diverged.items():
                    key = keys[row]
                    diverged[key] = first + step
                    losses[key][done + step :] = np.nan
                    self.diverged[key] = lane.state_of(row, first + step, False)
                kept = [row for row in range(len(keys)) if row not in span.diverged]
                lane.keep(kept)
                keys = [keys[row] for row in kept]
            done += span.losses.shape[1]
        return keys

    def states(self) -> dict[Key, MemberState]:
        """Copies of what those that train have learnt, with the arrays of their optimizers."""
        return {
            key: lane.state_of(row, self.step, True)
            for lane, keys, _ in self._lanes
            for row, key in enumerate(keys)
        }

    def state_of(self, wanted: Key) -> MemberState | None:
        """A copy of what one of them has learnt; None if it does not train."""
        for lane, keys, _ in self._lanes:
            if wanted in keys:
                return lane.state_of(keys.index(wanted), self.step, False)
        return None

    def evaluate(self, split: str) -> dict[Key, tuple[float, float]]:
        """Mean loss and share of right predictions (NaN in a regression) on a split."""
        found: dict[Key, tuple[float, float]] = {}
        for lane, keys, _ in self._lanes:
            metrics: Metrics = lane.evaluate(split)
            right = np.full(len(keys), np.nan) if metrics.accuracy is None else metrics.accuracy
            for key, loss, share in zip(keys, metrics.loss, right, strict=True):
                found[key] = float(loss), float(share)
        return found

    def outputs(self, x: Any) -> dict[Key, Array]:
        """Outputs (N, out) for inputs, or for a split by its name."""
        return {
            key: one
            for lane, keys, _ in self._lanes
            for key, one in zip(keys, lane.outputs(x), strict=True)
        }


def spread(arms: Mapping[str, Member], seeds: Sequence[int]) -> dict[Key, Member]:
    """A member of each arm for each seed."""
    return {
        (name, seed): dataclasses.replace(member, seed=seed)
        for name, member in arms.items()
        for seed in seeds
    }
