"""The README is executed; the list of commands in docs is complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from documents import ROOT, commands, execute
from trainlab.cli import main

PATH = ROOT / "README.md"


def test_the_examples_run_and_give_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert execute(PATH, names) == 2
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "Adam beats SGD in " in printed


def test_every_command_is_on_the_page_of_commands() -> None:
    page = "docs/command-line.md"
    calls = [words for document, words, _ in commands("trainlab") if document == page]
    shown = {words[0] for words in calls if words}
    assert set(main.commands) <= shown
