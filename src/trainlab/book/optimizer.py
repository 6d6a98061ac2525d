"""What readers of the book import from `common.optimizer`, in the order of its chapter 6.

A rule is written once, with operators, as in the book: it updates arrays in place,
and returns a number where it was given one.

Source: Saitoh, Deep Learning from Scratch, chapter 6.  Where the variants of libraries
differ: `trainlab.optimizers`, whose `book()` compute the same formulas.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import numpy as np

from trainlab.book import native
from trainlab.book.notices import notice
from trainlab.errors import DataError, sentence
from trainlab.settings import real

__all__ = ["SGD", "AdaGrad", "Adam", "Momentum", "Nesterov", "RMSprop", "np"]

Params = MutableMapping[str, Any]

EPS: Final = 1e-7
"""Added to a root, so that nothing is divided by 0."""
RATE: Final = real(0.0, closed="[)", remedy="0.01")
SHARE: Final = real(0.0, 1.0, "[]", "0.9")
"""What weighs the past against the present."""


class Optimizer(ABC):
    """Base of the optimizers: `update` goes through the parameters, `rule` moves one.

    `starts` names the attributes that remember the past, and how they begin: a table by the
    names of the parameters, made at the first update, or the number of updates.

    Differs: in the book one optimizer remembers one past.  If two networks share it, it mixes
    what it knows of both, or stops with KeyError.  Here each network (each dict of
    parameters) has a past of its own, and the attributes show that of the last one updated.
    """

    starts: ClassVar[Mapping[str, int | None]] = MappingProxyType({})
    _pasts: tuple[Past, ...] = ()
    _current: Past | None = None

    def __init__(self, lr: float, **shares: float) -> None:
        for setting, value in {"lr": lr, **shares}.items():
            rule = RATE if setting == "lr" else SHARE
            one = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
            rule.check(one, setting, type(self).__name__)
        self.lr = lr
        for name, start in self.starts.items():
            setattr(self, name, start)

    @abstractmethod
    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        """p after the step: the same array moved on in place, or a new number."""

    def update(self, params: Params, grads: Mapping[str, Any]) -> None:
        """One step: params[key] changes in place if it is an array, else it is bound anew."""
        if missing := [key for key in params if key not in grads]:
            must = f"have a gradient of each of params, of {missing[0]!r} too"
            raise DataError(sentence("grads", type(self).__name__, must, list(grads)))
        tables = self._tables(params)
        self.begin()
        for key, p in params.items():
            for table in tables:
                if key not in table:
                    table[key] = zeros_for(p)
            # An array comes back as itself; a plain number is bound anew.
            params[key] = self.rule(p, grads[key], *[table[key] for table in tables])
        if self._current is not None:
            self._current.values = list(params.values())

    def begin(self) -> None:  # noqa: B027 - most have nothing to do
        """What happens once per update, before the first rule."""

    def _tables(self, params: Params) -> list[dict[str, Any]]:
        """What is remembered of these parameters: a table for each name that starts as None."""
        if not self.starts:
            return []
        past = next((past for past in self._pasts if past.belongs_to(params)), None)
        if past is None:
            past = Past(params)
            self._pasts = (*self._pasts, past)
        if past is not self._current:
            if self._current is not None:
                self._current.attributes = {name: getattr(self, name) for name in self.starts}
                for name, start in self.starts.items():
                    setattr(self, name, past.attributes.get(name, start))
                notice(
                    f"one {type(self).__name__} updates several networks; each of them has a past "
                    "of its own here (the book's optimizer mixes them); if there is only one, its "
                    "params are new arrays at each step, or stand behind grads in update"
                )
            self._current = past
        tables = [name for name, start in self.starts.items() if start is None]
        for name in tables:
            if getattr(self, name) is None:
                setattr(self, name, {})
        return [getattr(self, name) for name in tables]

    def __getstate__(self) -> dict[str, Any]:
        """Without knowing whose past it is: a copy goes on with the first network it gets."""
        return {name: v for name, v in vars(self).items() if name not in ("_pasts", "_current")}


class Past:
    """What an optimizer remembers of one network, kept here while it works for another."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.values: list[Any] = []
        self.attributes: dict[str, Any] = {}

    def belongs_to(self, params: Params) -> bool:
        """Whether params is the same dict, or a new one of the very objects that it held."""
        new = list(params.values())
        same = len(new) == len(self.values) and all(map(operator.is_, new, self.values))
        return params is self.params or same


