"""What readers of the book import from `common.multi_layer_net`."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from trainlab.blas import one_thread
from trainlab.book.layers import ROW_BY_ROW, Affine, Relu, Sigmoid, SoftmaxWithLoss, backward
from trainlab.book.notices import tell_unshared
from trainlab.book.perturbed import network_gradient
from trainlab.book.samples import whole
from trainlab.errors import SettingError, nearest, sentence

__all__ = ["MultiLayerNet", "np"]

ACTIVATIONS: Final[dict[str, Callable[[], Any]]] = {"sigmoid": Sigmoid, "relu": Relu}
VARIANCES: Final = {"relu": 2.0, "he": 2.0, "sigmoid": 1.0, "xavier": 1.0}
"""Times 1/in: the variance of initial weights."""
ROWS: Final = 256
"""Rows of a block in which accuracies are computed: 1.6 MB of 784 pixels, which stay in a
cache where the 63 MB of ten thousand images do not."""


class MultiLayerNet:
    """Affine and activation for each hidden layer, then affine; softmax cross-entropy.

    params: W1 (in, out), b1 (out,), W2, …, arrays that the layers share.  layers: Affine1,
    Activation_function1, Affine2, … in their order; `last_layer` is the softmax with loss.
    The loss has the penalty ½·λ·ΣW² of all weights (λ: `weight_decay_lambda`).

    weight_init_std: the standard deviation of the initial weights, or 'relu'/'he' for
    √(2/in), 'sigmoid'/'xavier' for √(1/in).  They are drawn with `np.random.randn`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
    ) -> None:
        if isinstance(hidden_size_list, int | float | np.number):
            must, remedy = "be a list of widths", f"[{hidden_size_list}]"
            raise SettingError(
                sentence("hidden_size_list", "MultiLayerNet", must, hidden_size_list, remedy)
            )
        self.input_size = whole(input_size)
        self.output_size = whole(output_size)
        self.hidden_size_list = [whole(width) for width in hidden_size_list]
        self.hidden_layer_num = len(hidden_size_list)
        self.weight_decay_lambda = weight_decay_lambda
        self.params: dict[str, Any] = {}
        self.layers: OrderedDict[str, Any] = OrderedDict()
        self.last_layer = SoftmaxWithLoss()

        self._draw_weights(weight_init_std)
        for i in range(1, self.hidden_layer_num + 1):
            self._add_affine(i)
            self._add_hidden(i, chosen(ACTIVATIONS, activation, "activation")())
        self._add_affine(self.hidden_layer_num + 1)

    def _draw_weights(self, weight_init_std: float | str) -> None:
        sizes = [self.input_size, *self.hidden_size_list, self.output_size]
        for i, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), 1):
            std: Any = weight_init_std
            if isinstance(weight_init_std, str):
                std = np.sqrt(chosen(VARIANCES, weight_init_std, "weight_init_std") / fan_in)
            draws = np.random.randn(fan_in, fan_out)  # noqa: NPY002 - np.random.seed repeats it
            self.params[f"W{i}"] = std * draws
            self.params[f"b{i}"] = np.zeros(fan_out)

    def _add_affine(self, i: int) -> None:
        self.layers[f"Affine{i}"] = Affine(self.params[f"W{i}"], self.params[f"b{i}"])

    def _add_hidden(self, i: int, activation: Any) -> None:
        """What follows the i-th affine layer."""
        self.layers[f"Activation_function{i}"] = activation

    def predict(self, x: Any) -> Any:
        """The outputs before the softmax, (B, output_size)."""
        tell_unshared(self, self.layers.values())
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    @one_thread()
    def loss(self, x: Any, t: Any) -> Any:
        """The loss of a batch; t is class indices, or one-hot."""
        return self.last_layer.forward(self.predict(x), t) + self._penalty()

    def _penalty(self) -> float:
        if self.weight_decay_lambda == 0:
            return 0.0
        penalty = 0.0
        for i in range(1, self.hidden_layer_num + 2):
            penalty += 0.5 * self.weight_decay_lambda * float(np.sum(self.params[f"W{i}"] ** 2))
        return penalty

    @one_thread()
    def accuracy(self, x: Any, t: Any) -> float:
        """The share of samples whose largest output is at their class."""
        return share_right(outputs(self, MultiLayerNet.predict, x), t)

    @one_thread()
    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter, by central differences."""
        layers = self.layers.values()
        return network_gradient(self, MultiLayerNet, layers, lambda: self.loss(x, t), x, t)

    @one_thread()
    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter, by back-propagation."""
        if type(self).loss is MultiLayerNet.loss:  # the penalty has no backward pass
            self.last_layer.forward(self.predict(x), t)
        else:
            self.loss(x, t)
        return self._backward()

    def _backward(self) -> dict[str, Any]:
        backward(self.layers, self.last_layer.backward())
        decay = self.weight_decay_lambda
        grads = {}
        for i in range(1, self.hidden_layer_num + 2):
            affine = self.layers[f"Affine{i}"]
            grads[f"W{i}"] = affine.dW + decay * affine.W if decay else affine.dW
            grads[f"b{i}"] = affine.db
        return grads


def outputs(network: Any, known: Callable[..., Any], x: Any) -> Any:
    """`predict(x)`; in blocks of rows, unless that is a method or a layer of the reader's."""
    layers = getattr(network, "layers", {}).values()
    ours = all(type(layer) in ROW_BY_ROW for layer in layers)
    if not ours or type(network).predict is not known or "predict" in vars(network):
        return network.predict(x)
    blocks = [network.predict(x[i : i + ROWS]) for i in range(0, len(x), ROWS)]
    return np.concatenate(blocks) if blocks else network.predict(x)


def share_right(y: Any, t: Any) -> float:
    """The share of rows of y (B, classes) whose maximum is at t; t is indices, or one-hot."""
    return float(np.sum(y.argmax(axis=1) == class_indices(t)) / len(y))


def class_indices(t: Any) -> Any:
    """Labels (B,): t itself, the place of the largest entry of each row, or a single column."""
    t = np.asarray(t)
    return t.argmax(axis=1) if t.ndim > 1 and t.size > len(t) else t.ravel()


def chosen(table: dict[str, Any], name: str, what: str) -> Any:
    """The entry of this name, in any case of letters; SettingError if there is none."""
    key = str(name).lower()
    if key not in table:
        must, near = "be one of " + ", ".join(map(repr, table)), nearest(name, table)
        raise SettingError(sentence(what, "MultiLayerNet", must, name, near and repr(near)))
    return table[key]
