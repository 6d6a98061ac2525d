"""python tools/earlier.py FOLDER: writes a small file of every kind that trainlab keeps.

The tests load what each version of a format wrote, and go on with it: tests/support/earlier has
a folder for each.  Before a format changes, or at a release, run this on the source of that
moment and commit the folder:

    git worktree add /tmp/that-version COMMIT
    PYTHONPATH=/tmp/that-version/src python tools/earlier.py tests/support/earlier/NAME

Only the public interface is used, so that one file serves all versions.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import trainlab as tl

X = np.random.default_rng(0).standard_normal((24, 3))
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
SETTINGS: dict[str, Any] = {"batch_size": 5, "steps": 40, "dtype": "float64", "workers": 1}
"""Of the trainings that stores keep: the tests give the same."""
SEARCH = ("--target", "y", "--trials", "3", "--folds", "2", "--max-iter", "4", "--hidden", "3")


def data() -> Any:
    """Two classes."""
    return tl.from_arrays(X, (X[:, 0] > 0).astype(int), dtype="float64")


def members() -> list[Any]:
    """Two structures with one optimizer each, and a third member beside the first."""
    try:
        deep = tl.MLP((4, 3), norm="batch", dropout=0.25)
    except TypeError:  # versions with two fields
        deep = tl.MLP((4, 3), batch_norm=True, dropout=0.25)
    wide = tl.MLP((5,), activation="gelu", l1=1e-3)
    rate = tl.AdamW(0.01, schedule=tl.WarmUp(then=tl.Cosine()))
    return [tl.Member(wide, rate), tl.Member(deep, tl.Momentum(0.05), 3), tl.Member(wide, rate, 2)]


class CtrlC:
    """A progress that interrupts the training once so many steps are done."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def start(self, members: int, steps: int) -> None:
        """Nothing."""

    def advance(self, members: int, steps: int) -> None:
        """Counts."""
        before, self._left = self._left, self._left - steps
        if before > 0 >= self._left:
            os.kill(os.getpid(), signal.SIGINT)


def write(folder: Path) -> None:
    """Models, and what they predict; a store; the folders of a search and of experiments."""
    folder.mkdir(parents=True)
    expected = {}
    for name, model in models().items():
        tl.save(model, folder / f"{name}.safetensors")
        classifies = hasattr(model, "predict_proba")
        found = model.predict_proba(X) if classifies else model.predict(X)
        expected[name] = np.asarray(found).tolist()
    (folder / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")
    store(folder)
    of_commands(folder)


def models() -> dict[str, Any]:
    """A trained model of every kind that this version has."""
    network, population = tl.Network(members()[1].network, seed=7), tl.Population(members())
    network.fit(data(), **SETTINGS)
    population.fit(data(), keep="state", **SETTINGS)
    how = {"max_iter": 4, "random_state": 0}
    found = {
        "network": network,
        "population": population,
        "classifier": tl.MLPClassifier((4,), n_members=2, **how).fit(X, LABELS),
        "regressor": tl.MLPRegressor((4,), **how).fit(X, X[:, 1]),
    }
    if hasattr(tl, "PopulationEnsembleClassifier"):
        few = {"n_candidates": 6, "max_iter": 4, "random_state": 0, "workers": 1}
        found["ensemble"] = tl.PopulationEnsembleClassifier(**few).fit(X, LABELS)
    return found


def store(folder: Path) -> None:
    """A store with a training that has ended, and one that was interrupted."""
    path = folder / "store"
    tl.Population(members()).fit(data(), store=path, run="ended", keep="state", **SETTINGS)
    population = tl.Population(members())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        population.fit(data(), store=path, run="cut", keep="state", progress=CtrlC(100), **SETTINGS)
    (path / ".runs.lock").unlink()


def of_commands(folder: Path) -> None:
    """What `trainlab search` and `trainlab run` leave, without their pages and pictures."""
    with tempfile.TemporaryDirectory() as place:
        table = folder / "table.csv"
        columns = {**{f"x{i}": X[:, i].round(3) for i in range(3)}, "y": LABELS}
        columns["kind"] = np.array(["red", "", "blue"])[np.arange(len(X)) % 3]
        rows = zip(*columns.values(), strict=True)
        lines = [",".join(map(str, row)) for row in (columns, *rows)]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        call("search", "--csv", str(table), *SEARCH, "--out", f"{place}/search")
        call("run", "tiny-network", "--quick", "--seeds", "2", "--out", f"{place}/experiments")
        for path in sorted(Path(place).rglob("*")):
            kept = ".sqlite" if path.parent.name == "search" else ".json"
            if path.suffix in (".json", ".safetensors", kept):
                target = folder / path.relative_to(place)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def call(*words: str) -> None:
    """A command of this version, if it has it."""
    from trainlab.cli import main

    if words[0] in main.commands:
        main(words, standalone_mode=False)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
