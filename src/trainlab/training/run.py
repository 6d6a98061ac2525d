"""Runs a population: its chunks on workers, with one BLAS thread in each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from trainlab.blas import one_thread, usable_cores
from trainlab.store import Run
from trainlab.training.backends import choose, in_processes, in_threads, interruptible
from trainlab.training.cluster import connected, in_dask, threads
from trainlab.training.engine import Engine
from trainlab.training.grouping import group
from trainlab.training.history import Series
from trainlab.training.inputs import Samples, arrange
from trainlab.training.keeping import Keeper
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress
from trainlab.training.record import Checkpoint, Ledger, Numbers, Record, Result
from trainlab.training.remote import in_loky
from trainlab.training.work import Task, Work


def run(
    members: Sequence[Member],
    plan: Plan,
    data: Mapping[str, Samples],
    widths: tuple[int, int],
    engine: Engine,
    workers: int | None,
    backend: str | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    starts: Sequence[Numbers] | None = None,
    kept: Run | None = None,
) -> tuple[dict[str, Series], list[Result]]:
    """Trains all members on splits.  After Ctrl-C it warns, and returns what is done.

    starts: the numbers that each member begins with; None draws them.
    kept: a run in a store, which has what was done before and gets what is done now.
    """
    inputs, columns = arrange({name: split.x.x for name, split in data.items()})
    splits = {name: replace(split, x=inputs[name]) for name, split in data.items()}
    ledger, left = Ledger(members, plan, progress), dict[int, Checkpoint]()
    if progress:
        progress.start(len(members), len(members) * plan.total)
    if kept:
        ledger.keeper = Keeper(kept, ledger.series)
        left = ledger.resume()

    def numbers_of(row: int) -> Numbers | None:
        if row in left:
            return left[row].numbers
        return None if starts is None else starts[row]

    work = Work(plan, splits, widths, columns, engine)

    def task_of(rows: Sequence[int]) -> Task:
        own = [numbers for row in rows if (numbers := numbers_of(row))]
        resumed = [left[row] for row in rows if row in left]
        before = {name: each.values[rows] for name, each in ledger.series.items() if resumed}
        return Task([members[row] for row in rows], own or None, resumed or None, before)

    def train(rows: Sequence[int], record: Record) -> None:
        work.train(rows, task_of(rows), record)

    rest = [row for row, result in enumerate(ledger.results) if result is None]
    updates = [numbers.updates if (numbers := numbers_of(row)) else 0 for row in rest]
    done = [left[row].done if row in left else 0 for row in rest]
    own, batch_size = [members[row] for row in rest], plan.batches.batch_size
    origins = list(zip(updates, done, strict=True))
    divide = partial(group, own, widths, batch_size, plan.dtype, origins=origins)
    with one_thread(), connected(scheduler) if backend == "dask" else nullcontext() as client:
        workers = workers or (threads(client) if client else usable_cores())
        divisions = [divide(workers)]
        place = 0
        if backend is None:
            limit = max(1, min(workers, len(divisions[0][0])))
            # Networks of many kinds need not be cut to keep all workers busy.
            divisions = [divide(1), *divisions, divide(workers, even=False)]
            costs = [own for _, own in divisions]
            backend, workers, place = choose(costs, plan.effort(splits), limit)
        chunks = divisions[place][0]
        chunks = [[rest[index] for index in chunk] for chunk in chunks]
        start: Callable[[], None]
        if client:
            start = partial(in_dask, chunks, work, task_of, ledger, client)
        elif backend == "loky":
            start = partial(in_loky, chunks, work, task_of, ledger, workers)
        else:
            local = in_processes if backend == "processes" else in_threads
            start = partial(local, chunks, train, ledger, workers)
        interruptible(start, ledger)
        for rows in chunks:  # after Ctrl-C, those that nobody has begun
            if any(ledger.results[row] is None for row in rows):
                train(rows, ledger)
    ledger.commit()
    if ledger.stopped():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=3)
    return ledger.series, [result for result in ledger.results if result is not None]
