"""Progress of a training: what it reports to, and the bar for a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Final, Protocol, Self, runtime_checkable

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column

from trainlab.errors import SettingError, sentence
from trainlab.terminal import printable

_WIDE: Final = 100
_MIDDLE: Final = 76
"""Columns of a terminal, with room for the longest name of an experiment."""


@runtime_checkable
class Progress(Protocol):
    """What `fit(progress=...)` tells of work done: any object with these two methods.

    They are called by one thread at a time, of those that train.
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
            How many more member-steps have been done or dropped.
        """


class Bar:
    """A bar with members done, member-steps per second and time left, on standard error.

    Nothing is drawn where standard error is not a terminal.  On a narrow one the name, the
    share that is done and the time left stay.
    """

    def __init__(self, name: str = "training", console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        whole = TextColumn("{task.description}", markup=False)
        words, left = TextColumn("{task.fields[words]}"), TimeRemainingColumn()
        columns: list[ProgressColumn]
        if console.width >= _WIDE:
            columns = [whole, BarColumn(bar_width=24), words, TimeElapsedColumn(), left]
        elif console.width >= _MIDDLE:
            columns = [whole, BarColumn(bar_width=8), words, left]
        else:
            most = max(1, console.width - len(" 100% -:--:--"))
            short = Column(no_wrap=True, overflow="ellipsis", max_width=most)
            whole = TextColumn("{task.description}", markup=False, table_column=short)
            columns = [whole, TextColumn("{task.percentage:>3.0f}%"), left]
        self._progress = RichProgress(
            *columns,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        # Without a total the bar pulses: something goes on, and for so long.
        self._task = self._progress.add_task(printable(name), total=None, words="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._progress.disable:  # rich before 15 ends a bar that it never drew with a line
            self._progress.stop()

    def start(self, members: int, steps: int) -> None:
        """Sets the totals and begins at nothing, also for a next stage of the same experiment."""
        self._done, self._members = 0, members
        self._progress.reset(self._task, total=steps, words=self._words(None))

    def advance(self, members: int, steps: int) -> None:
        """Moves the bar on."""
        self._done += members
        speed = self._progress.tasks[self._task].speed
        self._progress.update(self._task, advance=steps, words=self._words(speed))

    def _words(self, speed: float | None) -> str:
        rate = f"{speed:,.0f}" if speed else "–"
        return f"{self._done}/{self._members} members, {rate} steps/s"


def shown(progress: Any) -> AbstractContextManager[Progress | None]:
    """What a training reports to: True means a bar, False nothing."""
    if not isinstance(progress, (bool, Progress)):
        must = "be True, False or a Progress"
        raise SettingError(sentence("progress", "fit", must, progress, "progress=True"))
    return Bar() if progress is True else nullcontext(progress or None)
