"""Steps along the gradient and its running sums, simplest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from trainlab.network.workspace import Allocator, Array
from trainlab.optimizers.base import Coefficients, Optimizer, Slot, State, share
from trainlab.schedules import Coefficient
from trainlab.settings import flag

__all__ = ["SGD", "Momentum", "Nesterov"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    {shared}

    Notes
    -----
    Δ = -lr·g.

    Source: Robbins & Monro 1951.  No library differs.

    Examples
    --------
    >>> p = np.array([1.0, 2.0])
    >>> SGD(0.5).update(p, np.array([1.0, -2.0]), state={}, step=0)
    >>> p.tolist()
    [0.5, 3.0]
    """

    slots = ()

    @classmethod
    def book(cls, lr: float = 0.01) -> Self:
        """Make the book's variant, which is no other.

        Parameters
        ----------
        lr : float, default 0.01
            The rate.

        Returns
        -------
        SGD
            The optimizer.
        """
        return cls(lr)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return {"rate": -lr}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        np.multiply(g, c["rate"], out=g)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent along a running sum of the gradients.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    momentum : float, default 0.9
        μ in [0, 1): how much of the sum each step keeps.
    rate_inside : bool, default False
        v ← μ·v - lr·g, Δ = v, as in the book, scikit-learn and Keras.  The two differ only where
        the rate changes: inside, past gradients keep their rate.
    {shared}

    Notes
    -----
    v ← μ·v + g,  Δ = -lr·v.

    Source: Polyak 1964.  PyTorch (dampening 0) and optax have the rate outside.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), Momentum(0.5, momentum=0.5)
    >>> state = optimizer.init(p)
    >>> for step in range(2):
    ...     optimizer.update(p, np.array([1.0]), state, step)
    >>> p.tolist()
    [-0.25]
    """

    slots = (Slot("v"),)

    momentum: float = share(0.9)
    rate_inside: bool = flag(False)

    @classmethod
    def book(cls, lr: float = 0.01, momentum: float = 0.9) -> Self:
        """Make the book's variant: the rate is inside.

        Parameters
        ----------
        lr : float, default 0.01
            The rate.
        momentum : float, default 0.9
            As in the constructor.

        Returns
        -------
        Momentum
            The optimizer.
        """
        return cls(lr, momentum, rate_inside=True)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return {"rate": -lr, "momentum": self.momentum}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        v = s["v"]
        if self.rate_inside:
            np.multiply(g, c["rate"], out=g)
        np.multiply(v, c["momentum"], out=v)
        np.add(v, g, out=v)
        if self.rate_inside:
            np.copyto(g, v)
        else:
            np.multiply(v, c["rate"], out=g)


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Momentum that looks one step ahead.

    Parameters
    ----------
    lr : float, default 0.01
        The rate, > 0.
    momentum : float, default 0.9
        μ in [0, 1): how much of the sum each step keeps.
    rate_inside : bool, default False
        v ← μ·v - lr·g, Δ = μ·v - lr·g, as in scikit-learn, Keras and the book (Bengio's form:
        Δ = μ²·v_before - (1 + μ)·lr·g); it differs only where the rate changes.
    {shared}

    Notes
    -----
    v ← μ·v + g,  Δ = -lr·(g + μ·v).

    Source: Nesterov 1983; Bengio, Boulanger-Lewandowski & Pascanu 2012, eq. 7.  PyTorch and
    optax (nesterov=True) have the rate outside.

    Examples
    --------
    >>> p, optimizer = np.array([1.0]), Nesterov(0.5, momentum=0.5)
    >>> optimizer.update(p, np.array([1.0]), optimizer.init(p), step=0)
    >>> p.tolist()
    [0.25]
    """

    slots = (Slot("v"),)

    momentum: float = share(0.9)
    rate_inside: bool = flag(False)

    @classmethod
    def book(cls, lr: float = 0.01, momentum: float = 0.9) -> Self:
        """Make the book's variant: the rate is inside.

        Parameters
        ----------
        lr : float, default 0.01
            The rate.
        momentum : float, default 0.9
            As in the constructor.

        Returns
        -------
        Nesterov
            The optimizer.
        """
        return cls(lr, momentum, rate_inside=True)

    def coefficients(self, step: Any, lr: Coefficient, state: State) -> Coefficients:
        return {"rate": -lr, "momentum": self.momentum}

    def rule(self, g: Array, s: Mapping[str, Array], c: Coefficients, new: Allocator) -> None:
        v, ahead = s["v"], new("ahead", g.shape, g.dtype)
        if self.rate_inside:
            np.multiply(g, c["rate"], out=g)
        np.multiply(v, c["momentum"], out=v)
        np.add(v, g, out=v)
        np.multiply(v, c["momentum"], out=ahead)
        np.add(g, ahead, out=g)
        if not self.rate_inside:
            np.multiply(g, c["rate"], out=g)
