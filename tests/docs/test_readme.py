"""The README is executed; the lists of commands, experiments and parts in docs are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from documents import ROOT, commands, execute
from trainlab.cli import main
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import LOSSES
from trainlab.network.norms import NORMS
from trainlab.optimizers import OPTIMIZERS
from trainlab.schedules import SCHEDULES

PATH = ROOT / "README.md"
FEATURES = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


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


TABLES = {
    "activations": ACTIVATIONS,
    "norms": NORMS,
    "initializers": INITIALIZERS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
}


@pytest.mark.parametrize("name", TABLES)
def test_the_features_list_what_the_tables_have(name: str) -> None:
    listed = ", ".join(f"`{kind.__name__}`" for kind in TABLES[name].values())
    row = f"| {name} | {listed}"
    assert any(re.match(rf"{re.escape(row)}[ ;]", line) for line in FEATURES.splitlines()), row
