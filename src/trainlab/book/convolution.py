"""Convolution and pooling of the book's chapter 7, simplest first; float64 throughout.

Axes: N images, C channels, H × W their size; F filters of h × w; oh × ow the size that
comes out.  An image is unfolded into a matrix with one column for each place of the
filter, and then a convolution is a product of matrices.

    unfolded[n, (c, i, j), (p, q)] = padded[n, c, s p + i, s q + j]        s: stride

The book's `im2col` has one row for each place, of all images together.  With one matrix
for each image whole rows of the image are copied at a time, and the product
(F, C h w) @ (C h w, oh ow) already lies as an image does: nothing is transposed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trainlab.book.order import after_forward
from trainlab.errors import DataError, SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.settings import is_real
from trainlab.terminal import counted


def conv_output_size(input_size: int, filter_size: int, stride: float = 1, pad: float = 0) -> int:
    """How many places a filter has along one axis: ⌊(input + 2 pad − filter) / stride⌋ + 1.

    Raises: SettingError where the filter is larger than the padded input.
    Differs: the book's divides, and gives the float 24.0 here, or 12.5 where the last
    step does not fit; what does not fit is left out, as its layers do.

    >>> conv_output_size(28, 5), conv_output_size(28, 5, stride=2)
    (24, 12)
    """
    size, h = _whole(input_size, "input size", 1), _whole(filter_size, "filter size", 1)
    s, padded = _whole(stride, "stride", 1), size + 2 * _whole(pad, "pad", 0)
    if h > padded:
        must = f"be {padded} at most, the size of the input with its padding"
        raise SettingError(sentence("filter size", "a convolution", must, h))
    return (padded - h) // s + 1


class Places:
    """Where a filter of h × w stands on images (N, C, H, W), `height` × `width` places."""

    def __init__(self, shape: tuple[int, ...], h: int, w: int, stride: float, pad: float) -> None:
        self.shape = shape
        self.height = conv_output_size(shape[2], h, stride, pad)
        self.width = conv_output_size(shape[3], w, stride, pad)
        self.h, self.w, self.stride, self.pad = int(h), int(w), int(stride), int(pad)
        self.unfolded = (shape[0], shape[1] * self.h * self.w, self.height * self.width)

    def __iter__(self) -> Iterator[tuple[tuple[int, int], tuple[Any, ...]]]:
        """(i, j) of the filter, and which entries of the padded images it meets at all places."""
        s = self.stride
        for i in range(self.h):
            for j in range(self.w):
                rows = slice(i, i + s * self.height, s)
                yield (i, j), (..., rows, slice(j, j + s * self.width, s))

    def unfold(self, x: Array) -> Array:
        """(N, C, H, W) → (N, C h w, oh ow)."""
        padded = self.padded(x)
        images, channels = self.shape[:2]
        columns = np.empty((images, channels, self.h, self.w, self.height, self.width))
        for (i, j), entry in self:
            columns[:, :, i, j] = padded[entry]
        return columns.reshape(self.unfolded)

    def fold(self, columns: Array) -> Array:
        """The transpose of `unfold`: entries that came from one pixel are added to it."""
        images, channels, H, W = self.shape
        columns = columns.reshape(images, channels, self.h, self.w, self.height, self.width)
        padded = np.zeros((images, channels, H + 2 * self.pad, W + 2 * self.pad))
        for (i, j), entry in self:
            padded[entry] += columns[:, :, i, j]
        return self.inner(padded)

    def padded(self, x: Array) -> Array:
        """x in a frame of zeros, `pad` wide."""
        frame = (self.pad, self.pad)
        return np.pad(x, ((0, 0), (0, 0), frame, frame)) if self.pad else x

    def inner(self, padded: Array) -> Array:
        """Padded images without their frame."""
        _, _, H, W = self.shape
        return padded[:, :, self.pad : self.pad + H, self.pad : self.pad + W]


def im2col(
    input_data: Any, filter_h: int, filter_w: int, stride: float = 1, pad: float = 0
) -> Array:
    """The places of a filter as rows: (N, C, H, W) → (N oh ow, C h w).

    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2, 2).tolist()
    [[0.0, 1.0, 3.0, 4.0], [1.0, 2.0, 4.0, 5.0], [3.0, 4.0, 6.0, 7.0], [4.0, 5.0, 7.0, 8.0]]
    """
    x = _images(input_data, "im2col")
    places = Places(x.shape, filter_h, filter_w, stride, pad)
    images, entries, count = places.unfolded
    return np.ascontiguousarray(places.unfold(x).mT).reshape(images * count, entries)


def col2im(
    col: Any,
    input_shape: tuple[int, int, int, int],
    filter_h: int,
    filter_w: int,
    stride: float = 1,
    pad: float = 0,
) -> Array:
    """The transpose of im2col, not its inverse: what overlaps is added.

    (N oh ow, C h w) → (N, C, H, W), for any x and z:  Σ im2col(x) z = Σ x col2im(z).

    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)[0, 0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    if len(input_shape) != 4:
        raise DataError(sentence("input_shape", "col2im", "be (N, C, H, W)", input_shape))
    places = Places(tuple(input_shape), filter_h, filter_w, stride, pad)
    images, entries, count = places.unfolded
    col = np.asarray(col, dtype=float)
    if col.size != images * entries * count:
        must = f"have {counted(images * count, 'row')} of {counted(entries, 'number')}"
        raise DataError(sentence("col", "col2im", must, col))
    return places.fold(np.ascontiguousarray(col.reshape(images, count, entries).mT))


class Convolution:
    """Filters moved over images, one output channel for each filter.

    y[n, f] = Σ W̃[f] unfolded[n] + b[f]     W̃ = W as (F, C h w)
    dW̃ = Σ_n dy[n] unfolded[n]ᵀ,  db = Σ dy over images and places,  dx = fold(W̃ᵀ dy)

    x (N, C, H, W), W (F, C, h, w), b (F,), y (N, F, oh, ow).  Like every library's, it is a
    correlation: the filters are not turned round.

    Raises: DataError where x is not (N, C, H, W) with the C of W.
    """

    def __init__(self, W: Any, b: Any, stride: float = 1, pad: float = 0) -> None:
        self.W = W
        self.b = b
        self.stride = stride
        self.pad = pad
        self.x: Any = None
        self.dW: Any = None
        self.db: Any = None

    def forward(self, x: Any) -> Array:
        """y."""
        x = _images(x, "Convolution")
        filters, channels, h, w = np.shape(self.W)
        if x.shape[1] != channels:
            must = f"have {counted(channels, 'channel')}, as its filters do"
            raise DataError(sentence("x", "Convolution", must, x))
        self.x = x
        self._places = Places(x.shape, h, w, self.stride, self.pad)
        self._columns = self._places.unfold(x)
        y: Array = np.matmul(np.reshape(self.W, (filters, -1)), self._columns)
        y += np.reshape(self.b, (filters, 1))
        return y.reshape(len(x), filters, self._places.height, self._places.width)

    def backward(self, dout: Any) -> Array:
        """dx; the gradients of the parameters are left in `dW` and `db`."""
        dy = self.parameter_gradients(dout)
        return self._places.fold(np.matmul(np.reshape(self.W, (len(self.W), -1)).T, dy))

    def parameter_gradients(self, dout: Any) -> Array:
        """`dW` and `db` alone; returns dy as (N, F, oh ow)."""
        after_forward(self, self.x)
        images, _, count = self._places.unfolded
        dy = np.asarray(dout, dtype=float).reshape(images, len(self.W), count)
        self.dW = np.matmul(dy, self._columns.mT).sum(axis=0).reshape(np.shape(self.W))
        self.db = dy.sum(axis=(0, 2))
        return dy


class Pooling:
    """The largest value in each window.

    y[n, c, p, q] = max over i, j of padded[n, c, s p + i, s q + j]
    dx: dy goes to the first entry, row by row, that has the maximum of its window.

    x (N, C, H, W), y (N, C, oh, ow).  Padding is with zeros, which take part in the
    maximum.  Differs: PyTorch pads with −∞.
    """

    def __init__(self, pool_h: int, pool_w: int, stride: float = 2, pad: float = 0) -> None:
        self.pool_h = pool_h
        self.pool_w = pool_w
        self.stride = stride
        self.pad = pad
        self.x: Any = None

    def forward(self, x: Any) -> Array:
        """y."""
        self.x = x = _images(x, "Pooling")
        self._places = Places(x.shape, self.pool_h, self.pool_w, self.stride, self.pad)
        self._padded = self._places.padded(x)
        first, *others = (self._padded[entry] for _, entry in self._places)
        y: Array = first.copy()
        for entry in others:
            np.maximum(y, entry, out=y)
        self._y = y.copy()  # a layer may write to what it gets
        return y

    def backward(self, dout: Any) -> Array:
        """dx."""
        after_forward(self, self.x)
        dy = np.asarray(dout, dtype=float).reshape(self._y.shape)
        dx = np.zeros_like(self._padded)
        open_windows = np.ones(dy.shape, dtype=bool)  # whose maximum was not met yet
        for _, entry in self._places:
            here: Array = (self._padded[entry] == self._y) & open_windows
            dx[entry] += dy * here
            open_windows ^= here
        return self._places.inner(dx)


def _images(x: Any, owner: str) -> Array:
    """x as float64; DataError unless it is (N, C, H, W)."""
    array = np.asarray(x, dtype=float)
    if array.ndim != 4:
        must = "be images of shape (N, C, H, W)"
        raise DataError(sentence("x", owner, must, array, "load_mnist(flatten=False)"))
    return array


def _whole(value: Any, name: str, low: int) -> int:
    """The value as an int; SettingError unless it is a whole number >= low (2.0 is one)."""
    if not is_real(value) or not float(value).is_integer() or value < low:
        must = f"be a whole number >= {low}"
        raise SettingError(sentence(name, "a convolution", must, value))
    return int(value)