def zeros_for(p: Any) -> Any:
    """Zeros of the shape and precision of p; float64 where p is no floating number."""
    dtype = np.asarray(p).dtype
    return np.zeros(np.shape(p), dtype if np.issubdtype(dtype, np.inexact) else np.float64)


class SGD(Optimizer):
    """p ← p − lr·g.

    >>> params = {"W": np.array([1.0, 2.0]), "x": 3.0}
    >>> SGD(lr=0.5).update(params, {"W": np.array([1.0, -2.0]), "x": 2.0})
    >>> params["W"].tolist(), params["x"]
    ([0.5, 3.0], 2.0)
    """

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        if native.update(native.SGD, (self.lr,), p, g):
            return p
        p -= self.lr * g
        return p


class Momentum(Optimizer):
    """v ← μ·v − lr·g,  p ← p + v  (μ: `momentum`)."""

    starts = MappingProxyType({"v": None})
    v: dict[str, Any] | None

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum=momentum)
        self.momentum = momentum

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        (v,) = past
        if native.update(native.MOMENTUM, (self.momentum, self.lr), p, g, v):
            return p
        v *= self.momentum
        v -= self.lr * g
        p += v
        return p


class Nesterov(Optimizer):
    """p ← p + μ²·v − (1 + μ)·lr·g,  then v ← μ·v − lr·g: momentum that looks ahead.

    Source: Bengio, Boulanger-Lewandowski & Pascanu 2012, eq. 7.
    """

    starts = MappingProxyType({"v": None})
    v: dict[str, Any] | None

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum=momentum)
        self.momentum = momentum

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        (v,) = past
        rates = self.momentum * self.momentum, (1 + self.momentum) * self.lr
        if native.update(native.NESTEROV, (self.momentum, self.lr, *rates), p, g, v):
            return p
        p += self.momentum * self.momentum * v
        p -= (1 + self.momentum) * self.lr * g
        v *= self.momentum
        v -= self.lr * g
        return p


class AdaGrad(Optimizer):
    """h ← h + g²,  p ← p − lr·g / (√h + 1e-7)."""

    starts = MappingProxyType({"h": None})
    h: dict[str, Any] | None

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        (h,) = past
        if native.update(native.ADAGRAD, (self.lr, EPS), p, g, h):
            return p
        h += g * g
        p -= self.lr * g / (np.sqrt(h) + EPS)
        return p


class RMSprop(Optimizer):
    """h ← d·h + (1 − d)·g²,  p ← p − lr·g / (√h + 1e-7)  (d: `decay_rate`)."""

    starts = MappingProxyType({"h": None})
    h: dict[str, Any] | None

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr, decay_rate=decay_rate)
        self.decay_rate = decay_rate

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        (h,) = past
        keep = self.decay_rate
        if native.update(native.RMSPROP, (keep, 1 - keep, self.lr, EPS), p, g, h):
            return p
        h *= self.decay_rate
        h += (1 - self.decay_rate) * g * g
        p -= self.lr * g / (np.sqrt(h) + EPS)
        return p


class Adam(Optimizer):
    """m ← m + (1 − β1)·(g − m),  v ← v + (1 − β2)·(g² − v),  p ← p − rate·m / (√v + 1e-7).

    rate = lr·√(1 − β2ᵗ) / (1 − β1ᵗ), t = `iter` the number of the update: the corrections
    of the two means are folded into the rate.
    """

    starts = MappingProxyType({"iter": 0, "m": None, "v": None})
    iter: int
    m: dict[str, Any] | None
    v: dict[str, Any] | None

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr, beta1=beta1, beta2=beta2)
        self.beta1 = beta1
        self.beta2 = beta2

    def begin(self) -> None:
        self.iter += 1
        powers = self.beta1**self.iter, self.beta2**self.iter
        self._rate = self.lr * np.sqrt(1.0 - powers[1]) / (1.0 - powers[0])

    def rule(self, p: Any, g: Any, *past: Any) -> Any:
        m, v = past
        numbers = 1 - self.beta1, 1 - self.beta2, self._rate, EPS
        if native.update(native.ADAM, numbers, p, g, m, v):
            return p
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g**2 - v)
        p -= self._rate * m / (np.sqrt(v) + EPS)
        return p
