"""Workers that are forked from this process: they share its memory as it was, and send events."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
import warnings
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from trainlab.blas import one_thread
from trainlab.errors import WorkerError, sentence
from trainlab.training.events import Checkpointed, EpochEnded, Evaluated, Event
from trainlab.training.recorder import HistoryRecorder
from trainlab.training.trainer import train_chunk
from trainlab.workers.jobs import Job

_WITH_REPLY = (Evaluated, EpochEnded, Checkpointed)
"""Events after which a child waits: for what callbacks say, and until a checkpoint is on disk."""


def in_processes(jobs: Sequence[Job], workers: int, threads: int) -> None:
    """Does every job, on so many threads each; the first error ends all children and is raised.

    Call it on a thread that signals do not reach.  WorkerError where a process dies.
    """
    # The children inherit this: Ctrl-C, which the terminal sends to all, is for the parent.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    context = multiprocessing.get_context("fork")
    children: dict[Connection, Any] = {}
    try:
        for _ in range(min(workers, len(jobs))):
            mine, theirs = context.Pipe()
            given = (theirs, [*children, mine], jobs, threads)
            process = context.Process(target=_work, args=given, daemon=True)
            # The child inherits the limit, and never starts threads of BLAS.
            with warnings.catch_warnings(), one_thread():
                # A child of a process with threads must not use what those hold: it only trains.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            children[mine] = process
        _serve(children, jobs)
    finally:
        for connection, process in children.items():  # those that an error leaves behind
            process.kill()
            process.join()
            connection.close()


def _serve(children: dict[Connection, Any], jobs: Sequence[Job]) -> None:
    """Hands out jobs and takes events, until all children have left."""
    places = iter(range(len(jobs)))
    while children:
        for connection in wait(list(children)):
            assert isinstance(connection, Connection)
            try:
                place, message = connection.recv()
            except (EOFError, OSError):  # it has left, perhaps in the middle of a message
                _join(children.pop(connection), connection)
                continue
            if isinstance(message, BaseException):
                raise message
            if place is None:
                _reply(connection, next(places, None))
                continue
            reply = jobs[place].recorder.send(message)
            if isinstance(message, _WITH_REPLY):
                _reply(connection, reply)


def _reply(connection: Connection, reply: Any) -> None:
    """Sends it, to nobody where the child has died: its next message will be its end."""
    with contextlib.suppress(ConnectionError):
        connection.send(reply)


def _join(process: Any, connection: Connection) -> None:
    """Waits for a child that has left; WorkerError where it did not do so by itself."""
    connection.close()
    process.join()
    if process.exitcode != 0:
        got, remedy = f"exit code {process.exitcode}", "backend='threads'"
        must = "live until its work is done"
        raise WorkerError(sentence("a worker", "fit", must, got, remedy))


def _work(
    connection: Connection, not_mine: Sequence[Connection], jobs: Sequence[Job], threads: int
) -> None:
    """What a child does."""
    for other in not_mine:  # the parent's ends: with a copy here, no end would ever be closed
        other.close()
    try:
        while (place := _request(connection, None, None)) is not None:
            job = jobs[place]
            recorder = _PipeRecorder(connection, place, job.recorder)
            train_chunk(job.spec, job.chunk, job.rows, recorder, threads)
    except (EOFError, ConnectionError):  # the parent has died
        return
    except BaseException as error:  # noqa: BLE001  # it is raised by the parent
        error.add_note(f"in a worker of fit:\n{traceback.format_exc()}")
        connection.send((None, _portable(error)))


def _request(connection: Connection, place: int | None, message: Any) -> Any:
    """Sends a message and waits for the reply."""
    connection.send((place, message))
    return connection.recv()


def _portable(error: BaseException) -> BaseException:
    """The error if it survives the way to the parent, else a WorkerError that tells of it."""
    try:
        arrived = ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:  # noqa: BLE001  # what an error of anybody's raises when it is copied
        arrived = None
    if type(arrived) is type(error):
        return error
    got = f"{type(error).__name__}: {error}"
    told = WorkerError(sentence("a worker", "fit", "train without an error", got))
    told.add_note("\n".join(error.__notes__))
    return told


class _PipeRecorder:
    """Sends the events of a job from a child to the parent."""

    def __init__(self, connection: Connection, place: int, recorder: HistoryRecorder) -> None:
        self.durable = recorder.durable
        self._connection = connection
        self._place = place
        self._recorder = recorder
        self._parent = os.getppid()

    def send(self, event: Event) -> Collection[int]:
        """Waits for a reply where there is one to wait for."""
        if isinstance(event, Evaluated) and not self._recorder.has_callbacks:
            return ()
        if isinstance(event, _WITH_REPLY):
            reply: Collection[int] = _request(self._connection, self._place, event)
            return reply
        self._connection.send((self._place, event))
        return ()

    def stopped(self) -> bool:
        """Whether the parent says so, or has died."""
        return self._recorder.stopped(lambda: os.getppid() != self._parent)
