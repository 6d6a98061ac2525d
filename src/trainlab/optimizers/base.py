"""What all optimizers share: settings, clipping, blocks, decoupled decay.

Shapes: p, g, Δ and the state are (P,) for one network and (K, P) for a population;
settings and coefficients are then floats or float64 arrays (K, 1).  Coefficients are
computed in float64 once per step and cast once.  Nothing here mixes two members, and
no sum is taken over more than one row: a member's bits do not depend on K.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network.workspace import Allocator, Array, allocate, piece, rows_apart
from trainlab.schedules import SCHEDULES, Coefficient, Schedule
from trainlab.settings import Settings, Takes, cast, number, record

__all__ = ["Optimizer", "Slot"]

State = dict[str, Array]
Coefficients = dict[str, Coefficient]

# A rule passes about ten times over its arrays, in blocks of this many elements (all
# members together), so that the four arrays of Adam, 512 kB, stay in a second-level cache.
# The optimum is wide, from 16k to 64k.  It never changes a bit.
BLOCK: Final = 32_768
# Steps between two looks for denormal numbers in the state.
FLUSH_EVERY: Final = 64
# Rows are summed and decayed in pieces of this length.  Unlike BLOCK, it decides the
# order of the additions in a norm: changing it changes the last bits of clipped runs.
PIECE: Final = 32_768


class Slot(NamedTuple):
    """One array of an optimizer's state.

    Parameters
    ----------
    name : str
        How `rule` and `coefficients` find it.
    start : float or str, default 0.0
        What it holds before the first step, or the name of the setting that says so.
    per_parameter : bool, default True
        Whether it has a number for each parameter, (K, P) in the dtype of the training; else
        one for each member, (K, 1) float64.
    """

    name: str
    start: float | str = 0.0
    per_parameter: bool = True


def rate(default: float) -> Any:
    """The field `lr`: a number > 0."""
    return number(default, low=0.0, remedy=f"{default:g}")


def share(default: float) -> Any:
    """A field that weighs the past against the present: a number in [0, 1)."""
    return number(default, low=0.0, high=1.0, closed="[)", remedy=f"{default:g}")


def epsilon(default: float) -> Any:
    """The field `eps`, which keeps a denominator off 0: a number > 0."""
    return number(default, low=0.0, remedy=f"{default:g}")


@dataclass(frozen=True)
class Optimizer(Settings, ABC):
    """Base of all optimizers: settings only, the state is an argument.

    A subclass is a frozen dataclass that says three things: `slots`, `coefficients` and `rule`.
    Fields made by `trainlab.settings.number` may differ between the members of a population:
    they are then float64 arrays (K, 1).  The last bits of `**` are others for arrays than for
    numbers: `trainlab.powers.power(b, n)` has the same for both, for whole n.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    schedule : Schedule or str, default "constant"
        How the rate changes from step to step.
    clip_norm : float, default inf
        The largest norm of a member's gradient, > 0; a longer one is scaled to it.
    clip_value : float, default inf
        The largest size of an element of the gradient, > 0; it is cut first.
    decoupled_weight_decay : float, default 0.0
        The share λ >= 0 of p that each step takes away times lr, where p decays.

    Attributes
    ----------
    slots : tuple of Slot
        The arrays of the state; by default none.

    Notes
    -----
    In this order: each element of g is cut to ±clip_value; g is scaled so that its norm over a
    member's parameters is at most clip_norm; the rule turns g into Δ with lr·schedule(step);
    Δ -= lr·schedule(step)·decoupled_weight_decay·p where p decays.

    Libraries differ: PyTorch's clip_grad_norm_ divides by norm + 1e-6 (optax and we by the norm)
    and takes clipping as calls outside the optimizer.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class SignDescent(Optimizer):  # Δ = −lr · sign(g)
    ...     def coefficients(self, step, lr, state):
    ...         return {"lr": lr}
    ...
    ...     def rule(self, g, s, c, new):
    ...         np.sign(g, out=g)
    ...         np.multiply(g, -c["lr"], out=g)
    >>> p, g = np.array([1.0, 2.0]), np.array([0.5, -3.0])
    >>> SignDescent(0.25).update(p, g, {}, step=0)
    >>> p.tolist()
    [0.75, 2.25]
    """

    _in_grids: ClassVar[bool] = True
    slots: ClassVar[tuple[Slot, ...]] = ()

    lr: float = rate(0.01)
    _: KW_ONLY
    schedule: Takes[Schedule | str, Schedule] = record(Schedule, SCHEDULES, "constant")
    clip_norm: float = number(math.inf, low=0.0, closed="(]", remedy="math.inf, for none")
    clip_value: float = number(math.inf, low=0.0, closed="(]", remedy="math.inf, for none")
    decoupled_weight_decay: float = number(0.0, low=0.0, closed="[)")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        slots: Any = cls.slots
        if not isinstance(slots, (tuple, list)) or not all(isinstance(one, Slot) for one in slots):
            remedy = 'slots = (Slot("m"),)'
            raise SettingError(sentence("slots", cls.__name__, "be a tuple of Slot", slots, remedy))
        # What every optimizer has takes the place of {shared} in its docstring.
        rest = inspect.cleandoc(Optimizer.__doc__ or "").partition("schedule :")[2]
        shared = "schedule :" + rest.partition("\n\n")[0]
        cls.__doc__ = inspect.cleandoc(cls.__doc__ or "").replace("{shared}", shared) or None

    @abstractmethod
    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        """Compute what the rule multiplies with at a step, in float64.

        Parameters
        ----------
        step : int
            Updates done before this one.  Engines may pass an array (n, 1, 1) of such numbers to
            the optimizers of this package.
        lr : float or ndarray, shape (K, 1)
            The rate at this step.
        state : dict of str to ndarray
            The state; slots (K, 1) may be moved on here, once per step.

        Returns
        -------
        dict of str to float or ndarray
            Numbers or (K, 1).
        """

    @abstractmethod
    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        """Turn g into Δ, in place, and move the state on, on any block of columns.

        Parameters
        ----------
        g : array (K, n) or (n,)
            The gradient of some of the parameters; afterwards the step that is added to them.
        s : mapping of arrays
            The slots of these parameters by name.
        c : dict
            What `coefficients` returned, in the dtype of g.
        new : callable
            `new(name, shape, dtype)` is scratch memory that is the same at every step.
        """

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the (K, P) slots of the state."""
        return tuple(slot.name for slot in self.slots if slot.per_parameter)

    def init(self, params: Array) -> State:
        """Make the state before the first step.

        Parameters
        ----------
        params : ndarray, shape (P,) or (K, P)
            The parameters.

        Returns
        -------
        dict of str to ndarray
            The slots of the optimizer.
        """
        state = {}
        for slot in self.slots:
            member = (*params.shape[:-1], 1)
            array = np.empty_like(params) if slot.per_parameter else np.empty(member)
            start = slot.start
            array[...] = getattr(self, start) if isinstance(start, str) else start
            state[slot.name] = array
        return state

    def delta(
        self,
        params: Array,
        grads: Array,
        state: State,
        step: int,
        total: int | None = None,
        decays: Sequence[slice] = (),
        new: Allocator = allocate,
    ) -> None:
        """Turn `grads` into the step Δ that is to be added to `params`, in place.

        Parameters
        ----------
        params, grads : ndarray, shape (P,) or (K, P)
            Parameters, and their gradients; `grads` holds Δ afterwards.
        state : dict of str to ndarray
            What `init` made.
        step : int
            Updates done before this one.
        total : int, optional
            Updates of the whole training, for schedules that need it.
        decays : sequence of slice, default ()
            The columns that decoupled decay is for.
        new : callable, optional
            Gives scratch arrays.

        Raises
        ------
        SettingError
            Where the schedule needs a length and there is none.
        """
        lr = self.lr * self.schedule.multiplier(step, total)
        clip(grads, self.clip_value, self.clip_norm, new)
        found = self.coefficients(step, lr, state)
        c = {name: cast(value, params.dtype) for name, value in found.items()}
        moving = self.arrays
        columns = width = params.shape[-1]
        if moving:  # else one pass is all there is
            width = piece(columns, BLOCK // math.prod(params.shape[:-1]))

        def narrow(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
            if width == columns:
                return new(name, shape, dtype)
            # One piece of scratch per name: the last block, a narrower one, is a part of it.
            own = rows_apart(new, name, (*shape[:-1], width), dtype)
            return own[..., : shape[-1]]

        for first in range(0, columns, width):
            block = slice(first, first + width)
            views = {name: state[name][..., block] for name in moving}
            self.rule(grads[..., block], views, c, narrow)
        shrink(grads, params, lr * self.decoupled_weight_decay, decays, new)
        if step % FLUSH_EVERY == FLUSH_EVERY - 1:
            for name in moving:
                flush(state[name], new)

    def update(
        self,
        params: Array,
        grads: Array,
        state: State,
        step: int,
        total: int | None = None,
        decays: Sequence[slice] = (),
        new: Allocator = allocate,
    ) -> None:
        """Take one step, in place: params += Δ.

        Parameters
        ----------
        params, grads : ndarray, shape (P,) or (K, P)
            Parameters, and their gradients; `grads` holds Δ afterwards.
        state : dict of str to ndarray
            What `init` made.
        step : int
            Updates done before this one.
        total : int, optional
            Updates of the whole training, for schedules that need it.
        decays : sequence of slice, default ()
            The columns that decoupled decay is for.
        new : callable, optional
            Gives scratch arrays.

        Raises
        ------
        SettingError
            Where the schedule needs a length and there is none.
        """
        self.delta(params, grads, state, step, total, decays, new)
        np.add(params, grads, out=params)


def clip(grads: Array, value: Coefficient, norm: Coefficient, new: Allocator = allocate) -> None:
    """Cuts each element to ±value, then scales each member's gradient to a norm of at most `norm`.

    In place; infinity leaves a member as it is, to the bit.  A gradient that holds
    NaN keeps it.  Source of the norm's rule: Pascanu, Mikolov & Bengio 2013, section 3.2.

    >>> g = np.array([[3.0, 4.0], [0.3, 0.4]])
    >>> clip(g, math.inf, 1.0)
    >>> g.round(12).tolist()
    [[0.6, 0.8], [0.3, 0.4]]
    """
    if limits(value):
        bound = cast(value, grads.dtype)
        np.minimum(grads, bound, out=grads)
        np.maximum(grads, -bound, out=grads)
    if limits(norm):
        found = norms(grads, new)
        # A norm that overflowed must not turn an unclipped member's gradient into NaN.
        over = found > norm
        scale = np.where(over, np.divide(norm, np.where(over, found, 1.0)), 1.0)
        np.multiply(grads, cast(scale, grads.dtype), out=grads)


def limits(bound: Coefficient) -> bool:
    """Whether a bound, or that of any member, is finite."""
    return bound < math.inf if isinstance(bound, float) else bool((bound < math.inf).any())


def norms(grads: Array, new: Allocator = allocate) -> Array:
    """The Euclidean norm of each row, float64 (K, 1), or (1,) for grads (P,).

    Row by row in pieces of a fixed length: the order of the additions, and so the
    last bit, is the same for any K.  Squares are float64, so float32 cannot overflow.
    """
    rows = np.atleast_2d(grads)
    columns = rows.shape[-1]
    squares = new("squares", (min(columns, PIECE),), np.float64)
    total = np.zeros((*grads.shape[:-1], 1))
    for k, row in enumerate(rows):
        for first in range(0, columns, PIECE):
            part = row[first : first + PIECE]
            square = squares[: part.size]
            np.copyto(square, part)  # a ufunc that casts would allocate buffers for it
            total.reshape(-1)[k] += np.square(square, out=square).sum()
    return np.sqrt(total)


def shrink(
    delta: Array, params: Array, strength: Coefficient, columns: Sequence[slice], new: Allocator
) -> None:
    """Decoupled weight decay: delta -= strength·params in the given columns, in place.

    Row by row, so that a member without decay is not touched because its neighbour
    has some: subtracting 0·p would turn -0 into 0, and inf into NaN.
    """
    if not (columns and np.any(strength)):
        return
    rows, steps = np.atleast_2d(params), np.atleast_2d(delta)
    factors = cast(np.broadcast_to(strength, (len(rows), 1)), params.dtype).ravel()
    scratch = new("decay", (min(rows.shape[-1], PIECE),), params.dtype)
    for k in np.flatnonzero(factors):
        for part in columns:
            p, d = rows[k, part], steps[k, part]
            for first in range(0, p.size, PIECE):
                piece = slice(first, first + PIECE)
                loss = np.multiply(p[piece], factors[k], out=scratch[: p[piece].size])
                np.subtract(d[piece], loss, out=d[piece])


def flush(state: Array, new: Allocator = allocate) -> None:
    """Sets to zero, in place, what is so near to it that its products would be denormal.

    A running mean of a gradient that has become zero falls for ever, and processors are
    slow with numbers below 1.2e-38 (float32; 2.2e-308 in float64).  Where 8e-9 times the
    limit below stands beside an ε, it is gone from the sum: no result changes.

    >>> v = np.array([1e-3, 1e-35, -1e-35, 0.0], np.float32)
    >>> flush(v)
    >>> v.tolist()
    [0.0010000000474974513, 0.0, -0.0, 0.0]
    """
    kind = np.finfo(state.dtype)
    limit = kind.tiny / kind.eps
    for row in np.atleast_2d(state):
        for first in range(0, row.size, PIECE):
            part = row[first : first + PIECE]
            size = new("size", (min(row.size, PIECE),), row.dtype)[: part.size]
            np.abs(part, out=size)
            np.less(size, limit, out=size)
            np.subtract(1, size, out=size)
            np.multiply(part, size, out=part)  # NaN and infinity stay what they are


def average(mean: Array, x: Array, keep: Coefficient, take: Coefficient, scratch: Array) -> None:
    """mean ← keep·mean + take·x, in place; `scratch` may be x."""
    np.multiply(mean, keep, out=mean)
    np.multiply(x, take, out=scratch)
    np.add(mean, scratch, out=mean)


def divide(
    x: Array, square: Array, eps: Coefficient, inside: bool, scratch: Array, out: Array
) -> None:
    """out ← x / (√square + ε), or x / √(square + ε); `out` may be x."""
    if inside:
        np.add(square, eps, out=scratch)
        np.sqrt(scratch, out=scratch)
    else:
        np.sqrt(square, out=scratch)
        np.add(scratch, eps, out=scratch)
    np.divide(x, scratch, out=out)
