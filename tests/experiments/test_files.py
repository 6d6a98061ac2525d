"""Experiments in files of the user's own: begun, read, run and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import pages
from complaints import complains
from trainlab.cli import main
from trainlab.errors import DataError, SettingError
from trainlab.experiments import Setup, TrainingExperiment, find
from trainlab.experiments.files import begin


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in; modules and folders to import from are as before afterwards."""
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), dict(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        if not name.startswith(("trainlab", "matplotlib", "numpy", "scipy", "sklearn")):
            del sys.modules[name]


def invoke(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, list(words))


def test_a_new_experiment_runs_as_it_is_and_its_page_shows_it(here: Path) -> None:
    result = invoke("new", "experiment", "my-idea")
    assert result.exit_code == 0, result.output
    assert result.output == "my_idea.py is an experiment; to run it: trainlab run my_idea.py\n"
    result = invoke("run", "my_idea.py", "--out", "out", "--workers", "1")
    assert result.exit_code == 0, result.output
    assert "my-idea: as expected" in result.output
    content = json.loads((here / "out" / "my-idea" / "results.json").read_text("utf-8"))
    text, parsed = pages.read(here / "out")
    assert "Not shown: " not in text
    assert content["about"]["claim"] in parsed.text
    assert "ReLU and the logistic function" in parsed.text
    assert "To repeat it: trainlab run my_idea.py --data digits --seeds 10" in parsed.text
    assert "no experiment that this version" not in text
    before = (here / "out" / "index.html").read_bytes()
    (here / "my_idea.py").unlink()  # the page needs the results alone
    assert invoke("report", "out").exit_code == 0
    assert (here / "out" / "index.html").read_bytes() == before


def test_it_may_be_changed_from_the_command_line(here: Path) -> None:
    invoke("new", "experiment", "my-idea")
    words = ["my_idea.py", "--set", "steps=20", "--vary", "lr=0.001,0.1", "--seeds", "3"]
    result = invoke("run", *words, "--out", "out", "--workers", "1")
    assert result.exit_code == 0, result.output
    (folder,) = (here / "out").glob("my-idea-*")
    told = f"{folder.name}: ReLU and the logistic function, changed: steps 20; lr 0.001, 0.1\n"
    assert told in result.output
    _, parsed = pages.read(here / "out")
    assert "Changed: steps 20; lr 0.001, 0.1" in parsed.text
    assert "The claim of the original experiment is not judged here." in parsed.text
    assert "faster with ReLU" not in parsed.text
    again = "trainlab run my_idea.py --set steps=20 --vary lr=0.001,0.1 --data digits --seeds 3"
    assert f"To repeat it: {again}" in parsed.text


def test_the_name_of_an_experiment_leads_to_its_file(here: Path) -> None:
    begin("my-idea", here)
    for name in ("my-idea", "my_idea"):
        assert f"got '{name}'; try my_idea.py" in invoke("run", name).output
    (here / "my_idea.py").unlink()
    assert "got 'my-idea'; try trainlab list" in invoke("run", "my-idea").output
    told = "No such command 'my-idea'. Try main new experiment my-idea"
    assert told in invoke("new", "my-idea").output


def test_names_of_files(here: Path) -> None:
    assert begin("Some_Thing.py", here) == here / "some_thing.py"
    assert 'name="some-thing"' in (here / "some_thing.py").read_text("utf-8")
    assert "trainlab run some_thing.py" in (here / "some_thing.py").read_text("utf-8")
    for name in ("", "a b", "../up", "ü", "-x", "1st"):
        starts = "NAME of a new experiment must be small letters, digits and -"
        complains(lambda name=name: begin(name, here), SettingError, starts)
    starts = "NAME of a new experiment must be that of a file which is not there yet"
    complains(lambda: begin("some-thing", here), SettingError, starts)


def test_a_new_experiment_hides_nothing(here: Path) -> None:
    """Its file stands in front of the modules of that name, for whoever works in the folder."""
    for name in ("random", "numpy", "Dropout", "optimizer_comparison"):
        result = invoke("new", "experiment", name)
        assert (result.exit_code, list(here.iterdir())) == (2, []), name
        spelt = name.lower().replace("_", "-")
        assert result.output.startswith("Error: NAME of a new experiment must "), result.output
        assert f"try my-{spelt}" in result.output


def read(here: Path, text: str, name: str = "own.py") -> TrainingExperiment:
    (here / name).write_text(text, encoding="utf-8")
    (found,) = find([name])
    assert isinstance(found, TrainingExperiment)
    return found


TEXT = """
import dataclasses
from trainlab.experiments import EXPERIMENTS
EXPERIMENT = dataclasses.replace(EXPERIMENTS["dropout"], name="mine")
"""


def test_a_file_is_run_where_its_neighbours_are(here: Path) -> None:
    (here / "beside.py").write_text("NAME = 'besides'\n", encoding="utf-8")
    found = read(here, TEXT + "from beside import NAME\n" + TEXT.replace("'mine'", "NAME"))
    assert (found.name, found.command) == ("mine", ("own.py",))
    folder = here / "a folder"
    folder.mkdir()
    (folder / "own.py").write_text(TEXT.replace("mine", "other"), encoding="utf-8")
    (second,) = find([str(folder / "own.py")])  # another file of that name
    assert second.name == "other"
    assert sys.modules["own"].EXPERIMENT.name == "mine"


def test_a_file_takes_the_place_of_no_module(here: Path) -> None:
    import random

    assert read(here, TEXT, "random.py").name == "mine"
    assert sys.modules["random"] is random


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            TEXT.replace("EXPERIMENT =", "EXPERIMNT ="),
            "EXPERIMENT of own.py must be .*; got None; try EXPERIMENT in the place of EXPERIMNT",
        ),
        (
            TEXT.replace('"mine"', '"mine", equations=(r"x = 1", r"\\rlu(x)")'),
            r"equations of EXPERIMENT of own.py must be TeX, .*rlu.*\(.*Unknown symbol",
        ),
        ("EXPERIMENT = 3", "EXPERIMENT of own.py must be an experiment, .*; got 3; try"),
        (TEXT.replace("mine", "My idea"), "name of EXPERIMENT of own.py must be small letters"),
        ("x = 1\ny = (", r"own.py cannot be run: SyntaxError: .* \(line 2\)"),
        ("x = 1\nx.y\n", r"own.py cannot be run: AttributeError: .*'y' \(line 2\)"),
        ("import sys\nsys.exit('no')\n", r"own.py cannot be run: SystemExit: no \(line 2\)"),
        ("import nothing_there", r"cannot be run: ModuleNotFoundError: .* \(line 1\)$"),
        ("from common.not_there import *", r"ModuleNotFoundError: .*; try trainlab book own\.py$"),
    ],
)
def test_what_no_file_may_hold(text: str, told: str, here: Path) -> None:
    with pytest.raises(DataError, match=told):
        read(here, text)


