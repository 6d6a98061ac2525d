"""Loggers: what they write, told by stand-ins, and read back where the library is there."""

from __future__ import annotations

import errno
import math
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from mixed import BATCH, overlapping
from trainlab.errors import SettingError
from trainlab.training.callbacks import Callback
from trainlab.training.loggers import Logger

DIVERGES = 1e30


def fit(logger: Callback, lr: tuple[float, ...] = (0.1, DIVERGES), **settings: Any) -> tl.History:
    population = tl.Population.grid(tl.MLP((3,)), lr=list(lr), seed=range(2))
    given = {"batch_size": BATCH, "epochs": 3, **settings}
    return population.fit(overlapping(), callbacks=[logger], **given)


class Written(Logger):
    """Keeps what it is told to write."""

    def __init__(self) -> None:  # without that of its base, as callbacks are written
        self.found: dict[str, list[Any]] = {}

    def open(self, name: str, member: tl.Member) -> str:
        self.found[name] = []
        return name

    def log(self, run: str, metrics: Any, updates: int) -> None:
        self.found[run].append((updates, dict(metrics)))

    def close(self, run: str, status: str) -> None:
        self.found[run].append(status)


NAMES = ["0 lr=0.1 seed=0", "1 lr=0.1 seed=1", "2 lr=1e+30 seed=0", "3 lr=1e+30 seed=1"]


def test_each_member_is_a_run_with_its_evaluations() -> None:
    logger = Written()
    history = fit(logger)
    assert list(logger.found) == NAMES
    steps = history.steps_per_epoch
    assert steps is not None
    for row, run in enumerate(logger.found.values()):
        *evaluations, status = run
        assert status == history.status[row].kind
        for index, (updates, metrics) in enumerate(evaluations):
            assert updates == index * steps
            assert ("train_loss" in metrics) is (index > 0)
            for name, value in metrics.items():
                assert name == "train_loss" or value == history[name][row, index]
    assert [len(run) for run in logger.found.values()] == [5, 5, 2, 2]
    assert logger.found[NAMES[3]][-1] == "diverged"


def test_every_logger_is_among_the_features() -> None:
    ours = {one.__name__ for one in Logger.__subclasses__() if one.__module__ == Logger.__module__}
    page = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    lacking = sorted(name for name in ours if f"`{name}`" not in page or name not in tl.__all__)
    assert not lacking, f"src/trainlab/__init__.pyi and docs/features.md need {lacking}"


def test_numbers_that_are_not_finite_are_left_out() -> None:
    logger = Written()
    logger._runs = {0: logger.open("a", tl.Member())}
    moment = SimpleNamespace(member=0, updates=1, metrics={"a": math.nan, "b": math.inf})
    logger.evaluation(moment)  # type: ignore[arg-type]
    assert logger.found["a"] == []


def test_it_can_be_used_again_and_after_an_error() -> None:
    logger = Written()
    fit(logger)
    fit(logger, lr=(0.2, 0.3))
    assert len(logger.found) == 8
    assert logger._runs == {}

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    network = tl.Network(tl.MLP((3,)))
    with pytest.raises(ZeroDivisionError):
        network.fit(overlapping(), epochs=1, callbacks=[logger, fail])
    assert logger.found["0 seed=0"][-1] == "interrupted"
    assert logger._runs == {}


def test_names_are_fit_for_folders() -> None:
    logger = Written()
    members = tl.Population.grid(hidden=[(3,) * 60, (2, 3)], activation=["relu", tl.LeakyReLU(0.3)])
    logger.start(tl.History(list(members), {}, [], 0.0))
    assert all(len(name) <= 80 for name in logger.found)
    assert list(logger.found)[2] == "2 hidden=2×3 activation=ReLU seed=0"
    assert list(logger.found)[3] == "3 hidden=2×3 activation=LeakyReLU_0.3_ seed=0"


