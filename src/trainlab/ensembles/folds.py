"""The folds of an ensemble: parts that take their turn, or splits that are given.

Axis letters: N rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.utils import check_consistent_length, indexable

from trainlab.data.labels import as_integers
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.compatibility import check_sizes, named_faults
from trainlab.estimators.rows import Rows, alike
from trainlab.limits import MEMBERS
from trainlab.network.workspace import Array
from trainlab.settings import several

PARTS: Final = 5
"""Parts into which rows are dealt; a fold validates on one and trains on the others."""

KINDS: Final = 50
"""Different rows of X from which on it can be seen whether what is learnt holds for others."""

Splits = Sequence[tuple[Array, Array]]
"""Numbers of rows to train on and to validate on, of each fold."""


def deal(y: Array, parts: int, draws: np.random.RandomState, stratify: bool) -> Array:
    """The part (N,) of each row, by chance, all of one size ± 1; so are those of each class."""
    order = draws.permutation(len(y))
    if stratify:
        order = order[np.argsort(y[order], kind="stable")]
    part = np.empty(len(y), np.int64)
    part[order] = np.arange(len(y)) % parts
    return part


def spread(rows: Rows) -> Rows:
    """Rows that stand for many as up to PARTS rows each, of which every part may have some.

    Equal rows are one, which is right for copies: what is held back must not be learnt from.  But
    rows that are equal but for y, as in a table of few words, are samples, and so are fewer than
    KINDS different rows that are there ten times each: more like them will come, so each part has
    its share of them.  A weight that is a whole number says for how many rows a row stands.

    rows  from `merge`
    """
    assert rows.weight is not None
    counts, number = rows.weight, alike(rows.x)
    kinds = np.bincount(number)
    are_few = len(kinds) < KINDS and 10 * len(rows) <= counts.sum()
    if rows.exponent or (counts != np.rint(counts)).any() or not (are_few or kinds.max() > 1):
        return rows
    pieces = np.where(are_few | (kinds[number] > 1), np.minimum(counts, PARTS), 1).astype(np.int64)
    places = np.repeat(np.arange(len(rows)), pieces)
    return replace(rows.take(places), weight=(counts / pieces)[places])


def deal_alike(rows: Rows, parts: int, draws: np.random.RandomState) -> Array:
    """The part (N,) of each row of classes, in the fifth recipe: those equal but for y share one.

    Such rows, as of a table of few words, may stand for many each.  One that is held back would
    leave the others, of other classes, to be learnt from: what is best on it is worst elsewhere.
    They are dealt by the rarest of their classes, of which every part has its share.
    """
    number = alike(rows.x)
    if number.max() + 1 < parts:
        return deal(rows.y, parts, draws, True)
    _, place, counts = np.unique(rows.y, return_inverse=True, return_counts=True)
    rarest_first = np.argsort(counts[place], kind="stable")
    first = rarest_first[np.unique(number[rarest_first], return_index=True)[1]]
    return deal(rows.y[first], parts, draws, True)[number]


def splits_of(part: Array, folds: int) -> Splits:
    """So many folds of the rows, of which each validates on a part."""
    return [(np.flatnonzero(part != one), np.flatnonzero(part == one)) for one in range(folds)]


def checked_groups(groups: Any, X: Any, owner: str) -> Any:
    """Names of groups (N,), one for each row of X; None where there are none."""
    if groups is None:
        return None
    check_sizes(owner, groups=groups)
    must, found = "be one name for each row", None
    with named_faults("groups", owner), suppress(TypeError):  # of what has no length
        check_consistent_length(X, groups)
        with suppress(ValueError):  # of arrays within arrays
            found = np.asarray(groups)
    if found is None or found.ndim != 1:
        raise DataError(sentence("groups", f"{owner}.fit", must, groups))
    try:
        np.unique(found)
    except TypeError:  # scikit-learn sorts them
        must, remedy = "be names of one type", "[str(name) for name in groups]"
        raise DataError(sentence("groups", f"{owner}.fit", must, groups, remedy)) from None
    return found


def by_groups(classifies: bool, groups: Any, seed: int, owner: str) -> Any:
    """A splitter that deals whole groups: PARTS, or as many as there are groups."""
    count = len({str(one) for one in groups})
    if count < 2:
        raise DataError(sentence("groups", f"{owner}.fit", "name two groups or more", groups))
    parts = min(PARTS, count)
    if classifies:
        return StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    return GroupKFold(parts)


def given_splits(cv: Any, X: Any, y: Any, groups: Any, owner: str) -> tuple[Splits, int]:
    """The folds of a splitter, or of a list of pairs, of the rows as they are given; how many."""
    X, y, groups = indexable(X, as_integers(y, "y", f"{owner}.fit"), groups)
    rows = X.shape[0] if hasattr(X, "shape") else len(X)
    must, remedy = "be a splitter, or a list of pairs of row numbers", "GroupKFold(5)"
    if hasattr(cv, "split") and not isinstance(cv, (str, bytes, bytearray)):
        pairs = several(cv.split(X, y, groups), MEMBERS)
    else:
        pairs = several(cv, MEMBERS) if isinstance(cv, Iterable) else None
    if pairs is None or isinstance(cv, (str, bytes, bytearray)):
        raise SettingError(sentence("cv", owner, must, cv, remedy))
    if not 0 < len(pairs) <= MEMBERS:
        text = sentence("cv", owner, f"have 1 to {MEMBERS} splits", len(pairs), remedy)
        raise SettingError(text)
    return [_pair(one, rows, owner) for one in pairs], rows


def _pair(one: Any, rows: int, owner: str) -> tuple[Array, Array]:
    """Two arrays of row numbers that have none in common."""
    sides = several(one, 2)
    if sides is None or len(sides) != 2 or isinstance(one, (str, bytes, bytearray)):
        must = "have pairs of row numbers: to train on, and to validate on"
        raise SettingError(sentence("cv", owner, must, one))
    train, held = (_numbers(side, rows, owner) for side in sides)
    if len(np.intersect1d(train, held)):
        must = "have no row number on both sides of a split"
        raise SettingError(sentence("cv", owner, must, int(np.intersect1d(train, held)[0])))
    return train, held


def _numbers(side: Any, rows: int, owner: str) -> Array:
    found = np.asarray(side)
    if found.dtype == bool and found.shape == (rows,):
        found = np.flatnonzero(found)
    sound = found.ndim == 1 and found.dtype.kind in "iu" and len(found) > 0
    if not sound or found.min() < 0 or found.max() >= rows:
        must = f"have row numbers in [0, {rows}) on each side, at least one"
        raise SettingError(sentence("cv", owner, must, side))
    return np.unique(found.astype(np.int64))


def among(splits: Splits, number: Array | None, rows: int, owner: str) -> Splits:
    """The splits of `rows` rows as those of the rows that are left, whose numbers are given."""
    assert number is not None
    place = np.full(rows, -1)
    place[number] = np.arange(len(number))
    found = []
    for fold in splits:
        train, held = (place[side][place[side] >= 0] for side in fold)
        if not len(train) or not len(held):
            must = "have rows with a weight above 0 on both sides of each split"
            raise DataError(sentence("cv", owner, must, "none"))
        found.append((train, held))
    return found


def digest(splits: Splits) -> str:
    """What is another for other splits."""
    made = hashlib.sha256()
    for side in (side for fold in splits for side in fold):
        made.update(len(side).to_bytes(8, "little") + side.astype("<i8").tobytes())
    return made.hexdigest()
