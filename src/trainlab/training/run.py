"""Runs a population: its chunks on workers, with one BLAS thread in each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from trainlab.blas import one_thread
from trainlab.store import Run
from trainlab.training.backends import choose, in_processes, in_threads, interruptible
from trainlab.training.chunk import Chunk
from trainlab.training.engine import Engine
from trainlab.training.grouping import group
from trainlab.training.history import Series
from trainlab.training.inputs import Samples, arrange
from trainlab.training.keeping import Keeper
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress
from trainlab.training.record import Checkpoint, Ledger, Numbers, Record, Result
from trainlab.training.trainer import Trainer


def run(
    members: Sequence[Member],
    plan: Plan,
    data: Mapping[str, Samples],
    widths: tuple[int, int],
    engine: Engine,
    workers: int,
    backend: str | None = None,
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

    def train(rows: Sequence[int], record: Record) -> None:
        own = [numbers for row in rows if (numbers := numbers_of(row))]
        settings = [members[row] for row in rows]
        chunk = Chunk(rows, settings, widths, plan.dtype, columns, own or None)
        resumed = {row: left[row] for row in rows if row in left}
        Trainer(chunk, plan, splits, engine, record, resumed).run()

    rest = [row for row, result in enumerate(ledger.results) if result is None]
    updates = [numbers.updates if (numbers := numbers_of(row)) else 0 for row in rest]
    done = [left[row].done if row in left else 0 for row in rest]
    own, batch_size = [members[row] for row in rest], plan.batches.batch_size
    origins = list(zip(updates, done, strict=True))
    divide = partial(group, own, widths, batch_size, plan.dtype, origins=origins)
    chunks, operations = divide(workers)
    if backend is None:
        steps, workers = plan.effort(splits), max(1, min(workers, len(chunks)))
        backend, workers = choose(operations * steps, steps, len(chunks), workers)
        chunks = chunks if workers > 1 else divide(1)[0]
    chunks = [[rest[index] for index in chunk] for chunk in chunks]
    start = in_processes if backend == "processes" else in_threads
    with one_thread():
        interruptible(lambda: start(chunks, train, ledger, workers), ledger)
    ledger.commit()
    if ledger.stopped():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=3)
    return ledger.series, [result for result in ledger.results if result is not None]
