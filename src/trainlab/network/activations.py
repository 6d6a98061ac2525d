"""Activation functions, each beside its derivative, simplest first.

An activation works entry by entry on arrays of any shape; in a network x, y and
dy are (..., B, features).  `value` and `pullback` fill the array they are given
as `out`, which must not share memory with their other arguments, and return it; what
else they need they ask of `new`.

Every formula below holds for complex x as well, by branches on the real part:
NumPy orders complex numbers by their real part first, so `clip(x, 0, ∞)` is such a
branch.  Complex-step differentiation rests on that.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from scipy import special

from trainlab.errors import SettingError, sentence
from trainlab.network.nodes import DOUBLE, FLOAT, Nodes
from trainlab.network.workspace import Allocator, Array, allocate
from trainlab.settings import Settings, cast, number

__all__ = [
    "ELU",
    "GELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "ReLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]


@dataclasses.dataclass(frozen=True)
class Activation(Settings, ABC):
    """Base of all activations: a function of one variable and its derivative.

    A subclass is a frozen dataclass with `value` and `pullback`.  Fields made by
    `trainlab.settings.number` may differ between the members of a population: they are then
    float64 arrays (K, 1, 1), which `trainlab.settings.cast` brings into the dtype of x.
    Do not use such a field as an exponent of NumPy's `**`, which rounds differently for an
    array of exponents than for a number: write `np.exp(p * np.log(x))`.

    Attributes
    ----------
    kinks : tuple of float
        The points where f′ or f″ jumps, () if there are none.  A finite difference taken
        across one of them is not accurate to second order, so gradient checks leave such
        entries out.

    Examples
    --------
    >>> from trainlab import gradient_check
    >>> from trainlab.settings import cast, number
    >>> @dataclasses.dataclass(frozen=True)
    ... class Sine(Activation):  # y = sin(ωx) / ω
    ...     omega: float = number(1.0, low=0.0)
    ...
    ...     def value(self, x, out, new=None):
    ...         omega = cast(self.omega, x.dtype)
    ...         return np.sin(omega * x) / omega
    ...
    ...     def pullback(self, x, y, dy, out, new=None):
    ...         return dy * np.cos(cast(self.omega, x.dtype) * x)
    >>> gradient_check(Sine(2.0)).ok
    True
    """

    kinks: ClassVar[tuple[float, ...]] = ()

    @abstractmethod
    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        """Compute y = f(x).

        Parameters
        ----------
        x : array (..., B, features)
            Inputs.  They must not be changed.
        out : array
            Of the shape and dtype of x, and the same memory at every step.  Filling it and
            returning it is fast; returning another array is right as well.
        new : callable, optional
            `new(name, shape, dtype)` is scratch memory that is the same at every step.

        Returns
        -------
        array
            The outputs y, of the shape and dtype of x.
        """

    @abstractmethod
    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        """Compute dx = dy · f′(x), where y = f(x).

        Parameters
        ----------
        x, y, dy : ndarray
            Inputs, outputs, and the gradient of the outputs.  They must not be changed.
        out : ndarray
            Where to put dx.
        new : callable, optional
            Gives scratch arrays.

        Returns
        -------
        ndarray
            The array `out`.
        """

    def onnx(self, graph: Nodes, x: str) -> str:
        """Add y = f(x) to an ONNX graph.

        Parameters
        ----------
        graph : Nodes
            The graph: `add(operator, *inputs)` adds a node of an ONNX operator, and
            `constant(value)` a number or an array; both return the name of their result.
        x : str
            The name of x in it.

        Returns
        -------
        str
            The name of y.

        Raises
        ------
        SettingError
            Where a class does not say how.
        """
        must = "have a method `onnx`, which adds its formula to a graph"
        raise SettingError(sentence(type(self).__name__, "export_onnx", must, "none"))


def positive_part(x: Array, out: Array) -> Array:
    """max(x, 0).  By `clip`: NumPy's `maximum` with a number is not vectorised, and 3 × slower."""
    return x.clip(0, np.inf, out=out)


