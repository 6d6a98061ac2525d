"""Callbacks: when each method is called, with what, and that it may end members."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from complaints import complains
from engines import every_engine

RNG = np.random.default_rng(5)
DATA = tl.from_arrays(
    RNG.normal(size=(60, 4)),
    np.arange(60) % 3,
    test=(RNG.normal(size=(20, 4)), np.arange(20) % 3),
)
STEPS = 6
"""Of an epoch of batches of 10."""


def population(seeds: int = 3) -> tl.Population:
    return tl.Population.grid(tl.MLP((5,)), tl.Adam(0.01), seed=range(seeds))


class Log(tl.Callback):
    """Writes down what it is called with."""

    def __init__(self, stop: dict[str, int] | None = None) -> None:
        self.lines: list[tuple[Any, ...]] = []
        self.stop = stop or {}

    def start(self, history: tl.History) -> None:
        self.lines.append(("start", [one.kind for one in history.status]))

    def epoch(self, moment: tl.Moment) -> bool:
        self.lines.append(("epoch", moment.member, moment.updates, dict(moment.metrics)))
        return self.stop.get("epoch") == moment.member

    def evaluation(self, moment: tl.Moment) -> bool:
        values = {name: moment.history[name][moment.member] for name in moment.metrics}
        self.lines.append(
            ("evaluation", moment.member, moment.updates, dict(moment.metrics), values)
        )
        return self.stop.get("evaluation") == moment.member

    def end(self, history: tl.History) -> None:
        self.lines.append(("end", [one.kind for one in history.status]))


@every_engine
def test_each_method_is_called_in_its_turn(engine: str) -> None:
    log = Log()
    arguments = {"epochs": 2, "batch_size": 10, "workers": 2, "engine": engine}
    history = population().fit(DATA, callbacks=[log], **arguments)
    assert log.lines[0] == ("start", ["running"] * 3)
    assert log.lines[-1] == ("end", ["finished"] * 3)
    for member in range(3):
        own = [line for line in log.lines[1:-1] if line[1] == member]
        assert [line[:3] for line in own] == [
            ("evaluation", member, 0),
            ("evaluation", member, STEPS),
            ("epoch", member, STEPS),
            ("evaluation", member, 2 * STEPS),
            ("epoch", member, 2 * STEPS),
        ]
        assert own[2][3] == own[4][3] == {}
        for place, line in enumerate(line for line in own if line[0] == "evaluation"):
            metrics, so_far = line[3:]
            assert set(metrics) - {"train_loss"} == set(history.series) - {"train_loss"}
            assert ("train_loss" in metrics) == (place > 0)
            for name, value in metrics.items():
                if name != "train_loss":
                    assert value == history[name][member, place] == so_far[name][place]
    alone = population().fit(DATA, **arguments)
    assert all(np.array_equal(alone[name], history[name]) for name in alone.series)


@pytest.mark.parametrize("hook", ["epoch", "evaluation"])
def test_a_true_answer_ends_that_member(hook: str) -> None:
    history = population().fit(DATA, epochs=3, batch_size=10, callbacks=[Log({hook: 1})])
    kinds = [one.kind for one in history.status]
    assert kinds == ["finished", "stopped early", "finished"]
    assert history.status[1].step == (STEPS if hook == "epoch" else 0)


def test_epochs_are_heard_where_nothing_is_evaluated() -> None:
    log = Log()
    population(1).fit(DATA, steps=2 * STEPS + 1, batch_size=10, evaluate=None, callbacks=[log])
    assert [line[2] for line in log.lines if line[0] == "epoch"] == [STEPS, 2 * STEPS]


class Watcher(tl.Callback):
    """Keeps the parameters of each moment."""

    parameters = True

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], dict[str, np.ndarray]] = {}

    def evaluation(self, moment: tl.Moment) -> None:
        self.seen[moment.member, moment.updates] = moment.parameters

    def epoch(self, moment: tl.Moment) -> None:
        for name, values in self.seen[moment.member, moment.updates].items():
            assert np.array_equal(moment.parameters[name], values)


@every_engine
def test_parameters_can_be_read(engine: str) -> None:
    watcher, networks = Watcher(), population()
    networks.fit(DATA, epochs=2, batch_size=10, callbacks=[watcher], workers=2, engine=engine)
    assert len(watcher.seen) == 9
    for member in range(3):
        for name, values in networks.parameters(member).items():
            seen = watcher.seen[member, 2 * STEPS][name]
            assert np.array_equal(seen, values)
            assert not np.array_equal(watcher.seen[member, STEPS][name], values)
            with pytest.raises(ValueError, match="read-only"):
                seen[...] = 0


def test_parameters_are_there_only_where_they_are_asked_for() -> None:
    def told(member: int, updates: int, metrics: Any) -> None:
        assert isinstance(metrics, dict)

    class Greedy(tl.Callback):
        def evaluation(self, moment: tl.Moment) -> None:
            complains(
                lambda: moment.parameters, tl.SettingError, "parameters of Moment must be asked"
            )
            raise LookupError("seen")

    with pytest.raises(LookupError):
        population().fit(DATA, steps=1, callbacks=[told, Greedy()])


def test_the_end_is_told_whatever_ended_it() -> None:
    class Failing(Log):
        def epoch(self, moment: tl.Moment) -> bool:
            raise LookupError("on purpose")

    log = Failing()
    with pytest.raises(LookupError):
        population(1).fit(DATA, epochs=2, batch_size=10, callbacks=[log])
    assert log.lines[-1] == ("end", ["interrupted"])

    class Last(tl.Callback):
        def end(self, history: tl.History) -> None:
            raise LookupError("at the end")

    with pytest.raises(LookupError, match="at the end"):
        population(1).fit(DATA, steps=1, callbacks=[Last()])


def test_a_run_that_is_gone_on_with_starts_with_what_there_is(tmp_path: Path) -> None:
    first, second = Log({"epoch": 9}), Log({"epoch": 9})
    for log in (first, second):
        population().fit(DATA, epochs=1, batch_size=10, callbacks=[log], store=tmp_path)
    assert second.lines == [("start", ["finished"] * 3), ("end", ["finished"] * 3)]
    assert len(first.lines) == 2 + 3 * 3


def test_what_is_no_callback() -> None:
    for value in ([3], [Log], None, Log()):
        told = "callbacks of fit must be a list of Callback, made by their classes, or of functions"
        complains(
            lambda value=value: population().fit(DATA, callbacks=value), tl.SettingError, told
        )
    told = "callbacks of fit must be none with backend='loky'"
    complains(
        lambda: population().fit(DATA, callbacks=[Log()], backend="loky"), tl.SettingError, told
    )


def test_an_answer_is_yes_or_no() -> None:
    def losses(member: int, updates: int, metrics: Any) -> Any:
        return np.zeros(2)

    told = "answer of callback losses must be True, False or None; got"
    complains(lambda: population().fit(DATA, steps=2, callbacks=[losses]), tl.SettingError, told)


def test_a_callback_has_one_of_the_methods() -> None:
    class Misnamed(tl.Callback):
        def on_epoch_end(self, moment: tl.Moment) -> None: ...

    told = "callbacks of fit must have one of the methods start, epoch, evaluation, end; got 'Misn"
    complains(lambda: population().fit(DATA, callbacks=[Misnamed()]), tl.SettingError, told)
    found: list[int] = []
    given: Any = Misnamed()
    given.evaluation = lambda moment: found.append(moment.updates)
    population().fit(DATA, epochs=1, callbacks=[given])
    assert found


def test_estimators_take_them() -> None:
    log = Log()
    x, y = DATA.train.x, DATA.train.t
    tl.MLPClassifier((4,), max_iter=2, random_state=0, schedule="cosine").fit(x, y, callbacks=[log])
    assert [line[0] for line in log.lines[:2]] == ["start", "evaluation"]
    assert log.lines[-1][0] == "end"


def test_functions_that_lack_arguments_are_refused() -> None:
    for one in (lambda: None, lambda member, updates: None, lambda a, b, c, d: None):
        starts = "callbacks of fit must be functions of three arguments, or Callbacks; got <fun"
        complains(lambda one=one: population().fit(DATA, callbacks=[one]), tl.SettingError, starts)
    starts = "callbacks of fit must be a list of Callback"
    for bad in ([Log], range(2**62)):
        complains(lambda bad=bad: population().fit(DATA, callbacks=bad), tl.SettingError, starts)
    for good in (lambda *all: None, lambda a, b, c, d=1: None, print):
        population(1).fit(DATA, steps=1, evaluate=None, callbacks=[good])


def test_functions_that_would_not_run_are_refused() -> None:
    def ended(*given: Any) -> Any:
        yield given

    class Called:
        async def __call__(self, member: int, updates: int, metrics: Any) -> None:
            pass

    starts = "callbacks of fit must run when called; got 'a generator or coroutine'; try def"
    for one in (ended, functools.partial(ended, 1), Called()):
        complains(lambda one=one: population().fit(DATA, callbacks=[one]), tl.SettingError, starts)
    given: Any = Log()
    given.evaluation = ended
    starts = "evaluation of Log must run when called"
    complains(lambda: population().fit(DATA, callbacks=[given]), tl.SettingError, starts)
