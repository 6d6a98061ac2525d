"""Calls of `Population.fit`, one or several that share the workers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trainlab.data.arrays import Dataset
from trainlab.errors import SettingError, sentence
from trainlab.store import Store
from trainlab.training.arguments import (
    admit_backend,
    admit_data,
    admit_start,
    admit_workers,
    make_plan,
)
from trainlab.training.engine import Engine, NumPyEngine
from trainlab.training.history import History, Status
from trainlab.training.inputs import Samples
from trainlab.training.jobs import Training
from trainlab.training.keeping import Kept, admit_run, opened, run_in
from trainlab.training.plan import Callback, EarlyStopping, Plan
from trainlab.training.progress import Progress, shown
from trainlab.training.record import Numbers, Session
from trainlab.training.run import run

if TYPE_CHECKING:
    from trainlab.training.population import Population


class Admitted(NamedTuple):
    """The plan, the splits, the widths of inputs and outputs, and the numbers to begin with."""

    plan: Plan
    splits: Mapping[str, Samples]
    widths: tuple[int, int]
    starts: Sequence[Numbers] | None


@dataclass(frozen=True, eq=False)
class Fit:
    """A population, its data, and the arguments of `Population.fit` that are its own.

    engine  what trains it
    """

    population: Population
    data: Dataset
    batch_size: int = 100
    epochs: int | None = None
    steps: int | None = None
    batches: str = "permutation"
    evaluate: str | int | Sequence[int] | None = "epoch"
    on: Sequence[str] | None = None
    early_stopping: EarlyStopping | None = None
    callbacks: Sequence[Callback] = ()
    dtype: str = "float32"
    keep: str = "parameters"
    start: str | None = None
    run: str = "fit"
    fresh: bool = False
    engine: Engine = field(default_factory=NumPyEngine)

    def admit(self) -> Admitted:
        """What is to be done, all of it checked."""
        admit_run(self.run, self.fresh)
        members, starts = tuple(self.population), None
        splits, widths = admit_data(self.data, members, self.dtype)
        plan = make_plan(
            data=splits,
            batch_size=self.batch_size,
            epochs=self.epochs,
            steps=self.steps,
            batches=self.batches,
            evaluate=self.evaluate,
            on=self.on,
            early_stopping=self.early_stopping,
            callbacks=self.callbacks,
            dtype=self.dtype,
            keep=self.keep,
            scored=self.data.task != "regression",
        )
        if self.start is not None:
            before = self.population.numbers, (self.population.widths, widths)
            starts = admit_start(self.start, members, *before, self.dtype)
        return Admitted(plan, splits, widths, starts)

    def training(self, admitted: Admitted, session: Session, store: Store | None) -> Training:
        """The same as something that runs; the run of its name in a store is begun."""
        (plan, splits, widths, starts), members = admitted, tuple(self.population)
        kept = run_in(store, self.run, self.fresh, self.data, members, plan, starts)
        return Training(members, plan, splits, widths, self.engine, session, starts, kept)

    def adopt(self, training: Training, seconds: float) -> History:
        """Gives the population what its members have learnt."""
        results = [result for result in training.ledger.results if result is not None]
        numbers: list[Numbers] = [one.numbers for one in results if one.numbers is not None]
        self.population.adopt(numbers, training.work.widths)
        status: list[Status] = [result.status for result in results]
        steps = training.work.plan.batches.steps_per_epoch
        return History(training.members, training.ledger.series, status, seconds, steps)


def fit_together(
    fits: Sequence[Fit],
    workers: int | None = None,
    backend: str | None = None,
    scheduler: str | None = None,
    progress: bool | Progress = False,
    store: Kept | None = None,
) -> list[History]:
    """Trains several populations at the same time; each comes out as if it were trained alone.

    Of use where populations are small, or differ in their data: no worker waits for the end
    of one before it begins with the next.  Arguments and errors are those of `Population.fit`;
    in a store each needs a `run` of its own.  The seconds of each history are those of all.
    """
    names = [fit.run for fit in fits]
    if store is not None and len(set(names)) < len(names):
        raise SettingError(sentence("run", "fit_together", "be another for each fit", names))
    admitted = [fit.admit() for fit in fits]
    callbacks = [one for each in admitted for one in each.plan.callbacks]
    where = admit_workers(workers), admit_backend(backend, scheduler, callbacks), scheduler
    began = time.perf_counter()
    with shown(progress) as bar, opened(store) as own:
        session = Session(bar)
        pairs = zip(fits, admitted, strict=True)
        trainings = [fit.training(each, session, own) for fit, each in pairs]
        run(trainings, session, *where)
    seconds = time.perf_counter() - began
    return [fit.adopt(one, seconds) for fit, one in zip(fits, trainings, strict=True)]
