"""Steps whose length follows the size of past gradients, for each parameter; simplest first."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from trainlab.network.workspace import Allocator, Array
from trainlab.optimizers.base import (
    Coefficients,
    Optimizer,
    Slot,
    State,
    average,
    divide,
    epsilon,
    rate,
    share,
)
from trainlab.powers import exponential, power
from trainlab.schedules import Coefficient
from trainlab.settings import flag, number

__all__ = ["AMSGrad", "AdaGrad", "Adam", "AdamW", "NAdam", "RMSprop"]


@dataclass(frozen=True)
class AdaGrad(Optimizer):
    """Divide the gradient by the root of the sum of its squares.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    eps : float, default 1e-10
        ε, added to the denominator; > 0.
    initial : float, default 0.0
        Where h starts, >= 0.
    eps_inside_sqrt : bool, default False
        Divide by √(h + ε) instead.
    {shared}

    Notes
    -----
    h ← h + g²,  Δ = -lr·g / (√h + ε).

    Source: Duchi, Hazan & Singer 2011.  Libraries differ: PyTorch ε = 1e-10 outside, h from 0;
    the book ε = 1e-7 outside, h from 0; optax ε = 1e-7 inside, h from 0.1; Keras ε = 1e-7
    inside, h from 0.1.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), AdaGrad(0.5)
    >>> optimizer.update(p, np.array([4.0]), optimizer.init(p), step=0)
    >>> p.round(6).tolist()
    [0.5]
    """

    slots = (Slot("h", start="initial"),)

    eps: float = epsilon(1e-10)
    initial: float = number(0.0, low=0.0, closed="[)")
    eps_inside_sqrt: bool = flag(False)

    @classmethod
    def book(cls, lr: float = 0.01) -> Self:
        """Make the book's variant: ε is 1e-7.

        Parameters
        ----------
        lr : float, default 0.01
            The rate.

        Returns
        -------
        AdaGrad
            The optimizer.
        """
        return cls(lr, eps=1e-7)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return {"rate": -lr, "eps": self.eps}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        h, root = s["h"], new("root", g.shape, g.dtype)
        np.multiply(g, g, out=root)
        np.add(h, root, out=h)
        divide(g, h, c["eps"], self.eps_inside_sqrt, root, g)
        np.multiply(g, c["rate"], out=g)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Divide the gradient by the root of a running mean of its squares.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    decay : float, default 0.99
        d in [0, 1): how much of the mean each step keeps.
    eps : float, default 1e-8
        ε, added to the denominator; > 0.
    eps_inside_sqrt : bool, default False
        Divide by √(v + ε) instead.
    {shared}

    Notes
    -----
    v ← d·v + (1 - d)·g²,  Δ = -lr·g / (√v + ε).

    Source: Tieleman & Hinton 2012, lecture 6.5.  Libraries differ: PyTorch d = 0.99, ε = 1e-8
    outside; optax d = 0.9, ε = 1e-8 inside; Keras d = 0.9, ε = 1e-7 inside; the book d = 0.99,
    ε = 1e-7 outside.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), RMSprop(0.5, decay=0.75)
    >>> optimizer.update(p, np.array([4.0]), optimizer.init(p), step=0)
    >>> p.round(6).tolist()
    [0.0]
    """

    slots = (Slot("v"),)

    decay: float = share(0.99)
    eps: float = epsilon(1e-8)
    eps_inside_sqrt: bool = flag(False)

    @classmethod
    def book(cls, lr: float = 0.01, decay: float = 0.99) -> Self:
        """Make the book's variant: ε is 1e-7.

        Parameters
        ----------
        lr : float, default 0.01
            The rate.
        decay : float, default 0.99
            As in the constructor.

        Returns
        -------
        RMSprop
            The optimizer.
        """
        return cls(lr, decay, eps=1e-7)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return {"rate": -lr, "decay": self.decay, "rest": 1.0 - self.decay, "eps": self.eps}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        root = new("root", g.shape, g.dtype)
        np.multiply(g, g, out=root)
        average(s["v"], root, c["decay"], c["rest"], root)
        divide(g, s["v"], c["eps"], self.eps_inside_sqrt, root, g)
        np.multiply(g, c["rate"], out=g)


