"""How weights start: from the numbers of inputs and outputs (fan_in, fan_out) to draws.

`draw` gives a float64 array (fan_in, fan_out).  Every Gaussian initializer is one
standard normal draw times its scale, so two arms of a comparison that share a seed
differ by a factor and by nothing else (common random numbers).
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import numpy as np

from trainlab.network.workspace import Array
from trainlab.settings import Settings, number

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "He",
    "LeCun",
    "Orthogonal",
    "Std",
    "Xavier",
]


@dataclasses.dataclass(frozen=True)
class Initializer(Settings, ABC):
    """Draws the weights (fan_in, fan_out) of a layer."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
        """Weights as float64 (fan_in, fan_out)."""


@dataclasses.dataclass(frozen=True)
class _Gaussian(Initializer):
    """W = scale · N(0, 1)."""

    @abstractmethod
    def scale(self, fan_in: int, fan_out: int) -> float:
        """The standard deviation of a weight."""

    def draw(self, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
        return rng.standard_normal((fan_in, fan_out)) * self.scale(fan_in, fan_out)


@dataclasses.dataclass(frozen=True)
class Std(_Gaussian):
    """W ~ N(0, std²), whatever the layer's size; std >= 0.

    >>> Std(0.5).scale(100, 10)
    0.5
    """

    std: float = number(0.01, low=0.0, closed="[)")

    def scale(self, fan_in: int, fan_out: int) -> float:
        return self.std


@dataclasses.dataclass(frozen=True)
class Xavier(_Gaussian):
    """W ~ N(0, 1 / fan_in): keeps the variance of linear and tanh layers.

    Differs: this is the book's Xavier, which others call LeCun's; the one that also
    looks at fan_out (PyTorch's and Keras' Xavier or Glorot) is `GlorotNormal`.

    >>> Xavier().scale(100, 10)
    0.1
    """

    def scale(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(1.0 / fan_in)


@dataclasses.dataclass(frozen=True)
class LeCun(_Gaussian):
    """W ~ N(0, 1 / fan_in), the same as the book's `Xavier`.

    Source: LeCun, Bottou, Orr, Müller 1998, eq. 16.  Differs: Keras and JAX truncate
    the normal at two standard deviations.

    >>> LeCun().scale(100, 10)
    0.1
    """

    def scale(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(1.0 / fan_in)


@dataclasses.dataclass(frozen=True)
class He(_Gaussian):
    """W ~ N(0, 2 / fan_in): keeps the variance of ReLU layers.

    Source: He, Zhang, Ren, Sun 2015, eq. 10.

    >>> He().scale(50, 10)
    0.2
    """

    def scale(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(2.0 / fan_in)


@dataclasses.dataclass(frozen=True)
class GlorotNormal(_Gaussian):
    """W ~ N(0, 2 / (fan_in + fan_out)): between the needs of the two passes.

    Source: Glorot, Bengio 2010, eq. 12.

    >>> GlorotNormal().scale(150, 50)
    0.1
    """

    def scale(self, fan_in: int, fan_out: int) -> float:
        return math.sqrt(2.0 / (fan_in + fan_out))


@dataclasses.dataclass(frozen=True)
class GlorotUniform(Initializer):
    """W ~ U(−limit, limit) with limit = sqrt(6 / (fan_in + fan_out)).

    The variance is `GlorotNormal`'s.  Source: Glorot, Bengio 2010, eq. 16.

    >>> bool(np.abs(GlorotUniform().draw(np.random.default_rng(0), 100, 50)).max() <= 0.2)
    True
    """

    def draw(self, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
        limit = math.sqrt(6.0 / (fan_in + fan_out))
        return (2.0 * rng.random((fan_in, fan_out)) - 1.0) * limit


@dataclasses.dataclass(frozen=True)
class Orthogonal(Initializer):
    """W = gain · Q with orthonormal columns (or rows, if fan_out > fan_in); gain > 0.

    Q is uniform over such matrices (Haar): a normal matrix whose columns are made orthonormal
    one after the other.  Source: Saxe, McClelland, Ganguli 2014; Mezzadri 2007.

    >>> W = Orthogonal().draw(np.random.default_rng(0), 5, 3)
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """

    gain: float = number(1.0, low=0.0)

    def draw(self, rng: np.random.Generator, fan_in: int, fan_out: int) -> Array:
        tall = (max(fan_in, fan_out), min(fan_in, fan_out))
        q = np.ascontiguousarray(rng.standard_normal(tall).T)
        orthonormalise(q)
        q *= self.gain
        return np.ascontiguousarray(q.T if fan_in >= fan_out else q)


ROWS: Final = 128  # rows that are subtracted together


def orthonormalise(rows: Array) -> None:
    """Makes independent rows orthonormal, in place: Gram-Schmidt, repeated where it is inexact.

    It is the QR decomposition with a positive diagonal of R, by sums and products in a fixed
    order: LAPACK's last bits differ between processors.  What is left of a row after the
    others are subtracted has errors where it is small; subtracting them once more removes
    those (Daniel, Gragg, Kaufman, Stewart 1976).
    """
    for index, row in enumerate(rows):
        length = _length(row)
        while True:
            for first in range(0, index, ROWS):
                others = rows[first : min(first + ROWS, index)]
                shares = _total((others * row).T)
                np.subtract(row, _total(others * shares[:, np.newaxis]), out=row)
            before, length = length, _length(row)
            if length >= 0.5 * before:
                break
        np.divide(row, length, out=row)


def _length(x: Array) -> float:
    return math.sqrt(_total(x * x))


def _total(x: Array) -> Array:
    """The sum over the first axis, its second half added to the first again and again."""
    while len(x) > 1:
        half = len(x) // 2
        folded = x[:half] + x[half : 2 * half]
        if len(x) % 2:
            folded[0] += x[-1]
        x = folded
    total: Array = x[0]
    return total


INITIALIZERS: Final[dict[str, Callable[[], Initializer]]] = {
    "std": Std,
    "xavier": Xavier,
    "lecun": LeCun,
    "he": He,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "orthogonal": Orthogonal,
}
