"""Trained networks as ONNX graphs.  Each layer and each activation adds its own formula.

A graph computes what evaluation computes, in the dtype of the parameters: input `x` (N, in);
outputs `outputs` (N, out) and, of classifiers, `probabilities` (N, out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network.workspace import Array
from trainlab.population import Network, Population
from trainlab.settings import is_integer
from trainlab.versions import own

OPSET: Final = 17
IR_VERSION: Final = 8
"""The format of files that came with this opset: runtimes refuse newer ones than their own."""


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
            producer_version=own(),
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
        x = layer.onnx(views, graph, x)
    return x


PROBABILITIES: Final[dict[str, str | None]] = {
    "classification": "Softmax",
    "multilabel": "Sigmoid",
    "regression": None,
}
