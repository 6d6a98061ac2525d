"""Workers without shared memory, joblib's loky and a Dask cluster: same bits, nothing lost."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import importlib
import importlib.util
import multiprocessing
import os
import signal
import site
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

import trainlab as tl
from complaints import complains
from counter import Counter
from fingerprint import fingerprint
from mixed import BATCH, mixed, overlapping
from trainlab import blas
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import SettingError, WorkerError
from trainlab.population.fit import Fit, fit_together
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.store import listed
from trainlab.training import pace
from trainlab.training.recorder import HistoryRecorder
from trainlab.training.trainer import TrainingSpec
from trainlab.workers import dask as clusters

REMOTE = ("loky", "dask")
START = 60.0  # seconds for a process of the cluster to be there


class Cluster:
    """A scheduler and two workers, each a process of its own, as the README starts them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._log = (folder / "log").open("w")
        self._scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        self._workers: list[subprocess.Popen[bytes]] = []
        self.client: Any = None

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self._file)]
        return subprocess.Popen([*command, *words], stdout=self._log, stderr=self._log)

    def __enter__(self) -> Cluster:
        deadline = time.monotonic() + START
        while not self._file.exists() or not self._file.stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.client = distributed.Client(scheduler_file=str(self._file), set_as_default=False)
        self.complete()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        for process in (*self._workers, self._scheduler):
            process.kill()
            process.wait()
        self._log.close()

    @property
    def address(self) -> str:
        return str(self.client.scheduler.address)

    def complete(self) -> None:
        """Two workers are there."""
        self._workers = [one for one in self._workers if one.poll() is None]
        while len(self._workers) < 2:
            words = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
            self._workers.append(self._start("worker", *words))
        self.client.wait_for_workers(2, timeout=START)

    def kill_one(self) -> None:
        self._workers[0].kill()
        self._workers[0].wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as there:
        yield there


@pytest.fixture(autouse=True, scope="module")
def nobody_is_left() -> Iterator[None]:
    """Joblib keeps its workers for the next call: for the next module they must be gone."""
    yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    assert not multiprocessing.active_children()


def where(backend: str, cluster: Cluster) -> dict[str, Any]:
    """The arguments of fit for that backend."""
    here = {"backend": backend, "workers": 2}
    return here | {"scheduler": cluster.address} if backend == "dask" else here


def train(**settings: Any) -> tuple[list[str], tl.History]:
    """The fingerprint of every member of the mixed population."""
    population = mixed()
    history = population.fit(
        overlapping(),
        batch_size=BATCH,
        epochs=3,
        on=("train", "validation", "batch"),
        early_stopping=tl.EarlyStopping(patience=1),
        keep="state",
        **settings,
    )
    return [fingerprint(population, history, row) for row in range(len(population))], history


@pytest.fixture(scope="module")
def usual() -> list[str]:
    """What one thread finds."""
    found, history = train(workers=1, backend="threads")
    kinds = {status.kind for status in history.status}
    assert kinds == {"finished", "diverged", "stopped early"}
    return found


class KillOnce(Counter):
    """A progress that has somebody killed when the first chunk has come."""

    def __init__(self, kill: Any) -> None:
        super().__init__()
        self._kill = [kill]

    def advance(self, members: int, steps: int) -> None:
        super().advance(members, steps)
        if self._kill:
            self._kill.pop()()


def kill_a_process() -> None:
    process = multiprocessing.active_children()[0]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


