"""Estimators as ONNX graphs: X as it comes, what each member says, the mean, an answer.

Everything but the members is computed in float64, as `predict` does.  Axis letters: N rows,
C classes, out targets of a row.
"""

from __future__ import annotations

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.estimators.inputs import FAR, InputScaler
from trainlab.estimators.predictor import Networks, Predictor
from trainlab.estimators.targets import (
    GREATEST,
    LARGEST,
    SMALLEST,
    Indicators,
    Labels,
    Pair,
    Targets,
    Values,
)
from trainlab.estimators.trees import BoostedTrees
from trainlab.models.graph import Graph, member_outputs
from trainlab.network.nodes import DOUBLE, FLOAT, INT64
from trainlab.network.workspace import Array


def estimator_graph(model: Predictor, index: int | None) -> Graph:
    """The graph of a fitted estimator, with all of its members; see `export_onnx`."""
    name = type(model).__name__
    if not model.__sklearn_is_fitted__():
        raise SettingError(sentence("model", "export_onnx", "be fitted", name, "fit(X, y)"))
    if index is not None:
        must = f"be None for {name}, whose members are averaged"
        raise SettingError(sentence("index", "export_onnx", must, index))
    targets = model._targets
    graph = Graph(np.dtype(model._dtype), len(model._inputs.mean))
    outputs: list[str] = []
    for voter in model._voters:
        if isinstance(voter, BoostedTrees):
            outputs.append(voter.onnx(graph, graph.add("Cast", "x", to=DOUBLE)))
        elif isinstance(voter, Networks):
            outputs += _of_networks(graph, voter, targets)
    weights = model._weights
    if weights is None:
        weights = np.full(len(outputs), 1 / len(outputs))
    if isinstance(targets, Values):
        _predict(graph, targets, outputs, weights)
    elif isinstance(targets, Labels):
        _label(graph, targets, outputs, weights)
    else:
        _indicate(graph, targets, outputs, weights)
    return graph


def _of_networks(graph: Graph, networks: Networks, targets: Targets) -> list[str]:
    """What each member says: real numbers, or probabilities."""
    z, population = _standardized(graph, networks.inputs), networks.population
    outputs = [member_outputs(graph, population, place, z) for place in range(len(population))]
    if isinstance(targets, Pair):
        both = [[graph.add("Neg", one), one] for one in outputs]
        return [graph.add("Sigmoid", graph.add("Concat", *two, axis=-1)) for two in both]
    if isinstance(targets, Labels):
        return [graph.add("Softmax", one, axis=-1) for one in outputs]
    if isinstance(targets, Indicators):
        return [graph.add("Sigmoid", one) for one in outputs]
    return outputs


def _standardized(graph: Graph, inputs: InputScaler) -> str:
    """What `InputScaler.encode` makes of x, in the dtype of the members."""
    unit, mean, scale = (graph.constant(one, np.float64) for one in inputs.steps())
    x = graph.add("Cast", "x", to=DOUBLE)
    z = graph.add("Div", graph.add("Sub", graph.add("Mul", x, unit), mean), scale)
    if np.isfinite(inputs.reach).any():
        z = graph.add("Min", z, graph.constant(inputs.reach, np.float64))
        z = graph.add("Max", z, graph.constant(-inputs.reach, np.float64))
    if np.isfinite(inputs.bend).any():
        z = graph.add("Min", z, graph.constant(FAR, np.float64))
        z = graph.add("Max", z, graph.constant(-FAR, np.float64))
        bent = graph.add("Div", z, graph.constant(inputs.bend, np.float64))
        square = graph.add("Add", graph.add("Mul", bent, bent), graph.constant(1.0, np.float64))
        z = graph.add("Div", z, graph.add("Sqrt", square))
    if len(inputs.column):
        half, low, width = (
            graph.constant(one, np.float64) for one in (0.5, inputs.low / 2, inputs.width)
        )
        own = graph.add("Gather", x, graph.constant(inputs.column, np.int64), axis=1)
        above = graph.add("Div", graph.add("Sub", graph.add("Mul", own, half), low), width)
        ends = (graph.constant(end, np.float64) for end in (0.0, 1.0))
        z = graph.add("Concat", z, graph.add("Sub", graph.add("Clip", above, *ends), half), axis=1)
    return graph.add("Cast", z, to=FLOAT if graph.dtype == np.float32 else DOUBLE)


