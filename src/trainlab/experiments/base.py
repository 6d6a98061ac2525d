"""What an experiment is: data.  A claim, a base, what varies, what is measured, what to expect.

Order: what a measurement leaves (members and series), the measure and the
expectations, then the three kinds of experiment: those on functions, which need no
data, those that train one population, and those that train in stages.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from trainlab.data import Dataset
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer
from trainlab.training.history import History

Array = npt.NDArray[np.float64]
DATA_SETS: Final = ("digits", "mnist")
T = TypeVar("T")


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
class MeasuredSeries:
    """A quantity along an axis: axis_values (n,), values (members, n), NaN where there is none."""

    axis: str
    axis_values: Array
    values: Array


@dataclasses.dataclass(frozen=True)
class Measurements:
    """Members and their series; `diverged` maps a member's id to the updates it survived."""

    members: tuple[Row, ...]
    series: Mapping[str, MeasuredSeries]
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
    """One number per member: how it is called and how it is taken from the series.

    words        a noun in the singular without article: sentences say "a lower {words}"
    comparative  what the better of two arms has, where "a lower {words}" is not English:
                 "fewer steps to an accuracy of 90 %"
    unit         what sentences count it in, in the plural: "powers of ten"
    """

    words: str
    of: Callable[[Mapping[str, MeasuredSeries]], Array]
    better: Literal["lower", "higher"] = "lower"
    comparative: str = ""
    unit: str = ""

    @property
    def heading(self) -> str:
        """Its words, with the unit."""
        return f"{self.words}, in {self.unit}" if self.unit else self.words


def mean_of_last(series: str, count: int) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """The mean of the last `count` values of a series (of all if there are fewer)."""
    return lambda found: np.asarray(found[series].values[:, -count:].mean(axis=-1))


def greatest(series: str) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """The greatest value of a series."""
    return lambda found: np.asarray(found[series].values.max(axis=-1))


def last_difference(first: str, second: str) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """The last value of one series minus the last of another."""
    return lambda found: np.asarray(found[first].values[:, -1] - found[second].values[:, -1])


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
"""(measured, theme) -> matplotlib Figure; drawn from the measured series alone.

It is drawn in the light theme, wide and narrow.  The pictures of the dark theme are these with each
colour of the light one replaced (`plots.recolored`), so colours are to be those of the theme.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """What all kinds share.

    number     its place in the study notes, or that of what it continues; None where they
               lack it
    equations  the technique in TeX, as matplotlib's mathtext understands it, a line each
    curves     series worth a closer look than a figure allows: the page draws them with
               values to read off, arms to hide and single members to show
    """

    name: str
    number: int | None = None
    title: str
    claim: str
    equations: tuple[str, ...]
    measure: Measure
    expect: tuple[Expectation, ...]
    figure: Figure
    caption: str
    curves: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class FunctionExperiment(Experiment):
    """An experiment on functions: `compute(seeds)` measures it; seeds are () where none matter."""

    data_sets: ClassVar[tuple[str, ...]] = ()

    compute: Callable[[Sequence[int]], Measurements]
    random: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """How a population is trained on one data set; `quick_steps` replaces `steps` in quick runs.

    rows      only the first so many rows of the train split; None: all of them
    evaluate  as `Population.fit` takes it; of a list, the steps that a run reaches, and its end
    """

    network: MLP
    optimizer: Optimizer
    batch_size: int
    steps: int
    quick_steps: int
    rows: int | None = None
    evaluate: Literal["epoch"] | int | tuple[int, ...] | None = None
    on: tuple[str, ...] = ()
    batches: Literal["permutation", "book"] = "book"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingExperiment(Experiment):
    """An experiment that trains: base (data set → setup) and vary (arm → fields that differ).

    `vary` names fields of the network or of the optimizer, or "optimizer" itself.
    Numbers of the study notes find their arm, series and step by name (published.json).
    """

    base: Mapping[str, Setup]
    vary: Mapping[str, Mapping[str, Any]]

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data sets that it is declared for."""
        return tuple(self.base)


class Train(Protocol):
    """Trains a population under the options of the run: workers, progress, Ctrl-C.

    `settings` are those of `Population.fit`.  `quick` says that a quick look
    is wanted, not a result.  `each` goes through what takes long without training, and reports
    the progress.
    """

    @property
    def quick(self) -> bool: ...

    def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> History: ...

    def each(self, items: Sequence[T]) -> Iterator[T]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class StagedExperiment(Experiment):
    """An experiment in stages, where what is trained next depends on what was found.

    `compute(data, seeds, train)` measures it, on any of its `data_sets`.
    """

    data_sets: tuple[str, ...] = DATA_SETS
    compute: Callable[[Dataset, Sequence[int], Train], Measurements]


AnyExperiment = FunctionExperiment | TrainingExperiment | StagedExperiment