class TestBits:
    @pytest.mark.parametrize("backend", REMOTE)
    def test_as_one_thread(self, backend: str, cluster, usual, small_chunks) -> None:
        counter = Counter()
        assert train(**where(backend, cluster), progress=counter)[0] == usual
        assert counter.totals == (72, 72 * 18)
        assert (counter.members, counter.steps) == counter.totals

    def test_one_loky_worker_is_this_process(self, usual, small_chunks) -> None:
        before = signal.getsignal(signal.SIGINT)
        assert train(backend="loky", workers=1)[0] == usual
        assert signal.getsignal(signal.SIGINT) is before

    def test_the_client_that_is_there_and_all_of_its_workers(self, cluster, usual) -> None:
        with distributed.Client(cluster.address):
            assert train(backend="dask")[0] == usual

    @pytest.mark.parametrize("backend", REMOTE)
    def test_sparse_inputs(self, backend: str, cluster) -> None:
        import scipy.sparse

        digits = tl.load_digits()
        x = scipy.sparse.csr_array(digits.train.x)
        population = tl.Population.grid(tl.MLP(hidden=(5,)), seed=range(4))
        losses = [
            population.fit(tl.from_arrays(x, digits.train.t), epochs=1, **given)["train_loss"]
            for given in ({"backend": "threads"}, where(backend, cluster))
        ]
        assert np.array_equal(*losses)

    @pytest.mark.parametrize("backend", REMOTE)
    def test_going_on_where_the_last_training_ended(self, backend: str, cluster) -> None:
        def both(**given: Any) -> list[np.ndarray]:
            population = tl.Population.grid(tl.MLP(hidden=(5,)), tl.Adam(), seed=range(4))
            for start in (None, "state"):
                population.fit(overlapping(), epochs=2, keep="state", start=start, **given)
            return [population.snapshot(row)["m"] for row in range(4)]

        assert np.array_equal(both(**where(backend, cluster)), both(backend="threads"))

    def test_blas_stays_on_one_thread_while_anybody_trains(self) -> None:
        with threadpool_limits(2, user_api="blas"):
            first, second = blas.one_thread(), blas.one_thread()
            first.__enter__()
            second.__enter__()
            first.__exit__(None, None, None)
            assert blas.threads() == 1
            second.__exit__(None, None, None)
            assert blas.threads() == 2


class TestLosses:
    @pytest.mark.parametrize("backend", REMOTE)
    def test_a_killed_worker_is_mentioned_and_nothing_else_changes(
        self, backend: str, cluster, usual, small_chunks
    ) -> None:
        kill = cluster.kill_one if backend == "dask" else kill_a_process
        with pytest.warns(RuntimeWarning, match=r"(was lost|process died) while training"):
            found, _ = train(**where(backend, cluster), progress=KillOnce(kill))
        assert found == usual
        cluster.complete()

    def test_all_workers_of_a_cluster_are_lost_and_new_ones_come(
        self, cluster, usual, small_chunks
    ) -> None:
        def kill() -> None:
            cluster.kill_one()
            cluster._workers.pop(0)
            cluster.kill_one()
            threading.Thread(target=cluster.complete).start()

        with pytest.warns(RuntimeWarning, match="was lost while training"):
            found, _ = train(**where("dask", cluster), progress=KillOnce(kill))
        assert found == usual
        cluster.complete()

    def test_a_scheduler_that_is_lost_is_an_error(self, tmp_path: Path, small_chunks) -> None:
        with Cluster(tmp_path) as other:
            start = time.monotonic()
            with pytest.raises(WorkerError, match="scheduler of fit must answer at its address"):
                train(**where("dask", other), progress=KillOnce(other._scheduler.kill))
            assert time.monotonic() - start < 30

    def test_a_client_that_is_closed_in_a_pause_is_an_error_and_nothing_is_lost(
        self, cluster, usual, small_chunks, tmp_path: Path
    ) -> None:
        settings = {"batch_size": BATCH, "epochs": 3, "on": ("train", "validation", "batch")}
        settings |= {"early_stopping": tl.EarlyStopping(patience=1), "keep": "state"}
        with distributed.Client(cluster.address) as client:
            running = mixed().start(overlapping(), backend="dask", store=tmp_path, **settings)
            while all(one.kind == "running" for one in running.history.status):
                time.sleep(0.01)
            running.pause()
            client.close()
            running.resume()
            told = r"Dask client of fit must stay open .*; got 'closed'; try the same again with a"
            with pytest.raises(WorkerError, match=told):
                running.wait()
        (about,) = listed(tmp_path)
        assert 0 < about.done < about.total
        assert train(**where("dask", cluster), store=tmp_path)[0] == usual

    def test_a_new_worker_that_is_gone_at_once_ends_nothing(self) -> None:
        """Whoever looks at its versions finds nobody there; it is new until somebody has."""
        here, asked = {"a": 1, "b": 1}, list[str]()

        class Client:
            def nthreads(self) -> dict[str, int]:
                return dict(here)

            def run(self, function: Any, workers: list[str]) -> dict[str, Any]:
                asked.extend(workers)
                if len(asked) == 1:
                    raise distributed.comm.CommClosedError("gone")
                return {workers[0]: function()}

        client: Any = Client()
        run = clusters._Dispatcher(client, [])
        here["c"] = 2
        for _ in range(3):
            run.look_who_is_there(at_once=True)
        assert asked == ["c", "c"]
        del here["b"]
        with pytest.warns(RuntimeWarning, match="the worker b was lost"):
            run.look_who_is_there(at_once=True)

    def test_processes_that_always_die_are_an_error(self) -> None:
        class Deadly(NumPyEngine):
            def open(self, *given: Any) -> Any:
                os.kill(os.getpid(), signal.SIGKILL)

        with (
            pytest.warns(RuntimeWarning, match="process died while training"),
            pytest.raises(WorkerError, match="workers of fit must live"),
        ):
            run_with(Deadly(), "loky")

    @pytest.mark.parametrize("backend", REMOTE)
    def test_an_error_of_a_chunk_is_raised(self, backend: str, cluster) -> None:
        class Broken(NumPyEngine):
            def open(self, *given: Any) -> Any:
                raise FloatingPointError("from the engine")

        scheduler = cluster.address if backend == "dask" else None
        with pytest.raises(FloatingPointError, match="from the engine"):
            run_with(Broken(), backend, scheduler)


