"""Threads and processes: the same bits, the same callbacks and errors, and nobody left behind."""

from __future__ import annotations

import ast
import copyreg
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from counter import Counter
from fingerprint import fingerprint
from mixed import BATCH, FEATURES, ZEROS, mixed, overlapping
from trainlab.data import Batches
from trainlab.engine import grouping
from trainlab.engine.inputs import arrange
from trainlab.engine.numpy import NumPyLane
from trainlab.errors import WorkerError
from trainlab.training.events import Evaluated
from trainlab.training.plan import Plan
from trainlab.workers import backends, processes
from trainlab.workers.jobs import Load

needs_fork = pytest.mark.skipif(not backends.CAN_FORK, reason="processes are forked on Linux alone")
BACKENDS = [
    "threads",
    pytest.param("processes", marks=needs_fork),
]
SECONDS = 60.0  # after which a hanging test ends its children, and fails


@pytest.fixture
def data() -> tl.Dataset:
    return overlapping()


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """No test may leave a child; one that hangs loses its children, so that it can fail."""

    def end() -> None:
        for process in multiprocessing.active_children():
            process.kill()

    timer = threading.Timer(SECONDS, end)
    timer.start()
    yield
    hung = not timer.is_alive()
    timer.cancel()
    assert not multiprocessing.active_children()
    assert not hung, "the test hung"


def train_mixed(data: tl.Dataset, **settings: Any) -> tuple[list[str], tl.History]:
    """The fingerprint of every member, each of which may end in its own way."""
    population = mixed()
    history = population.fit(
        data,
        batch_size=BATCH,
        epochs=3,
        on=("train", "validation", "batch"),
        early_stopping=tl.EarlyStopping(patience=1),
        callbacks=[lambda row, updates, metrics: row % 7 == 3 and updates >= 6],
        keep="state",
        **settings,
    )
    return [fingerprint(population, history, row) for row in range(len(population))], history


