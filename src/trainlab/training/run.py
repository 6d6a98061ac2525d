"""Runs a population: its chunks on worker threads, with one BLAS thread in each.

Signals reach the main thread and all work is done on other threads, so Ctrl-C can
never leave a step half done.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from trainlab.blas import one_thread
from trainlab.network.workspace import Array
from trainlab.training.chunk import Chunk
from trainlab.training.engine import Engine
from trainlab.training.grouping import group
from trainlab.training.history import Series
from trainlab.training.inputs import arrange
from trainlab.training.members import Member
from trainlab.training.plan import Plan
from trainlab.training.progress import Progress
from trainlab.training.trainer import Record, Result, Trainer


def run(
    members: Sequence[Member],
    plan: Plan,
    data: Mapping[str, tuple[Any, Array]],
    widths: tuple[int, int],
    engine: Engine,
    workers: int,
    progress: Progress | None = None,
) -> tuple[dict[str, Series], list[Result]]:
    """Trains all members on splits (x, t).  After Ctrl-C it warns, and returns what is done."""
    inputs, columns = arrange({name: x for name, (x, _) in data.items()})
    splits = {name: (inputs[name], t) for name, (_, t) in data.items()}
    record = Record(_empty_series(members, plan), [None] * len(members), progress)
    if progress:
        progress.start(len(members), len(members) * plan.total)

    def train(rows: Sequence[int]) -> None:
        chunk = Chunk(rows, [members[row] for row in rows], widths, plan.dtype, columns)
        Trainer(chunk, plan, splits, engine, record).run()

    chunks = group(members, widths, plan.batches.batch_size, plan.dtype, workers)
    futures: list[Future[None]] = []

    def train_all() -> None:
        with ThreadPoolExecutor(workers) as pool:
            futures.extend([pool.submit(train, rows) for rows in chunks])
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            if any(future.exception() for future in done):
                record.stop.set()

    with one_thread():
        _interruptible(train_all, record.stop)
    for future in futures:
        future.result()  # raises what a worker raised
    if record.stop.is_set():
        warnings.warn("training was interrupted; what was done is kept", stacklevel=3)
    return record.series, [result for result in record.results if result is not None]


def _interruptible(work: Callable[[], None], stop: threading.Event) -> None:
    """Does the work on a thread of its own, and sets `stop` where Ctrl-C comes meanwhile.

    The main thread, which is the one that signals interrupt, only waits.
    """
    thread = threading.Thread(target=work, name="trainlab")
    try:
        thread.start()
        while thread.is_alive():  # short waits, so that Ctrl-C is seen at once on every system
            thread.join(0.2)
    except BaseException as error:
        stop.set()
        thread.join()
        if not isinstance(error, KeyboardInterrupt):
            raise


def _empty_series(members: Sequence[Member], plan: Plan) -> dict[str, Series]:
    """Every series that training will fill, full of NaN."""
    scored = any(member.network.loss.task != "regression" for member in members)
    found: dict[str, Series] = {}

    def add(name: str, axis: str, at: Array, dtype: Any = np.float64) -> None:
        found[name] = Series(name, axis, at, np.full((len(members), len(at)), np.nan, dtype))

    add("train_loss", "step", np.arange(plan.total), plan.dtype)
    for name in plan.metrics(scored):
        add(name, plan.axis, plan.axis_values)
    if len(plan.batch_steps):
        for name in ("batch_loss", "batch_accuracy")[: 1 + scored]:
            add(name, "step", plan.batch_steps)
    return found
