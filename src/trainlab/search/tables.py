"""A table in a CSV file as something to learn: features, a target, and rows put aside for the end.

Order: what is read, the target, the rows that are put aside.
Axis letters: N rows, d features.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from trainlab.data.table import TableFile, is_missing, number, read_table
from trainlab.errors import DataError, SettingError, sentence
from trainlab.files import as_path
from trainlab.network.workspace import Array
from trainlab.search.mixed import NAMED, Column, read_mixed

Task = Literal["classification", "regression"]

MOST_CLASSES: Final = 20
"""Whole numbers of at most so many different values are taken for classes."""
LEAST_ROWS: Final = 3
"""… if there are so many rows for each of them."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be learnt.

    name, sha256  of the file
    features      names of the columns of x (N, d);  dropped: those left out
    target        the name of the column y (N,): labels, or float64
    reason        why it is this task, in words
    x             float64, with NaN where there is no value; objects, where any column is of words
    columns       what there is to say of those with words, or without a value in some row
    """

    name: str
    sha256: str
    features: tuple[str, ...]
    dropped: tuple[str, ...]
    target: str
    task: Task
    reason: str
    x: NDArray[Any]
    y: NDArray[np.generic]
    columns: tuple[Column, ...] = ()

    @property
    def words(self) -> list[int]:
        """The places of the features that hold words."""
        held = {one.name for one in self.columns if one.values is not None}
        return [place for place, name in enumerate(self.features) if name in held]


def problem(
    path: str | os.PathLike[str],
    target: str,
    drop: Sequence[str] = (),
    task: Task | None = None,
) -> Problem:
    """The columns of a CSV file but `target` and those to `drop` as features of the target.

    task  None: classification where the target holds words, or whole numbers of at most
          MOST_CLASSES values, LEAST_ROWS rows for each; else regression
    Raises DataError, which names the column, for features that nothing can be learnt of.
    """
    path = as_path(path, "path", "a table")
    with TableFile(path) as table:
        names = table.names
    for name in (target, *drop):
        if name not in names:
            raise _unknown(name, path, names)
    if target in drop:
        raise SettingError(sentence("columns", "a search", "not drop the target", target))
    features = tuple(name for name in names if name != target and name not in drop)
    if not features:
        must = "have columns beside the target"
        raise DataError(sentence("table", str(path), must, list(names)))
    x, text, columns = _read(path, features, target)
    y, decided, reason = _target(text, target, path, task)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    about = (path.name, digest, features, tuple(drop), target, decided, reason)
    return Problem(*about, x, y, columns)


def _read(
    path: Path, features: Sequence[str], target: str
) -> tuple[NDArray[Any], list[str], tuple[Column, ...]]:
    """The features, the cells of the target, and the columns with words or holes."""
    try:
        found = read_table(path, features, [target])
    except DataError:
        mixed = read_mixed(path, features, target)
        if mixed is None:
            raise
        return mixed.x, mixed.text, mixed.columns
    return found.numbers, found.text[target], ()


def _unknown(name: str, path: Path, names: Sequence[str]) -> DataError:
    near = next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.4)), None)
    shown = ", ".join(map(repr, names[:NAMED])) + (", …" if len(names) > NAMED else "")
    return DataError(sentence("column", str(path), f"be one of {shown}", name, near))


# --- the target ------------------------------------------------------------------------


def _target(
    cells: Sequence[str], name: str, path: Path, task: Task | None
) -> tuple[NDArray[np.generic], Task, str]:
    """Labels or numbers, what they are, and why."""
    of = f"target {name!r} in {path}"
    numbers = np.array([number(cell) for cell in cells])
    words = np.isnan(numbers)
    empty = [row for row in np.flatnonzero(words).tolist() if _is_hole(cells[row], words.all())]
    if empty:
        what, remedy = f"row {empty[0] + 1}", "the table without such rows"
        raise DataError(sentence(what, of, "have a value", cells[empty[0]], remedy))
    different = len(set(cells if words.any() else numbers.tolist()))
    if different < 2:
        raise DataError(sentence("values", of, "differ", f"{cells[0]} in all {len(cells)} rows"))
    decided, reason = (task, "as was asked") if task else _guess(numbers, different)
    if decided == "classification":
        if words.any() or not _are_whole(numbers):
            return np.array([cell.strip() for cell in cells]), decided, reason
        return numbers.astype(np.int64), decided, reason
    if words.any():
        row = int(np.flatnonzero(words)[0])
        must, remedy = "be a number for regression", "--task classification"
        raise DataError(sentence(f"row {row + 1}", of, must, cells[row], remedy))
    return numbers, decided, reason


def _is_hole(cell: str, all_words: bool) -> bool:
    """Whether a cell is missing; beside words alone "none" or "NA" may be one of them."""
    return not cell.strip() or (not all_words and is_missing(cell))


def _guess(numbers: Array, different: int) -> tuple[Task, str]:
    words = np.isnan(numbers)
    if words.mean() >= 0.5:
        return "classification", f"{different} different words"
    if words.any():
        return "regression", "mostly numbers"  # of which some are written as no number is
    few = different <= MOST_CLASSES and LEAST_ROWS * different <= len(numbers)
    if _are_whole(numbers) and few:
        return "classification", f"whole numbers of {different} different values"
    return "regression", f"numbers of {different} different values"


def _are_whole(numbers: Array) -> bool:
    limit = 2.0**53  # beyond it not every whole number is one of float64
    return bool((np.abs(numbers) <= limit).all() and (numbers == np.rint(numbers)).all())


# --- rows put aside --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Split:
    """Numbers of rows: those that are searched on, and those that are put aside."""

    search: NDArray[np.intp]
    test: NDArray[np.intp]


def split(of: Problem, fraction: float, folds: int, seed: int) -> Split:
    """A share of the rows put aside at random, of each class where there are classes.

    DataError where what is left is too little for so many folds.
    """
    rows = np.arange(len(of.y))
    classifies = of.task == "classification"
    if classifies:
        labels, counts = np.unique(of.y, return_counts=True)
        least = int(counts.argmin())
        # Of its rows a share is put aside, one more where shares are rounded; each fold
        # needs one of those that are left.
        need = math.ceil(folds / (1 - fraction)) + 1
        if counts[least] < need:
            what = f"class {str(labels[least])!r}"
            raise DataError(_too_few(what, of, need, int(counts[least]), folds))
    need = math.ceil(2 * folds / (1 - fraction)) + math.ceil(2 / fraction)
    if not classifies and len(rows) < need:
        raise DataError(_too_few("table", of, need, len(rows), folds))
    try:
        searched, put_aside = train_test_split(
            rows, test_size=fraction, random_state=seed, stratify=of.y if classifies else None
        )
    except ValueError as error:
        must = "leave rows of each class on both sides"
        raise DataError(sentence("--test-fraction", of.name, must, str(error))) from error
    return Split(np.sort(searched), np.sort(put_aside))


def _too_few(what: str, of: Problem, need: int, got: int, folds: int) -> str:
    where = f"column {of.target!r} in {of.name}" if what != "table" else of.name
    remedy = "more rows" if folds == 2 else "--folds 2, or more rows"
    return sentence(what, where, f"have at least {need} rows for {folds} folds", got, remedy)
