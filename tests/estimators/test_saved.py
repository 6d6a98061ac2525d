"""Estimators on disk: parameters, labels and curves as they were, predictions to the bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.model_selection import KFold

import trainlab as tl
from complaints import complains
from trainlab.errors import ModelFileError, SettingError
from trainlab.models.container import Content, pack, read
from trainlab.models.kinds import KINDS
from trainlab.models.records import MAX_LABELS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(8).standard_normal((30, 4))
PLACES = np.arange(30) % 3
LABELS: dict[str, Any] = {
    "int64": PLACES * 5 - 3,
    "int8": PLACES.astype(np.int8),
    "uint64": PLACES.astype(np.uint64) + np.uint64(2**64 - 3),
    "bool": PLACES > 0,
    "float32": PLACES.astype(np.float32),
    "float64": PLACES.astype(np.float64),
    "strings": np.array(["a", "=ü", "no"], dtype="<U9")[PLACES],
    "objects": np.array(["a", "bb", "c"], dtype=object)[PLACES],
    "indicators": np.stack([PLACES > 0, PLACES < 2], axis=1).astype(int),
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "names": {"hidden_layer_sizes": [5, 4], "optimizer": "sgd", "n_iter_no_change": np.inf},
    "records": {
        "optimizer": tl.AdamW(0.02, schedule=tl.WarmUp(steps=3)),
        "activation": tl.ELU(1.5),
        "norm": tl.BatchNorm(eps=1e-3),
        "schedule": tl.Cosine(),
        "early_stopping": True,
        "validation_fraction": 0.3,
    },
    "members": {"n_members": 3, "dtype": "float64", "hidden_layer_sizes": np.array([6, 5])},
    "numpy": {"alpha": np.float32(1e-3), "batch_size": np.int64(7)},
    "codes": {"standardize_inputs": "piecewise"},
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and one.dtype != object:
        return type(other) is np.ndarray and one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and bool(np.all(one == other))


def comes_back(model: Any, path: Path, x: Any = X) -> Any:
    tl.save(model, path)
    again = tl.load(path)
    assert type(again) is type(model)
    before, after = model.get_params(), again.get_params()
    assert all(same(value, after[name]) for name, value in before.items())
    hidden = {"_inputs", "_population", "_targets", *before}
    assert set(vars(again)) == set(vars(model))
    assert all(same(v, vars(again)[n]) for n, v in vars(model).items() if n not in hidden)
    assert same(model.predict(x), again.predict(x))
    return again


@pytest.mark.parametrize("labels", LABELS)
def test_labels_come_back_with_their_dtype(labels: str, tmp_path: Path) -> None:
    model = tl.MLPClassifier((5,), max_iter=3, random_state=1).fit(X, LABELS[labels])
    again = comes_back(model, tmp_path / "model")
    assert same(model.classes_, again.classes_)
    assert again.predict(X).dtype == model.predict(X).dtype
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_curves_come_back(name: str, tmp_path: Path) -> None:
    settings = {"max_iter": 3, "random_state": 1, **PARAMETERS[name]}
    comes_back(tl.MLPClassifier(**settings).fit(X, PLACES), tmp_path / "classifier")
    comes_back(tl.MLPRegressor(**settings).fit(X, X[:, 0] * 9 + 4), tmp_path / "one")
    comes_back(tl.MLPRegressor(**settings).fit(X, X[:, :2]), tmp_path / "two")


def test_class_weights_come_back(tmp_path: Path) -> None:
    weights = {0: 2.0, 1: 1, 2: np.float64(0.5)}
    model = tl.MLPClassifier((5,), max_iter=2, class_weight=weights, random_state=0)
    comes_back(model.fit(X, PLACES), tmp_path / "model")


def test_partial_fit_goes_on_as_if_never_saved(tmp_path: Path) -> None:
    model = tl.MLPClassifier((5,), random_state=0)
    for _ in range(2):
        model.partial_fit(X, PLACES, classes=[0, 1, 2])
    again = comes_back(model, tmp_path / "model")
    for one in (model, again):
        one.partial_fit(X, PLACES)
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    assert same(model.loss_curve_, again.loss_curve_)


def test_another_process_loads_it_and_a_table_is_scored(tmp_path: Path) -> None:
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    model = tl.MLPClassifier((5,), max_iter=3, random_state=0).fit(frame, LABELS["strings"])
    again = comes_back(model, tmp_path / "model", frame)
    assert same(model.feature_names_in_, again.feature_names_in_)
    frame[["d", "b", "a", "c"]].to_csv(tmp_path / "table.csv", index=False)
    words = [sys.executable, "-m", "trainlab", "predict", "model", "table.csv"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["prediction", *model.predict(frame)]


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model"
    complains(lambda: tl.save(tl.MLPClassifier(), path), SettingError, "model of save")
    model = tl.MLPClassifier((5,), max_iter=2, random_state=np.random.RandomState(0))
    model.fit(X, PLACES)
    complains(lambda: tl.save(model, path), SettingError, "random_state of save")
    assert not path.exists()


def test_what_fit_alone_needs_is_taken_out_of_a_trained_model(tmp_path: Path) -> None:
    draws: Any = np.random.RandomState(0)
    model = tl.PopulationEnsembleClassifier(
        2, max_iter=2, trees=False, cv=KFold(2), random_state=draws
    ).fit(X, PLACES)
    said = model.predict_proba(X)
    for name in ("cv", "random_state"):
        with pytest.raises(SettingError, match=rf"try set_params\({name}=None\)"):
            tl.save(model, tmp_path / "model")
        model.set_params(**{name: None})
    assert same(comes_back(model, tmp_path / "model", X).predict_proba(X), said)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("dtype"),
        lambda d: d.update(run="import os"),
        lambda d: d.update(dtype="float32"),
        lambda d: d["parameters"].update(run="import os"),
        lambda d: d["parameters"].update(alpha=-1.0),
        lambda d: d["parameters"].update(alpha=10**400),
        lambda d: d["parameters"].update(tol={"list": [10**400]}),
        lambda d: d["parameters"].update(alpha={"run": "import os"}),
        lambda d: d["parameters"].update(alpha=[1]),
        lambda d: d["parameters"].update(optimizer={"record": {"kind": "os.system"}}),
        lambda d: d.update(parameters=3),
        lambda d: d["attributes"].update(predict=3),
        lambda d: d["attributes"].update(n_features_in_=5),
        lambda d: d["population"]["members"].clear(),
    ],
)
def test_forged_estimators_are_refused(change: Any, tmp_path: Path) -> None:
    refused_when(change, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(targets={"labels": {"array": ["O", [1, 2, 3]]}}),
        lambda d: d.update(targets={"labels": {"array": ["<U999999999", ["a", "b", "c"]]}}),
        lambda d: d.update(targets={"labels": {"array": [f"<U{MAX_LABELS // 8}", [*"abc"]]}}),
        lambda d: d.update(targets={"labels": {"array": ["<i8", [1, 2]]}}),
        lambda d: d.update(targets={"labels": {"array": ["<i8", "abc"]}}),
        lambda d: d.update(targets={"labels": {"array": ["<i8", [1, 2, 2**70]]}}),
        lambda d: d.update(targets={"labels": {"array": [",", [1, 2, 3]]}}),
        lambda d: d.update(targets={"labels": {"array": [["<i8"], [1, 2, 3]]}}),
        lambda d: d.update(targets={"labels": {"array": ["<i8", [[1, 2], [3, 4], [5, 6]]]}}),
        lambda d: d.update(targets={"labels": 3}),
        lambda d: d.update(targets={"indicators": -1}),
        lambda d: d.update(targets={"values": True}),
        lambda d: d.update(targets={}),
    ],
)
def test_forged_targets_are_refused(change: Any, tmp_path: Path) -> None:
    refused_when(change, tmp_path)


def refused_when(change: Any, tmp_path: Path) -> None:
    """A file of a classifier, with a right checksum, whose document somebody has changed."""
    path = tmp_path / "model"
    tl.save(tl.MLPClassifier((5,), max_iter=2, random_state=0).fit(X, PLACES), path)
    content = read(path)
    change(content.document)
    path.write_bytes(pack(Content(content.kind, content.document, content.arrays)))
    complains(lambda: tl.load(path), ModelFileError)
    complains(lambda: KINDS[content.kind].unpack(content, "content"), ModelFileError)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("inputs.mean", None),
        ("inputs.scale", None),
        ("inputs.mean", np.zeros(5)),
        ("inputs.mean", np.full(4, np.inf)),
        ("inputs.mean", np.zeros(4, np.float32)),
        ("inputs.scale", np.zeros(4)),
        ("inputs.scale", np.ones((4, 1))),
        ("inputs.scale", np.full(4, np.nan)),
        ("inputs.furthest", np.full(4, np.nan)),
        ("inputs.furthest", np.full(4, -1.0)),
        ("inputs.furthest", np.full(5, 1.0)),
        ("inputs.bend", np.full(4, 0.0)),
        ("inputs.bend", np.full(4, np.nan)),
        ("inputs.bend", np.full(3, 1.0)),
        ("inputs.furthest", np.full(4, 1.0, np.float32)),
        ("inputs.column", lambda a: np.full_like(a, 4)),
        ("inputs.column", lambda a: -1 - a),
        ("inputs.column", lambda a: a.astype(float)),
        ("inputs.column", lambda a: a[1:]),
        ("inputs.low", lambda a: a * np.nan),
        ("inputs.width", lambda a: 0 * a),
        ("inputs.width", None),
        ("inputs.lowest", np.full(3, 0.0)),
        ("inputs.lowest", np.full(4, np.nan)),
        ("inputs.lowest", lambda a: a + 1e9),
        ("inputs.highest", lambda a: a.astype(np.float32)),
    ],
)
def test_forged_scales_are_refused(name: str, value: Any, tmp_path: Path) -> None:
    path, settings = tmp_path / "model", {"max_iter": 2, "standardize_inputs": "piecewise"}
    tl.save(tl.MLPClassifier((5,), random_state=0, **settings).fit(X, PLACES), path)
    content = read(path)
    arrays = {key: one for key, one in content.arrays.items() if key != name}
    value = value(content.arrays[name]) if callable(value) else value
    arrays |= {} if value is None else {name: value}
    path.write_bytes(pack(Content(content.kind, content.document, arrays)))
    complains(lambda: tl.load(path), ModelFileError)


def test_a_file_of_the_first_version_has_no_scales(tmp_path: Path) -> None:
    path = tmp_path / "model"
    tl.save(tl.MLPClassifier((5,), max_iter=2, random_state=0).fit(X, PLACES), path)
    content = read(path)
    path.write_bytes(pack(Content(content.kind, content.document, content.arrays, version=1)))
    complains(lambda: tl.load(path), ModelFileError)


def test_a_file_without_bounds_takes_values_however_far_out(tmp_path: Path) -> None:
    path, far = tmp_path / "model", X[:3] + np.array([0, 0, 1e3, 0])
    settings = {"max_iter": 2, "random_state": 0, "standardize_inputs": "standard"}
    model = tl.MLPRegressor((5,), **settings).fit(X, PLACES)
    tl.save(model, path)
    assert np.array_equal(tl.load(path).predict(far), model.predict(far))
    content = read(path)
    later = {f"inputs.{name}" for name in ("furthest", "bend", "column", "low", "width")}
    later |= {"inputs.lowest", "inputs.highest"}
    arrays = {key: one for key, one in content.arrays.items() if key not in later}
    path.write_bytes(pack(Content(content.kind, content.document, arrays)))
    earlier = tl.load(path)
    assert np.array_equal(earlier.predict(X), model.predict(X))
    assert np.abs(earlier.predict(far) - model.predict(far)).min() > 10
    tl.save(earlier, path)
    assert np.array_equal(tl.load(path).predict(far), earlier.predict(far))


def test_a_file_with_the_old_names_of_norms_loads_and_loses_them(tmp_path: Path) -> None:
    model = tl.load(Path(__file__).parent / "version-2.safetensors")
    assert model.norm == tl.BatchNorm(eps=1e-3)
    assert model.batch_norm == model.layer_norm == "deprecated"
    x = np.random.default_rng(3).standard_normal((12, 4))
    expected = [0.7376098541599637, 0.173318846228584, 0.08907129961145233]
    assert np.abs(model.predict_proba(x)[0] - expected).max() < 1e-6  # float32
    tl.save(model, tmp_path / "model")
    assert not {"batch_norm", "layer_norm"} & set(read(tmp_path / "model").document["parameters"])


def test_a_parameter_that_a_file_lacks_has_its_default(tmp_path: Path) -> None:
    """As in a file that was written before the parameter was added."""
    path = tmp_path / "model"
    model = tl.MLPClassifier((3,), n_members=2, max_iter=2, random_state=0).fit(X, PLACES)
    tl.save(model, path)
    content = read(path)
    del content.document["parameters"]["norm"], content.document["parameters"]["label_smoothing"]
    path.write_bytes(pack(content))
    assert tl.load(path).get_params() == model.get_params()