@pytest.mark.parametrize(
    ("kind", "given", "package"),
    [
        (tl.TensorBoardLogger, ("folder",), "tensorboard"),
        (tl.MLflowLogger, (), "mlflow"),
        (tl.WandbLogger, (), "wandb"),
    ],
)
def test_what_is_not_installed_is_named(
    kind: Any, given: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (package, f"{package}.summary", f"{package}.entities"):
        monkeypatch.setitem(sys.modules, name, None)
    told = f"{kind.__name__} needs {package}; try pip install 'trainlab\\[{package}\\]'"
    with pytest.raises(ImportError, match=told):
        kind(*given)


def test_a_folder_that_cannot_be_one_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "shut").mkdir(mode=0o500)
    places = [tmp_path / "file", tmp_path / "file" / "logs"]
    for place in [*places, *([] if os.access(tmp_path / "shut", os.W_OK) else [tmp_path / "shut"])]:
        told = "folder of TensorBoardLogger must be a folder that can be written to; got"
        with pytest.raises(tl.SettingError, match=told):
            tl.TensorBoardLogger(place)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "shut"]


# --- TensorBoard -----------------------------------------------------------------------


def test_event_files_are_read_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    history = fit(tl.TensorBoardLogger(tmp_path / "logs"))
    steps = history.steps_per_epoch
    assert steps is not None
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == NAMES
    for row, name in enumerate(NAMES):
        events = EventAccumulator(str(tmp_path / "logs" / name))
        events.Reload()
        for series in set(history.series) - {"train_loss"}:
            written = events.Tensors(series)
            values = [float(make_ndarray(event.tensor_proto)) for event in written]
            kept = history[series][row]
            kept = kept[np.isfinite(kept)]
            assert [event.step for event in written] == [steps * k for k in range(len(kept))]
            assert np.allclose(values, kept, rtol=1e-6)  # float32


