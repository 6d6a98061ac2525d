"""The network of the book's chapter 8: six layers of convolution, then two of neurons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from trainlab.book.convnet import POOL, ConvNet, convolution_settings, drawn
from trainlab.book.convolution import Convolution, Pooling, conv_output_size
from trainlab.book.layers import Affine, Dropout, Relu, SoftmaxWithLoss

__all__ = ["DeepConvNet", "np"]

Settings = Mapping[str, float]


def _settings(filters: int, pad: int = 1) -> Settings:
    return MappingProxyType({"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1})


FIRST: Final = _settings(16)
SECOND: Final = _settings(16)
THIRD: Final = _settings(32)
FOURTH: Final = _settings(32, pad=2)
FIFTH: Final = _settings(64)
SIXTH: Final = _settings(64)
DROPPED: Final = 0.5


class DeepConvNet(ConvNet):
    """Three times (convolution → ReLU) × 2 → 2 × 2 pooling; then two layers of neurons.

    They are affine → ReLU → dropout → affine → dropout → softmax.  x (N, C, H, W) with
    input_dim = (C, H, W).  Each `conv_param` has filter_num, filter_size, pad and stride;
    what it lacks is that of the book.  Weights are drawn from N(0, 2/in), in = the inputs of
    one output, by NumPy's global generator; biases are 0.  `params` has W1, b1, …, W8, b8,
    and the layers of the list `layers` hold the same arrays.

    Differs: accuracy and files of parameters as in `SimpleConvNet`; in the book the affine
    layers fit images of 28 × 28 alone, and the variances filters of 3 × 3.

    >>> network = DeepConvNet()
    >>> network.params["W7"].shape, len(network.layers)
    ((1024, 50), 20)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: Settings = FIRST,
        conv_param_2: Settings = SECOND,
        conv_param_3: Settings = THIRD,
        conv_param_4: Settings = FOURTH,
        conv_param_5: Settings = FIFTH,
        conv_param_6: Settings = SIXTH,
        hidden_size: int = 50,
        output_size: int = 10,
    ) -> None:
        given = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        books = (FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH)
        self.params = {}
        self.layers: list[Any] = []
        channels, *image = input_dim
        for i, (param, default) in enumerate(zip(given, books, strict=True), 1):
            filters, size, pad, stride = convolution_settings(param, default, "DeepConvNet")
            W, b = self._weights(i, channels * size * size, (filters, channels, size, size))
            self.layers += [Convolution(W, b, stride, pad), Relu()]
            image = [conv_output_size(n, size, stride, pad) for n in image]
            channels = filters
            if i % 2 == 0:
                self.layers.append(Pooling(POOL, POOL, POOL))
                image = [conv_output_size(n, POOL, POOL) for n in image]
        hidden = int(hidden_size)
        inputs = channels * image[0] * image[1]
        self.layers += [Affine(*self._weights(7, inputs, (inputs, hidden))), Relu()]
        self.layers += [Dropout(DROPPED)]
        self.layers += [Affine(*self._weights(8, hidden, (hidden, int(output_size))))]
        self.layers += [Dropout(DROPPED)]
        self.last_layer = SoftmaxWithLoss()

    def _weights(self, i: int, inputs: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """W and b of number i, of `inputs` for each output."""
        W = self.params[f"W{i}"] = drawn(np.sqrt(2.0 / inputs), *shape)
        b = self.params[f"b{i}"] = np.zeros(shape[0] if len(shape) == 4 else shape[1])
        return W, b

    def predict(self, x: Any, train_flg: bool = False) -> Any:
        """The outputs before the softmax, (N, output_size); with dropout in training."""
        for layer in self.layers:
            dropout = isinstance(layer, Dropout)
            x = layer.forward(x, train_flg) if dropout else layer.forward(x)
        return x

    def loss(self, x: Any, t: Any) -> Any:
        """The cross-entropy error, in training; t are class indices or one-hot."""
        return self.last_layer.forward(self.predict(x, train_flg=True), t)
