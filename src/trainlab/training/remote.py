"""Workers that share no memory with the ledger: processes of joblib's loky.

They get the data as files that all of them map (joblib writes each array once), and send
back what a chunk has come to when it is done.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from trainlab.errors import WorkerError, sentence
from trainlab.training.record import Ledger, Outcome, Stop
from trainlab.training.work import Task, Work

TaskOf = Callable[[Sequence[int]], Task]

# So often workers may die before the training is given up: as often as Dask lets those of
# one task do so.  A chunk that does not fit into memory would kill its workers for ever.
ALLOWED_LOSSES: Final = 3

# Arrays of more bytes are files that workers map; smaller ones travel with each chunk.
LARGE: Final = 10_000


def in_loky(
    chunks: Sequence[Sequence[int]], work: Work, task_of: TaskOf, ledger: Ledger, workers: int
) -> None:
    """Trains every chunk; the first error ends all and is raised.

    Where a worker dies it warns, and trains anew what is not done; WorkerError if that
    happens again and again.
    """
    left, losses = dict(enumerate(chunks)), 0
    with tempfile.TemporaryDirectory(prefix="trainlab-") as folder:
        flag = Path(folder) / "stop"
        ledger.stop.share(flag)
        while left and not ledger.stopped():
            try:
                _drain(left, work, task_of, ledger, workers, flag)
            except BrokenProcessPool as error:
                if ledger.stopped():  # Ctrl-C, which also reaches workers that only begin
                    return
                losses += 1
                if losses > ALLOWED_LOSSES:
                    raise given_up(str(error), "workers=1") from error
                tell_of_loss("a worker process died", len(left))


def _drain(
    left: dict[int, Sequence[int]],
    work: Work,
    task_of: TaskOf,
    ledger: Ledger,
    workers: int,
    flag: Path,
) -> None:
    """Has all chunks that are left trained, and takes off the list what is done."""
    from joblib import Parallel, delayed  # here: few trainings need it, and it starts slowly

    def calls() -> Iterator[object]:
        for index, rows in list(left.items()):
            if ledger.stopped():
                return
            yield delayed(_train)(work, index, task_of(rows), flag, os.getpid())

    parallel = Parallel(
        workers,
        backend="loky",
        return_as="generator_unordered",
        batch_size=1,
        max_nbytes=LARGE,
    )
    for index, outcome in parallel(calls()):
        ledger.accept(left.pop(index), outcome)


def _train(work: Work, index: int, task: Task, flag: Path, parent: int) -> tuple[int, Outcome]:
    """Runs in a worker, or in the process that asks where there is but one worker."""
    away = os.getpid() != parent
    if away and threading.current_thread() is threading.main_thread():
        # Ctrl-C, which the terminal sends to all, is for the parent.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = Stop.at(flag)

    def stopped() -> bool:
        return stop.is_set() or (away and os.getppid() != parent)

    return index, work.complete(task, stopped)


def given_up(got: str, remedy: str) -> WorkerError:
    """The error where workers die again and again."""
    return WorkerError(sentence("workers", "fit", "live until their work is done", got, remedy))


def tell_of_loss(what: str, chunks: int) -> None:
    """Warns that somebody is lost, and nothing else."""
    text = f"{what} while training; its chunk is trained anew, to the same bits ({chunks} left)"
    warnings.warn(text, RuntimeWarning, stacklevel=2)
