"""Runs experiments: vary × seeds becomes one population, series become a verdict and figures."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np

from trainlab import files
from trainlab.blas import one_thread
from trainlab.data import Dataset, load_digits, load_mnist
from trainlab.engine import ENGINE
from trainlab.errors import DataError, TrainlabError, sentence
from trainlab.experiments import drawing, published, results, resuming
from trainlab.experiments.base import (
    DATA_SETS,
    AnyExperiment,
    FunctionExperiment,
    MeasuredSeries,
    Measurements,
    Row,
    Setup,
    StagedExperiment,
    TrainingExperiment,
)
from trainlab.experiments.registry import EXPERIMENTS
from trainlab.experiments.results import NO_DATA, Declared, Results
from trainlab.experiments.resuming import Place
from trainlab.experiments.validation import check_experiment, check_measured
from trainlab.experiments.verdicts import judge
from trainlab.limits import MEMBERS
from trainlab.members import Member
from trainlab.population import Population
from trainlab.population.settings import RunSettings
from trainlab.settings import either, one_of, whole_number
from trainlab.store import Store
from trainlab.training.history import History
from trainlab.training.progress import Progress
from trainlab.versions import environment

SEEDS: Final = 10
QUICK_SEEDS: Final = 8
"""Six are the fewest with a 95 % interval of a median; eight leave room for a difference."""

_OF_FIT: Final = ("workers", "backend", "scheduler", "engine")
"""Options that a training takes, unless an experiment says otherwise."""

T = TypeVar("T")
DataName = Literal["digits", "mnist"]
Watch = Callable[[str], AbstractContextManager[Progress | None]]
"""Name of an experiment → what its training reports to."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How experiments are run.

    Parameters
    ----------
    data : {"digits", "mnist"}
        What is trained on.
    data_dir : str or path, optional
        A folder with MNIST; by default where it is found.
    seeds : int, optional
        Seeds 0 .. seeds - 1; by default SEEDS, or QUICK_SEEDS in a quick run.
    workers : int, optional
        How many work at a time; by default as many as there are cores.
    backend, scheduler : str, optional
        Who trains, as in `Population.fit`; by default the faster one of this machine.
    quick : bool, default False
        Fewer steps and seeds: a look, not a result.
    fresh : bool, default False
        Start over, whatever was done before.
    engine : {"auto", "native", "numpy"}
        What computes the steps, as in `Population.fit`.
    """

    data: DataName = "digits"
    data_dir: str | os.PathLike[str] | None = None
    seeds: int | None = None
    workers: int | None = None
    backend: str | None = None
    scheduler: str | None = None
    quick: bool = False
    fresh: bool = False
    engine: str = "auto"

    def __post_init__(self) -> None:
        one_of(DATA_SETS).check(self.data, "data", "a run")
        either(whole_number(1, "10", high=MEMBERS), None).check(self.seeds, "seeds", "a run")
        either(whole_number(1, "10"), None).check(self.workers, "workers", "a run")
        if self.data_dir is not None:
            files.as_path(self.data_dir, "data_dir", "a run", home=True)
        RunSettings(backend=self.backend, scheduler=self.scheduler)
        ENGINE.check(self.engine, "engine", "a run")

    @property
    def seed_range(self) -> range:
        """The seeds."""
        return range(self.seeds or (QUICK_SEEDS if self.quick else SEEDS))


class OutputError(TrainlabError, OSError):
    """Results cannot be written to their folder."""


def run(
    experiments: Sequence[AnyExperiment],
    out: str | os.PathLike[str],
    options: Options | None = None,
    watch: Watch | None = None,
    done: Callable[[Results], None] | None = None,
) -> list[Results]:
    """Run experiments one after the other; the results of each are on disk before the next begins.

    Parameters
    ----------
    experiments : sequence of experiments
        As `find` gives them.
    out : str or path
        The folder; out/NAME/ gets results.json, figure.png and the SVGs of drawing.FIGURES,
        which are drawn while the next experiment trains.
    options : Options, optional
        How they are run.
    watch : callable, optional
        Makes the progress of an experiment.
    done : callable, optional
        Called with each result, in order, once its figures are written.

    Returns
    -------
    list of Results
        In the order of the experiments.

    Raises
    ------
    SettingError
        For experiments that cannot be trained or judged, as with arms that are not there.
    OutputError
        Before anything is trained, where `out` cannot be written to, or has results of one of the
        experiments on other data, which only `fresh` replaces.
    StoreError
        Where another process is running experiments there.
    KeyboardInterrupt
        On Ctrl-C; the experiments finished before it are complete.

    Notes
    -----
    The store in `out` keeps what was done: the same call again computes what is missing, and
    nothing of an experiment that is finished.
    """
    options = options or Options()
    for one in experiments:
        check_experiment(one)
        if one.data_sets:
            one_of(one.data_sets).check(options.data, "data", f"experiment {one.name}")
    folder = files.as_path(out, "out", "a run")
    check_writable(folder)
    data = None
    if any(experiment.data_sets for experiment in experiments):
        data = load(options)
        on_data = [folder / one.name for one in experiments if one.data_sets]
        _make_room(on_data, data.name, options.fresh)
    found: list[Results] = []
    with Store(folder) as store, ExitStack() as undrawn:
        for experiment in experiments:
            kept, place = folder / experiment.name, resuming.place(store, experiment, options)
            seen = _described(_seen(experiment, data, options))
            now = {**environment(quick=options.quick), **seen}
            result, steps = place.finished(experiment, kept, now), list[Callable[[], None]]()
            if result is None:
                with watch(experiment.name) if watch else nullcontext(None) as progress:
                    result = measure(experiment, data, options, progress, place, undrawn.close)
                drawing.clear(kept)  # first: no moment has new results beside old figures
                results.save(result, kept)
                steps = [
                    functools.partial(drawing.draw, experiment, result.measured, kept),
                    functools.partial(place.finish, kept, now),
                ]
            if done:
                steps.append(functools.partial(done, result))
            undrawn.close()  # the experiment before this one, if nothing was trained since
            undrawn.callback(_in_turn, steps)
            found.append(result)
    return found


def _in_turn(steps: Sequence[Callable[[], None]]) -> None:
    for step in steps:
        step()


def load(options: Options) -> Dataset:
    """The data set that the options name."""
    return load_digits() if options.data == "digits" else load_mnist(options.data_dir)


def check_writable(folder: Path) -> None:
    """Makes the folder and puts a file into it for a moment; OutputError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        got = error.strerror or type(error).__name__
        must = "be a folder that can be written to"
        text = sentence("out", "a run", must, str(folder), "another --out")
        raise OutputError(f"{text} ({got})") from error


