"""Checks what experiments declare, before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.arrays import as_floats
from trainlab.errors import SettingError, nearest, sentence
from trainlab.experiments.base import (
    DATA_SETS,
    AnyExperiment,
    Array,
    Better,
    FunctionExperiment,
    Measure,
    MeasuredSeries,
    Measurements,
    Reading,
    Setup,
    TrainingExperiment,
    Within,
    is_name,
)
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer
from trainlab.settings import check_runs, takes
from trainlab.terminal import counted

NAMED: Final = "be small letters, digits and -"
"""What an experiment may be called."""
_OF: Final = 'mean_of_last("train_loss", 50)'
"""A function of a Measure."""
_PARTS: Final = (("network", MLP, "tl.MLP()"), ("optimizer", Optimizer, "tl.Adam()"))
"""Of a Setup: field, class, one of it."""
_TEXTS: Final = ("title", "claim", "caption", "changes")
_LISTS: Final = ("equations", "expect", "curves", "command")


def check_experiment(experiment: Any) -> None:
    """SettingError for what is no experiment, and for a field that cannot be."""
    if not isinstance(experiment, AnyExperiment):
        must = "be experiments, such as a TrainingExperiment"
        raise SettingError(sentence("experiments", "a run", must, experiment, "find(['dropout'])"))
    if not is_name(experiment.name):
        got = experiment.name
        raise SettingError(sentence("name", "an experiment", NAMED, got, "my-experiment"))
    owner = f"experiment {experiment.name}"
    for names, kind, must in (
        (_TEXTS, str, "be a text"),
        (_LISTS, (tuple, list), "be a tuple, as in (one,)"),
        (("measure",), Measure, "be a Measure"),
    ):
        for name in names:
            value = getattr(experiment, name)
            if not isinstance(value, kind):
                raise SettingError(sentence(name, owner, must, value))
    _check_function(
        "figure", owner, experiment.figure, 2, "the measurements and a theme", "summary(measure)"
    )
    of, whose = experiment.measure.of, f"the measure of {owner}"
    _check_function("of", whose, of, 1, "the series by name", _OF)
    if isinstance(experiment, TrainingExperiment):
        _check_training(experiment, owner)
        return
    given = 3, "the data, the seeds and a Train", "def compute(data, seeds, train)"
    if isinstance(experiment, FunctionExperiment):
        given = 1, "the seeds", "def compute(seeds)"
    _check_function("compute", owner, experiment.compute, *given)
    check_expected(experiment.expect, None, "expect", owner)


def _check_function(name: str, owner: str, function: Any, count: int, of: str, remedy: str) -> None:
    """SettingError for what cannot be called with so many arguments."""
    if not takes(function, count):
        raise SettingError(sentence(name, owner, f"be a function of {of}", function, remedy))
    check_runs(function, name, owner)


def check_measured(experiment: AnyExperiment, measured: Any) -> None:
    """SettingError for other shapes than a page shows, and curves that it would leave out."""
    owner = f"experiment {experiment.name}"
    if not isinstance(measured, Measurements):
        raise SettingError(sentence("compute", owner, "return Measurements", measured))
    ids = Counter(member.id for member in measured.members if member.seed is not None)
    for name, count in ids.items():
        if count > 1:  # one of them would stand for that seed, the others for nothing
            must, got = "differ in their arms or their seeds", f"{count} {name}"
            raise SettingError(sentence("members", owner, must, got))
    for name, series in measured.series.items():
        if not isinstance(series, MeasuredSeries):
            must = "be a MeasuredSeries"
            raise SettingError(sentence(f"series {name!r}", owner, must, series))
        shape = len(measured.members), len(series.axis_values)
        if not isinstance(series.values, np.ndarray) or series.values.shape != shape:
            must = f"have an array of values of shape {shape}, members and places"
            raise SettingError(sentence(f"series {name!r}", owner, must, series.values))
    check_expected(experiment.expect, measured.arms, "expect", owner)
    for name in experiment.curves:
        if name not in measured.series:
            must = f"be of {', '.join(measured.series)}, which were recorded"
            near = nearest(name, measured.series)
            raise SettingError(sentence("curves", owner, must, name, near))


def taken(measure: Measure, measured: Measurements) -> Array:
    """The number of each member; SettingError where the function of a measure gives others."""
    found, members = measure.of(Reading(measured.series)), len(measured.members)
    values = as_floats(found, "of", "a Measure", SettingError)
    if values.shape != (members,):
        must = f"return one number for each of {counted(members, 'member')}"
        raise SettingError(sentence("of", "a Measure", must, found, _OF))
    return values


def _check_training(experiment: TrainingExperiment, owner: str) -> None:
    """SettingError for a base that is none, arms that cannot be made, and other arms expected."""
    base, arms = experiment.base, experiment.vary
    if not (isinstance(base, Mapping) and base):
        must = "be a dict from data sets to Setups, not empty"
        raise SettingError(sentence("base", owner, must, base, '{"digits": Setup(…)}'))
    for data, setup in base.items():
        if data not in DATA_SETS:
            must = f"be of {' and '.join(map(repr, DATA_SETS))}"
            raise SettingError(sentence("base", owner, must, data, nearest(data, DATA_SETS)))
        if not isinstance(setup, Setup):
            raise SettingError(sentence(f"base[{data!r}]", owner, "be a Setup", setup))
        for name, kind, remedy in _PARTS:
            part = getattr(setup, name)
            if not isinstance(part, kind):
                what, must = f"{name} of base[{data!r}]", f"be an instance of {kind.__name__}"
                raise SettingError(sentence(what, owner, must, part, f"{name}={remedy}"))
    named = isinstance(arms, Mapping) and all(isinstance(arm, str) for arm in arms)
    if not (named and arms and all(isinstance(fields, Mapping) for fields in arms.values())):
        must = "be a dict from names of arms to dicts of fields, not empty"
        raise SettingError(sentence("vary", owner, must, arms, '{"SGD": {}}'))
    for setup in base.values():
        for fields in arms.values():
            Member(setup.network, setup.optimizer).replace(**fields)
    check_expected(experiment.expect, arms, "expect", owner)


def check_expected(expect: Any, arms: Any, name: str, owner: str) -> None:
    """SettingError for expectations that are none, or not of these arms; None stands for any."""
    if not isinstance(expect, (tuple, list)):
        raise SettingError(sentence(name, owner, "be a tuple, as in (one,)", expect))
    for one in expect:
        if not isinstance(one, (Better, Within)):
            raise SettingError(sentence(name, owner, "be Better or Within", one))
        named = (one.first, one.second) if isinstance(one, Better) else (one.arm,)
        for arm in named if arms is not None else ():
            if arm not in arms:
                must, near = f"be arms: {', '.join(map(repr, arms))}", nearest(arm, arms)
                raise SettingError(sentence(name, owner, must, arm, near and repr(near)))
        if len(set(named)) < len(named):
            raise SettingError(sentence(name, owner, "be two different arms", named[0]))
