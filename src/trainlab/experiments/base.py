"""What an experiment is: data.  A claim, a base, what varies, what is measured, what to expect.

Order: what a measurement leaves (members and series), the measure and the
expectations, then the two kinds of experiment: those on functions, which need no
data, and those that train a population.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer

Array = npt.NDArray[np.float64]


# --- what was measured -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Row:
    """One member: its arm, its seed (None without randomness) and its settings as plain JSON."""

    arm: str
    seed: int | None
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Arm and seed, which name the member."""
        return self.arm if self.seed is None else f"{self.arm}/{self.seed}"


@dataclasses.dataclass(frozen=True)
class Series:
    """A quantity along an axis: axis_values (n,), values (members, n), NaN where there is none."""

    axis: str
    axis_values: Array
    values: Array


@dataclasses.dataclass(frozen=True)
class Measured:
    """Members and their series; `diverged` maps a member's id to the updates it survived."""

    members: tuple[Row, ...]
    series: Mapping[str, Series]
    diverged: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def arms(self) -> dict[str, list[int]]:
        """Arm → rows of its members, in order of first appearance."""
        found: dict[str, list[int]] = {}
        for row, member in enumerate(self.members):
            found.setdefault(member.arm, []).append(row)
        return found

    @property
    def seeds(self) -> int:
        """The number of different seeds; 0 without randomness."""
        return len({m.seed for m in self.members if m.seed is not None})


# --- what is judged --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Measure:
    """One number per member: how it is called and how it is taken from the series."""

    words: str
    of: Callable[[Mapping[str, Series]], Array]
    better: Literal["lower", "higher"] = "lower"


def mean_of_last(series: str, count: int) -> Callable[[Mapping[str, Series]], Array]:
    """The mean of the last `count` values of a series (of all if there are fewer)."""
    return lambda found: np.asarray(found[series].values[:, -count:].mean(axis=-1))


def greatest(series: str) -> Callable[[Mapping[str, Series]], Array]:
    """The greatest value of a series."""
    return lambda found: np.asarray(found[series].values.max(axis=-1))


@dataclasses.dataclass(frozen=True)
class Better:
    """Expected: the first arm is better than the second, seed by seed."""

    first: str
    second: str


@dataclasses.dataclass(frozen=True)
class Within:
    """Expected: the median of an arm lies in [low, high]."""

    arm: str
    low: float = -math.inf
    high: float = math.inf


Expectation = Better | Within


# --- experiments -----------------------------------------------------------------------

Figure = Callable[..., Any]
"""(measured, theme) -> matplotlib Figure; drawn from the measured series alone."""


@dataclasses.dataclass(frozen=True)
class Experiment:
    """What both kinds share.  `number` is its place in the study notes."""

    name: str
    number: int
    title: str
    claim: str
    measure: Measure
    expect: tuple[Expectation, ...]
    figure: Figure
    caption: str


@dataclasses.dataclass(frozen=True)
class FunctionExperiment(Experiment):
    """An experiment on functions: `compute(seeds)` measures it; seeds are () where none matter."""

    compute: Callable[[Sequence[int]], Measured]
    random: bool = False


@dataclasses.dataclass(frozen=True)
class Setup:
    """How a population is trained on one data set; `quick_steps` replaces `steps` in quick runs."""

    network: MLP
    optimizer: Optimizer
    batch_size: int
    steps: int
    quick_steps: int
    evaluate: Literal["epoch"] | int | None = None
    on: tuple[str, ...] = ()
    batches: Literal["permutation", "book"] = "book"


@dataclasses.dataclass(frozen=True)
class TrainingExperiment(Experiment):
    """An experiment that trains: base (data set → setup) and vary (arm → fields that differ).

    `vary` names fields of the network, or "optimizer".  `published` names the series
    in which the numbers of the study notes are looked up (by arm and step), if any.
    """

    base: Mapping[str, Setup]
    vary: Mapping[str, Mapping[str, Any]]
    published: str | None = None
