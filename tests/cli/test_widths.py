"""At 80 and at 40 columns nothing is cut, and lines break between words."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from trainlab import cli
from trainlab.cli import group, screen

WIDTHS = (120, 80, 60, 40)


def invoke(*words: str, width: int) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(cli.main, list(words))


def commands(found: click.Command = cli.main, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, those of groups included."""
    yield words
    if isinstance(found, click.Group):
        for name, one in found.commands.items():
            yield from commands(one, *words, name)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_is_whole(words: tuple[str, ...], width: int) -> None:
    result = invoke(*words, "--help", width=width)
    assert result.exit_code == 0
    assert max(map(len, map(str.rstrip, result.output.splitlines()))) <= width
    assert "..." not in re.sub(r"\w\.\.\.|\[\w+\]\.\.\.", "", result.output)  # NAME... is meant
    said = " ".join(result.output.split())
    said += said.replace("- ", "-")  # a line may end in a hyphen
    for one in re.findall(r"\S+", " ".join(invoke(*words, "--help", width=300).output.split())):
        assert one in said  # no word was broken


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_is_terminal", lambda stream: True)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [
        ["run", "derivatives"],
        ["run", "derivative", "--data", "mnits"],
        ["check", "--hidden", "3", "--activation", "rleu"],
        ["runs", "nowhere"],
        ["serach"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("on_a_terminal")
def test_errors_break_between_words(words: list[str], width: int) -> None:
    result = invoke(*words, width=width)
    assert result.exit_code == 2
    message = result.output[result.output.index("Error: ") :]
    lines = message.splitlines()
    assert all(len(line) <= width or " " not in line for line in lines)
    assert len(lines) > 1 or len(message) <= width + 1
    whole = invoke(*words, width=10_000).output.splitlines()[-1]
    assert " ".join(lines) == whole


def test_what_goes_to_a_file_has_no_line_breaks_of_ours() -> None:
    result = invoke("run", "derivatives", width=40)
    assert len(result.output.splitlines()) == 1


@pytest.mark.usefixtures("on_a_terminal")
def test_what_may_be_copied_stays_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    command = "trainlab run 'a folder with a long name/my_experiment.py'"
    screen.say("To continue:", whole=command)
    screen.say("To continue:", whole="trainlab run all")
    screen.say("A sentence that is a little longer than a line, to go on:", whole="trainlab")
    assert capsys.readouterr().out.splitlines() == [
        "To continue:",
        command,
        "To continue: trainlab run all",
        "A sentence that is a little longer than",
        "a line, to go on: trainlab",
    ]
    screen.say("")
    assert capsys.readouterr().out == "\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_tables_are_whole(width: int, tmp_path: Path) -> None:
    words = ["optimizer-comparison", "--set", "steps=10", "--vary", "optimizer=sgd,adam"]
    result = invoke("run", *words, "--seeds", "2", "--out", str(tmp_path), width=width)
    assert result.exit_code == 0
    (name,) = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    for found in (result.stdout, invoke("list", width=width).output):
        assert "…" not in found
        table = [line for line in found.splitlines() if not line.startswith(("Page", name))]
        assert max(map(len, table)) <= width
    letters = re.sub(r"[│┃\s]", "", result.stdout)
    assert name in letters  # perhaps on two lines


def test_a_line_for_each_epoch_on_request(tmp_path: Path) -> None:
    words = ["run", "optimizer-comparison", "--set", "steps=50", "--vary", "lr=0.1"]
    words += ["--seeds", "2", "--workers", "1", "--out", str(tmp_path)]
    quiet = invoke(*words, width=80)
    told = invoke(*words, "--fresh", "--verbose", width=80)
    assert (quiet.exit_code, told.exit_code) == (0, 0)
    assert "epoch" not in quiet.stderr
    lines = [line for line in told.stderr.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 50 // 22  # an epoch of the digits has 22 batches of 64
    assert re.fullmatch(r"epoch 1 of 2\.27: 2 members, medians: loss \d\.\d+", lines[0])
    assert not logging.getLogger("trainlab").handlers
    assert logging.getLogger("trainlab").level == logging.NOTSET


def test_the_command_to_go_on_with_has_every_word(tmp_path: Path) -> None:
    words = [
        "run",
        "x.py",
        "--set",
        "lr=1",
        "--set",
        "steps=3",
        "--better",
        "a b",
        "c",
        "--verbose",
    ]
    with group.main.make_context("trainlab", words) as outer:
        name, command, rest = group.main.resolve_command(outer, words)
        assert command is not None
        with command.make_context(name, rest, outer) as inner:
            found = group.given(inner, "x.py")
    assert found == ["trainlab", *words[:2], *words[2:]]
