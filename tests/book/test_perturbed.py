"""Numerical gradients of the book's networks: of many copies at once, and yet the loop's bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from trainlab.book import native, perturbed
from trainlab.book.gradient import numerical_gradient
from trainlab.book.layers import Affine, Relu, SoftmaxWithLoss
from trainlab.book.multi_layer_net import MultiLayerNet
from trainlab.book.multi_layer_net_extend import MultiLayerNetExtend
from trainlab.book.notices import notice
from trainlab.book.two_layer_net import TwoLayerNet
from trainlab.book.two_layer_net_sigmoid import TwoLayerNet as SigmoidNet

NETWORKS: dict[str, Callable[[], Any]] = {
    "relu": lambda: MultiLayerNet(13, [9, 7], 4),
    "sigmoid": lambda: MultiLayerNet(13, [9], 4, activation="sigmoid", weight_init_std=0.5),
    "no hidden layer": lambda: MultiLayerNet(13, [], 4),
    "decay": lambda: MultiLayerNet(13, [6, 5], 4, weight_decay_lambda=0.1),
    "batch norm": lambda: MultiLayerNetExtend(13, [9, 7], 4, use_batchnorm=True),
    "dropout": lambda: MultiLayerNetExtend(13, [9, 7], 4, use_dropout=True),
    "all": lambda: MultiLayerNetExtend(
        13, [9, 7], 4, use_dropout=True, use_batchnorm=True, weight_decay_lambda=0.1
    ),
    "two layers": lambda: TwoLayerNet(13, 9, 4, 0.5),
    "two layers, sigmoid": lambda: SigmoidNet(13, 9, 4, 0.5),
    "wide": lambda: MultiLayerNetExtend(13, [60, 40], 4, use_batchnorm=True),
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Notices are told once per process: here once per test."""
    notice.cache_clear()
    yield
    notice.cache_clear()


def batch(rows: int = 6) -> tuple[Any, Any]:
    """Rows in which some features are zero everywhere."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 13)) * (rng.random((rows, 13)) < 0.5)
    x[:, [2, 5]] = 0.0
    return x, rng.integers(0, 4, rows)


def by_loop(net: Any, x: Any, t: Any) -> dict[str, Any]:
    """One entry at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perturbed, "_gradients_of_copies", lambda *_: None)
        np.random.seed(7)
        found: dict[str, Any] = net.numerical_gradient(x, t)
        return found


def of_copies(net: Any, x: Any, t: Any, *, expected: bool = True) -> dict[str, Any]:
    """By copies, or not where a part is the reader's."""
    calls, original = [], perturbed._gradients_of_copies

    def spy(*arguments: Any) -> Any:
        calls.append(original(*arguments))
        return calls[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perturbed, "_gradients_of_copies", spy)
        np.random.seed(7)
        found: dict[str, Any] = net.numerical_gradient(x, t)
    assert any(call is not None for call in calls) == expected
    return found


@pytest.mark.parametrize("with_native", [True, False])
@pytest.mark.parametrize("rows", [1, 2, 6, 17])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_has_the_bits_of_the_loop(
    name: str, rows: int, with_native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_native:
        monkeypatch.setattr(native, "_native", None)
    np.random.seed(1)
    net = NETWORKS[name]()
    x, t = batch(rows)
    before = {key: value.copy() for key, value in net.params.items()}
    for given, labels in ((x, t), (x.astype(np.float32), np.eye(4)[t])):
        found, expected = of_copies(net, given, labels), by_loop(net, given, labels)
        assert list(found) == list(expected) == list(net.params)
        for key, value in expected.items():
            assert found[key].dtype == np.float64
            assert found[key].tobytes() == value.tobytes(), key
    assert all(np.array_equal(net.params[key], value) for key, value in before.items())


def test_copies_that_do_not_fit_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perturbed, "NUMBERS", 100)  # one copy of 54 numbers at a time
    net = NETWORKS["relu"]()
    x, t = batch()
    found, expected = of_copies(net, x, t), by_loop(net, x, t)
    assert all(found[key].tobytes() == expected[key].tobytes() for key in expected)


def test_where_nothing_is_finite_nothing_is_left_out() -> None:
    net = NETWORKS["relu"]()
    net.params["b3"][...] = np.nan
    x, t = batch()
    with np.errstate(invalid="ignore"):
        assert np.isnan(of_copies(net, x, t)["W1"]).all()


