"""Schedules: how the rate of learning changes while a network trains.

A schedule is a function from the step to a multiplier of `lr`, and holds no state.
Ordered by difficulty: Constant, Step, Exponential, Cosine, OneCycle, WarmUp.

Shapes: with float settings a multiplier is a float; where a setting is an array
(K, 1), one value per member, so is the multiplier.  Steps (n, 1, 1) give the
multipliers (n, 1, 1) or (n, K, 1) of all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.powers import half_cosine, plain, power
from trainlab.settings import Settings, Takes, integer, number, record

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "OneCycle",
    "Schedule",
    "Step",
    "WarmUp",
]

Coefficient = Any  # a float, or a float64 array (K, 1) with one value per member


@dataclass(frozen=True)
class Schedule(Settings, ABC):
    """Base of all schedules.

    A subclass is a frozen dataclass with `multiplier`.  Fields made by
    `trainlab.settings.number` may differ between the members of a population: they are then
    float64 arrays (K, 1).  The last bits of `**` are others for arrays than for numbers:
    `trainlab.powers.power(b, n)` has the same for both, for whole n, and so has
    `np.exp(p * np.log(b))` for any p.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class InverseRoot(Schedule):  # 1/√(1 + step)
    ...     def multiplier(self, step, total=None):
    ...         return (1 + step) ** -0.5
    >>> InverseRoot().multiplier(3)
    0.5
    """

    @abstractmethod
    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        """Compute what `lr` is multiplied by at a step.

        Parameters
        ----------
        step : int
            Updates done before this one: 0, 1, ...  Engines may pass an array (n, 1, 1) of such
            numbers to the schedules of trainlab.
        total : int, optional
            The updates of the whole training; None where nobody knows.

        Returns
        -------
        float or ndarray, shape (K, 1)
            For one network, or for each member.

        Raises
        ------
        SettingError
            Where the schedule needs a length and has none.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step: the multiplier is 1."""

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        return 1.0


@dataclass(frozen=True)
class Step(Schedule):
    """Lower the rate by a factor after every so many steps.

    Parameters
    ----------
    every : int, default 1000
        Steps between two changes, >= 1.
    factor : float, default 0.1
        The factor, in [0, 1].

    Notes
    -----
    factor^floor(step / every).  PyTorch's StepLR(step_size, gamma); optax's
    exponential_decay(staircase=True).

    Examples
    --------
    >>> [Step(every=2, factor=0.5).multiplier(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int = integer(1000, low=1, per_member=True)
    factor: float = number(0.1, low=0.0, high=1.0, closed="[]")

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        return power(self.factor, step // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Lower the rate by the same factor at every step.

    Parameters
    ----------
    decay : float, default 0.999
        The factor, in (0, 1].

    Notes
    -----
    decay^step.  PyTorch's ExponentialLR(gamma), stepped at every update.

    Examples
    --------
    >>> Exponential(decay=0.5).multiplier(3)
    0.125
    """

    decay: float = number(0.999, low=0.0, high=1.0, closed="(]")

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        return power(self.decay, step)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Lower the rate along half a cosine from 1 to `floor`.

    Parameters
    ----------
    floor : float, default 0.0
        The share of the rate that is left at the end, in [0, 1].
    steps : int, optional
        The length of the descent; by default the whole training.  Afterwards the rate stays at
        `floor`.

    Notes
    -----
    floor + (1 - floor)·½(1 + cos π·step/steps).

    Source: Loshchilov & Hutter 2017 (SGDR), eq. 5, without restarts.  Libraries differ: optax's
    cosine_decay_schedule is the same (floor is its alpha); PyTorch's CosineAnnealingLR gives the
    floor as a rate, eta_min, and climbs again after T_max.

    Examples
    --------
    >>> round(Cosine(floor=0.1, steps=10).multiplier(5), 12), Cosine().multiplier(100, total=100)
    (0.55, 0.0)
    """

    floor: float = number(0.0, low=0.0, high=1.0, closed="[]")
    steps: int | None = integer(None, low=1, optional=True)

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        steps = _length(self.steps, total, "Cosine")
        return _glide(1.0, self.floor, np.minimum(step / steps, 1.0))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Raise the rate from `start` to 1, then lower it to `end`, each along half a cosine.

    Parameters
    ----------
    warm : float, default 0.3
        The share of the steps in which the rate rises, in [0, 1].
    start : float, default 0.04
        Where it starts, in [0, 1].
    end : float, default 0.0001
        Where it ends, in [0, 1].
    steps : int, optional
        The length of the cycle; by default the whole training.

    Notes
    -----
    The peak is at step warm·steps - 1 and `end` is reached at the last step, steps - 1.

    Source: Smith & Topin 2018, with the cosine in place of their straight lines.  Libraries
    differ: PyTorch's OneCycleLR and optax's cosine_onecycle_schedule give the end relative to
    the start (final_div_factor 1e4, so end = 4e-6 here), and PyTorch also cycles the momentum;
    optax has the peak at int(warm·steps) and the end one step after the last.

    Examples
    --------
    >>> schedule = OneCycle(warm=0.3, steps=10)
    >>> [round(schedule.multiplier(step), 4) for step in (0, 2, 9)]
    [0.04, 1.0, 0.0001]
    """

    warm: float = number(0.3, low=0.0, high=1.0, closed="[]")
    start: float = number(1 / 25, low=0.0, high=1.0, closed="[]")
    end: float = number(1e-4, low=0.0, high=1.0, closed="[]")
    steps: int | None = integer(None, low=1, optional=True)

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        steps = _length(self.steps, total, "OneCycle")

        peak, last = np.asarray(self.warm * steps - 1.0), steps - 1.0
        # Where a part has no length, the other one is taken: what stands below then is not used.
        up = np.clip(step / np.where(peak > 0, peak, 1.0), 0.0, 1.0)
        down = np.clip((step - peak) / np.where(last > peak, last - peak, 1.0), 0.0, 1.0)
        falling = np.where(step >= last, self.end, _glide(1.0, self.end, down))
        return plain(np.where(step < peak, _glide(self.start, 1.0, up), falling))


AFTER_WARM_UP: Final[dict[str, Callable[[], Schedule]]] = {
    "constant": Constant,
    "step": Step,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Raise the rate from `start` to 1 in a straight line, then follow another schedule.

    Parameters
    ----------
    steps : int, default 100
        The length of the rise, >= 1.
    then : Schedule or str, default "constant"
        The other schedule, which begins with its step 0.
    start : float, default 0.0
        Where the rate starts, in [0, 1].

    Notes
    -----
    start + (1 - start)·step/steps for step < steps, then then(step - steps).  With start = 0
    the first update moves nothing.

    Source: Goyal et al. 2017, section 2.2.  Libraries differ: PyTorch's LinearLR starts at 1/3;
    optax's warmup_cosine_decay_schedule counts the warm-up into decay_steps, as `total` does here.

    Examples
    --------
    >>> [WarmUp(steps=4).multiplier(step) for step in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    steps: int = integer(100, low=1)
    then: Takes[Schedule | str, Schedule] = record(Schedule, AFTER_WARM_UP, "constant")
    start: float = number(0.0, low=0.0, high=1.0, closed="[]")

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        # At least 1: a training no longer than its warm-up never reaches the rest.
        rest = None if total is None else max(total - self.steps, 1)
        then = self.then.multiplier(np.maximum(step - self.steps, 0), rest)
        rising = self.start + (1.0 - self.start) * (step / self.steps)
        return plain(np.where(step >= self.steps, then, rising))


SCHEDULES: Final[dict[str, Callable[[], Schedule]]] = {**AFTER_WARM_UP, "warm_up": WarmUp}


def _glide(high: Coefficient, low: Coefficient, part: Any) -> Coefficient:
    """Half a cosine from `high` (part 0) to `low` (part 1)."""
    return low + (high - low) * half_cosine(part)


def _length(steps: int | None, total: int | None, of: str) -> int:
    length = total if steps is None else steps
    if length is None:
        must = "be given where the length of the training is not known"
        raise SettingError(sentence("steps", of, must, None, f"{of}(steps=1000)"))
    return length
