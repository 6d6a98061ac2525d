"""Every backward pass against differences and complex steps, for one network and for K.

Each row of the table of cases is checked in networks of 1 to 4 hidden layers, alone, as
one member, as three, and once with as many members as samples.  All other sizes of a
case are pairwise different, so that no axis can be taken for another.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from cases import (
    ACTIVATIONS,
    LAYERS,
    LOSSES,
    TECHNIQUES,
    targets,
)
from trainlab import network as room
from trainlab import optimizers, schedules
from trainlab.differentiation import complex_step_gradient, gradient_check
from trainlab.models.records import BASES, RECORDS
from trainlab.network import activations, initializers, losses, norms
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.base import Layer, Mode
from trainlab.network.dense import Activate, Dense
from trainlab.network.norms import BatchNorm
from trainlab.network.workspace import FRESH

DIFFERENCES = 1e-6
"""What the project promises; the check's own tolerance, see differentiation/check.py."""
COMPLEX_STEPS = 1e-11
"""The same for complex steps."""

DEPTHS = (1, 2, 3, 4)
MEMBERS = (None, 1, 3)
SIZES = np.arange(4, 11)  # batch, input, hidden and output sizes: none of them a K of MEMBERS
SQUARE = 4  # K == B

Build = Callable[[tuple[int, ...]], Any]


@dataclasses.dataclass(frozen=True)
class Case:
    """What to build from hidden widths, and the sizes to build it with."""

    build: Build
    loss: losses.Loss
    batch: int
    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    members: int | None
    seed: int

    def check(self, method: str) -> Any:
        rng = np.random.default_rng(self.seed)
        own = () if self.members is None else (self.members,)
        # x is shared by the members in every other case, t in every third.
        x = rng.standard_normal((*own[: self.seed % 2], self.batch, self.inputs))
        rows = (*(own if self.seed % 3 else ()), self.batch)
        t = targets(self.loss.task, rng, rows, self.outputs)
        network = self.build(self.hidden)
        if not isinstance(network, MLP):
            network = Architecture(
                [*network, Dense(self.outputs)], self.loss, self.inputs, 0.0, 0.0
            )
        return gradient_check(
            network,
            x,
            t,
            seed=self.seed,
            members=self.members,
            out_features=self.outputs,
            method=method,
            entries=None,
        )


def sandwich(layer: Layer, hidden: tuple[int, ...]) -> list[Layer]:
    """The layer after each of the dense layers, and tanh, so that no two of them merge."""
    stack: list[Layer] = []
    for width in hidden:
        row = dataclasses.replace(layer, out_features=width) if isinstance(layer, Dense) else layer
        stack += [Dense(width), Activate(activations.Tanh()), row]
    return stack


def table() -> dict[str, tuple[Build, losses.Loss]]:
    softmax = losses.SoftmaxCrossEntropy()
    rows: dict[str, tuple[Build, losses.Loss]] = {}
    for name, activation in ACTIVATIONS.items():
        rows[name] = lambda hidden, a=activation: MLP(hidden, activation=a), softmax
    for name, loss in LOSSES.items():
        rows[name] = lambda hidden, s=loss: MLP(hidden, activation="tanh", loss=s), loss
    for name, layer in LAYERS.items():
        rows[f"layer {name}"] = lambda hidden, a=layer: sandwich(a, hidden), softmax
    for name, settings in TECHNIQUES.items():
        rows[name] = lambda hidden, s=settings: MLP(hidden, activation="gelu", **s), softmax
    return rows


