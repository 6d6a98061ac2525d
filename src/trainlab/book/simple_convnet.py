"""The network of the book's chapter 7: one layer of convolution, then two of neurons."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainlab.book.convnet import CONVOLUTION, POOL, ConvNet, convolution_settings, drawn
from trainlab.book.convolution import Convolution, Pooling, conv_output_size
from trainlab.book.gradient import numerical_gradient
from trainlab.book.layers import Affine, Relu, SoftmaxWithLoss
from trainlab.network.workspace import Array

__all__ = ["SimpleConvNet", "np"]


class SimpleConvNet(ConvNet):
    """Images → convolution → ReLU → 2 × 2 pooling → affine → ReLU → affine → softmax.

    x (N, C, H, W) with input_dim = (C, H, W).  `conv_param` has filter_num, filter_size,
    pad and stride; what it lacks is that of the book, 30, 5, 0 and 1.  Weights are normal
    with deviation `weight_init_std`, from NumPy's global generator; biases are 0.
    `params` has W1 (F, C, h, h), b1, W2, b2, W3, b3, and the layers hold the same arrays.

    Differs: the book's network measures accuracy without the samples after the last full
    batch, and its files of parameters are pickles (see `save_params`).

    >>> network = SimpleConvNet((1, 6, 6), {"filter_num": 2, "filter_size": 3}, 5, 4)
    >>> {name: value.shape for name, value in network.params.items()}["W2"]
    (8, 5)
    >>> network.predict(np.zeros((3, 1, 6, 6))).shape
    (3, 4)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, float] = CONVOLUTION,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
    ) -> None:
        filters, size, pad, stride = convolution_settings(conv_param, CONVOLUTION, "SimpleConvNet")
        channels, *image = input_dim
        places = [conv_output_size(n, size, stride, pad) for n in image]
        pooled = [conv_output_size(n, POOL, POOL) for n in places]
        shapes = {
            1: (filters, channels, size, size),
            2: (filters * pooled[0] * pooled[1], int(hidden_size)),
            3: (int(hidden_size), int(output_size)),
        }
        p: dict[str, Array] = {}
        for i, shape in shapes.items():
            p[f"W{i}"] = drawn(weight_init_std, *shape)
            p[f"b{i}"] = np.zeros(shape[0] if i == 1 else shape[1])
        self.params = p
        self.layers: OrderedDict[str, Any] = OrderedDict(
            Conv1=Convolution(p["W1"], p["b1"], stride, pad),
            Relu1=Relu(),
            Pool1=Pooling(POOL, POOL, POOL),
            Affine1=Affine(p["W2"], p["b2"]),
            Relu2=Relu(),
            Affine2=Affine(p["W3"], p["b3"]),
        )
        self.last_layer = SoftmaxWithLoss()

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient by central differences: slow, and only to check `gradient`."""
        return {
            name: numerical_gradient(lambda _: self.loss(x, t), value)
            for name, value in self.params.items()
        }
