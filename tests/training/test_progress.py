"""The bar of a training."""

from __future__ import annotations

import io

from rich.console import Console

import trainlab as tl
from counter import Counter
from mixed import BATCH, mixed, overlapping
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


def test_what_is_counted_are_steps_and_no_evaluations() -> None:
    counter, population = Counter(), mixed()
    history = population.fit(
        overlapping(), batch_size=BATCH, epochs=3, on=("train", "batch"), progress=counter
    )
    assert isinstance(history, tl.History)
    assert counter.steps == counter.totals[1] > 0
    assert counter.members == counter.totals[0] == len(population)
