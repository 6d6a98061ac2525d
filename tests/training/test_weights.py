"""Weights of samples: what they mean in losses, in training and in evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import trainlab as tl
from cases import LOSSES, targets
from trainlab.data.arrays import from_arrays
from trainlab.differentiation import complex_step_gradient
from trainlab.errors import DataError
from trainlab.network.workspace import FRESH

# Sums of some 60 terms of one size, each rounded a few times.
ROUNDING = 1e-14
# Thirty steps of Adam, whose division by √v lets such rounding grow.
AFTER_STEPS = 1e-9

B, OUT, K = 5, 4, 3
RNG = np.random.default_rng(5)
X = RNG.standard_normal((24, 6))
LABELS = np.arange(24) % 3
COUNTS = RNG.integers(0, 4, 24)


@pytest.mark.parametrize("name", LOSSES)
def test_a_sample_of_weight_two_counts_as_two(name: str) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(0)
    y, t = rng.standard_normal((B, OUT)), targets(LOSSES[name].task, rng, (B,), OUT)
    weight = np.array([2.0, 1.0, 0.0, 1.0, 3.0])
    rows = np.repeat(np.arange(B), weight.astype(int))
    value, _ = loss.forward(y, t, FRESH, weight * B / weight.sum())
    assert value == pytest.approx(loss.forward(y[rows], t[rows], FRESH)[0], rel=ROUNDING)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", LOSSES)
def test_weighted_gradients_equal_complex_steps(name: str, shared: bool) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(1)
    y, t = rng.standard_normal((K, B, OUT)), targets(LOSSES[name].task, rng, (K, B), OUT)
    weight = rng.random((B,) if shared else (K, B))
    value, cache = loss.forward(y, t, FRESH, weight)
    dy = loss.backward(cache, FRESH)
    for k in range(K):
        own = weight if shared else weight[k]
        assert value[k] == loss.forward(y[k], t[k], FRESH, own)[0]

        def of_member(z: Any, k: int = k, own: Any = own) -> Any:
            return loss.forward(z, t[k], FRESH, own)[0]

        numeric = complex_step_gradient(of_member, y[k])
        np.testing.assert_allclose(dy[k], numeric, rtol=ROUNDING, atol=ROUNDING)


def weighted(**changes: Any) -> Any:
    settings = {"weight": COUNTS, "dtype": "float64", **changes}
    return from_arrays(X, LABELS, test=(X, LABELS, settings.pop("held", COUNTS)), **settings)


def trained(data: Any, seed: int = 3, **settings: Any) -> Any:
    population = tl.Population.grid(tl.MLP((7,), activation="tanh"), tl.Adam(0.01), seed=seed)
    plan = {"batch_size": 1000, "steps": 30, "dtype": "float64", "evaluate": 10, **settings}
    return population, population.fit(data, **plan)


def test_training_on_counts_is_training_on_copies() -> None:
    rows = np.repeat(np.arange(24), COUNTS)
    copies = from_arrays(X[rows], LABELS[rows], test=(X[rows], LABELS[rows]), dtype="float64")
    ours, history = trained(weighted())
    theirs, expected = trained(copies)
    for name in ("train_loss", "test_loss", "test_accuracy", "train_accuracy"):
        np.testing.assert_allclose(history[name], expected[name], rtol=AFTER_STEPS)
    for name, values in ours.parameters(0).items():
        np.testing.assert_allclose(values, theirs.parameters(0)[name], rtol=1e-6, atol=AFTER_STEPS)


def test_weights_that_are_all_equal_change_no_bit() -> None:
    for batch_size in (7, 1000):
        plain, _ = trained(from_arrays(X, LABELS, dtype="float64"), batch_size=batch_size)
        equal, _ = trained(
            from_arrays(X, LABELS, weight=np.full(24, 0.25), dtype="float64"), batch_size=batch_size
        )
        for name, values in plain.parameters(0).items():
            np.testing.assert_array_equal(values, equal.parameters(0)[name])


def test_only_the_ratios_of_weights_matter() -> None:
    once, _ = trained(weighted(), dtype="float32")
    scaled, _ = trained(weighted(weight=COUNTS * 4.0), dtype="float32")
    for name, values in once.parameters(0).items():
        np.testing.assert_array_equal(values, scaled.parameters(0)[name])


@pytest.mark.parametrize("scale", [2.0**1021, 2.0**-1074])
def test_weights_are_of_any_size(scale: float) -> None:
    """The sum of the first is beyond float64, and the greatest of the others are the least."""
    once, history = trained(weighted())
    scaled, other = trained(weighted(weight=COUNTS * scale, held=COUNTS * scale))
    for name, values in once.parameters(0).items():
        np.testing.assert_array_equal(values, scaled.parameters(0)[name])
    for name in ("train_loss", "test_loss", "test_accuracy"):
        np.testing.assert_array_equal(history[name], other[name])


def test_the_least_weight_there_is_trains_its_row() -> None:
    first = np.arange(24) == 0
    one, history = trained(weighted(weight=first * 5e-324))
    other, _ = trained(weighted(weight=first * 1.0))
    assert history["train_loss"][0, 0] > history["train_loss"][0, -1] > 0
    for name, values in one.parameters(0).items():
        np.testing.assert_array_equal(values, other.parameters(0)[name])


def test_a_member_is_the_network_alone_with_weights() -> None:
    together, history = trained(weighted(), seed=[3, 4, 3, 5], batch_size=5)
    for index, seed in enumerate([3, 4, 3, 5]):
        alone, own = trained(weighted(), seed=seed, batch_size=5)
        np.testing.assert_array_equal(history["test_accuracy"][index], own["test_accuracy"][0])
        for name, values in alone.parameters(0).items():
            np.testing.assert_array_equal(values, together.parameters(index)[name])


def test_accuracy_is_the_share_of_the_weight() -> None:
    held = np.linspace(0.0, 2.0, 24)
    population, history = trained(weighted(held=held))
    right = population.predict(X)[0] == LABELS
    expected = held[right].sum() / held.sum()
    assert history["test_accuracy"][0, -1] == pytest.approx(expected, rel=ROUNDING)
    assert 0 < expected < 1


def test_weights_go_with_their_rows() -> None:
    data = weighted(held=np.arange(1.0, 25)).split(validation=9, seed=1)
    rows = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in data.validation.x]
    assert data.validation.weight.tolist() == COUNTS[rows].tolist()
    assert data.first(test=3).test.weight.tolist() == [1.0, 2.0, 3.0]
    assert weighted().sha256 != weighted(weight=COUNTS + 1).sha256


@pytest.mark.parametrize(
    "weight",
    [COUNTS[:-1], -COUNTS, np.full(24, np.nan), np.zeros(24), ["a"] * 24, COUNTS[:, None], 3.0],
)
def test_what_cannot_be_weights_is_refused(weight: Any) -> None:
    with pytest.raises(DataError, match=r"weight of (Split|from_arrays) must"):
        from_arrays(X, LABELS, weight=weight)
