"""A live session without threads, pages or files: members that train, and what is done to them.

Whatever is done stands in a log with its step.  The same setup with the same log ends with the
same bits, however the steps between were cut, and whatever was done and undone on the way.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.data.batches import Batches
from trainlab.engine import engine_for
from trainlab.engine.base import Samples
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, sentence
from trainlab.limits import MAX_INDEX
from trainlab.live.curves import Curves
from trainlab.live.interventions import Intervention
from trainlab.live.lanes import Key, Lanes, LaneSetting, spread
from trainlab.live.setup import ARMS, NAME, OWNER, LiveSetup
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.population.validation import check_data
from trainlab.settings import is_integer

MOST_ARMS: Final = 3 * ARMS
"""Those that were stopped included."""
SHOWN: Final = 1_000
"""Rows of the training split that are evaluated."""
POINTS: Final = 16
"""Places to go back to at once; from others, earlier ones are trained again."""
POINT_BYTES: Final = 2**28


@dataclasses.dataclass(frozen=True)
class EndedMember:
    """A member that trains no more: "diverged" or "stopped", after so many updates."""

    kind: str
    state: MemberState


@dataclasses.dataclass(frozen=True)
class SessionPoint:
    """All that a session goes on from.

    at      how many entries of the log there were
    states  of those that train; None draws them from the seeds
    """

    at: int
    step: int
    arms: Mapping[str, Member]
    states: Mapping[Key, MemberState] | None
    ended: Mapping[Key, EndedMember]

    @property
    def size(self) -> int:
        """Bytes of its states."""
        return sum(
            array.nbytes
            for state in (self.states or {}).values()
            for array in (state.params, state.buffers, *state.optimizer.values())
        )


class LiveSession:
    """Arms × seeds in training.

    Parameters
    ----------
    setup : LiveSetup
        What it begins with.
    choice : dict, optional
        The choice of a page that this came from, as its form shows it.
    """

    def __init__(self, setup: LiveSetup, choice: Mapping[str, Any] | None = None) -> None:
        self.setup, self.choice = setup, choice
        data, members = setup.data, list(setup.arms.values())
        splits, widths = check_data(data, members, setup.dtype)
        self.held_name = next(n for n in ("validation", "test", "train") if n in splits)
        self.held = splits[self.held_name]
        given = {"train": splits["train"], "shown": first_rows(splits["train"], SHOWN)}
        given["held"] = self.held
        engine = engine_for(setup.engine, members, OWNER)
        batches = Batches(len(splits["train"]), setup.batch_size)
        self.batches = batches
        dtype = np.dtype(setup.dtype)
        self.setting = LaneSetting(engine, engine.prepare(given), widths, dtype, batches)
        self.shown = given["shown"]
        self.log: list[Intervention] = []
        self.undone: list[Intervention] = []
        self.tests = 0  # that somebody has asked for
        self.curves = Curves(setup.arms, len(setup.seeds), setup.evaluate)
        self._points: list[SessionPoint] = [SessionPoint(0, 0, setup.arms, None, {})]
        self._restore(self._points[0])

    @property
    def step(self) -> int:
        """Updates that those that train have received."""
        return self.lanes.step

    @property
    def running(self) -> list[str]:
        """The arms that train: those of which any member does."""
        found = {key[0] for key in self.lanes.keys}
        return [name for name in self.arms if name in found]

    def keys(self, arm: str) -> list[Key]:
        """Those of an arm, in the order of the seeds."""
        return [(arm, seed) for seed in self.setup.seeds]

    # --- training --------------------------------------------------------------------------

    def advance(self, steps: int) -> int:
        """Trains some steps, at most to the next evaluation; returns how many, 0 at the end."""
        self._record()
        to_evaluation = self.curves.every - self.step % self.curves.every
        left = min(steps, to_evaluation, MAX_INDEX - self.step)
        if left <= 0 or not self.lanes.keys:
            return 0
        growth = self.lanes.train(left)
        for key in growth.diverged:
            self.ended[key] = EndedMember("diverged", self.lanes.diverged[key])
        self._record()
        return left

    def advance_to(self, step: int) -> None:
        """Trains up to a step."""
        while self.step < step and self.advance(step - self.step):
            pass
        self.lanes.step = max(self.step, step)  # where nobody trains, steps pass all the same

    def _record(self) -> None:
        """Evaluates, if that is due and has not been done."""
        steps, step = self.curves.steps, self.step
        if step % self.curves.every or (steps and steps[-1] >= step):
            return
        train, held = self.lanes.evaluate("shown"), self.lanes.evaluate("held")
        found = {}
        for arm in self.arms:
            rows = [
                (*train[key], *held[key]) if key in train else (np.nan,) * 4
                for key in self.keys(arm)
            ]
            found[arm] = np.array(rows).T
        self.curves.record(step, found)

    # --- interventions ---------------------------------------------------------------------

    def change(self, arm: str, fields: Mapping[str, float]) -> None:
        """Gives all members of an arm another rate, dropout or penalty."""
        self.do(Intervention(self.step, "change", arm, fields))

    def stop(self, arm: str) -> None:
        """Ends an arm."""
        self.do(Intervention(self.step, "stop", arm))

    def clone(self, arm: str, fields: Mapping[str, float], name: str | None = None) -> str:
        """Begins an arm that goes on from the same bits, with some settings of its own."""
        if name is None:
            Intervention(self.step, "clone", arm, fields, "its name")  # else they cannot be said
            said = ", ".join(f"{field} {value:g}" for field, value in fields.items()) or "copy"
            start = f"{arm[:30]} → {said}"[: NAME - 4].strip()
            others = (f"{start} {count}" for count in itertools.count(2))
            name = next(one for one in itertools.chain([start], others) if one not in self.arms)
        self.do(Intervention(self.step, "clone", arm, fields, name))
        return name

    def mark(self) -> None:
        """Remembers this step as one to go back to."""
        self.do(Intervention(self.step, "mark"))

    def do(self, entry: Intervention) -> None:
        """Does what an entry of a log says, at this step; SettingError if that cannot be."""
        self._check(entry)
        if entry.step != self.step:
            must = f"be that of the session, {self.step}"
            raise SettingError(sentence("step", "an intervention", must, entry.step))
        self._remember()
        self._apply(entry)
        self.log.append(entry)

    def undo(self, place: int) -> None:
        """Goes back to before an entry of the log, and forgets it and what came after."""
        if not is_integer(place) or not 0 <= place < len(self.log):
            last = len(self.log) - 1
            must = f"be a place in the log, {f'in [0, {last}]' if self.log else 'which is empty'}"
            raise SettingError(sentence("undo", OWNER, must, place))
        step = self.log[place].step
        point = max((one for one in self._points if one.at <= place), key=lambda one: one.at)
        again, gone = self.log[point.at : place], self.log[place:]
        self._points = [one for one in self._points if one.at <= place]
        self._restore(point)
        self.log = self.log[: point.at]
        try:
            self.curves.back(point.step, self.arms)
            for entry in again:
                self.advance_to(entry.step)
                self._apply(entry)
                self.log.append(entry)
            self.advance_to(step)
        finally:  # where that fails, fewer stand in the log, as fewer were done
            self.undone = [*self.undone, *again[len(self.log) - point.at :], *gone]

    def replay(self, log: Sequence[Intervention], step: int) -> None:
        """Does all of a log, and trains up to a step."""
        for entry in log:
            self.advance_to(entry.step)
            self.do(entry)
        self.advance_to(step)

    def _check(self, entry: Intervention) -> None:
        if entry.action == "mark":
            return
        running = self.running
        if entry.arm not in running:
            must = "be one that trains: " + (", ".join(map(repr, running)) or "none does")
            raise SettingError(sentence("arm", f"a {entry.action}", must, entry.arm))
        changed = entry.changed(self.arms[entry.arm])
        engine_for(self.setup.engine, [changed], OWNER)
        if entry.action == "stop" and not self.step:
            raise SettingError(sentence("stop", OWNER, "come after the first step", "step 0"))
        if entry.action == "clone":
            if len(running) >= ARMS or len(self.arms) >= MOST_ARMS:
                must = f"be one of at most {ARMS} arms that train, and {MOST_ARMS} in all"
                raise SettingError(sentence("a clone", OWNER, must, entry.name, "stop an arm"))
            if entry.name in self.arms:
                raise SettingError(sentence("name", "a clone", "be new", entry.name))

    def _apply(self, entry: Intervention) -> None:
        """Does it; where that fails, as for want of memory, all is as it was."""
        if entry.action == "mark":
            return
        if entry.action == "change":
            changed = entry.changed(self.arms[entry.arm])
            self.lanes.change(spread({entry.arm: changed}, self.setup.seeds))
            self.arms[entry.arm] = changed
            return
        states, arms, ended = self.lanes.states(), dict(self.arms), dict(self.ended)
        if entry.action == "stop":
            for key in self.keys(entry.arm):
                if key in states:
                    ended[key] = EndedMember("stopped", states.pop(key))
        else:
            arms[entry.name] = entry.changed(arms[entry.arm])
            for old, new in zip(self.keys(entry.arm), self.keys(entry.name), strict=True):
                if old in states:
                    states[new] = states[old]
                else:
                    ended[new] = ended[old]
            self.curves.branch(entry.arm, entry.name)
        self._restore(SessionPoint(len(self.log), self.step, arms, states, ended))

    def _restore(self, point: SessionPoint) -> None:
        """Goes on from a place; where that fails, from where it was."""
        states, members = point.states, spread(point.arms, self.setup.seeds)
        if states is not None:
            members = {key: member for key, member in members.items() if key in states}
        self.lanes = Lanes(self.setting, members, states, point.step)
        self.arms, self.ended = dict(point.arms), dict(point.ended)

    # --- places to go back to --------------------------------------------------------------

    def point(self) -> SessionPoint:
        """All that the session would go on from."""
        states = self.lanes.states()
        return SessionPoint(len(self.log), self.step, dict(self.arms), states, dict(self.ended))

    def _remember(self) -> None:
        """Keeps this place; the first is drawn anew, and so costs nothing."""
        first, *rest = [*self._points, self.point()]
        rest = rest[-POINTS:]
        while sum(one.size for one in rest) > POINT_BYTES and len(rest) > 1:
            rest = rest[1:]
        self._points = [first, *rest]

    def resume(self, point: SessionPoint, log: Sequence[Intervention]) -> None:
        """Goes on from a place of an earlier session with the same setup and the log so far."""
        self.log = list(log[: point.at])
        self._restore(point)
        self._points = [self._points[0], point]

    # --- results ---------------------------------------------------------------------------

    def states(self) -> dict[Key, MemberState]:
        """What every member has learnt, those that have ended included, arm by arm."""
        found = {key: one.state for key, one in self.ended.items()} | self.lanes.states()
        return {key: found[key] for arm in self.arms for key in self.keys(arm)}

    def digest(self) -> str:
        """SHA-256 of all members: names, seeds, updates, parameters and buffers."""
        return digest_of(self.states())


def digest_of(states: Mapping[Any, MemberState]) -> str:
    """SHA-256 of members by (arm, seed)."""
    digest = hashlib.sha256()
    for (arm, seed), state in sorted(states.items()):
        digest.update(f"{arm} {seed} {state.updates}\n".encode())
        for array in (state.params, state.buffers):
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def first_rows(samples: Samples, rows: int) -> Samples:
    """At most so many of the first rows."""
    if len(samples) <= rows:
        return samples
    weight: Array | None = None if samples.weight is None else samples.weight[:rows]
    return Samples(samples.x[:rows], samples.t[:rows], weight)
