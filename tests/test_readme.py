"""The README is executed, and what the documents name exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from trainlab.cli import main
from trainlab.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return [code for kind, code in FENCE.findall(text) if kind == language]


def commands(program: str) -> list[tuple[str, list[str]]]:
    """(document, words) of every call of a program, in shell blocks and in code spans."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
        lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
        for line in lines:
            words = shlex.split(line, comments=True) if program in line else []
            if words and words[0].removeprefix(".venv/bin/") == program:
                found.append((path.name, words[1:]))
    return found


def test_the_examples_run_and_give_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    shapes = {}
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own file
        for shown in re.findall(r"^(\S.*?)  # array (\(.*?\))", block, re.MULTILINE):
            shapes[shown[0]] = ast.literal_eval(shown[1])
            assert eval(shown[0], names).shape == shapes[shown[0]]  # noqa: S307 - our own file
        for code, values in re.findall(r"^(\S.*?)  # array\((\[.*?\])\)", block, re.MULTILINE):
            found = eval(code, names)  # noqa: S307 - our own file
            np.testing.assert_allclose(found, ast.literal_eval(values), rtol=1e-9)
        for code, least in re.findall(r"^(\S.*?)  # above ([\d.]+)", block, re.MULTILINE):
            assert eval(code, names) > float(least)  # noqa: S307 - our own file
    assert len(shapes) == 2
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "SGD - Adam: +" in printed
    assert "passed" in printed


@pytest.mark.parametrize(("document", "words"), commands("trainlab"))
def test_commands_exist(document: str, words: list[str]) -> None:
    context = click.Context(main)
    command: click.Command = main
    if words and not words[0].startswith("-"):
        found = main.get_command(context, words.pop(0))
        assert found is not None, f"{document}: no such command"
        command = found
    known = {option for p in command.get_params(context) for option in (*p.opts, "--help")}
    assert {word for word in words if word.startswith("--")} <= known
    if command.name == "run":
        named = [word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)+|all", word)]
        assert set(named) <= {*EXPERIMENTS, "all"}


def test_every_command_is_in_the_readme() -> None:
    shown = {
        words[0] for document, words in commands("trainlab") if document == "README.md" and words
    }
    assert set(main.commands) <= shown


@pytest.mark.parametrize(("document", "words"), commands("make"))
def test_targets_of_make_exist(document: str, words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in words:
        if "=" not in target:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: make {target}"


def test_every_experiment_is_in_the_readme() -> None:
    listed = re.search(r"Eight experiments,.*?:\n(.*?)\.\n", README, re.DOTALL)
    assert listed is not None
    assert re.findall(r"`([a-z-]+)`", listed[1]) == list(EXPERIMENTS)
    assert len(EXPERIMENTS) == 8


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)", text)
    paths = re.findall(r"`((?:src|tests|docs|benchmarks|tools)/[\w./]+)`", text)
    for target in links:
        assert (path.parent / target).exists(), target
    for target in paths:
        assert (ROOT / target).exists(), target


def test_the_catalogue_is_complete() -> None:
    """What README says is inside: the numbers of kinds in CHANGELOG too."""
    from trainlab.network.activations import ACTIVATIONS
    from trainlab.network.initializers import INITIALIZERS
    from trainlab.network.losses import LOSSES
    from trainlab.optimizers import OPTIMIZERS
    from trainlab.schedules import SCHEDULES

    for kind in OPTIMIZERS.values():
        assert kind.__name__ in README
    counts = [len(t) for t in (ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES)]
    assert counts == [8, 7, 4, 10, 6], "change the numbers in README.md and CHANGELOG.md too"
