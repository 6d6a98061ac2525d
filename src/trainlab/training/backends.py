"""Who does the jobs of a training: threads, or processes.  The bits are the same.

NumPy lets go of Python's interpreter lock while it computes, but takes it again after every
call.  With calls of some 10 µs two threads spend a good part of their time waiting for each
other; two processes do not wait at all.  Threads start at once and run everywhere; processes
are forked, which Linux does in a few hundredths of a second, data and all.
"""

from __future__ import annotations

import contextlib
import heapq
import multiprocessing
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final

from trainlab.blas import one_thread
from trainlab.crew import crew
from trainlab.errors import WorkerError, sentence
from trainlab.training.history import Series
from trainlab.training.jobs import Job, Load
from trainlab.training.record import Checkpoint, Ledger, Result, Session

LOCAL: Final = ("threads", "processes")
REMOTE: Final = ("loky", "dask")
"""Those whose workers share no memory with the process that asks."""
BACKENDS: Final = (*LOCAL, *REMOTE)

CAN_FORK: Final = sys.platform == "linux"

# What work costs beside its floating-point operations, counted in these; a core does some
# 6e10 in a second.  From trainings of 2, 10 and 50 networks 64-32-10 for 50 to 1,800 steps, on
# one worker, two threads, two processes: there two threads took up to three times as long as one.
CALLS: Final = 1e7  # of a step of a chunk, however small its arrays are: Python's own work
WAITING: Final = 2.0  # of threads for the interpreter, times the calls of all of them
START: Final = 5e9  # of processes


def choose(divisions: Sequence[Sequence[Load]], workers: int) -> tuple[str, int, int]:
    """The backend that is fastest, on how many workers, and with which of the divisions.

    divisions: the loads of all jobs, the dearest first; the first division is for one
    worker, the others are for so many.
    """
    ends = {("threads", 1, 0): _end(divisions[0], 1)}
    if workers > 1:
        # A daemon, as the workers of a multiprocessing.Pool are, must not have children.
        fork = CAN_FORK and not multiprocessing.current_process().daemon
        for place, loads in enumerate(divisions[1:], start=1):
            end = _end(loads, workers)
            waiting = WAITING * CALLS * sum(load.steps for load in loads)
            ends["threads", workers, place] = end + waiting
            if fork:
                ends["processes", workers, place] = end + START
    return min(ends, key=lambda one: ends[one])


def operations(load: Load) -> float:
    """What a job costs in all, the calls of its steps included."""
    return load.steps * (CALLS + load.operations)


def _end(loads: Sequence[Load], workers: int) -> float:
    """When the last worker ends, if each takes the dearest job that is left."""
    ends = [0.0] * workers
    for load in loads:
        heapq.heapreplace(ends, ends[0] + operations(load))
    return max(ends)


def in_threads(jobs: Sequence[Job], session: Session, workers: int, hands: int) -> None:
    """Does every job, with so many hands for each; the first error stops all and is raised."""

    def one(job: Job) -> None:
        try:
            with crew(hands):
                job.do()
        except BaseException:
            session.stop.set()
            raise

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(one, job) for job in jobs]
    for future in futures:
        future.result()  # raises what a worker raised


def in_processes(jobs: Sequence[Job], workers: int, hands: int) -> None:
    """Does every job, with so many hands for each; the first error ends all children and is raised.

    Call it on a thread that signals do not reach.  WorkerError where a process dies.
    """
    # The children inherit this: Ctrl-C, which the terminal sends to all, is for the parent.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    context = multiprocessing.get_context("fork")
    children: dict[Connection, Any] = {}
    try:
        for _ in range(min(workers, len(jobs))):
            mine, theirs = context.Pipe()
            given = (theirs, [*children, mine], jobs, hands)
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
    """Hands out jobs and hears what the children have to say, until all of them have left."""
    places = iter(range(len(jobs)))
    while children:
        for connection in wait(list(children)):
            assert isinstance(connection, Connection)
            try:
                kind, place, *content = connection.recv()
            except (EOFError, OSError):  # it has left, perhaps in the middle of a letter
                _part(children.pop(connection), connection)
                continue
            if kind == "next":
                _answer(connection, next(places, None))
                continue
            if kind == "error":
                raise content[0]
            ledger = jobs[place].ledger
            if kind == "ask":
                _answer(connection, ledger.asks_to_end(*content))
            elif kind == "advance":
                ledger.advance(*content)
            elif kind == "finish":
                ledger.finish(*content)
            elif kind == "commit":
                ledger.commit()
            elif kind == "checkpoint":
                ledger.checkpoint(*content)
                _answer(connection, None)