def _predict(graph: Graph, targets: Values, outputs: list[str], weights: Array) -> None:
    mean = _mean(graph, outputs, weights, GREATEST, 0.0)
    y = graph.add("Mul", mean, graph.constant(targets.scale, np.float64))
    y = graph.add("Add", y, graph.constant(targets.mean, np.float64))
    y = graph.add("Clip", y, *(graph.constant(end, np.float64) for end in (-GREATEST, GREATEST)))
    if targets.flat:
        y = graph.add("Gather", y, graph.constant(0, np.int64), axis=1)
    graph.result("predictions", y, np.float64, *([] if targets.flat else [targets.outputs]))


def _label(graph: Graph, targets: Labels, outputs: list[str], weights: Array) -> None:
    mean = _mean(graph, outputs, weights, 1.0, 1 / len(targets.classes))
    total = graph.add("ReduceSum", mean, graph.constant([-1], np.int64), keepdims=1)
    p_mean = _inside(graph, graph.add("Div", mean, total))
    place = graph.add("ArgMax", p_mean, axis=-1, keepdims=0)
    values = _as_tensor(targets.classes)
    label = graph.add("Gather", graph.constant(values, values.dtype), place)
    graph.result("label", label, values.dtype)
    graph.result("probabilities", p_mean, np.float64, len(targets.classes))


def _indicate(graph: Graph, targets: Indicators, outputs: list[str], weights: Array) -> None:
    mean = _inside(graph, _mean(graph, outputs, weights, 1.0, 0.5))
    above = graph.add("Greater", mean, graph.constant(0.5, np.float64))
    graph.result("label", graph.add("Cast", above, to=INT64), np.int64, targets.outputs)
    graph.result("probabilities", mean, np.float64, targets.outputs)


def _inside(graph: Graph, p: str) -> str:
    """Probabilities without 0 and 1."""
    ends = (graph.constant(end, np.float64) for end in (SMALLEST, LARGEST))
    return graph.add("Clip", p, *ends)


def _mean(graph: Graph, values: list[str], weights: Array, largest: float, otherwise: float) -> str:
    """The weighted mean (N, …), float64; what is above `largest`, or NaN, counts as `otherwise`."""
    limit = graph.constant(largest, np.float64)
    other = graph.constant(otherwise, np.float64)
    parts = []
    for value, weight in zip(values, weights, strict=True):
        double = graph.add("Cast", value, to=DOUBLE)
        there = graph.add("LessOrEqual", graph.add("Abs", double), limit)
        kept = graph.add("Where", there, double, other)
        parts.append(graph.add("Mul", kept, graph.constant(weight, np.float64)))
    return graph.add("Sum", *parts)


def _as_tensor(classes: Array) -> Array:
    """The classes as ONNX has them: int64, or strings; of other kinds their places.

    SettingError for integers that int64 cannot hold: in their stead places would be labels.
    """
    if classes.dtype.kind == "U" or all(isinstance(one, str) for one in classes.tolist()):
        return classes.astype(object)
    if classes.dtype.kind not in "iu":
        return np.arange(len(classes))
    if (most := int(classes.max())) > np.iinfo(np.int64).max:
        must = "be int64 or strings, as labels of ONNX are"
        remedy = "a fit with y.astype(str)"
        raise SettingError(sentence("classes_", "export_onnx", must, most, remedy))
    return classes.astype(np.int64)
