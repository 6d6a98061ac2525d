"""The callbacks of scikit-learn, which it has from 1.9 on: our fits are tasks that they follow.

The task "fit" of an estimator has a subtask "epoch" for each of its epochs.  Of several members
each is a subtask "member", with epochs of its own.  At the end of an epoch a callback may ask for
an estimator that predicts with what the member has learnt, and may end the member.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeVar, cast

from trainlab.engine.base import Widths
from trainlab.estimators.preparation import Prepared
from trainlab.members import Member
from trainlab.population import Population
from trainlab.training.callbacks import Callback, Moment

F = TypeVar("F", bound=Callable[..., Any])

try:
    _sklearn: Any = importlib.import_module("sklearn.callback")
except ImportError:  # older than 1.9
    _sklearn = None
_Mixin: Any = _sklearn.CallbackSupportMixin if _sklearn else object


def with_callbacks(fit: F) -> F:
    """Has the callbacks of an estimator told that `fit` has ended, however it ends."""
    return cast(F, _sklearn.with_callbacks(fit)) if _sklearn else fit


@with_callbacks
def end_callbacks(estimator: Any) -> None:
    """Tells the callbacks of an estimator that its fit has ended."""


class CallbackSupport(_Mixin):  # type: ignore[misc]  # scikit-learn comes without types
    """What an estimator is that callbacks can follow: from scikit-learn 1.9 on."""


def followers(estimator: Any) -> Sequence[Any]:
    """The callbacks of scikit-learn's that an estimator has."""
    return getattr(estimator, "_skl_callbacks", ())


@dataclass(eq=False)
class Task:
    """A task of a fit that callbacks follow.

    context  scikit-learn's; None before its version 1.9, and then nothing is done
    given    whose task it is, its X and y, and its metadata
    """

    context: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        estimator: Any,
        given: tuple[Any, Any, Any],
        subtasks: int | None,
        in_order: bool = True,
    ) -> Task:
        """The task "fit" of an estimator, begun.

        given     X, y and the weights of its rows
        subtasks  how many there will be at most; None where that is not known
        in_order  whether they come one after the other
        """
        if _sklearn is None:
            return cls()
        context = estimator._init_callback_context(
            max_subtasks=subtasks, sequential_subtasks=in_order
        )
        X, y, weight = given
        metadata = None if weight is None else {"sample_weight": weight}
        own = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        return cls(context, own).begin()

    def subtask(
        self, name: str, subtasks: int = 0, in_order: bool = True, number: int | None = None
    ) -> Task:
        """A task in this one, not begun yet; it needs a number where they are in no order."""
        if self.context is None:
            return self
        context = self.context.subcontext(name, number, subtasks, sequential_subtasks=in_order)
        return Task(context, self.given)

    def begin(self) -> Self:
        """Tells the callbacks that it begins."""
        if self.context is not None:
            self.context.call_on_fit_task_begin(**self.given)
        return self

    def end(self, learnt: Callable[[], Mapping[str, Any]] | None = None) -> bool:
        """Tells the callbacks that it has ended; whether one asks that the next does not begin.

        learnt  gives the attributes with which a copy of the estimator predicts
        """
        if self.context is None:
            return False
        ended = self.context.call_on_fit_task_end(**self.given, reconstruction_attributes=learnt)
        return bool(ended)


@dataclass(eq=False)
class MemberTask:
    """The epochs of a member, which are subtasks of `task`.

    updates  that it receives at most
    learnt   the attributes of an estimator with this member alone, at a moment
    """

    task: Task
    updates: int
    learnt: Callable[[Moment], Mapping[str, Any]]
    _epoch: Task | None = None

    def evaluated(self, moment: Moment) -> bool:
        """The end of an epoch, but for the first call; whether there is to be no other."""
        ended = False
        if self._epoch is not None:
            ended = self._epoch.end(lambda: self.learnt(moment))
        goes_on = moment.updates < self.updates and not ended
        self._epoch = self.task.subtask("epoch").begin() if goes_on else None
        return ended

    def close(self) -> None:
        """Ends the epoch that had begun when the member ended."""
        if self._epoch is not None:
            self._epoch.end()
            self._epoch = None


class EpochTasks(Callback):
    """Hears of the evaluations of a population, by the rows of its members."""

    parameters: ClassVar[bool] = True

    def __init__(self, by_row: Mapping[int, MemberTask]) -> None:
        self._by_row = by_row

    def evaluation(self, moment: Moment) -> bool:
        """Estimators are evaluated after each epoch, and before the first."""
        member = self._by_row.get(moment.member)
        return member is not None and member.evaluated(moment)


@dataclass(eq=False)
class FitTask:
    """The fit of an estimator: its task and those of its members; none where nobody follows."""

    task: Task
    members: Sequence[MemberTask] = ()

    @classmethod
    def begin(cls, estimator: Any, ready: Prepared, given: tuple[Any, Any, Any]) -> FitTask:
        """That of an estimator that is about to be trained; `given` as in `Task.of`."""
        epochs, rows = ready.arguments["epochs"], len(ready.data.train)
        updates = epochs * -(-rows // ready.arguments["batch_size"])
        count = len(ready.members)
        task = Task.of(estimator, given, epochs if count == 1 else count, count == 1)
        if not followers(estimator):
            return cls(task)
        tasks = [task]
        if count > 1:
            tasks = [task.subtask("member", epochs, number=k).begin() for k in range(count)]
        members = [
            MemberTask(one, updates, _alone(ready, member))
            for one, member in zip(tasks, ready.members, strict=True)
        ]
        return cls(task, members)

    def end(self) -> None:
        """Of an estimator that has been fitted."""
        for member in self.members:
            member.close()
            if member.task is not self.task:
                member.task.end()
        self.task.end(dict)


def _alone(ready: Prepared, member: Member) -> Callable[[Moment], Mapping[str, Any]]:
    """The attributes of an estimator that predicts with one member, as it is at a moment."""

    def learnt(moment: Moment) -> Mapping[str, Any]:
        widths = Widths(ready.data.in_features, ready.data.out_features)
        return {
            "_population": Population.restore([member], [moment.state], widths),
            "_inputs": ready.table.inputs,
            "_targets": ready.table.targets,
            "_dtype": ready.arguments["dtype"],
            "_has_state": False,
        }

    return learnt
