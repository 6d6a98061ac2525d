"""Runs a population: its chunks on worker threads, with one BLAS thread in each.

Signals reach the main thread and all work is done on worker threads, so Ctrl-C can
never leave a step half done.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np
from threadpoolctl import threadpool_limits

from trainlab.network.workspace import Array
from trainlab.training.engine import Chunk, Engine
from trainlab.training.grouping import group
from trainlab.training.history import Series
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress
from trainlab.training.trainer import Arrays, Record, Result, Trainer


def run(
    members: Sequence[Member],
    plan: Plan,
    data: Arrays,
    widths: tuple[int, int],
    engine: Engine,
    workers: int,
    progress: Progress | None = None,
) -> tuple[dict[str, Series], list[Result]]:
    """Trains all members.  After Ctrl-C it returns what is done, with a warning."""
    record = Record(_empty_series(members, plan), [None] * len(members), progress)
    if progress:
        progress.start(len(members), len(members) * plan.total)

    def train(rows: Sequence[int]) -> None:
        chunk = Chunk(rows, [members[row] for row in rows], *widths, plan.dtype)
        Trainer(chunk, plan, data, engine, record).run()

    chunks = group(members, widths, plan.batches.batch_size, plan.dtype, workers)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(train, rows) for rows in chunks]
        try:
            _wait(futures)
        except BaseException as error:
            record.stop.set()
            wait(futures)
            if not isinstance(error, KeyboardInterrupt):
                raise
    for future in futures:
        future.result()
    if record.stop.is_set():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=3)
    return record.series, [result for result in record.results if result is not None]


def _wait(futures: Sequence[Future[None]]) -> None:
    pending = set(futures)
    while pending:  # short waits, so that Ctrl-C is seen at once on every system
        done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()


def _empty_series(members: Sequence[Member], plan: Plan) -> dict[str, Series]:
    """Every series that training will fill, full of NaN."""
    scored = any(member.network.loss.task != "regression" for member in members)
    found: dict[str, Series] = {}

    def add(name: str, axis: str, values: Array) -> None:
        found[name] = Series(name, axis, values, np.full((len(members), len(values)), np.nan))

    add("train_loss", "step", np.arange(plan.total))
    for name in plan.metrics(scored):
        add(name, plan.axis, plan.axis_values)
    if len(plan.batch_steps):
        for name in ("batch_loss", "batch_accuracy")[: 1 + scored]:
            add(name, "step", plan.batch_steps)
    return found
