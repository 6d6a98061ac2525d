"""Which engine trains: its name, where it comes from, and where it is kept."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from trainlab.engine import ENGINES, NumPyEngine, choice, description, native
from trainlab.experiments import EXPERIMENTS, Options, results, run
from trainlab.experiments.resuming import place
from trainlab.members import Member
from trainlab.store import Store
from trainlab.store.coding import checksum, stamp

DATA = tl.from_arrays(np.random.default_rng(0).random((40, 6)), np.arange(40) % 3)


class Fast(NumPyEngine):
    """A second engine, which trains networks with ReLU alone."""

    name = "native"

    def supports(self, members: Sequence[Member]) -> str | None:
        if all(type(one.network.activation) is tl.ReLU for one in members):
            return None
        return "it knows ReLU alone"


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "ENGINES", {"native": Fast, "numpy": NumPyEngine})
    monkeypatch.setattr(choice, "AUTO", ("native", "numpy"))
    monkeypatch.setattr(native, "MISSING", None)


def fit(activation: str = "relu", **settings: Any) -> tuple[tl.Network, str]:
    network = tl.Network(tl.MLP(hidden=(4,), activation=activation))
    return network, network.fit(DATA, epochs=2, batch_size=10, **settings).engine


def test_the_reference_trains_everything_and_comes_last() -> None:
    assert list(ENGINES)[-1] == "numpy"
    assert ENGINES["numpy"]().supports([Member(tl.MLP(activation="tanh"))]) is None


def test_the_native_engine_is_told_of_every_setting() -> None:
    """It reads one of an activation, and one of a loss."""
    for kind in (*description.FUNCTIONS, *description.LOSSES):
        assert len(dataclasses.fields(kind)) <= 1, kind
    members = [Member(tl.MLP((3,), loss=tl.Huber(one))) for one in (0.3, 0.7)]
    settings = description.describe(members, (4, 2)).settings
    assert settings[:, description.LOSS].tolist() == [0.3, 0.7]


@pytest.mark.usefixtures("two")
def test_auto_is_the_first_that_can_train_the_members(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "trainlab")
    choice._tell.cache_clear()
    assert fit()[1] == "native"
    assert [fit("tanh")[1], fit("tanh")[1]] == ["numpy", "numpy"]
    told = [one.getMessage() for one in caplog.records]
    assert [text for text in told if not text.startswith("epoch ")] == [
        "not trained by the engine 'native': it knows ReLU alone"
    ]
    assert fit(engine="numpy")[1] == "numpy"
    with pytest.raises(tl.SettingError, match="it knows ReLU alone; got 'native'"):
        fit("tanh", engine="native")


@pytest.mark.usefixtures("two")
def test_a_run_goes_on_with_the_engine_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fit(store=tmp_path / "numpy", engine="numpy")[1] == "numpy"
    assert fit(store=tmp_path / "numpy")[1] == "numpy"
    assert fit(store=tmp_path / "native")[1] == "native"
    with pytest.raises(tl.SettingError, match="engine was 'native', is 'numpy'"):
        fit(store=tmp_path / "native", engine="numpy")
    monkeypatch.setattr(native, "MISSING", "it is gone")
    told = "engine of fit must be the one that the run began with; got 'no engine native'; try"
    with pytest.raises(tl.SettingError, match=told):
        fit(store=tmp_path / "native")
    assert fit(store=tmp_path / "native", fresh=True)[1] == "numpy"


@pytest.mark.usefixtures("two")
def test_what_numpy_has_begun_of_a_search_is_finished_by_numpy(tmp_path: Path) -> None:
    fit(store=tmp_path, run="search: round 1, population 0", engine="numpy")
    fit(store=tmp_path, run="other: round 1")
    assert fit(store=tmp_path, run="search: round 2, population 0")[1] == "numpy"
    assert fit(store=tmp_path, run="search")[1] == "numpy"
    for another in ("searches: round 1", "sea", "other: round 2", "other"):
        assert fit(store=tmp_path, run=another)[1] == "native"


@pytest.mark.usefixtures("two")
def test_an_experiment_with_other_options_has_an_engine_of_its_own(tmp_path: Path) -> None:
    """It is another run, and was NumPy's for good where NumPy had taken a quick look."""

    def stage(seeds: int, number: int) -> dict[str, Any]:
        return place(store, EXPERIMENTS["learning-rates"], Options(seeds=seeds)).stage(number)

    with Store(tmp_path) as store:
        assert fit(**stage(1, 0), engine="numpy")[1] == "numpy"
        assert fit(**stage(1, 1))[1] == "numpy"
        assert fit(**stage(2, 0))[1] == "native"
        assert fit(**stage(1, 0))[1] == "numpy"


@pytest.mark.usefixtures("two")
def test_runs_of_earlier_versions_go_on_with_numpy(tmp_path: Path) -> None:
    fit(store=tmp_path, engine="numpy")
    connection = sqlite3.connect(tmp_path / "runs.sqlite")
    key, text, total = connection.execute("SELECT key, settings, total FROM runs").fetchone()
    old = text.replace('"engine":"numpy",', "")
    assert old != text
    digest = checksum(key, old, str(total))
    now = stamp(digest)
    connection.execute(
        "UPDATE runs SET settings = ?, digest = ?, begun = ?, changed = ?", (old, digest, now, now)
    )
    connection.commit()
    connection.close()
    assert fit(store=tmp_path)[1] == "numpy"
    with pytest.raises(tl.SettingError, match="engine was 'numpy', is 'native'"):
        fit(store=tmp_path, engine="native")


@pytest.mark.usefixtures("two")
@pytest.mark.filterwarnings("ignore:.*was still improving")
def test_models_name_the_engine_that_trained_them(tmp_path: Path) -> None:
    for engine in ("native", "numpy"):
        network, _ = fit(engine=engine)
        tl.save(network, tmp_path / "network")
        assert tl.load(tmp_path / "network").population.engine == engine
    assert tl.Population.grid().engine is None
    x, y = DATA.train.x, DATA.train.t
    for model in (
        tl.MLPClassifier((4,), max_iter=2),
        tl.PopulationEnsembleClassifier(
            n_candidates=2, space={"hidden_layer_sizes": [(4,)]}, max_iter=2, random_state=0
        ),
    ):
        tl.save(model.fit(x, y), tmp_path / "model")
        assert tl.load(tmp_path / "model").engine_ == "native"


def test_models_of_earlier_versions_are_of_numpy() -> None:
    models = Path(__file__).parents[1] / "models"
    for version in (1, 2):
        found = tl.load(models / f"version-{version}.safetensors")
        assert getattr(found, "population", found).engine == "numpy"


@pytest.mark.usefixtures("two")
def test_results_name_the_engine(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["weight-init-comparison"]
    run([experiment], tmp_path, Options(quick=True, seeds=1))
    assert results.load(tmp_path / experiment.name).environment["engine"] == "native"


def test_what_is_said_of_the_engines_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "numpy (native is not installed: "
    monkeypatch.setattr(native, "MISSING", "undefined symbol: round")
    assert choice.describe() == f"{told}undefined symbol: round)"
    monkeypatch.setattr(native, "MISSING", "No module named 'trainlab.engine._native'")
    assert choice.describe().startswith(f"{told}it was not compiled when trainlab was installed")
    monkeypatch.setattr(native, "MISSING", None)
    monkeypatch.setattr(native, "_native", SimpleNamespace(isa="avx2"))
    assert choice.describe() == "native (avx2)"