def _make_room(folders: Sequence[Path], data: str, fresh: bool) -> None:
    """Removes results on other data where all is to start over; otherwise OutputError for them."""
    others: dict[Path, str] = {}
    for folder in folders:
        with suppress(DataError, OSError):  # there are none, or damaged ones, which are replaced
            before = results.load(folder).data.get("name")
            if before not in (None, data):
                others[folder] = before
    for folder, before in () if fresh else others.items():
        must = f"be a folder without results on other data than {data}"
        got = f"{folder.name} on {before}"
        raise OutputError(sentence("out", "a run", must, got, "another --out, or --fresh"))
    for folder in others:
        (folder / results.FILE).unlink()  # or the same call without `fresh` could not go on


@one_thread()
def measure(
    experiment: AnyExperiment,
    data: Dataset | None,
    options: Options,
    progress: Progress | None = None,
    place: Place | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Results:
    """One experiment: measured, judged, and set beside published numbers.

    `meanwhile` is called while it trains, each time that a training begins.
    """
    seeds, data = options.seed_range, _seen(experiment, data, options)
    trains = TrainWithOptions(options, progress, place, meanwhile)
    if isinstance(experiment, FunctionExperiment):
        measured = experiment.compute(seeds if experiment.random else ())
    elif isinstance(experiment, StagedExperiment):
        assert data is not None  # `run` loads data where an experiment needs it
        measured = experiment.compute(data, seeds, trains)
    else:
        assert data is not None
        measured = train(experiment, data, options, trains)
    check_measured(experiment, measured)
    named = {"engine": ", ".join(sorted(trains.engines))} if trains.engines else {}
    return Results(
        experiment=experiment.name,
        data=_described(data),
        measured=measured,
        verdict=judge(measured, experiment.measure, experiment.expect, experiment.claim),
        published=published.beside(experiment.name, measured, data),
        environment=environment(**named, quick=options.quick),
        about=about(experiment),
    )


def about(experiment: AnyExperiment) -> Declared | None:
    """What results say of an experiment that is none of trainlab's; None of one that is."""
    if EXPERIMENTS.get(experiment.name) is experiment:
        return None
    names = [field.name for field in dataclasses.fields(Declared)]
    return Declared(**{name: getattr(experiment, name) for name in names})


def _seen(experiment: AnyExperiment, data: Dataset | None, options: Options) -> Dataset | None:
    """The data that an experiment looks at; None where it needs none."""
    if data is None or not experiment.data_sets:
        return None
    if isinstance(experiment, TrainingExperiment):
        data = data.first(train=experiment.base[options.data].rows)
    return data


def _described(data: Dataset | None) -> Mapping[str, Any]:
    """Name, hash and sizes of data."""
    if data is None:
        return NO_DATA
    about = data.describe()
    return {"name": about["name"], "hash": about["sha256"], "sizes": about["sizes"]}


@dataclasses.dataclass(frozen=True)
class TrainWithOptions:
    """`base.Train` under the options of a run.

    meanwhile  what this thread does once a training has begun
    engines    the names of those that have trained
    """

    options: Options
    progress: Progress | None = None
    place: Place | None = None
    meanwhile: Callable[[], None] = lambda: None
    engines: set[str] = dataclasses.field(default_factory=set)
    _stages: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    @property
    def quick(self) -> bool:
        """Whether a quick look is wanted, not a result."""
        return self.options.quick

    def __call__(self, members: Sequence[Member], data: Dataset, **settings: Any) -> History:
        """The history of the population; KeyboardInterrupt if it was cut short."""
        with warnings.catch_warnings():
            # An interruption is raised below, with a message of its own.
            warnings.filterwarnings("ignore", "training was interrupted")
            own = {name: getattr(self.options, name) for name in _OF_FIT}
            own |= {"progress": self.progress or False}
            own |= self.place.stage(next(self._stages)) if self.place else {}
            running = Population(members).start(data, **{**own, **settings})
            try:
                self.meanwhile()
                history = running.wait()
            except BaseException:
                running.stop()
                with suppress(Exception):  # what ended the training is raised below
                    running.wait()
                raise
        if history.interrupted:
            raise KeyboardInterrupt
        self.engines.add(history.engine)
        return history

    def each(self, items: Sequence[T]) -> Iterator[T]:
        """The items, and how many of them are done to the progress."""
        if self.progress:
            self.progress.start(len(items), len(items))
        for item in items:
            yield item
            if self.progress:
                self.progress.advance(1, 1)


def members(experiment: TrainingExperiment, setup: Setup, seeds: Sequence[int]) -> list[Member]:
    """vary × seeds, arm by arm."""
    base = Member(setup.network, setup.optimizer)
    arms = [base.replace(**fields) for fields in experiment.vary.values()]
    return [arm.replace(seed=seed) for arm in arms for seed in seeds]


def train(
    experiment: TrainingExperiment,
    data: Dataset,
    options: Options,
    trains: TrainWithOptions | None = None,
) -> Measurements:
    """Trains the population of an experiment."""
    trains = trains or TrainWithOptions(options)
    setup, seeds = experiment.base[options.data], options.seed_range
    steps = setup.quick_steps if options.quick else setup.steps
    evaluate = setup.evaluate
    if isinstance(evaluate, tuple):
        evaluate = (*(step for step in evaluate if step < steps), steps)
    history = trains(
        members(experiment, setup, seeds),
        data,
        batch_size=setup.batch_size,
        steps=steps,
        batches=setup.batches,
        evaluate=evaluate,
        on=setup.on if evaluate else None,
        keep="history",
    )
    arms = [arm for arm in experiment.vary for _ in seeds]
    return measured(history, arms, batch_size=setup.batch_size, steps=steps, batches=setup.batches)


def measured(history: History, arms: Sequence[str], **training: Any) -> Measurements:
    """A history with an arm for each member, settings, and the members that diverged.

    `training` are settings that all members share, beside their own.
    """
    rows = tuple(
        Row(arm, member.seed, {**member.describe(), **training})
        for arm, member in zip(arms, history.members, strict=True)
    )
    diverged = {
        row.id: status.step
        for row, status in zip(rows, history.status, strict=True)
        if status.kind == "diverged"
    }
    series = {
        name: MeasuredSeries(
            found.axis,
            np.asarray(found.axis_values, dtype=np.float64),
            np.asarray(found.values, dtype=np.float64),
            found.better,
        )
        for name, found in history.series.items()
    }
    return Measurements(rows, series, diverged)