@dataclasses.dataclass(frozen=True)
class Identity(Activation):
    """Pass the input on unchanged.

    Notes
    -----
    y = x.

    Examples
    --------
    >>> Identity().value(np.array([-1.0, 2.0]), np.empty(2)).tolist()
    [-1.0, 2.0]
    """

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        np.copyto(out, x)
        return out

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.copyto(out, dy)
        return out

    def onnx(self, graph: Nodes, x: str) -> str:
        return x


@dataclasses.dataclass(frozen=True)
class ReLU(Activation):
    """Rectified linear unit: keep what is positive.

    Notes
    -----
    y = max(x, 0);  f′ = 1 for x > 0, else 0.

    Source: Nair, Hinton 2010.  Differs: f′(0) is 0 here, in PyTorch and in the book's layer; the
    book's function `relu_grad` says 1.

    Examples
    --------
    >>> ReLU().value(np.array([-1.0, 0.0, 2.0]), np.empty(3)).tolist()
    [0.0, 0.0, 2.0]
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        return positive_part(x, out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.greater(y, 0, out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        return graph.add("Relu", x)


@dataclasses.dataclass(frozen=True)
class LeakyReLU(Activation):
    """Rectified linear unit with a small slope below 0.

    Parameters
    ----------
    slope : float, default 0.01
        The slope for x < 0, in [0, 1].

    Notes
    -----
    y = max(x, slope · x);  f′ = 1 for x > 0, else slope.

    Source: Maas, Hannun, Ng 2013.  Keras uses a slope of 0.3.

    Examples
    --------
    >>> LeakyReLU(slope=0.5).value(np.array([-1.0, 2.0]), np.empty(2)).tolist()
    [-0.5, 2.0]
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    slope: float = number(0.01, low=0.0, high=1.0, closed="[]")

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        np.multiply(x, cast(self.slope, x.dtype), out=out)
        return np.maximum(x, out, out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.greater(x, 0, out=out)
        np.clip(out, cast(self.slope, dy.dtype), 1, out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        # ONNX' LeakyRelu keeps its slope in float32, whatever the dtype of x.
        return graph.add("Max", x, graph.add("Mul", x, graph.constant(self.slope)))


@dataclasses.dataclass(frozen=True)
class ELU(Activation):
    """Exponential linear unit.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the limit for x → −∞; > 0.

    Notes
    -----
    y = x for x > 0, else alpha (eˣ − 1);  f′ = 1 for x > 0, else alpha eˣ.
    At 0, f′ jumps unless alpha = 1, and f″ jumps always.

    Source: Clevert, Unterthiner, Hochreiter 2016, eq. 15.

    Examples
    --------
    >>> ELU().value(np.array([-np.log(2.0), 3.0]), np.empty(2)).tolist()
    [-0.5, 3.0]
    """

    kinks: ClassVar[tuple[float, ...]] = (0.0,)
    alpha: float = number(1.0, low=0.0)

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        np.minimum(x, 0, out=out)
        np.expm1(out, out=out)
        np.multiply(out, cast(self.alpha, x.dtype), out=out)
        return np.add(out, positive_part(x, new("positive", x.shape, x.dtype)), out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        # Left of 0 it is y + alpha; on the right that is turned into 1.
        alpha = cast(self.alpha, dy.dtype)
        np.minimum(y, 0, out=out)
        np.add(out, alpha, out=out)
        right = np.greater(x, 0, out=new("right", x.shape, dy.dtype))
        np.add(out, np.multiply(right, 1 - alpha, out=right), out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        below = graph.add("Exp", graph.add("Min", x, graph.constant(0.0)))
        below = graph.add("Sub", below, graph.constant(1.0))
        below = graph.add("Mul", below, graph.constant(self.alpha))
        return graph.add("Add", below, graph.add("Relu", x))


@dataclasses.dataclass(frozen=True)
class Sigmoid(Activation):
    """Logistic function, from 0 to 1.

    Notes
    -----
    y = 1 / (1 + e⁻ˣ);  f′ = y (1 − y).

    Examples
    --------
    >>> Sigmoid().value(np.array([0.0, -1000.0]), np.empty(2)).tolist()
    [0.5, 0.0]
    """

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        np.negative(x, out=out)
        with np.errstate(over="ignore"):  # 1/(1 + inf) is the right limit, 0
            np.exp(out, out=out)
        np.add(out, 1, out=out)
        return np.reciprocal(out, out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.subtract(1, y, out=out)
        np.multiply(out, y, out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        return graph.add("Sigmoid", x)


@dataclasses.dataclass(frozen=True)
class Tanh(Activation):
    """Hyperbolic tangent, from −1 to 1.

    Notes
    -----
    y = tanh x;  f′ = 1 − y².

    Examples
    --------
    >>> Tanh().value(np.array([0.0, 1000.0]), np.empty(2)).tolist()
    [0.0, 1.0]
    """

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        return np.tanh(x, out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        return graph.add("Tanh", x)


@dataclasses.dataclass(frozen=True)
class Softplus(Activation):
    """Smooth approximation of ReLU.

    Notes
    -----
    y = ln(1 + eˣ), computed as max(x, 0) + ln(1 + e^(−|x|));  f′ = sigmoid(x) = 1 − e⁻ʸ.

    Source: Dugas, Bengio, Bélisle, Nadeau, Garcia 2001.

    Examples
    --------
    >>> Softplus().value(np.array([0.0, 1000.0]), np.empty(2)).tolist()
    [0.6931471805599453, 1000.0]
    """

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        np.negative(x, out=out)
        np.minimum(x, out, out=out)  # −|x|, and holomorphic on each side
        np.exp(out, out=out)
        np.log1p(out, out=out)
        return np.add(out, positive_part(x, new("positive", x.shape, x.dtype)), out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.negative(y, out=out)
        np.expm1(out, out=out)
        np.negative(out, out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        small = graph.add("Exp", graph.add("Neg", graph.add("Abs", x)))
        logarithm = graph.add("Log", graph.add("Add", small, graph.constant(1.0)))
        return graph.add("Add", graph.add("Relu", x), logarithm)


_INVERSE_SQRT_2PI: Final = 1.0 / math.sqrt(2.0 * math.pi)


@dataclasses.dataclass(frozen=True)
class GELU(Activation):
    """Gaussian error linear unit.

    Notes
    -----
    y = x Φ(x);  f′ = Φ(x) + x φ(x), with the distribution function Φ and density φ of N(0, 1).

    Source: Hendrycks, Gimpel 2016.  Differs: this is the exact function, PyTorch's
    default; the tanh approximation (JAX's default) is off by up to 5e-4.

    Examples
    --------
    >>> GELU().value(np.array([-1000.0, 0.0, 1000.0]), np.empty(3)).tolist()
    [-0.0, 0.0, 1000.0]
    """

    def value(self, x: Array, out: Array, new: Allocator = allocate) -> Array:
        special.ndtr(x, out=out)
        return np.multiply(out, x, out=out)

    def pullback(
        self, x: Array, y: Array, dy: Array, out: Array, new: Allocator = allocate
    ) -> Array:
        np.multiply(x, x, out=out)
        np.multiply(out, cast(-0.5, x.dtype), out=out)
        np.exp(out, out=out)
        np.multiply(out, x, out=out)
        np.multiply(out, cast(_INVERSE_SQRT_2PI, x.dtype), out=out)
        np.add(out, special.ndtr(x, out=new("phi", x.shape, x.dtype)), out=out)
        return np.multiply(out, dy, out=out)

    def onnx(self, graph: Nodes, x: str) -> str:
        scaled = graph.add("Mul", x, graph.constant(math.sqrt(0.5)))
        if graph.dtype == np.float64:  # onnxruntime has erf in float32 alone
            erf = graph.add("Erf", graph.add("Cast", scaled, to=FLOAT))
            erf = graph.add("Cast", erf, to=DOUBLE)
        else:
            erf = graph.add("Erf", scaled)
        doubled = graph.add("Mul", x, graph.add("Add", erf, graph.constant(1.0)))
        return graph.add("Mul", doubled, graph.constant(0.5))


ACTIVATIONS: Final[dict[str, Callable[[], Activation]]] = {
    "identity": Identity,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softplus": Softplus,
    "gelu": GELU,
}
