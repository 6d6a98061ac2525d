"""Settings that change while members train, and clones of members in training."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import trainlab as tl
from engines import every_engine
from mixed import BATCH, mixed, overlapping
from trainlab.engine.base import LaneSpec
from trainlab.engine.numpy import NumPyEngine, NumPyLane
from trainlab.engine.state import MemberState
from trainlab.training import pace
from trainlab.training.checkpoints import StoredRun

PATIENCE = 30.0  # seconds, after which what should happen has not
GIVEN: dict[str, Any] = {"batch_size": BATCH, "evaluate": None, "keep": "state"}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def digest(state: MemberState) -> str:
    """SHA-256 of all that a member has learnt, its optimizer's arrays included."""
    digest = hashlib.sha256(f"{state.updates}".encode())
    for name, values in sorted(state.arrays().items()):
        digest.update(name.encode() + values.tobytes())
    return digest.hexdigest()


def digests(population: tl.Population) -> list[str]:
    return [digest(state) for state in population.states]


def small(count: int = 3, **fields: Any) -> tl.Population:
    network = tl.MLP(hidden=(5,), norm="batch")
    return tl.Population.grid(network, tl.Adam(0.01), seed=range(count), **fields)


CHANGES = [
    tl.Change(0, {"l1": 0.001}, [0, 1, 2]),
    tl.Change(4, {"dropout": 0.4}, range(0, 30, 2)),
    tl.Change(4, {"lr": 0.003}),
    tl.Change(9, {"weight_decay": 0.02, "decoupled_weight_decay": 0.01}, range(10, 40)),
    tl.Change(9, {"lr": 0.2}, [1, 11]),
    tl.Change(12, {"dropout": 0.0}, [0, 2, 5]),
]


@every_engine
def test_a_member_that_is_changed_is_the_network_that_is_changed_alone(engine: str) -> None:
    """Whatever it is, whoever trains beside it, and in whatever order changes are given."""
    population = mixed()
    settings = {**GIVEN, "steps": 17, "engine": engine}
    history = population.fit(overlapping(), changes=CHANGES[::-1], **settings)
    found = digests(population)
    for row in (0, 1, 2, 5, 10, 11, 20, 31):
        own = [tl.Change(one.step, one.fields) for one in CHANGES if one.has(row)]
        alone = tl.Population([population[row]])
        losses = alone.fit(overlapping(), changes=own, **settings)["train_loss"]
        assert digests(alone) == [found[row]]
        assert losses.tobytes() == history["train_loss"][row].tobytes()
    plain = mixed()
    plain.fit(overlapping(), **settings)
    assert sum(a != b for a, b in zip(found, digests(plain), strict=True)) > 40


@every_engine
def test_a_change_is_a_fit_that_ends_and_another_that_goes_on(engine: str) -> None:
    member = tl.Member(tl.MLP(hidden=(6,), dropout=0.1), tl.Momentum(0.05), 3)
    settings = {**GIVEN, "engine": engine}
    whole = tl.Population([member])
    whole.fit(overlapping(), steps=13, changes=[tl.Change(7, {"dropout": 0.5})], **settings)
    first = tl.Population([member])
    first.fit(overlapping(), steps=7, **settings)
    rest = tl.Population.restore([member.replace(dropout=0.5)], first.states, first.widths)
    rest.fit(overlapping(), steps=6, start="state", **settings)
    assert digests(rest) == digests(whole)


@every_engine
def test_changes_of_a_training_that_runs_can_be_made_again(engine: str) -> None:
    population = small(4, dropout=[0.0, 0.2])
    settings = {**GIVEN, "engine": engine}
    running = population.start(overlapping(), steps=10**6, **settings)
    until(lambda: min(status.step for status in running.history.status) > 20)
    made = [*running.change(lr=0.002), *running.change([1, 6], dropout=0.5)]
    running.pause()
    paused = running.change(weight_decay=0.01, members=[7])
    assert running.history.changes == (*made, *paused)
    assert "changes)" in repr(running.history)
    running.resume()
    shown = running.history.status
    until(lambda: all(b.step > a.step for a, b in zip(shown, running.history.status, strict=True)))
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        history = running.wait()
    assert history.changes == (*made, *paused)
    assert min(one.step for one in made) > 20
    assert [one.members for one in paused] == [(7,)]
    assert {row for one in made[:-1] for row in one.members or ()} == set(range(8))
    assert population[0].optimizer.lr == 0.01  # the settings that it was made with
    for row, status in enumerate(history.status):
        own = [tl.Change(one.step, one.fields) for one in history.changes if one.has(row)]
        alone, plain = tl.Population([population[row]]), tl.Population([population[row]])
        again = alone.fit(overlapping(), steps=status.step, changes=own, **settings)
        assert digests(alone) == [digest(population.states[row])]
        losses = history["train_loss"][row, : status.step]
        assert again["train_loss"][0].tobytes() == losses.tobytes()
        plain.fit(overlapping(), steps=status.step, **settings)
        assert digests(plain) != digests(alone)