def cases() -> dict[str, Case]:
    found: dict[str, Case] = {}

    def add(name: str, row: tuple[Build, losses.Loss], members: int | None, *sizes: Any) -> None:
        batch, inputs, hidden, outputs = sizes
        label = f"{name}, B={batch}, {inputs}-{'-'.join(map(str, hidden))}-{outputs}, K={members}"
        found[label] = Case(*row, batch, inputs, tuple(hidden), outputs, members, len(found))

    for name, row in table().items():
        shuffle = np.random.default_rng(len(name))
        for depth in DEPTHS:
            for members in MEMBERS:
                batch, inputs, outputs, *hidden = map(int, shuffle.permutation(SIZES)[: depth + 3])
                add(name, row, members, batch, inputs, hidden, outputs)
        add(name, row, SQUARE, SQUARE, 5, (6, 7), 3)
        add(name, row, None, 1, 4, (5,), 3)  # batch of one
        add(name, row, 3, 6, 2, (1, 4), 5)  # a layer of one unit
        add(name, row, None, 1, 1, (1,), 1)  # one of everything
    return found


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_differences(name: str) -> None:
    report = CASES[name].check("central4")
    assert report.ok, str(report)
    assert report.error <= DIFFERENCES
    assert {row.parameter for row in report.rows} >= {"W1", "b1", "x"}


@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_complex_steps(name: str) -> None:
    report = CASES[name].check("complex")
    assert report.error <= COMPLEX_STEPS, str(report)
    assert not any(row.crossed for row in report.rows)


def test_there_are_enough_cases_and_their_shapes_differ() -> None:
    assert len(CASES) >= 300
    for case in CASES.values():
        if case.batch != 1 and case.members != SQUARE:
            sizes = [case.batch, case.inputs, *case.hidden, case.outputs, case.members]
            assert len(set(sizes)) == len(sizes)
    assert any(case.members == case.batch for case in CASES.values())


# With one sample or one unit, whole layers are off or vanish in a norm, and rightly so.
LIVELY = [name for name, case in CASES.items() if case.batch > 1 and 1 not in case.hidden]


@pytest.mark.parametrize("name", LIVELY)
def test_most_entries_are_compared_and_not_zero(name: str) -> None:
    report = CASES[name].check("central4")
    compared = sum(row.entries - row.crossed - row.zero for row in report.rows)
    # The rest: ReLUs that are off for all of 4 samples, units dropped in all of them.
    assert compared >= 0.7 * sum(row.entries for row in report.rows), str(report)


def test_every_layer_has_a_row_of_cases() -> None:
    files = (found.name for found in pkgutil.iter_modules(room.__path__, "trainlab.network."))
    concrete = {
        kind
        for file in files
        for kind in vars(importlib.import_module(file)).values()
        if isinstance(kind, type) and issubclass(kind, Layer) and kind is not Layer
    }
    lacking = concrete - set(map(type, LAYERS.values()))
    assert not lacking, f"LAYERS in tests/support/cases.py needs a row for each of {lacking}"


def test_what_the_tables_have_is_public_and_can_be_read_from_files() -> None:
    tables: tuple[dict[str, Any], ...] = (
        activations.ACTIVATIONS,
        initializers.INITIALIZERS,
        losses.LOSSES,
        norms.NORMS,
        optimizers.OPTIMIZERS,
        schedules.SCHEDULES,
    )
    for kind in (kind for table in tables for kind in table.values()):
        assert getattr(tl, kind.__name__) is RECORDS[kind.__name__] is kind
    own = ("Dense", "Activate", "Dropout", "Slot", "Declaration", "Parameter", "Mode")
    own += ("Metric", "Callback", "Moment", "Progress", *(base.__name__ for base in BASES))
    assert set(own) <= set(tl.__all__)
    assert all(getattr(tl, base.__name__) is base for base in BASES)
    assert len(tl.__all__) == len(set(tl.__all__))


def test_the_table_of_optimizers_has_every_family() -> None:
    files = {each.name for each in pkgutil.iter_modules(optimizers.__path__)}
    families = {family.__name__.rpartition(".")[2] for family in optimizers.FAMILIES}
    lacking = files - families - {"base"}
    assert not lacking, f"FAMILIES in src/trainlab/optimizers/__init__.py needs {lacking}"
    names = [
        "sgd",
        "momentum",
        "nesterov",
        "adagrad",
        "rmsprop",
        "adam",
        "adamw",
        "nadam",
        "amsgrad",
        "lion",
    ]
    assert [name for name in optimizers.OPTIMIZERS if name in names] == names


BIASES_BEFORE_A_NORM = {"b1", "b2"}  # lost in the mean that the norm subtracts
ALL_BEFORE_THE_LAST_NORM = {"W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2", "x"}


