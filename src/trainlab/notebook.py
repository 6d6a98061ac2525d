"""What notebooks show: tables as HTML, and a part of a cell's output that changes.

Everything passes through `escaped`: names of columns and labels come from anywhere.
"""

from __future__ import annotations

import html
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from trainlab.terminal import printable

EVERY: Final = 0.2
"""Seconds between two changes of what a cell shows."""
LONGEST: Final = 200
"""Characters of a text that is shown."""
SHARE: Final = 1 / 20
"""Of the time that showing what goes on may take."""
REST: Final = 3.0
"""Seconds between two pictures of it, at most."""


def escaped(text: object) -> str:
    """A text as HTML shows it: short, and every character visible."""
    shown = str(text)
    cut = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    return html.escape(printable(cut))


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", below: str = ""
) -> str:
    """A small table; the first cell of each row is its name, and there may be no headings.

    >>> table([], [["<b>"]])
    '<table><tbody><tr><th style="text-align: left">&lt;b&gt;</th></tr></tbody></table>'
    """
    head = "".join(f"<th>{escaped(one)}</th>" for one in headings)
    body = []
    for first, *others in rows:
        cells = "".join(f"<td>{escaped(one)}</td>" for one in others)
        body.append(f'<tr><th style="text-align: left">{escaped(first)}</th>{cells}</tr>')
    look = "text-align: left; white-space: nowrap"
    title = f'<caption style="{look}">{escaped(caption)}</caption>' if caption else ""
    note = f"<p>{escaped(below)}</p>" if below else ""
    top = f"<thead><tr>{head}</tr></thead>" if headings else ""
    return f"<table>{title}{top}<tbody>{''.join(body)}</tbody></table>{note}"


def is_running() -> bool:
    """Whether this is a cell of a notebook."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return find is not None and hasattr(find(), "kernel")


class Cell:
    """A part of the output of the cell that runs, which can be changed from any thread."""

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._handle: Any = display(HTML(""), display_id=True)
        self._due = 0.0

    def show(self, content: str) -> None:
        """Shows HTML in place of what was there, unless that was changed a moment ago."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            self._handle.update(self._html(content))

    def clear(self) -> None:
        """Leaves nothing."""
        self._handle.update(self._html(""))


def follow(content: Callable[[], str], is_over: Callable[[], bool]) -> threading.Thread:
    """Shows HTML below the cell that runs, again and again, and a last time when it is over.

    A notebook that is saved keeps what was shown last.
    """
    cell = Cell()

    def work() -> None:
        ended = False
        while not ended:
            ended, start = is_over(), time.monotonic()
            cell.show(content())
            due = time.monotonic() + min((time.monotonic() - start) / SHARE, REST)
            if not ended:
                time.sleep(EVERY)
            while time.monotonic() < due and not (ended or is_over()):
                time.sleep(max(EVERY, 0.01))

    thread = threading.Thread(target=work, name="trainlab-display", daemon=True)
    thread.start()
    return thread