@every_engine
def test_a_clone_goes_on_from_the_same_bits(engine: str) -> None:
    population = small()
    settings = {**GIVEN, "engine": engine}
    running = population.start(overlapping(), steps=20_000, **settings)
    until(lambda: min(status.step for status in running.history.status) > 5)
    running.change(l1=0.001, members=[2])
    clones, other = running.clone(), running.clone([2, 1], lr=0.5)
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        history = running.wait()
    assert [one.optimizer.lr for one in other] == [0.5, 0.5]
    assert [one.seed for one in other] == [1, 2]
    assert [one.network.l1 for one in clones] == [0.0, 0.0, 0.001]
    steps = [state.updates for state in clones.states]
    assert min(steps) > 5
    assert clones.predict(overlapping().train.x).shape[0] == 3
    for row, status in enumerate(history.status):
        one = tl.Population.restore([clones[row]], [clones.states[row]], clones.widths)
        one.fit(overlapping(), steps=status.step - steps[row] + 3, start="state", **settings)
        whole = tl.Population([population[row]])
        own = [change for change in history.changes if change.has(row)]
        changes = [tl.Change(change.step, change.fields) for change in own]
        whole.fit(overlapping(), steps=status.step + 3, changes=changes, **settings)
        assert digests(one) == digests(whole)
    other.fit(overlapping(), steps=4, start="state", **settings)
    whole = small()
    at = other.states[0].updates - 4
    change = [*history.changes, tl.Change(at, {"lr": 0.5}, [1, 2])]
    whole.fit(overlapping(), steps=at + 4, changes=change, **settings)
    assert digests(whole)[1:] == digests(other)


def test_a_clone_of_a_network_is_one() -> None:
    network = tl.Network(tl.MLP(hidden=(4,)), seed=5)
    running = network.start(overlapping(), steps=100_000, evaluate=None)
    clone = running.clone(lr=0.3)
    assert isinstance(clone, tl.Network)
    assert clone.member == network.member.replace(lr=0.3)
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()


def test_members_that_have_not_begun_take_a_change_at_once() -> None:
    """One job after the other: the second waits for the first, which is paused."""
    both = tl.Population([tl.Member(tl.MLP(hidden=(size,)), seed=size) for size in (3, 4)])
    settings = {**GIVEN, "steps": 500, "engine": "numpy", "workers": 1}
    planned = tl.Change(400, {"l1": 0.01})
    running = both.start(overlapping(), changes=[planned], **settings)
    running.pause()
    later = running.change(lr=0.2)
    assert {row for one in later for row in one.members or ()} == {0, 1}
    assert 0 in {one.step for one in later}
    clone = running.clone([0, 1])
    assert [one.optimizer.lr for one in clone] == [0.2, 0.2]
    assert [one.network.l1 for one in clone] == [0.0, 0.0]  # not yet
    running.resume()
    history = running.wait()
    assert history.changes == (planned, *later)
    again = tl.Population(both)
    again.fit(overlapping(), changes=history.changes, **settings)
    assert digests(again) == digests(both)