def run_with(engine: NumPyEngine, backend: str, scheduler: str | None = None) -> None:
    """Trains with an engine of the test, which travels with the data."""
    given = {"batch_size": BATCH, "epochs": 1, "keep": "history", "workers": 2}
    population = tl.Population.grid(seed=range(4))
    population.fit(overlapping(), **given, engine=engine, backend=backend, scheduler=scheduler)


class TestStore:
    """What is kept here is gone on with there."""

    @pytest.mark.parametrize("backend", REMOTE)
    def test_going_on_from_checkpoints_of_threads(
        self, backend: str, cluster, usual, small_chunks, tmp_path, monkeypatch
    ) -> None:
        monkeypatch.setattr(pace, "FIRST", 0.0)
        monkeypatch.setattr(pace, "SHARE", 1e9)

        class PowerCut(Counter):
            spans = 0  # of the chunk, of whose members none has ended; two are an epoch

            def advance(self, members: int, steps: int) -> None:
                super().advance(members, steps)
                self.spans = 0 if members else self.spans + 1
                if self.steps > 72 * 18 / 2 and self.spans == 3:
                    raise OSError("no power")

        with pytest.raises(OSError, match="no power"):
            train(workers=1, backend="threads", store=tmp_path, progress=PowerCut())
        found, resume = [], HistoryRecorder.resume

        def watched(self: HistoryRecorder, stored: Any) -> dict[int, Any]:
            left = resume(self, stored)
            found.append((len(left), sum(result is not None for result in self.results)))
            return left

        monkeypatch.setattr(HistoryRecorder, "resume", watched)
        for _ in range(2):
            assert train(**where(backend, cluster), store=tmp_path)[0] == usual
        (checkpoints, results), at_last = found
        assert 0 < checkpoints <= 3
        assert 0 < results < 72
        assert at_last == (0, 72)