@dataclass(frozen=True)
class Moments(Optimizer, ABC):
    """Base of Adam and its kin: running means of g and g², which start at 0.

    m ← β1·m + (1 - β1)·g,  v ← β2·v + (1 - β2)·g².  Because they start at 0, their
    expectations are too small by b1 = 1 - β1^t and b2 = 1 - β2^t: m/b1 and v/b2 are
    without bias.  A step m/b1 / (√(v/b2) + ε) is computed as √b2/b1 · m / (√v + ε·√b2),
    which is the same and saves a pass over memory.
    """

    lr: float = rate(0.001)
    beta1: float = share(0.9)
    beta2: float = share(0.999)
    eps: float = epsilon(1e-8)

    def means(self) -> Coefficients:
        """Give the coefficients of the two running means.

        Returns
        -------
        dict of str to float or ndarray
            Numbers or (K, 1).
        """
        b1, b2 = self.beta1, self.beta2
        return {"keep1": b1, "take1": 1.0 - b1, "keep2": b2, "take2": 1.0 - b2}

    def adam(self, step: Any, lr: Coefficient, folded: bool) -> Coefficients:
        """Give the coefficients of Adam's rule.

        Parameters
        ----------
        step : int
            Updates done before this one.
        lr : float or ndarray, shape (K, 1)
            The rate at this step.
        folded : bool
            Whether corrections are folded into the rate.

        Returns
        -------
        dict of str to float or ndarray
            Numbers or (K, 1).
        """
        b1, root2 = self.bias(self.beta1, step), np.sqrt(self.bias(self.beta2, step))
        eps = self.eps if folded else self.eps * root2
        return {**self.means(), "rate": -lr * root2 / b1, "eps": eps}

    @staticmethod
    def bias(beta: Coefficient, step: Any) -> Coefficient:
        """Compute 1 - β^t.

        Parameters
        ----------
        beta : float or ndarray, shape (K, 1)
            The share β.
        step : int
            Updates done before this one, t - 1.

        Returns
        -------
        float or ndarray, shape (K, 1)
            For one network, or for each member.
        """
        return 1.0 - power(beta, step + 1)


