"""A Dask cluster does the jobs: workers on this machine and on others.

The data of a training goes to every worker once, before its first job; later workers get it
from the others.  Dask's own client is used, not joblib's bridge to it: that one waits for ever for
a task whose workers died.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from trainlab.callers import warn
from trainlab.errors import SettingError, WorkerError, sentence
from trainlab.training.recorder import EventList, Session
from trainlab.training.trainer import ChunkSpec, TrainingSpec
from trainlab.versions import of_bits
from trainlab.workers.jobs import Job, PopulationTraining
from trainlab.workers.loky import ALLOWED_LOSSES, given_up, tell_of_loss, train_far

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE: Final = 10.0  # seconds for a scheduler to answer, and for a first worker to come
CHECK_EVERY: Final = 1.0  # seconds between two looks at who is there
WAIT: Final = 0.1  # seconds, after which Ctrl-C is looked for
_EXAMPLE: Final = "scheduler='tcp://127.0.0.1:8786'"
# Jobs that a thread of a worker has before it: one to do and some to go on with.
AHEAD: Final = 3


@contextlib.contextmanager
def connected(scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler at an address, or the one that this process has.

    SettingError where there is neither; WorkerError where nobody answers, or where workers
    have other versions of trainlab or NumPy.
    """
    import distributed

    if scheduler is None:
        try:
            client, ours = distributed.Client.current(), False
        except ValueError as error:
            must = "be an address where there is no distributed.Client"
            raise SettingError(sentence("scheduler", "fit", must, None, _EXAMPLE)) from error
    else:
        _check_address(scheduler)
        try:
            client = distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise _unreachable(scheduler) from error
        ours = True
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            remedy = f"dask worker {client.scheduler.address}"
            text = sentence("workers", "the scheduler", "be at least one", 0, remedy)
            raise WorkerError(text) from error
        check(client, None)
        yield client
    finally:
        if ours:
            client.close()


def _check_address(scheduler: str) -> None:
    """SettingError unless it can be one: a client that cannot parse it is left half open."""
    from distributed.comm import addressing, registry

    try:
        protocol, place = addressing.parse_address(scheduler)
        registry.get_backend(protocol)
        if protocol != "inproc":  # a scheduler in this process has no port
            addressing.parse_host_port(place)
    except ValueError as error:
        must = "be an address, as `dask scheduler` prints it"
        raise SettingError(sentence("scheduler", "fit", must, scheduler, _EXAMPLE)) from error


def threads_of(client: Client) -> int:
    """How many jobs the cluster does at a time."""
    return sum(client.nthreads().values())


def in_dask(jobs: Sequence[Job], session: Session, client: Client) -> None:
    """Does every job; the first error ends all and is raised.

    Where a worker is lost it warns, and the scheduler has its jobs done elsewhere.
    WorkerError where the scheduler is lost, where somebody closes the client, or where the
    workers of one job are lost again and again.
    """
    from distributed.comm import CommClosedError

    address = client.scheduler.address
    try:
        run = _Dispatcher(client, list(jobs))
        try:
            while run.busy and not session.control.is_stopped:
                run.look_who_is_there()
                if not session.control.is_paused:  # workers end the jobs that they have
                    run.send()
                run.receive()
            run.look_who_is_there(at_once=True)
        finally:
            with contextlib.suppress(Exception):  # of a client that is closed
                client.cancel(list(run.waiting))
    except Exception as error:
        if client.status in ("closing", "closed"):  # Dask has several errors for that
            must, remedy = "stay open until the training has ended", "the same again with a store"
            text = sentence("the Dask client", "fit", must, client.status, remedy)
            raise WorkerError(text) from error
        if isinstance(error, CommClosedError):
            raise _unreachable(address) from error
        raise


