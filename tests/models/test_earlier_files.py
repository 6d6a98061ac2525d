"""What earlier versions wrote is read, and gone on with: see tools/earlier.py."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from click.testing import CliRunner
from numpy._core._multiarray_umath import __cpu_features__
from sklearn.pipeline import Pipeline

import trainlab as tl
from fingerprint import fingerprint
from tools import earlier
from trainlab import blas, versions
from trainlab.cli import main
from trainlab.deprecated import of_today
from trainlab.experiments import results
from trainlab.models.records import RECORDS
from trainlab.settings import flag
from trainlab.store import listed

FOLDER: Final = Path(__file__).parents[1] / "support" / "earlier"
VERSIONS: Final = sorted(path.name for path in FOLDER.iterdir())
MODELS: Final = sorted(path for path in FOLDER.glob("*/*.safetensors"))
SEARCHES: Final = [name for name in VERSIONS if (FOLDER / name / "search").is_dir()]
ROUNDING: Final = 1e-9
"""40 steps of float64 on another machine round otherwise, by far less than this."""
SINGLE: Final = 1e-5
"""… and those of estimators in float32."""


def name_of(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def expected(path: Path) -> Any:
    return json.loads((path.parent / "expected.json").read_text(encoding="utf-8"))[path.stem]


def outputs(model: Any) -> Any:
    known = hasattr(model, "predict_proba")
    return model.predict_proba(earlier.X) if known else model.predict(earlier.X)


def test_every_version_left_every_kind_of_file_that_it_had() -> None:
    kinds = {name: {path.stem for path in MODELS if path.parent.name == name} for name in VERSIONS}
    always = {"network", "population", "classifier", "regressor"}
    later = always | {"ensemble"}
    assert kinds == {"version-1": always, "version-2": later, "version-2-norm": later}
    assert SEARCHES == ["version-2", "version-2-norm"]


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_models_predict_what_they_did(path: Path, tmp_path: Path) -> None:
    model = tl.load(path)
    close = ROUNDING if path.stem in ("network", "population") else SINGLE
    assert np.abs(outputs(model) - expected(path)).max() < close
    tl.save(model, tmp_path / "again")
    assert np.array_equal(outputs(tl.load(tmp_path / "again")), outputs(model))


@pytest.mark.parametrize("name", VERSIONS)
def test_populations_have_their_members_and_go_on(name: str) -> None:
    population = tl.load(FOLDER / name / "population.safetensors")
    assert list(population) == earlier.members()
    assert [one.updates for one in population.states] == [40] * 3
    history = population.fit(earlier.data(), start="state", **earlier.SETTINGS)
    assert np.isfinite(history["train_loss"]).all()


def as_of(settings: Any, patch: pytest.MonkeyPatch) -> bool:
    """Reads a store as the versions that wrote it, whose bits it holds; whether these are ours.

    They were written with AVX-512, without which NumPy's exp has others.
    """
    ours = (settings["numpy"], settings["blas"]) == (np.__version__, blas.describe())
    ours = ours and bool(__cpu_features__.get("X86_V4"))
    patch.setattr(np, "__version__", settings["numpy"])
    patch.setattr(blas, "describe", lambda: settings["blas"])
    patch.setattr(versions, "own", lambda: settings["trainlab"])
    return ours


@pytest.mark.parametrize("name", VERSIONS)
def test_a_training_goes_on_to_the_bits_of_one_that_was_never_cut(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    shutil.copytree(FOLDER / name / "store", tmp_path / "store")
    ended, cut = listed(tmp_path / "store")
    assert (ended.key, ended.done, ended.total) == ("ended", 3, 3)
    assert (cut.key, cut.done, cut.total) == ("cut", 2, 3)
    ours = as_of(cut.settings, monkeypatch)
    whole, settings = tl.Population(earlier.members()), {**earlier.SETTINGS, "keep": "state"}
    history = whole.fit(earlier.data(), engine="numpy", **settings)
    before, done = sum(steps), []
    for run in ("ended", "cut"):
        population = tl.Population(earlier.members())
        found = population.fit(earlier.data(), store=tmp_path / "store", run=run, **settings)
        done.append(sum(steps) - before)
        for row in range(3):
            # The last bits of AdamW's powers and of cosines have changed since.
            if ours and type(earlier.members()[row].optimizer) is tl.Momentum:
                assert fingerprint(population, found, row) == fingerprint(whole, history, row)
            one, other = population.snapshot(row)["params"], whole.snapshot(row)["params"]
            assert np.abs(one - other).max() < ROUNDING
    assert done[0] == 0
    assert 0 < done[1] < 40  # the third member goes on from its checkpoint


@pytest.mark.skipif(
    "transform_input" not in inspect.signature(Pipeline).parameters,
    reason="a search that was stored with a newer scikit-learn does not go on with an older one",
)
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_is_read_and_nothing_of_it_trained_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int], no_figures: None
) -> None:
    shutil.copytree(FOLDER / name / "search", tmp_path / "search")
    table, stored = FOLDER / name / "table.csv", listed(tmp_path / "search")
    as_of(stored[-1].settings, monkeypatch)
    words = ["--csv", str(table), *earlier.SEARCH, "--out", str(tmp_path / "search")]
    result = CliRunner().invoke(main, ["search", *words])
    assert (result.exit_code, sum(steps)) == (0, 0), result.output
    old, new = (
        json.loads((folder / "search.json").read_text(encoding="utf-8"))["candidates"]
        for folder in (FOLDER / name / "search", tmp_path / "search")
    )
    assert new == old
    model = tl.load(FOLDER / name / "search" / "model.safetensors")
    assert "number_formats_" not in vars(model[0])
    told = CliRunner().invoke(
        main, ["predict", str(tmp_path / "search/model.safetensors"), str(table)]
    )
    assert told.exit_code == 0


@pytest.mark.parametrize("name", VERSIONS)
def test_results_of_experiments_are_read_and_shown(name: str, tmp_path: Path) -> None:
    shutil.copytree(FOLDER / name / "experiments", tmp_path / "out")
    found = results.load(tmp_path / "out" / "tiny-network")
    assert (found.experiment, found.measured.seeds) == ("tiny-network", 2)
    assert len(found.published) == 3
    words = ["run", "tiny-network", "--quick", "--seeds", "2", "--out", str(tmp_path / "new")]
    assert CliRunner().invoke(main, words).exit_code == 0
    again = results.load(tmp_path / "new" / "tiny-network").measured
    for one, other in zip(found.measured.members, again.members, strict=True):
        assert (one.id, of_today(dict(one.settings))) == (other.id, dict(other.settings))
    for key, series in again.series.items():
        assert np.allclose(found.measured.series[key].values, series.values, atol=SINGLE)


@pytest.fixture
def another_field(monkeypatch: pytest.MonkeyPatch) -> type[tl.MLP]:
    """What MLP will be once a later version has given it one more field."""
    fields = [("residual", bool, flag(False))]
    later = dataclasses.make_dataclass("MLP", fields, bases=(tl.MLP,), frozen=True)
    monkeypatch.setitem(RECORDS, "MLP", later)
    return later


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_field_that_is_new_has_its_default(
    path: Path, another_field: type[Any], tmp_path: Path
) -> None:
    model = tl.load(path)
    close = ROUNDING if path.stem in ("network", "population") else SINGLE
    assert np.abs(outputs(model) - expected(path)).max() < close
    if path.stem == "population":
        assert {type(one.network) for one in model} == {another_field}
        assert {one.network.residual for one in model} == {False}


def test_a_training_goes_on_where_a_field_is_new(another_field: type[Any], tmp_path: Path) -> None:
    """Its default is what was; another value is another training, and named."""

    def fit(network: type[Any], **fields: Any) -> tl.History:
        population = tl.Population.grid(network(hidden=(4,), **fields), lr=[0.1, 0.2])
        given = {"steps": 3, "store": tmp_path, "engine": "numpy", "callbacks": [seen]}
        return population.fit(tl.load_digits(), **given)

    calls: list[int] = []

    def seen(member: int, updates: int, metrics: Any) -> None:
        calls.append(member)

    before = fit(tl.MLP)
    assert calls
    calls.clear()
    after = fit(another_field)
    assert not calls, "nothing is computed again"
    assert np.array_equal(before["train_loss"], after["train_loss"])
    with pytest.raises(tl.SettingError, match=r"residual was .?False.?, is .?True"):
        fit(another_field, residual=True)
