"""Trained networks as ONNX graphs, written out by hand: one function for each kind of layer.

Order: `Graph`, networks and populations, layers, activations, simplest first.

A graph computes what evaluation computes, in the dtype of the parameters: input `x` (N, in);
outputs `outputs` (N, out) and, of classifiers, `probabilities` (N, out).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network import activations, layers
from trainlab.network.workspace import Array
from trainlab.population import Network, Population
from trainlab.settings import is_integer

OPSET: Final = 17
IR_VERSION: Final = 8
"""The format of files that came with this opset: runtimes refuse newer ones than their own."""
FLOAT, INT64, DOUBLE = 1, 7, 11
"""ONNX' numbers for float32, int64 and float64."""


@dataclass
class Graph:
    """The nodes, constants and outputs of a graph as it grows.

    dtype  of the input `x` (N, width), and of constants unless they say otherwise
    """

    dtype: Any
    width: int
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    outputs: dict[str, tuple[Any, list[Any]]] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, output: str | None = None, **settings: Any) -> str:
        """Adds a node; the name of what it gives."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append((operator, list(inputs), name, settings))
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a number or an array; strings have the dtype object."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(value).astype(self.dtype if dtype is None else dtype)
        return name

    def result(self, name: str, of: str, dtype: Any, *axes: int) -> None:
        """Makes a value an output (N, *axes) of this name and dtype."""
        self.add("Identity", of, output=name)
        self.outputs[name] = (np.dtype(dtype), ["N", *axes])

    @property
    def nbytes(self) -> int:
        """What the constants take."""
        return sum(values.nbytes for values in self.constants.values())

    def model(self, onnx: Any) -> Any:
        """The whole as ONNX has it."""
        helper = onnx.helper

        def value(name: str, dtype: Any, shape: list[Any]) -> Any:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            [
                helper.make_node(operator, inputs, [name], name=name, **settings)
                for operator, inputs, name, settings in self.nodes
            ],
            "trainlab",
            [value("x", self.dtype, ["N", self.width])],
            [value(name, *about) for name, about in self.outputs.items()],
            [onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="trainlab",
            producer_version=metadata.version("trainlab"),
        )


def network_graph(network: Network, index: int | None) -> Graph:
    """The graph of a trained network."""
    return population_graph(network.population, index)


def population_graph(population: Population, index: int | None) -> Graph:
    """The graph of one member of a trained population; SettingError unless the index is one's."""
    states, last = population.states, len(population) - 1
    if index is None and last == 0:
        index = 0
    if index is None or not is_integer(index) or not 0 <= index <= last:
        must = f"be an integer in [0, {last}]: a file holds one network"
        raise SettingError(sentence("index", "export_onnx", must, index, "index=0"))
    width, out = population.widths
    dtype = states[index].params.dtype
    graph = Graph(dtype, width)
    y = member_outputs(graph, population, index, "x")
    graph.result("outputs", y, dtype, out)
    operator = PROBABILITIES[population[index].network.loss.task]
    if operator is not None:
        graph.result("probabilities", graph.add(operator, y), dtype, out)
    return graph


def member_outputs(graph: Graph, population: Population, index: int, x: str) -> str:
    """Adds a trained member; the name of its outputs (N, out) for the inputs of the name x."""
    state = population.states[index]
    architecture = population[index].network.build(*population.widths)
    bound = architecture.bind(state.params, state.buffers)
    for layer, views in zip(architecture.layers, bound, strict=True):
        x = LAYERS[type(layer)](graph, layer, views, x)
    return x


def _dense(graph: Graph, layer: Any, p: Mapping[str, Array], x: str) -> str:
    product = graph.add("MatMul", x, graph.constant(p["W"]))
    return graph.add("Add", product, graph.constant(p["b"]))


def _activate(graph: Graph, layer: Any, p: Mapping[str, Array], x: str) -> str:
    return ACTIVATIONS[type(layer.activation)](graph, layer.activation, x)


