"""`trainlab search` as tests call it, and cut it off."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from trainlab import cli
from trainlab.store import Run

ENTRIES = {"index.html", "model.safetensors", "runs.sqlite", "search.json"}


def invoke(*words: Any) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli.main, list(map(str, words)))


def write(path: Path, names: list[str], rows: Any, last: Any = None) -> Path:
    """A table of rows, with a last column if there is one."""
    if last is not None:
        rows = [[*row, end] for row, end in zip(rows.tolist(), last.tolist(), strict=True)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def cut_after(saves: int, patch: pytest.MonkeyPatch) -> None:
    """Lets so many transactions pass, and presses Ctrl-C before the next."""
    right, count = Run.save, itertools.count()

    def save(self: Run, *given: Any) -> None:
        if next(count) >= saves:
            raise KeyboardInterrupt
        right(self, *given)

    patch.setattr(Run, "save", save)
