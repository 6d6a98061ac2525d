"""What readers of the book import from `two_layer_net` in its chapter 4: formulas, and sigmoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainlab.blas import one_thread
from trainlab.book import native
from trainlab.book.functions import cross_entropy_error, sigmoid, sigmoid_grad, softmax
from trainlab.book.layers import Affine, Sigmoid
from trainlab.book.multi_layer_net import outputs, share_right
from trainlab.book.perturbed import network_gradient
from trainlab.book.two_layer_net import starting_params

__all__ = ["TwoLayerNet", "np"]


class TwoLayerNet:
    """y = softmax(sigmoid(x W1 + b1) W2 + b2), and its gradient written out, without layers.

    params: W1 (in, hidden), b1, W2 (hidden, out), b2; weights N(0, weight_init_std²) from
    `np.random.randn`.  Labels are one-hot, or class indices.
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, weight_init_std: float = 0.01
    ) -> None:
        self.params = starting_params(input_size, hidden_size, output_size, weight_init_std)

    def predict(self, x: Any) -> Any:
        """Probabilities, (B, out)."""
        p = self.params
        z = sigmoid(native.product(x, p["W1"], p["b1"]))
        return softmax(native.product(z, p["W2"], p["b2"]))

    @one_thread()
    def loss(self, x: Any, t: Any) -> Any:
        """The cross-entropy of a batch."""
        return cross_entropy_error(self.predict(x), t)

    @one_thread()
    def accuracy(self, x: Any, t: Any) -> float:
        """The share of samples whose largest output is at their class."""
        return share_right(outputs(self, TwoLayerNet.predict, x), t)

    @one_thread()
    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter, by central differences."""
        p = self.params
        layers = [Affine(p["W1"], p["b1"]), Sigmoid(), Affine(p["W2"], p["b2"])]
        return network_gradient(self, TwoLayerNet, layers, lambda: self.loss(x, t), x, t)

    @one_thread()
    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """The gradient of the loss by the name of each parameter.

        dy = (y − t)/B;  dW2 = zᵀ dy,  da = dy W2ᵀ · σ′(a),  dW1 = xᵀ da;  biases: sums over B.
        """
        p = self.params
        a = native.product(x, p["W1"], p["b1"])
        z = sigmoid(a)
        y = softmax(native.product(z, p["W2"], p["b2"]))
        t = np.asarray(t)
        one_hot = t if t.size == y.size else np.eye(y.shape[1])[t.ravel()]
        dy = (y - one_hot) / len(x)
        da = sigmoid_grad(a) * native.input_gradient(dy, p["W2"])
        return {
            "W1": native.weight_gradient(x, da),
            "b1": native.sum_rows(da),
            "W2": native.weight_gradient(z, dy),
            "b2": native.sum_rows(dy),
        }