class TestData:
    """It is sent once, however many chunks there are."""

    def test_to_a_cluster(self, cluster, small_chunks, monkeypatch: pytest.MonkeyPatch) -> None:
        sent = []

        def counted(self: TrainingSpec) -> dict[str, Any]:
            sent.append(self)
            return self.__dict__

        monkeypatch.setattr(TrainingSpec, "__getstate__", counted)
        train(**where("dask", cluster))
        assert len(sent) == 1

    def test_to_processes(
        self, small_chunks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
        monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
        files: set[Path] = set()

        class Looking(Counter):
            def advance(self, members: int, steps: int) -> None:
                files.update(tmp_path.rglob("*.pkl"))

        data = tl.load_digits()
        population = tl.Population.grid(tl.MLP(hidden=(5,)), seed=range(30))
        population.fit(data, epochs=1, backend="loky", workers=2, progress=Looking())
        # inputs of the two splits; the targets of the larger one are larger than 10 kB too
        assert len(files) == 3

    @pytest.mark.parametrize("backend", REMOTE)
    def test_of_populations_that_are_trained_together(
        self, backend: str, cluster, small_chunks
    ) -> None:
        """Each is trained on its own data."""

        def prints(**place: Any) -> list[str]:
            first = overlapping()
            second = dataclasses.replace(first, train=first.train.take(slice(30)))
            settings = FitSettings(batch_size=BATCH, epochs=2, keep="state")
            fits, found = [Fit(mixed(), one, settings) for one in (first, second)], []
            for fitted in fit_together(fits, RunSettings(**place)):
                population = mixed()
                history = population._adopt(fitted)
                found += [fingerprint(population, history, row) for row in range(len(population))]
            return found

        assert prints(**where(backend, cluster)) == prints(workers=1)


PARTS = """
from dataclasses import dataclass
import numpy as np
import trainlab as tl

@dataclass(frozen=True)
class Sine(tl.Activation):
    def value(self, x, out, new=None):
        return np.sin(x)

    def pullback(self, x, y, dy, out, new=None):
        return dy * np.cos(x)

@dataclass(frozen=True)
class Largest(tl.Metric):
    def value(self, y, t, weight):
        return float(np.abs(y).max())
"""


class TestRefused:
    @pytest.mark.parametrize("backend", REMOTE)
    def test_callbacks(self, backend: str) -> None:
        must = f"callbacks of fit must be none with backend='{backend}', whose workers"
        call = {"backend": backend, "callbacks": [print]}
        complains(lambda: tl.Network().fit(overlapping(), **call), SettingError, must)

    def test_a_cluster_that_is_not_named(self) -> None:
        must = "scheduler of fit must be an address where there is no distributed.Client"
        complains(lambda: tl.Network().fit(overlapping(), backend="dask"), SettingError, must)

    def test_dask_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        must = "backend of fit must be installed; got 'dask'; try pip install 'trainlab[dask]'"
        complains(lambda: tl.Network().fit(overlapping(), backend="dask"), SettingError, must)

    def test_a_scheduler_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clusters, "PATIENCE", 0.3)
        with pytest.raises(WorkerError, match="scheduler of fit must answer at its address"):
            train(backend="dask", scheduler="tcp://127.0.0.1:9")

    @pytest.mark.parametrize("address", ["nonsense", "", "tcp://", "http://10.0.0.1:8786"])
    def test_what_is_no_address(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(distributed, "Client", None)  # none is made that nobody closes
        must = "scheduler of fit must be an address, as `dask scheduler` prints it"
        call = {"backend": "dask", "scheduler": address}
        complains(lambda: tl.Network().fit(overlapping(), **call), SettingError, must)

    def test_other_versions(self, cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(np, "__version__", "1.0")
        must = "a worker of the cluster must have numpy 1.0, as is here; got '2"
        with pytest.raises(WorkerError, match=must):
            train(**where("dask", cluster))

    def test_parts_in_a_file_that_the_cluster_lacks(
        self, cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "parts_of_mine.py"
        file.write_text(PARTS, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        mine = importlib.import_module(file.stem)
        try:
            network = tl.Network(tl.MLP((3,), activation=mine.Sine()))
            alone = network.fit(overlapping(), epochs=1, metrics=[mine.Largest()])
            call = {"epochs": 1, "metrics": [mine.Largest()], **where("dask", cluster)}
            for each in (network, tl.Network(tl.MLP((3,)))):  # its activation, and the metric alone
                with pytest.raises(WorkerError, match="No module named 'parts_of_mine'"):
                    each.fit(overlapping(), **call)
            cluster.client.run_on_scheduler(site.addsitedir, str(tmp_path))
            with pytest.raises(WorkerError, match="No module named 'parts_of_mine'") as told:
                network.fit(overlapping(), **call)
            remedy = f"distributed.Client({cluster.address!r}).upload_file('FILE.py')"
            assert str(told.value).endswith(f"; try {remedy}")
            cluster.client.upload_file(str(file))
            history = network.fit(overlapping(), **call)
            for name in ("train_loss", "validation_largest"):
                assert np.array_equal(history[name], alone[name])
        finally:
            del sys.modules[file.stem]

    def test_another_blas_is_a_warning(self, cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blas, "describe", lambda: "another")
        with pytest.warns(RuntimeWarning, match="must have BLAS another"):
            train(**where("dask", cluster))


INTERRUPTED = """
import os, signal, sys, time, warnings
sys.path.insert(0, sys.argv[1])
import numpy as np
import trainlab as tl
from counter import Counter
from trainlab.engine import grouping
from trainlab.engine.native import LANE_BYTES

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have switched it off
given = {"backend": sys.argv[2], "workers": 2}
if len(sys.argv) > 3:
    given["scheduler"] = sys.argv[3]
pressed = []

class Pressing(Counter):
    def advance(self, members, steps):
        if not pressed:
            pressed.append(time.monotonic())
            os.killpg(os.getpgrp(), signal.SIGINT)

if __name__ == "__main__":
    # One member diverges at once, the others would go on for hours.
    data = tl.load_digits()
    rates = [tl.Momentum(0.01), tl.SGD(1e38), tl.SGD(0.01)]
    grouping.working_set = lambda *_: LANE_BYTES  # a chunk each
    population = tl.Population.grid(tl.MLP(hidden=(5,)), rates)
    with warnings.catch_warnings(record=True) as seen:
        history = population.fit(data, epochs=100_000, evaluate=None, progress=Pressing(), **given)
    waited = time.monotonic() - pressed[0]
    assert ["interrupted" in str(warning.message) for warning in seen] == [True], seen
    for row, status in enumerate(history.status):
        losses = history["train_loss"][row]
        assert np.isfinite(losses[: status.step]).all() and np.isnan(losses[status.step + 1:]).all()
        alone = tl.Network(*[getattr(population[row], n) for n in ("network", "optimizer", "seed")])
        if status.kind == "interrupted" and status.step:
            alone.fit(data, steps=status.step, evaluate=None, backend="threads")
            for name, values in alone.parameters.items():
                assert np.array_equal(values, population.parameters(row)[name])
    print([waited, [status.kind for status in history.status]])
"""


@pytest.mark.parametrize("backend", REMOTE)
def test_ctrl_c_keeps_what_is_finished(backend: str, cluster, tmp_path: Path) -> None:
    """The terminal sends it to this process and to its workers; a cluster does not hear it."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    words = [sys.executable, str(script), str(Path(__file__).parents[1] / "support"), backend]
    words += [cluster.address] if backend == "dask" else []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, errors) == (0, "")
    waited, kinds = ast.literal_eval(output)
    assert waited < 10
    assert "diverged" in kinds
    assert "interrupted" in kinds
    # the workers of the cluster have left the chunks that nobody waits for
    for _ in range(100):
        busy = cluster.client.processing() if backend == "dask" else {}
        if not any(busy.values()):
            break
        time.sleep(0.1)
    if backend == "dask":
        start = time.monotonic()
        assert cluster.client.submit(os.getpid).result(timeout=10)
        assert time.monotonic() - start < 10
