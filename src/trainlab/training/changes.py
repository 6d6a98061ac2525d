"""Settings that change while members train, and what members are asked for between two steps.

A change is made by opening a lane anew: each member goes on from a copy of what it has learnt,
with whatever settings it has now.  A lane is opened in milliseconds, a state that is copied
keeps its bits, and no engine has to know of changes; so they are right for every engine,
dropout that begins and rows that become more included.
"""

from __future__ import annotations

import bisect
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from trainlab.engine.base import Engine, Lane, LaneSpec
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, nearest, sentence
from trainlab.limits import MAX_INDEX, MEMBERS
from trainlab.members import Member
from trainlab.settings import Rule, is_integer, is_real, several
from trainlab.terminal import counted

CHANGEABLE: Final = ("lr", "dropout", "weight_decay", "l1", "decoupled_weight_decay")
"""What may change while a member trains: rate, dropout and penalties."""

_NUMBER: Final = Rule(is_real, "be a number", float, "0.01")
_LOOK_EVERY: Final = 0.05
"""Seconds after which whoever waits looks again whether members have ended."""


def check_fields(fields: Any, owner: str) -> dict[str, float]:
    """Numbers of settings that may change; SettingError for anything else."""
    if not isinstance(fields, Mapping):
        must, remedy = "be a dict of numbers", "{'lr': 0.001}"
        raise SettingError(sentence("fields", owner, must, fields, remedy))
    for name in fields:
        if name not in CHANGEABLE:
            must, near = f"be one of {', '.join(CHANGEABLE)}", nearest(name, CHANGEABLE)
            raise SettingError(sentence("field", owner, must, name, near))
    return {str(name): _NUMBER.check(value, name, owner) for name, value in fields.items()}


@dataclasses.dataclass(frozen=True)
class Change:
    """Settings that members take while they train, between two steps.

    `Running.change` returns those that it made, `History.changes` has all, and
    `fit(changes=...)` makes them again, to the same bits.

    Parameters
    ----------
    step : int
        How many updates the members had received before, in this training.
    fields : dict of float
        Any of lr, dropout, weight_decay, l1 and decoupled_weight_decay.
    members : sequence of int, optional
        Their places in the population; by default all.

    Raises
    ------
    SettingError
        For anything that is no such change.

    Examples
    --------
    >>> import trainlab as tl
    >>> population = tl.Population.grid(seed=range(2))
    >>> change = tl.Change(10, {"lr": 0.001}, members=[1])
    >>> history = population.fit(tl.load_digits(), steps=20, changes=[change])
    >>> history.changes == (change,)
    True
    """

    step: int
    fields: Mapping[str, float]
    members: Sequence[int] | None = None

    def __post_init__(self) -> None:
        if not is_integer(self.step) or not 0 <= self.step <= MAX_INDEX:
            must = f"be an integer in [0, {MAX_INDEX}]"
            raise SettingError(sentence("step", "Change", must, self.step, "step=100"))
        fields = check_fields(self.fields, "Change")
        if not fields:
            must = f"be at least one of {', '.join(CHANGEABLE)}"
            raise SettingError(sentence("fields", "Change", must, fields, "{'lr': 0.001}"))
        object.__setattr__(self, "fields", fields)
        if self.members is not None:
            found = several(self.members, MEMBERS)
            if not found or not all(is_integer(one) and one >= 0 for one in found):
                must = "be places of members, or None for all"
                raise SettingError(sentence("members", "Change", must, self.members, "[0, 1]"))
            object.__setattr__(self, "members", tuple(sorted({int(one) for one in found})))

    def __str__(self) -> str:
        fields = ", ".join(f"{name} {value:g}" for name, value in self.fields.items())
        count = "all members" if self.members is None else counted(len(self.members), "member")
        return f"step {self.step}: {fields} ({count})"

    def plain(self) -> dict[str, Any]:
        """Describe it as JSON can hold it.

        Returns
        -------
        dict
            The arguments that make it.
        """
        members = None if self.members is None else list(self.members)
        return {"step": int(self.step), "fields": dict(self.fields), "members": members}

    def has(self, row: int) -> bool:
        """Tell whether it is a change of a member.

        Parameters
        ----------
        row : int
            The place of the member.

        Returns
        -------
        bool
            Whether it is.
        """
        if self.members is None:
            return True
        place = bisect.bisect_left(self.members, row)
        return place < len(self.members) and self.members[place] == row


def changed(member: Member, row: int, changes: Iterable[Change], step: int) -> Member:
    """The member of a row with the changes up to a step."""
    for change in sorted(changes, key=lambda one: one.step):
        if change.step <= step and change.has(row):
            member = member.replace(**change.fields)
    return member


