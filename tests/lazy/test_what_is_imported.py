"""A program waits for what it uses: packages import a name when it is first asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trainlab as tl
from search_command import write

PRINTED = "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
SLOW = {"dask", "distributed", "jinja2", "matplotlib", "numpy", "optuna", "pandas", "rich", "scipy"}
SLOW |= {"requests", "safetensors", "sklearn"}
MOST_FILES = 189
"""Of trainlab, for a search of a table."""


def imported(script: str, *arguments: Any) -> set[str]:
    """The modules that a script has imported."""
    command = [sys.executable, "-c", f"import json, sys\n{script}\n{PRINTED}"]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


COMMAND = """
from trainlab.cli import main
main(sys.argv[1:], standalone_mode=False)
"""


@pytest.mark.parametrize(
    ("script", "arguments"),
    [("import trainlab", ()), ("import trainlab; dir(trainlab.data)", ()), (COMMAND, ("--help",))],
    ids=["import", "a room", "--help"],
)
def test_what_is_not_used_is_not_imported(script: str, arguments: tuple[str, ...]) -> None:
    assert not {one.partition(".")[0] for one in imported(script, *arguments)} & SLOW


def test_a_population_needs_neither_estimators_nor_figures() -> None:
    script = "import trainlab as tl; tl.Population.grid(seed=range(2))"
    found = {one.partition(".")[0] for one in imported(script)}
    assert found & SLOW == {"numpy", "rich", "scipy"}


EXPORT = """
import trainlab as tl
data = tl.from_arrays([[0.0], [1.0]], [0, 1])
for model in (tl.Network(), tl.Population.grid()):
    model.fit(data, steps=1)
    tl.export_onnx(model, sys.argv[1])
"""


def test_a_model_that_was_never_saved_can_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    imported(EXPORT, tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size > 0


def test_a_search_of_a_table_needs_no_experiments(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [(*one, "xyz"[i % 3], "pq"[i % 2]) for i, one in enumerate(rng.random((60, 2)))]
    table = write(tmp_path / "table.csv", ["a", "b", "c", "y"], rows)
    quick = ["--trials", 2, "--rounds", 1, "--folds", 2, "--max-iter", 2, "--workers", 1]
    given = ["--csv", table, "--target", "y", "--out", tmp_path / "out"]
    found = imported(COMMAND, "search", *given, *quick)
    own = sorted(one for one in found if one.partition(".")[0] == "trainlab")
    rooms = {one.split(".")[1] for one in own if "." in one}
    assert {"tables", "search", "pages"} <= rooms
    assert not rooms & {"book", "differentiation", "ensembles", "experiments", "report"}, own
    assert len(own) <= MOST_FILES, "\n".join(own)


def test_what_is_exported_is_there() -> None:
    everything: dict[str, Any] = {}
    exec("from trainlab import *", everything)  # noqa: S102  # as users write it
    assert set(tl.__all__) == everything.keys() - {"__builtins__"}
    assert set(tl.__all__) <= set(dir(tl))
    for room in (tl.data, tl.evidence, tl.models, tl.plots):
        assert all(getattr(room, name) is not None for name in room.__all__)
        assert set(room.__all__) <= set(dir(room))
    assert tl.datasets is tl.data
    assert tl.activations.ReLU is tl.ReLU
    assert tl.search.PopulationSearchCV is tl.PopulationSearchCV
    with pytest.raises(AttributeError, match="module 'trainlab' has no attribute 'Nothing'"):
        tl.Nothing  # noqa: B018  # to ask is to fail
    with pytest.raises(ImportError, match="cannot import name 'Nothing' from 'trainlab'"):
        exec("from trainlab import Nothing", {})  # noqa: S102  # as users write it
