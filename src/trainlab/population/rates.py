"""The learning-rate range test: one short training in which the rate grows from step to step."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

import numpy as np

from trainlab import evidence
from trainlab.callers import warn
from trainlab.data.arrays import Dataset
from trainlab.engine import Engine
from trainlab.errors import DataError, SettingError, sentence
from trainlab.limits import MAX_INDEX, MEMBERS
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.network.workspace import Array
from trainlab.optimizers import SGD, Optimizer
from trainlab.population.population import Population
from trainlab.population.settings import FitSettings
from trainlab.powers import power
from trainlab.schedules import Coefficient, Schedule
from trainlab.settings import either, instance_of, number, real, whole_number
from trainlab.terminal import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from trainlab.training.history import A, OwnAxes

_OWNER: Final = "rate_range_test"
_SMOOTH: Final = 21
"""Width of the moving average of the losses, in steps; of shorter tests a tenth of them."""
_NOISE: Final = 5.0
"""Deviations of a smoothed loss by which it falls where a rate teaches.  Noise alone falls by as
much in 3 of 100 tests at most."""
_DEVIATION: Final = 1.4826
"""Of a normal variable, in median deviations.  That of a difference of two is larger by √2."""
_LEAST: Final = 1e-3
"""The share of the first loss that it is at least."""
_RATES: Final = (1e-100, 1e100)
"""What the first and the last rate may be: their quotient is a float64."""


@dataclasses.dataclass(frozen=True)
class GrowingRate(Schedule):
    """growth^step: what makes the rate of a range test grow."""

    growth: float = number(1.0, low=1.0, closed="[)")

    def multiplier(self, step: Any, total: int | None = None) -> Coefficient:
        return power(self.growth, step)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _RangeSettings(FitSettings):
    owner: ClassVar[str] = _OWNER


@dataclasses.dataclass(frozen=True, eq=False)
class RateRange:
    """What a range test found: losses over rates.

    Parameters
    ----------
    rates : ndarray, shape (steps,)
        The rate of each step, growing by the same factor.
    losses : ndarray, shape (seeds, steps)
        The loss of each step's batch, before its update; NaN where a run had diverged.
    """

    rates: Array
    losses: Array

    @property
    def smoothed(self) -> Array:
        """The median of the seeds, smoothed; NaN where half of them had diverged."""
        there = np.isfinite(self.losses).mean(axis=0) > 0.5
        end = len(there) if there.all() else int(np.argmin(there))
        found = np.full(len(self.rates), np.nan)
        window = 2 * self._half_window + 1
        found[:end] = evidence.smooth(evidence.band(self.losses).center, window)[:end]
        return found

    @property
    def lowest(self) -> float:
        """The rate at which the loss was lowest; at greater ones training falls apart."""
        return float(self.rates[self._best()])

    @property
    def steepest(self) -> float:
        """The rate at which the loss fell fastest: a good first guess."""
        best, first = self._best(), self._half_window  # before it the noise of batches is steeper
        if best < first + 2:
            return float(self.rates[best])
        falling = np.gradient(self.smoothed[first : best + 1], np.log(self.rates[first : best + 1]))
        return float(self.rates[first + int(np.argmin(falling))])

    @property
    def falls(self) -> bool:
        """Whether the loss fell at some rate by more than its noise; else there is no good one."""
        smoothed, first = self.smoothed, self._half_window
        if not np.isfinite(smoothed).any() or self._best() <= first:
            return False
        steps = np.diff(evidence.band(self.losses).center[np.isfinite(smoothed)])
        apart = np.abs(steps - np.median(steps))  # by the median: the end may leap
        noise = _DEVIATION * np.median(apart) / math.sqrt(2 * (2 * first + 1))
        start, fall = smoothed[first], smoothed[first] - smoothed[self._best()]
        return bool(fall > max(_NOISE * noise, _LEAST * abs(start)))

    @property
    def _half_window(self) -> int:
        """How many losses on either side a smoothed one is a mean of, but for the first few."""
        return min(_SMOOTH // 2, len(self.rates) // 20)

    def _best(self) -> int:
        smoothed = self.smoothed
        if not np.isfinite(smoothed).any():
            must, remedy = "have a loss before it diverges", "a lower low"
            raise DataError(sentence("training", _OWNER, must, "none", remedy))
        return int(np.nanargmin(smoothed))

    def __repr__(self) -> str:
        seeds, steps = self.losses.shape
        found = "the loss falls at no rate"
        if self.falls:
            found = f"steepest at {self.steepest:.2g}, lowest at {self.lowest:.2g}"
        return f"RateRange({counted(seeds, 'seed')}, {counted(steps, 'step')}; {found})"

    @overload
    def plot(self, ax: None = None) -> OwnAxes: ...
    @overload
    def plot(self, ax: A) -> A: ...
    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses over the rates, and mark the steepest and the lowest place.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; by default in a new figure.

        Returns
        -------
        Axes
            Where it was drawn.
        """
        from trainlab import plots  # matplotlib is slow to import, and only figures need it

        either(instance_of(plots.Axes), None).check(ax, "ax", "RateRange.plot")
        marks = {"steepest": self.steepest, "lowest": self.lowest}
        return plots.rate_range(self.rates, self.losses, self.smoothed, marks, ax)


