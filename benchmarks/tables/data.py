"""Tables, and the rows of each that are held out: the same for every contestant.

from benchmarks.tables.data import holdouts, load, names

for name in names(folder):  # without a folder: tables that scikit-learn brings
    table = load(name, folder)
    for part in holdouts(table):
        table.X.iloc[part.train], table.y[part.train]
        table.X.iloc[part.test], table.y[part.test]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.model_selection import train_test_split

Task = Literal["classification", "regression"]
Target = NDArray[np.int64] | NDArray[np.float64]

TASKS: Final[tuple[Task, ...]] = ("classification", "regression")
META: Final = "meta.json"
SUFFIX: Final = ".csv.gz"
SHARE: Final = 0.2
HOLDOUTS: Final = 3

BUNDLED: Final[Mapping[str, Callable[..., Any]]] = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
}
"""The tables that scikit-learn brings, smallest first."""
REGRESSIONS: Final = ("diabetes", "california")
CALIFORNIA: Final = "california"
"""Takes part where scikit-learn has downloaded it before; nothing is downloaded here."""


class TablesError(ValueError):
    """A folder, a file or a result that cannot be used."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of N rows.

    X       (N, d): columns of numbers are float64, columns of words are categories; NaN is missing
    y       (N,): numbers of classes, int64, or numbers, float64
    labels  of the classes; empty for a regression
    source  where it comes from
    """

    name: str
    task: Task
    X: pd.DataFrame
    y: Target
    labels: tuple[str, ...] = ()
    source: str = ""

    @property
    def words(self) -> list[str]:
        """The names of the columns of words."""
        return [str(name) for name in self.X.columns if self.X[name].dtype == "category"]


@dataclass(frozen=True, eq=False)
class Holdout:
    """A division of a table: the numbers of the rows to train on, and of those to be scored."""

    number: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def names(folder: Path | None = None) -> tuple[str, ...]:
    """The tables of a folder, or those that scikit-learn brings: smallest first."""
    if folder is not None:
        entries = _meta(folder)
        return tuple(sorted(entries, key=lambda name: (folder / f"{name}{SUFFIX}").stat().st_size))
    try:
        datasets.fetch_california_housing(download_if_missing=False)
    except OSError:
        return tuple(BUNDLED)
    return (*BUNDLED, CALIFORNIA)


def load(name: str, folder: Path | None = None) -> Table:
    """A table by its name; TablesError where there is none, or one that cannot be split."""
    table = _bundled(name) if folder is None else _read(name, folder)
    if table.task == "classification" and np.bincount(table.y).min() < 2:
        rare = table.labels[int(np.bincount(table.y).argmin())]
        raise TablesError(f"{name}: every class needs two rows at least; {rare} has one")
    return table


def holdouts(table: Table, count: int = HOLDOUTS) -> list[Holdout]:
    """Divisions with a fifth of the rows held out, and of each class its share.

    Hold-out i is `train_test_split(…, test_size=0.2, random_state=i)`: it depends on the table
    and on i alone.
    """
    rows = np.arange(len(table.y))
    strata = table.y if table.task == "classification" else None
    found = []
    for number in range(count):
        train, test = train_test_split(rows, test_size=SHARE, random_state=number, stratify=strata)
        found.append(Holdout(number, train, test))
    return found


def digest(table: Table, part: Holdout) -> str:
    """Sixteen digits that change with the cells, the targets, and the rows that are held out."""
    cells = pd.util.hash_pandas_object(table.X, index=False).to_numpy()
    made = hashlib.sha256(cells.tobytes())
    for array in (table.y, part.train, part.test):
        made.update(array.tobytes())
    return made.hexdigest()[:16]


# --- a folder ----------------------------------------------------------------------------


def _meta(folder: Path) -> dict[str, dict[str, Any]]:
    """What meta.json says of each table: its target, its task."""
    path = folder / META
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TablesError(f"{path} must say target and task of each table: {error}") from error
    if not isinstance(entries, dict) or not entries:
        raise TablesError(f"{path} must be an object with an entry for each table")
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("target"), str):
            raise TablesError(f"{path}: {name} must have a target, the name of a column")
        if entry.get("task") not in TASKS:
            raise TablesError(f"{path}: the task of {name} must be one of {', '.join(TASKS)}")
        if not (folder / f"{name}{SUFFIX}").is_file():
            raise TablesError(f"{folder} has no {name}{SUFFIX}, which {META} names")
    return entries


def _read(name: str, folder: Path) -> Table:
    """A CSV file with a header: empty cells are missing, a column without words is of numbers."""
    entries = _meta(folder)
    if name not in entries:
        raise TablesError(f"{folder} has no table {name}; it has {', '.join(entries)}")
    target, task = entries[name]["target"], entries[name]["task"]
    path = folder / f"{name}{SUFFIX}"
    cells = pd.read_csv(path, dtype=str, keep_default_na=False)
    if target not in cells.columns:
        raise TablesError(f"{path} has no column {target}, its target")
    if (cells[target] == "").any():
        raise TablesError(f"{path}: {target}, the target, must have a value in every row")
    columns = cells.drop(columns=target)
    X = pd.DataFrame({column: _column(columns[column]) for column in columns})
    source = str(entries[name].get("source", ""))
    if task == "classification":
        labels, y = np.unique(cells[target].to_numpy(object), return_inverse=True)
        return Table(name, task, X, y.astype(np.int64), tuple(labels), source)
    try:
        numbers = cells[target].to_numpy(object).astype(np.float64)
    except ValueError as error:
        raise TablesError(f"{path}: {target}, the target, must be a number: {error}") from error
    return Table(name, task, X, numbers, (), source)


def _column(cells: pd.Series[str]) -> pd.Series[Any]:
    """Numbers where all cells are; else categories."""
    values = cells.where(cells != "", None).astype(object)
    try:
        return values.astype(np.float64)
    except ValueError:
        return values.astype("category")


# --- what scikit-learn brings ------------------------------------------------------------


def _bundled(name: str) -> Table:
    """A table of scikit-learn's, all of numbers."""
    if name == CALIFORNIA:
        found = datasets.fetch_california_housing(download_if_missing=False, as_frame=True)
    elif name in BUNDLED:
        found = BUNDLED[name](as_frame=True)
    else:
        raise TablesError(f"there is no table {name}; there are {', '.join(names())}")
    X = found.data.astype(np.float64)
    if name in REGRESSIONS:
        return Table(name, "regression", X, found.target.to_numpy(np.float64), (), "scikit-learn")
    labels = tuple(str(label) for label in found.target_names)
    y = found.target.to_numpy(np.int64)
    return Table(name, "classification", X, y, labels, "scikit-learn")
