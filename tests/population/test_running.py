"""Training in the background: watched, paused, stopped, and with the bits of `fit`."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from counter import Counter
from engines import every_engine, needs_fork
from fingerprint import fingerprint
from mixed import BATCH, mixed, overlapping
from trainlab.training import pace

PATIENCE = 120.0  # seconds, after which what should happen has not
BACKENDS = ["threads", "loky"]
every_backend = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture(autouse=True, scope="module")
def nobody_is_left() -> Iterator[None]:
    """Joblib keeps its workers for the next call: for the next module they must be gone."""
    from joblib.externals.loky import get_reusable_executor

    yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def endless(backend: str = "threads", **settings: Any) -> tuple[tl.Population, tl.Running]:
    """Two members that would train for hours."""
    population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(2))
    given = {"batch_size": BATCH, "epochs": 10**6, "evaluate": None, "keep": "state"}
    given |= {"workers": 2, "backend": backend}
    return population, population.start(overlapping(), **given, **settings)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_training_is_not_copied_but_what_it_has_learnt_is(copied: Callable[[Any], Any]) -> None:
    population, running = endless()
    try:
        with pytest.raises(TypeError, match="training of Running must stay in the process") as told:
            copied(running)
        assert "try its history, a clone(), or the population after wait()" in str(told.value)
        for one in (running.history, running.clone(), population):
            copied(one)
    finally:
        running.stop()
        with pytest.warns(UserWarning, match="interrupted"):
            running.wait()
    copied(population)


def prints(population: tl.Population, history: tl.History) -> list[str]:
    return [fingerprint(population, history, row) for row in range(len(population))]


@every_backend
def test_start_and_wait_are_fit(backend: str) -> None:
    given = {"batch_size": BATCH, "epochs": 2, "keep": "state", "workers": 2}
    first, second = mixed(), mixed()
    expected = prints(first, first.fit(overlapping(), **given))
    running = second.start(overlapping(), **given, backend=backend)
    assert prints(second, running.wait()) == expected
    assert running.is_done
    assert prints(second, running.wait()) == expected  # again


def test_the_history_grows_while_it_trains() -> None:
    population, running = endless("threads")
    until(lambda: all(status.step > 10 for status in running.history.status))
    history = running.history
    assert {status.kind for status in history.status} == {"running"}
    for row, status in enumerate(history.status):
        assert np.isfinite(history["train_loss"][row, : status.step]).all()
    assert not running.is_done
    assert repr(running).startswith("Running(running; History(2 members")
    with pytest.raises(tl.NotTrainedError):
        population.predict(np.zeros((1, 24)))
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()


@every_backend
def test_a_pause_changes_nothing_but_the_time(backend: str) -> None:
    given = {"batch_size": BATCH, "epochs": 30, "keep": "state", "workers": 2}
    first, second = mixed(), mixed()
    expected = prints(first, first.fit(overlapping(), **given))
    running = second.start(overlapping(), **given, backend=backend)
    for _ in range(3):
        running.pause()
        assert running.is_paused or running.is_done
        time.sleep(0.05)
        running.resume()
        time.sleep(0.01)
    assert prints(second, running.wait()) == expected


def test_no_step_is_done_in_a_pause() -> None:
    _, running = endless("threads")
    until(lambda: min(status.step for status in running.history.status) > 0)
    running.pause()
    assert repr(running).startswith("Running(paused")
    seen = -1

    def is_still() -> bool:  # what was under way is told a little later
        nonlocal seen
        before, seen = seen, sum(status.step for status in running.history.status)
        time.sleep(0.1)
        return before == seen

    until(is_still)
    time.sleep(0.2)
    assert sum(status.step for status in running.history.status) == seen
    running.resume()
    until(lambda: sum(status.step for status in running.history.status) > seen)
    running.pause()
    running.stop()  # also ends a pause
    with pytest.warns(UserWarning, match="interrupted"):
        history = running.wait()
    assert {status.kind for status in history.status} == {"interrupted"}


@every_backend
def test_stop_keeps_what_is_done(backend: str) -> None:
    population, running = endless(backend)
    time.sleep(0.2)
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        history = running.wait()
    assert history.interrupted
    for row, status in enumerate(history.status):
        assert status.kind == "interrupted"
        if status.step:
            alone = tl.Population([population[row]])
            given = {"steps": status.step, "evaluate": None, "keep": "state"}
            alone.fit(overlapping(), batch_size=BATCH, **given)
            for name, values in alone.snapshot(0).items():
                assert values.tobytes() == population.snapshot(row)[name].tobytes()


def test_a_stop_after_the_end_interrupts_nothing() -> None:
    running = tl.Population.grid().start(overlapping(), steps=3)
    until(lambda: running.is_done)
    running.stop()
    running.pause()
    assert running.wait().status[0].kind == "finished"


def test_what_is_wrong_is_said_at_once(tmp_path: Any) -> None:
    with pytest.raises(tl.SettingError, match="steps of fit must be"):
        tl.Population.grid().start(overlapping(), steps=0)
    tl.Population.grid().fit(overlapping(), steps=3, store=tmp_path)
    with pytest.raises(tl.SettingError, match="steps was 3, is 4"):
        tl.Population.grid().start(overlapping(), steps=4, store=tmp_path)


def test_errors_of_workers_are_raised_by_wait() -> None:
    def broken(row: int, updates: int, metrics: Any) -> None:
        raise ZeroDivisionError("from the callback")

    running = tl.Population.grid().start(overlapping(), steps=3, callbacks=[broken])
    until(lambda: running.is_done)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="from the callback"):
            running.wait()


def test_a_run_in_a_store_goes_on_after_a_stop(tmp_path: Any) -> None:
    given = {"batch_size": BATCH, "epochs": 40, "keep": "state"}
    first, second = mixed(), mixed()
    expected = prints(first, first.fit(overlapping(), **given))
    running = second.start(overlapping(), **given, store=tmp_path, backend="threads", workers=1)
    until(lambda: running.is_done or max(status.step for status in running.history.status) > 20)
    running.stop()
    with contextlib.suppress(UserWarning):  # warnings are errors in the tests: it was interrupted
        running.wait()
    assert prints(second, second.fit(overlapping(), **given, store=tmp_path)) == expected


def test_a_stop_writes_into_the_store_how_far_it_came(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FIRST", 1e9)  # nothing else writes checkpoints
    given = {"batch_size": BATCH, "epochs": 20_000, "evaluate": None, "workers": 1}

    def begin(progress: Counter) -> tl.Running:
        population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(2))
        return population.start(overlapping(), **given, store=tmp_path, progress=progress)

    def stopped(running: tl.Running) -> int:
        running.stop()
        with pytest.warns(UserWarning, match="interrupted"):
            return sum(status.step for status in running.wait().status)

    class Calls(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.calls: list[int] = []

        def advance(self, members: int, steps: int) -> None:
            self.calls.append(steps)

    first, second = Calls(), Calls()
    running = begin(first)
    until(lambda: sum(first.calls) > 0)
    done = stopped(running)
    running = begin(second)
    until(lambda: bool(second.calls))
    stopped(running)
    assert second.calls[0] == done > 0


def test_what_was_stopped_is_said_once() -> None:
    _, running = endless()
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        expected = running.wait()
    with warnings.catch_warnings(action="error"):
        assert running.wait().status == expected.status


@every_engine
@pytest.mark.parametrize("make", [tl.Population.grid, tl.Network])
def test_members_that_train_are_not_trained_a_second_time(make: Any, engine: str) -> None:
    given = {"evaluate": None, "workers": 1, "engine": engine}
    trained = make(tl.MLP(hidden=(4,)))
    trained.fit(overlapping(), epochs=1, **given)
    running = trained.start(overlapping(), epochs=10**6, **given)
    shared = trained if isinstance(trained, tl.Population) else tl.Network.of(trained.population)
    for act in (
        lambda: trained.fit(overlapping(), epochs=1, **given),
        lambda: shared.start(overlapping(), epochs=1, start="parameters", **given),
        lambda: tl.Population.set_parameters(getattr(shared, "population", shared), 0, {}),
    ):
        with pytest.raises(tl.SettingError, match=r"have ended their training; .* try wait\(\)"):
            act()
    copy.deepcopy(trained).fit(overlapping(), epochs=1, **given)  # a copy has its own arrays
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    trained.fit(overlapping(), epochs=1, start="parameters", **given)


def test_a_callback_cannot_wait_for_its_own_training() -> None:
    box: list[tl.Running] = []

    def waiting(row: int, updates: int, metrics: Any) -> None:
        until(lambda: bool(box))
        box[0].wait()

    box.append(tl.Population.grid().start(overlapping(), steps=3, callbacks=[waiting]))
    with pytest.raises(RuntimeError, match="wait of Running must not be called by a callback"):
        box[0].wait()
    assert repr(box[0]).startswith("Running(failed; History(1 member: 1 interrupted")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no alarms")
@pytest.mark.parametrize("method", ["fit", "start"])
def test_a_training_for_which_there_is_no_thread_lets_its_store_go(
    method: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stayed open as long as the error was kept, as notebooks do, and refused the next one."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(2))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread") as kept:
            getattr(population, method)(overlapping(), epochs=1, store=tmp_path)
    assert not population.fit(overlapping(), epochs=1, store=tmp_path).interrupted
    assert kept.traceback


@needs_fork
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_forked_child_is_told_that_the_training_is_its_parents(backend: str, forked: Any) -> None:
    """It waited for ever for threads that it does not have."""

    def child() -> None:
        signal.alarm(20)
        assert running.is_done
        with pytest.raises(RuntimeError, match="wait of Running must be called in the process"):
            running.wait()
        with pytest.raises(tl.SettingError, match="members"):
            running.change(lr=0.2)
        population.fit(overlapping(), batch_size=BATCH, epochs=1)

    population, running = endless(backend)
    until(lambda: backend == "loky" or all(one.step > 10 for one in running.history.status))
    try:
        assert os.waitpid(forked(child), 0)[1] == 0
        assert not running.is_done
    finally:
        running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        assert running.wait().interrupted


def test_an_alarm_while_waiting_ends_the_training() -> None:
    class Begun(Counter):
        def advance(self, members: int, steps: int) -> None:
            if not self.steps:
                os.kill(os.getpid(), signal.SIGALRM)
            super().advance(members, steps)

    def alarmed(*_: Any) -> None:
        raise TimeoutError("the time is up")

    others, before = threading.enumerate(), signal.signal(signal.SIGALRM, alarmed)
    try:
        with pytest.raises(TimeoutError, match="the time is up"):
            tl.Population.grid().fit(
                overlapping(), epochs=10**6, evaluate=None, workers=1, progress=Begun()
            )
        left = [thread for thread in threading.enumerate() if thread not in others]
        assert not left
    finally:
        signal.signal(signal.SIGALRM, before)


UNWAITED = """
import sys, time
import trainlab as tl

