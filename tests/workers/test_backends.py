"""Threads: the same bits, the same callbacks and errors, and nobody left behind."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from counter import Counter
from engines import every_engine
from fingerprint import fingerprint
from mixed import BATCH, FEATURES, ZEROS, mixed, overlapping
from trainlab.data import Batches
from trainlab.engine import grouping, native
from trainlab.engine.base import Engine, LaneSpec
from trainlab.engine.inputs import arrange
from trainlab.engine.native import NativeLane
from trainlab.engine.numpy import NumPyEngine, NumPyLane
from trainlab.training.plan import Plan
from trainlab.workers import running

SECONDS = 60.0  # after which a hanging test fails


@pytest.fixture
def data() -> tl.Dataset:
    return overlapping()


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """No test may leave a thread that trains."""
    yield
    assert not [one for one in threading.enumerate() if isinstance(one, running.Workers)]


def train_mixed(data: tl.Dataset, engine: str, **settings: Any) -> tuple[list[str], tl.History]:
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
        engine=engine,
        backend="threads",
        **settings,
    )
    return [fingerprint(population, history, row) for row in range(len(population))], history


@every_engine
class TestBits:
    def test_the_mixed_population_ends_in_every_way_and_leaves_columns_out(
        self, engine: str, data: tl.Dataset
    ) -> None:
        found, history = train_mixed(data, engine, workers=1)
        kinds = {status.kind for status in history.status}
        assert kinds == {"finished", "diverged", "stopped early"}
        assert len(set(found)) == len(found)
        inputs, columns = arrange({"train": data.train.x})
        assert columns is not None
        assert inputs["train"].width == FEATURES - (ZEROS.stop - ZEROS.start)
        assert len(data.train) % BATCH

    def test_workers_and_chunks_do_not_matter(
        self, engine: str, data: tl.Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usual, _ = train_mixed(data, engine, workers=1)
        for workers in (2, 3):
            assert train_mixed(data, engine, workers=workers)[0] == usual
        for size, workers in ((1, 2), (5, 3), (1000, 1), (1000, 2)):
            monkeypatch.setattr(grouping, "chunk_size", lambda *_, size=size: size)
            found, _ = train_mixed(data, engine, workers=workers)
            assert found == usual, f"chunks of {size} on {workers} workers"


@every_engine
class TestTalk:
    """What workers tell the caller of `fit`, and what he answers."""

    def test_callbacks_run_here_one_at_a_time(self, engine: str, data: tl.Dataset) -> None:
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
            data, batch_size=BATCH, epochs=4, callbacks=[callback], workers=2, engine=engine
        )
        assert places == {os.getpid()}
        assert [status.kind == "stopped early" for status in history.status] == [0, 1, 0, 0]
        expected = [(m, n) for m in range(4) for n in range(0, 25, 6) if m != 1 or n <= 12]
        assert sorted(one[:2] for one in seen) == expected
        losses = history["validation_loss"]
        assert all(losses[m, n // 6] == loss for m, n, loss in seen)

    def test_progress_ends_at_its_totals(self, engine: str, data: tl.Dataset) -> None:
        counter = Counter()
        train_mixed(data, engine, workers=2, progress=counter)
        assert counter.totals == (72, 72 * 18)
        assert (counter.members, counter.steps) == counter.totals

    def test_what_is_kept(self, engine: str, data: tl.Dataset) -> None:
        def kept(keep: str) -> tuple[tl.Population, tl.History]:
            network = tl.MLP(hidden=(4,), norm="batch")
            population = tl.Population.grid(network, [tl.SGD(0.1), tl.Adam()], seed=range(2))
            given = {"workers": 2, "keep": keep, "engine": engine}
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

    def test_history_alone_forgets_an_earlier_training(self, engine: str, data: tl.Dataset) -> None:
        network = tl.Network(tl.MLP(hidden=(4,)))
        network.fit(data, steps=1, engine=engine)
        assert network.predict(data.train.x).shape == (len(data.train),)
        network.fit(data, steps=1, keep="history", engine=engine)
        with pytest.raises(tl.NotTrainedError):
            network.predict(data.train.x)


@every_engine
class TestErrors:
    """Whoever fails and wherever, `fit` raises it at once and leaves nobody behind."""

    @staticmethod
    def fit(data: tl.Dataset, engine: str | Engine, **settings: Any) -> None:
        """A training that would last for hours."""
        population = tl.Population.grid(tl.MLP(hidden=(4,)), tl.SGD(0.1), seed=range(4))
        given = {"batch_size": BATCH, "epochs": 10**5, "workers": 2, "backend": "threads"}
        population.fit(data, **given, engine=engine, evaluate=6, **settings)

    def test_of_a_callback(self, engine: str, data: tl.Dataset) -> None:
        def broken(member: int, updates: int, metrics: Any) -> None:
            if updates == 12:
                raise ZeroDivisionError("from the callback")

        with pytest.raises(ZeroDivisionError, match="from the callback"):
            self.fit(data, engine, callbacks=[broken])

    def test_of_a_progress(self, engine: str, data: tl.Dataset) -> None:
        class Broken(Counter):
            def advance(self, members: int, steps: int) -> None:
                raise ConnectionResetError("from the progress")

        with pytest.raises(ConnectionResetError, match="from the progress"):
            self.fit(data, engine, progress=Broken())

    @pytest.mark.parametrize("error", [FloatingPointError("x"), tl.DataError("x"), SystemExit(3)])
    def test_of_a_training(
        self,
        error: BaseException,
        engine: str,
        data: tl.Dataset,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        lane = {"numpy": NumPyLane, "native": NativeLane}[engine]
        right = lane.train

        def broken(self: Any, batches: Any, first: int, *more: Any) -> Any:
            if first >= 12:
                raise error
            return right(self, batches, first, *more)

        monkeypatch.setattr(lane, "train", broken)
        with pytest.raises(type(error)) as caught:
            self.fit(data, engine)
        assert caught.value.args == error.args


# A session of its own, so that the signal reaches it and not the tests.
INTERRUPTED = """
import os, signal, sys, threading, time, warnings
import numpy as np
import trainlab as tl

