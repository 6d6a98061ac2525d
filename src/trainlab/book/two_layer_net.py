"""What readers of the book import from `two_layer_net` in its chapter 5: layers, and ReLU."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from trainlab.blas import one_thread
from trainlab.book.layers import Affine, Relu, SoftmaxWithLoss, backward
from trainlab.book.multi_layer_net import outputs, share_right
from trainlab.book.notices import tell_unshared
from trainlab.book.perturbed import network_gradient

__all__ = ["TwoLayerNet", "np"]


class TwoLayerNet:
    """Affine1, Relu1, Affine2 in `layers`, and the softmax with loss in `lastLayer`.

    params: W1 (in, hidden), b1, W2 (hidden, out), b2; weights N(0, weight_init_std²) from
    `np.random.randn`.  Labels are class indices, or one-hot.
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, weight_init_std: float = 0.01
    ) -> None:
        self.params = p = starting_params(input_size, hidden_size, output_size, weight_init_std)
        self.layers: OrderedDict[str, Any] = OrderedDict(
            Affine1=Affine(p["W1"], p["b1"]), Relu1=Relu(), Affine2=Affine(p["W2"], p["b2"])
        )
        self.lastLayer = SoftmaxWithLoss()

    @property
    def last_layer(self) -> SoftmaxWithLoss:
        """`lastLayer`, by the name it has in the other networks."""
        return self.lastLayer

    def predict(self, x: Any) -> Any:
        """The outputs before the softmax, (B, out)."""
        tell_unshared(self, self.layers.values())
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    @one_thread()
    def loss(self, x: Any, t: Any) -> Any:
        """The cross-entropy of a batch."""
        return self.lastLayer.forward(self.predict(x), t)

    @one_thread()
    def accuracy(self, x: Any, t: Any) -> float:
        """The share of samples whose largest output is at their class."""
        return share_right(outputs(self, TwoLayerNet.predict, x), t)

    @one_thread()
    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter, by central differences."""
        layers = self.layers.values()
        return network_gradient(self, TwoLayerNet, layers, lambda: self.loss(x, t), x, t)

    @one_thread()
    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter, by back-propagation."""
        self.loss(x, t)
        backward(self.layers, self.lastLayer.backward())
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


def starting_params(inputs: int, hidden: int, outputs: int, std: float) -> dict[str, Any]:
    """W1, b1, W2, b2; the weights are drawn in this order with `np.random.randn`."""
    draw = np.random.randn
    return {
        "W1": std * draw(inputs, hidden),
        "b1": np.zeros(hidden),
        "W2": std * draw(hidden, outputs),
        "b2": np.zeros(outputs),
    }