def rate_range_test(
    data: Dataset,
    network: MLP | None = None,
    optimizer: Optimizer | None = None,
    *,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 300,
    batch_size: int = 100,
    seeds: int = 5,
    workers: int | None = None,
    engine: str | Engine = "auto",
) -> RateRange:
    """Find which learning rates are worth trying, by one short training from a low to a high one.

    Parameters
    ----------
    data : Dataset
        Its training split is trained on.
    network : MLP, optional
        The network; by default MLP().
    optimizer : Optimizer, optional
        Its optimizer, whose rate and schedule are replaced; by default SGD.
    low, high : float, default 1e-5 and 10.0
        The first and the last rate, from 1e-100 to 1e100.
    steps : int, default 300
        How many rates, at least 10.
    batch_size : int, default 100
        Samples per step.
    seeds : int, default 5
        How many networks are trained side by side; one alone may mislead.
    workers : int, optional
        How many are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What trains them.

    Returns
    -------
    RateRange
        Rates, losses, and the rates at which the loss fell fastest and was lowest.

    Raises
    ------
    SettingError, DataError
        For what cannot be trained.

    Warns
    -----
    UserWarning
        Where the loss falls at no rate by more than its noise.

    Notes
    -----
    The rate of step i is low · (high / low)^(i / (steps − 1)).  The test is cheap and rough: what
    it finds depends on how long it takes, since parameters are better when the rate is high.  The
    experiment `learning-rates` trains each rate by itself.

    Source: Smith (2017), "Cyclical learning rates for training neural networks", section 3.3.

    Examples
    --------
    >>> from trainlab import Adam, load_digits
    >>> found = rate_range_test(load_digits(), MLP((50,)), Adam())
    >>> 1e-3 < found.steepest < found.lowest < 1
    True
    """
    one = MLP() if network is None else instance_of(MLP).check(network, "network", _OWNER)
    base = (
        SGD() if optimizer is None else instance_of(Optimizer).check(optimizer, "optimizer", _OWNER)
    )
    first = real(*_RATES, "[]", "1e-5").check(low, "low", _OWNER)
    last = real(*_RATES, "[]", "10.0").check(high, "high", _OWNER)
    if first >= last:
        other = f"high={1000 * first}" if first < 1 else f"low={first / 1000}"
        remedy = f"low={last}, high={first}" if first > last else other
        must = f"be above low, which is {first}"
        raise SettingError(sentence("high", _OWNER, must, high, remedy))
    count = whole_number(10, "300", high=MAX_INDEX).check(steps, "steps", _OWNER)
    runs = whole_number(1, "5", high=MEMBERS).check(seeds, "seeds", _OWNER)
    growth = (last / first) ** (1 / (count - 1))
    grown = dataclasses.replace(base, lr=first, schedule=GrowingRate(growth))
    population = Population(Member(one, grown, seed) for seed in range(runs))
    settings = _RangeSettings(
        batch_size=batch_size,
        steps=count,
        evaluate=None,
        keep="history",
        workers=workers,
        engine=engine,
    )
    running = population._start(data, settings)
    with running._workers.ended_by_errors():
        history = running.wait()
    rates = np.array([first * float(power(growth, step)) for step in range(count)])
    found = RateRange(rates, history["train_loss"].astype(np.float64))
    if not found.falls:
        text = f"the loss falls at no rate from {first:g} to {last:g}, so that steepest and lowest"
        warn(f"{text} say nothing; try other rates, more steps or another network", UserWarning)
    return found
