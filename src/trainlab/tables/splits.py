"""Rows put aside for the end, and the folds of the others: at random, by groups, or by time.

Order: what decides, what a column says, rows put aside, folds.
Axis letters: N rows, G groups, C classes.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

from trainlab.data.cells import bare, is_missing, number
from trainlab.data.dates import dates_as_numbers, moments, order_of
from trainlab.data.formats import NumberFormat
from trainlab.data.table import TableFile
from trainlab.errors import DataError, describe, sentence
from trainlab.settings import MOST
from trainlab.tables.columns import alike
from trainlab.tables.refusals import NAMED, Fault, listed, refusal
from trainlab.tables.target import too_few
from trainlab.terminal import counted, printable

DRAWS: Final = 200
"""Random choices of groups at most, of which the best is put aside."""
MOST_DRAWN: Final = 10_000_000
"""Groups of all choices together: of very many groups any choice is good."""

RuleKind = Literal["group", "time"]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RowRule:
    """A column that decides which rows may be on which side of a split.

    kind    "group": rows with one value are on one side; "time": the rows of a side with those
            that are predicted are later than all others
    column  its name
    values  (N,), the number of a group from 0 on, or a number that grows with the time
    doubt   a warning if some groups may be one; else ""
    """

    kind: RuleKind
    column: str
    values: NDArray[Any]
    doubt: str = ""

    @property
    def notice(self) -> str:
        """What it does, in words."""
        name = describe(self.column)
        if self.kind == "group":
            groups = counted(self.groups, "group")
            return f"rows of one {name} are never on both sides of a split: {groups}"
        return f"the latest rows by {name} are put aside, and folds go forward in time"

    @property
    def groups(self) -> int:
        """How many different values there are."""
        return len(np.unique(self.values))


@dataclass(frozen=True, eq=False)
class HoldoutSplit:
    """Numbers of rows: those that are searched on, and those that are put aside.

    folds  of a cross-validation: rows to train on and to test on, numbered among `search`
    """

    search: Rows
    test: Rows
    folds: tuple[tuple[Rows, Rows], ...] = ()


# --- what a column says ----------------------------------------------------------------


def read_rule(
    opened: Callable[[], TableFile],
    kind: RuleKind,
    column: str,
    kept: NDArray[Any] | slice,
    format: NumberFormat | None,
) -> tuple[RowRule | None, list[Fault]]:
    """The rule that a column of a table gives to the rows that are `kept`, or what is wrong.

    format  of its numbers, where they are not plain
    """
    with opened() as table:
        cells = [cell for block in table.blocks((), [column]) for cell in block.text[column]]
    words = [bare(cell) for cell in np.array(cells, object)[kept]]
    of = f"{kind} {column!r} in {table.path}"
    missing = [row for row, word in enumerate(words) if is_missing(word)]
    if missing:
        rows = counted(len(missing), "row")
        text = f"values of {of} must be there in all rows; got none in {rows}"
        return None, [Fault(text, (), "another column, or rows that have one")]
    if kind == "group":
        _, values = np.unique(np.array(words, object).astype(str), return_inverse=True)
        doubt = next(alike(column, Counter(words), "groups"), "")
        return RowRule(kind, column, values.reshape(-1), doubt), []
    return _by_time(column, words, of, number if format is None else format.read)


def _by_time(
    column: str, words: Sequence[str], of: str, read: Callable[[str], float]
) -> tuple[RowRule | None, list[Fault]]:
    """The rule of dates or numbers."""
    different = dict.fromkeys(words)
    order = order_of(different)
    if order is not None:
        known = {word: moments(word)[order] for word in different}
    else:
        known = {word: read(word) for word in different}
    odd = [word for word, moment in known.items() if math.isnan(moment)]
    values = np.array([known[word] for word in words])
    if not odd and values.max(initial=0) <= 13 and any(dates_as_numbers(column, values)):
        odd = [*different]  # months before their years, as 03.2024, do not grow with the time
    if odd:
        got = listed([*map(describe, odd)])
        text = f"values of {of} must be numbers, or dates in one form; got {got}"
        return None, [Fault(text, (), "dates such as 2024-12-31 in all cells")]
    return RowRule("time", column, values), []


# --- rows put aside --------------------------------------------------------------------


def split_rows(
    y: NDArray[Any],
    classifies: bool,
    names: tuple[str, str],
    rule: RowRule | None,
    fraction: float,
    folds: int,
    seed: int,
) -> HoldoutSplit:
    """A share of the rows put aside, and folds of the others.

    Without a rule at random, of each class its share.  By groups: of some random choices of groups
    that whose share of the rows of each class is the nearest to `fraction`.  By time: the latest.

    y       (N,), labels or float64
    names   of the target and of the table

    DataError where what is left is too little for so many folds.
    """
    target, name = names
    if classifies and (rare := too_rare(y, target, name, folds, fraction)):
        raise refusal(rare)
    need = _rows_needed(folds, fraction)
    if not classifies and len(y) < need:
        must = f"have at least {need} rows for {folds} folds"
        helps = len(y) >= _rows_needed(2, fraction)
        raise DataError(sentence("table", name, must, len(y), _more_rows(folds, helps)))
    if rule is None:
        search, test = _at_random(y, classifies, name, fraction, seed)
        kind = StratifiedKFold if classifies else KFold
        # Tables may be sorted.
        found = kind(folds, shuffle=True, random_state=seed).split(y[search], y[search])
        return HoldoutSplit(search, test, tuple(found))
    need = folds + 1 + (rule.kind == "time")
    if rule.groups < need:
        must = f"have at least {need} different values for {folds} folds"
        raise DataError(sentence(f"{rule.kind} {rule.column!r}", name, must, rule.groups))
    put = _some_groups if rule.kind == "group" else _the_latest
    aside = put(y if classifies else np.zeros(len(y)), rule.values, fraction, folds, seed)
    search, test = np.flatnonzero(~aside), np.flatnonzero(aside)
    cut = _grouped if rule.kind == "group" else _forward
    parts = tuple(cut(y[search], classifies, rule.values[search], folds, seed))
    if classifies:
        _check_classes(y, search, parts, rule, names)
    return HoldoutSplit(search, test, parts)


def _at_random(
    y: NDArray[Any], classifies: bool, name: str, fraction: float, seed: int
) -> tuple[Rows, Rows]:
    try:
        search, test = train_test_split(
            np.arange(len(y)),
            test_size=fraction,
            random_state=seed,
            stratify=y if classifies else None,
        )
    except ValueError as error:
        must = "leave rows of each class on both sides"
        raise DataError(sentence("--test-fraction", name, must, str(error))) from error
    return np.sort(search), np.sort(test)


def _some_groups(
    labels: NDArray[Any], groups: NDArray[Any], fraction: float, folds: int, seed: int
) -> NDArray[np.bool_]:
    """The rows (N,) of the groups that are put aside; at least `folds` groups are left."""
    classes, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((int(groups.max()) + 1, len(classes)))
    np.add.at(counts, (groups, codes.reshape(-1)), 1)
    shares, sizes = counts / counts.sum(axis=0), counts.sum(axis=1)
    draws, most = np.random.RandomState(seed), len(counts) - folds
    best, chosen = math.inf, np.arange(1)
    for _ in range(min(DRAWS, 1 + MOST_DRAWN // len(counts))):
        drawn = draws.permutation(len(counts))
        rows = np.cumsum(sizes[drawn][:most])
        first = drawn[: int(np.argmin(np.abs(rows - fraction * len(labels)))) + 1]
        off = float(np.abs(shares[first].sum(axis=0) - fraction).max())
        if off < best:
            best, chosen = off, first
    return np.isin(groups, chosen)


def _the_latest(
    labels: NDArray[Any], times: NDArray[Any], fraction: float, folds: int, seed: int
) -> NDArray[np.bool_]:
    """The latest rows (N,); those of one time are on one side."""
    moments, counts = np.unique(times, return_counts=True)
    later = np.cumsum(counts[::-1])[: len(moments) - folds - 1]
    first = int(np.argmin(np.abs(later - fraction * len(times)))) + 1
    return np.asarray(times >= moments[-first])


# --- folds -----------------------------------------------------------------------------


def _grouped(
    y: NDArray[Any], classifies: bool, groups: NDArray[Any], folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Folds of whole groups, in which classes have about their shares."""
    if not classifies:
        yield from GroupKFold(folds).split(y, y, groups)
        return
    kind = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # It counts the rows of a class; what matters is looked at below.
        warnings.filterwarnings("ignore", message="The least populated class")
        yield from [*kind.split(y, y, groups)]


