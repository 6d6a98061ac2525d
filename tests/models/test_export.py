"""Every layer, activation and loss as ONNX, held against onnxruntime."""

from __future__ import annotations

import dataclasses
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from cases import LOSSES, NETWORKS, TECHNIQUES, targets
from complaints import complains
from trainlab import files, versions
from trainlab.errors import ModelFileError, NotTrainedError, SettingError
from trainlab.estimators import trees
from trainlab.models import export, export_onnx, graph
from trainlab.network.activations import Activation
from trainlab.network.base import Layer

onnxruntime = pytest.importorskip("onnxruntime")

# Outputs are of the size 1.  In float32 a few roundings of 6e-8 each stand between the two;
# in float64 they are far below.
AGREEMENT = {"float32": 1e-6, "float64": 1e-12}
# Except for the erf of GELU, which is float32 there.
WITH_ERF = 1e-6
# What is trained is 13 rows; these are more, and some of them far out.
ROWS, IN, OUT = 13, 5, 3
X = np.random.default_rng(6).standard_normal((40, IN))


def trained(network: tl.MLP, dtype: str, seeds: int = 1) -> tl.Population:
    t = targets(network.loss.task, np.random.default_rng(7), (ROWS,), OUT)
    if network.loss.task == "classification":
        t = np.arange(ROWS) % OUT
    population = tl.Population.grid(network=network, optimizer=tl.SGD(0.05), seed=range(seeds))
    data = tl.from_arrays(X[:ROWS], t, task=network.loss.task, dtype=dtype)
    population.fit(data, batch_size=5, steps=8, dtype=dtype, workers=1)
    return population


def run(path: Path, x: Any) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def outputs(population: tl.Population, x: Any) -> Any:
    """The outputs (members, N, out) before any softmax or sigmoid."""
    found = []
    for member, state in zip(population, population.states, strict=True):
        network = member.network.build(*population.widths)
        bound = network.bind(state.params, state.buffers)
        found.append(network.forward(bound, x.astype(state.params.dtype))[0])
    return np.stack(found)


@pytest.mark.parametrize("dtype", AGREEMENT)
@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_agrees(name: str, dtype: str, tmp_path: Path) -> None:
    population = trained(NETWORKS[name], dtype)
    export_onnx(population, tmp_path / "model.onnx")
    found = run(tmp_path / "model.onnx", X.astype(dtype))
    bound = WITH_ERF if name == "activation gelu" else AGREEMENT[dtype]
    assert all(values.dtype == dtype for values in found.values())
    assert np.abs(found["outputs"] - outputs(population, X)[0]).max() <= bound
    if population[0].network.loss.task == "regression":
        assert set(found) == {"outputs"}
    else:
        expected = population.predict_proba(X)[0]
        assert np.abs(found["probabilities"] - expected).max() <= bound


def test_nothing_is_missing() -> None:
    assert {loss.task for loss in LOSSES.values()} == set(graph.PROBABILITIES)
    assert TECHNIQUES["the book's"]["dropout"] > 0  # whose evaluation has a factor


def test_a_member_of_a_population(tmp_path: Path) -> None:
    population = trained(tl.MLP((4, 6), "tanh", norm="batch"), "float32", seeds=3)
    for index in range(3):
        export_onnx(population, tmp_path / "model.onnx", index=index)
        found = run(tmp_path / "model.onnx", X.astype("float32"))["probabilities"]
        assert np.abs(found - population.predict_proba(X)[index]).max() <= AGREEMENT["float32"]


def test_a_network_and_a_row_alone(tmp_path: Path) -> None:
    network = tl.Network(tl.MLP((4,)))
    network.fit(tl.from_arrays(X, np.arange(40) % OUT), steps=3, workers=1)
    export_onnx(network, str(tmp_path / "model.onnx"))
    found = run(tmp_path / "model.onnx", X[:1].astype("float32"))["probabilities"]
    assert np.abs(found - network.predict_proba(X[:1])).max() <= AGREEMENT["float32"]


def test_the_largest_file() -> None:
    assert export.MAX_BYTES == 2**31 - 2**20  # protocol buffers hold 2 GiB, the graph a part