def test_layers_are_left_as_a_pass_leaves_them() -> None:
    net = NETWORKS["batch norm"]()
    x, t = batch()
    running = [net.layers[f"BatchNorm{i}"].running_mean for i in (1, 2)]
    loss = net.loss(x, t, train_flg=True)
    statistics = [net.layers[f"BatchNorm{i}"].running_mean for i in (1, 2)]
    net.numerical_gradient(x, t)
    assert net.last_layer.loss == loss
    assert [net.layers[f"BatchNorm{i}"].running_mean for i in (1, 2)] == statistics
    assert running == [None, None]


def test_layers_remember_no_copy() -> None:
    net = NETWORKS["sigmoid"]()
    x, t = batch()
    net.loss(x, t)
    before = net.layers["Activation_function1"].out
    net.numerical_gradient(x, t)
    np.testing.assert_array_equal(net.layers["Activation_function1"].out, before)


def test_an_error_leaves_the_parameters_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    net = NETWORKS["relu"]()
    before, calls = net.params["W1"].copy(), []

    def forward(self: Affine, x: Any, real: Any = Affine.forward) -> Any:
        calls.append(self)
        if len(calls) == 40:
            raise KeyboardInterrupt
        return real(self, x)

    monkeypatch.setattr(Affine, "forward", forward)
    monkeypatch.setattr(perturbed, "FORWARD", {**perturbed.FORWARD, Affine: forward})
    with pytest.raises(KeyboardInterrupt):
        net.numerical_gradient(*batch())
    assert np.array_equal(net.params["W1"], before)


class Doubled(Relu):
    """A layer of the reader's."""

    def forward(self, x: Any) -> Any:
        return 2 * super().forward(x)

    def backward(self, dout: Any) -> Any:
        return super().backward(2 * dout)


class OwnLoss(MultiLayerNet):
    """Its own loss."""

    def loss(self, x: Any, t: Any) -> Any:
        return super().loss(x, t) + float(np.abs(self.params["W1"]).sum())


class OwnPrediction(TwoLayerNet):
    """Its own prediction."""

    def predict(self, x: Any) -> Any:
        return 3 * super().predict(x)


class OwnSoftmax(SoftmaxWithLoss):
    """Its own last layer."""

    def forward(self, x: Any, t: Any) -> Any:
        return 2 * super().forward(x, t)


def changed(how: str) -> Any:
    """A network with a part of the reader's."""
    net: Any = NETWORKS["relu"]()
    if how == "layer":
        net.layers["Activation_function1"] = Doubled()
    elif how == "method of a layer":
        layer = net.layers["Activation_function1"]
        layer.forward = lambda x: 2 * Relu.forward(layer, x)
    elif how == "method of the first layer":
        first = net.layers["Affine1"]
        first.forward = lambda x: Affine.forward(first, x)[:, ::-1]
    elif how == "loss":
        net = OwnLoss(13, [6], 4)
    elif how == "prediction":
        net = OwnPrediction(13, 6, 4, 0.5)
    elif how == "method of the network":
        net.loss = lambda x, t: 2 * MultiLayerNet.loss(net, x, t)
    elif how == "last layer":
        net.last_layer = OwnSoftmax()
    elif how == "parameter":
        net.params["scale"] = np.ones(3)
    elif how == "parameter of its own":
        net.params["W1"] = net.params["W1"].copy()
    elif how == "shared parameter":
        net.layers["Affine2"].b = net.params["b1"] = np.zeros(1)
        net.layers["Affine1"].b = net.params["b1"]
        del net.params["b2"]
    return net


@pytest.mark.parametrize(
    "how",
    [
        "layer",
        "method of a layer",
        "method of the first layer",
        "loss",
        "prediction",
        "method of the network",
        "last layer",
        "parameter",
        "parameter of its own",
        "shared parameter",
    ],
)
def test_what_is_the_readers_goes_through_its_loss(how: str) -> None:
    net = changed(how)
    x, t = batch()
    found = of_copies(net, x, t, expected=False)
    for key, value in net.params.items():
        expected = numerical_gradient(lambda _: net.loss(x, t), value)
        assert found[key].tobytes() == expected.tobytes()


def test_a_subclass_that_changes_something_else_is_known() -> None:
    class Named(MultiLayerNet):
        name = "mine"

        def accuracy(self, x: Any, t: Any) -> float:
            return 0.5

    np.random.seed(2)
    net = Named(13, [6], 4)
    x, t = batch()
    found, expected = of_copies(net, x, t), by_loop(net, x, t)
    assert all(found[key].tobytes() == expected[key].tobytes() for key in expected)