def _forward(
    y: NDArray[Any], classifies: bool, times: NDArray[Any], folds: int, seed: int
) -> Iterator[tuple[Rows, Rows]]:
    """Folds that are tested on later rows than they are trained on, each on the next as many."""
    moments, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    place, ends, block = place.reshape(-1), np.cumsum(counts), len(y) / (folds + 1)
    last = -1  # the last moment of a block
    cuts = []
    for fold in range(folds):
        enough = int(np.searchsorted(ends, block * (fold + 1) * (1 - 1e-12)))
        last = min(max(enough, last + 1), len(moments) - 1 - folds + fold)
        cuts.append(last)
    for last, end in zip(cuts, [*cuts[1:], len(moments) - 1], strict=True):
        yield np.flatnonzero(place <= last), np.flatnonzero((place > last) & (place <= end))


def _check_classes(
    y: NDArray[Any],
    search: Rows,
    parts: Sequence[tuple[Rows, Rows]],
    rule: RowRule,
    names: tuple[str, str],
) -> None:
    """DataError where a fold has no row of a class to train on."""
    target, name = names
    for fold, (train, _) in enumerate(parts, 1):
        gone = set(y.tolist()) - set(y[search[train]].tolist())
        if gone:
            shown = listed([repr(str(label)) for label in sorted(gone, key=str)][: NAMED + 1])
            must = f"training rows of each fold of {name} must have each class of {target!r}"
            got = f"no row of {shown} in fold {fold} by {rule.kind} {rule.column!r}"
            remedy = f"--drop-rare-classes, or {_more_rows(len(parts))}"
            raise DataError(printable(f"{must}; got {got}; try {remedy}"))


def too_rare(y: NDArray[Any], target: str, name: str, folds: int, fraction: float) -> list[Fault]:
    """The classes that have too few rows for so many folds."""
    need, least = _of_a_class(folds, fraction), min(Counter(y.tolist()).values(), default=0)
    where = f"column {target!r} in {name}"
    remedy = _more_rows(folds, least >= _of_a_class(2, fraction))
    return too_few(y, where, need, f"for {folds} folds", remedy)


def _rows_needed(folds: int, fraction: float) -> int:
    """Rows of a table of numbers at least."""
    return math.ceil(2 * folds / (1 - fraction)) + math.ceil(min(2 / fraction, MOST))


def _of_a_class(folds: int, fraction: float) -> int:
    """Rows of each class at least: of them a share is put aside, one more where shares are rounded.

    Each fold needs one of those that are left.
    """
    return math.ceil(folds / (1 - fraction)) + 1


def _more_rows(folds: int, helps: bool = True) -> str:
    """What to try; helps: whether two folds would."""
    two = "more rows, or a network with two folds: --model network --folds 2"
    return two if helps and folds > 2 else "more rows"