def scaled_mean(g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
    """Adam's rule: g ← rate·m / (√v + ε), the means moved on first."""
    root = new("root", g.shape, g.dtype)
    average(s["m"], g, c["keep1"], c["take1"], root)
    np.square(g, out=g)
    average(s["v"], g, c["keep2"], c["take2"], g)
    divide(s["m"], s["v"], c["eps"], False, root, g)
    np.multiply(g, c["rate"], out=g)


@dataclass(frozen=True)
class Adam(Moments):
    """Divide a running mean of the gradient by the root of one of its squares.

    Parameters
    ----------
    lr : float, default 0.001
        The rate, > 0.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the two means each step keeps, in [0, 1).
    eps : float, default 1e-8
        ε, added to the denominator; > 0.
    folded : bool, default False
        Δ = -lr·√b2/b1 · m / (√v + ε), the corrections folded into the rate; ε then weighs more
        in the first steps, by 1/√b2.
    {shared}

    Notes
    -----
    m ← β1·m + (1 - β1)·g,  v ← β2·v + (1 - β2)·g²,  Δ = -lr·m/b1 / (√(v/b2) + ε)
    with b1 = 1 - β1^t and b2 = 1 - β2^t, which correct for means that start at 0.

    Source: Kingma & Ba 2015, algorithm 1; folded: the end of its section 2.  Libraries differ:
    PyTorch and optax ε = 1e-8 not folded; scikit-learn ε = 1e-8 folded; Keras and the book
    ε = 1e-7 folded.

    Examples
    --------
    >>> p, optimizer = np.array([1.0, 1.0]), Adam(0.25)
    >>> optimizer.update(p, np.array([4.0, -0.1]), optimizer.init(p), step=0)
    >>> p.round(6).tolist()
    [0.75, 1.25]
    """

    slots = (Slot("m"), Slot("v"))

    folded: bool = flag(False)

    @classmethod
    def book(cls, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> Self:
        """Make the book's variant: ε is 1e-7, and corrections are folded into the rate.

        Parameters
        ----------
        lr : float, default 0.001
            The rate.
        beta1, beta2 : float, default 0.9 and 0.999
            As in the constructor.

        Returns
        -------
        Adam
            The optimizer.
        """
        return cls(lr, beta1, beta2, eps=1e-7, folded=True)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return self.adam(step, lr, self.folded)

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        scaled_mean(g, s, c, new)


@dataclass(frozen=True)
class AdamW(Moments):
    """Adam with decoupled weight decay.

    Parameters
    ----------
    lr : float, default 0.001
        The rate, > 0.
    decoupled_weight_decay : float, default 0.01
        λ >= 0: each step subtracts lr·λ·p as well, where p decays.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the two means each step keeps, in [0, 1).
    eps : float, default 1e-8
        ε, added to the denominator; > 0.
    schedule : Schedule or str, default "constant"
        How the rate changes from step to step.
    clip_norm, clip_value : float, default inf
        The largest norm of a member's gradient, and the largest size of an element.

    Notes
    -----
    Δ = Adam's Δ - lr·λ·p where p decays.  Coupled decay adds λ·p to g, which Adam then divides
    by √v.

    Source: Loshchilov & Hutter 2019, algorithm 2.  Libraries differ: λ = 0.01 in PyTorch and
    here, 1e-4 in optax, 0.004 in Keras; they decay every parameter unless told otherwise, we
    those declared to decay.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), AdamW(0.25, decoupled_weight_decay=0.5)
    >>> optimizer.update(p, np.array([4.0]), optimizer.init(p), step=0, decays=[slice(0, 1)])
    >>> p.round(6).tolist()
    [0.625]
    """

    slots = (Slot("m"), Slot("v"))

    decoupled_weight_decay: float = number(0.01, low=0.0, closed="[)")

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return self.adam(step, lr, folded=False)

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        scaled_mean(g, s, c, new)


@dataclass(frozen=True)
class NAdam(Moments):
    """Adam with Nesterov's look ahead.

    Parameters
    ----------
    lr : float, default 0.002
        The rate, > 0.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the two means each step keeps, in [0, 1).
    eps : float, default 1e-8
        ε, added to the denominator; > 0.
    momentum_decay : float, default 0.004
        ψ >= 0: how fast μ rises to β1.
    warming : bool, default True
        Let μ rise; False: μ = β1 always.
    {shared}

    Notes
    -----
    m/b1 of Adam becomes μ'·m/(1 - Π·μ') + (1 - μ)·g/(1 - Π), with
    μ = β1·(1 - ½·0.96^(t·ψ)), μ' the same one step later, Π the product of all μ so far.

    Source: Dozat 2016, algorithm 2.  Libraries differ: PyTorch has ψ = 0.004, Keras ψ = 1;
    optax has constant μ.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), NAdam(0.1, beta1=0.5, warming=False)
    >>> optimizer.update(p, np.array([4.0]), optimizer.init(p), step=0)
    >>> round(float(p[0]), 6)
    0.866667
    """

    slots = (Slot("m"), Slot("v"), Slot("product", start=1.0, per_parameter=False))

    lr: float = rate(0.002)
    momentum_decay: float = number(0.004, low=0.0, closed="[)")
    warming: bool = flag(True)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        now, following = self.momentum_at(step + 1), self.momentum_at(step + 2)
        product = state["product"] = _products(state["product"], now, step)
        root2 = np.sqrt(self.bias(self.beta2, step))
        return {
            **self.means(),
            "rate_g": -lr * root2 * (1.0 - now) / (1.0 - product),
            "rate_m": -lr * root2 * following / (1.0 - product * following),
            "eps": self.eps * root2,
        }

    def momentum_at(self, t: Any) -> Coefficient:
        """Compute μ of a step.

        Parameters
        ----------
        t : int
            The step, counted from 1.

        Returns
        -------
        float or ndarray, shape (K, 1)
            For one network, or for each member.
        """
        if not self.warming:
            return self.beta1
        return self.beta1 * (1.0 - 0.5 * exponential(_LN_096 * (t * self.momentum_decay)))

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        m, v = s["m"], s["v"]
        root, ahead = new("root", g.shape, g.dtype), new("ahead", g.shape, g.dtype)
        average(m, g, c["keep1"], c["take1"], root)
        np.square(g, out=root)
        average(v, root, c["keep2"], c["take2"], root)
        np.multiply(g, c["rate_g"], out=g)
        np.multiply(m, c["rate_m"], out=ahead)
        np.add(g, ahead, out=g)
        divide(g, v, c["eps"], False, root, g)


_LN_096: Final = float.fromhex("-0x1.4e69ed6d80eb3p-5")


def _products(before: Array, factors: Coefficient, step: Any) -> Array:
    """before times the factor of a step; for steps (n, 1, 1) the products (n, K, 1) so far."""
    products: Array
    if np.ndim(step) == 0:
        products = before * factors
        return products
    shape = (len(step), *before.shape)
    all_of_them = np.concatenate([before[np.newaxis], np.broadcast_to(factors, shape)])
    products = np.multiply.accumulate(all_of_them)[1:]
    return products


@dataclass(frozen=True)
class AMSGrad(Moments):
    """Adam with the largest mean of squares so far in place of the last one.

    Parameters
    ----------
    lr : float, default 0.001
        The rate, > 0.
    beta1, beta2 : float, default 0.9 and 0.999
        How much of the two means each step keeps, in [0, 1).
    eps : float, default 1e-8
        ε, added to the denominator; > 0.
    corrected_max : bool, default False
        v̂ ← max(v̂, v/b2), then Δ = -lr·m/b1 / (√v̂ + ε).
    {shared}

    Notes
    -----
    As Adam, with v̂ ← max(v̂, v) in place of v.

    Source: Reddi, Kale & Kumar 2018, algorithm 2 (which corrects no bias at all).  Libraries
    differ: PyTorch (Adam(amsgrad=True)) corrects after the maximum, optax before it.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), AMSGrad(0.25)
    >>> optimizer.update(p, np.array([4.0]), optimizer.init(p), step=0)
    >>> p.round(6).tolist()
    [0.75]
    """

    slots = (Slot("m"), Slot("v"), Slot("v_max"))

    corrected_max: bool = flag(False)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        if not self.corrected_max:
            return self.adam(step, lr, folded=False)
        b1, b2 = self.bias(self.beta1, step), self.bias(self.beta2, step)
        return {**self.means(), "rate": -lr / b1, "eps": self.eps, "correction": 1.0 / b2}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        m, v, v_max, root = s["m"], s["v"], s["v_max"], new("root", g.shape, g.dtype)
        average(m, g, c["keep1"], c["take1"], root)
        np.square(g, out=g)
        average(v, g, c["keep2"], c["take2"], g)
        if self.corrected_max:
            v = np.multiply(v, c["correction"], out=g)
        np.maximum(v_max, v, out=v_max)
        divide(m, v_max, c["eps"], False, root, g)
        np.multiply(g, c["rate"], out=g)
