"""A trained network as an ONNX graph, written out by hand: one function for each kind of layer.

Order: `export_onnx`, then layers, then activations, simplest first.

A graph computes what evaluation computes, in the dtype of the parameters: input `x` (N, in);
outputs `outputs` (N, out) and, of classifiers, `probabilities` (N, out).
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab import files
from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.network import activations, layers
from trainlab.network.workspace import Array
from trainlab.settings import is_integer
from trainlab.training.population import Network, Population

OPSET: Final = 17
IR_VERSION: Final = 8
"""The format of files that came with this opset: runtimes refuse newer ones than their own."""
FLOAT, DOUBLE = 1, 11
"""ONNX' numbers for float32 and float64."""
MAX_BYTES: Final = (1 << 31) - (1 << 20)
"""What one file of protocol buffers holds, and room for the graph."""


def export_onnx(model: Any, path: str | os.PathLike[str], index: int | None = None) -> None:
    """Writes a trained network, or the member `index` of a population, as an ONNX file.

    The graph is that of evaluation: running statistics in batch-norm, no dropout (or the
    book's factor 1 − ratio).  Agrees with `predict_proba` up to rounding: exp, erf and sums are
    another library's; erf, of GELU, is
    float32 in any dtype.  Needs the extra `onnx`.  Raises SettingError for what is no network,
    NotTrainedError for one without numbers, ModelFileError where the file cannot be written.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("export_onnx needs onnx; try pip install trainlab[onnx]") from error
    population, member = _member(model, index)
    numbers = population.numbers[member]
    if numbers.params.nbytes > MAX_BYTES:
        must = f"have at most {MAX_BYTES} bytes, what an ONNX file holds"
        raise SettingError(sentence("parameters", "export_onnx", must, numbers.params.nbytes))
    architecture = population[member].network.build(*population.widths)
    graph = Graph(numbers.params.dtype)
    name = "x"
    bound = architecture.bind(numbers.params, numbers.buffers)
    for layer, views in zip(architecture.layers, bound, strict=True):
        name = LAYERS[type(layer)](graph, layer, views, name)
    graph.add("Identity", name, output="outputs")
    outputs = ["outputs"]
    operator = PROBABILITIES[architecture.loss.task]
    if operator is not None:
        graph.add(operator, name, output="probabilities")
        outputs.append("probabilities")
    built = graph.model(onnx, architecture.in_features, architecture.out_features, outputs)
    onnx.checker.check_model(built, full_check=True)
    try:
        files.write(Path(path), built.SerializeToString(deterministic=True))
    except OSError as error:
        text = error.strerror or str(error)
        must = "be in a folder that can be written to, with room for it"
        raise ModelFileError(sentence("file", str(path), must, text)) from error


def _member(model: Any, index: int | None) -> tuple[Population, int]:
    population = model.population if isinstance(model, Network) else model
    if not isinstance(population, Population):
        must = "be a Network or a Population"
        raise SettingError(sentence("model", "export_onnx", must, type(model).__name__))
    if index is None and len(population) == 1:
        return population, 0
    if not is_integer(index) or not 0 <= int(index or 0) < len(population):
        must = f"be an integer in [0, {len(population) - 1}]: a file holds one network"
        raise SettingError(sentence("index", "export_onnx", must, index, "index=0"))
    return population, int(index or 0)


@dataclasses.dataclass
class Graph:
    """The nodes and constants of a graph as it grows."""

    dtype: Any
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = dataclasses.field(
        default_factory=list
    )
    constants: dict[str, Array] = dataclasses.field(default_factory=dict)

    def add(self, operator: str, *inputs: str, output: str | None = None, **settings: Any) -> str:
        """Adds a node; the name of what it gives."""
        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append((operator, list(inputs), name, settings))
        return name

    def constant(self, value: Any) -> str:
        """The name of a number or an array, in the dtype of the graph."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(value).astype(self.dtype)
        return name

    def model(self, onnx: Any, width: int, out: int, outputs: list[str]) -> Any:
        """The whole as ONNX has it."""
        helper, kind = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        graph = helper.make_graph(
            [
                helper.make_node(operator, inputs, [name], name=name, **settings)
                for operator, inputs, name, settings in self.nodes
            ],
            "trainlab",
            [helper.make_tensor_value_info("x", kind, ["N", width])],
            [helper.make_tensor_value_info(name, kind, ["N", out]) for name in outputs],
            [onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="trainlab",
            producer_version=metadata.version("trainlab"),
        )


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
