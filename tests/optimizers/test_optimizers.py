"""Optimizers: member = solo, blocks, memory, clipping, settings."""

from __future__ import annotations

import dataclasses
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

from optimizer_cases import every_optimizer, gradients, make, start, train
from trainlab.errors import SettingError
from trainlab.network import workspace
from trainlab.network.workspace import Workspace
from trainlab.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSprop,
)
from trainlab.optimizers import base as optimizer_base
from trainlab.optimizers.base import BLOCK, FLUSH_EVERY, PIECE, clip, flush, norms
from trainlab.schedules import Exponential, OneCycle
from trainlab.settings import stack

# --- a member is the network alone ------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 2, 3, 7])
def test_a_member_is_the_network_alone_bit_for_bit(
    name: str, dtype: Any, K: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Blocks of 1000 // K columns and some, at least 7: every K cuts the 1031 columns elsewhere.
    monkeypatch.setattr(optimizer_base, "BLOCK", 1000)
    monkeypatch.setattr(workspace, "LEAST_PIECE", 7)
    size, steps = 1031, 8
    settings = [make(name, i) for i in range(K)]
    params, state = train(stack(settings, trailing=1), list(range(K)), size, steps, dtype)
    assert params.dtype == dtype
    assert np.isfinite(params).all()
    for k in range(K):
        alone, alone_state = train(settings[k], k, size, steps, dtype)
        assert params[k].tobytes() == alone.tobytes()
        for key, array in state.items():
            assert array[k].tobytes() == alone_state[key].tobytes(), key


@every_optimizer
def test_float_settings_serve_a_population_too(name: str) -> None:
    params, _ = train(make(name, 0), [0, 1, 2], 50, 5, np.float64)
    for k in range(3):
        assert params[k].tobytes() == train(make(name, 0), k, 50, 5, np.float64)[0].tobytes()


@every_optimizer
def test_a_diverged_neighbour_changes_nothing(name: str) -> None:
    optimizer = stack([make(name, 0), make(name, 1)], trailing=1)
    params = np.stack([start(0, 40), start(1, 40)])
    params[1, 3] = np.inf
    state = optimizer.init(params)
    with np.errstate(all="ignore"):
        for step in range(4):
            grads = np.stack([gradients(0, 40, step), np.full(40, np.nan)])
            optimizer.update(params, grads, state, step, 4, [slice(0, 20)])
    state_alone, alone = make(name, 0).init(start(0, 40)), start(0, 40)
    for step in range(4):
        make(name, 0).update(alone, gradients(0, 40, step), state_alone, step, 4, [slice(0, 20)])
    assert params[0].tobytes() == alone.tobytes()
    assert np.isnan(params[1]).all()


def test_no_decay_leaves_negative_zero_beside_a_member_that_decays() -> None:
    params = np.full((2, 3), -0.0)
    grads = np.zeros((2, 3))
    optimizer = stack([SGD(0.1), SGD(0.1, decoupled_weight_decay=0.5)], trailing=1)
    optimizer.delta(params, grads, {}, 0, decays=[slice(0, 3)])
    assert np.signbit(grads[0]).all()
    assert not np.signbit(grads[1]).any()


@every_optimizer
@pytest.mark.parametrize("block", [1, 64])
def test_blocks_do_not_change_a_bit(name: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = stack([make(name, i) for i in range(3)], trailing=1)
    whole, _ = train(settings, [0, 1, 2], 101, 3, np.float32)
    monkeypatch.setattr(optimizer_base, "BLOCK", block)
    monkeypatch.setattr(workspace, "LEAST_PIECE", 1)
    assert train(settings, [0, 1, 2], 101, 3, np.float32)[0].tobytes() == whole.tobytes()


@every_optimizer
def test_one_vector_of_parameters_is_passed_over_in_blocks_too(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimizer_base, "BLOCK", 1)
    monkeypatch.setattr(workspace, "LEAST_PIECE", 8)
    settings, params = make(name, 0), np.linspace(-1.0, 1.0, 101)
    row = params[np.newaxis].copy()
    state, own = settings.init(params), settings.init(row)
    for step in range(2):
        settings.update(params, 0.1 * params, state, step, 5)
        settings.update(row, 0.1 * row, own, step, 5)
    assert params.tobytes() == row.tobytes()


@every_optimizer
def test_a_step_allocates_nothing_large(name: str) -> None:
    # Large beside the 100 kB that ufuncs of NumPy < 2.3 take as buffers, whatever the size.
    K, size = 3, 1_000_000
    settings = stack([make(name, i) for i in range(K)], trailing=1)
    params = np.ones((K, size), np.float32)
    grads, state, new = params.copy(), settings.init(params), Workspace()
    settings.delta(params, grads, state, 0, 10, [slice(0, size)], new)
    tracemalloc.start()
    try:
        settings.delta(params, grads, state, 1, 10, [slice(0, size)], new)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A quarter of what even a mask of one member would take.
    assert peak < size // 4


# --- clipping -----------------------------------------------------------------------


def test_the_norm_is_clipped_per_member() -> None:
    grads = np.stack([gradients(k, 50, 0) * 10**k for k in range(3)])
    before = grads.copy()
    clip(grads, math.inf, np.array([[math.inf], [5.0], [1e9]]))
    assert grads[0].tobytes() == before[0].tobytes()
    assert grads[2].tobytes() == before[2].tobytes()
    assert np.linalg.norm(grads[1]) == pytest.approx(5.0, rel=1e-14)
    assert np.allclose(grads[1] / before[1], 5.0 / np.linalg.norm(before[1]), rtol=1e-14)


def test_values_are_clipped_per_member_and_before_the_norm() -> None:
    grads = np.array([[3.0, -4.0, 0.5], [3.0, -4.0, 0.5]])
    clip(grads, np.array([[math.inf], [1.0]]), math.inf)
    assert grads.tolist() == [[3.0, -4.0, 0.5], [1.0, -1.0, 0.5]]
    one = np.array([3.0, -4.0])
    clip(one, 1.0, 1.0)
    np.testing.assert_allclose(one, [math.sqrt(0.5), -math.sqrt(0.5)], rtol=1e-15)


def test_the_norm_survives_what_float32_cannot_square() -> None:
    grads = np.full((1, 4), 1e30, np.float32)
    clip(grads, math.inf, 1.0)
    np.testing.assert_allclose(grads, 0.5, rtol=1e-6)


def test_norms_do_not_depend_on_the_members() -> None:
    grads = np.stack([gradients(k, 70_001, 0, np.float32) for k in range(5)])
    together = norms(grads)
    for k in range(5):
        assert together[k].tobytes() == norms(grads[k]).tobytes()
    np.testing.assert_allclose(
        together[:, 0], np.linalg.norm(grads.astype("f8"), axis=1), rtol=1e-14
    )


def test_an_infinite_norm_is_not_hidden() -> None:
    grads = np.array([[np.inf, 1.0], [np.nan, 1.0], [np.inf, 1.0]])
    with np.errstate(invalid="ignore"):
        clip(grads, math.inf, np.array([[1.0], [1.0], [math.inf]]))
    assert np.isnan(grads[0, 0])
    assert np.isnan(grads[1, 0])
    assert np.isinf(grads[2, 0])


def test_a_step_clips_by_value_then_by_norm_then_decays_at_the_steps_rate() -> None:
    optimizer = SGD(
        0.5,
        schedule=Exponential(decay=0.5),
        clip_value=4.0,
        clip_norm=2.5,
        decoupled_weight_decay=0.1,
    )
    params, grads = np.array([10.0, 20.0, 40.0]), np.array([3.0, 400.0, 0.0])
    optimizer.delta(params, grads, {}, step=1, decays=[slice(1, 2), slice(2, 3)])
    # The gradient becomes (3, 4, 0), then (1.5, 2, 0); the rate is 0.25, the decay 0.025.
    np.testing.assert_allclose(grads, [-0.375, -0.5 - 0.5, -1.0], rtol=1e-15)
    assert params.tolist() == [10.0, 20.0, 40.0]


def test_scratch_is_no_larger_than_it_must_be() -> None:
    asked: dict[str, tuple[int, ...]] = {}

    def new(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        asked[name] = shape
        return np.empty(shape, dtype)

    params = np.ones((3, 11))
    settings = make("adam", 0)
    settings.delta(params, params.copy(), settings.init(params), 0, 5, [slice(0, 4)], new)
    assert set(asked.values()) == {(11,), (3, 11)}
    names = asked.keys() - {"decay"}
    asked.clear()
    params = np.ones((8, 100_000), np.float32)
    settings.delta(params, params.copy(), settings.init(params), 0, 5, [], new)
    assert BLOCK / 2 < max(map(math.prod, asked.values())) < 1.1 * BLOCK  # all members together
    assert len(asked) == len(names)  # where one thread works


# --- denormal numbers ------------------------------------------------------------------


def limit_of(dtype: str) -> Any:
    """Below this a number times a rounding error is denormal: 9.9e-32, and 1.0e-292."""
    kind = np.finfo(dtype)
    return kind.smallest_normal / kind.eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flush_takes_what_is_near_zero_and_no_bit_of_the_rest(dtype: str) -> None:
    kind, limit = np.finfo(dtype), limit_of(dtype)
    zero, one = kind.dtype.type(0), kind.dtype.type(1)
    gone = [kind.smallest_subnormal, kind.smallest_normal, np.nextafter(limit, zero)]
    stay = [limit, np.nextafter(limit, one), kind.eps, one, kind.max, np.inf, np.nan, zero]
    state = np.array([*gone, *stay], dtype)
    for sign in (1, -1):
        values = np.array([state, state[::-1]]) * kind.dtype.type(sign)
        before = values.copy()
        flush(values)
        went = np.isin(np.abs(before), np.array(gone, dtype))
        assert went.sum() == 2 * len(gone)
        assert (values[went] == 0).all()
        assert values[~went].tobytes() == before[~went].tobytes()


@pytest.mark.parametrize("size", [1, 7, PIECE - 1, PIECE, 2 * PIECE + 3])
def test_flush_reaches_every_piece_of_every_row(size: int) -> None:
    values = np.full((3, size), 1e-39, np.float32)
    values[1] = 1.0
    flush(values, Workspace())
    assert not values[[0, 2]].any()
    assert (values[1] == 1.0).all()
    alone = np.full(size, -1e-39, np.float32)
    flush(alone)
    assert not alone.any()


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_state_is_denormal_after_a_flush(name: str, dtype: str) -> None:
    """A first gradient so small that its square is denormal, or that its mean soon is."""
    optimizer, size = stack([make(name, i) for i in range(3)], trailing=1), 50
    params = np.ones((3, size), dtype)
    state = optimizer.init(params)
    moving = [slot.name for slot in optimizer.slots if slot.per_parameter]
    for values in (state[key] for key in moving):
        values[:, ::2] = np.finfo(dtype).smallest_normal * np.array([[0.3], [40.0], [1e7]])
        values[:, 1] = 1.0
    for step in range(FLUSH_EVERY):
        optimizer.update(params, np.zeros_like(params), state, step, 2 * FLUSH_EVERY)
        if step < FLUSH_EVERY - 1:
            assert all(values[:, ::2].any() for values in (state[key] for key in moving))
    for key in moving:
        found = np.abs(state[key])
        assert not ((found > 0) & (found < limit_of(dtype))).any(), key
        assert (found[:, 1] > 0).all()


# --- settings -----------------------------------------------------------------------


def test_what_weighs_the_past_may_be_zero_and_not_one() -> None:
    assert Momentum(0.1, momentum=0.0).momentum == Adam(0.1, beta1=0.0).beta1 == 0
    with pytest.raises(SettingError, match=r"momentum of Momentum must be .* \[0.0, 1.0\)"):
        Momentum(0.1, momentum=1.0)


BAD: list[tuple[type[Optimizer], str, Any, str]] = [
    (SGD, "lr", 0.0, "lr of SGD must be a number in (0.0, inf); got 0.0; try lr=0.01"),
    (SGD, "lr", -1, "lr of SGD must be a number in (0.0, inf); got -1; try lr=0.01"),
    (SGD, "lr", math.nan, "lr of SGD must be a number in (0.0, inf); got nan; try lr=0.01"),
    (SGD, "lr", "fast", "lr of SGD must be a number in (0.0, inf); got 'fast'; try lr=0.01"),
    (SGD, "lr", True, "lr of SGD must be"),
    (SGD, "clip_norm", 0.0, "clip_norm of SGD must be a number in (0.0, inf]; got 0.0"),
    (
        SGD,
        "clip_norm",
        None,
        "clip_norm of SGD must be a number in (0.0, inf]; got None; try clip_norm=math.inf, for no",
    ),
    (SGD, "clip_value", -1.0, "clip_value of SGD must be a number in (0.0, inf]; got -1.0"),
    (AdamW, "decoupled_weight_decay", -0.1, "decoupled_weight_decay of AdamW must be"),
    (Lion, "schedule", "no such", "schedule of Lion must be one of 'constant', "),
    (Momentum, "momentum", 1.0, "momentum of Momentum must be a number in [0.0, 1.0); got 1.0"),
    (Nesterov, "momentum", -0.1, "momentum of Nesterov must be a number in [0.0, 1.0); got -0.1"),
    (Momentum, "rate_inside", 1, "rate_inside of Momentum must be True or False; got 1"),
    (AdaGrad, "initial", -1.0, "initial of AdaGrad must be a number in [0.0, inf); got -1.0"),
    (AdaGrad, "eps", 0.0, "eps of AdaGrad must be a number in (0.0, inf); got 0.0; try eps=1e-10"),
    (RMSprop, "decay", 1.5, "decay of RMSprop must be a number in [0.0, 1.0); got 1.5"),
    (Adam, "beta1", 1.0, "beta1 of Adam must be a number in [0.0, 1.0); got 1.0; try beta1=0.9"),
    (Adam, "eps", 0, "eps of Adam must be a number in (0.0, inf); got 0; try eps=1e-08"),
    (AMSGrad, "beta2", None, "beta2 of AMSGrad must be a number in [0.0, 1.0); got None"),
    (NAdam, "momentum_decay", -1.0, "momentum_decay of NAdam must be"),
]


@pytest.mark.parametrize(("kind", "field", "value", "text"), BAD)
def test_a_bad_setting_says_what_is_wrong(
    kind: type[Optimizer], field: str, value: Any, text: str
) -> None:
    with pytest.raises(SettingError) as caught:
        kind(**{field: value})
    assert str(caught.value).startswith(text)


def test_a_schedule_without_a_length_says_so() -> None:
    p = np.ones(2)
    with pytest.raises(SettingError, match="steps of OneCycle must be given where the length"):
        SGD(0.1, schedule=OneCycle()).update(p, np.ones(2), {}, 0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_frozen_and_holds_no_arrays(name: str) -> None:
    optimizer = OPTIMIZERS[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.lr = 1.0  # type: ignore[misc]
    values = [getattr(optimizer, field.name) for field in dataclasses.fields(optimizer)]
    assert not any(isinstance(value, (np.ndarray, list, dict)) for value in values)
    assert optimizer == OPTIMIZERS[name]()
    assert hash(optimizer) == hash(OPTIMIZERS[name]())


@every_optimizer
def test_two_networks_may_share_an_optimizer(name: str) -> None:
    shared = make(name, 0)
    pairs = [(start(k, 30 + k), 30 + k) for k in range(2)]
    states = [shared.init(p) for p, _ in pairs]
    for step in range(5):
        for k, (p, size) in enumerate(pairs):
            shared.update(p, gradients(k, size, step), states[k], step, 5, [slice(0, size // 3)])
    for k, (p, size) in enumerate(pairs):
        alone, state = start(k, size), make(name, 0).init(p)
        for step in range(5):
            g = gradients(k, size, step)
            make(name, 0).update(alone, g, state, step, 5, [slice(0, size // 3)])
        assert alone.tobytes() == p.tobytes()


def test_defaults_are_pytorchs() -> None:
    """Those of others are the ones that their docstrings say, as for every public name."""
    rates = {name: kind().lr for name, kind in OPTIMIZERS.items()}
    theirs = {
        "sgd": 0.01,
        "momentum": 0.01,
        "nesterov": 0.01,
        "adagrad": 0.01,
        "rmsprop": 0.01,
        "adam": 0.001,
        "adamw": 0.001,
        "nadam": 0.002,
        "amsgrad": 0.001,
        "lion": 0.0001,
    }
    assert rates.items() >= theirs.items()
    assert AdamW().decoupled_weight_decay == 0.01
    assert Adam().decoupled_weight_decay == 0.0


def test_a_state_that_is_not_like_the_parameters_is_one_number_per_member() -> None:
    state = NAdam().init(np.zeros((4, 9), np.float32))
    assert state["product"].shape == (4, 1)
    assert state["product"].dtype == np.float64
    assert state["m"].shape == (4, 9)
    assert state["m"].dtype == np.float32
    assert NAdam().init(np.zeros(9))["product"].shape == (1,)