def _dropout(graph: Graph, layer: Any, p: Mapping[str, Array], x: str) -> str:
    return x if layer.inverted else graph.add("Mul", x, graph.constant(1.0 - layer.ratio))


def _layer_norm(graph: Graph, layer: Any, p: Mapping[str, Array], x: str) -> str:
    centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[-1], keepdims=1))
    square = graph.add("Mul", centred, centred)
    variance = graph.add("ReduceMean", square, axes=[-1], keepdims=1)
    root = graph.add("Sqrt", graph.add("Add", variance, graph.constant(layer.eps)))
    return _rescaled(graph, p, graph.add("Div", centred, root))


def _batch_norm(graph: Graph, layer: Any, p: Mapping[str, Array], x: str) -> str:
    variance = p["running_var"]
    inverse = 1.0 / np.sqrt(variance + np.asarray(layer.eps).astype(variance.dtype))
    centred = graph.add("Sub", x, graph.constant(p["running_mean"]))
    return _rescaled(graph, p, graph.add("Mul", centred, graph.constant(inverse)))


def _rescaled(graph: Graph, p: Mapping[str, Array], x_hat: str) -> str:
    scaled = graph.add("Mul", x_hat, graph.constant(p["gamma"]))
    return graph.add("Add", scaled, graph.constant(p["beta"]))


def _leaky_relu(graph: Graph, f: Any, x: str) -> str:
    # ONNX' LeakyRelu keeps its slope in float32, whatever the dtype of x.
    return graph.add("Max", x, graph.add("Mul", x, graph.constant(f.slope)))


def _elu(graph: Graph, f: Any, x: str) -> str:
    below = graph.add("Exp", graph.add("Min", x, graph.constant(0.0)))
    below = graph.add("Sub", below, graph.constant(1.0))
    return graph.add("Add", graph.add("Mul", below, graph.constant(f.alpha)), graph.add("Relu", x))


def _softplus(graph: Graph, f: Any, x: str) -> str:
    small = graph.add("Exp", graph.add("Neg", graph.add("Abs", x)))
    logarithm = graph.add("Log", graph.add("Add", small, graph.constant(1.0)))
    return graph.add("Add", graph.add("Relu", x), logarithm)


def _gelu(graph: Graph, f: Any, x: str) -> str:
    scaled = graph.add("Mul", x, graph.constant(math.sqrt(0.5)))
    if graph.dtype == np.float64:  # onnxruntime has erf in float32 alone
        erf = graph.add("Erf", graph.add("Cast", scaled, to=FLOAT))
        erf = graph.add("Cast", erf, to=DOUBLE)
    else:
        erf = graph.add("Erf", scaled)
    doubled = graph.add("Mul", x, graph.add("Add", erf, graph.constant(1.0)))
    return graph.add("Mul", doubled, graph.constant(0.5))


LAYERS: Final[dict[type[layers.Layer], Callable[[Graph, Any, Mapping[str, Array], str], str]]] = {
    layers.Dense: _dense,
    layers.Activate: _activate,
    layers.Dropout: _dropout,
    layers.LayerNorm: _layer_norm,
    layers.BatchNorm: _batch_norm,
}

ACTIVATIONS: Final[dict[type[activations.Activation], Callable[[Graph, Any, str], str]]] = {
    activations.Identity: lambda graph, f, x: x,
    activations.ReLU: lambda graph, f, x: graph.add("Relu", x),
    activations.LeakyReLU: _leaky_relu,
    activations.ELU: _elu,
    activations.Sigmoid: lambda graph, f, x: graph.add("Sigmoid", x),
    activations.Tanh: lambda graph, f, x: graph.add("Tanh", x),
    activations.Softplus: _softplus,
    activations.GELU: _gelu,
}

PROBABILITIES: Final[dict[str, str | None]] = {
    "classification": "Softmax",
    "multilabel": "Sigmoid",
    "regression": None,
}
