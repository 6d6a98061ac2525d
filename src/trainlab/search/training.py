"""Candidates trained together: as few populations as their tables and arguments allow.

Order: what is trained at the same time, candidates on their rows, training, preparation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np

from trainlab.engine.state import Status
from trainlab.errors import SettingError, sentence
from trainlab.estimators.callbacks import EpochTasks, FitTask, MemberTask, Task, end_callbacks
from trainlab.estimators.preparation import Prepared, TrainingTable
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.search.candidates import Candidate, head_parameters, network_parameters
from trainlab.store import Store
from trainlab.training.progress import Progress

TOGETHER: Final = 1 << 28
"""Bytes of data and networks up to which trainings share the workers: the splits of a large
table are long enough, one after the other, to keep all of them busy."""

Item = TypeVar("Item")


def portions(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Items in their order, as many at a time as have TOGETHER bytes, but at least one.

    >>> [len(part) for part in portions([3, 1, 1, 1], lambda n: n * TOGETHER // 3)]
    [1, 3]
    """
    part: list[Item] = []
    held = 0
    for item in items:
        part.append(item)
        held += size(item)
        if held >= TOGETHER:
            yield part
            part, held = [], 0
    if part:
        yield part


def size_of(fit: Fit) -> int:
    """The bytes of its data, and of what its networks will have learnt."""
    data, networks = fit.data, [member.network for member in fit.members]
    sizes = {one: one.build(data.in_features, data.out_features).size for one in set(networks)}
    learnt = sum(sizes[one] for one in networks) * data.train.x.dtype.itemsize
    splits = [one for one in (data.train, data.validation) if one is not None]
    return int(learnt + sum(_bytes(split.x) for split in splits))


def _bytes(x: Any) -> int:
    return int(x.nbytes if isinstance(x, np.ndarray) else x.data.nbytes + x.indices.nbytes)


@dataclass(eq=False)
class Trained:
    """What became of a candidate: fitted, unless there is an error.

    seconds  of its preparation, and its share of those of all trained with it, by members
    """

    seconds: float = 0.0
    error: Exception | None = None


@dataclass(eq=False)
class _CandidateGroup:
    """Candidates, by their indices, that can be one population."""

    table: TrainingTable
    arguments: Mapping[str, Any]
    candidates: list[int] = field(default_factory=list)


@dataclass(eq=False)
class _TransformedInputs:
    """What a head made of X, the fitted head, and the tables that were made of it."""

    x: Any
    head: Any
    tables: list[TrainingTable] = field(default_factory=list)


