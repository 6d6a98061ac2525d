"""Training that goes on: from the parameters of the last fit, or as if it had never ended."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import trainlab as tl
from cases import OPTIMIZERS
from trainlab.engine.inputs import WORTH_WHILE
from trainlab.engine.state import MemberState
from trainlab.errors import DataError, NotTrainedError, SettingError

DEEP = tl.MLP(hidden=(12, 9), norm="batch", dropout=0.3)
SETTINGS = {"batch_size": 48, "keep": "state", "evaluate": None}


def bits(population: tl.Population, row: int) -> dict[str, bytes | int]:
    """All numbers of a member, and how many updates it has received."""
    numbers = {name: values.tobytes() for name, values in population.snapshot(row).items()}
    return {**numbers, "updates": population.states[row].updates}


@pytest.fixture(scope="module")
def data() -> tl.Dataset:
    """300 rows with so many columns that are always zero that they are put in another order."""
    digits = tl.load_digits()
    x = digits.train.x[:300].copy()
    x[:, 20:30] = 0
    assert (~x.any(axis=0)).mean() > WORTH_WHILE
    return tl.datasets.from_arrays(x, digits.train.t[:300], name="some")


def members() -> list[tl.Member]:
    """Every optimizer, on a network with draws of its own."""
    return [
        tl.Member(DEEP, optimizer, seed) for optimizer in OPTIMIZERS.values() for seed in (0, 5)
    ]


@pytest.mark.parametrize("first", [{"epochs": 2}, {"steps": 5}, {"steps": 7}])
def test_two_fits_are_one_longer_fit_bit_for_bit(data: tl.Dataset, first: dict[str, int]) -> None:
    """Ends of epochs, the middle of one, and the smaller batch at its end (300 = 6 × 48 + 12)."""
    whole, parts = tl.Population(members()), tl.Population(members())
    expected = whole.fit(data, steps=20, **SETTINGS)
    begun = parts.fit(data, **first, **SETTINGS)
    done = begun["train_loss"].shape[1]
    ended = parts.fit(data, steps=20 - done, start="state", **SETTINGS)
    for row in range(len(whole)):
        assert bits(parts, row) == bits(whole, row), whole[row]
    losses = np.concatenate([begun["train_loss"], ended["train_loss"]], axis=1)
    assert np.array_equal(losses, expected["train_loss"], equal_nan=True)
    assert [str(status) for status in ended.status] == [str(s) for s in expected.status]


def test_members_that_have_come_unequally_far_go_on_together_as_alone(data: tl.Dataset) -> None:
    def stop_one(member: int, updates: int, metrics: object) -> bool:
        return member == 1 and updates >= 7

    both = tl.Population.grid(DEEP, tl.Adam(0.01), seed=range(3))
    history = both.fit(data, epochs=2, batch_size=48, keep="state", callbacks=[stop_one])
    assert [status.step for status in history.status] == [14, 7, 14]
    both.fit(data, steps=9, start="state", **SETTINGS)
    assert [state.updates for state in both.states] == [23, 16, 23]
    for row, steps in enumerate([23, 16, 23]):
        alone = tl.Population([both[row]])
        alone.fit(data, steps=steps, **SETTINGS)
        assert bits(alone, 0) == bits(both, row)


@pytest.mark.parametrize("updates", [2**28 - 4, 2**28, 2**40])
def test_the_draws_of_so_many_steps_are_not_used_again(data: tl.Dataset, updates: int) -> None:
    """The numbers of streams have 28 bits; an engine that counts on would repeat the first ones."""
    trained = tl.Population([tl.Member(DEEP, tl.SGD(0.01), 3)])
    trained.fit(data, steps=1, keep="state", batch_size=300)
    (state,) = trained.states
    far = [dataclasses.replace(state, updates=updates)]
    restored = tl.Population.restore(trained, far, trained.widths)
    told = rf"steps of fit must have at most 268435455 in all; got .*{updates} and 4 more.*; try"
    with pytest.raises(SettingError, match=told):
        restored.fit(data, steps=4, start="state", batch_size=300)
    near = [dataclasses.replace(state, updates=2**28 - 5)]
    restored = tl.Population.restore(trained, near, trained.widths)
    restored.fit(data, steps=4, start="state", keep="state", batch_size=300)
    assert restored.states[0].updates == 2**28 - 1
    restored.fit(data, steps=4, start="parameters", batch_size=300)


def test_from_parameters_the_optimizer_and_the_draws_begin_anew(data: tl.Dataset) -> None:
    population = tl.Population([tl.Member(DEEP, tl.Momentum(0.01), 3)])
    population.fit(data, epochs=1, batch_size=48)
    restored = tl.Population.restore(population, population.states, population.widths)
    population.fit(data, steps=4, start="parameters", **SETTINGS)
    assert population.states[0].updates == 4
    with pytest.raises(NotTrainedError, match=r"state of member 0 .* keep='state' there"):
        restored.fit(data, start="state")
    restored.fit(data, steps=4, start="parameters", **SETTINGS)
    assert bits(restored, 0) == bits(population, 0)


def test_what_does_not_fit_the_last_fit_is_refused(data: tl.Dataset) -> None:
    population = tl.Population.grid(tl.MLP(hidden=(5,)))
    with pytest.raises(NotTrainedError):
        population.fit(data, start="parameters")
    population.fit(data, epochs=1)
    before = bits(population, 0)
    narrow = tl.datasets.from_arrays(data.train.x[:, :9], data.train.t)
    with pytest.raises(SettingError, match="start of fit must be one of 'parameters', 'st"):
        population.fit(data, start="weights")
    with pytest.raises(DataError, match=r"64 features and 10 outputs.*got \(9, 10\)"):
        population.fit(narrow, start="parameters")
    with pytest.raises(SettingError, match=r"dtype of fit must be 'float32'.*try dtype='float32'"):
        population.fit(data, start="parameters", dtype="float64")
    assert bits(population, 0) == before


def test_numbers_of_other_shapes_are_refused(data: tl.Dataset) -> None:
    population = tl.Population.grid(tl.MLP(hidden=(5,)), tl.Adam())
    population.fit(data, epochs=1, keep="state")
    (own,) = population.states
    for states, words in [
        ([], "be 1, one for each member; got 0"),
        ([MemberState(own.params[1:], own.buffers)], "member 0 must be"),
        ([MemberState(own.params, own.buffers, {"m": own.params})], "member 0"),
        ([MemberState(own.params.astype(np.float16), own.buffers)], "dtype"),
    ]:
        with pytest.raises(SettingError, match=words):
            tl.Population.restore(population, states, population.widths)


class TestStoppingByTheLossOfTraining:
    """EarlyStopping("train_loss") needs no split."""

    def test_it_stops_when_epochs_do_not_bring_less_loss(self, data: tl.Dataset) -> None:
        seen = []

        def listen(member: int, updates: int, metrics: dict[str, float]) -> None:
            seen.append((updates, metrics))

        rule = tl.EarlyStopping("train_loss", patience=2, min_delta=0.05)
        population = tl.Population.grid(tl.MLP(hidden=(20,)), tl.Adam(0.01))
        history = population.fit(
            data, epochs=60, batch_size=48, on=(), early_stopping=rule, callbacks=[listen]
        )
        (status,) = history.status
        losses = history["train_loss"][0, : status.step].reshape(-1, 7).astype(float)
        means = np.average(losses, axis=1, weights=[48] * 6 + [12])
        best, waited, epochs = np.inf, 0, 0
        while waited < 2:
            waited = 0 if means[epochs] < best - 0.05 else waited + 1
            best = means[epochs] if waited == 0 else best
            epochs += 1
        assert status.kind == "stopped early"
        assert status.step == 7 * epochs == len(means) * 7
        assert status.best_step == 7 * (epochs - 2)
        assert seen[0] == (0, {})
        told = [metrics["train_loss"] for _, metrics in seen[1:]]
        assert np.allclose(told, means, rtol=1e-12)
        assert list(history.series) == ["train_loss"]

    def test_without_evaluations_there_is_nothing_to_look_at(self, data: tl.Dataset) -> None:
        rule = tl.EarlyStopping("train_loss")
        with pytest.raises(SettingError, match="metric of EarlyStopping must be evaluated"):
            tl.Population.grid().fit(data, evaluate=None, early_stopping=rule)
