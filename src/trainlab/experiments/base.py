"""An experiment is data: a claim, a base, what varies, what is measured, and what is expected.

Order: what a measurement leaves (members and series), the measure and the
expectations, then the three kinds of experiment: those on functions, which need no
data, those that train one population, and those that train in stages.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from trainlab.data import Dataset
from trainlab.errors import SettingError, nearest, sentence
from trainlab.evidence.checks import DIRECTIONS, Direction
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer
from trainlab.settings import either, one_of, whole_number
from trainlab.training.history import History, direction

Array = npt.NDArray[np.float64]
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
DATA_SETS: Final = ("digits", "mnist")
T = TypeVar("T")


# --- what was measured -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Row:
    """One member of what was measured.

    Parameters
    ----------
    arm : str
        Its arm.
    seed : int or None
        Its seed; None without randomness.
    settings : dict
        What it was trained with, as plain JSON.
    """

    arm: str
    seed: int | None
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Arm and seed, which name the member."""
        return self.arm if self.seed is None else f"{self.arm}/{self.seed}"


@dataclasses.dataclass(frozen=True)
class MeasuredSeries:
    """A quantity of each member along an axis.

    Parameters
    ----------
    axis : str
        What the axis counts, as "step" or "epoch".
    axis_values : ndarray, shape (n,)
        The places on it.
    values : ndarray, shape (members, n)
        The values there; NaN where there is none.
    better : {"lower", "higher"}, optional
        Which values are better, where its name does not tell: of accuracies the higher ones are,
        of all others the lower.
    """

    axis: str
    axis_values: Array
    values: Array
    better: Direction | None = None


def along(axis: str, axis_values: Array, **values: Array) -> dict[str, MeasuredSeries]:
    """Series by name that share an axis; of a single member values may be (n,)."""
    return {
        name: MeasuredSeries(axis, axis_values, np.atleast_2d(found))
        for name, found in values.items()
    }


@dataclasses.dataclass(frozen=True)
class Measurements:
    """What an experiment measured: members and their series.

    Parameters
    ----------
    members : tuple of Row
        The members.
    series : dict of str to MeasuredSeries
        Their series by name.
    diverged : dict of str to int, optional
        Id of a member → the updates that it survived.
    """

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


