"""The network of the book's chapter 7: one layer of convolution, then two of neurons."""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from trainlab.book.convolution import Convolution, Pooling, conv_output_size
from trainlab.book.gradient import numerical_gradient
from trainlab.book.layers import Affine, Relu, SoftmaxWithLoss, backward
from trainlab.book.notices import notice
from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import as_path, write
from trainlab.network.workspace import Array

__all__ = ["SimpleConvNet", "np"]

CONVOLUTION: Final = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
POOL: Final = 2


class SimpleConvNet:
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
        unknown = ", ".join(map(str, conv_param.keys() - CONVOLUTION.keys()))
        if unknown:
            must = "have no keys but " + ", ".join(CONVOLUTION)
            raise SettingError(sentence("conv_param", "SimpleConvNet", must, unknown))
        filters, size, pad, stride = (
            conv_param.get(key, default) for key, default in CONVOLUTION.items()
        )
        channels, *image = input_dim
        places = [conv_output_size(n, int(size), stride, pad) for n in image]
        pooled = [conv_output_size(n, POOL, POOL) for n in places]
        shapes = {
            1: (int(filters), channels, int(size), int(size)),
            2: (int(filters) * pooled[0] * pooled[1], int(hidden_size)),
            3: (int(hidden_size), int(output_size)),
        }
        p: dict[str, Array] = {}
        for i, shape in shapes.items():
            draws = np.random.randn(*shape)  # noqa: NPY002 - np.random.seed is to repeat it
            p[f"W{i}"] = weight_init_std * draws
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

    def predict(self, x: Any) -> Any:
        """The outputs before the softmax, (N, output_size)."""
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x: Any, t: Any) -> Any:
        """The cross-entropy error; t are class indices or one-hot."""
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of the samples whose largest output is the class t, `batch_size` at a time."""
        t = np.asarray(t)
        labels = t.argmax(axis=1) if t.ndim > 1 else t
        right = 0
        for start in range(0, len(x), int(batch_size)):
            rows = slice(start, start + int(batch_size))
            right += int(np.sum(self.predict(x[rows]).argmax(axis=1) == labels[rows]))
        return right / len(x)

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient by central differences: slow, and only to check `gradient`."""
        return {
            name: numerical_gradient(lambda _: self.loss(x, t), value)
            for name, value in self.params.items()
        }

    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient by back-propagation, by the names of the parameters."""
        self.loss(x, t)
        backward(self.layers, self.last_layer.backward())
        owners = [self.layers[name] for name in ("Conv1", "Affine1", "Affine2")]
        grads = {}
        for i, layer in enumerate(owners, 1):
            grads[f"W{i}"], grads[f"b{i}"] = layer.dW, layer.db
        return grads

    def save_params(self, file_name: str = "params.pkl") -> None:
        """Writes the parameters under any name, as NumPy's arrays in a zip file.

        Differs: the book's file is a pickle, and whoever loads a pickle runs what it says.
        """
        notice("save_params writes arrays of NumPy, no pickle, whatever the name of the file")
        content, arrays = io.BytesIO(), cast(dict[str, Any], self.params)
        np.savez(content, **arrays)
        write(as_path(file_name, "file_name", "save_params"), content.getvalue())

    def load_params(self, file_name: str = "params.pkl") -> None:
        """Reads what `save_params` wrote.

        Raises: DataError where the file is something else, such as a pickle of the book's
        `save_params`, or has other parameters.
        """
        path = as_path(file_name, "file_name", "load_params")
        for name, value in _read(path, set(self.params)).items():
            self.params[name] = value
        for i, layer in enumerate(("Conv1", "Affine1", "Affine2"), 1):
            self.layers[layer].W = self.params[f"W{i}"]
            self.layers[layer].b = self.params[f"b{i}"]


def _read(path: Path, names: set[str]) -> dict[str, Array]:
    """The arrays in the file."""
    try:
        with path.open("rb") as file, np.load(file) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        must = "be a file that save_params of trainlab wrote (pickles are not read)"
        remedy = "training again, and save_params"
        raise DataError(sentence("file_name", "load_params", must, str(path), remedy)) from error
    if set(found) != names:
        must = "have the parameters " + ", ".join(sorted(names))
        raise DataError(sentence(str(path), "load_params", must, ", ".join(sorted(found))))
    return found
