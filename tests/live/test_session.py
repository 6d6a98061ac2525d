"""Sessions: what is done to them, the log that leads to the same bits, scripts, files, stores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from engines import every_engine
from live_runs import arms, play, small
from trainlab.live import session as sessions
from trainlab.live.interventions import Intervention
from trainlab.live.kept import keep, log_of, read_log, replayed, resumed
from trainlab.live.script import script_of
from trainlab.live.session import LiveSession
from trainlab.live.setup import LiveSetup
from trainlab.members import Member
from trainlab.store import Store


def solo(engine: str, member: Member, seed: int, steps: int) -> Any:
    data = tl.load_planar("moons", 53, 20, noise=0.1, seed=3)
    population = tl.Population([member.replace(seed=seed)])
    population.fit(data, steps=steps, batch_size=10, evaluate=None, keep="state", engine=engine)
    return population.states[0]


@every_engine
def test_members_have_the_bits_of_networks_trained_alone(engine: str) -> None:
    session = small(engine)
    while session.step < 47:
        session.advance(47 - session.step)
    states = session.states()
    assert len(states) == 12
    for (arm, seed), state in states.items():
        alone = solo(engine, arms()[arm], seed, 47)
        assert alone.updates == state.updates
        assert (state.updates < 9) if arm == "wild" else (state.updates == 47)
        assert alone.params.tobytes() == state.params.tobytes()
        assert alone.buffers.tobytes() == state.buffers.tobytes()
    assert {one.kind for one in session.ended.values()} == {"diverged"}
    assert session.running == ["SGD", "Adam", "NAdam, clipped"]


@every_engine
def test_a_log_leads_to_the_same_bits(engine: str, rng: np.random.Generator) -> None:
    undone = 0
    for _ in range(6):
        session = small(engine)
        undone += play(session, rng)
        again = LiveSession(session.setup)
        again.replay(session.log, session.step)
        assert again.digest() == session.digest()
        assert again.running == session.running
        assert again.states().keys() == session.states().keys()
    assert undone


def test_what_is_undone_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for points in (16, 1):  # from a place that is kept, and from the first one, trained again
        monkeypatch.setattr(sessions, "POINTS", points)
        session, plain = small(), small()
        for own in (session, plain):
            own.advance_to(13)
            own.change("SGD", {"lr": 0.3})
            own.advance_to(17)
        before = plain.digest()
        clone = session.clone("Adam", {"lr": 0.5, "dropout": 0.0})
        session.advance_to(60)
        session.stop("SGD")
        session.mark()
        assert session.digest() != before
        session.undo(1)
        assert (session.step, session.digest()) == (17, before)
        assert clone not in session.arms
        assert session.ended.keys() == plain.ended.keys()  # nobody counts as stopped
        assert [entry.action for entry in session.log] == ["change"]
        assert [entry.action for entry in session.undone] == ["clone", "stop", "mark"]
        assert session.curves.steps == [0]
        for own in (session, plain):
            own.advance_to(45)
        assert session.digest() == plain.digest()
        assert session.curves.steps == [0, 20, 40]
        for arm in plain.arms:
            ours, theirs = session.curves.values(arm), plain.curves.values(arm)
            np.testing.assert_array_equal(ours, theirs)


def test_a_clone_goes_on_from_the_same_bits() -> None:
    session = small()
    session.advance_to(11)
    same = session.clone("Adam", {})
    other = session.clone("Adam", {"lr": 0.2}, "faster")
    assert other == "faster"
    states = session.states()
    assert states[same, 1].params.tobytes() == states["Adam", 1].params.tobytes()
    curves = session.curves
    np.testing.assert_array_equal(curves.values("faster"), curves.values("Adam"))
    session.advance_to(30)
    states = session.states()
    assert states[same, 1].params.tobytes() == states["Adam", 1].params.tobytes()
    assert states["faster", 1].params.tobytes() != states["Adam", 1].params.tobytes()


def test_a_stopped_arm_keeps_what_it_had() -> None:
    session = small()
    session.advance_to(9)
    before = session.states()["SGD", 2]
    session.stop("SGD")
    session.advance_to(40)
    after = session.states()["SGD", 2]
    assert after.updates == 9
    assert after.params.tobytes() == before.params.tobytes()
    assert np.isnan(session.curves.values("SGD")[:, :, 1:]).all()
    assert not np.isnan(session.curves.values("Adam")).any()


def test_it_ends_where_nobody_is_left() -> None:
    session = small()
    session.advance_to(9)
    for arm in list(session.running):
        session.stop(arm)
    assert session.running == []
    assert session.advance(10) == 0
    digest = session.digest()
    session.advance_to(100)
    assert (session.step, session.digest()) == (100, digest)
    session.undo(2)
    assert (session.step, len(session.running)) == (9, 1)


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda s: s.change("SDG", {"lr": 0.1}), "arm of a change must be one that trains"),
        (lambda s: s.change("wild", {"lr": 0.1}), "arm of a change must be one that trains"),
        (lambda s: s.change("SGD", {}), "fields of a change must be what changes"),
        (
            lambda s: s.change("SGD", {"momentum": 0.9}),
            "field of a change must be one of lr, dropout",
        ),
        (lambda s: s.change("SGD", {"lr": -1}), "lr of SGD must be a number"),
        (lambda s: s.change("SGD", {"lr": "0.1"}), "lr of a change must be a number"),
        (lambda s: s.change(["SGD"], {"lr": 0.1}), "arm of a change must be a name"),
        (lambda s: s.change("SGD", 5), "fields of a change must be a dict"),
        (lambda s: s.clone("SGD", {}, "Adam"), "name of a clone must be new"),
        (lambda s: s.clone("SGD", {}, "a\nb"), "name of a clone must be a name"),
        (lambda s: s.undo(0), "undo of a live session must be a place in the log, which is empty;"),
        (lambda s: [s.mark(), s.undo(1)], r"undo of a live .* in the log, in \[0, 0\]; got 1"),
        (lambda s: s.undo(True), "undo of a live session"),
        (lambda s: s.do(Intervention(3, "mark")), "step of an intervention must be that"),
        (lambda s: s.do(Intervention(5, "jump")), "action of a live session must be one of"),
        (lambda s: LiveSession(s.setup).stop("SGD"), "stop of a live session must come after"),
        (lambda s: [s.clone("SGD", {}) for _ in range(9)], "a clone of a live session must be"),
    ],
)
def test_what_cannot_be_done(act: Any, what: str) -> None:
    session = small()
    session.advance_to(5)
    digest = session.digest()
    with pytest.raises(tl.SettingError, match=what):
        act(session)
    states = {key: one for key, one in session.states().items() if key[0] in arms()}
    assert sessions.digest_of(states) == digest


DATA = tl.load_planar("moons", 53, 20)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"arms": {}}, "arms of a live session must be 1 to 8; got 0"),
        ({"arms": [Member()]}, "arms of a live session must be 1 to 8"),
        ({"arms": {"a": tl.SGD()}}, "arm 'a' of a live session must be a Member"),
        ({"arms": {" a": Member()}}, "name of an arm must be a name"),
        ({"arms": {"a": Member().replace(schedule="cosine")}}, "schedule of arm 'a' must not"),
        ({"arms": {"a": Member(tl.MLP(loss="huber"))}}, "loss of member 0 must fit"),
        ({"seeds": []}, "seeds of a live session must be 1 to 100"),
        ({"seeds": [1, 1]}, "seeds of a live session must be 1 to 100 different"),
        ({"seeds": [0.5]}, "seeds of a live session must be a list of seeds"),
        ({"seeds": 7}, "seeds of a live session must be a list of seeds"),
        ({"batch_size": 0}, "batch_size of a live session"),
        ({"evaluate": 0}, "evaluate of a live session"),
        ({"engine": "fast"}, "engine of a live session must be one of"),
        ({"data": None}, "data of fit must be a Dataset"),
    ],
)
def test_bad_setups(given: dict[str, Any], what: str) -> None:
    with pytest.raises(tl.SettingError, match=what):
        LiveSetup(**{"data": DATA, "arms": {"a": Member()}, **given})


def test_parts_of_ones_own_are_tried_as_by_fit() -> None:
    class Own(tl.ReLU):
        def value(self, x: Any, out: Any, new: Any = None) -> Any:
            return x.astype("f8")

    member = Member(tl.MLP((3,), activation=Own()), tl.SGD(0.1))
    with pytest.raises(tl.SettingError, match="Own") as caught:
        LiveSetup(data=DATA, arms={"a": member})
    with pytest.raises(tl.SettingError) as by_fit:
        tl.Network(member.network).fit(DATA, steps=1)
    assert str(caught.value) == str(by_fit.value)
    object.__setattr__(member.network.activation, "factor", 2.0)
    told = "attributes of Own must be the fields of a frozen dataclass"
    with pytest.raises(tl.SettingError, match=told):
        LiveSetup(data=DATA, arms={"a": member})


@every_engine
def test_a_script_gives_the_same_numbers(
    engine: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    session = small(engine)
    play(session, rng)
    script = tmp_path / "session.py"
    script.write_text(script_of(session), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split("\n")[:2] == [session.digest(), "as the page had"]


def test_a_script_says_how_its_data_are_had() -> None:
    assert "data = tl.load_planar('moons', rows=53, validation=20" in script_of(small())
    assert "put the Dataset here" in script_of(small(source=None))
    for seeds, said in (((0, 2), "(0, 2)"), ((1, 2), "range(1, 3)"), ((0, 1), "range(2)")):
        session = LiveSession(LiveSetup(**{**vars(small().setup), "seeds": seeds}))
        assert f"\nseeds = {said}\n" in script_of(session)
    text = script_of(small(source={"name": "digits", "rows": 300}))
    assert "tl.load_digits(test=None, validation=360).first(train=300)" in text
    text = script_of(small(source={"name": "table", "csv": "a.csv", "target": "y"}))
    assert "load_table(csv='a.csv', target='y')" in text


def test_a_log_in_a_file(tmp_path: Path, rng: np.random.Generator) -> None:
    session = small()
    play(session, rng)
    file = tmp_path / "log.json"
    file.write_text(json.dumps(log_of(session)), encoding="utf-8")
    found = read_log(file)
    again = replayed(found, "log.json")
    assert again.digest() == found["sha256"] == session.digest()
    assert {name: again.arms[name].describe() for name in again.arms} == {
        name: session.arms[name].describe() for name in session.arms
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda log: [],
        lambda log: {**log, "format": "another"},
        lambda log: {**log, "version": 2},
        lambda log: {**log, "more": 1},
        lambda log: {**log, "step": "7"},
        lambda log: {**log, "setup": {**log["setup"], "more": 1}},
        lambda log: {**log, "setup": {**log["setup"], "data": "0" * 64}},
        lambda log: {**log, "setup": {**log["setup"], "source": {"name": "/etc/passwd"}}},
        lambda log: {**log, "setup": {**log["setup"], "source": None}},
        lambda log: {**log, "setup": {**log["setup"], "seeds": "abc"}},
        lambda log: {**log, "setup": {**log["setup"], "arms": [{"name": "a"}]}},
        lambda log: {**log, "log": [{"step": 1}]},
        lambda log: {**log, "log": [{**Intervention(1, "mark").plain(), "action": "run"}]},
    ],
)
def test_a_file_that_is_no_log(change: Any, tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text(json.dumps(change(log_of(small()))), encoding="utf-8")
    with pytest.raises(tl.errors.TrainlabError):
        replayed(read_log(file), str(file))


def test_a_store_has_all_to_go_on_from(tmp_path: Path, rng: np.random.Generator) -> None:
    session = small()
    session.advance_to(21)
    session.clone("Adam", {"lr": 0.1}, "branch")
    session.advance_to(25)
    session.stop("SGD")
    session.change("branch", {"dropout": 0.4})
    session.undo(2)
    session.tests = 3
    with Store(tmp_path) as store:
        assert resumed(store, str(tmp_path)) is None
        keep(store, small())
        keep(store, session)
    with Store(tmp_path) as store:
        again = resumed(store, str(tmp_path))
    assert again is not None
    assert (again.step, again.digest()) == (25, session.digest())
    assert again.running == session.running == ["Adam", "NAdam, clipped", "branch"]
    assert again.ended.keys() == session.ended.keys()
    assert again.log == session.log
    assert again.undone == session.undone
    assert again.tests == 3
    for own in (session, again):
        own.advance_to(60)
        own.undo(1)  # the place before the stop, which is trained anew where it was not kept
        own.advance_to(70)
    assert again.digest() == session.digest()
    assert again.curves.steps == session.curves.steps
    for arm in session.arms:
        np.testing.assert_array_equal(again.curves.values(arm), session.curves.values(arm))


def test_members_of_before_are_replaced_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them took as long as writing the new ones, and left those that were damaged."""
    session = small()
    with Store(tmp_path) as store:
        session.clone("SGD", {}, "branch")
        keep(store, session)
        run = store.run("live", {"what": "a live session"}, 1)
        before = run.places("member")
        store._connection.execute("UPDATE parts SET digest = x'00' WHERE place = ?", before[-1:])
        session.undo(0)
        monkeypatch.setattr(type(run), "load", None)
        keep(store, session)
        assert len(before) == 15
        assert run.places("member") == list(range(12))