def _answer(connection: Connection, answer: Any) -> None:
    """Sends it, to nobody where the child has died: the next letter will be its end."""
    with contextlib.suppress(ConnectionError):
        connection.send(answer)


def _part(process: Any, connection: Connection) -> None:
    """Waits for a child that has left; WorkerError where it did not do so by itself."""
    connection.close()
    process.join()
    if process.exitcode != 0:
        got, remedy = f"exit code {process.exitcode}", "backend='threads'"
        must = "live until its work is done"
        raise WorkerError(sentence("a worker", "fit", must, got, remedy))


def _work(
    connection: Connection, not_mine: Sequence[Connection], jobs: Sequence[Job], hands: int
) -> None:
    """The life of a child."""
    for other in not_mine:  # ends of the parent: with a copy here, nobody hears that it is no more
        other.close()
    try:
        with crew(hands):
            while (place := _ask(connection, "next", None)) is not None:
                jobs[place].do(_Letters(connection, place, jobs[place].ledger))
    except (EOFError, ConnectionError):  # the parent is no more
        return
    except BaseException as error:  # noqa: BLE001  # it is raised by the parent
        error.add_note(f"in a worker of fit:\n{traceback.format_exc()}")
        connection.send(("error", None, _portable(error)))


def _ask(connection: Connection, *question: Any) -> Any:
    """A question and its answer."""
    connection.send(question)
    return connection.recv()


def _portable(error: BaseException) -> BaseException:
    """The error if it survives the way to the parent, else a WorkerError that tells of it."""
    try:
        arrived = ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:  # noqa: BLE001  # what an error of anybody's raises when it is copied
        arrived = None
    if type(arrived) is type(error):
        return error
    told = WorkerError(sentence("a worker", "fit", "train without an error", error))
    told.add_note("\n".join(error.__notes__))
    return told


class _Letters:
    """The record of a job in a child: series in shared memory, and letters to the parent."""

    def __init__(self, connection: Connection, place: int, ledger: Ledger) -> None:
        self.series: dict[str, Series] = ledger.series
        self.durable = ledger.durable
        self._connection = connection
        self._place = place
        self._ledger = ledger
        self._parent = os.getppid()

    def advance(self, members: int, steps: int) -> None:
        """Tells the parent."""
        self._connection.send(("advance", self._place, members, steps))

    def finish(self, row: int, result: Result) -> None:
        """Sends the parent the result of a member."""
        self._connection.send(("finish", self._place, row, result))

    def checkpoint(self, members: Mapping[int, Checkpoint]) -> None:
        """Sends it to the parent, and waits until it is kept."""
        _ask(self._connection, "checkpoint", self._place, members)

    def commit(self) -> None:
        """Tells the parent."""
        self._connection.send(("commit", self._place))

    def asks_to_end(self, row: int, updates: int, metrics: Mapping[str, float]) -> bool:
        """Asks the parent, whose callbacks they are."""
        question = ("ask", self._place, row, updates, metrics)
        return bool(self._ledger.has_callbacks and _ask(self._connection, *question))

    def stopped(self) -> bool:
        """Whether the parent says so, or is no more."""
        return self._ledger.stopped() or os.getppid() != self._parent


def interruptible(work: Callable[[], None], session: Session) -> None:
    """Does the work on a thread of its own, and stops it where Ctrl-C comes meanwhile.

    The main thread, which is the one that signals reach, only waits: so Ctrl-C can never
    leave a step half done.  Raises what the work raises.
    """
    errors: list[BaseException] = []
    done = threading.Event()  # `Thread.join` does not wait again once Ctrl-C fell into it

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # it is raised below
            errors.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=guarded, name="trainlab").start()
        while not done.wait(0.2):  # short, so that Ctrl-C is seen at once on every system
            pass
    except KeyboardInterrupt:
        session.stop.set()
        done.wait()
    if errors:
        raise errors[0]
