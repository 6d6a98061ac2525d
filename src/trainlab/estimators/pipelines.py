"""A pipeline of a TableEncoder and an estimator of ours as the content of a file, and back.

The document: the `names` of the two steps, whether the pipeline is `verbose`, the `encoder`
(its `parameters`, the names of its `features` or null, and for each column what it became:
{"numbers": [median, holes]}, {"words": [values, rare, holes]}, {"dates": [order, parts, first
day, median, holes]}, {"text": [width, holes]} or {"means": [values, rare, holes, classes]}, of
which the array `encoder.PLACE` has the means of all rows, of each word in order, and of holes;
and, where a table in a file
has numbers that are not plain, `formats`, {name: [decimal sign, sign of groups, unit]}), and the
`network`, its kind and its document, whose arrays are those of the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, Final

import numpy as np
from sklearn.pipeline import Pipeline

from trainlab.data.dates import DAY, ORDERS
from trainlab.data.formats import NumberFormat
from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.estimators.cells import Column, Numbers, Words, is_hole
from trainlab.estimators.columns import TableEncoder
from trainlab.estimators.dates import PARTS, Dates
from trainlab.estimators.means import MeanWords
from trainlab.estimators.predictor import Predictor
from trainlab.estimators.saved import plain, value_of
from trainlab.estimators.text import Text
from trainlab.models.container import UNSOUND, Content, fault
from trainlab.models.graph import Graph
from trainlab.models.kinds import Kind, kind_named, kind_of, register
from trainlab.network.workspace import Array
from trainlab.terminal import counted

KIND: Final = "Pipeline"
NETWORKS: Final = (
    "MLPClassifier",
    "MLPRegressor",
    "PopulationEnsembleClassifier",
    "PopulationEnsembleRegressor",
)
_DAYS: Final = 1 << 30
"""Days from 1970 to any date that NumPy can make of a day."""
_MEANS: Final = "encoder."
_PARTS: Final = {"names", "verbose", "encoder", "network"}
_MUST: Final = f"be a TableEncoder and one of {', '.join(NETWORKS)}"


def pack(model: Pipeline) -> Content:
    """What a file says of a fitted pipeline of these two steps."""
    steps = [step for _, step in model.steps]
    if len(steps) != 2 or type(steps[0]) is not TableEncoder or not isinstance(steps[1], Predictor):
        got = ", ".join(type(step).__name__ for step in steps)
        remedy = "to save its last step alone"
        raise SettingError(sentence("steps of a pipeline", "save", _MUST, got, remedy))
    encoder, network = steps
    for name, value in model.get_params(deep=False).items():
        if name not in ("steps", "verbose") and value is not None:
            raise SettingError(sentence(f"{name} of a pipeline", "save", "be None", value))
    if getattr(encoder, "_sklearn_output_config", {}).get("transform", "default") != "default":
        must = "give arrays to the network"
        raise SettingError(sentence("set_output", "save", must, encoder._sklearn_output_config))
    if not encoder.__sklearn_is_fitted__():
        raise SettingError(sentence("model", "save", "be fitted", KIND, "fit(X, y)"))
    inner = kind_of(network, "save").pack(network)
    features = getattr(encoder, "feature_names_in_", None)
    formats = {
        name: list(astuple(one)) for name, one in getattr(encoder, "number_formats_", {}).items()
    }
    document = {
        "names": [name for name, _ in model.steps],
        "verbose": bool(model.verbose),
        "encoder": {
            "parameters": {k: plain(v, k) for k, v in encoder.get_params(deep=False).items()},
            "features": None if features is None else features.tolist(),
            "columns": [_described(one) for one in encoder.columns_],
            **({"formats": formats} if formats else {}),
        },
        "network": {"kind": inner.kind, "document": inner.document},
    }
    means = {
        f"{_MEANS}{place}": np.array([one.overall, *(one.means[word] for word in _words(one))])
        for place, one in enumerate(encoder.columns_)
        if isinstance(one, MeanWords)
    }
    return Content(KIND, document, inner.arrays | means)


def _words(column: Words) -> list[str]:
    """All words of a column in order, "" for holes at the end."""
    return sorted([*column.values, *column.rare]) + [""] * column.holes


def _described(column: Column) -> dict[str, Any]:
    if isinstance(column, Numbers):
        # Files of earlier versions say nothing of booleans.
        return {"numbers": [column.median, column.holes] + [True] * column.booleans}
    if isinstance(column, Dates):
        order, parts, *rest = astuple(column)
        return {"dates": [order, list(parts), *rest]}
    if isinstance(column, Text):
        return {"text": list(astuple(column))}
    if isinstance(column, MeanWords):
        parts = list(column.values), list(column.rare), column.holes, list(column.classes)
        return {"means": [*parts]}
    assert isinstance(column, Words)
    return {"words": [list(column.values), list(column.rare), column.holes]}


def unpack(content: Content, source: str) -> Pipeline:
    """The pipeline of a file."""
    document = content.document
    try:
        if set(document) != _PARTS or set(document["network"]) != {"kind", "document"}:
            must = f"have {', '.join(sorted(_PARTS))}"
            raise fault(source, "document", must, sorted(document))
        kind, inner = document["network"]["kind"], document["network"]["document"]
        if kind not in NETWORKS or not isinstance(inner, dict):
            raise fault(source, "network", f"be one of {', '.join(NETWORKS)}", kind)
        means = {name: one for name, one in content.arrays.items() if name.startswith(_MEANS)}
        encoder = _encoder(document["encoder"], means, source)
        arrays = {name: one for name, one in content.arrays.items() if name not in means}
        said = Content(kind, inner, arrays, content.version)
        network = kind_named(kind, source).unpack(said, source)
        if network.n_features_in_ != encoder.width:
            must = f"have {counted(encoder.width, 'input')}, as the encoder gives"
            raise fault(source, "network", must, network.n_features_in_)
        first, second = map(_text, document["names"])
        if type(document["verbose"]) is not bool:
            raise fault(source, "verbose", "be true or false", document["verbose"])
        model = Pipeline([(first, encoder), (second, network)], verbose=document["verbose"])
        model._validate_steps()  # names that differ, and name no parameter
    except ModelFileError:
        raise
    except UNSOUND as error:
        raise fault(source, "pipeline", "be whole and valid", str(error)) from error
    return model


def _encoder(said: Mapping[str, Any], means: Mapping[str, Array], source: str) -> TableEncoder:
    given = {name: value_of(value, source) for name, value in said["parameters"].items()}
    parameters = {**TableEncoder._before, **given}
    columns, features = said["columns"], said["features"]
    parts = set(said) - {"formats"}
    if parts != {"parameters", "features", "columns"} or not isinstance(columns, list):
        must = "have parameters, features and a list of columns"
        raise fault(source, "encoder", must, sorted(said))
    if set(parameters) != set(TableEncoder._get_param_names()):
        raise fault(source, "parameters", "be those of TableEncoder", sorted(parameters))
    encoder = TableEncoder(**parameters)
    _, most = encoder._limits()
    encoder.n_features_in_ = len(columns)
    if features is not None:
        listed = isinstance(features, list) and len(features) == len(columns)
        if not listed or len(set(map(_text, features))) != len(columns):
            must = f"be {counted(len(columns), 'different name')}, or null"
            raise fault(source, "features", must, features)
        encoder.feature_names_in_ = np.array(features, object)
    encoder.columns_ = tuple(
        _with_means(one, means.get(f"{_MEANS}{place}"), most, source)
        if "means" in one
        else _column(one, most, encoder.text_width, source)
        for place, one in enumerate(columns)
    )
    of_means = {place for place, one in enumerate(columns) if "means" in one}
    if {f"{_MEANS}{place}" for place in of_means} != set(means):
        raise fault(source, "arrays", "be those of columns with means", sorted(means))
    if "formats" in said:
        encoder.number_formats_ = _formats(said["formats"], encoder, source)
    named, dates = encoder._named_words(), encoder._named_dates().keys()
    if named is not None:
        named |= encoder._named_means()
    looked = {*encoder.dates_} if encoder._looks_for_dates else set[int]()
    sound = encoder._named_means() == of_means and dates | looked == {*encoder.dates_}
    sound = sound and encoder._named_text() == frozenset(encoder.text_)
    if not columns or named not in (None, frozenset(encoder.words_)) or not sound:
        must = "be there, and of words, dates and text where the parameters say so"
        raise fault(source, "columns", must, encoder.words_ + encoder.dates_ + encoder.text_)
    return encoder


def _with_means(said: Any, means: Array | None, most: int, source: str) -> Column:
    """A column of words with the means of their targets."""
    *parts, classes = said["means"]
    words = _column({"words": parts}, most, 0, source)
    assert isinstance(words, Words)
    names, out = _words(words), max(1, len(classes))
    if means is None or means.dtype != np.float64 or means.shape != (1 + len(names), out):
        must = f"be the means of {counted(len(names), 'word')} and {counted(out, 'class')}"
        raise fault(source, "means of the encoder", must, None if means is None else means.shape)
    if not np.isfinite(means).all() or not isinstance(classes, list):
        raise fault(source, "means of the encoder", "be finite", means)
    overall, *each = map(tuple, means.tolist())
    known = dict(zip(names, each, strict=True))
    parts = words.values, words.rare, words.holes
    return MeanWords(*parts, tuple(map(_text, classes)), overall, known)


def _formats(said: Any, encoder: TableEncoder, source: str) -> dict[str, NumberFormat]:
    """How a table writes the numbers of some columns."""
    names = {
        name
        for name, one in zip(encoder._names(), encoder.columns_, strict=True)
        if isinstance(one, Numbers)
    }
    if not isinstance(said, dict) or not set(said) <= names:
        raise fault(source, "formats", "be of columns of numbers", said)
    return {name: NumberFormat(*map(_text, parts)) for name, parts in said.items()}


def _column(said: Any, most: int, width: int, source: str) -> Column:
    ((kind, parts),) = said.items()
    if kind == "numbers":
        median, holes, *booleans = parts
        known = not booleans or (len(booleans) == 1 and booleans[0] is True)
        if type(median) is float and math.isfinite(median) and type(holes) is bool and known:
            return Numbers(median, holes, bool(booleans))
    elif kind == "words":
        values, rare, holes = parts
        found = Words(tuple(map(_text, values)), tuple(map(_text, rare)), holes)
        words = [*values, *rare]
        sound = values == sorted(values) and rare == sorted(rare) and len(set(words)) == len(words)
        few = len(values) + bool(rare) <= most
        plainly = all(word == word.strip() and not is_hole(word) for word in words)
        if sound and few and plainly and type(holes) is bool:
            return found
    elif kind == "dates":
        order, own, first, put, holes = parts
        kept = [part for part in PARTS if part in own]
        sound = order in ORDERS and own == kept and own[-1] == PARTS[-1] and type(holes) is bool
        numbers = type(first) is int and type(put) is float
        if sound and numbers and abs(first) < _DAYS > abs(put) / DAY:
            return Dates(order, tuple(own), first, put, holes)
    elif kind == "text":
        own, holes = parts
        if type(own) is int and own == width and type(holes) is bool:
            return Text(own, holes)
    must = f"be a finite median, or at most {counted(most, 'column')} of different words"
    raise fault(source, "a column of the encoder", must, said)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} in place of a text")
    return value


def graph(model: Pipeline, index: int | None) -> Graph:
    """None: a graph has numbers for inputs."""
    got = "a Pipeline of " + ", ".join(type(step).__name__ for _, step in model.steps)
    remedy = "export_onnx(model[-1], path), whose x is what model[:-1].transform gives"
    must = "be a network or an estimator of ours, whose inputs are numbers"
    raise SettingError(sentence("model", "export_onnx", must, got, remedy))


register(Kind(KIND, Pipeline, pack, unpack, graph))