@pytest.mark.parametrize("action", ["change", "stop", "clone"])
def test_what_fails_on_the_way_leaves_all_as_it_was(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arm had another rate on the page than in training, or stood on it and had no networks."""
    session, usual = small(), small()
    for one in (session, usual):
        one.advance_to(21)
    do = {
        "change": lambda: session.change("SGD", {"lr": 0.3}),
        "stop": lambda: session.stop("SGD"),
        "clone": lambda: session.clone("Adam", {"lr": 0.1}, "branch"),
    }[action]
    with monkeypatch.context() as patch:
        patch.setattr(type(session.setting.engine), "open", lambda *given: raised(MemoryError()))
        with pytest.raises(MemoryError):
            do()
    assert (session.arms, session.ended.keys()) == (usual.arms, usual.ended.keys())
    assert (session.log, session.running) == (usual.log, usual.running)
    for one in (session, usual):
        one.advance_to(40)
    assert session.digest() == usual.digest()
    do()
    assert session.log[0].action == action


def test_an_undo_that_fails_leaves_the_log_of_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stood in the log what was not done, so that the log led to other bits."""
    monkeypatch.setattr(sessions, "POINTS", 1)
    session = small()
    for step, rate in enumerate((0.3, 0.2, 0.1)):
        session.advance_to(10 * step)
        session.change("SGD", {"lr": rate})
    session.mark()
    session.mark()
    apply, log = LiveSession._apply, list(session.log)

    def fails(self: LiveSession, entry: Intervention) -> None:
        if entry.fields == {"lr": 0.1}:
            raise MemoryError
        apply(self, entry)

    with monkeypatch.context() as patch:
        patch.setattr(LiveSession, "_apply", fails)
        with pytest.raises(MemoryError):
            session.undo(3)
    assert (session.log, session.undone, session.step) == (log[:2], log[2:], 20)
    again = LiveSession(session.setup)
    again.replay(session.log, session.step)
    assert again.digest() == session.digest()


def raised(error: BaseException) -> Any:
    raise error


def test_data_that_were_given_are_not_those_of_a_session_on_others(tmp_path: Path) -> None:
    # `trainlab live --csv … --store …`, on whose page somebody began a session on points.
    with Store(tmp_path) as store:
        keep(store, small())
        again = resumed(store, str(tmp_path), tl.load_planar("xor", 40, 20))
    assert again is not None
    assert again.setup.data.name == "moons"


def test_of_a_store_with_a_damaged_member_the_log_is_done_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The session was lost, without a word, and another one written in its place."""
    session = small()
    session.advance_to(21)
    session.clone("Adam", {"lr": 0.1}, "branch")
    session.advance_to(33)
    with Store(tmp_path) as store:
        keep(store, session)
        run = store.run("live", {"what": "a live session"}, 1)
        run.save({}, [("member", 3)])
        again = resumed(store, str(tmp_path))
        assert again is not None
        assert (again.step, again.digest(), again.log) == (33, session.digest(), session.log)
        assert f"{tmp_path} is damaged: its log is done again" in caplog.text
        run.save({}, [("session", 0)])
        assert resumed(store, str(tmp_path)) is None
