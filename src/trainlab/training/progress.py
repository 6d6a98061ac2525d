"""Progress of a training: what it reports to, and the bar for a terminal."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, Self, runtime_checkable

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from trainlab.notebook import Cell, escaped, is_running
from trainlab.terminal import printable

_WIDE: Final = 100
_MIDDLE: Final = 60
"""Columns of a terminal from which on there are a bar and the time so far, and a short bar."""
_NARROW: Final = 27
"""Columns beside a name in which there is room for words: a share, a round and the time left."""


@runtime_checkable
class Progress(Protocol):
    """What `fit(progress=...)` tells of work done: any object with these two methods.

    They are called by one thread at a time, of those that train.  An object that has a method
    `note(text)` too is told, now and then, how well it goes: "median loss 0.31".  One that has
    `skip(members, steps)` is told by it, and not by `advance`, of what takes no time now: what a
    store had already, and the steps that members do not do because they have diverged, say.
    """

    def start(self, members: int, steps: int) -> None:
        """Begin with a population.

        Parameters
        ----------
        members : int
            How many members there are.
        steps : int
            Member-steps in all.
        """

    def advance(self, members: int, steps: int) -> None:
        """Take note of work that is done.

        Parameters
        ----------
        members : int
            How many more members have ended.
        steps : int
            How many more member-steps have been done, or are skipped.
        """


class Tally:
    """The counts behind a bar, in as many words as there is room for.

    stage  how often a training has begun
    part   what of the whole is done now, as "fold 1 of 5"; "" where nobody says so
    best   the best so far, as "best 0.931"; "" where nobody says so
    """

    def __init__(self) -> None:
        self.stage = self.members = self.ended = self.steps = self.skipped = self.total = 0
        self.note, self.part, self.best, self.rate = "", "", "", 0.0
        self._began = time.monotonic()

    def start(self, members: int, steps: int) -> None:
        """So many members begin, with so many member-steps in all."""
        self.stage += 1
        self.members, self.total = members, steps
        self.ended = self.steps = self.skipped = 0
        self.note, self._began = "", time.monotonic()

    def advance(self, members: int, steps: int) -> None:
        """So many more have ended, so many more member-steps are done."""
        self.ended += members
        self.steps += steps

    def skip(self, members: int, steps: int) -> None:
        """The same of what took no time."""
        self.advance(members, steps)
        self.skipped += steps

    @property
    def share(self) -> float:
        """What is done of the whole."""
        return self.steps / self.total if self.total else 0.0

    def words(self, room: int) -> str:
        """As many words as fit into so many columns.

        First what of the whole is done, if somebody says so, then what moves fastest.
        """
        if not self.stage:
            return ""
        found = [one for one in (self.part, self.best, self.note) if one]
        if self.members > 1:
            found.append(f"{self.ended}/{self.members} members")
        else:
            found.append(f"step {self.steps:,}/{self.total:,}")
        found += [f"training {self.stage}"] if self.stage > 1 and not self.part else []
        if self.rate:
            found.append(f"{self.rate:,.0f} steps/s")
        while found and len(", ".join(found)) > room:
            found.pop()
        return ", ".join(found)

    def html(self, name: str) -> str:
        """What a notebook shows."""
        seconds = time.monotonic() - self._began
        done = self.steps - self.skipped
        left = seconds * (self.total - self.steps) / done if done else 0.0
        minutes, rest = divmod(round(left), 60)
        words = f"{self.share:.0%}, {self.words(_WIDE)}, {minutes}:{rest:02} left"
        bar = f'<progress max="1" value="{self.share:.3f}"></progress>'
        return f"<div>{escaped(name)} {bar} {escaped(words)}</div>"


class _Share(TextColumn):
    """The share that is done; nothing while that is not known."""

    def __init__(self) -> None:
        super().__init__("{task.percentage:>3.0f}%")

    def render(self, task: Task) -> Text:
        """The text of the column."""
        return super().render(task) if task.total is not None else Text(" " * 4)


class Bar:
    """A bar with the loss, members done, steps per second and time left.

    It is drawn on standard error where that is a terminal, and below the cell of a notebook.  On a
    narrow terminal the name, the share that is done and the time left stay.
    """

    def __init__(self, name: str = "training", console: Console | None = None) -> None:
        given, console = console, console or Console(stderr=True)
        self._tally, self._name = Tally(), printable(name)
        percent, left = (_Share(), 4), (TimeRemainingColumn(), 8)
        words = TextColumn("{task.fields[words]}", table_column=Column(no_wrap=True)), 0
        columns: list[tuple[ProgressColumn, int]] = [percent, left]  # and how wide they are
        if console.width >= _WIDE:
            elapsed = TimeElapsedColumn(), 7
            columns = [(BarColumn(bar_width=16), 16), percent, words, elapsed, left]
        elif console.width >= _MIDDLE:
            columns = [(BarColumn(bar_width=8), 8), percent, words, left]
        elif console.width >= cell_len(self._name) + _NARROW:
            columns = [percent, words, left]
        taken = sum(1 + width for _, width in columns)
        short = Column(no_wrap=True, overflow="ellipsis", max_width=max(1, console.width - taken))
        self._room = console.width - taken - cell_len(self._name)
        self._progress = RichProgress(
            TextColumn("{task.description}", markup=False, table_column=short),
            *(column for column, _ in columns),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._cell = Cell() if given is None and is_running() else None
        # Without a total the bar pulses: something goes on, and for so long.
        self._task = self._progress.add_task(self._name, total=None, words="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._progress.disable:  # rich before 15 ends a bar that it never drew with a line
            self._progress.stop()
        if self._cell is not None:
            self._cell.clear()

    def start(self, members: int, steps: int) -> None:
        """Sets the totals and begins at nothing, also for a next stage of the same experiment."""
        self._tally.start(members, steps)
        self._progress.reset(self._task, total=steps, words=self._words())

    def advance(self, members: int, steps: int) -> None:
        """Moves the bar on."""
        self._tally.advance(members, steps)
        task = self._progress.tasks[self._task]
        self._tally.rate = task.speed or 0.0
        if not members and not steps:  # what is done has no steps: the bar pulses again
            task.total = task.finished_time = None
            self._tally.rate = 0.0
        self._show(advance=steps)

    def skip(self, members: int, steps: int) -> None:
        """Moves the bar on, but the speed and the time left are of what is done now."""
        self._tally.skip(members, steps)
        self._progress.tasks[self._task].completed += steps
        self._show()

    def note(self, text: str) -> None:
        """Says how well it goes."""
        self._tally.note = text

    def part(self, text: str) -> None:
        """Says what of the whole comes next, in place of how many trainings there were."""
        self._tally.part = text

    def best(self, value: float) -> None:
        """Says how good the best is so far; nothing where there is no number."""
        self._tally.best = f"best {value:.3g}".replace("-", "−") if math.isfinite(value) else ""

    def _show(self, advance: int = 0) -> None:
        self._progress.update(self._task, advance=advance, words=self._words())
        if self._cell is not None:
            self._cell.show(self._tally.html(self._name))

    def _words(self) -> str:
        return self._tally.words(self._room)


def shown(progress: bool | Progress) -> AbstractContextManager[Progress | None]:
    """What a training reports to: True means a bar, False nothing."""
    return Bar() if progress is True else nullcontext(progress or None)