def broken(*_):
    raise ValueError("from the callback")

if __name__ == "__main__":
    what, backend = sys.argv[1:]
    given = {"callbacks": [broken]} if what == "error" else {}
    population = tl.Population.grid(seed=range(2))
    running = population.start(tl.load_digits(), epochs=10**6, backend=backend, workers=2, **given)
    while what != "at once" and not running.is_done and not running.history.status[0].step:
        time.sleep(0.01)
        if backend == "loky":  # whose history comes at the end
            time.sleep(1.0)
            break
    if what == "paused":
        running.pause()
"""


ENDS = [(what, backend) for backend in BACKENDS for what in ("at once", "running", "paused")]
ENDS.remove(("at once", "loky"))  # whether its executor has started decides how it ends


@pytest.mark.parametrize(("what", "backend"), ENDS)
def test_the_end_of_the_program_ends_a_training(what: str, backend: str) -> None:
    """It neither hangs nor leaves anybody, and says that it was cut short."""
    command = [sys.executable, "-c", UNWAITED, what, backend]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "a training was interrupted by the end of the program" in done.stderr


def test_the_end_of_the_program_tells_of_an_error_that_nobody_has_seen() -> None:
    command = [sys.executable, "-c", UNWAITED, "error", "threads"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "a training has failed: ValueError: from the callback" in done.stderr


FORKING = """
import dataclasses, os
import numpy as np
import trainlab as tl

@dataclasses.dataclass(frozen=True)
class Forking(tl.Initializer):
    def draw(self, rng, fan_in, fan_out):
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        return rng.standard_normal((fan_in, fan_out))

x = np.random.default_rng(0).standard_normal((30, 4))
data = tl.from_arrays(x, np.arange(30) % 2)
network = tl.MLP((5,), init=Forking())
tl.Population.grid(network, tl.SGD(), seed=range(3)).fit(data, epochs=1, engine=ENGINE)
print("trained")
"""


@needs_fork
@every_engine
def test_an_initializer_may_fork(engine: str) -> None:
    script = FORKING.replace("ENGINE", repr(engine))
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "trained\n", done.stderr
