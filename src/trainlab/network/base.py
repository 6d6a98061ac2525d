"""What a layer is: what it declares, and its forward and backward pass.

Axes: K members of a population (or no such axis), B samples of a batch, `in` and
`out` features.  Every formula is written for arrays (..., B, features): with
parameters (in, out) it is the text-book layer, with parameters (K, in, out) the
same lines are K networks.  Two rules keep that true: a parameter keeps an
explicit row axis (b is (..., 1, out)), and a reduction names axis -1 or -2.

A layer holds settings only.  `declare` says what it needs, `forward` and
`backward` are given arrays and return arrays.  Every backward pass is the formula
in its docstring, and is checked numerically in tests/network/test_gradients.py.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network.initializers import Initializer
from trainlab.network.nodes import Nodes
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import Settings, is_integer, is_real

__all__ = ["Declaration", "Layer", "Mode", "Parameter"]

Views = Mapping[str, Array]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An array that a layer needs room for.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns; a vector of one number for each feature has one row.
    start : Initializer or float
        How it starts: drawn, or the same number everywhere.
    decays : bool, default False
        Whether weight decay applies to it.
    least : float, default -inf
        The least number that it may be set to by name, such as 0 for a variance.
    """

    shape: tuple[int, int]
    start: Initializer | float
    decays: bool = False
    least: float = -math.inf

    def __post_init__(self) -> None:
        shape = self.shape if isinstance(self.shape, tuple) else ()
        if len(shape) != 2 or not all(is_integer(one) and one > 0 for one in shape):
            must, remedy = "be (rows, columns)", "(1, in_features) for a number for each feature"
            raise SettingError(sentence("shape", "Parameter", must, self.shape, remedy))
        # Of a population the settings of its members: each starts from its own.
        starts = isinstance(self.start, Initializer | np.ndarray) or is_real(self.start)
        if not starts:
            must = "be an Initializer or a number"
            raise SettingError(sentence("start", "Parameter", must, self.start))


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What a layer needs, and how wide its outputs are.

    Parameters
    ----------
    parameters : dict of Parameter
        What training changes, by name.
    buffers : dict of Parameter
        What the layer keeps beside them, such as running statistics.
    out_features : int
        Features of its outputs.
    """

    parameters: dict[str, Parameter]
    buffers: dict[str, Parameter]
    out_features: int

    def __post_init__(self) -> None:
        for name, found in (("parameters", self.parameters), ("buffers", self.buffers)):
            values = found.values() if isinstance(found, Mapping) else [found]
            if not all(isinstance(one, Parameter) for one in values):
                must = "be a dict of Parameter by name, {} where there are none"
                raise SettingError(sentence(name, "Declaration", must, found))


@dataclasses.dataclass(frozen=True)
class Mode:
    """How a forward pass is to behave.

    Parameters
    ----------
    training : bool
        True in a step, False in evaluations and predictions.
    draw : callable, optional
        `draw(rows, width)` gives float32 uniforms in [0, 1), shape (..., rows, width).  It is
        there in training alone, and only for layers that are `random`.
    """

    training: bool
    draw: Callable[[int, int], Array] | None = None


EVALUATION = Mode(training=False)


@dataclasses.dataclass(frozen=True)
class Layer(Settings, ABC):
    """Base of all layers: a differentiable step from (..., B, in) to (..., B, out).

    A subclass is a frozen dataclass with `forward`, `backward`, and `declare` where it has
    parameters or buffers or changes the width.  As `norm` of an `MLP` it stands between each
    hidden dense layer and its activation.  Fields made by `trainlab.settings.number` may differ
    between the members of a population: they are then float64 arrays (K, 1, 1), which
    `trainlab.settings.cast` brings into the dtype of x.

    Attributes
    ----------
    random : bool
        Whether it needs `mode.draw` in training.
    columns_apart, rows_apart : bool
        Whether column j of y depends on no column of a parameter but the j-th, and row b of y on
        no row of x but the b-th.  Gradient checks are faster where a layer says so, and correct
        where it does not.

    Notes
    -----
    One network has x (B, in) and parameters as declared; a population of K has x (K, B, in), or
    (B, in) where members share it, and parameters (K, rows, columns).  The same lines serve
    both if reductions name axis -1 or -2.

    Examples
    --------
    >>> from trainlab import gradient_check
    >>> @dataclasses.dataclass(frozen=True)
    ... class Scale(Layer):  # y = γ x
    ...     def declare(self, in_features):
    ...         return Declaration({"gamma": Parameter((1, in_features), 1.0)}, {}, in_features)
    ...
    ...     def forward(self, p, x, mode, new):
    ...         return p["gamma"] * x, x, {}
    ...
    ...     def backward(self, p, cache, dy, grads, new):
    ...         grads["gamma"][...] = (dy * cache).sum(axis=-2, keepdims=True)
    ...         return p["gamma"] * dy
    >>> gradient_check(Scale()).ok
    True
    """

    random: ClassVar[bool] = False
    columns_apart: ClassVar[bool] = False
    rows_apart: ClassVar[bool] = False

    def declare(self, in_features: int) -> Declaration:
        """Say what the layer needs; by default nothing.

        Parameters
        ----------
        in_features : int
            The width of its inputs.

        Returns
        -------
        Declaration
            Its parameters, its buffers and the width of its outputs.
        """
        return Declaration({}, {}, in_features)

    @abstractmethod
    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        """Compute the outputs, in training or in evaluation.

        Parameters
        ----------
        p : mapping of arrays (..., rows, columns)
            Parameters and buffers by name.  They must not be changed.
        x : array (..., B, in)
            Must not be changed either.
        mode : Mode
            Training or evaluation.
        new : callable
            `new(name, shape, dtype)` is scratch memory that is the same at every step.  Arrays
            that are made anew are right as well, and slower.

        Returns
        -------
        y : array (..., B, out)
            Of the dtype of x.
        cache : object
            What `backward` is given.
        buffers : mapping of arrays
            New values of the buffers by name; {} in evaluation, and where there are none.
        """

    @abstractmethod
    def backward(self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator) -> Array:
        """Compute the derivatives of the loss from dy = d loss/dy.

        Parameters
        ----------
        p : mapping of arrays
            As in `forward`.
        cache : object
            What `forward` returned.
        dy : array (..., B, out)
            Must not be changed.
        grads : mapping of arrays (..., rows, columns)
            d loss/d parameter by name: to be filled, in place.
        new : callable
            As in `forward`.

        Returns
        -------
        array (..., B, in)
            d loss/dx.
        """

    def parameter_gradients(
        self, p: Views, cache: Any, dy: Array, grads: Views, new: Allocator
    ) -> None:
        """Fill `grads` alone: what the first layer of a network is asked for.

        Parameters
        ----------
        p : mapping of arrays
            As in `forward`.
        cache : object
            What `forward` returned.
        dy : array (..., B, out)
            Must not be changed.
        grads : mapping of arrays (..., rows, columns)
            To be filled, in place.
        new : callable
            As in `forward`.

        Notes
        -----
        A layer whose dx costs more than a pass over it says how to leave it out.
        """
        self.backward(p, cache, dy, grads, new)

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        """Add y in evaluation to an ONNX graph.

        Parameters
        ----------
        p : dict of str to ndarray
            Parameters and buffers.
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

    def kink_sides(self, x: Array) -> Array | None:
        """Tell on which side of each kink each input lies.

        Parameters
        ----------
        x : ndarray, shape (..., B, in)
            Inputs.

        Returns
        -------
        ndarray or None
            None for a smooth layer.
        """
        return None
