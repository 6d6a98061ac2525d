"""The native engine: it gives what the reference gives, and the same bits however it computes."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from fingerprint import fingerprint
from native_bits import (
    ALL,
    ALL_LIMITS,
    BASE,
    BATCH,
    CASES,
    CLASSES,
    FEATURES,
    MANY,
    STEPS,
    data_for,
    digests,
    train,
)
from processors import LEAST
from trainlab import (
    MLP,
    SGD,
    Adam,
    EarlyStopping,
    Lion,
    Member,
    NAdam,
    Population,
    from_arrays,
)
from trainlab.data.batches import Batches, orders_of
from trainlab.engine import choice, native
from trainlab.engine.base import LaneSpec, Samples, Widths
from trainlab.engine.native import NativeEngine
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError
from trainlab.network.activations import ReLU
from trainlab.optimizers import Optimizer
from trainlab.schedules import Cosine

pytestmark = pytest.mark.skipif(native.MISSING is not None, reason="the engine is not compiled")

DTYPES = ("float32", "float64")

# Twenty steps of some roundings each: of 1e-16 in float64, of 6e-8 in float32.
ROUNDINGS = {"float64": 1e-14, "float32": 5e-6}
# What divides a gradient by its own size makes much of the rounding errors of small ones, the more
# the more steps follow.
AMPLIFIED = 1000
STEPS_OF_FLOATS = 5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("features", [FEATURES, MANY])
@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_reference(case: str, features: int, dtype: str) -> None:
    member = CASES[case]
    data = data_for(member.network, features)
    bound, steps = ROUNDINGS[dtype], STEPS
    if not case.startswith("network"):
        bound, steps = AMPLIFIED * bound, steps if dtype == "float64" else STEPS_OF_FLOATS
    (reference, expected), (population, history) = (
        train([member], data, dtype=dtype, steps=steps, engine=engine)
        for engine in ("numpy", "native")
    )
    assert expected.status == history.status
    for name, series in expected.series.items():
        np.testing.assert_allclose(history[name], series.values, rtol=bound, atol=bound)
    before, after = reference.snapshot(0), population.snapshot(0)
    assert list(before) == list(after)
    for name, values in before.items():
        assert values.dtype == after[name].dtype
        np.testing.assert_allclose(after[name], values, rtol=bound, atol=bound)


def test_a_step_is_the_gradient() -> None:
    """One step of SGD moves by the rate times the gradient, which is that of the reference."""
    for name, member in CASES.items():
        if not name.startswith("network"):
            continue
        one = dataclasses.replace(member, optimizer=SGD(1.0))
        data = data_for(member.network)
        found = []
        for chosen in ("numpy", "native"):
            settings = {"steps": 1, "evaluate": None, "on": (), "dtype": "float64"}
            population, _ = train([one], data, engine=chosen, **settings)
            found.append(population.snapshot(0)["params"])
        np.testing.assert_allclose(*found, rtol=0, atol=1e-14, err_msg=name)


def neighbours(member: Member, kind: str) -> list[Member]:
    """Members of the same structure that differ where they may, two of the same seed."""
    others = []
    for i in range(5):
        optimizer = dataclasses.replace(member.optimizer, lr=member.optimizer.lr * (1 + 0.1 * i))
        if kind == "diverging":
            optimizer = SGD(1e30 if i % 2 else 1e38)
        network = dataclasses.replace(member.network, weight_decay=0.01 * i, dropout=0.1 * i)
        others.append(Member(network, optimizer, (member.seed, 100 + i)[i % 2]))
    return others


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_member_is_the_network_trained_alone(case: str, dtype: str) -> None:
    member = CASES[case]
    data = data_for(member.network)
    alone = fingerprint(*train([member], data, dtype=dtype), 0)
    for kind in ("normal", "diverging"):
        others = neighbours(member, kind)
        for place in (0, 3, 5):
            members = [*others[:place], member, *others[place:]]
            population, history = train(members, data, dtype=dtype)
            assert fingerprint(population, history, place) == alone
    assert "diverged" in {status.kind for status in history.status}


def test_every_instruction_set_gives_the_same_bits() -> None:
    here = digests()
    script = Path(__file__).parents[1] / "support" / "native_bits.py"
    seen = set()
    for isa in ("plain", "avx2", "avx512", "neon"):
        environment = {**os.environ, "TRAINLAB_NATIVE_ISA": isa}
        if isa == "plain":  # then NumPy, BLAS and the C library do with little, too
            environment |= LEAST
        done = subprocess.run(
            [sys.executable, str(script)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if "TRAINLAB_NATIVE_ISA" in done.stderr:  # this processor does not have it
            continue
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["isa"] == isa
        assert found["digests"] == here
        seen.add(isa)
    assert "plain" in seen


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 9, 256, 257, 1437, 65537])
def test_it_draws_the_orders_that_numpy_draws(rows: int) -> None:
    seeds, batches = [0, 7, 2**64 - 1], Batches(rows, 1)
    for epoch in (0, 5):
        for threads in (1, 2, 5):
            drawn = orders_of(batches, seeds, epoch, NativeEngine().permutations, threads)
            assert drawn.tolist() == [batches.order(seed, epoch).tolist() for seed in seeds]
        assert drawn.tolist() == orders_of(batches, seeds, epoch).tolist()


def test_the_orders_of_the_book_are_left_to_numpy() -> None:
    batches = Batches(30, 10, "book")
    drawn = orders_of(batches, [3, 4], 1, NativeEngine().permutations)
    assert drawn.tolist() == [batches.order(seed, 1).tolist() for seed in (3, 4)]


def test_there_is_room_for_every_order() -> None:
    with pytest.raises(ValueError, match="room for permutations does not fit"):
        NativeEngine().permutations(np.zeros(3, np.uint64), 0, np.empty((2, 5), np.int64))
    with pytest.raises(ValueError, match="threads must be positive"):
        NativeEngine().permutations(np.zeros(2, np.uint64), 0, np.empty((2, 5), np.int64), 0)


WORK = [Member(MLP((40, 30)), Adam(0.01), seed // 2) for seed in range(7)]
"""Enough of it for a batch of 64 to be shared by threads."""


def rows_of(features: int, sparse: bool = False, rows: int = 300) -> Any:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, features)).astype(np.float32)
    x[rng.random(x.shape) < 0.8] = 0.0
    t = rng.integers(0, CLASSES, rows)
    return from_arrays(csr_array(x) if sparse else x, t, test=50)


def hashes(members: list[Member], data: Any, **settings: Any) -> list[str]:
    found = train(members, data, **{"batch_size": 64, "steps": 40, "on": ("test",), **settings})
    return [fingerprint(*found, row) for row in range(len(members))]


@pytest.mark.parametrize("seeds", ["few", "many"])
def test_the_number_of_threads_changes_no_bit(seeds: str) -> None:
    members = WORK
    if seeds == "many":
        members = [dataclasses.replace(WORK[0], seed=i // 2) for i in range(40)]
    data = rows_of(MANY)
    one = hashes(members, data, workers=1)
    assert one == hashes(members, data, workers=2)
    assert one == hashes(members, data, workers=5)


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"activation": "elu"}, Adam(0.01)),
        ({"activation": "elu"}, SGD(1e37)),  # it diverges
        ({"norm": "batch", "dropout": 0.3}, Adam(0.01)),
        ({"norm": "batch"}, SGD(1e37)),
        ({"norm": "layer", "dropout": 0.3}, Adam(0.01)),
        ({"norm": "layer", "weight_decay": 0.01}, SGD(0.1, clip_norm=0.5, clip_value=0.05)),
        ({"norm": "batch", "dropout": 0.3, "convention": "book"}, Adam(0.01, clip_norm=0.5)),
    ],
)
@pytest.mark.parametrize(("rows", "dtype"), [(32, "float32"), (64, "float32"), (64, "float64")])
def test_threads_that_share_a_network_change_no_bit(
    settings: dict[str, Any], optimizer: Optimizer, rows: int, dtype: str
) -> None:
    member, data = Member(MLP((250, 200), **settings), optimizer), rows_of(MANY)
    one, *others = (
        hashes([member], data, workers=workers, batch_size=rows, dtype=dtype)
        for workers in (1, 2, 5)
    )
    assert others == [one, one]


def test_where_training_pauses_changes_no_bit() -> None:
    data = rows_of(FEATURES)
    whole, pieces = (
        train(WORK[:2], data, batch_size=64, steps=40, evaluate=each, on=("test",))[0]
        for each in (40, 1)
    )
    for row in range(2):
        for name, values in whole.snapshot(row).items():
            assert values.tobytes() == pieces.snapshot(row)[name].tobytes()


@pytest.mark.parametrize("at_once", [1, 14, 40])
def test_how_many_steps_a_call_does_changes_no_bit(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [Member(BASE, NAdam(0.01 * k, schedule="cosine"), k) for k in range(1, 4)]
    members += [Member(BASE, SGD(rate), 7) for rate in (1e30, 1e38, 0.1)]
    data = data_for(BASE)
    found = []
    for most in (native.AT_ONCE, at_once):
        monkeypatch.setattr(native, "AT_ONCE", most)
        population, history = train(members, data)
        found.append([fingerprint(population, history, row) for row in range(len(members))])
    assert found[0] == found[1]
    assert [status.kind for status in history.status].count("diverged") == 1
    lane, calls = lane_of(members[:3]), list[int]()

    def interrupted() -> bool:
        calls.append(1)
        return len(calls) > 2

    span = lane.train(np.zeros((3, 9, 4), int), 0, 9, interrupted)
    assert span.losses.shape == (3, min(9, 2 * max(1, at_once // 3)))


@pytest.mark.parametrize("features", [FEATURES, MANY])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sparse_inputs_are_the_dense_ones(features: int, dtype: str) -> None:
    dense, sparse = (rows_of(features, sparse) for sparse in (False, True))
    assert hashes(WORK, dense, dtype=dtype) == hashes(WORK, sparse, dtype=dtype)
    x = dense.test.x
    population, _ = train(WORK, dense, dtype=dtype)
    outputs = [population.predict_proba(each, engine="native") for each in (x, csr_array(x))]
    assert outputs[0].tobytes() == outputs[1].tobytes()


@pytest.mark.parametrize("rows", [32, 200])
@pytest.mark.parametrize("units", [9, 20])  # up to 16 lists do not pay, and there are none
def test_lists_of_numbers_give_the_bits_of_the_matrix(units: int, rows: int) -> None:
    """Columns of zeros decide which of the two it is, and are all that differs."""
    less, more = 120, 140  # there are lists from 128 columns on, and more blocks than one of them
    data = rows_of(less)
    widened = [
        np.hstack([split.x, np.zeros((len(split.x), more - less), np.float32)])
        for split in (data.train, data.test)
    ]
    wide = from_arrays(widened[0], data.train.t, test=(widened[1], data.test.t))
    for optimizer in (SGD(0.1), Adam(0.01)):
        network = MLP((units,))
        narrow = Population([Member(network, optimizer, 5)])
        narrow.fit(data, epochs=1, engine="numpy", keep="state")
        state = narrow.states[0]
        first = state.params[: less * units].reshape(less, units)
        weights = np.vstack([first, np.ones((more - less, units))])
        params = np.concatenate([weights.ravel(), state.params[less * units :]]).astype(np.float32)
        start = dataclasses.replace(state, params=params, optimizer={})
        found = []
        for population, own in (
            (narrow, data),
            (Population.restore(narrow, [start], (more, CLASSES)), wide),
        ):
            history = population.fit(
                own, steps=30, batch_size=rows, start="parameters", engine="native"
            )
            found.append((population.states[0].params, history["train_loss"], history["test_loss"]))
        (first, *series), (second, *more_series) = found
        assert [each.tobytes() for each in series] == [each.tobytes() for each in more_series]
        assert first[: less * units].tobytes() == second[: less * units].tobytes()
        assert first[less * units :].tobytes() == second[more * units :].tobytes()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_give_the_same_bits_however_they_are_cut(dtype: str, workers: int) -> None:
    """Dead units are all that differs: then W is in pieces, and dy is turned over instead of it."""
    data = rows_of(FEATURES)
    narrow, wide = ((FEATURES, units, units, CLASSES) for units in (40, 210))
    small = Population([Member(MLP(narrow[1:-1]), SGD(0.1), 5)])
    small.fit(data, epochs=1, engine="numpy", keep="state", dtype=dtype)
    start, arrays = small.states[0], arrays_of(np.zeros(sizes(wide)[-1], dtype), wide)
    for array, own in zip(arrays, arrays_of(start.params, narrow), strict=True):
        part(array, own)[...] = own
    params = np.concatenate([array.ravel() for array in arrays])
    large = Population.restore(
        [Member(MLP(wide[1:-1]), SGD(0.1), 5)],
        [dataclasses.replace(start, params=params)],
        (FEATURES, CLASSES),
    )
    expected, found = (
        population.fit(
            data,
            steps=30,
            batch_size=32,
            start="parameters",
            engine="native",
            workers=workers,
            dtype=dtype,
        )
        for population in (small, large)
    )
    for name in ("train_loss", "test_loss"):
        assert found[name].tobytes() == expected[name].tobytes()
    owns = arrays_of(small.states[0].params, narrow)
    for array, own in zip(arrays_of(large.states[0].params, wide), owns, strict=True):
        assert part(array, own).tobytes() == own.tobytes()


def sizes(widths: tuple[int, ...]) -> Any:
    """Where the weights and biases of a network without norms end."""
    return np.cumsum([n for inputs, units in pairwise(widths) for n in (inputs * units, units)])


def arrays_of(params: Any, widths: tuple[int, ...]) -> list[Any]:
    """These weights and biases."""
    shapes = [shape for pair in pairwise(widths) for shape in (pair, pair[1:])]
    each = np.split(params, sizes(widths)[:-1])
    return [array.reshape(shape) for array, shape in zip(each, shapes, strict=True)]


def part(array: Any, own: Any) -> Any:
    """As much of an array as another has."""
    return array[tuple(slice(n) for n in own.shape)]


@pytest.mark.parametrize(
    ("loss", "weight"), [("softmax_cross_entropy", 40.0), ("sigmoid_cross_entropy", 80.0)]
)
def test_derivatives_whose_products_would_be_denormal_are_zero(loss: str, weight: float) -> None:
    """A network that has learnt its rows would otherwise take five times as long for a step."""
    x, t = np.array([[1.0], [-1.0]]), np.array([0, 1])
    if loss == "softmax_cross_entropy":
        data = from_arrays(x, t)
    else:
        data = from_arrays(x, np.eye(2, dtype=int)[t], task="multilabel")
    sure = np.array([weight, -weight, 0.0, 0.0], np.float32)  # e^-80 = 1.8e-35
    start = [MemberState(sure, np.empty(0, np.float32))]
    population = Population.restore([Member(MLP((), loss=loss), SGD(1e30))], start, (1, 2))
    population.fit(data, steps=1, batch_size=2, start="parameters", engine="native")
    assert population.states[0].params.tobytes() == sure.tobytes()


@pytest.mark.parametrize("lr", [1e3, 1e20, 1e30, 1e38])
def test_a_member_that_diverges_keeps_what_it_had(lr: float) -> None:
    members = [Member(MLP((8, 8), norm=norm), SGD(lr), 3) for norm in (None, "batch")]
    for member in members:
        data = data_for(member.network)
        _, expected = train([member], data, engine="numpy", evaluate=None, on=())
        population, history = train([member, CASES["wide"]], data, evaluate=None, on=())
        assert history.status[0] == expected.status[0]
        assert history.status[1].kind == "finished"
        step = history.status[0].step
        assert np.isfinite(population.snapshot(0)["params"]).all()
        if history.status[0].kind == "finished":
            continue
        assert np.isnan(history["train_loss"][0, step + 1 :]).all()
        if step:
            before, _ = train([member], data, evaluate=None, on=(), steps=step)
            for name, values in before.snapshot(0).items():
                assert values.tobytes() == population.snapshot(0)[name].tobytes()


def lane_of(members: list[Member], rows: int = 90, dtype: str = "float32", threads: int = 1) -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, FEATURES)).astype(dtype)
    engine = NativeEngine()
    data = engine.prepare({"train": Samples(x, rng.integers(0, CLASSES, rows))})
    widths = Widths(FEATURES, CLASSES)
    return engine.open(LaneSpec(members, widths, np.dtype(dtype), data, threads=threads))


class Asked:
    """Whether a training is interrupted: first no, then `answer`, and nobody may ask once more."""

    def __init__(self, answer: Callable[[], bool]) -> None:
        self.times, self._answer = 0, answer

    def __call__(self) -> bool:
        self.times += 1
        assert self.times <= 2
        return self.times == 2 and self._answer()


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("per_seed", [1, 2])
def test_an_interruption_ends_between_two_steps_of_all_members(per_seed: int, threads: int) -> None:
    members = [dataclasses.replace(each, seed=i // per_seed) for i, each in enumerate(WORK)]
    seeds = len({each.seed for each in members})
    drawn = np.random.default_rng(0).integers(0, 90, (seeds, 500, 30))
    whole, cut = (lane_of(members, threads=threads) for _ in range(2))
    assert cut.train(drawn, 0, 500, lambda: True).losses.shape == (7, 0)
    done, repeats, interruptions = 0, 1, 0
    while interruptions < 2:  # it is asked by the clock: however fast the machine is
        batches, asked = np.tile(drawn, (1, repeats, 1)), Asked(lambda: True)
        span = cut.train(batches, done, 10**9, asked)
        steps = span.losses.shape[1]
        assert 0 < steps <= batches.shape[1]
        assert np.isfinite(span.losses).all()
        same = whole.train(batches[:, :steps], done, 10**9, lambda: False)
        assert same.losses.tobytes() == span.losses.tobytes()
        done, interruptions, repeats = done + steps, interruptions + asked.times - 1, 2 * repeats
    for row in range(7):
        states = [lane.state_of(row, 0, True) for lane in (whole, cut)]
        assert states[0].params.tobytes() == states[1].params.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_errors_of_a_callback_come_through(threads: int) -> None:
    def fail() -> bool:
        raise RuntimeError("no")

    members = [dataclasses.replace(each, seed=i) for i, each in enumerate(WORK)]
    lane = lane_of(members, threads=threads)
    with pytest.raises(RuntimeError, match="no"):
        lane.train(np.zeros((7, 1, 5), int), 0, 1, fail)

    def until_it_is_asked_while_it_trains(repeats: int = 1) -> None:
        while True:
            steps = 500 * repeats
            lane.train(np.zeros((7, steps, 30), int), 0, steps, Asked(fail))
            repeats *= 2

    with pytest.raises(RuntimeError, match="no"):
        until_it_is_asked_while_it_trains()


def test_states_go_on_where_they_ended() -> None:
    members = [CASES["optimizer nadam"], CASES["optimizer adagrad"], CASES["optimizer amsgrad"]]
    members = [*members, dataclasses.replace(members[0], seed=9)]
    data = data_for(members[0].network)
    once = Population(members)
    once.fit(data, steps=20, keep="state", engine="native", batch_size=BATCH)
    twice = Population(members)
    for steps, start in ((8, None), (12, "state")):
        twice.fit(data, steps=steps, keep="state", start=start, engine="native", batch_size=BATCH)
    for row in range(len(members)):
        assert once.snapshot(row).keys() == twice.snapshot(row).keys()
        for name, values in once.snapshot(row).items():
            assert values.tobytes() == twice.snapshot(row)[name].tobytes(), name


def test_members_that_leave_change_no_bit_of_those_that_stay() -> None:
    members = [Member(BASE, NAdam(0.01 * (1 + i % 3)), i) for i in range(6)]
    # Once the first has left, the other kind of optimizer is the first.
    members[0], members[5] = (Member(BASE, Lion(0.001), seed) for seed in (0, 5))
    data = data_for(BASE)
    alone = [fingerprint(*train([member], data), 0) for member in members]
    population, history = train(
        members, data, callbacks=[lambda row, updates, _: updates >= 4 * row and row in (0, 2, 3)]
    )
    kinds = [status.kind for status in history.status]
    assert kinds.count("stopped early") == 3
    for row, kind in enumerate(kinds):
        if kind == "finished":
            assert fingerprint(population, history, row) == alone[row]


def test_early_stopping_takes_the_best() -> None:
    data = rows_of(FEATURES)
    settings = {"early_stopping": EarlyStopping("test_loss", patience=2), "epochs": 30}
    population = Population(WORK[:3])
    history = population.fit(data, batch_size=20, engine="native", **settings)
    assert {status.kind for status in history.status} == {"stopped early"}
    series = history["test_loss"]
    least = np.nanmin(series, axis=1)
    last = [values[~np.isnan(values)][-1] for values in series]
    assert (last > least + 1e-3).all()  # or what follows would be true of any parameters
    right = population.predict_proba(data.test.x, engine="native")[:, np.arange(50), data.test.t]
    np.testing.assert_allclose(-np.log(right).mean(axis=1), least, rtol=ROUNDINGS["float32"])


class Own(ReLU):
    """One that the engine cannot know."""


def test_what_it_does_not_know_is_refused() -> None:
    data = rows_of(FEATURES)
    population = Population([Member(MLP((4,), activation=Own()))])
    with pytest.raises(SettingError, match="it does not know Own; got 'native'; try engine='auto'"):
        population.fit(data, epochs=1, engine="native")
    population.fit(data, epochs=1)
    with pytest.raises(SettingError, match="does not know Own"):
        population.predict(data.test.x, engine="native")


def test_what_is_left_to_numpy_is_what_it_does_not_know() -> None:
    assert {name for name, one in ALL.items() if NativeEngine().supports([one])} == {*ALL} - {
        *CASES
    }


def test_predictions_are_those_of_the_reference() -> None:
    data = rows_of(FEATURES, rows=700)
    population, _ = train(WORK, data)
    own, reference = (
        population.predict_proba(data.train.x, engine=engine) for engine in ("native", "numpy")
    )
    np.testing.assert_allclose(own, reference, rtol=0, atol=1e-6)
    assert len(data.train.x) > 512  # several tiles


def test_where_it_is_missing_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "MISSING", "No module named '_native'")
    with pytest.raises(SettingError, match="engine='numpy'"):
        Population([Member()]).fit(rows_of(FEATURES), epochs=1, engine="native")


def test_an_instruction_set_that_is_not_there_is_named() -> None:
    script = "import trainlab.engine as e; e.NativeEngine()"
    environment = {**os.environ, "TRAINLAB_NATIVE_ISA": "nonsense"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith(
        "find the instructions that TRAINLAB_NATIVE_ISA names; got 'nonsense'; "
        "try without this variable"
    )


DOOR: dict[str, tuple[str, tuple[Any, ...]]] = {
    "a row that is not there": ("load", (7, -1, np.zeros(1, np.float32))),
    "an array that does not fit": ("load", (0, -1, np.zeros(3, np.float32))),
    "a slot that is not there": ("read", (0, 2, np.zeros(1, np.float32))),
    "rows that fall": ("keep", (np.array([1, 0]), np.array([1], np.uint64), np.array([0, 0]))),
    "a seed that is not there": ("keep", (np.array([0]), np.array([1], np.uint64), np.array([1]))),
}


@pytest.mark.parametrize("name", DOOR)
def test_the_door_of_the_module_is_closed(name: str) -> None:
    method, arguments = DOOR[name]
    with pytest.raises(ValueError, match=r"\w"):
        getattr(lane_of(WORK)._lane, method)(*arguments)


@pytest.mark.parametrize("rows", [[-1, 0], [0, 90]])
def test_a_batch_of_rows_that_are_not_there_is_refused(rows: list[int]) -> None:
    batches = np.array([[rows]] * 4)
    with pytest.raises(ValueError, match="batches must be rows"):
        lane_of(WORK).train(batches, 0, 1, lambda: False)
    with pytest.raises(ValueError, match="batches must be rows"):
        lane_of(WORK).evaluate("train", batches[:, 0])


def test_limits_reach_every_member_by_itself() -> None:
    """One that clips beside one that does not, with a schedule of its own."""
    first = Member(BASE, Adam(0.01, schedule=Cosine(floor=0.5)), 1)
    second = Member(BASE, Adam(0.02, schedule=Cosine(floor=0.1), **ALL_LIMITS), 1)
    data = data_for(BASE)
    alone = [fingerprint(*train([member], data), 0) for member in (first, second)]
    together = train([first, second], data)
    assert [fingerprint(*together, row) for row in (0, 1)] == alone
    assert math.isinf(first.optimizer.clip_norm)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "leaky_relu", "elu", "gelu"])
def test_what_lies_in_new_memory_changes_no_bit(activation: str, dtype: str) -> None:
    """Rows are padded to whole vectors, and no layer may take the padding from there."""
    batches = np.arange(80).reshape(1, 4, 20)
    for norm in (None, "layer", "batch"):
        network = MLP((7, 5), activation=activation, norm=norm, dropout=0.3)
        found = set()
        for value in (0.0, np.nan):
            for _ in range(20):
                # In this thread, whose allocator hands the same memory out again.
                lane = lane_of([Member(network)], dtype=dtype)
                filled = [np.full(2**power, value, dtype) for power in range(8, 14)]
                filled += [np.full(2**power, value, dtype) for power in range(8, 14)]
                del filled
                span = lane.train(batches, 0, 4, lambda: False)
                assert span.diverged == {}, norm
                found.add(lane.state_of(0, 4, True).params.tobytes())
        assert len(found) == 1


def test_a_thousand_small_networks_open_at_once() -> None:
    members = [Member(MLP((4,)), Adam(0.01), seed) for seed in range(1000)]
    span = lane_of(members, threads=2).train(np.zeros((1000, 2, 5), int), 0, STEPS, lambda: False)
    assert span.losses.shape == (1000, 2)
    assert np.isfinite(span.losses).all()


def test_a_run_goes_on_with_the_engine_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever "auto" takes by then; another one by name is refused."""
    data, settings = rows_of(FEATURES), {"batch_size": 64, "epochs": 3}

    cuts = [True, True]

    def cut(row: int, updates: int, metrics: Any) -> None:
        if updates and cuts and cuts.pop():
            raise ZeroDivisionError

    settings["callbacks"] = [cut]
    for first, then in (("numpy", "native"), ("native", "numpy")):
        store = tmp_path / first
        cuts[:] = [True]
        with pytest.raises(ZeroDivisionError):
            train(WORK, data, engine=first, steps=None, store=store, **settings)
        with pytest.raises(SettingError, match="engine"):
            train(WORK, data, engine=then, steps=None, store=store, **settings)
        usual = train(WORK, data, engine=first, steps=None, **settings)[0]
        monkeypatch.setattr(choice, "AUTO", (then,))
        found = train(WORK, data, engine="auto", steps=None, store=store, **settings)[0]
        for row in range(len(WORK)):
            for name, values in usual.snapshot(row).items():
                assert values.tobytes() == found.snapshot(row)[name].tobytes()
