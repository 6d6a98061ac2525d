"""Members that are changed, cloned and taken back while they train have the bits of solo fits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from engines import every_engine
from mixed import BATCH, mixed, overlapping
from trainlab.data.batches import Batches
from trainlab.engine import engine_for
from trainlab.engine.state import MemberState
from trainlab.live.lanes import Lanes, LaneSetting
from trainlab.members import Member
from trainlab.population.validation import check_data


def opened(engine: str, members: dict[Any, Member], **given: Any) -> Lanes:
    data, found = overlapping(), list(members.values())
    splits, widths = check_data(data, found, "float32")
    own = engine_for(engine, found, "a test")
    batches = Batches(len(data.train), BATCH)
    setting = LaneSetting(own, own.prepare(splits), widths, np.dtype("float32"), batches)
    return Lanes(setting, members, **given)


def lasting() -> dict[Any, Member]:
    """Those of `mixed` whose schedules do not depend on the length of a training."""
    members = [one for one in mixed() if "Cosine" not in repr(one.optimizer.schedule)]
    assert len(members) > 40
    return dict(enumerate(members))


def alone(engine: str, parts: list[tuple[Member, int]]) -> tuple[MemberState, str]:
    """What one network learns in fits that go on from each other, each with its own settings."""
    data, population = overlapping(), tl.Population([parts[0][0]])
    for number, (member, steps) in enumerate(parts):
        if number:
            before = population.states
            population = tl.Population.restore([member], before, population.widths)
        history = population.fit(
            data,
            steps=steps,
            batch_size=BATCH,
            evaluate=None,
            keep="state",
            engine=engine,
            start="state" if number else None,
        )
        if history.status[0].kind == "diverged":
            break
    return population.states[0], history.status[0].kind


def same(one: MemberState, other: MemberState, with_optimizer: bool = True) -> bool:
    pairs = [(one.params, other.params), (one.buffers, other.buffers)]
    if with_optimizer:
        assert one.optimizer.keys() == other.optimizer.keys()
        pairs += [(one.optimizer[name], other.optimizer[name]) for name in one.optimizer]
    equal = all(a.tobytes() == b.tobytes() for a, b in pairs)
    return equal and one.updates == other.updates


@every_engine
@pytest.mark.parametrize("spans", [(17,), (1, 2, 6, 1, 7), (5,) * 3 + (2,)])
def test_spans_have_the_bits_of_fits(engine: str, spans: tuple[int, ...]) -> None:
    members = lasting()
    lanes = opened(engine, members)
    losses = [lanes.train(steps).losses for steps in spans]
    assert lanes.step == sum(spans) == 17
    trained = lanes.states()
    population = tl.Population(members.values())
    history = population.fit(
        overlapping(), steps=17, batch_size=BATCH, keep="state", evaluate=None, engine=engine
    )
    kinds = {status.kind for status in history.status}
    assert kinds == {"finished", "diverged"}
    for key, status in enumerate(history.status):
        is_whole = status.kind == "finished"
        assert (key in trained) == is_whole
        state = trained[key] if is_whole else lanes.diverged[key]
        assert same(state, population.states[key], is_whole)
        own = np.concatenate([part[key] for part in losses if key in part])
        np.testing.assert_array_equal(own, history.series["train_loss"].values[key][: len(own)])


CHANGES: list[dict[str, Any]] = [
    {"lr": 0.003},
    {"dropout": 0.4},
    {"weight_decay": 0.02, "l1": 0.001},
    {"decoupled_weight_decay": 0.3, "clip_norm": 0.7},
]


@every_engine
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_member_that_is_changed_is_the_one_that_was_changed_alone(
    engine: str, change: dict[str, Any]
) -> None:
    members = {key: one for key, one in lasting().items() if one.optimizer.lr < 1e37}
    lanes = opened(engine, members)
    lanes.train(7)
    changed = [key for key in members if key % 3 == 0]
    after = {key: one.replace(**change) if key in changed else one for key, one in members.items()}
    lanes.change({key: after[key] for key in changed})
    lanes.train(6)
    trained = lanes.states()
    for key in [*changed[:8], 1, 2]:
        state, _ = alone(engine, [(members[key], 7), (after[key], 6)])
        assert same(trained[key], state), key
    plain, _ = alone(engine, [(members[changed[0]], 13)])
    assert not same(trained[changed[0]], plain)


@every_engine
def test_clones_and_what_is_taken_back(engine: str) -> None:
    """Two that go on from the same bits, and one that trains from a copy once more."""
    first = Member(tl.MLP(hidden=(6,), norm="batch", dropout=0.3), tl.Adam(0.02), 3)
    other = Member(tl.MLP(hidden=(5, 4), activation="tanh"), tl.NAdam(0.01), 4)
    lanes = opened(engine, {"a": first, "b": other})
    lanes.train(8)
    copy = lanes.states()
    clone = first.replace(lr=0.3)
    both = Lanes(
        lanes.setting, {"a": first, "b": other, "c": clone}, {**copy, "c": copy["a"]}, lanes.step
    )
    lanes.train(9)  # what is taken back
    both.train(4)
    found = both.states()
    for key, parts in {
        "a": [(first, 12)],
        "b": [(other, 12)],
        "c": [(first, 8), (clone, 4)],
    }.items():
        state, _ = alone(engine, parts)
        assert same(found[key], state), key
    back = Lanes(lanes.setting, {"a": first, "b": other}, copy, 8)
    back.train(4)
    assert all(same(back.states()[key], found[key]) for key in "ab")


@every_engine
def test_rows_that_leave_in_the_middle_of_an_epoch(engine: str) -> None:
    """Fewer seeds than the orders were drawn for, in every lane that loses some."""
    member = Member(tl.MLP(hidden=(6,)), tl.SGD(0.1))
    members = {seed: dataclasses.replace(member, seed=seed) for seed in range(5)}
    wild = {seed: members[seed].replace(lr=1e38) for seed in (0, 3)}
    lanes = opened(engine, {**members, **wild})
    growth = lanes.train(11)
    assert set(growth.diverged) == {0, 3} == set(lanes.diverged)
    assert all(np.isnan(growth.losses[key][growth.diverged[key] :]).all() for key in (0, 3))
    assert lanes.keys == [1, 2, 4]
    for key in (1, 4):
        state, _ = alone(engine, [(members[key], 11)])
        assert same(lanes.states()[key], state)
