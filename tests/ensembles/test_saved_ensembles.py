"""Ensembles on disk and as ONNX graphs: what was selected, to the bit."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import loguniform, randint
from sklearn.datasets import load_diabetes, load_iris
from sklearn.pipeline import make_pipeline

import trainlab as tl
from complaints import complains
from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.cli import main
from trainlab.ensembles import base as ensemble_base
from trainlab.ensembles import training as ensemble_training
from trainlab.errors import ModelFileError, SettingError
from trainlab.models.container import Content, pack, read
from trainlab.models.scoring import score
from trainlab.search.selection import Selection

IRIS = load_iris(return_X_y=True)
SPACE = {
    "hidden_layer_sizes": [(6,), (5, 4)],
    "learning_rate_init": loguniform(1e-2, 5e-2),
    "optimizer": ["adam", tl.Momentum(0.1)],
}
# Probabilities are float32: some roundings of 6e-8.
CLOSE = 1e-6
X = np.concatenate([IRIS[0], np.eye(5)[np.arange(150) * 7 % 5]], axis=1)
"""Iris, and a word of five values."""


def fitted(kind: Any = PopulationEnsembleClassifier, y: Any = IRIS[1], **settings: Any) -> Any:
    usual = {"n_architectures": 2, "n_folds": 2, "space": SPACE, "max_iter": 8, "random_state": 1}
    return kind(6, **(usual | {"trees": False} | settings)).fit(X, y)


def mixed(kind: Any = PopulationEnsembleClassifier, y: Any = IRIS[1], **settings: Any) -> Any:
    """An ensemble in which networks of two kinds of inputs vote, and trees."""
    space = [
        {"hidden_layer_sizes": [(5,)], "standardize_inputs": [one], "learning_rate_init": [0.1]}
        for one in ("robust", "piecewise")
    ]
    with pytest.MonkeyPatch.context() as patch:
        # All that there are, whatever is best on so few rows.
        patch.setattr(ensemble_training, "FINALISTS", 1.0)
        patch.setattr(ensemble_training, "bagged", lambda *given: everyone(*given[:4]).weights)
        patch.setattr(ensemble_base, "select", everyone)
        model = fitted(kind, y, space=space, trees=True, **settings)
    kinds = [type(one).__name__ for one in model._voters]
    assert kinds == ["Networks", "Networks", *["BoostedTrees"] * 4]
    assert all(len(one.merged.kept) == 4 for one in model._voters[2:])
    return model


def everyone(truths: Any, weight: Any, task: str, rounds: int) -> Selection:
    losses = np.linspace(0.5, 1, len(truths))
    return Selection(np.full(len(truths), 1 / len(truths)), losses, 0.5)


MODELS: dict[str, Any] = {
    "labels": lambda: fitted(y=np.array(["a", "b", "c"])[IRIS[1]]),
    "indicators": lambda: fitted(y=np.eye(3, dtype=int)[IRIS[1]]),
    "numbers": lambda: fitted(PopulationEnsembleRegressor, IRIS[0][:, 2]),
    "usual-space": lambda: fitted(space=None, n_folds=1),
    "mixed-labels": lambda: mixed(y=np.array(["a", "b", "c"])[IRIS[1]]),
    "mixed-indicators": lambda: mixed(y=np.eye(3, dtype=int)[IRIS[1]]),
    "mixed-numbers": lambda: mixed(PopulationEnsembleRegressor, IRIS[0][:, 2]),
}


@pytest.fixture(scope="module")
def whole() -> Any:
    """An ensemble with all that one can hold."""
    return mixed()


@pytest.mark.parametrize("name", MODELS)
def test_an_ensemble_comes_back(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    tl.save(model, tmp_path / "model")
    # Trees that merge words are what versions before the fourth did not know.
    assert read(tmp_path / "model").version == (4 if name.startswith("mixed") else 3)
    again = tl.load(tmp_path / "model")
    assert type(again) is type(model)
    ask = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    assert getattr(again, ask)(X).tobytes() == getattr(model, ask)(X).tobytes()
    assert again.candidates_ == model.candidates_
    assert vars(again).keys() == vars(model).keys()
    for plain in ("loss_", "gain_", "best_index_", "n_folds_", "n_iter_", "n_networks_"):
        assert getattr(again, plain) == getattr(model, plain)
    assert again.weights_.tobytes() == model.weights_.tobytes()


def test_the_space_comes_back_and_draws_the_same(tmp_path: Path) -> None:
    space = {**SPACE, "dropout": [0.0, 0.1], "alpha": loguniform(a=1e-3, b=1)}
    model = fitted(space=space)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again.fit(X, IRIS[1]).predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_what_no_file_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "model"
    complains(lambda: tl.save(PopulationEnsembleClassifier(), path), SettingError, "model of save")
    model = fitted().set_params(space={"alpha": randint})
    complains(lambda: tl.save(model, path), SettingError, "space of save")
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda d, a: a.update(_weights=a["_weights"] * 2),
        lambda d, a: a.update(_weights=-a["_weights"]),
        lambda d, a: a.update(_weights=a["_weights"][1:]),
        lambda d, a: a.pop("_weights"),
        lambda d, a: d["parameters"].update(max_iter=0),
        lambda d, a: d["attributes"].update(predict=3),
        lambda d, a: d["parameters"].update(space={"distribution": ["__doc__", [], {}]}),
        lambda d, a: d["parameters"].update(space={"distribution": ["test", [], {}]}),
        lambda d, a: d["parameters"].update(space={"distribution": ["zscore", [1], {}]}),
        lambda d, a: d.update(has_state=False),
        lambda d, a: d["beside"].pop(),
        lambda d, a: d["beside"].append({"trees": {"depth": 1, "link": "softmax"}}),
        lambda d, a: d["beside"][1]["trees"].update(link="cosine"),
        lambda d, a: d["beside"][1]["trees"].update(depth=1000),
        lambda d, a: d["beside"][1]["trees"].update(depth=True),
        lambda d, a: d["beside"][1]["trees"].update(width=3),
        lambda d, a: d["beside"][0].update(trees={}),
        lambda d, a: d["beside"][0]["population"].update(dtype="float64"),
        lambda d, a: a["beside.1.feature"].fill(7),  # it sees 4 numbers and a word, by classes
        lambda d, a: a["beside.1.source"].fill(9),
        lambda d, a: a["beside.1.left"].fill(-1),
        lambda d, a: a["beside.1.right"].fill(1 << 40),
        lambda d, a: a["beside.1.root"].fill(1 << 40),
        lambda d, a: a["beside.1.output"].fill(3),
        lambda d, a: a["beside.1.value"].fill(np.nan),
        lambda d, a: a["beside.1.value"].fill(np.inf),
        lambda d, a: a["beside.1.baseline"].fill(-np.inf),
        lambda d, a: a["beside.1.threshold"].fill(np.nan),
        lambda d, a: a.pop("beside.2.value"),
        lambda d, a: a.update({"beside.1.root": a["beside.1.root"].astype(float)}),
        lambda d, a: a.update({"beside.1.baseline": a["beside.1.baseline"][:2]}),
        lambda d, a: a.update({"beside.0.inputs.more": np.zeros(3)}),
        lambda d, a: a.update({"beside.9.value": np.zeros(3)}),
    ],
)
def test_forged_ensembles_are_refused(change: Any, tmp_path: Path, whole: Any) -> None:
    path = tmp_path / "model"
    tl.save(whole, path)
    content = read(path)
    arrays = {name: one.copy() for name, one in content.arrays.items()}
    change(content.document, arrays)
    path.write_bytes(pack(Content(content.kind, content.document, arrays)))
    complains(lambda: tl.load(path), ModelFileError)


@pytest.mark.parametrize("name", ["labels", "mixed-labels", "mixed-indicators", "mixed-numbers"])
def test_one_graph_for_all_that_vote(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / "model.onnx")
    model = MODELS[name]()
    tl.export_onnx(model, path)
    given = X.astype(np.float32)
    said = onnxruntime.InferenceSession(path).run(None, {"x": given})
    assert len(model._weights) > 2
    predicted = model.predict(given)
    if name == "mixed-numbers":
        assert said[0] == pytest.approx(predicted, rel=CLOSE)
    else:
        assert said[1] == pytest.approx(model.predict_proba(given), abs=CLOSE)
        assert (said[0] == predicted).mean() > 0.99


def test_predictions_of_a_table(tmp_path: Path) -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = PopulationEnsembleRegressor(4, n_folds=1, max_iter=4, random_state=0).fit(X, y)
    tl.save(model, tmp_path / "model")
    X.to_csv(tmp_path / "new.csv", index=False)
    words = ["predict", str(tmp_path / "model"), str(tmp_path / "new.csv")]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.output
    found = pd.read_csv(tmp_path / "out.csv")["prediction"].to_numpy()
    assert found == pytest.approx(model.predict(X), rel=1e-12)
    pipeline = make_pipeline(tl.TableEncoder(), model).fit(X, y)
    tl.save(pipeline, tmp_path / "model")
    said = CliRunner().invoke(main, [*words, "--interval", "0.8"])
    ends = pd.read_csv(io.StringIO(said.stdout))
    assert ends.columns.tolist() == ["prediction", "low", "high"]
    expected = pipeline[-1].predict_interval(pipeline[:-1].transform(X), 0.8)
    assert ends[["low", "high"]].to_numpy() == pytest.approx(expected, rel=1e-12)
    tl.save(fitted(), tmp_path / "model")
    complains(
        lambda: score(tl.load(tmp_path / "model"), tmp_path / "new.csv", interval=0.8),
        SettingError,
        "model of predict must be an ensemble of regressors",
    )


def test_intervals_of_several_targets_in_a_table(tmp_path: Path) -> None:
    """Of two rows and two targets, too, where any order of the axes would have a place."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    both = np.stack([y, -1000 * y], axis=1)
    model = PopulationEnsembleRegressor(2, n_folds=1, max_iter=4, random_state=0).fit(X, both)
    X[:2].to_csv(tmp_path / "new.csv", index=False)
    found = score(model, tmp_path / "new.csv", interval=0.8).columns
    assert list(found) == [
        *("prediction_0", "prediction_1", "low_0", "high_0", "low_1", "high_1"),
    ]
    expected = model.predict_interval(X[:2], 0.8)
    ends = np.stack([found["low_0"], found["high_0"], found["low_1"], found["high_1"]], axis=1)
    assert ends == pytest.approx(expected.transpose(0, 2, 1).reshape(2, 4), rel=1e-12)


def test_a_file_with_the_old_names_of_norms_loads() -> None:
    model = tl.load(Path(__file__).parent / "version-2.safetensors")
    x = np.random.default_rng(3).standard_normal((12, 4))
    expected = [0.4001983964455032, 0.334168907011562, 0.26563269654293475]
    assert np.abs(model.predict_proba(x)[0] - expected).max() < 1e-6  # float32