@pytest.mark.parametrize(
    ("rows", "vanishing"), [(1, ALL_BEFORE_THE_LAST_NORM), (5, BIASES_BEFORE_A_NORM)]
)
def test_a_gradient_that_vanishes_is_reported_as_zero(rows: int, vanishing: set[str]) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((rows, 4)), np.arange(rows) % 3
    network = MLP(hidden=(6, 5), activation="tanh", norm="batch")
    report = gradient_check(network, x, t, out_features=3)
    assert report.ok, str(report)
    for objective in ("loss", "outputs"):
        found = {
            row.parameter
            for row in report.rows
            if row.objective == objective and row.zero == row.entries
        }
        assert found == vanishing, str(report)


PER_MEMBER: dict[str, list[MLP]] = {
    "weight_decay": [MLP((6, 5), weight_decay=w) for w in (0.0, 0.03, 0.2)],
    "l1": [MLP((6, 5), l1=w) for w in (0.0, 0.03, 0.2)],
    "dropout": [MLP((6, 5), dropout=w) for w in (0.0, 0.2, 0.5)],
    "book's dropout": [MLP((6, 5), dropout=w, convention="book") for w in (0.0, 0.2, 0.5)],
    "slope": [MLP((6, 5), activation=activations.LeakyReLU(w)) for w in (0.0, 0.2, 0.5)],
    "alpha": [MLP((6, 5), activation=activations.ELU(w)) for w in (0.5, 1.0, 2.0)],
    "delta": [MLP((6, 5), loss=losses.Huber(w)) for w in (0.2, 0.7, 2.0)],
    "smoothing": [MLP((6, 5), loss=losses.SoftmaxCrossEntropy(w)) for w in (0.0, 0.1, 0.5)],
    "eps": [MLP((6, 5), norm=BatchNorm(eps=w)) for w in (1e-3, 0.1, 1.0)],
    "eps of layer_norm": [MLP((6, 5), norm=norms.LayerNorm(w)) for w in (1e-3, 0.1, 1.0)],
}


@pytest.mark.parametrize("method", ["central4", "complex"])
@pytest.mark.parametrize("name", PER_MEMBER)
def test_members_may_differ_in_their_settings(name: str, method: str) -> None:
    members = PER_MEMBER[name]
    rng = np.random.default_rng(5)
    x, t = rng.standard_normal((7, 4)), targets(members[0].loss.task, rng, (7,), 2)
    network = Architecture.of(members, 4, 2)
    report = gradient_check(network, x, t, members=len(members), method=method)
    assert report.ok, str(report)


def test_layers_with_nothing_between_them() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((7, 4)), rng.standard_normal((7, 2))
    network = Architecture(
        [Dense(5), Dense(3), Dense(2)], losses.MeanSquaredError(), 4, weight_decay=0.0, l1=0.0
    )
    report = gradient_check(network, x, t, method="complex")
    assert report.ok, str(report)


def test_batch_norm_in_evaluation_mode() -> None:
    rng = np.random.default_rng(0)
    layer, features = BatchNorm(), 5
    p = {name: rng.uniform(0.5, 1.5, (3, 1, features)) for name in ("gamma", "beta")}
    p |= {name: rng.uniform(0.5, 1.5, (3, 1, features)) for name in ("running_mean", "running_var")}
    x, dy = rng.standard_normal((2, 3, 4, features))
    grads = {name: np.full((3, 1, features), np.nan) for name in ("gamma", "beta")}
    _, cache, _ = layer.forward(p, x, Mode(training=False), FRESH)
    found = {**grads, "x": layer.backward(p, cache, dy, grads, FRESH)}
    for name, gradient in found.items():

        def objective(value: np.ndarray, name: str = name) -> Any:
            arrays = {**p, "x": x, name: value}
            y, _, _ = layer.forward(arrays, arrays["x"], Mode(training=False), FRESH)
            return (y * dy).sum()

        numeric = complex_step_gradient(objective, {**p, "x": x}[name])
        np.testing.assert_allclose(gradient, numeric, rtol=COMPLEX_STEPS)
