"""Checks what experiments declare, before anything is trained."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from trainlab.errors import SettingError, nearest, sentence
from trainlab.experiments.base import (
    DATA_SETS,
    AnyExperiment,
    Better,
    Measure,
    Measurements,
    Setup,
    TrainingExperiment,
    Within,
    is_name,
)
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import Optimizer

NAMED: Final = "be small letters, digits and -"
"""What an experiment may be called."""
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
        must = NAMED
        raise SettingError(
            sentence("name", "an experiment", must, experiment.name, "my-experiment")
        )
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
    if not _takes_two(experiment.figure):
        must = "be a function of the measurements and a theme"
        raise SettingError(sentence("figure", owner, must, experiment.figure, "summary(measure)"))
    if isinstance(experiment, TrainingExperiment):
        _check_training(experiment, owner)
    else:
        check_expected(experiment.expect, None, "expect", owner)


def _takes_two(figure: Any) -> bool:
    """Whether a figure can be called as figures are."""
    try:
        inspect.signature(figure).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a callable that does not say
        return True
    return True


def check_curves(experiment: AnyExperiment, measured: Measurements) -> None:
    """SettingError for curves that were not recorded: the page would leave them out unsaid."""
    for name in experiment.curves:
        if name not in measured.series:
            must = f"be of {', '.join(measured.series)}, which were recorded"
            near, owner = nearest(name, measured.series), f"experiment {experiment.name}"
            raise SettingError(sentence("curves", owner, must, name, near))


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