class CandidateBatch:
    """Candidates on the rows that they are trained on: prepared, and put into populations.

    parameters  of `fit`, as scikit-learn names them
    run         what a store calls it: each population by that name and its number
    tasks       those of the candidates, which callbacks of scikit-learn follow; none if nobody does
    A candidate that cannot be prepared has an error.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        X: Any,
        y: Any,
        parameters: Mapping[str, Any],
        run: str = "search",
        tasks: Sequence[Task] = (),
    ) -> None:
        self.candidates = candidates
        self.trained = [Trained() for _ in candidates]
        self._ready, inputs = _prepare(candidates, X, y, parameters, self.trained)
        self._tasks, self._told = tasks, ExitStack()
        self._fit_tasks: dict[int, FitTask] = {}
        try:
            self._begin(inputs, y, parameters)
        except BaseException:  # of a callback
            self.close()
            raise
        self._groups = _groups(self._ready)
        self.fits: list[Fit] = []
        for place, group in enumerate(self._groups):
            members = [one for number in group.candidates for one in self._ready[number].members]
            name = f"{run}, population {place}"
            followed = self._followed(group)
            heard = [EpochTasks(followed)] if followed else []
            settings = FitSettings(**group.arguments, callbacks=heard, run=name)
            self.fits.append(Fit(members, group.table.data, settings))

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(map(size_of, self.fits))

    def finish(self, fitted: Sequence[Fitted], seconds: float, keep: bool) -> None:
        """Fits its candidates with what its populations have learnt.

        seconds  of each member
        keep     whether those that diverged are fitted, too
        """
        for group, outcome in zip(self._groups, fitted, strict=True):
            first = 0
            for number in group.candidates:
                own, its = self._ready[number], self.trained[number]
                network, end = self.candidates[number].network, first + len(own.members)
                its.seconds += seconds * len(own.members)
                if not keep:
                    name = type(network).__name__
                    its.error = _divergence(own, outcome.history.status[first:end], name)
                if its.error is None:
                    network._adopt(own, outcome, first)
                    if number in self._fit_tasks:
                        self._fit_tasks[number].end()
                first = end
        for task in self._tasks:
            task.end()

    def close(self) -> None:
        """Tells the callbacks of its candidates that their fits have ended, however they did."""
        self._told.close()

    def _begin(self, inputs: Mapping[int, Any], y: Any, parameters: Mapping[str, Any]) -> None:
        """Begins the fits of the candidates; callbacks of the search follow their networks."""
        for number, task in enumerate(self._tasks):
            candidate = self.candidates[number]
            network = candidate.network
            self._told.enter_context(task.context.propagate_callback_context(network))
            task.begin()
            if number in self._ready:
                own = network_parameters(candidate.estimator, parameters)
                self._told.callback(end_callbacks, network)
                given = inputs[number], y, own.get("sample_weight")
                self._fit_tasks[number] = FitTask.begin(network, self._ready[number], given)

    def _followed(self, group: _CandidateGroup) -> dict[int, MemberTask]:
        """The tasks of the members of a population, by their rows."""
        found: dict[int, MemberTask] = {}
        first = 0
        for number in group.candidates:
            if number in self._fit_tasks:
                found |= dict(enumerate(self._fit_tasks[number].members, first))
            first += len(self._ready[number].members)
        return found


def train(
    batches: Sequence[CandidateBatch],
    workers: int | None,
    progress: Progress | None,
    store: Store | None = None,
    keep_diverged: bool = False,
) -> None:
    """Fits all candidates of all batches, each bit for bit as if it were fitted alone.

    store       keeps each population; what it has of them is not trained again
    keep_diverged  whether a candidate of which a member diverged is fitted nevertheless,
                with a ConvergenceWarning as its own `fit` gives; else it ends with an error
    KeyboardInterrupt on Ctrl-C.
    """
    fits, began = [fit for batch in batches for fit in batch.fits], time.perf_counter()
    shared = RunSettings(workers=workers, progress=progress or False, store=store)
    with ExitStack() as told:
        for batch in batches:
            told.callback(batch.close)
        fitted = fit_together(fits, shared)
        if any(one.history.interrupted for one in fitted):
            raise KeyboardInterrupt
        seconds = (time.perf_counter() - began) / max(1, sum(len(fit.members) for fit in fits))
        left = iter(fitted)
        for batch in batches:
            batch.finish([next(left) for _ in batch.fits], seconds, keep_diverged)


def _prepare(
    candidates: Sequence[Candidate],
    X: Any,
    y: Any,
    parameters: Mapping[str, Any],
    trained: Sequence[Trained],
) -> tuple[dict[int, Prepared], dict[int, Any]]:
    """What is to be trained for each candidate, and its X, by its number; errors: `trained`."""
    ready: dict[int, Prepared] = {}
    own_inputs: dict[int, Any] = {}
    inputs: dict[Any, _TransformedInputs] = {}
    for number, (candidate, its) in enumerate(zip(candidates, trained, strict=True)):
        began = time.perf_counter()
        try:
            own = network_parameters(candidate.estimator, parameters)
            if candidate.shared not in inputs:
                head = candidate.head
                x = X
                if head is not None:
                    x = head.fit_transform(X, y, **head_parameters(head, parameters))
                inputs[candidate.shared] = _TransformedInputs(x, head)
            given = inputs[candidate.shared]
            candidate.with_head(given.head)
            one = candidate.network._prepare(given.x, y, **own, like=given.tables)
            if one.table not in given.tables:
                given.tables.append(one.table)
            ready[number], own_inputs[number] = one, given.x
        except Exception as error:  # noqa: BLE001  # a step of a pipeline may raise anything
            its.error = error
        its.seconds = time.perf_counter() - began
    return ready, own_inputs


def _groups(ready: Mapping[int, Prepared]) -> list[_CandidateGroup]:
    """Those that share a table and have equal arguments, together."""
    groups: list[_CandidateGroup] = []
    for number, one in ready.items():
        for group in groups:
            if group.table is one.table and group.arguments == one.arguments:
                break
        else:
            group = _CandidateGroup(one.table, one.arguments)
            groups.append(group)
        group.candidates.append(number)
    return groups


def _divergence(ready: Prepared, statuses: Sequence[Status], owner: str) -> SettingError | None:
    """The error for the first member that diverged; None where none did."""
    for member, status in zip(ready.members, statuses, strict=True):
        if status.kind == "diverged":
            got = f"a member (seed {member.seed}) that {status}"
            remedy = "a lower learning_rate_init"
            return SettingError(sentence("loss", owner, "stay finite in training", got, remedy))
    return None