def reopened(engine: Engine, lane: Lane, spec: LaneSpec, updates: int) -> Lane:
    """A lane of the members of a specification, each where that of the same row of another is."""
    states = [lane.state_of(row, updates, True) for row in range(len(lane.places))]
    return engine.open(dataclasses.replace(spec, states=states))


class Request:
    """What members are asked for between two of their steps.

    rows    whom it is for
    fields  settings that they are to take; {} asks for a copy of what they have learnt
    steps   row → the updates that it had received in this training when it did so
    copies  row → its settings and a copy
    places  step → the place of the change in the log
    """

    def __init__(self, rows: Iterable[int], fields: Mapping[str, float]) -> None:
        self.rows, self.fields = frozenset(rows), fields
        self.left = set(rows)
        self.steps: dict[int, int] = {}
        self.copies: dict[int, tuple[Member, MemberState]] = {}
        self.places: dict[int, int] = {}

    @property
    def answers(self) -> Mapping[int, Any]:
        """Of those who have done what it asks for."""
        return self.steps if self.fields else self.copies


class Requests:
    """What is asked of members in training, and the log of their changes; for several threads.

    Whoever has not begun takes a change at once: nothing of it is trained yet.

    known  changes that there were before it began: those planned, and those of an earlier process
    keep   is told of all that have been made on request, whenever there is another one
    """

    def __init__(self, planned: Sequence[Change]) -> None:
        self._planned = self.known = tuple(planned)
        self.keep: Callable[[Sequence[Change]], None] = lambda _: None
        self._made: list[Change] = []
        self._waiting: list[Request] = []
        self._begun: set[int] = set()
        self._news = threading.Condition()

    @property
    def log(self) -> tuple[Change, ...]:
        """All changes: those planned, and those made on request."""
        return (*self._planned, *self._made)

    def resume(self, made: Sequence[Change]) -> None:
        """Takes the changes that were made in an earlier process; trainers make them again."""
        self._made, self.known = [*made], (*self._planned, *made)

    def ask(self, request: Request, starts: Sequence[int]) -> list[int]:
        """Asks; returns the rows that have not begun.  starts: the updates they begin after."""
        with self._news:
            self._waiting.append(request)
            early = sorted(request.left - self._begun)
            if request.fields:
                for start in sorted({starts[row] for row in early}):
                    self._note(request, [row for row in early if starts[row] == start], start)
            else:
                request.left -= set(early)
            return early

    def concern(self, rows: Iterable[int]) -> bool:
        """Whether one of these members is asked for something."""
        waiting = self._waiting
        return bool(waiting) and any(not one.left.isdisjoint(rows) for one in waiting)

    def take(self, rows: Sequence[int], step: int) -> list[tuple[Request, list[int]]]:
        """What these members are asked for, in order; they do it now, after so many updates."""
        found = []
        with self._news:
            self._begun.update(rows)
            for request in self._waiting:
                own = [row for row in rows if row in request.left]
                if own:
                    request.left -= set(own)
                    found.append((request, own))
                    new = [row for row in own if row not in request.steps]
                    if request.fields and new:
                        self._note(request, new, step)
            self._waiting = [request for request in self._waiting if request.left]
        return found

    def _note(self, request: Request, rows: list[int], step: int) -> None:
        """Writes down that rows take the settings of a request."""
        request.steps |= dict.fromkeys(rows, step)
        if step not in request.places:
            request.places[step] = len(self._made)
            self._made.append(Change(step, request.fields, rows))
        else:
            place = request.places[step]
            before = self._made[place].members or ()
            self._made[place] = Change(step, request.fields, [*before, *rows])
        self.keep(self._made)
        logging.getLogger("trainlab").info("%s", Change(step, request.fields, rows))
        self._news.notify_all()

    def give(self, request: Request, copies: Mapping[int, tuple[Member, MemberState]]) -> None:
        """Answers one that asks for copies."""
        with self._news:
            request.copies |= copies
            self._news.notify_all()

    def wait(self, request: Request, has_ended: Callable[[int], bool]) -> None:
        """Returns when all rows have answered or ended; those that have not are asked no more."""
        with self._news:
            while any(r not in request.answers and not has_ended(r) for r in request.rows):
                self._news.wait(_LOOK_EVERY)
            request.left -= {row for row in request.left if has_ended(row)}
            self._waiting = [one for one in self._waiting if one.left]

    def made(self, request: Request) -> tuple[Change, ...]:
        """The changes that came of a request."""
        with self._news:
            return tuple(self._made[place] for place in request.places.values())
