"""Trainings under way: all their jobs on the same workers, with one BLAS thread in each."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from trainlab.blas import one_thread, usable_cores
from trainlab.callers import users_line, warn, work_for
from trainlab.errors import sentence
from trainlab.own import noted
from trainlab.training.changes import Request
from trainlab.training.recorder import Session
from trainlab.training.trainer import train_chunk
from trainlab.workers.backends import MOST_THREADS, REMOTE, WORTH
from trainlab.workers.exit import at_exit
from trainlab.workers.jobs import Job, PopulationTraining


class Workers(threading.Thread):
    """Trains all members of all trainings of a session, side by side, once it is started.

    As a thread, so that Ctrl-C, which reaches the main thread, never leaves a step half done.
    Recorders have what is done.
    """

    def __init__(
        self,
        trainings: Sequence[PopulationTraining],
        session: Session,
        workers: int | None,
        backend: str | None,
        scheduler: str | None,
        resources: ExitStack,
    ) -> None:
        """workers: None takes the cores that there are.  resources: closed when all has ended."""
        super().__init__(name="trainlab")
        self.control = session.control
        self._trainings, self._session = trainings, session
        self._config = workers, backend, scheduler
        self._resources = resources
        self._error: BaseException | None = None
        self._is_cut_short = False  # and nobody has been told
        self._done = threading.Event()  # `join` does not wait again once Ctrl-C fell into it
        self._is_ready = threading.Event()
        self._is_waited_for = False
        self._threads: set[int] = set()  # that train, and may call what users give
        self._began = self._ended = time.perf_counter()
        self._line = users_line()  # whose warnings those of this training are
        at_exit(self)

    @property
    def is_done(self) -> bool:
        """Whether all has ended."""
        return self._done.is_set()

    @property
    def are_here(self) -> bool:
        """Whether members train in this process, where they can be asked for something."""
        return self._config[1] not in REMOTE

    def wait_until_ready(self, owner: str) -> None:
        """Returns when what a store has is known, and members can be asked for something.

        Raises RuntimeError in a callback of this training, which would wait for itself.
        """
        self._check_caller(owner)
        self._is_ready.wait()

    def ask(self, training: PopulationTraining, request: Request) -> None:
        """Asks members of a training for something; returns when all have done it or ended."""
        recorder = training.recorder
        asked, results = recorder.asked, recorder.results
        early = asked.ask(request, recorder.updates)
        if early and not request.fields:
            asked.give(request, training.copies(early))
        asked.wait(request, lambda row: self.is_done or results[row] is not None)

    def _check_caller(self, owner: str) -> None:
        if threading.get_ident() in self._threads:
            must, remedy = "not be called by a callback of the same training", "stop()"
            what, whom = reversed(owner.split("."))
            raise RuntimeError(sentence(what, whom, must, "such a call", remedy))

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took."""
        return (self._ended if self.is_done else time.perf_counter()) - self._began

    def wait(self, until: float | None = None) -> None:
        """Returns when all has ended; Ctrl-C ends it early, with a warning.

        until  of `time.monotonic`: what has not ended then is ended early, without a warning

        Raises what a worker raised; WorkerError where workers died; RuntimeError in a callback
        of this training, which would wait for itself, and in a process that was forked meanwhile.
        """
        self._check_caller("Running.wait")
        self._is_waited_for = True
        is_pressed = False
        try:
            # Short, so that every system sees Ctrl-C at once.
            while not self._done.wait(0.2 if until is None else _short(until)):
                if until is not None and time.monotonic() >= until:
                    self.control.stop()
        except KeyboardInterrupt:
            is_pressed = True
            self.control.stop()
            self._done.wait()
        if self._error is not None:
            raise noted(self._error)
        in_time = until is None or time.monotonic() < until
        if self._is_cut_short and (is_pressed or in_time):
            self._is_cut_short = False
            warn("training was interrupted; what was done is kept", UserWarning)

    @contextmanager
    def ended_by_errors(self) -> Iterator[None]:
        """What leaves the block by an error, such as an alarm, leaves nothing running behind."""
        try:
            yield
        except BaseException:
            self.control.stop()
            self._is_waited_for = True  # the error says what there is to say
            self.end()
            raise

    def end(self) -> None:
        """Stops what runs when the interpreter ends, and says what nobody has waited for.

        Where no thread could be started, nothing is under way, and nobody else lets a store go.
        """
        if self.ident is None:
            self._resources.close()
            self._done.set()
        was_running = self.ident is not None and not self.is_done
        if was_running:
            self.control.stop()
            self._done.wait()
        if self._is_waited_for:
            return
        if self._error is not None:
            text = f"a training has failed: {type(self._error).__name__}: {self._error}"
            warn(f"{text}; wait() raises such errors", RuntimeWarning, self._line)
        elif was_running:
            text = "a training was interrupted by the end of the program; wait() waits for it"
            warn(text, RuntimeWarning, self._line)

    def lose(self) -> None:
        """Ends a training in a process that was forked while it ran, and so has no thread of it."""
        if self.ident is None or self.is_done or threading.get_ident() in self._threads:
            return
        must, got = "be called in the process that began it", "a process forked from that one"
        self._error = RuntimeError(sentence("wait", "Running", must, got))
        self._done, self._is_ready = threading.Event(), threading.Event()  # none is locked
        self._done.set()
        self._is_ready.set()

    @property
    def has_failed(self) -> bool:
        """Whether an error has ended it."""
        return self._error is not None

    def run(self) -> None:
        """What the thread does; the jobs themselves where one worker is enough."""
        self._works()
        try:
            with self._resources, ExitStack() as ends:
                self._session.start(
                    sum(len(training.members) for training in self._trainings),
                    sum(training.steps for training in self._trainings),
                )
                for training in self._trainings:
                    training.resume()
                    ends.callback(training.recorder.end)
                    training.recorder.start()
                self._is_ready.set()
                with one_thread():
                    jobs, threads = self._share()
                    for job in jobs:  # that no other worker has begun
                        if not job.is_done:
                            train_chunk(job.spec, job.chunk, job.rows, job.recorder, threads)
        except BaseException as error:  # noqa: BLE001  # `wait` raises it
            self._error = error
        finally:
            self._ended, self._is_cut_short = time.perf_counter(), self.control.is_stopped
            self._done.set()
            self._is_ready.set()

    def _works(self) -> None:
        """Takes note of the running thread: it trains, on behalf of who started all this."""
        self._threads.add(threading.get_ident())
        work_for(self._line)

    def _share(self) -> tuple[list[Job], int]:
        """Has several workers do all jobs where that is faster or asked for.

        Returns the jobs, and how many threads may share the work of a step.
        """
        workers, backend, scheduler = self._config
        session = self._session
        if backend == "dask":  # imported here: few trainings need workers elsewhere
            from trainlab.workers.dask import connected, in_dask, threads_of

            with connected(scheduler) as client:
                jobs = self._jobs(workers or threads_of(client))
                in_dask(jobs, session, client)
            return jobs, 1
        cores = workers or usable_cores()
        if backend == "loky":
            from trainlab.workers.loky import in_loky

            jobs = self._jobs(cores)
            in_loky(jobs, session, cores)
            return jobs, 1
        jobs = self._jobs(cores, here=True)
        if backend is None and not all(_gains_by_threads(job) for job in jobs):
            return self._jobs(1), 1
        threads = max(1, min(cores, MOST_THREADS) // max(1, len(jobs)))  # for a job alone, all
        if min(cores, len(jobs)) > 1:
            in_threads(jobs, session, cores, threads, self._works)
        return jobs, threads

    def _jobs(self, workers: int, here: bool = False) -> list[Job]:
        """The jobs of all trainings, the dearest first.

        here  the workers are threads of this process, of which a lane may keep all busy
        """
        each = (
            training.jobs(1 if here and training.spec.has_threads else workers)
            for training in self._trainings
        )
        return sorted(itertools.chain.from_iterable(each), key=lambda job: -job.load.total)


def _short(until: float) -> float:
    """Seconds until then, but few; some where it has passed."""
    return min(0.2, max(0.01, until - time.monotonic()))


def _gains_by_threads(job: Job) -> bool:
    return job.spec.has_threads or job.load.operations >= WORTH


def in_threads(
    jobs: Sequence[Job],
    session: Session,
    workers: int,
    threads: int,
    begin: Callable[[], None],
) -> None:
    """Does every job, on so many threads each; the first error stops all and is raised.

    begin  is called by each thread that does jobs, before it does
    """

    def stop_on_error(future: Future[None]) -> None:
        if future.exception() is not None:
            session.control.stop()

    with ThreadPoolExecutor(workers, initializer=begin) as pool:
        futures = []
        for job in jobs:
            spec, chunk, rows, recorder = job.spec, job.chunk, job.rows, job.recorder
            future = pool.submit(train_chunk, spec, chunk, rows, recorder, threads)
            future.add_done_callback(stop_on_error)
            futures.append(future)
    for future in futures:
        future.result()  # raises what a worker raised
