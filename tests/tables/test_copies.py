"""Copies of rows on both sides of the rows put aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_command import invoke, write
from trainlab.tables.copies import copies
from trainlab.tables.splits import HoldoutSplit


def told(x: Any, y: Any, aside: int = 100) -> str:
    rows = np.arange(len(x))
    return "".join(copies(x, y, HoldoutSplit(rows[aside:], rows[:aside])))


@pytest.fixture
def drawn(rng: np.random.Generator) -> Any:
    return rng.permutation(np.repeat(np.arange(100), 6))


@pytest.mark.parametrize("kind", ["numbers", "words"])
def test_copies_are_told_however_their_cells_are_kept(
    kind: str, drawn: Any, rng: np.random.Generator
) -> None:
    cells: Any = rng.standard_normal((100, 3))
    cells[::7, 1] = np.nan
    if kind == "words":
        cells = cells.astype(object)
        cells[:, 2] = ["red", None] * 50
    labels = np.array(["yes", "no"])[rng.integers(0, 2, 100)]
    x, y = cells[drawn], labels[drawn]
    known = int(np.isin(drawn[:100], drawn[100:]).sum())
    said = told(x, y)
    assert said.startswith(f"{known} of the 100 rows put aside also stand in the training, cells")
    # Other targets of the same cells are no copies, and single ones are no matter.
    assert told(x, rng.permutation(y)) == ""
    assert told(cells, labels, 20) == ""
    apart = rng.standard_normal((600, 3))
    apart[:4] = apart[100:104]
    assert told(apart, np.arange(600.0) % 100) == ""
    apart[:6] = apart[100:106]
    assert told(apart, np.arange(600.0) % 100).startswith("6 of the 100 rows put aside")


def test_rows_that_are_alike_since_there_are_few_values_are_not_told(
    rng: np.random.Generator,
) -> None:
    """New rows will be like known ones, too, and the score is right."""
    x = rng.integers(0, 3, (600, 3)).astype(float)
    y = np.where(rng.random(600) < 0.1 + 0.4 * x[:, 0], "yes", "no")
    assert told(x, y) == ""
    assert told(x, x.sum(axis=1) + rng.standard_normal(600)) == ""


def test_a_search_tells_them(tmp_path: Path, drawn: Any, rng: np.random.Generator) -> None:
    cells, labels = rng.standard_normal((100, 2)).round(4), rng.integers(0, 2, 100)
    table = write(tmp_path / "t.csv", ["a", "b", "y"], cells[drawn], labels[drawn])
    small = ("--trials", 1, "--rounds", 1, "--max-iter", 1, "--hidden", 3)
    done = invoke("search", "--csv", table, "--target", "y", *small, "--out", tmp_path / "out")
    part = " of the 120 rows put aside also stand in the training, cells and target"
    assert part in done.output.replace("\n", " ")
    for name in ("index.html", "search.json"):
        assert part in (tmp_path / "out" / name).read_text(encoding="utf-8")
