"""Columns that decide the target alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_command import write
from trainlab.tables.deciding import deciding
from trainlab.tables.problem import problem

ROWS = 200


def told(cells: Any, y: Any, numbers: bool) -> bool:
    x = np.array([[one, n % 7] for n, one in enumerate(cells)], float if numbers else object)
    said = deciding(x, ["code", "other"], [numbers, True], y, "y")
    assert all(one.startswith("'code' alone decides 'y' in all rows") for one in said)
    return bool(said)


def test_copies_of_classes_are_told(rng: np.random.Generator) -> None:
    y = np.where(rng.random(ROWS) < 0.3, "yes", "no")
    names = {"yes": ["J", "j", "Y"], "no": ["N", None]}
    words: Any = [str(rng.choice(names[one][:1])) for one in y]
    assert told(words, y, False)
    assert told([names[one][n % len(names[one])] for n, one in enumerate(y)], y, False)
    assert told([7.0 if one == "yes" else np.nan for one in y], y, True)
    # A date that is there after the event alone.
    assert told([f"2024-01-{n}" if one == "yes" else None for n, one in enumerate(y)], y, False)
    words[int(np.flatnonzero(y == "yes")[0])] = "N"
    assert not told(words, y, False)
    assert not told([f"name {n}" for n in range(ROWS)], y, False)
    assert not told(rng.standard_normal(ROWS), y, True)
    change = rng.standard_normal(ROWS)
    assert told(change, np.where(change > 0.5, "up", "down"), True)
    assert told(-change, np.where(change > 0.5, "up", "down"), True)
    assert not told(change, np.where(change + rng.normal(0, 0.2, ROWS) > 0.5, "up", "down"), True)
    assert not told(change, np.digitize(change, [-0.5, 0.5]).astype(str), True)
    rare = np.array(["no"] * (ROWS - 2) + ["yes"] * 2)
    assert not told(rng.choice(["a", "b"], ROWS), rare, False)


def test_copies_of_amounts_are_told(rng: np.random.Generator) -> None:
    y = rng.lognormal(0, 2, ROWS)
    assert told(-1.2 * y + 3, y, True)
    assert told(y**3, y, True)
    assert not told(y * rng.normal(1, 0.1, ROWS), y, True)
    price = np.array([1.5, 4.0, 9.0])[np.arange(ROWS) % 3]
    assert told(["small", "middle", "large"] * 66 + ["small", "middle"], price, False)
    assert not told(["small", "large"] * 100, price, False)


def test_a_table_says_so(tmp_path: Path) -> None:
    rows = [[n % 5, "J" if n % 3 else "N", "yes" if n % 3 else "no"] for n in range(60)]
    found = problem(write(tmp_path / "t.csv", ["x", "code", "y"], rows), "y")
    assert [one for one in found.warnings if "'code' alone decides 'y'" in one]
    alone = problem(write(tmp_path / "s.csv", ["code", "y"], [row[1:] for row in rows]), "y")
    assert alone.warnings == ()


def test_whole_numbers_that_are_rare_may_be_amounts(tmp_path: Path) -> None:
    rows = [[n % 5, min(n, 8)] for n in range(60)]
    with pytest.raises(Exception, match="--drop-rare-classes 8, or --task regression, if these"):
        problem(write(tmp_path / "t.csv", ["x", "y"], rows + [[1, 9]] * 12), "y", folds=5)
    words = [[n % 5, f"w{min(n, 8)}"] for n in range(60)]
    with pytest.raises(Exception, match="--drop-rare-classes 8, or more rows"):
        problem(write(tmp_path / "w.csv", ["x", "y"], words + [[1, "w9"]] * 12), "y", folds=5)
