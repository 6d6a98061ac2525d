"""MLP: the settings of a network.  Architecture: its layers, and where its numbers live.

All parameters of a network lie in one flat vector (P,), those of a population in
one matrix (K, P); running statistics lie in a second one that no optimizer sees.
Layers read and write named views of them.  So an optimizer is one formula on one
array, a copy of a network is one copy, and dropping a member is one index.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Final

import numpy as np

from trainlab.deprecated import old_norm, takes_old_norms
from trainlab.errors import SettingError, sentence
from trainlab.network.activations import ACTIVATIONS, Activation
from trainlab.network.base import Declaration, Layer, Mode, Views
from trainlab.network.dense import Activate, Dense
from trainlab.network.dropout import Dropout
from trainlab.network.initializers import INITIALIZERS, Initializer, Std
from trainlab.network.layout import Layout
from trainlab.network.losses import LOSSES, Loss
from trainlab.network.norms import NORMS
from trainlab.network.workspace import FRESH, Allocator, Array, Workspace, piece, rows_apart
from trainlab.settings import (
    Rule,
    Settings,
    Takes,
    cast,
    choice,
    is_real,
    number,
    number_in,
    record,
    ruled,
    whole_number,
)
from trainlab.settings import stack as stack_settings

Draw = Callable[[int, int, int], Array]
Bound = tuple[Views, ...]

# Numbers of a penalty's gradient that are computed at a time, all members together.
PENALTY_BLOCK: Final = 32_768


LAYERS: Final = 1000
"""The most hidden layers: no network of dense layers trains that is deeper by far."""
_WIDTH: Final = whole_number(1)


def _initializer_field(default: Any) -> Any:
    rule = Rule(
        lambda v: (
            isinstance(v, Initializer)
            or (isinstance(v, str) and v in INITIALIZERS)
            or (is_real(v) and 0 < float(v) < math.inf)
            or (v is None and default is None)
        ),
        "be one of " + ", ".join(map(repr, INITIALIZERS)) + ", a standard deviation > 0"
        " or an Initializer",
        lambda v: INITIALIZERS[v]() if isinstance(v, str) else Std(v) if is_real(v) else v,
        "'he'",
        INITIALIZERS,
    )
    return ruled(rule, default, start_only=True)


def _norm_field() -> Any:
    rule = Rule(
        lambda v: v is None or isinstance(v, Layer) or (isinstance(v, str) and v in NORMS),
        "be None, " + ", ".join(map(repr, NORMS)) + " or a layer such as BatchNorm",
        lambda v: v,
        "'batch'",
        NORMS,
    )
    return ruled(rule, None)


def _are_widths(value: Any) -> bool:
    widths = value if isinstance(value, (tuple, list)) else (value,)
    return len(widths) <= LAYERS and all(_WIDTH.valid(width) for width in widths)


def _widths_in(value: Any) -> str | None:
    """The widths that a text means, or a list of texts or of numbers with a point.

    >>> _widths_in("30"), _widths_in("30x20"), _widths_in(["30", 20.0]), _widths_in("wide")
    ('(30,)', '(30, 20)', '(30, 20)', None)
    """
    words = re.split(r"[,;×x\s]+", value.strip("()[], ")) if isinstance(value, str) else value
    words = list(words) if isinstance(words, tuple | list) else [words]
    if len(words) > LAYERS:
        return None
    widths = [word if _WIDTH.valid(word) else number_in(word, _WIDTH.valid) for word in words]
    return str(tuple(map(int, widths))) if None not in widths else None  # type: ignore[arg-type]


_HIDDEN: Final = Rule(
    _are_widths,
    f"be a tuple of widths in [1, 2**53], at most {LAYERS}",
    lambda v: tuple(int(w) for w in v) if isinstance(v, (tuple, list)) else (int(v),),
    "(100, 100)",
    meant=_widths_in,
)


def refuse_width(activation: Any, hidden: Any, name: str, owner: str) -> None:
    """SettingError for a width in the place of the activation, as in MLP(50, 50)."""
    if _WIDTH.valid(activation) and _HIDDEN.valid(hidden):
        widths = (*_HIDDEN.convert(hidden), int(activation))
        must = "be an Activation or the name of one"
        raise SettingError(sentence("activation", owner, must, activation, f"{name}={widths}"))


@takes_old_norms
@dataclasses.dataclass(frozen=True)
class MLP(Settings):
    """A multi-layer perceptron: hidden blocks of dense → norm → activation → dropout, then dense.

    Parameters
    ----------
    hidden : int or sequence of int, default (100,)
        Widths of the hidden layers; () is a linear model.
    activation : Activation or str, default "relu"
        The activation of the hidden layers.
    init : Initializer, str or float, default "he"
        How all weights start; a number is the standard deviation of normal weights.
    output_init : Initializer, str or float, optional
        How the weights of the last layer start; by default like all others.
    norm : {None, "batch", "layer"} or Layer
        The layer between each hidden dense layer and its activation: its name, or a layer with
        its settings, which may be your own.
    dropout : float, default 0.0
        The share of hidden units that are set to zero during training, in [0, 1).
    loss : Loss or str, default "softmax_cross_entropy"
        The loss.
    weight_decay : float, default 0.0
        The factor λ >= 0 of the coupled L2 penalty ½ λ Σ W² on all weights, but not on b, γ
        and β.
    l1 : float, default 0.0
        The factor λ >= 0 of the penalty λ Σ |W| on the same weights.
    convention : {"modern", "book"}
        "book": norm="batch" with ε 1e-6 and a biased running variance that starts at 0, and
        dropout that is not inverted.

    Raises
    ------
    SettingError
        For a value that a field cannot have.

    Notes
    -----
    dropout, weight_decay and l1 may differ between the members of one population.
    For decay that is decoupled from the gradient see the optimizers'
    `decoupled_weight_decay`.  PyTorch's SGD(weight_decay) and scikit-learn's alpha
    (up to a factor of the batch size there) are the coupled kind.

    Examples
    --------
    >>> MLP(hidden=(50,), activation="sigmoid", init=0.01).build(784, 10).size
    39760
    """

    _in_grids: ClassVar[bool] = True

    hidden: Takes[int | Sequence[int], tuple[int, ...]] = ruled(_HIDDEN, (100,))
    activation: Takes[Activation | str, Activation] = record(Activation, ACTIVATIONS, "relu")
    init: Takes[Initializer | str | float, Initializer] = _initializer_field("he")
    output_init: Takes[Initializer | str | float | None, Initializer | None] = _initializer_field(
        None
    )
    norm: Layer | str | None = _norm_field()
    dropout: float = number(0.0, low=0.0, high=1.0, closed="[)", remedy="0.5")
    loss: Takes[Loss | str, Loss] = record(Loss, LOSSES, "softmax_cross_entropy")
    weight_decay: float = number(0.0, low=0.0, closed="[)", remedy="1e-4")
    l1: float = number(0.0, low=0.0, closed="[)", remedy="1e-5")
    convention: str = choice(("modern", "book"), "modern")

    def __post_init__(self) -> None:
        refuse_width(self.activation, self.hidden, "hidden", type(self).__name__)
        super().__post_init__()

    def _resolved(self, name: str) -> Any:
        """A field as it is used: the layer in place of the name of a norm."""
        value = getattr(self, name)
        is_named = name == "norm" and isinstance(value, str)
        return _named_norm(value, self.convention) if is_named else value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[Any, ...]:
        values = vars(self)
        if isinstance(self.norm, str):
            values = {**values, "norm": self._resolved("norm")}
        return tuple(values.values())

    batch_norm, layer_norm = old_norm("batch_norm"), old_norm("layer_norm")

    def build(self, in_features: int, out_features: int) -> Architecture:
        """Build the network for inputs and outputs of these widths.

        Parameters
        ----------
        in_features, out_features : int
            The widths.

        Returns
        -------
        Architecture
            Its layers, and where its numbers live.
        """
        for name, width in (("in_features", in_features), ("out_features", out_features)):
            _WIDTH.check(width, name, "MLP.build")
        return _built(self, int(in_features), int(out_features))

    def _layers(self, out_features: int, with_dropout: bool) -> list[Layer]:
        layers: list[Layer] = []
        norm = self._resolved("norm")
        for width in self.hidden:
            layers.append(Dense(width, self.init))
            if norm is not None:
                layers.append(norm)
            layers.append(Activate(self.activation))
            if with_dropout:
                layers.append(Dropout(self.dropout, inverted=self.convention == "modern"))
        layers.append(Dense(out_features, self.output_init or self.init))
        return layers


@functools.cache
def _named_norm(name: str, convention: str) -> Layer:
    kind = NORMS[name]
    make: Callable[[], Layer] = getattr(kind, "book", kind) if convention == "book" else kind
    return make()


@functools.lru_cache(maxsize=1024)  # searches ask for each network again and again
def _built(network: MLP, in_features: int, out_features: int) -> Architecture:
    return Architecture.of([network], in_features, out_features, population=False)


class Architecture:
    """Layers in order, a loss, penalties, and the layouts of parameters and buffers.

    It holds no numbers of any network: `bind` makes views of flat vectors, and the
    other methods take those views.
    """

    def __init__(
        self, layers: Sequence[Layer], loss: Loss, in_features: int, weight_decay: Any, l1: Any
    ) -> None:
        self.layers = tuple(layers)
        self.loss = loss
        self.weight_decay = weight_decay
        self.l1 = l1
        parameters, buffers, widths, number_of_dense = [], [], [in_features], 0
        names: set[str] = set()
        for index, layer in enumerate(self.layers):
            declared = layer.declare(widths[-1])
            if not isinstance(declared, Declaration):
                owner = type(layer).__name__
                raise SettingError(sentence("declare", owner, "return a Declaration", declared))
            number_of_dense += isinstance(layer, Dense)
            suffix = str(max(number_of_dense, 1))
            for short in (*declared.parameters, *declared.buffers):
                if short + suffix in names:
                    must = "have names that no other array beside it has, as W and b of Dense"
                    owner, remedy = type(layer).__name__, "'gamma' or 'beta'"
                    raise SettingError(sentence("parameters", owner, must, short, remedy))
                names.add(short + suffix)
            parameters.append((index, suffix, declared.parameters))
            buffers.append((index, suffix, declared.buffers))
            widths.append(declared.out_features)
        self.widths = tuple(widths)
        self.layout = Layout.of(parameters)
        self.buffer_layout = Layout.of(buffers)
        self._decayed = bool(np.any(weight_decay))
        self._l1 = bool(np.any(l1))

    @staticmethod
    def of(
        members: Sequence[MLP], in_features: int, out_features: int, population: bool = True
    ) -> Architecture:
        """The architecture of members of one structure; their own settings become (K, 1, 1)."""
        with_dropout = any(member.dropout > 0 for member in members)
        layers = [member._layers(out_features, with_dropout) for member in members]
        if not population:
            (one,) = members
            return Architecture(layers[0], one.loss, in_features, one.weight_decay, one.l1)
        stacked = stack_settings(members, trailing=2)
        return Architecture(
            [stack_settings(same, trailing=2) for same in zip(*layers, strict=True)],
            stacked.loss,
            in_features,
            stacked.weight_decay,
            stacked.l1,
        )

    @property
    def in_features(self) -> int:
        """The width of the inputs."""
        return self.widths[0]

    @property
    def out_features(self) -> int:
        """The width of the outputs."""
        return self.widths[-1]

    @property
    def size(self) -> int:
        """The number of trained parameters of one network."""
        return self.layout.size

    @property
    def starts(self) -> Hashable:
        """What `initialize` depends on, beside the seed."""
        entries = (*self.layout.entries, *self.buffer_layout.entries)
        return tuple((entry.parameter.start, entry.parameter.shape) for entry in entries)

    def initialize(self, seed: int, dtype: Any = np.float32) -> tuple[Array, Array]:
        """The starting parameters (P,) and buffers (Q,) of one network.

        The i-th weight matrix draws from stream(seed, "init", i), in float64; so networks that
        share a seed and their widths share their draws, whatever scale, norm or dtype they have.
        """
        return self.layout.start(seed, dtype), self.buffer_layout.start(seed, dtype)

    def bind(self, params: Array, buffers: Array | None = None) -> Bound:
        """For each layer its named views of params (..., P) and buffers (..., Q)."""
        views = self.layout.layer_views(params, len(self.layers))
        if buffers is not None:
            statistics = self.buffer_layout.layer_views(buffers, len(self.layers))
            for view, statistic in zip(views, statistics, strict=True):
                view.update(statistic)
        return tuple(views)

    def forward(
        self,
        bound: Bound,
        x: Array,
        training: bool = False,
        draw: Draw | None = None,
        new: Workspace = FRESH,
    ) -> tuple[Array, list[Any], list[Views]]:
        """The outputs y (..., B, out), the caches, and each layer's new buffers.

        x: (B, in) shared by all members, or (..., B, in).
        `draw(layer, rows, width)` gives the uniforms of a random layer.
        """
        caches, updated = [], []
        for index, (layer, p) in enumerate(zip(self.layers, bound, strict=True)):
            mode = Mode(training, _draw_of(draw, index) if layer.random else None)
            x, cache, buffers = layer.forward(p, x, mode, new.scope(index))
            caches.append(cache)
            updated.append(buffers)
        return x, caches, updated

    def backward(
        self, bound: Bound, caches: list[Any], dy: Array, grads: Bound, new: Workspace = FRESH
    ) -> None:
        """Fills `grads` with d loss/d parameter, penalties not included, from dy = d loss/dy."""
        for index in reversed(range(1, len(self.layers))):
            dy = self.layers[index].backward(
                bound[index], caches[index], dy, grads[index], new.scope(index)
            )
        self.layers[0].parameter_gradients(bound[0], caches[0], dy, grads[0], new.scope(0))

    def loss_and_gradient(
        self,
        bound: Bound,
        x: Array,
        t: Array,
        grads: Bound,
        draw: Draw | None = None,
        new: Workspace = FRESH,
        weight: Array | None = None,
    ) -> tuple[Array, Array, list[Views]]:
        """Data loss (...,), outputs and new buffers; `grads` gets the gradient with penalties."""
        y, caches, updated = self.forward(bound, x, True, draw, new)
        loss, cache = self.loss.forward(y, t, new.scope("loss"), weight)
        self.backward(bound, caches, self.loss.backward(cache, new.scope("loss")), grads, new)
        self.add_penalty_gradient(bound, grads, new.scope("penalty"))
        return loss, y, updated

    def add_penalty_gradient(self, bound: Bound, grads: Bound, new: Allocator) -> None:
        """grads[W] += λ W + λ₁ sign(W), for every weight that decays."""
        if not (self._decayed or self._l1):
            return
        for entry in self.layout.entries:
            if entry.parameter.decays:
                W, dW = (views[entry.layer][entry.short_name] for views in (bound, grads))
                # A few rows of all members at a time: their terms stay in the nearest caches.
                # As one row of each member: what `out` fills is copied where NumPy cannot tell at
                # once that no two of its entries (K, rows, out) share memory.
                W, dW = (each.reshape(*each.shape[:-2], 1, -1) for each in (W, dW))
                at_once = piece(W.shape[-1], PENALTY_BLOCK // math.prod(W.shape[:-1]))
                for first in range(0, W.shape[-1], at_once):
                    numbers = np.s_[..., first : first + at_once]
                    self._add_penalty_gradient(W[numbers], dW[numbers], new)

    def _add_penalty_gradient(self, W: Array, dW: Array, new: Allocator) -> None:
        term = rows_apart(new, "term", W.shape, W.dtype)
        if self._decayed:
            np.add(dW, np.multiply(W, cast(self.weight_decay, W.dtype), out=term), out=dW)
        if self._l1:
            np.sign(W, out=term)
            np.add(dW, np.multiply(term, cast(self.l1, W.dtype), out=term), out=dW)

    def penalty(self, bound: Bound) -> Array | float:
        """½ λ Σ W² + λ₁ Σ |W|, shape (...,)."""
        total: Array | float = 0.0
        for entry in self.layout.entries:
            if entry.parameter.decays:
                W = bound[entry.layer][entry.short_name]
                if self._decayed:
                    squares = 0.5 * cast(self.weight_decay, W.dtype) * (W * W)
                    total = total + squares.sum(axis=(-2, -1))
                if self._l1:  # |W| as W · sign(Re W), so that a complex step passes through
                    sizes = cast(self.l1, W.dtype) * (W * np.sign(W.real))
                    total = total + sizes.sum(axis=(-2, -1))
        return total


def _draw_of(draw: Draw | None, layer: int) -> Callable[[int, int], Array] | None:
    if draw is None:
        return None
    return lambda rows, width: draw(layer, rows, width)
