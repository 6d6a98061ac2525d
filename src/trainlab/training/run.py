"""Runs a population: its chunks on workers, with one BLAS thread in each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

from trainlab.blas import one_thread
from trainlab.training.backends import choose, in_processes, in_threads, interruptible
from trainlab.training.chunk import Chunk
from trainlab.training.engine import Engine
from trainlab.training.grouping import group
from trainlab.training.history import Series
from trainlab.training.inputs import Samples, arrange
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress
from trainlab.training.record import Ledger, Numbers, Record, Result
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
) -> tuple[dict[str, Series], list[Result]]:
    """Trains all members on splits.  After Ctrl-C it warns, and returns what is done.

    starts: the numbers that each member begins with; None draws them.
    """
    inputs, columns = arrange({name: split.x.x for name, split in data.items()})
    splits = {name: replace(split, x=inputs[name]) for name, split in data.items()}
    ledger = Ledger(members, plan, progress)
    if progress:
        progress.start(len(members), len(members) * plan.total)

    def train(rows: Sequence[int], record: Record) -> None:
        own = None if starts is None else [starts[row] for row in rows]
        chunk = Chunk(rows, [members[row] for row in rows], widths, plan.dtype, columns, own)
        Trainer(chunk, plan, splits, engine, record).run()

    origins = None if starts is None else [numbers.updates for numbers in starts]
    batch_size = plan.batches.batch_size
    chunks, operations = group(members, widths, batch_size, plan.dtype, workers, origins)
    backend = backend or choose(operations * plan.total, min(workers, len(chunks)))
    start = in_processes if backend == "processes" else in_threads
    with one_thread():
        interruptible(lambda: start(chunks, train, ledger, workers), ledger)
    if ledger.stopped():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=3)
    return ledger.series, [result for result in ledger.results if result is not None]