def test_event_files_through_a_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, list[Any]] = {}

    class Writer:
        def __init__(self, folder: str) -> None:
            self.found = made.setdefault(folder, [])

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.found.append((name, value, step))

        def close(self) -> None:
            self.found.append("closed")

    package, part = ModuleType("tensorboard"), ModuleType("tensorboard.summary")
    part.Writer = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboard", package)
    monkeypatch.setitem(sys.modules, "tensorboard.summary", part)
    history = fit(tl.TensorBoardLogger(tmp_path))
    assert list(made) == [str(tmp_path / name) for name in NAMES]
    assert all(Path(folder).is_dir() for folder in made)
    first = made[str(tmp_path / NAMES[0])]
    assert first[-1] == "closed"
    name = next(name for name in history.series if name != "train_loss")
    assert (name, history[name][0, 0], 0) in first


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, "Too many open files"), RuntimeError("can't start new thread")]
)
def test_more_members_than_there_can_be_files(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    logger, closed = tl.TensorBoardLogger(tmp_path), list[str]()

    class Few:
        def __init__(self, folder: str) -> None:
            if "3 lr" in folder:
                raise error

        def close(self) -> None:
            closed.append("closed")

    logger._writer = Few
    told = "members of TensorBoardLogger must be fewer than there can be open files and threads"
    complains(lambda: fit(logger), SettingError, told)
    assert closed == ["closed"] * 3
    other = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(logger, "_writer", lambda folder: (_ for _ in ()).throw(other))
    with pytest.raises(OSError, match="No space left"):
        fit(logger)


# --- MLflow ----------------------------------------------------------------------------


def test_runs_of_mlflow_through_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    class Client:
        def __init__(self, uri: str | None) -> None:
            self.names: list[str] = []
            calls.append(("client", uri))

        def get_experiment_by_name(self, name: str) -> Any:
            return SimpleNamespace(experiment_id="7") if name in self.names else None

        def create_experiment(self, name: str) -> str:
            self.names.append(name)
            calls.append(("experiment", name))
            return "7"

        def create_run(self, experiment: str, run_name: str) -> Any:
            assert experiment == "7"
            calls.append(("run", run_name))
            return SimpleNamespace(info=SimpleNamespace(run_id=run_name[0]))

        def log_param(self, run: str, name: str, value: str) -> None:
            calls.append(("param", run, name, value))

        def log_batch(self, run: str, metrics: list[Any]) -> None:
            calls.extend(("metric", run, *one[:2], one[3]) for one in metrics)

        def set_terminated(self, run: str, status: str) -> None:
            calls.append(("end", run, status))

    modules = {name: ModuleType(name) for name in ("mlflow", "mlflow.entities", "mlflow.tracking")}
    modules["mlflow.entities"].Metric = lambda *given: given  # type: ignore[attr-defined]
    modules["mlflow.tracking"].MlflowClient = Client  # type: ignore[attr-defined]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    history = fit(tl.MLflowLogger("mine", "somewhere"))
    assert calls[:3] == [("client", "somewhere"), ("experiment", "mine"), ("run", NAMES[0])]
    assert [call[1] for call in calls if call[0] == "run"] == NAMES
    assert ("param", "0", "optimizer.lr", "0.1") in calls
    assert ("param", "1", "seed", "1") in calls
    name = next(name for name in history.series if name != "train_loss")
    steps = history.steps_per_epoch
    assert ("metric", "1", name, history[name][1, 3], 3 * (steps or 0)) in calls
    ended = [call[1:] for call in calls if call[0] == "end"]
    assert ended == [("0", "FINISHED"), ("1", "FINISHED"), ("2", "FAILED"), ("3", "FAILED")]


def test_runs_of_mlflow_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # newer ones want a database
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    uri = (tmp_path / "runs").as_uri()
    logger = tl.MLflowLogger("mine", uri)
    history = fit(logger)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(found) == NAMES
    name = next(name for name in history.series if name != "train_loss")
    written = client.get_metric_history(found[NAMES[1]].info.run_id, name)
    assert [one.value for one in sorted(written, key=lambda one: one.step)] == list(
        history[name][1]
    )
    assert found[NAMES[3]].info.status == "FAILED"
    fit(logger, lr=(0.3,))
    assert len(client.search_runs([experiment.experiment_id])) == 6


# --- Weights & Biases ------------------------------------------------------------------


def test_runs_of_wandb_through_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Run:
        def __init__(self, **given: Any) -> None:
            self.given, self.summary = given, dict[str, Any]()
            self.found: list[Any] = []
            made.append(self)

        def log(self, metrics: Any, step: int) -> None:
            self.found.append((step, metrics))

        def finish(self, exit_code: int) -> None:
            self.found.append(exit_code)

    module = ModuleType("wandb")
    module.init = Run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    history = fit(tl.WandbLogger("mine", mode="offline"))
    assert [run.given["name"] for run in made] == NAMES
    assert len({run.given["group"] for run in made}) == 1
    first = made[0].given
    assert (first["project"], first["mode"], first["reinit"]) == ("mine", "offline", "create_new")
    assert first["config"]["optimizer"]["lr"] == 0.1
    name = next(name for name in history.series if name != "train_loss")
    assert [metrics[name] for _, metrics in made[1].found[:-1]] == list(history[name][1])
    assert [run.found[-1] for run in made] == [0, 0, 1, 1]
    assert [run.summary["status"] for run in made[1:3]] == ["finished", "diverged"]


def test_runs_of_wandb_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.chdir(tmp_path)
    history = fit(tl.WandbLogger("mine", mode="offline", dir=str(tmp_path)), lr=(0.1,))
    files = list(tmp_path.rglob("run-*.wandb"))
    assert len(files) == 2
    name = next(name for name in history.series if name != "train_loss")
    assert all(name.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize("name", ["name", "config", "group", "reinit"])
def test_what_the_logger_says_itself(name: str) -> None:
    starts = f"{name} of WandbLogger must be left to the logger"
    complains(lambda: tl.WandbLogger(**{name: "x"}), SettingError, starts)