class TestBits:
    def test_the_mixed_population_ends_in_every_way_and_leaves_columns_out(self, data) -> None:
        found, history = train_mixed(data, workers=1, backend="threads")
        kinds = {status.kind for status in history.status}
        assert kinds == {"finished", "diverged", "stopped early"}
        assert len(set(found)) == len(found)
        inputs, columns = arrange({"train": data.train.x})
        assert columns is not None
        assert inputs["train"].width == FEATURES - (ZEROS.stop - ZEROS.start)
        assert len(data.train) % BATCH

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_backends_workers_and_chunks_do_not_matter(
        self, backend: str, data, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usual, _ = train_mixed(data, workers=1, backend="threads")
        for workers in (1, 2, 3):
            assert train_mixed(data, workers=workers, backend=backend)[0] == usual
        for size, workers in ((1, 2), (5, 3), (1000, 1), (1000, 2)):
            monkeypatch.setattr(grouping, "chunk_size", lambda *_, size=size: size)
            found, _ = train_mixed(data, workers=workers, backend=backend)
            assert found == usual, f"chunks of {size} on {workers} workers"


class TestTalk:
    """What a child tells its parent, and what the parent answers."""

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_callbacks_run_here_one_at_a_time(self, backend: str, data) -> None:
        seen, busy, places = [], threading.Lock(), set()

        def callback(member: int, updates: int, metrics: dict[str, float]) -> bool:
            assert busy.acquire(blocking=False), "two callbacks at a time"
            places.add(os.getpid())
            time.sleep(0.002)  # long enough for another worker to ask meanwhile
            seen.append((member, updates, metrics["validation_loss"]))
            busy.release()
            return member == 1 and updates == 12

        population = tl.Population.grid(tl.MLP(hidden=(4,)), tl.SGD(0.1), seed=range(4))
        history = population.fit(
            data, batch_size=BATCH, epochs=4, callbacks=[callback], workers=2, backend=backend
        )
        assert places == {os.getpid()}
        assert [status.kind == "stopped early" for status in history.status] == [0, 1, 0, 0]
        expected = [(m, n) for m in range(4) for n in range(0, 25, 6) if m != 1 or n <= 12]
        assert sorted(one[:2] for one in seen) == expected
        losses = history["validation_loss"]
        assert all(losses[m, n // 6] == loss for m, n, loss in seen)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_progress_ends_at_its_totals(self, backend: str, data) -> None:
        counter = Counter()
        train_mixed(data, workers=2, backend=backend, progress=counter)
        assert counter.totals == (72, 72 * 18)
        assert (counter.members, counter.steps) == counter.totals

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_what_is_kept(self, backend: str, data) -> None:
        def kept(keep: str) -> tuple[tl.Population, tl.History]:
            network = tl.MLP(hidden=(4,), norm="batch")
            population = tl.Population.grid(network, [tl.SGD(0.1), tl.Adam()], seed=range(2))
            given = {"workers": 2, "backend": backend, "keep": keep}
            return population, population.fit(data, batch_size=BATCH, epochs=2, **given)

        (least, history), (some, same), (all_, as_well) = map(
            kept, ("history", "parameters", "state")
        )
        assert np.isfinite(history["train_loss"]).all()
        for name in history.series:
            assert np.array_equal(history[name], same[name])
            assert np.array_equal(history[name], as_well[name])
        assert history.status == same.status == as_well.status
        for call in (
            lambda: least.predict(data.train.x),
            lambda: least.accuracy(data.train.x, data.train.t),
            lambda: least.snapshot(0),
            lambda: least.parameters(0),
        ):
            with pytest.raises(tl.NotTrainedError, match="keep='history'"):
                call()
        assert set(some.snapshot(2)) == {"params", "buffers"}
        assert set(all_.snapshot(0)) == {"params", "buffers"}  # SGD has no state
        assert set(all_.snapshot(2)) == {"params", "buffers", "m", "v"}
        for row in range(4):
            for name, values in some.snapshot(row).items():
                assert np.array_equal(values, all_.snapshot(row)[name])

    def test_history_alone_forgets_an_earlier_training(self, data) -> None:
        network = tl.Network(tl.MLP(hidden=(4,)))
        network.fit(data, steps=1)
        assert network.predict(data.train.x).shape == (len(data.train),)
        network.fit(data, steps=1, keep="history")
        with pytest.raises(tl.NotTrainedError):
            network.predict(data.train.x)


class AwkwardError(Exception):
    """An error that cannot be copied to another process: it is made from two arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class TestErrors:
    """Whoever fails and wherever, `fit` raises it at once and leaves no child."""

    @staticmethod
    def fit(data: tl.Dataset, backend: str = "processes", **settings: Any) -> None:
        """A training that would last for hours."""
        population = tl.Population.grid(tl.MLP(hidden=(4,)), tl.SGD(0.1), seed=range(4))
        given = {"batch_size": BATCH, "epochs": 10**5, "workers": 2, "backend": backend}
        population.fit(data, **given, evaluate=6, **settings)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_of_a_callback(self, backend: str, data) -> None:
        def broken(member: int, updates: int, metrics: Any) -> None:
            if updates == 12:
                raise ZeroDivisionError("from the callback")

        with pytest.raises(ZeroDivisionError, match="from the callback"):
            self.fit(data, backend, callbacks=[broken])

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_of_a_progress(self, backend: str, data) -> None:
        class Broken(Counter):
            def advance(self, members: int, steps: int) -> None:
                raise ConnectionResetError("from the progress")

        with pytest.raises(ConnectionResetError, match="from the progress"):
            self.fit(data, backend, progress=Broken())

    @pytest.mark.parametrize("backend", BACKENDS)
    @pytest.mark.parametrize("error", [FloatingPointError("x"), tl.DataError("x"), SystemExit(3)])
    def test_of_a_training(
        self, error: BaseException, backend: str, data, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.break_training(monkeypatch, lambda: error)
        with pytest.raises(type(error)) as caught:
            self.fit(data, backend)
        assert caught.value.args == error.args
        if backend == "processes":
            (note,) = caught.value.__notes__
            assert note.startswith("in a worker of fit:\nTraceback")
            assert "in broken" in note  # the line that raised it

    @needs_fork
    def test_of_a_training_that_cannot_be_sent(self, data, monkeypatch: pytest.MonkeyPatch) -> None:
        # Whoever imports `distributed` teaches all errors that there are to be sent.
        monkeypatch.delitem(copyreg.dispatch_table, AwkwardError, raising=False)
        self.break_training(monkeypatch, lambda: AwkwardError(1, 2))
        with pytest.raises(
            WorkerError, match=r"train without an error; got 'AwkwardError: 1 and 2'"
        ):
            self.fit(data)

    @staticmethod
    def break_training(monkeypatch: pytest.MonkeyPatch, error: Callable[[], BaseException]) -> None:
        """The engine raises after twelve updates."""
        right = NumPyLane.train

        def broken(self: Any, batches: Any, first: int, *more: Any):
            if first >= 12:
                raise error()
            return right(self, batches, first, *more)

        monkeypatch.setattr(NumPyLane, "train", broken)

    @needs_fork
    def test_a_killed_child_is_an_error_at_once(self, data) -> None:
        killed = []

        def kill(member: int, updates: int, metrics: Any) -> None:
            if updates >= 30 and not killed:
                process = multiprocessing.active_children()[0]
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                killed.append(time.monotonic())

        with pytest.raises(WorkerError, match=r"got .exit code -9.; try backend='threads'"):
            self.fit(data, callbacks=[kill])
        assert time.monotonic() - killed[0] < 10

    @needs_fork
    def test_a_child_killed_in_the_middle_of_a_message(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Half of a message is none: its arrays are longer than what a pipe holds."""
        rng = np.random.default_rng(2)
        data = tl.from_arrays(rng.normal(size=(20, 900)), np.arange(20) % 2)
        right, asked = processes._PipeRecorder.send, list[int]()
        together = multiprocessing.get_context("fork").Barrier(2)

        def signed(self: Any, event: Any) -> Any:
            if isinstance(event, Evaluated):
                together.wait(SECONDS)
                event = dataclasses.replace(event, metrics={"process": [os.getpid()]})
            return right(self, event)

        def kill_at_the_second_call(member: int, updates: int, metrics: Any) -> bool:
            asked.append(int(metrics["process"]))
            time.sleep(0.5)  # the first child, which has its answer, sends what its member has
            if len(asked) == 2:
                os.kill(asked[0], signal.SIGKILL)
            return True

        monkeypatch.setattr(processes._PipeRecorder, "send", signed)
        population = tl.Population.grid(tl.MLP(hidden=(900,)), seed=range(2))
        with pytest.raises(WorkerError, match=r"got .exit code -9."):
            population.fit(
                data,
                steps=5,
                evaluate=[1],
                callbacks=[kill_at_the_second_call],
                workers=2,
                backend="processes",
            )
        assert len(set(asked)) == 2

    @needs_fork
    def test_a_system_without_room_for_another_process(
        self, data, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fork, forks = os.fork, []

        def second_fails() -> int:
            forks.append(None)
            if len(forks) == 2:
                raise BlockingIOError("no more processes")
            return fork()

        monkeypatch.setattr(os, "fork", second_fails)
        with pytest.raises(BlockingIOError, match="no more processes"):
            self.fit(data)


# Both run as a session of their own, so that the signals reach them and not the tests.
BEGINNING = """
import multiprocessing, os, signal, sys, time, warnings
import numpy as np
import trainlab as tl

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have switched it off
data = tl.load_digits()
network, optimizer = tl.MLP(hidden=(5,), norm="batch"), tl.Momentum(0.01)
"""
INTERRUPTED = (
    BEGINNING
    + """
pressed = []

def press_once(member, updates, metrics):
    if updates >= 10 and not pressed:
        pressed.append(time.monotonic())
        os.killpg(os.getpgrp(), signal.SIGINT)

population = tl.Population.grid(network, optimizer, seed=range(5))
with warnings.catch_warnings(record=True) as seen:
    history = population.fit(
        data, evaluate=5, epochs=10_000, callbacks=[press_once], workers=2, keep="state",
        backend="processes",
    )
waited = time.monotonic() - pressed[0]
assert not multiprocessing.active_children()
assert ["interrupted" in str(warning.message) for warning in seen] == [True]
assert history.interrupted
steps = [status.step for status in history.status]
alone = tl.Population.grid(network, optimizer, seed=range(5))
for row, status in enumerate(history.status):
    assert status.kind == "interrupted", status
    losses, mine = history["train_loss"][row], population.snapshot(row)
    assert np.isfinite(losses[: status.step]).all() and np.isnan(losses[status.step :]).all()
    if status.step:
        alone.fit(data, steps=status.step, evaluate=None, keep="state", backend="threads")
        for name, values in alone.snapshot(row).items():
            assert values.tobytes() == mine[name].tobytes(), (row, name)
    assert all(np.isfinite(values).all() for values in mine.values())
print([waited, steps])
"""
)
ORPHANED = (
    BEGINNING
    + """
asked = []

def die(member, updates, metrics):
    asked.append(member)
    if len(asked) == 2:  # one child waits for this answer, the other has a long epoch before it
        print(len(multiprocessing.active_children()), flush=True)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

rows = 10**6
x, t = np.ones((rows, 2), np.float32), np.arange(rows) % 2
population = tl.Population.grid(network, optimizer, seed=range(2))
population.fit(
    tl.from_arrays(x, t, test=10), on=["test"], evaluate=[10], batch_size=2, epochs=1,
    callbacks=[die], workers=2, backend="processes",
)
"""
)


def run_in_a_session(script: str, timeout: float) -> tuple[int, str, str]:
    """Exit code, output and errors of a script, once it and all of its children have ended.

    A child holds the pipes of its parent: they do not end before it does.
    """
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail("the script or a child of it did not end")
        return process.returncode, output, errors


@needs_fork
def test_ctrl_c_keeps_what_is_done() -> None:
    """The terminal sends it to the parent and to all children, in the middle of their steps."""
    code, output, errors = run_in_a_session(INTERRUPTED, SECONDS)
    assert (code, errors) == (0, "")
    waited, steps = ast.literal_eval(output)
    assert waited < 5  # seconds; it looks every 0.2 and a step is short
    assert sum(step > 0 for step in steps) >= 1
    assert max(steps) < 1000


@needs_fork
def test_children_end_when_their_parent_is_killed() -> None:
    code, output, errors = run_in_a_session(ORPHANED, 20)
    assert (code, output, errors) == (-signal.SIGKILL, "2\n", "")


class TestChoice:
    """Who is fastest, as it was measured: see the constants of backends.py."""

    LONG = (1e12, 2_000.0, 4, 2)

    @staticmethod
    def of(operations: float, steps: float, chunks: int, workers: int) -> tuple[str, int]:
        """For networks of one kind, in so many equal chunks for all workers together."""
        alone, step = -(-chunks // workers), operations / steps
        loads = [Load(steps, step / alone)] * alone, [Load(steps, step / chunks)] * chunks
        backend, used, place = backends.choose(loads, workers)
        assert place == (used > 1)
        return backend, used

    @staticmethod
    def chosen(divisions: Sequence[Sequence[float]], steps: float) -> tuple[str, int, int]:
        """For jobs of so many steps, of so many operations each, on two workers."""
        loads = [[Load(steps, step) for step in division] for division in divisions]
        return backends.choose(loads, 2)

    @needs_fork
    @pytest.mark.parametrize("work", [LONG, (1.8e10, 1_800.0, 2, 2), (2.2e10, 450.0, 2, 2)])
    def test_processes_for_long_work_of_several(self, work: tuple[float, float, int, int]) -> None:
        assert self.of(*work) == ("processes", work[-1])

    @pytest.mark.parametrize(
        "work", [(3.5e9, 1_800.0, 2, 2), (4.5e9, 450.0, 2, 2), (0.0, 1.0, 8, 8)]
    )
    def test_one_worker_where_the_interpreter_is_most_of_the_work(
        self, work: tuple[float, float, int, int]
    ) -> None:
        assert self.of(*work) == ("threads", 1)

    @needs_fork
    def test_small_networks_of_many_kinds_stay_whole_on_several_workers(self) -> None:
        kinds, step = 4, 1e6  # a tenth of what Python's calls cost
        divisions = [step] * kinds, [step / 2] * (2 * kinds), [step] * kinds
        assert self.chosen(divisions, 2_000.0) == ("processes", 2, 2)
        assert self.chosen(divisions, 50.0) == ("threads", 1, 0)

    @needs_fork
    def test_one_large_kind_among_small_ones_is_shared(self) -> None:
        whole, shared = [1e9, 1e6, 1e6], [5e8, 5e8, 5e5, 5e5, 5e5, 5e5]
        assert self.chosen([whole, shared, whole], 2_000.0) == ("processes", 2, 1)

    def test_threads_for_short_work_on_large_matrices(self) -> None:
        assert self.of(8e9, 50.0, 2, 2) == ("threads", 2)

    def test_one_worker_is_one_thread(self) -> None:
        assert self.of(1e15, 10_000.0, 4, 1) == ("threads", 1)

    def test_threads_where_there_is_no_fork(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backends, "CAN_FORK", False)
        assert self.of(*self.LONG) == ("threads", 2)

    def test_threads_in_a_daemon_which_must_not_have_children(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
        assert self.of(*self.LONG) == ("threads", 2)

    @needs_fork
    @pytest.mark.parametrize(("start", "here"), [(-1e12, False), (np.inf, True)])
    def test_fit_chooses_by_the_work(
        self, start: float, here: bool, data, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parent, right = os.getpid(), NumPyLane.train

        def watched(self: Any, *given: Any) -> Any:
            assert (os.getpid() == parent) == here
            return right(self, *given)

        monkeypatch.setattr(NumPyLane, "train", watched)
        monkeypatch.setattr(backends, "START", start)
        population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(4))
        population.fit(data, steps=2, workers=2)

    def test_small_networks_stay_together_on_one_worker(
        self, data, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen, right = [], NumPyLane.train

        def watched(self: Any, *given: Any) -> Any:
            seen.append(len(self.places))
            return right(self, *given)

        monkeypatch.setattr(NumPyLane, "train", watched)
        population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(6))
        population.fit(data, steps=2, workers=2, evaluate=None)
        assert set(seen) == {6}
        seen.clear()
        population.fit(data, steps=2, workers=2, evaluate=None, backend="threads")
        assert set(seen) == {3}

    def test_evaluations_are_work(self) -> None:
        splits = {"train": range(300), "test": range(600)}
        order = Batches(300, 50)
        plan = Plan(
            order, 12, np.arange(3), "step", np.arange(3), ("train", "test"), np.array([]), "f"
        )
        assert plan.effort(splits) == 12 + 3 * 900 / 150


def test_a_large_population_needs_memory_for_its_series_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of 100,000 members that are not kept there remains less than 60 MB beside the series.

    So much for each member more: a status, a result, its places in a few lists, 370 bytes in
    all.  Its 23 parameters and the arrays around them would be 450 more.
    """
    rng = np.random.default_rng(0)
    data = tl.from_arrays(rng.normal(size=(40, 4)), np.arange(40) % 2)

    def peak(members: int, keep: str = "history") -> int:
        population = tl.Population.grid(tl.MLP(hidden=(3,)), tl.Adam(), seed=range(members))
        tracemalloc.start()
        try:
            population.fit(data, batch_size=10, steps=2, evaluate=None, workers=1, keep=keep)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Chunks of both populations are equally large, whatever the cache of this machine is.
    monkeypatch.setattr(grouping, "last_level_cache", lambda: 32 * 2**20)
    peak(1)  # what is imported or remembered at the first use is no memory of a member
    few, more = 1_000, 4_000
    assert peak(more) - peak(few) < 600 * (more - few)
