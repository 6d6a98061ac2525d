"""The bar of a training."""

from __future__ import annotations

import io
import re
import threading

import numpy as np
import pytest
from rich.console import Console

import trainlab as tl
from counter import Counter
from mixed import BATCH, mixed, overlapping
from trainlab.experiments import EXPERIMENTS
from trainlab.training.progress import Bar, Tally


def test_the_bar_pulses_until_it_knows_how_much_there_is_to_do() -> None:
    bar = Bar("search", Console(file=io.StringIO(), force_terminal=True))
    (task,) = bar._progress.tasks
    assert task.total is None
    bar.start(5, 50)
    assert task.total == 50


def test_the_bar_counts_each_stage_by_itself() -> None:
    shown = io.StringIO()
    with Bar("search", Console(file=shown, force_terminal=True, width=100)) as bar:
        bar.start(5, 50)
        bar.advance(5, 50)
        bar.start(2, 20)
        bar.advance(1, 10)
    assert "search" in shown.getvalue()
    assert "1/2 members" in shown.getvalue()
    assert "2/2" not in shown.getvalue()


def test_work_without_steps_after_all_steps_pulses_and_its_clock_runs() -> None:
    """Trees and judging: a bar that stands at 100 % with 0:00:00 left says that nothing goes on."""
    shown = io.StringIO()
    with Bar("ensemble", Console(file=shown, force_terminal=True, width=100)) as bar:
        bar.start(2, 20)
        bar.advance(2, 20)
        bar.note("trees of fold 1 of 5")
        bar.advance(0, 0)
        bar._progress.refresh()
        last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()).split("\r")[-1]
        (task,) = bar._progress.tasks
        assert (task.total, task.finished) == (None, False)
        assert "trees of fold 1 of 5" in last
        assert "%" not in last
        bar.start(1, 10)
        assert (task.total, task.completed) == (10, 0)


LONGEST = max(EXPERIMENTS, key=len)
AFTER_A_CHANGE = "optimizer-comparison-9cfc61"


@pytest.mark.parametrize("name", ["search", LONGEST, AFTER_A_CHANGE])
@pytest.mark.parametrize("width", [120, 100, 80, 76, 60, 50, 42])
def test_the_bar_is_whole_on_every_terminal(width: int, name: str) -> None:
    """Name, what moves and the time left are there, and no line is wider than the terminal."""
    last = drawn(name, width)
    assert len(last) <= width
    assert last.startswith(f"{name} ")
    assert " 45%" in last
    assert ("median loss 0.312" in last) is (width >= len(name) + 33 + 9 * (width >= 60))
    assert "45/100 members" in last or width < 80 or name == AFTER_A_CHANGE
    assert re.search(r" (\d+:\d\d:\d\d|-:--:--)$", last)
    assert "…" not in last


def drawn(name: str, width: int) -> str:
    """The last line of a bar on a terminal of that width."""
    shown = io.StringIO()
    with Bar(name, Console(file=shown, force_terminal=True, width=width)) as bar:
        bar.start(100, 10_000_000)
        bar.note("median loss 0.312")
        bar.advance(45, 4_500_000)
        bar.advance(0, 10)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()).replace("\r", "\n").split("\n")
    return [line for line in lines if line.strip()][-1].rstrip()


def test_a_name_that_is_too_long_is_all_that_is_cut() -> None:
    last = drawn(AFTER_A_CHANGE, 30)
    assert len(last) <= 30
    assert re.match(r"optimizer-c\S*… +45% \S+$", last)


