"""Estimators as the content of a file, and back.

The document: `parameters` of the constructor, the `population` of the members, what `targets`
say of y, `dtype`, flags, and the `attributes` that `fit` left.  Curves, and the means and
scales of inputs and targets, are arrays of the file; labels and names are listed in the
document with their dtype.  What votes `beside` the population of an ensemble is a list of further
populations, and of trees; its arrays begin with "beside." and its number.  Bounds and codes of the
inputs are missing from earlier files: nothing was bounded, or cut.  In version 1 of the format
there are none of inputs, nor the parameter `standardize_inputs`: X was taken as it is.

A value that JSON has no word for is an object with one key: {"tuple": […]}, {"list": […]},
{"items": [[key, value], …]}, {"float": "inf"}, {"record": settings}, a distribution of
scipy.stats is {"distribution": [name, values, {key: value}]}, and arrays are
{"array": [dtype, values]}.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final

import numpy as np
import scipy.stats

from trainlab.deprecated import with_norm
from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.classifier import MLPClassifier
from trainlab.estimators.graphs import estimator_graph
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.predictor import ClassifierPredictor, Networks, Predictor, Voter
from trainlab.estimators.regressor import MLPRegressor
from trainlab.estimators.targets import Indicators, Labels, Pair, Targets, Values
from trainlab.estimators.trees import BoostedTrees
from trainlab.models.container import UNSOUND, Content, fault
from trainlab.models.kinds import Kind, register
from trainlab.models.populations import describe_population, revive_population
from trainlab.models.records import labels_of, plain_labels, plain_record, revive
from trainlab.network.workspace import Array
from trainlab.settings import Settings
from trainlab.terminal import counted

_STANDARDIZED: Final = 2
"""The version of the format from which on inputs have a mean and a scale."""
_WITHOUT: Final = {
    "cv": "set_params(cv=None) of the trained ensemble, which predicts the same",
    "random_state": "set_params(random_state=None) of the trained one, which predicts the same",
}
"""What to do about parameters of other kinds, which `fit` alone needs."""


@dataclass(frozen=True, eq=False)
class Format:
    """What a file says of estimators of one class, beside what it says of all.

    arrays      attributes that are arrays, or None
    attributes  others, of which some may be missing
    flags       private attributes that are True or False, named without the first "_"
    finish      judges a model that was put together, and adds what follows from its parts
    """

    kind: type[Predictor]
    arrays: tuple[str, ...]
    attributes: tuple[str, ...]
    flags: tuple[str, ...]
    finish: Callable[[Any], None]

    @property
    def classifies(self) -> bool:
        """Whether its targets are classes."""
        return issubclass(self.kind, ClassifierPredictor)

    @property
    def votes(self) -> bool:
        """Whether members have weights, and others may vote beside them."""
        return "_weights" in self.arrays

    @property
    def parts(self) -> set[str]:
        """What a document has."""
        return {"parameters", "population", "targets", "dtype", "attributes", *self.flags}


def pack(form: Format, model: Any) -> Content:
    """What a file says of a fitted estimator."""
    name = form.kind.__name__
    if not model.__sklearn_is_fitted__():
        raise SettingError(sentence("model", "save", "be fitted", name, "fit(X, y)"))
    population, arrays = _describe_networks(Networks(model._inputs, model._population))
    kept = vars(model)
    arrays |= {own: kept[own] for own in form.arrays if kept.get(own) is not None}
    beside = []
    for number, one in enumerate(model._beside):
        what, its = _describe_voter(one)
        beside.append(what)
        arrays |= {f"beside.{number}.{key}": array for key, array in its.items()}
    targets = model._targets
    if isinstance(targets, Values):
        said: Any = {"values": bool(targets.flat)}
        arrays |= {"mean": targets.mean, "scale": targets.scale}
    elif isinstance(targets, Labels):
        kind = "pair" if isinstance(targets, Pair) else "labels"
        said = {kind: plain(targets.classes, "classes_")}
    else:
        said = {"indicators": targets.outputs}
    parameters = with_norm(model.get_params(deep=False), name, silent=True)
    document = {
        "parameters": {key: plain(value, key) for key, value in parameters.items()},
        "population": population,
        "targets": said,
        "dtype": model._dtype,
        "attributes": {key: plain(kept[key], key) for key in form.attributes if key in kept},
        **{flag: bool(kept[f"_{flag}"]) for flag in form.flags},
    }
    if beside:
        document["beside"] = beside
    return Content(name, document, arrays)


def _describe_networks(networks: Networks) -> tuple[dict[str, Any], dict[str, Array]]:
    population, arrays = describe_population(networks.population)
    own = {f"inputs.{one.name}": getattr(networks.inputs, one.name) for one in fields(InputScaler)}
    return population, arrays | own


def _describe_voter(voter: Voter) -> tuple[dict[str, Any], dict[str, Array]]:
    if isinstance(voter, BoostedTrees):
        return {"trees": {"depth": voter.depth, "link": voter.link}}, voter.arrays()
    assert isinstance(voter, Networks)
    population, arrays = _describe_networks(voter)
    return {"population": population}, arrays


def unpack(form: Format, content: Content, source: str) -> Any:
    """The estimator of a file."""
    document, arrays = content.document, dict(content.arrays)
    if set(document) - ({"beside"} if form.votes else set()) != form.parts:
        raise fault(source, "document", f"have {', '.join(sorted(form.parts))}", sorted(document))
    try:
        return _put_together(form, document, arrays, content.version, source)
    except ModelFileError:
        raise
    except UNSOUND as error:
        # A model is made of parts that are judged where they are used: the first that
        # is not what it must be ends here.
        raise fault(source, "estimator", "be whole and valid", str(error)) from error


def _put_together(
    form: Format, document: Mapping[str, Any], arrays: dict[str, Array], version: int, source: str
) -> Any:
    parameters = {k: value_of(v, source) for k, v in document["parameters"].items()}
    parameters = with_norm(parameters, form.kind.__name__, silent=True)
    if version < _STANDARDIZED:
        parameters |= {"standardize_inputs": False}
    attributes = {k: value_of(v, source) for k, v in document["attributes"].items()}
    names = set(form.kind._get_param_names())
    if not set(parameters) <= names or not set(attributes) <= {*form.attributes}:
        raise fault(source, "parameters", f"be those of {form.kind.__name__}", sorted(parameters))
    model = form.kind(**parameters)
    own = {name: arrays.pop(name, None) for name in form.arrays}
    model._targets = _targets(document["targets"], arrays, form.classifies, source)
    widths = attributes["n_features_in_"], model._targets.outputs
    if form.votes:
        model._beside = [
            _voter(said, _taken(arrays, f"beside.{number}."), widths, source, version)
            for number, said in enumerate(document.get("beside", []))
        ]
    networks = _networks(document["population"], arrays, widths, source, version)
    model._inputs, model._population = networks.inputs, networks.population
    model._dtype = document["dtype"]
    populations = [one.population for one in model._voters if isinstance(one, Networks)]
    if {model._dtype} != {str(one.states[0].params.dtype) for one in populations}:
        raise fault(source, "dtype", "be that of the members", model._dtype)
    flags = {f"_{flag}": document[flag] for flag in form.flags}
    for name, value in {**own, **attributes, **flags}.items():
        setattr(model, name, value)
    form.finish(model)
    return model


def _taken(arrays: dict[str, Array], start: str) -> dict[str, Array]:
    """The arrays whose names begin so, without that; they are gone then."""
    names = [name for name in arrays if name.startswith(start)]
    return {name.removeprefix(start): arrays.pop(name) for name in names}


def _networks(
    said: Any, arrays: dict[str, Array], widths: tuple[int, int], source: str, version: int
) -> Networks:
    own = _taken(arrays, "inputs.")
    kept = {one.name: own.pop(one.name, None) for one in fields(InputScaler)}
    if own:
        raise fault(source, "inputs", "have no other arrays", sorted(own))
    inputs = _inputs(kept, widths[0], version, source)
    population = revive_population(said, arrays, source, version)
    if population.widths != (inputs.outputs, widths[1]):
        must = "be those of the inputs and the targets"
        raise fault(source, "widths", must, population.widths)
    return Networks(inputs, population)


def _voter(
    said: Any, arrays: dict[str, Array], widths: tuple[int, int], source: str, version: int
) -> Voter:
    ((kind, value),) = said.items()
    if kind == "population":
        return _networks(value, arrays, widths, source, version)
    if kind == "trees":
        trees = BoostedTrees.of_arrays(arrays, **value)
        if trees.is_sound(*widths):
            return trees
    raise fault(source, "what votes beside the networks", "be networks or sound trees", kind)


def _targets(said: Any, arrays: dict[str, Array], classifies: bool, source: str) -> Targets:
    ((kind, value),) = said.items()
    if kind == "values" and not classifies and isinstance(value, bool):
        mean, scale = arrays.pop("mean"), arrays.pop("scale")
        if _are_sound(mean, scale):
            return Values(mean, scale, value)
    elif kind in ("labels", "pair") and classifies:
        classes = value_of(value, source)
        if isinstance(classes, np.ndarray) and classes.ndim == 1:
            if kind == "labels":
                return Labels(classes)
            if len(classes) == 2:
                return Pair(classes)
    elif kind == "indicators" and classifies and type(value) is int and value >= 1:
        return Indicators(value)
    raise fault(source, "targets", "be values, labels, a pair of labels or indicators", kind)


def _inputs(said: Mapping[str, Any], features: int, version: int, source: str) -> InputScaler:
    plain = InputScaler.plain(features)
    if version < _STANDARDIZED:
        if all(one is None for one in said.values()):
            return plain
        raise fault(source, "inputs", f"have no means in version {version}", said["mean"])
    if said["mean"] is None or said["scale"] is None:
        raise fault(source, "inputs", "have means and scales", sorted(said))
    # Earlier files have no bounds, no codes and no ranges.
    said = {name: getattr(plain, name) if one is None else one for name, one in said.items()}
    mean, scale, *ends, column, low, width, lowest, highest = said.values()
    if not _are_ranges(lowest, highest, features):
        must = f"have ranges of {counted(features, 'column')}, or none"
        raise fault(source, "inputs", must, lowest)
    sound = all(one.dtype == np.float64 and bool((one >= 0).all()) for one in ends)
    sound = sound and bool((ends[1] > 0).all())
    if {one.shape for one in (mean, *ends)} == {(features,)} and _are_sound(mean, scale) and sound:
        known = column.dtype == np.int64 and column.shape == low.shape
        if known and _are_sound(low, width) and bool(((column >= 0) & (column < features)).all()):
            return InputScaler(**said)
        must = f"have codes of {counted(features, 'column')}, of widths > 0"
        raise fault(source, "inputs", must, width)
    must = f"have {features} finite means, scales > 0, bounds >= 0 and bends > 0"
    raise fault(source, "inputs", must, mean)


def _are_ranges(lowest: Array, highest: Array, features: int) -> bool:
    """Whether they are the ends of a range for each column, or of none."""
    shaped = lowest.shape == highest.shape and lowest.shape in ((features,), (0,))
    return shaped and lowest.dtype == highest.dtype == np.float64 and bool((lowest < highest).all())


def _are_sound(mean: Array, scale: Array) -> bool:
    """Whether they are a mean and a scale for each of some columns."""
    if mean.ndim != 1 or mean.shape != scale.shape:
        return False
    doubles = mean.dtype == scale.dtype == np.float64
    return doubles and bool(np.isfinite([mean, scale]).all() and (scale > 0).all())


def plain(value: Any, name: str) -> Any:
    """A value as JSON can hold it; SettingError for one that is of no known kind."""
    if isinstance(value, Settings):
        return {"record": plain_record(value)}
    if isinstance(value, np.ndarray) and value.ndim == 1:
        said = plain_labels(value)
        if said is not None:
            return said
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return {"array": [value.dtype.str, [value.item()]], "scalar": True}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [plain(one, name) for one in value]}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "rvs") and hasattr(value, "dist"):  # frozen, of scipy.stats
        keywords = {k: plain(v, name) for k, v in value.kwds.items()}
        return {"distribution": [value.dist.name, [plain(v, name) for v in value.args], keywords]}
    if isinstance(value, dict):
        return {"items": [[plain(k, name), plain(v, name)] for k, v in value.items()]}
    must = "be numbers, strings, settings, or lists or dicts of these"
    raise SettingError(sentence(name, "save", must, value, _WITHOUT.get(name)))


def value_of(value: Any, source: str) -> Any:
    """The value that `plain` wrote."""
    if not isinstance(value, dict):
        if isinstance(value, list):
            raise fault(source, "value", "say of which kind it is", value)
        return value
    kind, *rest = value
    inner = value[kind]
    if kind == "record":
        return revive(inner, Settings, source)
    if kind == "array":
        found = labels_of(value, source)
        return found[0] if rest == ["scalar"] else found
    if kind == "float" and inner in ("inf", "-inf", "nan"):
        return float(inner)
    if kind in ("tuple", "list"):
        return {"tuple": tuple, "list": list}[kind](value_of(one, source) for one in inner)
    if kind == "items":
        return {value_of(k, source): value_of(v, source) for k, v in inner}
    if kind == "distribution":
        name, arguments, keywords = inner
        family = getattr(scipy.stats, name)
        if not isinstance(family, (scipy.stats.rv_continuous, scipy.stats.rv_discrete)):
            raise fault(source, "distribution", "be one of scipy.stats", name)
        keywords = {k: value_of(v, source) for k, v in keywords.items()}
        return family(*(value_of(one, source) for one in arguments), **keywords)
    raise fault(source, "value", "be of a known kind", kind)


def bring(form: Format) -> None:
    """Makes a class of estimators known to `save`, `load` and `export_onnx`."""
    ways = partial(pack, form), partial(unpack, form)
    register(Kind(form.kind.__name__, form.kind, *ways, estimator_graph))


def _finish(model: BaseMLP) -> None:
    model._chosen()  # judges the parameters
    model._sum_up()


for _kind in (MLPClassifier, MLPRegressor):
    bring(
        Format(
            _kind,
            ("loss_curve_", "validation_curve_", "validation_scores_"),
            ("n_iter_", "n_features_in_", "feature_names_in_"),
            ("has_state",),
            _finish,
        )
    )
