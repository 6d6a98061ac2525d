"""The kinds of models: how a file holds each, and back, and what graph it is.

A room below this one brings its own kinds: it calls `register` when it is imported, which is
when a model of that kind comes.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.models.container import Content
from trainlab.models.graph import Graph, network_graph, population_graph
from trainlab.models.populations import (
    pack_network,
    pack_population,
    unpack_network,
    unpack_population,
)
from trainlab.population import Network, Population


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of model.

    name   how files call it
    model  its class; instances of subclasses are not of this kind
    pack   the content of a file for a trained model
    unpack  the model that such a content describes; ModelFileError, which names the source
            it is given, unless the content describes one
    graph  the ONNX graph of a trained model, or of the member at an index of it
    """

    name: str
    model: type
    pack: Callable[[Any], Content]
    unpack: Callable[[Content, str], Any]
    graph: Callable[[Any, int | None], Graph]


_OWN = (
    Kind("network", Network, pack_network, unpack_network, network_graph),
    Kind("population", Population, pack_population, unpack_population, population_graph),
)
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _OWN}
_LATER: Final[Mapping[str, str]] = {
    "MLPClassifier": "trainlab.estimators.saved",
    "MLPRegressor": "trainlab.estimators.saved",
    "PopulationEnsembleClassifier": "trainlab.ensembles.saved",
    "PopulationEnsembleRegressor": "trainlab.ensembles.saved",
    "Pipeline": "trainlab.estimators.pipelines",
}
"""Name of a kind → the module that registers it."""


def register(kind: Kind) -> None:
    """Makes a kind known to `save`, `load` and `export_onnx`."""
    if KINDS.get(kind.name, kind) != kind:
        raise SettingError(sentence("name", "a kind of models", "be new", kind.name))
    KINDS[kind.name] = kind


def kind_of(model: Any, owner: str) -> Kind:
    """The kind of a model; SettingError, in the owner's name, for anything else."""
    own, *bases = type(model).__mro__
    _bring(own.__name__)
    for kind in KINDS.values():
        if own is kind.model:
            return kind
    for base in bases:
        _bring(base.__name__)
        if any(base is kind.model for kind in KINDS.values()):
            name = base.__name__
            must = f"be a {name} itself: a file does not say what a class derived from it does"
            remedy = f"a {name} of the same settings"
            raise SettingError(sentence("model", owner, must, own.__name__, remedy))
    known = dict.fromkeys([*(kind.model.__name__ for kind in KINDS.values()), *_LATER])
    must = f"be one of {', '.join(known)}"
    remedy = "its best_estimator_" if hasattr(model, "best_estimator_") else ""
    raise SettingError(sentence("model", owner, must, type(model).__name__, remedy))


def kind_named(name: str, source: str) -> Kind:
    """The kind that a file names."""
    _bring(name)
    if name not in KINDS:
        known = ", ".join({**KINDS, **_LATER})
        raise ModelFileError(sentence("kind", source, f"be one of {known}", name))
    return KINDS[name]


def _bring(name: str) -> None:
    """Import the module that the table names for a kind; nothing for a name that it lacks."""
    if name in _LATER:
        importlib.import_module(_LATER[name])
