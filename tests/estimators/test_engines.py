"""The parameter `engine` of the estimators and ensembles, and the option of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import trainlab as tl
from complaints import complains
from trainlab import cli
from trainlab.engine import NumPyEngine
from trainlab.search.persistence import plain

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(60, 3)), np.arange(60) % 2
SMALL = {"max_iter": 2, "random_state": 0}


class Counting(NumPyEngine):
    """The reference under another name; it counts the lanes that it opens."""

    name = "counting"
    opened = 0

    def open(self, spec: Any) -> Any:
        type(self).opened += 1
        return super().open(spec)


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "opened", 0)


def opened() -> int:
    found, Counting.opened = Counting.opened, 0
    return found


MODELS = {
    "classifier": lambda **own: tl.MLPClassifier((3,), schedule="cosine", **SMALL, **own),
    "regressor": lambda **own: tl.MLPRegressor((3,), schedule="cosine", **SMALL, **own),
    "ensemble": lambda **own: tl.PopulationEnsembleClassifier(
        2, n_architectures=1, n_folds=2, **SMALL, **own
    ),
    "ensemble of a regression": lambda **own: tl.PopulationEnsembleRegressor(
        2, n_architectures=1, n_folds=2, **SMALL, **own
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_training_and_predictions_use_it(name: str, tmp_path: Path) -> None:
    model = MODELS[name](engine=Counting()).fit(X, Y)
    assert opened()
    expected = model.predict(X)
    assert opened()
    plainly = MODELS[name](engine="numpy").fit(X, Y)
    assert np.array_equal(plainly.predict(X), expected)
    assert not opened()
    # Files hold engines by name.
    told = "engine of save must be numbers, strings"
    complains(lambda: tl.save(model, tmp_path / "model"), tl.SettingError, told)
    tl.save(model.set_params(engine="numpy"), tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert (again.engine, again.engine_) == ("numpy", "counting")
    assert np.array_equal(again.predict(X), expected)
    assert not opened()
    again.set_params(engine=Counting()).predict(X)
    assert opened()


def test_an_engine_that_cannot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "supports", lambda self, members: "it only counts")
    told = "engine of fit must be one that can train these members: it only counts"
    complains(lambda: MODELS["classifier"](engine=Counting()).fit(X, Y), tl.SettingError, told)


def test_a_search_uses_that_of_its_estimator() -> None:
    search = tl.PopulationSearchCV(
        MODELS["classifier"](engine=Counting()),
        {"alpha": [1e-4, 1.0]},
        n_iter=2,
        cv=2,
        random_state=0,
        workers=1,
    )
    search.fit(X, Y)
    assert opened()


def test_stores_of_earlier_versions_know_of_none() -> None:
    assert "engine" not in plain(tl.MLPClassifier())
    assert plain(tl.MLPClassifier(engine="numpy"))["engine"] == "numpy"
    ensemble: Any = tl.PopulationEnsembleClassifier
    for settings, said in (({}, None), ({"engine": "numpy"}, "numpy")):
        made = ensemble(2, random_state=0, **settings)
        assert made._config(made._decide(X, Y, None, None)).get("engine") == said


def invoke(*words: Any) -> Any:
    result = CliRunner().invoke(cli.main, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    for name in ("run", "search", "predict"):
        (option,) = (one for one in cli.main.commands[name].params if one.name == "engine")
        assert option.default == "auto"
        assert {"auto", "numpy"} <= set(option.type.choices)
    table = tmp_path / "table.csv"
    lines = ["a,b,kind", *(f"{a:.3f},{b:.3f},{'xy'[n % 2]}" for n, (a, b, _) in enumerate(X))]
    table.write_text("\n".join(lines), encoding="utf-8")
    words = ["--trials", 2, "--rounds", 1, "--folds", 2, "--max-iter", 2, "--hidden", 3]
    words += ["--engine", "numpy", "--out", tmp_path / "out"]
    invoke("search", "--csv", table, "--target", "kind", *words)
    model = tl.load(tmp_path / "out" / "model.safetensors")
    assert model.engine == "numpy"
    found = [
        invoke("predict", tmp_path / "out" / "model.safetensors", table, "--engine", engine).stdout
        for engine in ("numpy", "auto")
    ]
    assert found[0] == found[1]
    assert found[0].startswith("prediction")
