"""Trains one population, or several that share their workers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from trainlab.data.arrays import Dataset
from trainlab.data.batches import tell_of_single_rows
from trainlab.engine import engine_for
from trainlab.engine.base import Samples, Widths
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.network.norms import BatchNorm
from trainlab.network.workspace import Array
from trainlab.own import noted
from trainlab.population.parts import check_parts, kinds_of
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.population.validation import (
    check_changes,
    check_data,
    check_memory,
    check_start,
    make_plan,
)
from trainlab.store import Store
from trainlab.training.checkpoints import engine_of, opened, run_in
from trainlab.training.history import History
from trainlab.training.plan import Plan
from trainlab.training.progress import shown
from trainlab.training.recorder import Session
from trainlab.workers.jobs import PopulationTraining
from trainlab.workers.running import Workers


class Fit(NamedTuple):
    """Members to train on data.

    before  what they learnt in an earlier fit, for settings with a `start`
    chosen  whether whoever asked for it chose the size of its batches
    """

    members: Sequence[Member]
    data: Dataset
    settings: FitSettings
    before: tuple[Sequence[MemberState], Widths] | None = None
    chosen: bool = False


class Fitted(NamedTuple):
    """The result of a fit: `states` has one for each member, or none for keep="history".

    classes  what the class numbers of the data stand for; None in other tasks
    """

    history: History
    states: list[MemberState]
    widths: Widths
    classes: Array | None = None


class Fits:
    """Fits that are checked, and the `workers` that do them once they are started.

    Errors in what was asked for are raised before there are workers.
    """

    def __init__(self, fits: Sequence[Fit], shared: RunSettings) -> None:
        names = [fit.settings.run for fit in fits]
        if shared.store is not None and len(set(names)) < len(names):
            raise SettingError(sentence("run", "fit_together", "be another for each fit", names))
        with ExitStack() as stack:
            session = Session(stack.enter_context(shown(shared.progress)))
            # Data, settings and states of all are checked before anything is written to a store.
            checked = [_checked(fit) for fit in fits]
            store = stack.enter_context(opened(shared.store))
            self.trainings = [
                _training(fit, own, session, store) for fit, own in zip(fits, checked, strict=True)
            ]
            for fit, training in zip(fits, self.trainings, strict=True):
                _keep_in(store, fit, training)
            self._classes = [fit.data.classes for fit in fits]
            self.workers = Workers(
                self.trainings,
                session,
                shared.workers,
                shared.backend,
                shared.scheduler,
                stack.pop_all(),
            )

    def wait(self, until: float | None = None) -> list[Fitted]:
        """What came of each, when all have ended; `Workers.wait` says what it raises."""
        self.workers.wait(until)
        both = zip(self.trainings, self._classes, strict=True)
        return [_fitted(training, self.workers.seconds, own) for training, own in both]

    def histories(self) -> list[History]:
        """What there is of each by now."""
        ended, seconds = self.workers.is_done, self.workers.seconds
        return [one.recorder.history(seconds, ended) for one in self.trainings]


def fit_together(
    fits: Sequence[Fit], shared: RunSettings, until: float | None = None
) -> list[Fitted]:
    """Trains several populations at the same time; each comes out as if it were trained alone.

    Of use where populations are small, or differ in their data: no worker waits for the end
    of one before it begins with the next.  In a store each needs a `run` of its own.  Errors
    are those of `Population.fit`.  The seconds of each history are those of all.

    until  of `time.monotonic`: what has not ended then is ended, as Ctrl-C does
    """
    together = Fits(fits, shared)
    if until is not None and time.monotonic() >= until:
        together.workers.control.stop()
    with together.workers.ended_by_errors():
        together.workers.start()
        return together.wait(until)


class _CheckedFit(NamedTuple):
    """A fit whose arguments are checked and complete, except for the engine.

    trained  the members, and what they become by changes
    """

    members: tuple[Member, ...]
    trained: Sequence[Member]
    plan: Plan
    splits: Mapping[str, Samples]
    widths: Widths
    states: Sequence[MemberState] | None


def _checked(fit: Fit) -> _CheckedFit:
    """SettingError and DataError where it cannot be trained."""
    members, settings, states = tuple(fit.members), fit.settings, None
    splits, widths = check_data(fit.data, members, settings.dtype, settings.owner)
    plan = make_plan(settings, splits, fit.data.task)
    kinds = kinds_of(members)
    check_memory(kinds, plan, widths, settings.owner)
    try:
        check_parts(kinds, splits["train"], widths, settings.dtype, plan.total)
    except Exception as error:
        noted(error)
        raise
    if settings.start is not None and fit.before is not None:
        known, before = fit.before
        states = check_start(settings.start, members, known, (before, widths), plan)
    trained = check_changes(members, plan)
    if settings.engine != "auto":
        engine_for(settings.engine, trained, settings.owner)
    if any(isinstance(network._resolved("norm"), BatchNorm) for network, _ in kinds):
        tell_of_single_rows(plan.batches, fit.chosen)
    return _CheckedFit(members, trained, plan, splits, widths, states)


def _training(
    fit: Fit, checked: _CheckedFit, session: Session, store: Store | None
) -> PopulationTraining:
    """The fit as something that workers can do, with the engine that its run began with."""
    members, trained, plan, splits, widths, states = checked
    settings = fit.settings
    begun = None if settings.fresh else engine_of(store, settings.run)
    engine = engine_for(settings.engine, trained, settings.owner, begun)
    return PopulationTraining(members, plan, splits, widths, engine, session, states)


def _keep_in(store: Store | None, fit: Fit, training: PopulationTraining) -> None:
    """Begins the run of a training in a store, or goes on with it."""
    name, fresh, members = fit.settings.run, fit.settings.fresh, training.members
    plan, states = training.spec.plan, training.states
    engine = training.spec.engine.name
    training.run = run_in(store, name, fresh, fit.data, members, plan, states, engine)


def _fitted(training: PopulationTraining, seconds: float, classes: Array | None) -> Fitted:
    results = training.recorder.results
    states = [one.state for one in results if one is not None and one.state is not None]
    return Fitted(training.recorder.history(seconds), states, training.spec.widths, classes)
