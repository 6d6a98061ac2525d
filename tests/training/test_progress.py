"""The bar of a training."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

import trainlab as tl
from counter import Counter
from mixed import BATCH, mixed, overlapping
from trainlab.experiments import EXPERIMENTS
from trainlab.training.progress import Bar


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


@pytest.mark.parametrize("width", [120, 100, 80, 76, 60, 40])
def test_the_bar_is_whole_on_every_terminal(width: int) -> None:
    """Name, what moves and the time left are there, and no line is wider than the terminal."""
    shown, longest = io.StringIO(), max(EXPERIMENTS, key=len)
    with Bar(longest, Console(file=shown, force_terminal=True, width=width)) as bar:
        bar.start(100, 10_000_000)
        bar.advance(45, 4_500_000)
        bar.advance(0, 10)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.getvalue()).replace("\r", "\n").split("\n")
    last = [line for line in lines if line.strip()][-1]
    assert len(last) <= width
    assert last.startswith(longest)
    assert ("45/100 members" if width >= 76 else " 45%") in last
    assert re.search(r" (\d:\d\d:\d\d|-:--:--)$", last.rstrip())


def test_what_is_counted_are_steps_and_no_evaluations() -> None:
    counter, population = Counter(), mixed()
    history = population.fit(
        overlapping(), batch_size=BATCH, epochs=3, on=("train", "batch"), progress=counter
    )
    assert isinstance(history, tl.History)
    assert counter.steps == counter.totals[1] > 0
    assert counter.members == counter.totals[0] == len(population)
