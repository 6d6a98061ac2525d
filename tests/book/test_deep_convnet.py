"""The network of chapter 8: its form, its gradient, and dropout in training alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainlab.book.convolution import Convolution, Pooling
from trainlab.book.deep_convnet import DeepConvNet
from trainlab.book.layers import Affine, Dropout, Relu
from trainlab.differentiation import numerical_gradient
from trainlab.errors import SettingError

STEP = 1e-6
"""h of the differences: so small that no ReLU or maximum of the batch changes sides."""
AGREEMENT = 1e-6
"""Rounding 2.2e-16 · loss / h is 1e-9; log(y + 1e-7) in the loss is off by 1e-7 / y, and no y
of the batch is below 0.1."""
SMALL = [
    {"filter_num": n, "filter_size": h, "pad": pad, "stride": 1}
    for n, h, pad in ((2, 3, 1), (3, 3, 1), (2, 2, 1), (3, 3, 2), (2, 3, 1), (3, 1, 0))
]


@pytest.fixture
def network() -> DeepConvNet:
    np.random.seed(0)
    return DeepConvNet((2, 11, 9), *SMALL, hidden_size=7, output_size=4)


def test_the_form_is_the_books() -> None:
    np.random.seed(3)
    network = DeepConvNet()
    np.random.seed(3)
    filters = (1, 16, 16, 32, 32, 64, 64)
    for i in range(1, 7):
        shape = (filters[i], filters[i - 1], 3, 3)
        W = np.sqrt(2.0 / (9 * filters[i - 1])) * np.random.randn(*shape)
        assert np.array_equal(network.params[f"W{i}"], W)
        assert np.array_equal(network.params[f"b{i}"], np.zeros(filters[i]))
    W = np.sqrt(2.0 / 1024) * np.random.randn(64 * 4 * 4, 50)
    assert np.array_equal(network.params["W7"], W)
    W = np.sqrt(2.0 / 50) * np.random.randn(50, 10)
    assert np.array_equal(network.params["W8"], W)
    assert list(network.params) == [f"{kind}{i}" for i in range(1, 9) for kind in "Wb"]
    block = [Convolution, Relu, Convolution, Relu, Pooling]
    assert [type(layer) for layer in network.layers] == [
        *(3 * block),
        *[Affine, Relu, Dropout, Affine, Dropout],
    ]
    assert network.layers[7].pad == 2
    assert network.layers[15].W is network.params["W7"]
    assert network.predict(np.zeros((2, 1, 28, 28))).shape == (2, 10)


@pytest.mark.parametrize("one_hot", [False, True])
def test_gradient_agrees_with_the_numerical_one(one_hot: bool, network: DeepConvNet) -> None:
    draws = np.random.default_rng(1)
    x, t = draws.standard_normal((5, 2, 11, 9)), draws.integers(0, 4, 5)
    t = np.eye(4)[t] if one_hot else t
    network.loss(x, t)
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.frozen = True
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
        assert np.abs(exact[name]).max() > 1e-4
        numeric = numerical_gradient(loss, value, h=STEP)
        np.testing.assert_allclose(exact[name], numeric, atol=AGREEMENT)


def test_dropout_is_for_training(network: DeepConvNet, rng: np.random.Generator) -> None:
    x = rng.standard_normal((6, 2, 11, 9))
    assert np.array_equal(network.predict(x), network.predict(x))
    outputs = [network.predict(x, train_flg=True) for _ in range(2)]
    assert not np.array_equal(*outputs)
    assert 0 < np.mean(outputs[0] == 0) < 1


def test_it_learns_and_its_parameters_come_back(
    network: DeepConvNet, rng: np.random.Generator, tmp_path: Path
) -> None:
    x, t = rng.standard_normal((6, 2, 11, 9)), np.arange(6) % 4

    def loss() -> float:  # without dropout
        return float(network.last_layer.forward(network.predict(x), t))

    before = loss()
    for _ in range(60):
        for name, gradient in network.gradient(x, t).items():
            network.params[name] -= 0.05 * gradient
    assert loss() < before
    path = tmp_path / "deep_convnet_params.pkl"
    network.save_params(str(path))
    other = DeepConvNet((2, 11, 9), *SMALL, hidden_size=7, output_size=4)
    other.load_params(str(path))
    assert np.array_equal(other.predict(x), network.predict(x))
    assert network.accuracy(x, network.predict(x).argmax(axis=1), 4) == 1.0


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="conv_param of DeepConvNet must have no keys but"):
        DeepConvNet(conv_param_3={"filters": 3})
