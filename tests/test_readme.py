"""The README is executed; the lists of commands, experiments and parts in docs are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from documents import ROOT, commands, execute
from trainlab.cli import main
from trainlab.experiments import EXPERIMENTS

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
    assert "SGD - Adam: +" in printed


def test_every_command_is_on_the_page_of_commands() -> None:
    page = "docs/command-line.md"
    calls = [words for document, words, _ in commands("trainlab") if document == page]
    shown = {words[0] for words in calls if words}
    assert set(main.commands) <= shown


def test_every_experiment_is_among_the_features() -> None:
    listed = re.search(r"Experiments, along.*?:\n(.*?)\.\n", FEATURES, re.DOTALL)
    assert listed is not None
    assert re.findall(r"`([a-z-]+)`", listed[1]) == list(EXPERIMENTS)


def test_the_catalogue_is_complete() -> None:
    """What the page of features lists: the numbers of kinds in CHANGELOG too."""
    from trainlab.network.activations import ACTIVATIONS
    from trainlab.network.initializers import INITIALIZERS
    from trainlab.network.losses import LOSSES
    from trainlab.optimizers import OPTIMIZERS
    from trainlab.schedules import SCHEDULES

    for kind in OPTIMIZERS.values():
        assert kind.__name__ in FEATURES
    counts = [len(t) for t in (ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES)]
    assert counts == [8, 7, 4, 10, 6], "change the numbers in docs/features.md and CHANGELOG.md too"
