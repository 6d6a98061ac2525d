"""What ends at the command line names options as they are typed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import trainlab as tl
from trainlab.cli import main
from trainlab.cli.typed import as_typed

BAD = ("", "zzz", "-1", "nan", "9" * 30, "y", "\0", "a:b", "lr=zzz", "hidden=a")
"""Words that hardly any option takes."""
BASES = {
    "search": ["--csv", "t.csv", "--target", "y", "--out", "new"],
    "live": ["--no-browser", "--csv", "t.csv", "--target", "y"],
    "predict": ["model", "t.csv"],
    "run": ["derivative"],
    "runs": [],
    "data": [],
    "check": [],
}
SENTENCE = re.compile(r"(.+?) of (.+?) must (.+?)(?:; got (.+?))?(?:; try (.+))?", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table and a model, where nothing is trained and no page is opened."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 7},{'abc'[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["size,kind,y", *rows]), "utf-8")
    network = tl.MLPClassifier((2,), max_iter=1, schedule="cosine")
    tl.save(network.fit([[0.0], [1.0]] * 5, ["no", "yes"] * 5), tmp_path / "model")

    def stop(*_: Any, **__: Any) -> None:
        raise SystemExit(0)

    for room, name in (("tables.study", "study"), ("experiments", "run"), ("live.start", "opened")):
        monkeypatch.setattr(importlib.import_module(f"trainlab.{room}"), name, stop)
    return tmp_path


@pytest.mark.parametrize("name", BASES)
def test_errors_name_options_as_they_are_typed(name: str, folder: Path) -> None:
    command = main.commands[name]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.is_flag]
    names = {one.name for one in options}
    told = 0
    for option in options:
        for bad in BAD:
            words = [name, *BASES[name], option.opts[0], *[bad] * option.nargs]
            result = CliRunner(env={"COLUMNS": "9999"}).invoke(main, words)
            found = SENTENCE.fullmatch(result.output.partition("Error: ")[2].strip())
            if found is None or result.output.startswith("Usage"):
                continue
            what, _, must, _, remedy = found.groups()
            told += 1
            assert what not in names, (words, result.output)
            arguments = re.findall(r"(?<![\w-])(\w+)=", f"{must} {remedy}")
            assert not names & {*arguments}, (words, result.output)
    assert told or not options or name == "runs"


def test_each_kind_of_value_and_what_stays() -> None:
    params = [click.Option([f"--{name}"]) for name in ("hidden", "backend", "store")]
    params += [click.Option(["--fresh"], is_flag=True), click.Option(["--weight-decay", "--alpha"])]
    command = click.Command("do", params=params)
    tried = "hidden=(100, 100), backend='dask', fresh=True, alpha=0.1 or lr=0.1"
    text = f"store of hidden=(1,) must be there with backend='loky'; got 'hidden=3'; try {tried}"
    assert as_typed(text, command) == (
        "--store of hidden=(1,) must be there with --backend loky; got 'hidden=3'; "
        "try --hidden 100,100 --backend dask --fresh --weight-decay 0.1 or lr=0.1"
    )
    assert as_typed("What hidden=3 is no sentence.", command) == "What hidden=3 is no sentence."
    assert as_typed(text, None) == text
    one = as_typed("hidden of it must be widths; try hidden=(30,)", command)
    assert one.endswith("; try --hidden 30")


def test_settings_of_a_stored_run_are_no_option() -> None:
    text = "settings of run 'a' in runs.sqlite must be those that it began with; got others: lr was"
    text += " 0.1, is 0.2; try fresh=True, which starts over, or another folder"
    typed = as_typed(text, main.commands["run"])
    assert typed == text.replace("fresh=True", "--fresh")