engine = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have switched it off
data = tl.load_digits()
network, optimizer = tl.MLP(hidden=(5,), norm="batch"), tl.Momentum(0.01)

pressed = []

def press_once(member, updates, metrics):
    if updates >= 10 and not pressed:
        pressed.append(time.monotonic())
        os.killpg(os.getpgrp(), signal.SIGINT)

population = tl.Population.grid(network, optimizer, seed=range(5))
with warnings.catch_warnings(record=True) as seen:
    history = population.fit(
        data, evaluate=5, epochs=10_000, callbacks=[press_once], workers=2, keep="state",
        backend="threads", engine=engine,
    )
waited = time.monotonic() - pressed[0]
assert threading.active_count() == 1
assert ["interrupted" in str(warning.message) for warning in seen] == [True]
assert history.interrupted
steps = [status.step for status in history.status]
alone = tl.Population.grid(network, optimizer, seed=range(5))
for row, status in enumerate(history.status):
    assert status.kind == "interrupted", status
    losses, mine = history["train_loss"][row], population.snapshot(row)
    assert np.isfinite(losses[: status.step]).all() and np.isnan(losses[status.step :]).all()
    if status.step:
        alone.fit(data, steps=status.step, evaluate=None, keep="state", engine=engine)
        for name, values in alone.snapshot(row).items():
            assert values.tobytes() == mine[name].tobytes(), (row, name)
    assert all(np.isfinite(values).all() for values in mine.values())
print([waited, steps])
"""


@every_engine
def test_ctrl_c_keeps_what_is_done(engine: str) -> None:
    """The terminal sends it in the middle of a step."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, engine],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    waited, steps = ast.literal_eval(done.stdout)
    assert waited < 5  # seconds; it looks every 0.2 and a step is short
    assert sum(step > 0 for step in steps) >= 1
    assert max(steps) < 1000


@dataclasses.dataclass
class Watched(NumPyEngine):
    """Notes the members of each lane, and the threads that it was given."""

    has_threads: bool
    seen: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    def open(self, spec: LaneSpec) -> NumPyLane:
        self.seen.append((len(spec.members), spec.threads))
        return super().open(spec)


class TestChoice:
    """How many threads there are, and what is trained side by side, by the engine."""

    KINDS = (tl.MLP(hidden=(4,)), tl.MLP(hidden=(5,)))

    @staticmethod
    def fit(data: tl.Dataset, engine: Watched, networks: Any, **settings: Any) -> Watched:
        population = tl.Population.grid(networks, seed=range(6))
        population.fit(data, steps=2, workers=2, evaluate=None, engine=engine, **settings)
        return engine

    def test_of_an_engine_that_holds_the_interpreter(
        self, data: tl.Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        small = self.fit(data, Watched(False), self.KINDS[0])
        assert small.seen == [(6, 1)]
        asked = self.fit(data, Watched(False), self.KINDS[0], backend="threads")
        assert asked.seen == [(3, 1), (3, 1)]
        monkeypatch.setattr(running, "WORTH", 1.0)
        assert self.fit(data, Watched(False), self.KINDS[0]).seen == [(3, 1), (3, 1)]

    def test_of_an_engine_with_threads(self, data: tl.Dataset) -> None:
        assert self.fit(data, Watched(True), self.KINDS[0]).seen == [(6, 2)]
        assert self.fit(data, Watched(True), list(self.KINDS)).seen == [(6, 1), (6, 1)]

    def test_evaluations_are_work(self) -> None:
        splits = {"train": range(300), "test": range(600)}
        order = Batches(300, 50)
        plan = Plan(
            order, 12, np.arange(3), "step", np.arange(3), ("train", "test"), np.array([]), "f"
        )
        assert plan.effort(splits) == 12 + 3 * 900 / 150


@every_engine
def test_a_large_population_needs_memory_for_its_series_alone(
    engine: str,
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
            given = {"workers": 1, "keep": keep, "engine": engine}
            population.fit(data, batch_size=10, steps=2, evaluate=None, **given)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # Chunks of both populations are equally large, whatever the cache of this machine is.
    monkeypatch.setattr(grouping, "last_level_cache", lambda: 32 * 2**20)
    monkeypatch.setattr(native, "LANE_BYTES", 2**19)
    peak(1)  # what is imported or remembered at the first use is no memory of a member
    few, more = 1_000, 4_000
    assert peak(more) - peak(few) < 600 * (more - few)
