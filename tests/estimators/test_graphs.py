"""Estimators as ONNX, held against what they answer themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from trainlab.data.far import FAR_FROM_TRAINING
from trainlab.errors import SettingError

onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Of what is of the size 1: softmax, sigmoid, the mean over the members, the units of y.  In
# float32 a few roundings of 6e-8 each stand between the two libraries; in float64 they are far
# below.
AGREEMENT = {"float32": 1e-6, "float64": 1e-12}
# Libraries and processors add up the products of a layer in orders of their own.  A sum of n
# numbers is off by at most n roundings of the sum of their sizes (Higham 2002, eq. 4.4): here
# of 5 products and a bias, then of 6 and a bias, each of which is rounded, in both libraries.
ROUNDINGS = 2 * (5 + 2 + 6 + 2)
# Columns of other units, one of them constant.
X = np.random.default_rng(9).standard_normal((30, 5)) * [1, 1e3, 1e-3, 5, 0] + [0, 2e3, 0, 3, 7]
PLACES = np.arange(30) % 3
TABLES = {
    "plain": {"standardize_inputs": False},
    "standard": {"standardize_inputs": "standard"},
    "robust": {},
    "piecewise": {"standardize_inputs": "piecewise"},
    "three": {"n_members": 3},
}
LABELS: dict[str, Any] = {
    "int64": PLACES * 5 - 3,
    "int8": PLACES.astype(np.int8),
    "strings": np.array(["a", "=ü", "no"])[PLACES],
    "objects": np.array(["a", "bb", "c"], dtype=object)[PLACES],
    "two": PLACES % 2 + 4,
}
# Of kinds that ONNX files hold no labels of: their places.
OTHERS: dict[str, Any] = {
    "bool": PLACES > 0,
    "float64": PLACES * 2.0,
}


def fitted(kind: Any, y: Any, dtype: str = "float64", **settings: Any) -> Any:
    chosen = {"max_iter": 4, "random_state": 0, "learning_rate_init": 0.05, **settings}
    if chosen.get("standardize_inputs") is False:
        chosen["learning_rate_init"] = 1e-5
    return kind((6,), dtype=dtype, **chosen).fit(X.astype(dtype), y)


def run(model: Any, path: Path, dtype: str = "float64", x: Any = X) -> dict[str, Any]:
    tl.export_onnx(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x.astype(dtype)}), strict=True))


def agreement(model: Any, dtype: str = "float64", x: Any = X) -> Any:
    """How far apart outputs (N, out) may be; probabilities too, whose slopes are below 1.

    Of outputs that are small differences of large products, more than of others.
    """
    population, found = model._population, []
    for member, state in zip(population, population.states, strict=True):
        network = member.network.build(*population.widths)
        size = np.abs(model._inputs.encode(x, "float64"))
        for p in network.bind(state.params, state.buffers):
            if p:  # ReLU and the identity, between the layers, make no number or error larger
                size = size @ np.abs(p["W"]) + np.abs(p["b"])
        found.append(size)
    return AGREEMENT[dtype] + ROUNDINGS * np.finfo(dtype).eps / 2 * np.max(found, axis=0)


@pytest.mark.parametrize("dtype", AGREEMENT)
@pytest.mark.parametrize("settings", TABLES)
def test_probabilities_agree(settings: str, dtype: str, tmp_path: Path) -> None:
    indicators = np.stack([PLACES > 0, PLACES < 2], axis=1).astype(int)
    for y in (LABELS["int64"], indicators):
        model = fitted(tl.MLPClassifier, y, dtype, **TABLES[settings])
        found = run(model, tmp_path / "model.onnx", dtype)
        expected = model.predict_proba(X.astype(dtype))
        assert set(found) == {"label", "probabilities"}
        assert found["probabilities"].dtype == np.float64
        bound = agreement(model, dtype).max(axis=1, keepdims=True)
        assert (np.abs(found["probabilities"] - expected) <= bound).all()
        assert found["label"].dtype == np.int64
        assert np.array_equal(found["label"], model.predict(X.astype(dtype)))


@pytest.mark.parametrize("dtype", AGREEMENT)
@pytest.mark.parametrize("settings", TABLES)
def test_predictions_agree_in_the_units_of_y(settings: str, dtype: str, tmp_path: Path) -> None:
    units = np.array([1e9, 1e-300])
    both = X[:, :2] * [1, 1e-3] * units + 5 * units
    for y, unit in ((both[:, 0], units[0]), (both, units)):
        model = fitted(tl.MLPRegressor, y, dtype, **TABLES[settings])
        found = run(model, tmp_path / "model.onnx", dtype)
        expected = model.predict(X.astype(dtype))
        assert set(found) == {"predictions"}
        assert found["predictions"].shape == expected.shape == y.shape
        bound = (agreement(model, dtype) * model._targets.scale).reshape(y.shape)
        assert (np.abs(found["predictions"] - expected) / unit <= bound / unit).all()


@pytest.mark.parametrize("labels", LABELS)
def test_labels_are_those_of_the_classes(labels: str, tmp_path: Path) -> None:
    model = fitted(tl.MLPClassifier, LABELS[labels])
    assert run(model, tmp_path / "m.onnx")["label"].tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("labels", OTHERS)
def test_other_labels_are_given_by_their_places(labels: str, tmp_path: Path) -> None:
    model = fitted(tl.MLPClassifier, OTHERS[labels], max_iter=20)
    found = run(model, tmp_path / "m.onnx")["label"]
    assert found.dtype == np.int64
    assert found.min() == 0
    assert model.classes_[found].tolist() == model.predict(X).tolist()


def test_labels_that_onnx_has_no_number_for_are_an_error(tmp_path: Path) -> None:
    """Their places would be taken for labels, as all other whole numbers are."""
    large = PLACES.astype(np.uint64) + np.uint64(2**63 - 3)
    model = fitted(tl.MLPClassifier, large)
    assert run(model, tmp_path / "m.onnx")["label"].tolist() == model.predict(X).tolist()
    model = fitted(tl.MLPClassifier, large + np.uint64(1))
    told = f"classes_ of export_onnx must be int64 or strings, as labels of ONNX are; got {2**63}"
    complains(lambda: tl.export_onnx(model, tmp_path / "none"), SettingError, told)
    assert not (tmp_path / "none").exists()


def test_a_row_alone_and_numbers_that_overflow(tmp_path: Path) -> None:
    x = X[:1].copy()
    x[0, :3] = 3e38, -3e38, 3e38  # finite, but their products in float32 are not
    settings = {"activation": "identity", "standardize_inputs": False}
    model = fitted(tl.MLPClassifier, PLACES, "float32", n_members=2, **settings)
    found = run(model, tmp_path / "model.onnx", "float32", x)
    assert found["probabilities"].tolist() == [[1 / 3] * 3] == model.predict_proba(x).tolist()
    assert found["label"].tolist() == model.predict(x).tolist() == [0]
    several = fitted(tl.MLPClassifier, np.eye(3, dtype=int)[PLACES], "float32", **settings)
    found = run(several, tmp_path / "model.onnx", "float32", x)
    assert found["probabilities"].tolist() == several.predict_proba(x).tolist()
    network = fitted(tl.MLPRegressor, X[:, 0], "float32", **settings)
    found = run(network, tmp_path / "model.onnx", "float32", x)
    assert found["predictions"].tolist() == network.predict(x).tolist()
    assert found["predictions"].tolist() == pytest.approx([X[:, 0].mean()])


@pytest.mark.filterwarnings(f"ignore:{FAR_FROM_TRAINING}")
@pytest.mark.parametrize("settings", TABLES)
def test_rows_far_outside_agree(settings: str, tmp_path: Path) -> None:
    x = X + np.diag([1e9, -1e12, 1e5, -1e9, 1e3])[np.arange(30) % 5]
    for y in (PLACES, np.eye(3, dtype=int)[PLACES]):
        model = fitted(tl.MLPClassifier, y, learning_rate_init=1.0, **TABLES[settings])
        found = run(model, tmp_path / "model.onnx", x=x)["probabilities"]
        assert ((found > 0) & (found < 1)).all()
        bound = agreement(model, x=x).max(axis=1, keepdims=True)
        assert (np.abs(found - model.predict_proba(x)) <= bound).all()
    network = fitted(tl.MLPRegressor, X[:, 0], **TABLES[settings])
    found, expected = run(network, tmp_path / "model.onnx", x=x)["predictions"], network.predict(x)
    assert (np.abs(found - expected) <= agreement(network, x=x)[:, 0]).all()
    assert (np.abs(found).max() < 100) == (settings != "plain")


def test_members_count_by_their_weights(tmp_path: Path) -> None:
    weights = np.array([0.5, 0.2, 0.3])
    for kind, y, answer in (
        (tl.MLPClassifier, PLACES, "probabilities"),
        (tl.MLPRegressor, X[:, 0], "predictions"),
    ):
        model = fitted(kind, y, n_members=3)
        even = run(model, tmp_path / "model.onnx")[answer]
        model._weights = weights
        found = run(model, tmp_path / "model.onnx")[answer]
        expected = getattr(model, "predict_proba", model.predict)(X)
        bound = agreement(model).max(axis=1).reshape(-1, *[1] * (found.ndim - 1))
        assert (np.abs(found - expected) <= bound).all()
        assert np.abs(found - even).max() > 1e-3


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    complains(lambda: tl.export_onnx(tl.MLPClassifier(), path), SettingError, "model of export")
    model = fitted(tl.MLPClassifier, PLACES)
    complains(lambda: tl.export_onnx(model, path, index=0), SettingError, "index of export_onnx")
    assert not path.exists()
