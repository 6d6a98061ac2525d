"""The target of a table: labels or numbers, and the rows that have one.

Order: what is found, the task, what is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.cells import bare, is_missing, is_padded, is_rounded, looks_like_date, number
from trainlab.data.formats import NumberFormat
from trainlab.data.labels import MOST_CLASSES, are_whole
from trainlab.errors import describe
from trainlab.network.workspace import Array
from trainlab.search.metrics import LearningTask
from trainlab.tables.columns import differing_in_case
from trainlab.tables.refusals import LARGEST, NAMED, Fault, listed
from trainlab.terminal import counted

DAYS: Final = "numbers in place of the dates, such as the days since the first"
LEAST_ROWS: Final = 3
"""Whole numbers are taken for classes if each has so many rows, in the mean."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted.

    y        labels or float64, of the rows that `kept` (N,) says
    reason   why it is this task, in words
    notices  what was left out
    """

    y: NDArray[np.generic]
    kept: NDArray[np.bool_]
    task: LearningTask
    reason: str
    notices: tuple[str, ...]


def read_target(
    cells: Sequence[str],
    of: str,
    task: LearningTask | None,
    format: NumberFormat | None,
    drop_missing: bool,
    drop_rare: int,
) -> tuple[Target, list[Fault]]:
    """The target in the cells (N,) of a column, and what is wrong with it.

    of            what errors call it
    format        of its numbers, where they are not plain
    drop_missing  whether rows without a value are left out
    drop_rare     classes of fewer rows are left out
    """
    faults = list[Fault]()
    missing = np.array([is_missing(cell) for cell in cells], bool)
    if missing.all() or (missing.any() and not drop_missing):
        faults.append(_without(cells, missing, of))
    read = number if format is None else format.read
    values = np.array([read(cell) for cell in cells])
    kept = ~missing
    numbers, words = values[kept], [bare(cell) for cell in np.array(cells, object)[kept]]
    odd = np.isnan(numbers)
    # 007 is another label than 7, and 2**53 + 1 than 2**53, which it would be as a number.
    rounded = any(map(is_rounded, words))
    coded = rounded or any(map(is_padded, words))
    different = len(set(words if odd.any() or coded else numbers.tolist()))
    decided, reason = (task, "as was asked") if task else _guess(numbers, different, rounded)
    reason += "" if format is None else f", written as {format}"
    notices = [f"{counted(int(missing.sum()), 'row')} without a value of the target left out"]
    notices *= bool(missing.any())
    y: NDArray[Any] = numbers
    if decided == "classification":
        # A label is predicted as it is written: 12 % would be 12.
        whole = format is None and not (odd.any() or coded) and are_whole(numbers)
        y = numbers.astype(np.int64) if whole else np.array(words, "U" if words else "U1")
        if drop_rare:
            y, kept, rare = _common(y, kept, drop_rare)
            if rare:
                reason += f", {len(rare)} of them left out"
                notices.append(_classes(rare))
    elif drop_rare:
        text = f"classes of {of} must be there for --drop-rare-classes; got numbers, for regression"
        faults.append(Fault(text, ("--task classification",)))
    elif odd.any():
        row = int(np.flatnonzero(kept)[np.flatnonzero(odd)[0]])
        got = describe(cells[row])
        text = f"row {row + 1} of {of} must be a number for regression; got {got}"
        faults.append(Fault(text, *_instead_of(words, odd)))
    elif (huge := np.flatnonzero(np.abs(numbers) > LARGEST)).size:
        row = int(np.flatnonzero(kept)[huge[0]])
        must = f"be a number between -{LARGEST:g} and {LARGEST:g}"
        text = f"row {row + 1} of {of} must {must}; got {describe(cells[row])}"
        faults.append(Fault(text, (), "an empty cell and --drop-missing-target, or smaller units"))
    if len(set(y.tolist())) < 2 and not missing.all():
        where = "the only row" if len(y) == 1 else f"all {len(y)} rows"
        got = f"{describe(str(y[0]))} in {where}" if len(y) else "no rows"
        faults.append(Fault(f"values of {of} must differ; got {got}"))
    return Target(y, kept, decided, reason, tuple(notices)), faults


def _instead_of(words: Sequence[str], odd: NDArray[np.bool_]) -> tuple[tuple[str, ...], str]:
    """Options, and what else, that help where some targets (N,) are odd, as they are no numbers."""
    if are_dates(words):
        return (), DAYS
    if odd.mean() < 0.5 and len(set(words)) > MOST_CLASSES:
        return (), "an empty cell and --drop-missing-target"
    return ("--task classification",), ""


def are_dates(words: Sequence[str]) -> bool:
    """Whether most words are dates or times."""
    return 2 * sum(map(looks_like_date, words)) > len(words)


def _without(cells: Sequence[str], missing: NDArray[np.bool_], of: str) -> Fault:
    """The rows without a value."""
    rows = np.flatnonzero(missing).tolist()
    what = f"row{'s' if len(rows) > 1 else ''} {listed([str(row + 1) for row in rows])} of {of}"
    must = "have a value"
    if missing.all():
        what, must = f"values of {of}", "be there in some row"
    got = listed([describe(cell) for cell in dict.fromkeys(cells[row] for row in rows)])
    count = f" in {len(rows)} rows" if len(rows) > 1 else ""
    named = any(bare(cells[row]) for row in rows)
    return Fault(
        f"{what} must {must}; got {got}{count}",
        () if missing.all() else ("--drop-missing-target",),
        "another name where that is a class" if named else "",
    )


# --- the task --------------------------------------------------------------------------


def _guess(numbers: Array, different: int, rounded: bool) -> tuple[LearningTask, str]:
    words, whole = np.isnan(numbers), (numbers == np.rint(numbers)).all()
    if len(words) and words.mean() >= 0.5:
        return "classification", counted(different, "different word")
    if words.any():
        return "regression", "mostly numbers"  # of which some are written as no number is
    few = different <= MOST_CLASSES and LEAST_ROWS * different <= len(numbers)
    if few and (are_whole(numbers) or (rounded and whole)):
        return "classification", f"whole numbers of {counted(different, 'different value')}"
    return "regression", f"numbers of {counted(different, 'different value')}"


# --- what is left out ------------------------------------------------------------------


def _common(
    y: NDArray[Any], kept: NDArray[np.bool_], least: int
) -> tuple[NDArray[Any], NDArray[np.bool_], Counter[Any]]:
    """The labels of the classes that so many rows have; their rows; the others."""
    counts = Counter(y.tolist())
    rare = Counter({label: count for label, count in counts.items() if count < least})
    common = np.array([label not in rare for label in y.tolist()], bool)
    rows = kept.copy()
    rows[np.flatnonzero(kept)[~common]] = False
    return y[common], rows, rare


def _classes(rare: Counter[Any]) -> str:
    named = ", ".join(f"{str(label)!r} ({count})" for label, count in rare.most_common(NAMED))
    more = ", …" if len(rare) > NAMED else ""
    classes = counted(len(rare), "class")
    return f"{counted(rare.total(), 'row')} of {classes} left out: {named}{more}"


def _namesakes(labels: Iterable[str], rare: Iterable[str]) -> list[str]:
    """The labels that are rare ones but for case, these included."""
    folded = {label.casefold() for label in rare}
    return [label for label in labels if label.casefold() in folded]


def too_few(y: NDArray[Any], of: str, need: int, why: str, remedy: str) -> list[Fault]:
    """The classes that have fewer rows than are needed."""
    counts = Counter(y.tolist())
    rare = {label: count for label, count in counts.items() if count < need}
    if not rare:
        return []
    least = min(rare, key=lambda label: rare[label])
    what = f"class {str(least)!r}" if len(rare) == 1 else f"{len(rare)} classes"
    got = ", ".join(f"{count} of {str(label)!r}" for label, count in [*rare.items()][:NAMED])
    got = str(rare[least]) if len(rare) == 1 else got + (", …" if len(rare) > NAMED else "")
    text = f"{what} of {of} must have at least {need} rows {why}; got {got}"
    left_out = (f"--drop-rare-classes {need}",) if len(counts) - len(rare) > 1 else ()
    if y.dtype.kind == "i":
        remedy = f"--task regression, if these are amounts, or {remedy}"
    elif are_dates([*counts]):
        remedy = DAYS
    elif pair := differing_in_case(_namesakes(counts, rare)):
        remedy = f"one case for {pair}, if they mean the same, or {remedy}"
    return [Fault(text, left_out, remedy)]