class Reading(Mapping[str, MeasuredSeries]):
    """The series of a run, which note what a measure reads; SettingError where there is none."""

    def __init__(self, found: Mapping[str, MeasuredSeries]) -> None:
        self._found, self.names = found, dict[str, None]()

    def __getitem__(self, name: str) -> MeasuredSeries:
        if name not in self._found:
            must = f"be one of {', '.join(self)}, which were recorded"
            remedy = nearest(name, self) or 'evaluate="epoch" and on=("train", "test") in the Setup'
            raise SettingError(sentence("series", "a measure", must, name, remedy))
        self.names[name] = None
        return self._found[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The series, or the default where there is none."""
        return self[name] if name in self._found else default

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@dataclasses.dataclass(frozen=True)
class Measure:
    """One number per member: its name, and how it is computed from the series.

    Parameters
    ----------
    words : str
        A noun in the singular without article: sentences say "a lower {words}".
    of : callable
        Takes the series by name, and returns an array (members,).
    better : {"lower", "higher"}, optional
        Which of two numbers is better; by default which is in the series that `of` reads, if it is
        one: the higher in that of an accuracy, and otherwise the lower.
    comparative : str, optional
        What the better of two arms has, where "a lower {words}" is not English: "fewer steps to
        an accuracy of 90 %".
    unit : str, optional
        What sentences count it in, in the plural: "powers of ten".
    """

    words: str
    of: Callable[[Mapping[str, MeasuredSeries]], Array]
    better: Direction | None = None
    comparative: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        either(one_of(DIRECTIONS), None).check(self.better, "better", "a Measure")

    def directions(self, found: Mapping[str, MeasuredSeries]) -> dict[str, Direction]:
        """Which values are better in each of the series that it reads.

        Parameters
        ----------
        found : mapping of str to MeasuredSeries
            The series of a run, by name.

        Returns
        -------
        dict of str to {"lower", "higher"}
            By the name of the series.
        """
        reading = Reading(found)
        self.of(reading)
        return {name: direction(name, found[name].better) for name in reading.names}

    def shorter(self, found: Mapping[str, MeasuredSeries]) -> dict[str, int]:
        """The series that have fewer values than it is about, with how many they have.

        Parameters
        ----------
        found : mapping of str to MeasuredSeries
            The series of a run, by name.

        Returns
        -------
        dict of str to int
            By the name of the series.
        """
        if not isinstance(self.of, _Taken):
            return {}
        counts = {name: found[name].values.shape[-1] for name in self.of.series}
        return {name: count for name, count in counts.items() if count < self.of.last}

    @property
    def is_own(self) -> bool:
        """Whether a function of the user's computes it, as one minus an accuracy."""
        return not isinstance(self.of, _Taken)

    @property
    def ahead(self) -> str:
        """What the better of two arms has."""
        return self.comparative or f"a {self.better} {self.words}"

    @property
    def heading(self) -> str:
        """Its words, with the unit."""
        return f"{self.words}, in {self.unit}" if self.unit else self.words


@dataclasses.dataclass(frozen=True)
class _Taken:
    """The function of a Measure, with the names of the series that it reads."""

    series: tuple[str, ...]
    take: Callable[..., Array]
    last: int = 1  # how many values of each it is about

    def __call__(self, found: Mapping[str, MeasuredSeries]) -> Array:
        return np.asarray(self.take(*(found[name].values for name in self.series)))


def mean_of_last(series: str, count: int) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """Measure the mean of the last values of a series, of all if there are fewer.

    Parameters
    ----------
    series : str
        The name of the series.
    count : int
        How many values.

    Returns
    -------
    callable
        The `of` of a Measure.
    """
    whole_number(1, "50").check(count, "count", "mean_of_last")
    return _Taken((series,), lambda values: values[:, -count:].mean(axis=-1), count)


def greatest(series: str) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """Measure the greatest value of a series.

    Parameters
    ----------
    series : str
        The name of the series.

    Returns
    -------
    callable
        The `of` of a Measure.
    """
    return _Taken((series,), lambda values: values.max(axis=-1))


def last_difference(first: str, second: str) -> Callable[[Mapping[str, MeasuredSeries]], Array]:
    """Measure the last value of one series minus the last of another.

    Parameters
    ----------
    first, second : str
        The names of the series.

    Returns
    -------
    callable
        The `of` of a Measure.
    """
    return _Taken((first, second), lambda one, other: one[:, -1] - other[:, -1])


@dataclasses.dataclass(frozen=True)
class Better:
    """Expected: the first arm is better than the second, seed by seed.

    Parameters
    ----------
    first, second : str
        The names of the arms.
    """

    first: str
    second: str


@dataclasses.dataclass(frozen=True)
class Within:
    """Expected: the median of an arm lies in [low, high].

    Parameters
    ----------
    arm : str
        The name of the arm.
    low, high : float, default -inf and inf
        The bounds.
    """

    arm: str
    low: float = -math.inf
    high: float = math.inf


Expectation = Better | Within


# --- experiments -----------------------------------------------------------------------

Figure = Callable[..., Any]
"""(measured, theme) -> matplotlib Figure; drawn from the measured series alone.

It is drawn in the light theme, wide and narrow.  In the dark theme each colour of the light one is
replaced (`plots.adaptive`), so colours are to be those of the theme.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """The fields of every kind of experiment.

    Parameters
    ----------
    name : str
        What it is called: small letters, digits and "-".
    number : int, optional
        Its place in the study notes, or that of what it continues; None where they lack it.
    title : str
        Its heading on the page.
    claim : str
        What it says, in a sentence; "" where it says nothing.
    equations : tuple of str
        The technique in TeX, as matplotlib's mathtext understands it, a line each.
    measure : Measure
        The number by which its arms are compared.
    expect : tuple of Better or Within
        What its claim is judged by; () where nothing is.
    figure : callable
        Takes the Measurements and a theme, and returns a figure of matplotlib.
    caption : str
        What stands below the figure.
    curves : tuple of str, optional
        Series worth a closer look than a figure allows: the page draws them with values to read
        off, arms to hide and single members to show.
    changes : str, optional
        What was changed of another experiment, in words.
    command : tuple of str, optional
        The words after `trainlab run` that stand for it, where its name does not.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # What all experiments have takes the place of {shared} in the docstring of each kind.
        shared = inspect.cleandoc(Experiment.__doc__ or "").partition("----------\n")[2]
        cls.__doc__ = inspect.cleandoc(cls.__doc__ or "").replace("{shared}", shared) or None

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
    changes: str = ""
    command: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class FunctionExperiment(Experiment):
    """An experiment on functions, which needs no data.

    Parameters
    ----------
    {shared}
    compute : callable
        Takes the seeds, which are () where none matter, and returns the Measurements.
    random : bool, default False
        Whether seeds matter.
    """

    data_sets: ClassVar[tuple[str, ...]] = ()

    compute: Callable[[Sequence[int]], Measurements]
    random: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """How a population is trained on one data set.

    Parameters
    ----------
    network : MLP
        The network, before an arm changes it.
    optimizer : Optimizer
        Its optimizer.
    batch_size : int
        Samples per step.
    steps, quick_steps : int
        How long it is trained, and how long in a quick run.
    rows : int, optional
        Only the first so many rows of the train split.
    evaluate : "epoch", int or tuple of int, optional
        As `Population.fit` takes it; of a list, the steps that a run reaches, and its end.
    on : tuple of str, optional
        What is evaluated, as `Population.fit` takes it.
    batches : {"book", "permutation"}
        The order of samples, by default the book's: each batch is drawn with replacement.
        `Population.fit` differs: its default is "permutation", every sample once per epoch.
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
    """An experiment that trains one population.

    Parameters
    ----------
    {shared}
    base : dict of str to Setup
        Data set, "digits" or "mnist", → how it is trained on it.
    vary : dict of str to dict
        Arm → what it changes: fields of the network or of the optimizer, or "optimizer" itself.

    Notes
    -----
    Numbers of the study notes find their arm, series and step by name (published.json).
    """

    base: Mapping[str, Setup]
    vary: Mapping[str, Mapping[str, Any]]

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets that it is declared for."""
        return tuple(self.base)


class Train(Protocol):
    """Trains a population under the options of the run: workers, progress, Ctrl-C.

    `settings` are those of `Population.fit`, and come before the options: an experiment that
    compares engines names one for each training.  `quick` says that a quick look is wanted, not a
    result.  `each` goes through what takes long without training, and reports the progress.
    """

    @property
    def quick(self) -> bool: ...

    def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> History: ...

    def each(self, items: Sequence[T]) -> Iterator[T]: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class StagedExperiment(Experiment):
    """An experiment in stages, where what is trained next depends on what was found.

    Parameters
    ----------
    {shared}
    data_sets : tuple of str, default ("digits", "mnist")
        What it may be measured on.
    compute : callable
        Takes the data, the seeds and a Train, which trains a population, and returns the
        Measurements.
    """

    data_sets: tuple[str, ...] = DATA_SETS
    compute: Callable[[Dataset, Sequence[int], Train], Measurements]


def is_name(text: object) -> bool:
    """Whether an experiment may be called so: a folder, a link and a command have its name.

    >>> is_name("my-experiment-2"), is_name("My experiment"), is_name("../up")
    (True, False, False)
    """
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


AnyExperiment = FunctionExperiment | TrainingExperiment | StagedExperiment