@every_engine
def test_changes_are_kept_in_a_store(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the last checkpoint is older than the change."""
    monkeypatch.setattr(pace, "FIRST", 1e9)  # no checkpoints but that of the interruption
    settings = {**GIVEN, "steps": 3_000, "engine": engine, "workers": 1}
    running = small().start(overlapping(), **settings, store=tmp_path)
    running.pause()
    made = running.change([0, 2], lr=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(StoredRun, "checkpoint", lambda *_: None)  # as after a kill
        running.stop()
        with pytest.warns(UserWarning, match="interrupted"):
            running.wait()
    running = small().start(overlapping(), **settings, store=tmp_path)
    running.pause()
    made += running.change(1, l1=0.01)
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    whole, stored = small(), small()
    history = stored.fit(overlapping(), **settings, store=tmp_path)
    assert history.changes == made
    assert stored.fit(overlapping(), **settings, store=tmp_path).changes == made  # all from there
    whole.fit(overlapping(), changes=made, **settings)
    assert digests(stored) == digests(whole)
    with pytest.raises(tl.SettingError, match="changes"):  # another training
        stored.fit(overlapping(), changes=made, **settings, store=tmp_path)


class ReversedLane:
    """A lane whose rows have another order than its members, as an engine may have it."""

    def __init__(self, spec: LaneSpec) -> None:
        states = None if spec.states is None else spec.states[::-1]
        given = dataclasses.replace(spec, members=spec.members[::-1], states=states)
        self._last, self._lane = len(spec.members) - 1, NumPyLane(given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lane, name)

    @property
    def places(self) -> list[int]:
        return [self._last - place for place in self._lane.places]


class ReversingEngine(NumPyEngine):
    def open(self, spec: LaneSpec) -> Any:
        return ReversedLane(spec)


def test_rows_may_have_another_order_after_a_change() -> None:
    given = {"batch_size": BATCH, "epochs": 6, "keep": "state", "workers": 1}
    given |= {"early_stopping": tl.EarlyStopping("train_loss", patience=1)}
    given |= {"changes": [tl.Change(5, {"lr": 2.0}, [1]), tl.Change(7, {"lr": 0.3}, [0, 1])]}
    usual, other = small(), small()
    history = usual.fit(overlapping(), engine="numpy", **given)
    same = other.fit(overlapping(), engine=ReversingEngine(), **given)
    assert len({status.step for status in history.status}) > 1
    assert same.status == history.status
    assert digests(other) == digests(usual)
    for name in history.series:
        assert same[name].tobytes() == history[name].tobytes()


def test_what_came_after_changes_that_are_damaged_is_trained_again(tmp_path: Path) -> None:
    settings = {**GIVEN, "steps": 400, "workers": 1}
    running = small().start(overlapping(), **settings, store=tmp_path)
    running.pause()
    running.change(lr=0.1)
    running.resume()
    running.wait()
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        done = connection.execute("UPDATE parts SET content = x'00' WHERE kind = 'changes'")
        assert done.rowcount == 1
    connection.close()
    stored, plain = small(), small()
    assert not stored.fit(overlapping(), **settings, store=tmp_path).changes
    plain.fit(overlapping(), **settings)
    assert digests(stored) == digests(plain)


def test_planned_changes_are_made_by_workers_elsewhere() -> None:
    given = {**GIVEN, "steps": 9, "changes": [tl.Change(5, {"lr": 0.3, "dropout": 0.3}, [1])]}
    here, there = small(), small()
    here.fit(overlapping(), **given)
    history = there.fit(overlapping(), **given, backend="loky", workers=2)
    assert history.changes == tuple(given["changes"])
    assert digests(here) == digests(there)


def test_what_cannot_be_changed() -> None:
    running = small().start(overlapping(), steps=10**6, evaluate=None)
    for act, what in [
        (lambda: running.change(), "fields of Running.change must be at least one of lr, dropout"),
        (lambda: running.change(weight_deacy=0.1), "field of Running.change .* try weight_decay"),
        (lambda: running.clone(droput=0.1), "field of Running.clone .* try dropout"),
        (lambda: running.change(seed=3), "field of Running.change must be one of lr"),
        (lambda: running.change(lr=-1.0), "lr of Adam must be a number"),
        (lambda: running.change(lr=None), "lr of Running.change must be a number"),
        (lambda: running.change(lr=math.nan), "must be a number; got nan; try lr=0.01"),
        (lambda: running.clone(dropout=1.0), "dropout of MLP must be"),
        (lambda: running.change(3, lr=0.1), r"members of Running.change .* in \[0, 2\]"),
        (lambda: running.change([0, -1], lr=0.1), "members of Running.change"),
        (lambda: running.clone([]), "members of Running.clone"),
        (lambda: running.clone("all"), "members of Running.clone"),
    ]:
        with pytest.raises(tl.SettingError, match=what):
            act()
    assert not running.history.changes
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
    for end in (lambda: running.change(lr=0.1), lambda: running.clone(0)):
        with pytest.raises(tl.SettingError, match=r"must still train; got \[0"):
            end()


def test_a_member_that_has_ended_takes_no_change() -> None:
    wild = tl.Member(tl.MLP(hidden=(4,)), tl.SGD(1e38))
    both = tl.Population([wild, tl.Member(tl.MLP(hidden=(4,)), tl.SGD(0.1))])
    running = both.start(overlapping(), steps=10**6, evaluate=None, engine="numpy")
    until(lambda: running.history.status[0].kind == "diverged")
    with pytest.raises(tl.SettingError, match=r"must still train; got \[0\]"):
        running.change([0, 1], lr=0.1)
    (change,) = running.change(lr=0.2)
    assert change.members == (1,)
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()


def test_workers_elsewhere_cannot_be_asked() -> None:
    running = small().start(overlapping(), steps=5, backend="loky", workers=1)
    with pytest.raises(tl.SettingError, match=r"must train in this process; .* try backend='threa"):
        running.change(lr=0.1)
    running.wait()


def test_a_callback_cannot_change_its_own_training() -> None:
    box: list[tl.Running[tl.Population]] = []

    def changing(row: int, updates: int, metrics: Any) -> None:
        until(lambda: bool(box))
        box[0].change(lr=0.1)

    box.append(tl.Population.grid().start(overlapping(), steps=3, callbacks=[changing]))
    with pytest.raises(RuntimeError, match="change of Running must not be called by a callback"):
        box[0].wait()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ([tl.Change(5, {"lr": 0.1})], "changes of fit must come before the last of 5 steps"),
        ([tl.Change(0, {"lr": 0.1}, [3])], r"members of Change must be places .* \[0, 2\]"),
        ([tl.Change(0, {"dropout": 1.5})], "dropout of MLP must be"),
        ([{"step": 3}], "changes of fit must be a list of Change"),
        (5, "changes of fit must be a list of Change"),
    ],
)
def test_changes_that_no_fit_can_make(changes: Any, what: str) -> None:
    with pytest.raises(tl.SettingError, match=what):
        small().fit(overlapping(), steps=5, changes=changes)


def test_what_is_no_change() -> None:
    for given, what in [
        ((-1, {"lr": 0.1}), "step of Change"),
        ((1.5, {"lr": 0.1}), "step of Change"),
        ((1, {}), "fields of Change must be at least one of"),
        ((1, {"drop_out": 0.1}), "field of Change .* try dropout"),
        ((1, {"lr": "0.1"}), "lr of Change must be a number"),
        ((1, 0.1), "fields of Change must be a dict"),
        ((1, {"lr": 0.1}, []), "members of Change"),
        ((1, {"lr": 0.1}, [-1]), "members of Change"),
    ]:
        with pytest.raises(tl.SettingError, match=what):
            tl.Change(*given)
    assert tl.Change(3, {"lr": 1}, range(2)) == tl.Change(3, {"lr": 1.0}, [1, 0, 0])
    assert str(tl.Change(3, {"lr": 0.1, "l1": 0}, [4])) == "step 3: lr 0.1, l1 0 (1 member)"
    assert str(tl.Change(3, {"lr": 0.1})) == "step 3: lr 0.1 (all members)"


def test_the_log_and_a_notebook_tell_of_changes(caplog: pytest.LogCaptureFixture) -> None:
    running = small().start(overlapping(), steps=10**6, evaluate=None)
    with caplog.at_level("INFO", logger="trainlab"):
        (change,) = running.change(lr=0.1)
        until(lambda: min(status.step for status in running.history.status) > change.step)
    assert caplog.text.count(f"step {change.step}: lr 0.1 (3 members)") == 1
    assert f"Changed: {change}." in running._repr_html_()
    running.stop()
    with pytest.warns(UserWarning, match="interrupted"):
        running.wait()
