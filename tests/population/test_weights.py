"""Parameters set by name: what they may be, what becomes of the rest, and that they are used."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from trainlab.engine.native import is_compiled
from trainlab.errors import SettingError

RNG = np.random.default_rng(5)
W1, b1 = RNG.standard_normal((3, 4)), RNG.standard_normal(4)
W2, b2 = RNG.standard_normal((4, 2)), RNG.standard_normal(2)
GIVEN = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
X = RNG.standard_normal((7, 3))
DATA = tl.from_arrays(np.tile(X, (3, 1)), np.arange(21) % 2)


def network(**settings: Any) -> tl.Network:
    return tl.Network(tl.MLP((4,), **settings), tl.Adam(), seed=3)


def outputs(x: Any) -> Any:
    """Of the formula."""
    return np.maximum(x @ W1 + b1, 0) @ W2 + b2


def test_a_network_that_was_never_trained_predicts_with_what_it_is_given() -> None:
    one = network()
    one.parameters = GIVEN
    assert one.population.widths == (3, 2)
    assert one.parameters["W1"].dtype == np.float64
    y = outputs(X)
    expected = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    assert np.allclose(one.predict_proba(X), expected, rtol=1e-12)
    assert np.array_equal(one.predict(X), y.argmax(axis=1))


def test_what_is_not_given_is_drawn_from_the_seed() -> None:
    one, drawn = network(), network()
    small = {name: value.astype(np.float32) for name, value in GIVEN.items()}
    one.parameters = {"W1": small["W1"], "W2": small["W2"]}
    drawn.fit(DATA, steps=1)
    assert one.parameters["W1"].dtype == np.float32
    assert not one.parameters["b1"].any()  # biases begin at 0
    population = tl.Population.grid(tl.MLP((4,)), seed=range(2))
    population.set_parameters(-1, small)
    first = tl.Population.grid(tl.MLP((4,)), seed=[0])
    first.set_parameters(0, {"W1": small["W1"], "W2": small["W2"]})
    other = tl.Population.grid(tl.MLP((4,)), seed=[0, 9])
    other.set_parameters(1, small)
    assert np.array_equal(population.parameters(1)["W1"], small["W1"])
    assert np.array_equal(population.parameters(0)["W1"], other.parameters(0)["W1"])
    assert not np.array_equal(population.parameters(0)["W1"], small["W1"])


def test_training_goes_on_from_them() -> None:
    """As from a network that learnt them, with a new optimizer."""
    first, second = network(norm="batch"), network(norm="batch")
    first.fit(DATA, steps=9)
    kept = {name: value.copy() for name, value in first.parameters.items()}
    second.fit(DATA, steps=9)
    second.parameters = {name: value * 0 for name, value in kept.items()}
    second.parameters = kept
    left, right = (one.fit(DATA, steps=5, start="parameters") for one in (first, second))
    assert np.array_equal(left["train_loss"], right["train_loss"])


@pytest.mark.parametrize("engine", ["numpy", "native"])
def test_with_its_buffers_a_copy_predicts_what_the_network_does(engine: str) -> None:
    """Batch normalization predicts with running means, which no gradient changes."""
    if engine == "native" and not is_compiled():
        pytest.skip("the native engine is not compiled")
    first, second = network(norm="batch"), network(norm="batch")
    first.fit(DATA, epochs=9, batch_size=7)
    assert list(first.buffers) == ["running_mean1", "running_var1"]
    assert first.buffers["running_mean1"].any()
    second.parameters = {**first.parameters, **first.buffers}
    expected = first.predict_proba(X, engine=engine)
    assert np.array_equal(second.predict_proba(X, engine=engine), expected)
    second.parameters = {"running_mean1": [0.0] * 4}
    assert not np.array_equal(second.predict_proba(X, engine=engine), expected)
    population = tl.Population.grid(tl.MLP((4,), norm="batch"), seed=range(2))
    population.set_parameters(1, {**first.parameters, **first.buffers})
    assert np.array_equal(population.predict_proba(X, engine=engine)[1], expected)
    assert np.array_equal(population.buffers(1)["running_var1"], first.buffers["running_var1"])
    assert not population.buffers(0)["running_mean1"].any()


def test_parameters_without_their_buffers_are_warned_of() -> None:
    first, second = network(norm="batch"), network(norm="batch")
    first.fit(DATA, steps=3)
    with pytest.warns(
        UserWarning, match=r"^running_mean1, running_var1 of parameters are not given"
    ):
        second.parameters = first.parameters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second.parameters = first.parameters  # it has been told, and keeps what it has
        network(norm="batch").parameters = {"W1": W1, "W2": W2}  # the rest is to be drawn
        plain = network()
        plain.parameters = GIVEN
    assert plain.buffers == {}


def test_a_part_is_changed_and_the_rest_stays() -> None:
    one = network()
    one.fit(DATA, steps=9, keep="state")
    before = {name: value.copy() for name, value in one.parameters.items()}
    one.parameters = {"b2": [[1.0, 2.0]]}
    after = one.parameters
    assert after["b2"].tolist() == [[1.0, 2.0]]
    assert all(np.array_equal(after[name], before[name]) for name in ("W1", "b1", "W2"))
    with pytest.raises(tl.NotTrainedError, match="state of member 0 must have been kept"):
        one.fit(DATA, steps=1, start="state")


def test_the_arrays_are_copies(tmp_path: Path) -> None:
    one, own = network(), {name: value.copy() for name, value in GIVEN.items()}
    one.parameters = own
    own["W1"][:] = 0
    assert one.parameters["W1"].any()
    tl.save(one, tmp_path / "model")
    again = tl.load(tmp_path / "model", tl.Network)
    assert np.array_equal(again.predict_proba(X), one.predict_proba(X))


@pytest.mark.parametrize(
    ("given", "starts"),
    [
        (3, "parameters of Network must be a dict from names to arrays"),
        ({1: W1}, "parameters of Network must be a dict from names to arrays"),
        ({**GIVEN, "w1": W1}, "name of parameters must be one of W1, b1, W2, b2; got 'w1'; try W1"),
        ({**GIVEN, "b1": W1}, "b1 of parameters must have the shape (1, 4)"),
        ({**GIVEN, "b2": [np.nan, 0]}, "b2 of parameters must be finite in float64"),
        ({**GIVEN, "b2": ["a", "b"]}, "b2 of parameters must hold real numbers"),
        ({"W1": W1}, "W2 of parameters must be a matrix (in, out)"),
        ({"W2": W2}, "W1 of parameters must be a matrix (in, out)"),
        ({"W1": W1[0], "W2": W2}, "W1 of parameters must be a matrix (in, out)"),
        ({"W1": W1[:, :0], "W2": W2}, "W1 of parameters must be a matrix (in, out)"),
        ({"W1": W1[:, :3], "W2": W2}, "W1 of parameters must have the shape (3, 4)"),
    ],
)
def test_what_they_may_not_be(given: Any, starts: str) -> None:
    one = network()

    def call() -> None:
        one.parameters = given

    complains(call, SettingError, starts)
    with pytest.raises(tl.NotTrainedError):
        _ = one.parameters


def test_numbers_that_the_dtype_cannot_hold() -> None:
    one = network()
    one.fit(DATA, steps=1)
    before = one.parameters["b2"].copy()

    def call() -> None:
        one.parameters = {"b2": [1e300, 0]}

    complains(call, SettingError, "b2 of parameters must be finite in float32")
    assert np.array_equal(one.parameters["b2"], before)


def test_no_such_member() -> None:
    population = tl.Population.grid(tl.MLP((4,)), seed=range(2))
    starts = "index of Population must be an integer in [-2, 1]"
    complains(lambda: population.set_parameters(2, GIVEN), SettingError, starts)


def test_a_variance_is_not_negative() -> None:
    network = tl.Network(tl.MLP((5,), norm="batch"))
    network.fit(tl.from_arrays(np.eye(12, 4), np.arange(12) % 3), steps=2)
    with pytest.raises(tl.SettingError, match=r"running_var1 of .* must be at least 0; got"):
        network.parameters = {"running_var1": np.full(5, -1.0)}
    network.parameters = {"running_mean1": np.full(5, -1.0)}
