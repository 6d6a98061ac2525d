"""What the two convolutional networks of the book share: chapters 7 and 8."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from trainlab.blas import one_thread
from trainlab.book.layers import SoftmaxWithLoss, backward
from trainlab.book.multi_layer_net import class_indices
from trainlab.book.notices import notice, tell_unshared
from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import as_path, write
from trainlab.network.workspace import Array

CONVOLUTION: Final = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
POOL: Final = 2


class ConvNet:
    """Layers in their order, a table or a list, and parameters W1, b1, W2, … that they share."""

    params: dict[str, Array]
    layers: Any
    last_layer: SoftmaxWithLoss

    def predict(self, x: Any) -> Any:
        """The outputs before the softmax, (N, output_size)."""
        tell_unshared(self, self._table().values())
        for layer in self._table().values():
            x = layer.forward(x)
        return x

    @one_thread()
    def loss(self, x: Any, t: Any) -> Any:
        """The cross-entropy error; t are class indices or one-hot."""
        return self.last_layer.forward(self.predict(x), t)

    @one_thread()
    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of the samples whose largest output is the class t, `batch_size` at a time."""
        labels = class_indices(t)
        right = 0
        for start in range(0, len(x), int(batch_size)):
            rows = slice(start, start + int(batch_size))
            right += int(np.sum(self.predict(x[rows]).argmax(axis=1) == labels[rows]))
        return right / len(x)

    @one_thread()
    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient by back-propagation, by the names of the parameters."""
        self.loss(x, t)
        backward(self._table(), self.last_layer.backward())
        grads = {}
        for i, layer in enumerate(self._owners(), 1):
            grads[f"W{i}"], grads[f"b{i}"] = layer.dW, layer.db
        return grads

    def _table(self) -> Mapping[Any, Any]:
        """The layers in their order."""
        return self.layers if isinstance(self.layers, Mapping) else dict(enumerate(self.layers))

    def _owners(self) -> list[Any]:
        """The layers that have parameters."""
        return [layer for layer in self._table().values() if hasattr(layer, "dW")]

    def save_params(self, file_name: str = "params.pkl") -> None:
        """Writes the parameters under any name, as NumPy's arrays in a zip file.

        Differs: the book's file is a pickle, and loading a pickle runs whatever it contains.
        """
        notice("save_params writes arrays of NumPy, no pickle, whatever the name of the file")
        content, arrays = io.BytesIO(), cast(dict[str, Any], self.params)
        np.savez(content, **arrays)
        path = as_path(file_name, "file_name", "save_params", file=True)
        write(path, content.getvalue())

    def load_params(self, file_name: str = "params.pkl") -> None:
        """Reads what `save_params` wrote.

        Raises: DataError where the file is something else, such as a pickle of the book's
        `save_params`, or has other parameters.
        """
        path = as_path(file_name, "file_name", "load_params")
        self.params.update(_read(path, set(self.params)))
        for i, layer in enumerate(self._owners(), 1):
            layer.W, layer.b = self.params[f"W{i}"], self.params[f"b{i}"]


def convolution_settings(
    given: Mapping[str, float], defaults: Mapping[str, float], owner: str
) -> tuple[int, int, float, float]:
    """(filter_num, filter_size, pad, stride); SettingError where there is another key."""
    unknown = ", ".join(map(str, given.keys() - defaults.keys()))
    if unknown:
        must = "have no keys but " + ", ".join(defaults)
        raise SettingError(sentence("conv_param", owner, must, unknown))
    filters, size, pad, stride = (given.get(key, default) for key, default in defaults.items())
    return int(filters), int(size), pad, stride


def drawn(std: float, *shape: int) -> Array:
    """Normal weights of this standard deviation, from NumPy's global generator."""
    draws = np.random.randn(*shape)  # noqa: NPY002 - np.random.seed is to repeat it
    return np.asarray(std * draws)


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
