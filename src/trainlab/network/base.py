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
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from trainlab.errors import SettingError, sentence
from trainlab.network.initializers import Initializer
from trainlab.network.nodes import Nodes
from trainlab.network.workspace import Allocator, Array
from trainlab.settings import Settings

Views = Mapping[str, Array]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a layer needs room for: a shape, how it starts, and whether weight decay applies."""

    shape: tuple[int, int]
    start: Initializer | float
    decays: bool = False


@dataclasses.dataclass(frozen=True)
class Declaration:
    """A layer's parameters (trained), buffers (running statistics, not trained) and width."""

    parameters: dict[str, Parameter]
    buffers: dict[str, Parameter]
    out_features: int


@dataclasses.dataclass(frozen=True)
class Mode:
    """How a forward pass is to behave.

    `draw(rows, width)` gives float32 uniforms in [0, 1), shape (..., rows, width);
    it is needed by layers that are random in training, and by no other.
    """

    training: bool
    draw: Callable[[int, int], Array] | None = None


EVALUATION = Mode(training=False)


@dataclasses.dataclass(frozen=True)
class Layer(Settings, ABC):
    """A differentiable step from (..., B, in) to (..., B, out)."""

    random: ClassVar[bool] = False
    columns_apart: ClassVar[bool] = False
    """Column j of y hangs on no column of a parameter but the j-th.  Gradient checks are fast
    where a layer says so, and right where it does not."""
    rows_apart: ClassVar[bool] = False
    """Row b of y hangs on no row of x but the b-th.  As above."""

    @abstractmethod
    def declare(self, in_features: int) -> Declaration:
        """Say what the layer needs.

        Parameters
        ----------
        in_features : int
            The width of its inputs.

        Returns
        -------
        Declaration
            Its parameters, its buffers and the width of its outputs.
        """

    @abstractmethod
    def forward(self, p: Views, x: Array, mode: Mode, new: Allocator) -> tuple[Array, Any, Views]:
        """Compute the outputs.

        Parameters
        ----------
        p : dict of str to ndarray
            Parameters and buffers, (..., 1, n) or (..., rows, n).
        x : ndarray, shape (..., B, in)
            Inputs.
        mode : Mode
            Training or evaluation.
        new : callable
            Gives arrays of the batch's size: new(name, shape, dtype).

        Returns
        -------
        tuple
            y (..., B, out), the cache for `backward`, and the new values of the buffers ({} if the
            layer has none).
        """

    @abstractmethod
    def backward(
        self,
        p: Views,
        cache: Any,
        dy: Array,
        grads: Views,
        new: Allocator,
        input_gradient: bool = True,
    ) -> Array | None:
        """Fill `grads` with d loss/d parameter, and compute dx.

        Parameters
        ----------
        p : dict of str to ndarray
            Parameters and buffers.
        cache : object
            Of `forward`.
        dy : ndarray, shape (..., B, out)
            The gradient of the outputs.
        grads : dict of str to ndarray
            Arrays to fill, like the parameters.
        new : callable
            Gives arrays of the batch's size.
        input_gradient : bool, default True
            Whether dx is wanted.

        Returns
        -------
        ndarray, shape (..., B, in), or None
            The gradient of the inputs; None if it is not wanted.
        """

    def onnx(self, p: Views, graph: Nodes, x: str) -> str:
        """Add y in evaluation to an ONNX graph.

        Parameters
        ----------
        p : dict of str to ndarray
            Parameters and buffers.
        graph : Nodes
            The graph.
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
