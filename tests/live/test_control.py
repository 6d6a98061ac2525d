"""The thread that trains: commands, speed, what is shown, and what is kept."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from live_runs import small
from trainlab.evidence import compare_all
from trainlab.live import control as controls
from trainlab.live.about import compared, describe, titles
from trainlab.live.choices import setup_of
from trainlab.live.control import COMMANDS, LiveControl
from trainlab.live.presets import PRESETS
from trainlab.live.session import LiveSession
from trainlab.live.setup import NAMELESS

PATIENCE = 30.0


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def choose(choice: Any) -> LiveSession:
    return LiveSession(setup_of(choice), choice)


@pytest.fixture
def control() -> Iterator[LiveControl]:
    made = LiveControl(small(), choose)
    made.start()
    yield made
    made.close()


def done(control: LiveControl, do: str, **fields: Any) -> Any:
    return control.do({"do": do, **fields}).result(PATIENCE)


def status(control: LiveControl) -> Any:
    return control.snapshot.status


def test_nothing_is_trained_before_somebody_says_so(control: LiveControl) -> None:
    time.sleep(0.05)
    assert status(control)["step"] == 0
    assert not status(control)["running"]


def test_run_pause_step_and_epoch(control: LiveControl) -> None:
    done(control, "run")
    until(lambda: status(control)["step"] > 100)
    assert status(control)["running"]
    done(control, "pause")
    step = status(control)["step"]
    time.sleep(0.05)
    assert status(control)["step"] == step
    assert not status(control)["running"]
    done(control, "step")
    until(lambda: status(control)["step"] == step + 1)
    done(control, "epoch")
    until(lambda: not status(control)["running"] and status(control)["step"] > step + 1)
    assert status(control)["step"] == (step + 1) // 6 * 6 + 6  # 53 rows, 10 at a time
    again = LiveSession(small().setup)
    again.replay([], status(control)["step"])
    assert control.do(lambda session: session.digest()).result(PATIENCE) == again.digest()


def test_steps_that_are_asked_for_quickly_are_all_taken(control: LiveControl) -> None:
    asked = [control.do({"do": do}) for do in ("step", "step", "step", "epoch", "step")]
    for one in asked:
        one.result(PATIENCE)
    until(lambda: not status(control)["running"] and status(control)["step"] == 7)


def test_speed(control: LiveControl) -> None:
    done(control, "speed", value=50)
    start = time.monotonic()
    done(control, "run")
    until(lambda: status(control)["step"] >= 10)
    step = status(control)["step"]
    assert step <= 50 * (time.monotonic() - start) + 1  # it never makes up for lost time
    done(control, "speed", value=None)
    until(lambda: status(control)["step"] > 1000)


def test_interventions_are_shown_at_once_and_can_be_replayed(control: LiveControl) -> None:
    done(control, "run")
    until(lambda: status(control)["step"] > 50)
    done(control, "change", arm="SGD", fields={"lr": 0.3})
    first = next(one for one in control.snapshot.about["arms"] if one["name"] == "SGD")
    assert first["settings"]["lr"] == 0.3
    name = done(control, "clone", arm="SGD", fields={"lr": 0.01})
    assert name in control.snapshot.curves.values
    done(control, "mark")
    done(control, "stop", arm="Adam")
    done(control, "undo", to=3)
    done(control, "pause")
    log = control.snapshot.about["log"]
    assert [one["action"] for one in log] == ["change", "clone", "mark"]
    assert [one["step"] for one in log] == sorted(one["step"] for one in log)
    assert control.snapshot.about["undone"] == 1
    again = LiveSession(small().setup)
    entries = control.do(lambda session: list(session.log)).result(PATIENCE)
    again.replay(entries, status(control)["step"])
    assert control.do(lambda session: session.digest()).result(PATIENCE) == again.digest()


def test_another_choice_begins_another_session(control: LiveControl) -> None:
    before = control.snapshot.generation
    choice = next(one["choice"] for one in PRESETS if one["key"] == "xor")
    done(control, "run")
    done(control, "begin", choice=choice)
    assert control.snapshot.generation > before
    assert status(control) | {"rate": 0} == {
        "step": 0,
        "epoch": 0.0,
        "running": False,
        "speed": None,
        "rate": 0,
        "every": 10,
        "error": None,
    }
    assert [one["name"] for one in control.snapshot.about["arms"]] == ["linear", "8 hidden units"]
    assert control.snapshot.about["choice"] == choice


def test_closer_looks_are_taken_while_somebody_watches(control: LiveControl) -> None:
    done(control, "step")
    until(lambda: status(control)["step"] == 1)
    assert control.snapshot.looks == {}
    control.watchers = 1
    done(control, "step")
    until(lambda: control.snapshot.looks)
    found = control.snapshot.looks["SGD"]
    assert len(found["layers"]) == 3
    assert found["surface"]["mean"] != found["surface"]["apart"]
    assert found["wrong"] is None


def test_curves_do_not_change_under_a_reader(control: LiveControl) -> None:
    done(control, "run")
    until(lambda: len(control.snapshot.curves.steps) > 5)
    curves = control.snapshot.curves
    count = len(curves.steps)
    copies = {arm: values[:, :, :count].copy() for arm, values in curves.values.items()}
    until(lambda: control.snapshot.curves.every > 2 * curves.every)  # halved twice meanwhile
    done(control, "clone", arm="SGD", fields={})
    done(control, "undo", to=0)
    for arm, values in copies.items():
        np.testing.assert_array_equal(curves.values[arm][:, :, :count], values)
    assert len(control.snapshot.curves.steps) <= 400


def test_arms_are_compared_when_somebody_asks(control: LiveControl) -> None:
    found = done(control, "test")
    assert found == {"step": 0, "number": 0, "compared": []}  # nobody has learnt anything
    done(control, "epoch")
    until(lambda: not status(control)["running"])
    found = done(control, "test")
    assert len(found["compared"]) == 3  # of the three arms that have not diverged
    assert all("seeds are too few" in one["text"] for one in found["compared"])
    assert found["number"] == 1
    assert done(control, "test")["number"] == 2  # whichever page asks


def test_arms_are_called_by_what_has_changed() -> None:
    session = small(seeds=6)
    session.change("SGD", {"lr": 0.4})
    session.advance_to(1200)
    session.change("SGD", {"lr": 1e-8, "l1": 0.1})
    clone = session.clone("SGD", {"l1": 0.0})
    session.stop("NAdam, clipped")
    session.advance_to(1201)
    rates = "lr 0.4 from step 0 → 1e-08 from step 1,200"
    changed, cloned = f"SGD → {rates}, l1 0.1 from step 1,200", f"{clone} → {rates}"
    called = {arm["name"]: arm["title"] for arm in describe(session, None)["arms"]}
    assert called["SGD"] == changed
    assert called[clone] == cloned
    assert called["Adam"] == "Adam"
    found = compared(session)
    pairs = [(one.first, one.second) for one in found]
    assert pairs == [(changed, "Adam"), (changed, cloned), ("Adam", cloned)]
    assert {one.winner for one in found if one.shown} <= set(called.values())
    session.undo(1)
    assert describe(session, None)["arms"][0]["title"] == "SGD → lr 0.4 from step 0"


def test_an_arm_with_nothing_of_its_own_is_called_by_what_has_changed() -> None:
    session = small(arms={NAMELESS: tl.Member(tl.MLP((4,), l1=0.01), tl.SGD(0.1))})
    session.advance_to(6)
    session.change(NAMELESS, {"lr": 0.4})
    session.change(NAMELESS, {"lr": 0.5, "l1": 0.0})
    titles = [arm["title"] for arm in describe(session, None)["arms"]]
    assert titles == ["lr 0.1 → 0.5 from step 6, l1 0.01 → 0 from step 6"]
    clone = session.clone(NAMELESS, {"l1": 0.1})
    titles = [arm["title"] for arm in describe(session, None)["arms"]]
    assert titles[1] == f"{clone} → lr 0.5 from step 6"
    for step in (7, 8):
        session.advance_to(step)
        session.change(NAMELESS, {"lr": step / 100})
    rates = "lr 0.1 → 0.5 from step 6 → 0.07 from step 7 → 0.08 from step 8"
    assert describe(session, None)["arms"][0]["title"] == f"{rates}, l1 0.01 → 0 from step 6"
    session.advance_to(9)
    session.change(NAMELESS, {"lr": 0.2})
    rates = "lr 0.1 → 0.5 from step 6 → … → 0.2 from step 9"
    assert describe(session, None)["arms"][0]["title"] == f"{rates}, l1 0.01 → 0 from step 6"
    session.advance_to(10)
    session.change(NAMELESS, {"lr": 0.2})  # as it is
    assert describe(session, None)["arms"][0]["title"] == f"{rates}, l1 0.01 → 0 from step 6"


def test_a_change_to_the_value_that_an_arm_began_with_is_not_told() -> None:
    session = small(arms={"one": tl.Member(tl.MLP((4,)), tl.SGD(0.1))})
    session.advance_to(6)
    session.change("one", {"lr": 0.1})
    clone = session.clone("one", {"lr": 0.3})
    session.change(clone, {"lr": 0.3})
    assert titles(session) == {"one": "one", clone: clone}
    session.change("one", {"lr": 0.5})
    session.advance_to(7)
    session.change("one", {"lr": 0.1})  # back to it
    assert titles(session)["one"] == "one → lr 0.5 from step 6 → 0.1 from step 7"


def test_a_test_is_one_of_the_members_as_they_are_now() -> None:
    # The curves' last point is that of step 20; and a clone begins with the curves of its arm.
    session = small(seeds=6)
    session.advance_to(20)
    name = session.clone("SGD", {"lr": 0.5})
    session.advance_to(33)
    evaluated = session.lanes.evaluate("held")
    values = {
        arm: np.array([evaluated[key][1] for key in session.keys(arm)]) for arm in session.running
    }
    assert session.curves.steps[-1] == 20
    assert (values["SGD"] != values[name]).any()
    assert list(compared(session)) == list(compare_all(values, better="higher"))


def test_who_diverges_is_counted_when_it_happens(control: LiveControl) -> None:
    done(control, "epoch")
    until(lambda: not status(control)["running"])
    arms = {one["name"]: one for one in control.snapshot.about["arms"]}
    assert (arms["wild"]["diverged"], arms["wild"]["trains"]) == (3, False)
    assert (arms["SGD"]["diverged"], arms["SGD"]["trains"]) == (0, True)


def test_a_command_that_nobody_waits_for_any_more_is_not_done(control: LiveControl) -> None:
    going = threading.Event()
    first = control.do(lambda session: going.wait(PATIENCE))
    given_up = control.do({"do": "run"})
    assert given_up.cancel()
    going.set()
    assert first.result(PATIENCE)
    done(control, "step")
    until(lambda: status(control)["step"] == 1)
    assert control.error is None


def test_the_speed_that_is_shown_is_that_of_the_clock(control: LiveControl) -> None:
    done(control, "run")
    until(lambda: status(control)["rate"] > 20)
    done(control, "speed", value=5)
    assert status(control)["rate"] <= 5


def test_what_is_kept() -> None:
    kept: list[tuple[int, int]] = []
    control = LiveControl(
        small(), choose, lambda session, fresh: kept.append((session.step, len(session.log)))
    )
    control.start()
    done(control, "step")
    until(lambda: (1, 0) in kept)  # idle
    done(control, "change", arm="SGD", fields={"lr": 0.3})
    until(lambda: (1, 1) in kept)
    control.close()
    assert kept[-1] == (1, 1)
    with pytest.raises(tl.SettingError, match="a command of the page must come while"):
        control.do({"do": "run"}).result(PATIENCE)


def test_a_session_that_cannot_be_kept_goes_on_and_is_kept_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk ended the training, and with it all that had been learnt and not been kept."""
    full, kept = [True], list[int]()

    def keep(session: LiveSession, fresh: bool) -> None:
        if full:
            raise tl.errors.StoreError("runs of kept must be in a folder with room on the disk")
        kept.append(session.step)

    monkeypatch.setattr(controls, "AGAIN", 0.05)
    control = LiveControl(small(), choose, keep)
    control.start()
    until(lambda: status(control)["error"])
    assert status(control)["error"].startswith("Nothing is kept: runs of kept must be in a folder")
    done(control, "step")
    until(lambda: status(control)["step"] == 1)
    with pytest.raises(tl.errors.StoreError):
        done(control, "mark")
    assert control.error is None
    assert caplog.text.count("the live session is not kept: runs of kept") == 1
    full.clear()
    until(lambda: 1 in kept and status(control)["error"] is None)
    full.append(True)
    control.close()
    assert isinstance(control.error, tl.errors.StoreError)


