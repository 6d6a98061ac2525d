"""The lines of docs/derivations give what the source gives, for every layer, activation and loss.

A section bears the name of what it derives, as code: ## `Dense`.  Its derivation is the
block that computes gradients; here it is run on random arrays and compared with the source.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from cases import ACTIVATIONS, LAYERS, LOSSES, targets
from documents import ROOT, blocks
from trainlab.book.convolution import Convolution, Pooling
from trainlab.network.architecture import MLP
from trainlab.network.base import EVALUATION, Layer, Mode
from trainlab.network.dense import Activate
from trainlab.network.workspace import FRESH

Arrays = dict[str, Any]

ROUNDING = 1e-12
"""Relative to the greatest entry.  float64: both sides add up at most 100 products, each
rounded to 1.1e-16, and divide by deviations of 0.1 at least, whose rounding grows tenfold."""

SIZES = {"one network": ((), 6, 4), "three": ((3,), 6, 4), "K = B": ((5,), 5, 4)}
"""Members, rows, features: pairwise different, and once as many members as rows."""


def sections() -> dict[str, str]:
    """Name → the lines that compute its gradients: they draw nothing."""
    found = {}
    for path in sorted((ROOT / "docs" / "derivations").glob("*.md")):
        _, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for part in parts:
            heading = re.match(r"`(\w+)`(.*)\n", part)
            if heading:
                lines = [b.text for b in blocks(part, "python") if computes_gradients(b.text)]
                found[heading[1] + heading[2]] = "\n".join(lines[:1])
    return found


def computes_gradients(text: str) -> bool:
    return "rng" not in text and bool(re.search(r"^(d\w+, )*d[xyW] = ", text, re.MULTILINE))


def derived(name: str, arrays: Mapping[str, Any]) -> Arrays:
    """What the lines of a section make of the arrays."""
    from scipy import special  # the pages of activations import it at their top

    names: Arrays = {"np": np, "special": special, **arrays}
    exec(compile(sections()[name], name, "exec"), names)  # noqa: S102 - our own file
    return names


def assert_same(found: Arrays, expected: Mapping[str, Any]) -> None:
    for name, values in expected.items():
        assert np.shape(found[name]) == np.shape(values), name
        size = np.abs(values).max()
        assert size > 0, f"{name} shows nothing"
        assert np.abs(found[name] - values).max() <= ROUNDING * size, name


def settings(of: Any) -> Arrays:
    return {field.name: getattr(of, field.name) for field in dataclasses.fields(of)}


def test_everything_has_its_derivation() -> None:
    kinds = {
        type(one).__name__ for table in (LAYERS, ACTIVATIONS, LOSSES) for one in table.values()
    }
    others = {"BatchNorm in evaluation", "weight_decay", "l1", "Convolution", "Pooling"}
    assert set(sections()) == kinds | others
    assert all(sections().values()), "a section without lines"


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, sizes: str, rng: np.random.Generator) -> None:
    members, rows, features = SIZES[sizes]
    compare_layer(LAYERS[name], members, rows, features, True, rng)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith("batch_norm")])
def test_evaluation(name: str, sizes: str, rng: np.random.Generator) -> None:
    members, rows, features = SIZES[sizes]
    compare_layer(LAYERS[name], members, rows, features, False, rng)


def compare_layer(
    layer: Layer,
    members: tuple[int, ...],
    rows: int,
    features: int,
    training: bool,
    rng: np.random.Generator,
) -> None:
    declared = layer.declare(features)
    p = {
        name: rng.random((*members, *parameter.shape)) + 0.5  # a variance is positive
        for name, parameter in (declared.parameters | declared.buffers).items()
    }
    u = rng.random((*members, rows, features))
    x = rng.standard_normal((*members, rows, features))
    dy = rng.standard_normal((*members, rows, declared.out_features))
    grads = {name: np.empty_like(p[name]) for name in declared.parameters}
    mode = Mode(True, lambda *_: u) if training else EVALUATION
    y, cache, _ = layer.forward(p, x, mode, FRESH)
    dx = layer.backward(p, cache, dy, grads, FRESH)
    expected = {"y": y, "dx": dx, **{f"d{name}": values for name, values in grads.items()}}
    name = type(layer).__name__ + ("" if training else " in evaluation")
    assert_same(derived(name, {**settings(layer), **p, "x": x, "dy": dy, "u": u}), expected)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str, rng: np.random.Generator) -> None:
    activation = ACTIVATIONS[name]
    x, dy = 2 * rng.standard_normal((3, 6, 4)), rng.standard_normal((3, 6, 4))
    layer = Activate(activation)
    y, cache, _ = layer.forward({}, x, EVALUATION, FRESH)
    expected = {"y": y, "dx": layer.backward({}, cache, dy, {}, FRESH)}
    arrays = {**settings(activation), "x": x, "dy": dy}
    assert_same(derived(type(activation).__name__, arrays), expected)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str, sizes: str, rng: np.random.Generator) -> None:
    (members, rows, out), loss = SIZES[sizes], LOSSES[name]
    y = 2 * rng.standard_normal((*members, rows, out))
    t = targets(loss.task, rng, (*members, rows), out)
    value, cache = loss.forward(y, t, FRESH)
    expected = {"loss": value, "dy": loss.backward(cache, FRESH)}
    arrays = {**settings(loss), "y": y, "t": t}
    assert_same(derived(type(loss).__name__, arrays), expected)


@pytest.mark.parametrize("name", ["weight_decay", "l1"])
def test_penalties(name: str, rng: np.random.Generator) -> None:
    network = MLP(hidden=(), **{name: 0.3}).build(5, 4)
    params, grads = rng.standard_normal((3, network.size)), np.zeros((3, network.size))
    bound, bound_grads = network.bind(params), network.bind(grads)
    network.add_penalty_gradient(bound, bound_grads, FRESH)
    expected = {"penalty": network.penalty(bound), "dW": bound_grads[0]["W"]}
    assert_same(derived(name, {name: 0.3, "W": bound[0]["W"]}), expected)


@pytest.mark.parametrize(("stride", "pad"), [(1, 0), (2, 1), (3, 2)])
def test_convolution_and_pooling(stride: int, pad: int, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 8, 9))
    W, b = rng.standard_normal((4, 3, 2, 5)), rng.standard_normal(4)
    convolution, pooling = Convolution(W, b, stride, pad), Pooling(2, 3, stride, pad)
    for layer in (convolution, pooling):
        y = layer.forward(x)
        dy = rng.standard_normal(y.shape)
        expected = {"y": y, "dx": layer.backward(dy)}
        arrays = {"x": x, "dy": dy, "stride": stride, "pad": pad, "pool_h": 2, "pool_w": 3}
        if layer is convolution:
            expected |= {"dW": layer.dW, "db": layer.db}
            arrays |= {"W": W, "b": b}
        assert_same(derived(type(layer).__name__, arrays), expected)


@pytest.mark.parametrize(
    ("layer", "right", "wrong"),
    [
        ("dense", "dx = dy @ W.mT", "dx = 1.000001 * dy @ W.mT"),
        ("batch_norm", " - x_hat * dgamma / B", ""),
        ("layer_norm", "g - g.mean(-1, keepdims=True)", "g"),
        ("dropout", "dx = dy * mask", "dx = dy * (u >= ratio)"),
    ],
)
def test_a_wrong_derivation_is_found(
    layer: str, right: str, wrong: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = type(LAYERS[layer]).__name__
    spoilt = sections()
    assert right in spoilt[name]
    spoilt[name] = spoilt[name].replace(right, wrong)
    monkeypatch.setattr(f"{__name__}.sections", lambda: spoilt)
    with pytest.raises(AssertionError, match="dx"):
        compare_layer(LAYERS[layer], (3,), 6, 4, True, rng)