class _Dispatcher:
    """What is under way: jobs that are left, and futures of those that were sent."""

    def __init__(self, client: Client, left: list[Job]) -> None:
        self.waiting: dict[Future, Job] = {}
        self._client = client
        self._data: dict[PopulationTraining, Future] = {}
        self._left = left[::-1]  # the dearest first, from the end
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._kinds = set[type]().union(*(one.own_kinds for one in {job.training for job in left}))
        check_parts(client, self._kinds, None)
        self._workers = client.nthreads()
        self._next_look = time.monotonic() + CHECK_EVERY

    @property
    def busy(self) -> bool:
        """Whether there is anything to do or to wait for."""
        return bool(self._left or self.waiting)

    def look_who_is_there(self, at_once: bool = False) -> None:
        """Warns of workers that are lost, and checks those that are new."""
        if not at_once and time.monotonic() < self._next_look:
            return
        before, self._workers = self._workers, self._client.nthreads()
        for address in before.keys() - self._workers.keys():
            tell_of_loss(f"the worker {address} was lost", len(self._left) + len(self.waiting))
        if new := self._workers.keys() - before.keys():
            try:
                check(self._client, list(new))
                check_parts(self._client, self._kinds, list(new))
            except OSError:  # one is gone again, and the others are new once more
                self._workers = {at: n for at, n in self._workers.items() if at not in new}
        self._next_look = time.monotonic() + CHECK_EVERY

    def send(self) -> None:
        """Sends jobs, as many as keep all workers busy for a while."""
        room = AHEAD * max(1, sum(self._workers.values()))
        while self._left and len(self.waiting) < room:
            data = self._data_of(self._left[-1].training)
            if data is None:
                return
            job = self._left.pop()
            future = self._client.submit(_train, data, job.chunk, job.rows, pure=False)
            self.waiting[future] = job
            future.add_done_callback(self._ended.put)

    def _data_of(self, training: PopulationTraining) -> Future | None:
        """The data of a training where workers have it; None where there is no worker."""
        data = self._data.get(training)
        if data is None or data.status != "finished":  # all workers that had it are lost
            if not self._client.nthreads():
                return None
            data = self._client.scatter(training.spec, broadcast=True, hash=False)
            self._data[training] = data
        return data

    def receive(self) -> None:
        """Waits a little for a job, and takes those that have come."""
        with contextlib.suppress(queue.Empty):
            future = self._ended.get(timeout=WAIT)
            while True:
                self._take(future)
                future = self._ended.get_nowait()

    def _take(self, future: Future) -> None:
        job = self.waiting.pop(future)
        if future.status == "finished":
            events = self._result(future)
            if events is not None and not events.interrupted:
                events.replay(job.recorder)
                return
        elif future.status == "error":
            raise _told(future)
        self._again(job)

    def _result(self, future: Future) -> EventList | None:
        """What came back, or None where it was lost with its worker."""
        from distributed.client import FutureCancelledError

        try:
            events: EventList = future.result()
        except FutureCancelledError:
            return None
        return events

    def _again(self, job: Job) -> None:
        """Puts a job back that was lost or stopped."""
        if self._client.status != "running":
            raise _unreachable(self._client.scheduler.address)
        self._left.append(job)


def _train(spec: TrainingSpec, chunk: ChunkSpec, rows: list[int]) -> EventList:
    """Runs in a worker; ends early where its result is no longer wanted."""
    from distributed import get_worker

    worker = get_worker()
    tasks, key = worker.state.tasks, worker.get_current_task()

    def stopped() -> bool:
        own = tasks.get(key)
        return own is None or own.state not in ("executing", "long-running")

    return train_far(spec, chunk, rows, stopped)


def _told(future: Future) -> BaseException:
    """The error of a chunk."""
    from distributed import KilledWorker

    error = future.exception()
    assert isinstance(error, BaseException)
    if isinstance(error, KilledWorker):
        return given_up(f"a chunk whose workers died {ALLOWED_LOSSES + 1} times", "more memory")
    return error


def _unreachable(address: str) -> WorkerError:
    must, remedy = "answer at its address", "to start one there: dask scheduler"
    return WorkerError(sentence("the scheduler", "fit", must, address, remedy))


def check(client: Client, workers: list[str] | None) -> None:
    """WorkerError for workers with other versions; a warning for those that round otherwise."""
    ours = of_bits()
    try:
        found: Mapping[str, Mapping[str, str]] = client.run(of_bits, workers=workers)
    except ImportError as error:
        raise WorkerError(_differs("have trainlab", str(error))) from error
    for address, theirs in found.items():
        for name in ("trainlab", "numpy"):
            if theirs[name] != ours[name]:
                got = f"{theirs[name]} at {address}"
                raise WorkerError(_differs(f"have {name} {ours[name]}, as is here", got))
        if theirs["blas"] != ours["blas"]:
            got = f"{theirs['blas']} at {address}"
            text = _differs(f"have BLAS {ours['blas']}, as is here, for the same bits", got)
            warn(text, RuntimeWarning)


def check_parts(client: Client, kinds: set[type], workers: list[str] | None) -> None:
    """WorkerError where the scheduler or a worker cannot import these classes of the user's own.

    Those of a script or a notebook are sent along.
    """
    if not kinds:
        return
    try:
        client.run_on_scheduler(len, kinds)
        client.run(len, kinds, workers=workers)
    except OSError:  # a worker is gone
        raise
    except Exception as error:  # of a worker Dask gives the text of the ImportError alone
        must = "be able to import the parts of your own"
        remedy = f"distributed.Client({client.scheduler.address!r}).upload_file('FILE.py')"
        raise WorkerError(sentence("all", "the cluster", must, error, remedy)) from error


def _differs(must: str, got: str) -> str:
    return sentence("a worker", "the cluster", must, got, "one environment for all machines")
