"""Candidates trained together: as few populations as their tables and arguments allow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainlab.errors import SettingError, sentence
from trainlab.estimators.preparation import Prepared, Table
from trainlab.search.candidates import Candidate, prefix
from trainlab.store import Store
from trainlab.training.history import Status
from trainlab.training.population import Population
from trainlab.training.progress import Progress


@dataclass(eq=False)
class Trained:
    """What became of a candidate: fitted, unless there is an error.

    seconds  of its preparation, and its share of its population's, by members
    """

    seconds: float = 0.0
    error: Exception | None = None


@dataclass(eq=False)
class _Group:
    """Candidates, by their numbers, that can be one population."""

    table: Table
    arguments: Mapping[str, Any]
    numbers: list[int] = field(default_factory=list)


@dataclass(eq=False)
class _Inputs:
    """What a head made of X, the fitted head, and the tables that were made of it."""

    x: Any
    head: Any
    tables: list[Table] = field(default_factory=list)


def train(
    candidates: Sequence[Candidate],
    X: Any,
    y: Any,
    parameters: Mapping[str, Any],
    workers: int | None,
    progress: Progress | None,
    store: Store | None = None,
    run: str = "search",
    keep_diverged: bool = False,
) -> list[Trained]:
    """Fits all candidates to the same rows, each bit for bit as if it were fitted alone.

    parameters  of `fit`, as scikit-learn names them
    store       keeps each population by the name `run` and its number; what it has of them
                is not trained again
    keep_diverged  whether a candidate of which a member diverged is fitted nevertheless,
                with a ConvergenceWarning as its own `fit` gives
    A candidate that cannot be prepared, or of which a member diverges, ends with an error.
    """
    trained = [Trained() for _ in candidates]
    ready = _prepare(candidates, X, y, parameters, trained)
    for place, group in enumerate(_groups(ready)):
        members = [member for number in group.numbers for member in ready[number].members]
        population, began = Population(members), time.perf_counter()
        history = population.fit(
            group.table.data,
            **group.arguments,
            workers=workers,
            progress=progress or False,
            store=store,
            run=f"{run}, population {place}",
        )
        if any(status.kind == "interrupted" for status in history.status):
            raise KeyboardInterrupt
        seconds, first = (time.perf_counter() - began) / len(members), 0
        for number in group.numbers:
            own, its = ready[number], trained[number]
            network, end = candidates[number].network, first + len(own.members)
            its.seconds += seconds * len(own.members)
            if not keep_diverged:
                its.error = _divergence(own, history.status[first:end], type(network).__name__)
            if its.error is None:
                network.adopt(own, population, history, first)
            first = end
    return trained


def _prepare(
    candidates: Sequence[Candidate],
    X: Any,
    y: Any,
    parameters: Mapping[str, Any],
    trained: Sequence[Trained],
) -> dict[int, Prepared]:
    """What is to be trained for each candidate, by its number; errors go to `trained`."""
    ready: dict[int, Prepared] = {}
    inputs: dict[Any, _Inputs] = {}
    for number, (candidate, its) in enumerate(zip(candidates, trained, strict=True)):
        began, start = time.perf_counter(), len(prefix(candidate.estimator))
        own = {name[start:]: value for name, value in parameters.items()}
        try:
            if candidate.shared not in inputs:
                head = candidate.head
                x = X if head is None else head.fit_transform(X, y)
                inputs[candidate.shared] = _Inputs(x, head)
            given = inputs[candidate.shared]
            candidate.with_head(given.head)
            one = candidate.network.prepare(given.x, y, **own, like=given.tables)
            if one.table not in given.tables:
                given.tables.append(one.table)
            ready[number] = one
        except Exception as error:  # noqa: BLE001  # a step of a pipeline may raise anything
            its.error = error
        its.seconds = time.perf_counter() - began
    return ready


def _groups(ready: Mapping[int, Prepared]) -> list[_Group]:
    """Those that share a table and have equal arguments, together."""
    groups: list[_Group] = []
    for number, one in ready.items():
        for group in groups:
            if group.table is one.table and group.arguments == one.arguments:
                break
        else:
            group = _Group(one.table, one.arguments)
            groups.append(group)
        group.numbers.append(number)
    return groups


def _divergence(ready: Prepared, statuses: Sequence[Status], owner: str) -> SettingError | None:
    """The error for the first member that diverged; None where none did."""
    for member, status in zip(ready.members, statuses, strict=True):
        if status.kind == "diverged":
            got = f"a member (seed {member.seed}) that {status}"
            remedy = "a lower learning_rate_init"
            return SettingError(sentence("loss", owner, "stay finite in training", got, remedy))
    return None
