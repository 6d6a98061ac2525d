"""Workers that share no memory with this process: those of joblib's loky.

They get the data as files that all of them map (joblib writes each array once), and send
back what a chunk has come to when it is done.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

from trainlab.callers import warn
from trainlab.errors import WorkerError, sentence
from trainlab.training.recorder import Control, EventList, Session
from trainlab.training.trainer import ChunkSpec, TrainingSpec, train_chunk
from trainlab.workers.exit import before
from trainlab.workers.jobs import Job

# So often workers may die before the training is given up: as often as Dask lets those of
# one task do so.  A chunk that does not fit into memory would kill its workers for ever.
ALLOWED_LOSSES: Final = 3

# Arrays of more bytes are files that workers map; smaller ones travel with each chunk.
LARGE: Final = 10_000


def in_loky(jobs: Sequence[Job], session: Session, workers: int) -> None:
    """Does every job; the first error ends all and is raised.

    Where a worker dies it warns, and trains anew what is not done; WorkerError if that
    happens again and again.
    """
    left, losses = dict(enumerate(jobs)), 0
    with tempfile.TemporaryDirectory(prefix="trainlab-") as folder:
        flag = Path(folder) / "stop"
        session.control.share(flag)
        while left and not session.control.is_stopped:
            try:
                _drain(left, session, workers, flag)
            except BrokenProcessPool as error:
                if session.control.is_stopped:  # Ctrl-C, which also reaches workers that only begin
                    return
                losses += 1
                if losses > ALLOWED_LOSSES:
                    raise given_up(str(error), "workers=1") from error
                tell_of_loss("a worker process died", len(left))


def _drain(left: dict[int, Job], session: Session, workers: int, flag: Path) -> None:
    """Has all jobs that are left done, and takes off the list what is."""
    from joblib import Parallel, delayed  # here: few trainings need it, and it starts slowly

    def calls() -> Iterator[object]:
        for index, job in list(left.items()):
            if session.control.is_stopped:
                return
            yield delayed(_train)(job.spec, index, job.chunk, job.rows, flag, os.getpid())

    parallel = Parallel(
        workers,
        backend="loky",
        return_as="generator_unordered",
        batch_size=1,
        max_nbytes=LARGE,
    )
    results = parallel(calls())
    before("loky")
    for index, events in results:
        events.replay(left.pop(index).recorder)


def _train(
    spec: TrainingSpec, index: int, chunk: ChunkSpec, rows: list[int], flag: Path, parent: int
) -> tuple[int, EventList]:
    """Runs in a worker, or in the process that asks where there is but one worker."""
    away = os.getpid() != parent
    if away and threading.current_thread() is threading.main_thread():
        # Ctrl-C, which the terminal sends to all, is for the parent.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = Control.at(flag)

    def stopped() -> bool:
        return control.stopped(lambda: away and os.getppid() != parent)

    return index, train_far(spec, chunk, rows, stopped)


def train_far(
    spec: TrainingSpec, chunk: ChunkSpec, rows: list[int], stopped: Callable[[], bool]
) -> EventList:
    """The events of a chunk that is trained where its recorder is not."""
    recorder = EventList(stopped)
    train_chunk(spec, chunk, rows, recorder)
    return recorder


def given_up(got: str, remedy: str) -> WorkerError:
    """The error where workers die again and again."""
    return WorkerError(sentence("workers", "fit", "live until their work is done", got, remedy))


def tell_of_loss(what: str, chunks: int) -> None:
    """Warns that somebody is lost, and nothing else."""
    text = f"{what} while training; its chunk is trained anew, to the same bits ({chunks} left)"
    warn(text, RuntimeWarning)