HOSTILE: list[Any] = [
    None,
    True,
    -1,
    10**30,
    1e308,
    float("nan"),
    "",
    "SGD",
    "x" * 999,
    [],
    {},
    [[]],
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: str(value)[:20])
def test_what_no_command_can_be(control: LiveControl, value: Any) -> None:
    for name, fields in {**COMMANDS, "ask": ("question",), "_do_run": (), "": ()}.items():
        for given in ({}, dict.fromkeys(fields, value), {"more": value}):
            future = control.do({"do": name, **given})
            error = future.exception(PATIENCE)
            assert error is None or isinstance(error, tl.errors.TrainlabError), (name, given)
    assert isinstance(control.do({"do": value}).exception(PATIENCE), tl.SettingError)
    done(control, "pause")
    assert control.error is None


def test_an_error_of_the_training_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    control = LiveControl(small(), choose)
    control.session.advance = None  # type: ignore[assignment,method-assign]
    control.start()
    done(control, "run")
    until(lambda: status(control)["error"])
    assert "the live page trains no more" in caplog.text
    with pytest.raises(tl.SettingError):
        done(control, "run")
    control.close()


def test_a_command_that_comes_while_the_training_ends_is_answered() -> None:
    """Whoever had sent it waited for two minutes."""

    class Slow(deque[Any]):
        def append(self, one: Any) -> None:
            until(lambda: control.error is not None)
            control._thread.join(0.3)
            super().append(one)

    control = LiveControl(small(), choose)
    control._commands = Slow()
    control.session.advance = None  # type: ignore[assignment,method-assign]
    control._goal = 1.0
    adding = threading.Thread(target=lambda: found.append(control.do({"do": "run"})))
    found: list[Any] = []
    adding.start()
    control.start()
    adding.join()
    with pytest.raises(tl.SettingError, match="come while the session goes on"):
        found[0].result(PATIENCE / 10)
    control.close()
