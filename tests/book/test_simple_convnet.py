"""The network of chapter 7: its gradient, its form, and files of parameters that run nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainlab.book.convolution import Convolution, Pooling
from trainlab.book.layers import Affine, Relu, SoftmaxWithLoss
from trainlab.book.simple_convnet import SimpleConvNet
from trainlab.differentiation import numerical_gradient
from trainlab.errors import DataError, SettingError

STEP = 1e-6
"""h of the differences: so small that no ReLU or maximum of the batch changes sides."""
AGREEMENT = 1e-6
"""Rounding 2.2e-16 · loss / h is 1e-9; log(y + 1e-7) in the loss is off by 1e-7 / y, and no y
of the batch is below 0.1."""

# What pickle.dumps({"W1": 0}) gives: no file of the book's is needed to be refused.
PICKLE = base64.b64decode("gASVCwAAAAAAAAB9lIwCVzGUSwBzLg==")


@pytest.fixture
def network() -> SimpleConvNet:
    np.random.seed(0)
    conv = {"filter_num": 3, "filter_size": 4, "pad": 1, "stride": 2}
    return SimpleConvNet((2, 13, 9), conv, hidden_size=7, output_size=5, weight_init_std=0.1)


def batch(rng: np.random.Generator, rows: int = 6) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((rows, 2, 13, 9)), rng.integers(0, 5, rows)


def test_the_form_is_the_books() -> None:
    np.random.seed(3)
    network = SimpleConvNet()
    np.random.seed(3)
    W1, W2 = 0.01 * np.random.randn(30, 1, 5, 5), 0.01 * np.random.randn(30 * 12 * 12, 100)
    assert np.array_equal(network.params["W1"], W1)
    assert np.array_equal(network.params["W2"], W2)
    shapes = {name: value.shape for name, value in network.params.items()}
    assert list(shapes) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    assert shapes["W3"] == (100, 10)
    assert [(name, type(layer)) for name, layer in network.layers.items()] == [
        ("Conv1", Convolution),
        ("Relu1", Relu),
        ("Pool1", Pooling),
        ("Affine1", Affine),
        ("Relu2", Relu),
        ("Affine2", Affine),
    ]
    assert isinstance(network.last_layer, SoftmaxWithLoss)
    assert network.layers["Conv1"].W is network.params["W1"]
    assert network.predict(np.zeros((2, 1, 28, 28))).shape == (2, 10)


def check_gradient(network: SimpleConvNet, one_hot: bool = False) -> None:
    x, t = batch(np.random.default_rng(1))
    t = np.eye(5)[t] if one_hot else t
    exact = network.gradient(x, t)
    assert list(exact) == list(network.params)
    for name, value in network.params.items():

        def loss(moved: np.ndarray, value: np.ndarray = value) -> float:
            kept = value.copy()
            value[...] = moved
            try:
                return float(network.loss(x, t))
            finally:
                value[...] = kept

        assert exact[name].shape == value.shape
        assert np.abs(exact[name]).max() > 1e-3
        numeric = numerical_gradient(loss, value, h=STEP)
        np.testing.assert_allclose(exact[name], numeric, atol=AGREEMENT)


@pytest.mark.parametrize("one_hot", [False, True])
def test_gradient_agrees_with_the_numerical_one(one_hot: bool, network: SimpleConvNet) -> None:
    check_gradient(network, one_hot)


def test_numerical_gradient_has_the_names_and_the_step_of_the_book(network: SimpleConvNet) -> None:
    x, t = batch(np.random.default_rng(1), rows=2)
    before = {name: value.copy() for name, value in network.params.items()}
    exact, numeric = network.gradient(x, t), network.numerical_gradient(x, t)
    assert list(numeric) == list(exact)
    for name, value in numeric.items():
        # The median, because within h = 1e-4 some ReLU is at its kink.
        assert np.median(np.abs(value - exact[name])) < AGREEMENT
        assert np.array_equal(network.params[name], before[name])


FAULTS: dict[str, tuple[type, Callable[[Any, Any], Any]]] = {
    "convolution": (Convolution, lambda layer, dout: setattr(layer, "dW", 1.0005 * layer.dW)),
    "bias": (Convolution, lambda layer, dout: setattr(layer, "db", layer.db / 6)),
    "affine": (Affine, lambda layer, dout: setattr(layer, "dW", 1.0005 * layer.dW)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_layer_is_caught(
    name: str, network: SimpleConvNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, change = FAULTS[name]
    right = kind.parameter_gradients

    def wrong(self: Any, dout: Any) -> Any:
        kept = right(self, dout)
        change(self, dout)
        return kept

    monkeypatch.setattr(kind, "parameter_gradients", wrong)
    with pytest.raises(AssertionError):
        check_gradient(network)


def test_a_pooling_that_forgets_its_maxima_is_caught(
    network: SimpleConvNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Pooling.backward
    monkeypatch.setattr(Pooling, "backward", lambda self, dout: right(self, dout)[:, :, ::-1])
    with pytest.raises(AssertionError):
        check_gradient(network)


def test_training_lowers_the_loss(network: SimpleConvNet, rng) -> None:
    x, t = batch(rng)
    before = network.loss(x, t)
    for _ in range(50):
        for name, gradient in network.gradient(x, t).items():
            network.params[name] -= 0.1 * gradient
    assert network.loss(x, t) < before / 2


@pytest.mark.parametrize("size", [1, 4, 7, 100, 3.0])
def test_accuracy_counts_the_last_batch_too(size: float, network: SimpleConvNet, rng) -> None:
    x, _ = batch(rng, 7)
    t = network.predict(x).argmax(axis=1)
    assert network.accuracy(x, t, size) == 1.0
    t[6] = (t[6] + 1) % 5
    assert network.accuracy(x, np.eye(5)[t], size) == 6 / 7


def test_parameters_come_back_under_any_name(
    network: SimpleConvNet, rng, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, t = batch(rng)
    path = tmp_path / "Gewichte größer.pkl"
    network.save_params(str(path))
    other = SimpleConvNet(
        (2, 13, 9), {"filter_num": 3, "filter_size": 4, "pad": 1, "stride": 2}, 7, 5
    )
    assert not np.array_equal(other.predict(x), network.predict(x))
    other.load_params(str(path))
    assert np.array_equal(other.predict(x), network.predict(x))
    gradient = other.gradient(x, t)
    other.params["W1"] -= gradient["W1"]  # the layers hold what was loaded, not a copy
    assert not np.array_equal(other.predict(x), network.predict(x))
    assert [file.name for file in tmp_path.iterdir()] == ["Gewichte größer.pkl"]
    assert path.read_bytes().startswith(b"PK")


def test_the_name_is_the_books_if_none_is_given(
    network: SimpleConvNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    network.save_params()
    assert (tmp_path / "params.pkl").is_file()
    network.load_params()


@pytest.mark.parametrize("content", [PICKLE, b"", b"nonsense", b"PK\x03\x04 cut"])
def test_what_save_params_did_not_write_is_refused(
    content: bytes, network: SimpleConvNet, tmp_path: Path
) -> None:
    path = tmp_path / "params.pkl"
    path.write_bytes(content)
    before = network.params["W1"]
    words = r"file_name of load_params must be a file that save_params of trainlab wrote \(pickles"
    with pytest.raises(DataError, match=words):
        network.load_params(str(path))
    assert network.params["W1"] is before


def test_objects_in_an_archive_are_refused(network: SimpleConvNet, tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    with path.open("wb") as file:
        np.savez(file, W1=np.array([{"runs": "anything"}], dtype=object))
    with pytest.raises(DataError, match="pickles are not read"):
        network.load_params(str(path))


def test_an_archive_of_other_parameters_is_refused(network: SimpleConvNet, tmp_path: Path) -> None:
    path = tmp_path / "others.npz"
    np.savez(path, W1=np.zeros(3))
    with pytest.raises(DataError, match="must have the parameters W1, W2, W3, b1, b2, b3; got"):
        network.load_params(str(path))


def test_a_file_that_is_not_there_is_an_oserror(network: SimpleConvNet, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        network.load_params(str(tmp_path / "nowhere.pkl"))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="conv_param of SimpleConvNet must have no keys but"):
        SimpleConvNet(conv_param={"filters": 3})