def test_an_error_in_ones_own_figure_names_its_line(here: Path) -> None:
    invoke("new", "experiment", "mine")
    text = (here / "mine.py").read_text("utf-8").replace("figure=summary(MEASURE)", "figure=draw")
    own = "def draw(found, theme):\n    raise ValueError('one\\ntwo')\n\n\n"
    text = text.replace("EXPERIMENT =", f"{own}EXPERIMENT =")
    (here / "mine.py").write_text(text, "utf-8")
    result = invoke("run", "mine.py", "--quick", "--seeds", "2", "--out", "out", "--workers", "1")
    line = text.splitlines().index("    raise ValueError('one\\ntwo')") + 1
    told = f"Error: mine.py failed: ValueError: one two (line {line})"
    assert (result.exit_code, result.output.splitlines()[-1]) == (2, told)
    assert (here / "out" / "mine" / "results.json").is_file()


def test_what_else_is_refused(here: Path) -> None:
    complains(lambda: find(["absent.py"]), DataError, "FILE.py of run must be a file that")
    with pytest.raises(SettingError, match=r"name of EXPERIMENT of own.py must be another than"):
        read(here, TEXT.replace("mine", "dropout"))
    read(here, TEXT)
    with pytest.raises(SettingError, match="must be another than those"):
        find(["own.py", "own.py"])
    with pytest.raises(SettingError, match=r"must be all, a file\.py or one of derivative"):
        find(["own.pyy"])


def test_the_order_of_samples_is_told_where_it_is_not_that_of_fit(tmp_path: Path) -> None:
    told = begin("mine", tmp_path).read_text("utf-8"), Setup.__doc__ or ""
    for text in told:
        assert "drawn with replacement" in text
        assert "`Population.fit`" in text
