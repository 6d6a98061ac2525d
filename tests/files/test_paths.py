"""Paths: every door that takes one refuses what is none, in the same words, and makes nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import trainlab as tl
from complaints import complains
from trainlab.book.simple_convnet import SimpleConvNet
from trainlab.cli import main
from trainlab.data import fetch_mnist, find_mnist, read_idx
from trainlab.data.table import read_table
from trainlab.errors import SettingError, TrainlabError
from trainlab.experiments import run
from trainlab.experiments.runner import Options
from trainlab.files import as_path
from trainlab.models.scoring import score
from trainlab.report.page import build
from trainlab.store import Store, listed
from trainlab.tables.problem import problem

DATA = tl.from_arrays(np.eye(4), [0, 1, 0, 1])
NETWORK = tl.Network(tl.MLP(hidden=(2,)), tl.SGD(0.1))
NETWORK.fit(DATA, steps=1, workers=1)


class Bytes:
    def __fspath__(self) -> bytes:
        return b"path"


class Number:
    def __fspath__(self) -> Any:
        return 3


WRONG = {
    "number": 5,
    "bytes": b"path",
    "path of bytes": Bytes(),
    "path of a number": Number(),
    "list": ["path"],
    "array": np.array(["path"]),
    "empty": "",
    "null": "a\0b",
    "surrogate": "\ud800",
}

# Those that write a file.
WRITING: dict[str, Callable[[str], Any]] = {
    "save": lambda path: tl.save(NETWORK, path),
    "export_onnx": lambda path: tl.export_onnx(NETWORK, path),
    "save_params": lambda path: SimpleConvNet().save_params(path),
}

# Those that have None for a default, and mean something by it.
OPTIONAL: dict[str, Callable[[Any], Any]] = {
    "fit": lambda path: NETWORK.fit(DATA, steps=1, workers=1, store=path),
    "load_mnist": lambda path: tl.load_mnist(path),
    "find_mnist": find_mnist,
    "fetch_mnist": fetch_mnist,
    "Options": lambda path: Options(data_dir=path),
}
REQUIRED: dict[str, Callable[[Any], Any]] = {
    "save": lambda path: tl.save(NETWORK, path),
    "load": tl.load,
    "export_onnx": lambda path: tl.export_onnx(NETWORK, path),
    "score": lambda path: score(NETWORK, path),
    "read_idx": read_idx,
    "read_table": read_table,
    "problem": lambda path: problem(path, "target"),
    "Store": Store,
    "listed": listed,
    "run": lambda path: run([], path),
    "build": build,
    "save_params": lambda path: SimpleConvNet().save_params(path),
    "load_params": lambda path: SimpleConvNet().load_params(path),
}
DOORS = REQUIRED | OPTIONAL
# These do not look for what is at the path, or pass on what the system says of it.
LATE = {"Options", "run", "build", "load_params", "save_params"}
MAKES_FOLDERS = {"Store", "fit", "fetch_mnist"}


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_path(
    door: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if door == "export_onnx":
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    complains(lambda: DOORS[door](value), SettingError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("door", REQUIRED)
def test_none_is_no_path(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test_what_is_no_path(door, None, tmp_path, monkeypatch)


@pytest.mark.parametrize("missing", ["folder", "in a file", "in no folder", "long", "loop"])
@pytest.mark.parametrize("door", sorted({*DOORS} - LATE))
def test_paths_that_lead_nowhere(door: str, missing: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    path = {
        "in a file": tmp_path / "file" / "name",
        "in no folder": tmp_path / "none" / "name",
        "long": tmp_path / ("n" * 5000),
    }.get(missing, tmp_path / missing)
    if missing == "folder" and door in ("Store", "fit", "fetch_mnist", "load_mnist", "find_mnist"):
        return  # where it is what they ask for
    if missing == "in no folder" and door in MAKES_FOLDERS:
        return
    if door == "export_onnx":
        pytest.importorskip("onnx")
    with pytest.raises(TrainlabError, match=r"must .*; got |could not be written"):
        DOORS[door](path)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "loop"]


@pytest.mark.parametrize("door", [*DOORS, "ensemble", "search"])
def test_names_that_are_too_long_are_said_at_once(
    door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the door itself, before anything is computed."""
    monkeypatch.chdir(tmp_path)
    settings: Any = {"random_state": 0, "store": "n" * 300}
    network = tl.MLPClassifier(random_state=0)
    others: dict[str, Callable[[Any], Any]] = {
        "ensemble": lambda _: tl.PopulationEnsembleClassifier(**settings).fit(
            np.eye(4), [0, 1, 0, 1]
        ),
        "search": lambda _: tl.PopulationSearchCV(network, {"alpha": [1]}, cv=2, **settings).fit(
            np.eye(4), [0, 1, 0, 1]
        ),
    }
    if door == "export_onnx":
        pytest.importorskip("onnx")
    with pytest.raises(SettingError, match=r", not too long for the file system; got 'nnn.*; try"):
        (DOORS | others)[door]("n" * 300)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        "data --data-dir=",
        "data --data-dir=~nosuchuser",
        "data --fetch --data-dir=~nosuchuser",
        "run tiny-network --out=",
        "run tiny-network --data mnist --data-dir=~nosuchuser",
        "search table.csv --target t --out=",
        "predict '' table.csv",
        "predict model ''",
        "predict model table.csv --out=",
        "report ''",
        "runs ''",
    ],
)
def test_the_command_line(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAINLAB_DATA", raising=False)
    outcome = CliRunner().invoke(main, shlex.split(words))
    assert outcome.exit_code == 2, outcome.output
    assert "must be" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_path("~/data", "path", "a test", home=True) == tmp_path / "data"
    assert as_path("~/data", "path", "a test") == Path("~/data")  # a name as any other
    must = "data_dir of MNIST must begin with the home of a user who exists; got '~nosuchuser'"
    complains(lambda: tl.load_mnist("~nosuchuser"), SettingError, must)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="a pipe would show a path that lost its slash"
)
@pytest.mark.parametrize("end", ["/", "//", "/."])
@pytest.mark.parametrize("door", WRITING)
def test_a_slash_at_the_end_of_a_file_is_an_error(door: str, end: str, tmp_path: Path) -> None:
    """Without it the path would be that of the pipe, and the call would wait for a reader."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (f"{pipe}{end}", f"{tmp_path / 'new'}{end}", f"{tmp_path}{end}"):
        told = rf" of {door} must be the path of a file, without a slash at its end; got '"
        with pytest.raises(SettingError, match=told):
            WRITING[door](path)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_slash_at_the_end_of_out_is_an_error(tmp_path: Path) -> None:
    model, table = tmp_path / "model", tmp_path / "table.csv"
    tl.save(NETWORK, model)
    table.write_text("a,b,c,d\n1,0,0,0\n")
    words = ["predict", str(model), str(table), "--out", f"{tmp_path / 'new.csv'}/"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "Error: --out of predict must be the path of a file" in result.output
    assert not (tmp_path / "new.csv").exists()
