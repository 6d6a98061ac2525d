"""Trains populations, one or several that share the workers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from trainlab.data.arrays import Dataset
from trainlab.engine import ENGINES, engine_for
from trainlab.engine.base import Widths
from trainlab.engine.state import MemberState, Status
from trainlab.errors import SettingError, sentence
from trainlab.members import Member
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.population.validation import check_data, check_memory, check_start, make_plan
from trainlab.store import Store
from trainlab.training.checkpoints import engine_in, opened, run_in
from trainlab.training.history import History
from trainlab.training.progress import shown
from trainlab.training.recorder import Session
from trainlab.workers.jobs import PopulationTraining
from trainlab.workers.running import Workers


class Fit(NamedTuple):
    """Members to train on data.

    before  what they learnt in an earlier fit, for settings with a `start`
    """

    members: Sequence[Member]
    data: Dataset
    settings: FitSettings
    before: tuple[Sequence[MemberState], Widths] | None = None


class Fitted(NamedTuple):
    """What came of a fit: `states` has one for each member, or none for keep="history"."""

    history: History
    states: list[MemberState]
    widths: Widths


class Fits:
    """Fits under way.

    Everything that can be wrong with what was asked for is said before the workers begin.
    """

    def __init__(self, fits: Sequence[Fit], shared: RunSettings) -> None:
        names = [fit.settings.run for fit in fits]
        if shared.store is not None and len(set(names)) < len(names):
            raise SettingError(sentence("run", "fit_together", "be another for each fit", names))
        with ExitStack() as stack:
            session = Session(stack.enter_context(shown(shared.progress)))
            # Data, settings and states of all are checked before anything is written to a store.
            self._trainings = [_training(fit, session) for fit in fits]
            store = stack.enter_context(opened(shared.store))
            for fit, training in zip(fits, self._trainings, strict=True):
                _keep_in(store, fit, training)
            self.workers = Workers(
                self._trainings,
                session,
                shared.workers,
                shared.backend,
                shared.scheduler,
                stack.pop_all(),
            )

    def wait(self) -> list[Fitted]:
        """What came of each, when all have ended; `Workers.wait` says what it raises."""
        self.workers.wait()
        return [_fitted(one, self.workers.seconds) for one in self._trainings]

    def histories(self) -> list[History]:
        """What there is of each by now."""
        ended, seconds = self.workers.is_done, self.workers.seconds
        return [_history(one, seconds, ended) for one in self._trainings]


def fit_together(fits: Sequence[Fit], shared: RunSettings) -> list[Fitted]:
    """Trains several populations at the same time; each comes out as if it were trained alone.

    Of use where populations are small, or differ in their data: no worker waits for the end
    of one before it begins with the next.  In a store each needs a `run` of its own.  Errors
    are those of `Population.fit`.  The seconds of each history are those of all.
    """
    return Fits(fits, shared).wait()


def _training(fit: Fit, session: Session) -> PopulationTraining:
    """The fit as something that workers can do; SettingError and DataError where it is not."""
    members, settings, states = tuple(fit.members), fit.settings, None
    splits, widths = check_data(fit.data, members, settings.dtype)
    plan = make_plan(settings, splits, scored=fit.data.task != "regression")
    check_memory(members, plan, widths)
    if settings.start is not None and fit.before is not None:
        known, before = fit.before
        states = check_start(settings.start, members, known, (before, widths), settings.dtype)
    engine = engine_for(settings.engine, members, settings.owner)
    return PopulationTraining(members, plan, splits, widths, engine, session, states)


def _keep_in(store: Store | None, fit: Fit, training: PopulationTraining) -> None:
    """Begins the run of a training in a store, or goes on with it, and with its engine."""
    name, fresh, members = fit.settings.run, fit.settings.fresh, training.members
    before = None if fresh else engine_in(store, name)
    is_other = before in ENGINES and before != training.spec.engine.name
    if fit.settings.engine == "auto" and before is not None and is_other:
        training.use(engine_for(before, members, fit.settings.owner))
    spec, states = training.spec, training.states
    training.run = run_in(
        store, name, fresh, fit.data, members, spec.plan, states, spec.engine.name
    )


def _history(training: PopulationTraining, seconds: float, has_ended: bool = False) -> History:
    recorder, members = training.recorder, training.members
    status = [recorder.status(row) for row in range(len(members))]
    if has_ended:  # by an error, which leaves members that have no result
        status = [Status("interrupted", s.step) if s.kind == "running" else s for s in status]
    steps = training.spec.plan.batches.steps_per_epoch
    return History(members, recorder.series, status, seconds, steps)


def _fitted(training: PopulationTraining, seconds: float) -> Fitted:
    results = training.recorder.results
    states = [one.state for one in results if one is not None and one.state is not None]
    return Fitted(_history(training, seconds), states, training.spec.widths)