def test_what_the_file_says_of_itself(tmp_path: Path) -> None:
    """Runtimes refuse a format that is newer than theirs, and name the node of an error."""
    path = tmp_path / "model.onnx"
    export_onnx(trained(tl.MLP(hidden=(4,)), "float32"), path)
    model = pytest.importorskip("onnx").load(path)
    assert (model.producer_name, model.producer_version) == ("trainlab", versions.own())
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    assert all(node.name for node in model.graph.node)


def test_ctrl_c_does_not_interrupt_the_import_of_compiled_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of onnx crash where an exception comes out of the Python code that they call."""
    monkeypatch.delitem(sys.modules, "onnx", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "onnx.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\nimported = True\n"
    )
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            export_onnx(trained(tl.MLP(hidden=(4,)), "float32"), tmp_path / "model.onnx", 0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert sys.modules.pop("onnx").imported


def test_what_cannot_be_exported_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, population = tmp_path / "model.onnx", trained(tl.MLP((4,)), "float32", seeds=2)
    complains(lambda: export_onnx(tl.Network(), path), NotTrainedError)
    complains(lambda: export_onnx(tl.MLP(), path), SettingError, "model of export_onnx")
    for index in (None, 2, -1, True, 0.0):
        complains(lambda i=index: export_onnx(population, path, i), SettingError, "index of")
    must = "must be in a folder that can be written to, with room for it"
    folder = f"file of {tmp_path} {must}; got 'Is a directory'"
    complains(lambda: export_onnx(population, tmp_path, 0), ModelFileError, folder)

    def refuse(path: Path, content: bytes) -> None:
        raise OSError("no words of the system")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", refuse)
        refused = f"file of {path} {must}; got 'no words of the system'"
        complains(lambda: export_onnx(population, path, 0), ModelFileError, refused)
    monkeypatch.setattr(export, "MAX_BYTES", 10)
    complains(lambda: export_onnx(population, path, 0), SettingError, "parameters of")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'trainlab\[onnx\]'"):
        export_onnx(population, path, 0)
    assert not path.exists()


@dataclasses.dataclass(frozen=True)
class Square(Activation):
    """An activation without a formula for graphs."""

    def value(self, x: Any, out: Any, new: Any = None) -> Any:
        return np.multiply(x, x, out=out)

    def pullback(self, x: Any, y: Any, dy: Any, out: Any, new: Any = None) -> Any:
        return np.multiply(2 * x, dy, out=out)


def test_what_has_no_formula_is_said(tmp_path: Path) -> None:
    population = trained(tl.MLP((3,), activation=Square()), "float32")
    path = tmp_path / "model.onnx"
    complains(lambda: export_onnx(population, path), tl.SettingError, "Square of export_onnx")
    norm = Without(tl.LayerNorm())
    population = trained(tl.MLP((3,), norm=norm), "float32")
    complains(lambda: export_onnx(population, path), tl.SettingError, "Without of export_onnx")
    assert not path.exists()


@dataclasses.dataclass(frozen=True)
class Without(Layer):
    """A layer that does what another does, but has no formula for graphs."""

    layer: Layer

    def declare(self, in_features: int) -> Any:
        return self.layer.declare(in_features)

    def forward(self, *arguments: Any) -> Any:
        return self.layer.forward(*arguments)

    def backward(self, *arguments: Any) -> Any:
        return self.layer.backward(*arguments)


def test_a_row_at_a_threshold_stays_there_in_float32(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.choice(rng.normal(size=400).round(9), size=(1500, 3))  # thresholds are among these
    y = 10 * np.sign(x[:, 0] - np.quantile(x[:, 0], 0.6)) + x[:, 1]
    model = tl.PopulationEnsembleRegressor(n_candidates=2, n_folds=2, max_iter=5, random_state=0)
    model.fit(x, y)
    export_onnx(model, tmp_path / "model.onnx")
    (found,) = run(tmp_path / "model.onnx", x.astype("float32")).values()
    predicted = model.predict(x)
    assert np.abs(found - predicted).max() < 1e-6
    assert np.abs(model.predict(x.astype("float32")) - predicted).max() < 1e-6


def test_trees_of_float32_rows_keep_neighbours_apart() -> None:
    low = np.array([1.0, 1.0 + 2.0**-23, 3.0, -1.0 - 2.0**-23, 1e-45], np.float32)
    high = np.nextafter(low, np.float32(np.inf))
    found = trees.single((low.astype(np.float64) + high) / 2)
    assert (low <= found).all()
    assert (found < high).all()
