"""All experiments by name: in the order of the study notes, then those that the notes lack."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from trainlab.errors import SettingError, nearest, sentence
from trainlab.experiments.base import AnyExperiment
from trainlab.experiments.files import is_file, read

_IMPORT_THIS: Final = ("changes", "registry", "resuming", "runner")


def _declared() -> Iterator[AnyExperiment]:
    """What the files of this folder call EXPERIMENT."""
    for file in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if file.name not in _IMPORT_THIS:
            module = importlib.import_module(f"{__package__}.{file.name}")
            if hasattr(module, "EXPERIMENT"):
                yield module.EXPERIMENT


def _place(experiment: AnyExperiment) -> tuple[bool, int, str]:
    return experiment.number is None, experiment.number or 0, experiment.name


def _has(experiment: AnyExperiment, data: str | None) -> bool:
    return data is None or not experiment.data_sets or data in experiment.data_sets


EXPERIMENTS: Final[Mapping[str, AnyExperiment]] = MappingProxyType(
    {experiment.name: experiment for experiment in sorted(_declared(), key=_place)}
)


def command_of(experiment: AnyExperiment) -> tuple[str, ...]:
    """The words after `trainlab run` that stand for an experiment; () where none do."""
    is_ours = EXPERIMENTS.get(experiment.name) is experiment
    return (experiment.name,) if is_ours else experiment.command


def find(names: Iterable[str], data: str | None = None) -> list[AnyExperiment]:
    """Look up experiments by name, and read those in files of the user's own.

    Parameters
    ----------
    names : iterable of str
        The names; "all" stands for all of trainlab's.  One that ends in .py is a file of
        Python, which is run: what it calls EXPERIMENT is the experiment.
    data : str, optional
        A data set: "all" leaves out the experiments that are not declared for it.

    Returns
    -------
    list of experiments
        Each once, in the order given.

    Raises
    ------
    SettingError
        For an unknown name; it suggests the nearest one.
    DataError
        For a file that is not there, raises an error or declares no experiment.

    Examples
    --------
    >>> [e.name for e in find(["derivative", "derivative"])]
    ['derivative']
    """
    found: dict[str, AnyExperiment] = {}
    for name in names:
        if name == "all":
            found |= {key: one for key, one in EXPERIMENTS.items() if _has(one, data)}
        elif name in EXPERIMENTS:
            found[name] = EXPERIMENTS[name]
        elif is_file(name):
            own = read(name)
            if own.name in {**EXPERIMENTS, **found}:
                must = "be another than those of trainlab and of other files"
                raise SettingError(sentence("name of EXPERIMENT", name, must, own.name))
            found[own.name] = own
        else:
            must = "be all, a file.py or one of " + ", ".join(EXPERIMENTS)
            own_file = f"{str(name).replace('-', '_')}.py"  # as `trainlab new experiment` calls it
            remedy = nearest(name, EXPERIMENTS) or "trainlab list"
            remedy = own_file if Path(own_file).is_file() else remedy
            raise SettingError(sentence("name", "an experiment", must, name, remedy))
    return list(found.values())
