"""All experiments by name: in the order of the study notes, then those that the notes lack."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from trainlab.errors import SettingError, sentence
from trainlab.experiments import (
    activation_histograms,
    batch_norm,
    derivative,
    dropout,
    dropout_ladder,
    gradient_check,
    gradient_descent,
    gradient_field,
    gradient_norms,
    hyper_parameter_search,
    learning_rates,
    optimizer_comparison,
    optimizer_paths,
    tiny_network,
    tuned_optimizers,
    two_layer_network,
    weight_decay,
    weight_decay_ladder,
    weight_init_comparison,
)
from trainlab.experiments.base import AnyExperiment

_ALL: Final[tuple[AnyExperiment, ...]] = (
    derivative.EXPERIMENT,
    gradient_field.EXPERIMENT,
    gradient_descent.EXPERIMENT,
    tiny_network.EXPERIMENT,
    two_layer_network.EXPERIMENT,
    optimizer_paths.EXPERIMENT,
    optimizer_comparison.EXPERIMENT,
    activation_histograms.EXPERIMENT,
    weight_init_comparison.EXPERIMENT,
    batch_norm.EXPERIMENT,
    weight_decay.EXPERIMENT,
    weight_decay_ladder.EXPERIMENT,
    dropout.EXPERIMENT,
    dropout_ladder.EXPERIMENT,
    hyper_parameter_search.EXPERIMENT,
    gradient_check.EXPERIMENT,
    gradient_norms.EXPERIMENT,
    tuned_optimizers.EXPERIMENT,
    learning_rates.EXPERIMENT,
)

EXPERIMENTS: Final[Mapping[str, AnyExperiment]] = MappingProxyType({e.name: e for e in _ALL})


def find(names: Iterable[str]) -> list[AnyExperiment]:
    """Look up experiments by name.

    Parameters
    ----------
    names : iterable of str
        The names; "all" stands for all of them.

    Returns
    -------
    list of experiments
        Each once, in the order given.

    Raises
    ------
    SettingError
        For an unknown name; it suggests the nearest one.

    Examples
    --------
    >>> [e.name for e in find(["derivative", "derivative"])]
    ['derivative']
    """
    found: dict[str, AnyExperiment] = {}
    for name in names:
        if name == "all":
            found |= {key: e for key, e in EXPERIMENTS.items() if key not in found}
        elif name in EXPERIMENTS:
            found[name] = EXPERIMENTS[name]
        else:
            near = difflib.get_close_matches(str(name), EXPERIMENTS, n=1, cutoff=0.4)
            must = "be all or one of " + ", ".join(EXPERIMENTS)
            remedy = near[0] if near else "trainlab list"
            raise SettingError(sentence("name", "an experiment", must, name, remedy))
    return list(found.values())