def test_the_words_of_one_member_and_of_a_later_stage() -> None:
    tally = Tally()
    assert tally.words(99) == ""
    tally.start(1, 2_000)
    tally.advance(0, 500)
    assert tally.words(99) == "step 500/2,000"
    tally.start(3, 6_000)
    tally.rate = 1234.5
    assert tally.words(99) == "0/3 members, training 2, 1,234 steps/s"
    tally.part = "fold 2 of 5"
    assert tally.words(99) == "fold 2 of 5, 0/3 members, 1,234 steps/s"
    assert tally.words(25) == "fold 2 of 5, 0/3 members"
    assert tally.words(19) == "fold 2 of 5"
    assert tally.words(3) == ""


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (120, "round 2 of 3, best −0.312, median loss 0.25, 45/100 members"),
        (80, "round 2 of 3, best −0.312, median loss 0.25"),
        (48, "round 2 of 3, best −0.312"),
        (40, "round 2 of 3"),
        (34, "round 2 of 3"),
    ],
)
def test_a_search_says_which_round_it_is_and_how_good_the_best(width: int, words: str) -> None:
    shown = io.StringIO()
    with Bar("search", Console(file=shown, force_terminal=True, width=width)) as bar:
        bar.best(float("nan"))
        assert bar._tally.best == ""
        bar.best(-0.31234)
        bar.part("round 2 of 3")
        bar.start(100, 10_000_000)
        bar.note("median loss 0.25")
        bar.advance(45, 4_500_000)
        assert bar._progress.tasks[0].fields["words"].startswith(words)
    assert words in shown.getvalue()


def test_what_takes_no_time_is_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a store had, and the steps that members do not do because they have diverged."""
    now = [0.0]
    bar = Bar("training", Console(file=io.StringIO(), force_terminal=True, width=100))
    monkeypatch.setattr(bar._progress, "get_time", lambda: now[0])
    (task,) = bar._progress.tasks
    bar.start(9, 4_000_000)
    bar.skip(1, 2_000_000)
    for _ in range(5):
        now[0] += 1.0
        bar.advance(0, 100)
        bar.skip(1, 100_000)
    assert task.completed == bar._tally.steps == 2_500_500
    assert task.speed == bar._tally.rate == 100
    assert bar._tally.words(99) == "6/9 members, 100 steps/s"
    assert task.time_remaining == 1_499_500 / 100


def test_a_notebook_tells_the_time_left_from_what_is_done_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("trainlab.training.progress.time.monotonic", lambda: now[0])
    tally = Tally()
    tally.start(2, 1_000)
    tally.skip(1, 500)
    assert "50%" in tally.html("training")
    assert "0:00 left" in tally.html("training")
    now[0] = 60.0
    tally.advance(0, 100)
    assert "4:00 left" in tally.html("training")


def test_the_bar_of_an_interrupted_training_stands_still() -> None:
    class Begun(Counter):
        begun = threading.Event()

        def advance(self, members: int, steps: int) -> None:
            super().advance(members, steps)
            self.begun.set()

    counter, population = Begun(), tl.Population.grid(tl.MLP((3,)), seed=range(2))
    running = population.start(
        overlapping(), epochs=10**6, evaluate=None, progress=counter, workers=1
    )
    assert counter.begun.wait(30)
    running.stop()
    with pytest.warns(UserWarning, match="training was interrupted"):
        history = running.wait()
    assert {one.kind for one in history.status} == {"interrupted"}
    assert counter.members == 0
    assert 0 < counter.steps < counter.totals[1]


class Listener(Counter):
    """Progress that listens to notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize(("members", "words"), [(1, "loss"), (3, "median loss")])
def test_the_loss_is_noted_now_and_then(
    members: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainlab.training.recorder.NOTE_EVERY", 0.0)
    listener = Listener()
    population = tl.Population.grid(tl.MLP((3,)), seed=range(members))
    history = population.fit(overlapping(), epochs=2, progress=listener, workers=1)
    steps = history.steps_per_epoch
    assert steps is not None
    last = history["train_loss"][:, [steps - 1, 2 * steps - 1]]
    expected = [f"{words} {value:.3g}" for value in np.median(last, axis=0)]
    assert [note for note in listener.notes if note in expected] == expected
    monkeypatch.setattr("trainlab.training.recorder.NOTE_EVERY", 1e9)
    listener = Listener()
    population.fit(overlapping(), epochs=2, progress=listener, workers=1)
    assert len(listener.notes) == 1


def test_what_is_counted_are_steps_and_no_evaluations() -> None:
    counter, population = Counter(), mixed()
    history = population.fit(
        overlapping(), batch_size=BATCH, epochs=3, on=("train", "batch"), progress=counter
    )
    assert isinstance(history, tl.History)
    assert counter.steps == counter.totals[1] > 0
    assert counter.members == counter.totals[0] == len(population)
