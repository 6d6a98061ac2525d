"""Runs trainings: all their jobs on the same workers, with one BLAS thread in each."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

from trainlab.blas import one_thread, usable_cores
from trainlab.training.backends import (
    choose,
    in_processes,
    in_threads,
    interruptible,
    operations,
)
from trainlab.training.cluster import connected, in_dask, threads
from trainlab.training.jobs import Job, Training
from trainlab.training.record import Session
from trainlab.training.remote import in_loky


def run(
    trainings: Sequence[Training],
    session: Session,
    workers: int | None,
    backend: str | None = None,
    scheduler: str | None = None,
) -> None:
    """Trains all members of all trainings of a session, side by side; their ledgers have the rest.

    After Ctrl-C it warns, and leaves what is done.
    """
    session.start(
        sum(len(training.members) for training in trainings),
        sum(training.steps for training in trainings),
    )
    for training in trainings:
        training.resume()
    with one_thread(), connected(scheduler) if backend == "dask" else nullcontext() as client:
        workers = workers or (threads(client) if client else usable_cores())
        cores, jobs = workers, _divided(trainings, workers)
        if backend is None:
            limit = max(1, min(workers, len(jobs)))
            # Networks of many kinds need not be cut to keep all workers busy.
            divisions = [_divided(trainings, 1), jobs, _divided(trainings, workers, even=False)]
            loads = [[job.load for job in division] for division in divisions]
            backend, workers, place = choose(loads, limit)
            jobs = divisions[place]
        hands = max(1, cores // max(1, min(workers, len(jobs))))  # for a network alone, all
        start: Callable[[], None]
        if client:
            start = partial(in_dask, jobs, session, client)
        elif backend == "loky":
            start = partial(in_loky, jobs, session, workers)
        elif backend == "processes":
            start = partial(in_processes, jobs, workers, hands)
        else:
            start = partial(in_threads, jobs, session, workers, hands)
        interruptible(start, session)
        for job in jobs:  # after Ctrl-C, those that nobody has begun
            if not job.is_done:
                job.do()
    for training in trainings:
        training.ledger.commit()
    if session.stop.is_set():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=4)


def _divided(trainings: Sequence[Training], workers: int, even: bool = True) -> list[Job]:
    """The jobs of all trainings, the dearest first."""
    each = (training.jobs(workers, even) for training in trainings)
    return sorted(itertools.chain.from_iterable(each), key=lambda job: -operations(job.load))
