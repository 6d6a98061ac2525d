"""The quick way of a gradient check against the plain one, and what would make it blind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cases import LAYERS
from differing import links_alone
from trainlab.differentiation import check, gradient_check, numeric
from trainlab.differentiation.differences import SCHEMES
from trainlab.differentiation.problem import Problem
from trainlab.differentiation.report import ROUNDING
from trainlab.network.activations import ReLU, Tanh
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Layer, Mode
from trainlab.network.dense import Activate, Dense
from trainlab.network.losses import SoftmaxCrossEntropy
from trainlab.network.norms import BatchNorm
from trainlab.network.workspace import FRESH

H = check.STEPS["central4"]
STEPS = (H, H / 10, H / 100)
ROWS, INPUTS, OUTPUTS = 5, 9, 3
NETWORKS: dict[str, MLP] = {
    "relu": MLP((8, 7)),
    "batch_norm": MLP((8, 7), norm="batch"),
    "layer_norm": MLP((8, 7), norm="layer", activation="tanh"),
    "dropout": MLP((8, 7), dropout=0.4, activation="tanh"),
    "penalties": MLP((8, 7), weight_decay=0.3, l1=0.2, activation="gelu"),
    "all at once": MLP((8, 7), norm="batch", dropout=0.3, weight_decay=0.3, l1=0.2),
}


def problem(network: MLP | Architecture, members: int | None = None, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    x, t = rng.standard_normal((ROWS, INPUTS)), rng.integers(0, OUTPUTS, ROWS)
    found = Problem.of(network, x, t, seed, members, None, OUTPUTS)
    found.analytic()  # draws what dropout needs
    return found


@pytest.mark.parametrize("members", [None, 1, ROWS])
@pytest.mark.parametrize("name", NETWORKS)
def test_both_ways_agree_to_rounding(name: str, members: int | None) -> None:
    asked = problem(NETWORKS[name], members)
    for parameter in ("W1", "b1", "W2", "W3", "b3", "x"):
        variable = asked.variable(parameter)
        every = np.arange(asked.value(variable).shape[-2] * asked.value(variable).shape[-1])
        plain = numeric.moved(asked, variable, every, SCHEMES["central4"], H)
        quick = numeric.linked(asked, variable, every, SCHEMES["central4"], STEPS)
        compared = ~(plain.crossed | quick.crossed)
        assert compared.mean() > 0.5
        # Values that took a smaller step carry the rounding of that one.
        allowed = ROUNDING * quick.size[..., np.newaxis] / STEPS[1]
        differ = np.abs(plain.values - quick.values)
        assert (differ <= allowed)[:, compared].all()


def test_a_sample_at_a_kink_crosses_the_column_for_the_inputs_that_it_has() -> None:
    asked = problem(MLP((8, 7), activation=ReLU()))
    views = asked.architecture.layout.views(asked.params)
    asked.x[0, ::2] = 0.0  # W[0, 2], W[2, 2], ... do not move y[0, 2]
    views["b1"][0, 2] -= (asked.x[0] @ views["W1"] + views["b1"])[0, 2]
    variable = asked.variable("W1")
    every = np.arange(8 * INPUTS)
    found = numeric.linked(asked, variable, every, SCHEMES["central4"], STEPS)
    crossed = found.crossed.reshape(INPUTS, 8)
    assert crossed[1::2, 2].all()
    assert not crossed[::2, 2].any()
    assert crossed.sum() == INPUTS // 2


class Mixing(Dense):
    """A Dense that says its columns are apart, which they are not: W + mean over its columns."""

    def forward(self, p: Any, x: Any, mode: Mode, new: Any) -> Any:
        mixed = p["W"] + p["W"].mean(axis=-1, keepdims=True)
        return super().forward({**p, "W": mixed}, x, mode, new)

    def backward(self, p: Any, cache: Any, dy: Any, grads: Any, new: Any) -> Any:
        mixed = p["W"] + p["W"].mean(axis=-1, keepdims=True)
        return super().backward({**p, "W": mixed}, cache, dy, grads, new)

    def parameter_gradients(self, p: Any, cache: Any, dy: Any, grads: Any, new: Any) -> None:
        """Wrong just as a link is wrong that takes what the layer says for true."""
        super().parameter_gradients(p, cache, dy, grads, new)
        grads["W"][...] *= 2


class Modest(Dense):
    """A Dense that claims nothing."""

    columns_apart = rows_apart = False


def stack(first: Dense) -> Architecture:
    layers: list[Layer] = [first, Activate(Tanh()), Dense(OUTPUTS)]
    return Architecture(layers, SoftmaxCrossEntropy(), INPUTS, 0.0, 0.0)


def report(network: Architecture, rows: int = ROWS) -> Any:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((rows, INPUTS)), rng.integers(0, OUTPUTS, rows)
    return gradient_check(network, x, t, entries=None)


def test_a_layer_that_says_what_is_not_true_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(stack(Mixing(8)))
    assert {row.parameter for row in found.rows if not row.passes(found.tolerance)} == {"W1"}
    monkeypatch.setattr(check, "numeric", links_alone)
    assert report(stack(Mixing(8))).ok  # so it is the entries moved by themselves that tell


def test_a_layer_that_says_nothing_is_checked_the_plain_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    linked: list[int] = []
    right = numeric.linked

    def spy(asked: Problem, variable: Any, *rest: Any) -> Any:
        linked.append(variable.start)
        return right(asked, variable, *rest)

    monkeypatch.setattr(numeric, "linked", spy)
    assert report(stack(Modest(8))).ok
    assert set(linked) == {2}
    assert report(stack(Dense(8))).ok
    assert set(linked) == {0, 2}


@pytest.mark.parametrize("name", LAYERS)
def test_what_layers_say_of_themselves_is_true(name: str) -> None:
    layer = LAYERS[name]
    rng = np.random.default_rng(3)
    declared = layer.declare(6)
    p = {key: rng.standard_normal(each.shape) for key, each in declared.parameters.items()}
    p |= {key: rng.random(each.shape) + 1 for key, each in declared.buffers.items()}
    x, draws = rng.standard_normal((4, 6)), rng.random((4, 6))

    def forward(p: dict[str, Any], x: Any) -> Any:
        return layer.forward(p, x, Mode(True, lambda rows, width: draws), FRESH)[0]

    y = forward(p, x)
    if layer.columns_apart:
        for key in declared.parameters:
            moved = p[key].copy()
            moved[:, 1] += 1.0
            differs = (forward({**p, key: moved}, x) != y).any(axis=0)
            assert differs.tolist() == [column == 1 for column in range(y.shape[-1])]
    if layer.rows_apart:
        moved = x.copy()
        moved[2] += 1.0
        assert (forward(p, moved) != y).any(axis=1).tolist() == [False, False, True, False]


def test_the_layers_that_hold_most_parameters_can_be_linked() -> None:
    assert Dense.columns_apart
    assert Dense.rows_apart
    assert not BatchNorm.rows_apart
    assert not Layer.columns_apart


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainlab.differentiation.differences.CHUNK_BYTES", 20_000)
    reports = []
    for cores in (1, 3):
        monkeypatch.setattr(numeric, "usable_cores", lambda cores=cores: cores)
        reports.append(str(report(MLP((8, 7), dropout=0.3, norm="batch").build(9, OUTPUTS))))
    assert reports[0] == reports[1]


EVALUATIONS = 4 * (2 * 16 * 100 + 16 * 10 + 610 + 2 * 4 * numeric.WHOLE)
"""Four points each: every output of each dense layer; biases, γ and β; WHOLE entries of W1, W2,
W3 and x, and as many again for what is near a kink.  The plain way takes 4 · 102,554."""


@pytest.mark.slow
def test_all_of_90_000_parameters_take_seconds_and_few_evaluations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[int] = []
    plain: Callable[..., Any] = Problem.evaluate

    def count(self: Problem, bound: Any, x: Any, start: int) -> Any:
        values, sides = plain(self, bound, x, start)
        counted.append(values.shape[1] if values.ndim > 1 else 1)
        return values, sides

    monkeypatch.setattr(Problem, "evaluate", count)
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((16, 784)), rng.integers(10, size=16)
    network = MLP((100, 100), norm="batch")
    start = time.process_time()
    found = gradient_check(network, x, t, out_features=10, entries=None)
    seconds = time.process_time() - start
    assert found.ok, str(found)
    assert sum(row.entries for row in found.rows[:11]) == 90_010 + 16 * 784
    assert sum(counted) <= EVALUATIONS
    # Measured: 1.3 s of processor time, less than that by the clock; room for a busy machine.
    assert seconds < 4
