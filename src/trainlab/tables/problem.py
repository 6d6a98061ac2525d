"""A table in a file as something to learn: features, a target, and rows put aside for the end.

Order: the problem, what was asked, what the table holds, what is said of it, rows put aside.
Axis letters: N rows, d features.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainlab.data.codes import codes_said
from trainlab.data.dates import Order, dates_as_numbers
from trainlab.data.formats import Decimal, NumberFormat, Writing, check_decimal, formats
from trainlab.data.table import TableFile, read_table
from trainlab.errors import DataError, SettingError, describe, nearest, sentence
from trainlab.estimators import TableEncoder
from trainlab.files import as_path
from trainlab.network.workspace import Array
from trainlab.search.metrics import LearningTask
from trainlab.settings import is_integer
from trainlab.tables.columns import (
    ColumnSummary,
    alike,
    dates_among,
    dates_said,
    hint,
    judged,
    lost_said,
    meaning,
    read_mixed,
    survey,
)
from trainlab.tables.deciding import deciding
from trainlab.tables.needless import (
    NUMBERS,
    TOTAL,
    follows_rows,
    is_total,
    needless,
    numbers_rows,
    told,
)
from trainlab.tables.refusals import Fault, listed, of_features, refusal
from trainlab.tables.splits import HoldoutSplit, RowRule, RuleKind, read_rule, split_rows, too_rare
from trainlab.tables.target import DAYS, Target, are_dates, read_target


@dataclass(frozen=True, eq=False)
class TableProblem:
    """What is to be learnt.

    name, sha256  the name of the file, and its checksum
    features      names of the columns of x (N, d)
    dropped       the columns left out, as was asked or since nothing can be learnt from them
    target        the name of the column y (N,): labels, or float64
    reason        why it is this task, in words
    x             float64, with NaN where there is no value; objects if any column holds words
    columns       what there is to say about those that are not plain numbers
    formats       how features write their numbers, where these are not plain
    notices       how the table was read, where that is not plain to see
    warnings      what may mislead the network
    needless      those of `dropped` from which nothing can be learnt, with the reason
    target_means  columns of words that have the mean target of each word beside them
    rule          what decides which rows may be on which side of a split; None: chance alone
    options       the given ones that decide what is read, beside the columns: folders of searches
                  by earlier versions know no others
    """

    name: str
    sha256: str
    features: tuple[str, ...]
    dropped: tuple[str, ...]
    target: str
    task: LearningTask
    reason: str
    x: NDArray[Any]
    y: NDArray[np.generic]
    columns: tuple[ColumnSummary, ...] = ()
    formats: Mapping[str, NumberFormat] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    rule: RowRule | None = None
    needless: Mapping[str, str] = field(default_factory=dict)
    target_means: tuple[str, ...] = ()

    @property
    def dates(self) -> dict[int, Order]:
        """The places of the features that hold dates, and the order in which they are written."""
        held = {one.name: one.dates for one in self.columns if one.dates is not None}
        return {place: held[self.features[place]] for place in self._places(held)}

    @property
    def text(self) -> list[int]:
        """The places of the features that hold text."""
        return self._places({one.name for one in self.columns if one.text})

    def encoder(self) -> TableEncoder:
        """What turns x into numbers, for the kinds that the columns have in the whole table."""
        kinds: dict[str, Any] = {"dates": self.dates or [], "text": self.text}
        return TableEncoder(self.words, target_means=self._places(self.target_means), **kinds)

    @property
    def words(self) -> list[int]:
        """The places of the features that hold words."""
        return self._places({one.name for one in self.columns if one.values is not None})

    def _places(self, names: Collection[str]) -> list[int]:
        return [place for place, name in enumerate(self.features) if name in names]

    def tell(self, first: Any) -> None:
        """Gives the first step of a model what it must know to read another such table."""
        first.feature_names_in_ = np.array(self.features, object)
        if self.formats:
            first.number_formats_ = dict(self.formats)


def problem(
    path: str | os.PathLike[str],
    target: str,
    drop: Sequence[str] = (),
    task: LearningTask | None = None,
    *,
    delimiter: str | None = None,
    skip_lines: int = 0,
    encoding: str | None = None,
    decimal: Decimal | None = None,
    drop_missing_target: bool = False,
    drop_rare_classes: int = 0,
    folds: int | None = None,
    test_fraction: float = 0.2,
    use: Sequence[str] = (),
    group: str | None = None,
    time: str | None = None,
    text: Sequence[str] = (),
    target_means: Sequence[str] = (),
    words: Sequence[str] = (),
) -> TableProblem:
    """The columns of a table but `target` and those to `drop` as features of the target.

    Columns without a value, with one value alone, with the cells of another one, and those that
    number or name the rows are left out, too, and the notices say so.

    Parameters
    ----------
    path, delimiter, skip_lines, encoding
        As `trainlab.data.table.read_table` has them.
    target
        The name of a column.
    drop
        Names of columns that are no features.
    task
        None: classification where the target holds words, or whole numbers of at most
        MOST_CLASSES values, LEAST_ROWS rows for each in the mean; else regression.
    decimal
        The decimal sign of columns such as "1,234", where nothing else in the table shows it.
    drop_missing_target
        Whether rows without a value of the target are left out; else they are an error.
    drop_rare_classes
        Classes with fewer rows are left out.
    folds, test_fraction
        Of a search, whose classes must have rows enough; None: that is not asked.
    use
        Names of columns that are features, though nothing seems to be learnt of them.
    group, time
        The name of a column that decides which rows may be on which side of a split: those of one
        group on one side, or the latest put aside.  It is no feature unless `use` names it.
    text
        Names of columns that are read as text, whatever they hold.
    target_means
        Names of columns that are read as words, with the mean target of each word beside them.
    words
        Names of columns that are read as words, whatever they hold.

    Raises
    ------
    DataError
        Names all columns that nothing can be learnt of, and what is wrong with the target.
    """
    path = as_path(path, "path", "a table")
    options: dict[str, Any] = {
        "delimiter": delimiter,
        "skip_lines": skip_lines,
        "encoding": encoding,
        "decimal": decimal,
        "drop_missing_target": drop_missing_target,
        "drop_rare_classes": drop_rare_classes,
    }
    _check_options(options)
    kind, by = _ruling(group, time)
    options |= {"group": group, "time": time}
    options |= {"text": list(text), "target_means": list(target_means), "words": list(words)}
    asked = _Asked(path, target, drop, use, text, target_means, words, kind, by)
    how: Any = {"delimiter": delimiter, "skip_lines": skip_lines, "encoding": encoding}
    opened = partial(TableFile, path, **how)
    with opened() as table:
        names, notices, in_doubt = table.names, table.notices, table.delimiter == ";"
    found = _read(asked, opened, asked.features(names), decimal, in_doubt)
    faults = found.unread(asked)
    goal = None
    if target not in found.faulty:
        dropping = drop_missing_target, drop_rare_classes
        of, format = f"target {target!r} in {path}", found.formats.get(target)
        goal, wrong = read_target(found.text, of, task, format, *dropping)
        faults += wrong
        if folds is not None and goal.task == "classification":
            faults += too_rare(goal.y, target, path.name, folds, test_fraction)
    # Of no rows nothing can be said: where the target has no value, features are judged alone.
    kept = slice(None) if goal is None or not goal.kept.any() else goal.kept
    features = _informative(asked, found, kept)
    rule = None
    if by is not None:
        rule, wrong = read_rule(opened, kind, by, kept, found.formats.get(by))
        faults += wrong
    kinds = found.words, found.formats, found.dates, text
    rows = np.arange(len(found.x))[kept]
    columns, wrong, hints = judged(path, features.x, features.names, *kinds, rows, asked.worded)
    faults += wrong
    if faults or goal is None:
        raise refusal(faults)
    if not features.names:
        must = f"table of {path} must have columns beside the target that say something"
        keep = f"--use {shlex.quote(next(iter(features.needless)))}"
        raise DataError(f"{must}; got {'; '.join(told(features.needless))}; try {keep}")
    numbering = _numbering(features.x, features.names, (*found.apart, *use))
    ruled = [] if rule is None else [rule.notice]
    read = _notices(asked, opened, found, features, goal)
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return TableProblem(
        path.name,
        digest,
        tuple(features.names),
        (*drop, *features.needless),
        target,
        goal.task,
        goal.reason,
        features.x,
        goal.y,
        columns,
        {name: one for name, one in found.formats.items() if name in features.names},
        (*notices, *read, *told(features.needless), *ruled, *goal.notices),
        (*numbering, *hints, *_hints(asked, found, features, goal, rule)),
        {name: value for name, value in options.items() if value},
        rule,
        features.needless,
        tuple(target_means),
    )


# --- what was asked ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """What columns are to be, as `problem` was asked; `kind` and `by` are the rule of a split."""

    path: Path
    target: str
    drop: Sequence[str]
    use: Sequence[str]
    text: Sequence[str]
    target_means: Sequence[str]
    words: Sequence[str]
    kind: RuleKind
    by: str | None

    @property
    def worded(self) -> list[str]:
        """The columns that are read as words, whatever they hold."""
        return list(dict.fromkeys([*self.words, *self.target_means]))

    @property
    def ruling(self) -> list[str]:
        """The column that decides how rows are split, where it is no feature."""
        return [] if self.by is None or self.by in self.use else [self.by]

    @property
    def others(self) -> list[str]:
        """The target, and what else is no feature and may hold numbers."""
        return [self.target, *(self.ruling if self.kind == "time" else [])]

    def features(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns of a table of these names that are features; an error where it is none."""
        kept_in = {
            "to use": self.use,
            "of text": self.text,
            "with target means": self.target_means,
            "of words": self.words,
        }
        given = [name for those in kept_in.values() for name in those]
        _check_names((self.target, *self.drop, *given, *self.ruling), self.path, names)
        if self.target in self.drop:
            must = "not name the target"
            raise SettingError(sentence("columns to drop", "a table", must, self.target))
        if self.by == self.target:
            must = "be another column than the target"
            raise SettingError(sentence(self.kind, "a table", must, self.target))
        others = {self.target, *self.drop, *self.ruling}
        features = tuple(name for name in names if name not in others)
        must = "be features: no target, not dropped, no group and no time unless they are used"
        for what, those in kept_in.items():
            if both := [name for name in those if name not in features]:
                raise SettingError(sentence(f"columns {what}", "a table", must, both[0]))
        must = "be columns of words, not of text"
        for what in ("with target means", "of words"):
            if both := [name for name in kept_in[what] if name in self.text]:
                raise SettingError(sentence(f"columns {what}", "a table", must, both[0]))
        if not features:
            must = "have columns beside the target"
            keep = [f"--use {shlex.quote(by)}" for by in self.ruling if by not in self.drop]
            raise DataError(sentence("table", str(self.path), must, list(names), *keep))
        return features


def _check_options(options: Mapping[str, Any]) -> None:
    check_decimal(options["decimal"])
    least = options["drop_rare_classes"]
    if not is_integer(least) or least < 0:
        must = "be an integer >= 0"
        raise SettingError(sentence("drop_rare_classes", "a table", must, least))
    if type(options["drop_missing_target"]) is not bool:
        got = options["drop_missing_target"]
        raise SettingError(sentence("drop_missing_target", "a table", "be True or False", got))


def _ruling(group: str | None, time: str | None) -> tuple[RuleKind, str | None]:
    """What decides how rows are split, and the name of the column; None: chance."""
    for name, value in (("group", group), ("time", time)):
        if value is not None and not isinstance(value, str):
            raise SettingError(sentence(name, "a table", "be the name of a column", value))
    if group is not None and time is not None:
        must = "be left out with a group, since one of them decides which rows are put aside"
        remedy = f"group={group!r} or time={time!r} alone"
        raise SettingError(sentence("time", "a table", must, time, remedy))
    return ("group", group) if time is None else ("time", time)


def _check_names(given: Sequence[str], path: Path, names: Sequence[str]) -> None:
    unknown = [name for name in given if name not in names]
    if not unknown:
        return
    near = [nearest(name, names) for name in unknown]
    what = "column" if len(unknown) == 1 else "columns"
    shown = listed([repr(name) for name in names])
    got = listed([describe(name) for name in unknown])
    text = f"{what} of {path} must be one of {shown}; got {got}"
    remedy = ", ".join(name for name in near if name is not None)
    raise DataError(f"{text}; try {remedy}" if remedy else text)


# --- what the table holds ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _TableContent:
    """What a table holds: x of the features that have no fault, cells of the target.

    names     the columns of x
    apart     those of them that are no numbers
    negative  columns of which all numbers are in brackets, each with one of them
    """

    x: NDArray[Any]
    names: Sequence[str]
    text: Sequence[str]
    words: Sequence[str] = ()
    formats: Mapping[str, NumberFormat] = field(default_factory=dict)
    faults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dates: Mapping[str, Order] = field(default_factory=dict)
    apart: Sequence[str] = ()
    negative: Mapping[str, str] = field(default_factory=dict)

    @property
    def faulty(self) -> set[str]:
        """The columns whose numbers cannot be read."""
        return {name for got in self.faults.values() for name in got}

    def unread(self, asked: _Asked) -> list[Fault]:
        """What is wrong with these."""
        signs = ("--decimal point", "--decimal comma")
        return [
            _of_formats(asked, must, got, signs if "decimal" in must else ())
            for must, got in self.faults.items()
        ]


def _read(
    asked: _Asked,
    opened: partial[TableFile],
    features: Sequence[str],
    decimal: Decimal | None,
    in_doubt: bool,
) -> _TableContent:
    """Reads plain numbers at once, and whatever else there is after a look at all of it."""
    given, others = {*asked.text, *asked.worded}, asked.others
    try:
        plain = None if given else read_table(asked.path, features, others, **opened.keywords)
    except DataError:
        plain = None
    if plain is not None and not in_doubt and decimal != "comma":
        written = [Writing() for _ in others]
        for one, name in zip(written, others, strict=True):
            one.add(plain.text[name])
        if all(one.words or one.plain for one in written):
            return _TableContent(plain.numbers, features, plain.text[asked.target])
    columns = survey(opened, [*features, *others])
    seen = {name: one for name, one in columns.items() if name not in given}
    how = formats(seen, decimal, in_doubt)
    faulty = {name for got in how.faults.values() for name in got}
    names = [name for name in features if name not in faulty]
    words = [name for name in names if columns[name].words and name not in given]
    cells = [*words, *asked.worded]
    x, text = read_mixed(opened, names, asked.target, cells, how.found, asked.text)
    dates = dates_among(x, names, words)
    words = [name for name in cells if name not in dates]
    apart = [*words, *dates, *asked.text]
    negative = {name: next(iter(one.units.values())) for name, one in seen.items() if one.negative}
    return _TableContent(x, names, text, words, how.found, how.faults, dates, apart, negative)


def _of_formats(asked: _Asked, must: str, got: Mapping[str, str], remedy: Sequence[str]) -> Fault:
    """Columns whose numbers cannot be read."""
    fault, others = of_features(asked.path, must, got, " or ".join(remedy)), asked.others
    options = tuple(f"--drop {shlex.quote(name)}" for name in got if name not in others)
    text = fault.text.replace("features", "columns", 1) if {*others} & {*got} else fault.text
    return Fault(text, () if remedy else options, fault.or_else)


# --- what is said of it ------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Features:
    """The columns that something can be learnt of.

    x         (N, d), of the rows that are kept
    names     of its columns
    needless  the other columns, each with the reason
    """

    x: NDArray[Any]
    names: Sequence[str]
    needless: Mapping[str, str]


def _informative(asked: _Asked, found: _TableContent, kept: NDArray[Any] | slice) -> _Features:
    """What is left of the columns of these rows; of row numbers alone these."""
    x, others = found.x[kept], (*found.dates, *asked.text)
    left = needless(x, found.names, found.words, others, (*asked.use, *asked.worded))
    if len(left) == len(found.names):  # a curve over row numbers is better than nothing
        left = {name: reason for name, reason in left.items() if reason != NUMBERS}
    if left:
        x = x[:, [name not in left for name in found.names]]
    return _Features(x, [name for name in found.names if name not in left], left)


def _notices(
    asked: _Asked,
    opened: partial[TableFile],
    found: _TableContent,
    features: _Features,
    goal: Target,
) -> list[str]:
    """How the columns were read, where that is not plain to see."""
    names = features.names
    told = dates_said({name: order for name, order in found.dates.items() if name in names})
    for what, those in (
        ("read as text", asked.text),
        ("with target means", asked.target_means),
        ("read as words", asked.words),
    ):
        shown = [describe(name) for name in names if name in those]
        told += [f"{what}: {listed(shown)}"] if shown else []
    told += lost_said(opened, _whole(features.x, names, (*found.apart, *found.formats)))
    told += [
        f"{describe(name)} has all numbers in brackets, as {cell}: taken as negative numbers"
        + f"; --words {shlex.quote(name)} takes them as words" * (name in names)
        for name, cell in found.negative.items()
        if name in names or (name == asked.target and goal.y.dtype.kind == "f")
    ]
    return told


def _hints(
    asked: _Asked,
    found: _TableContent,
    features: _Features,
    goal: Target,
    rule: RowRule | None,
) -> Iterator[str]:
    """What may be wrong with the target or the rows, and what gives the target away."""
    target, y = asked.target, goal.y
    labels = y.tolist() if y.dtype.kind == "U" else []
    if (seems := meaning(Counter(labels))) is not None:
        yield hint(target, replace(seems, remedy=DAYS) if are_dates(labels) else seems)
    yield from alike(target, Counter(labels), "classes")
    if y.dtype.kind == "f":
        emptied = "empty cells in their place, and --drop-missing-target"
        yield from codes_said(describe(target), y, emptied)
        yield from dates_as_numbers(target, y, remedy=DAYS)
    if is_total(found.x[goal.kept], [name in found.apart for name in found.names], y):
        yield TOTAL
    if rule is not None and rule.doubt:
        yield rule.doubt
    numbers = [name not in found.apart for name in features.names]
    yield from deciding(features.x, features.names, numbers, y, target)


def _numbers(
    x: NDArray[Any], features: Sequence[str], others: Sequence[str]
) -> Iterator[tuple[str, Array]]:
    """The columns of x (N, d) that are no others, and the numbers (N,) in each."""
    for place, name in enumerate(features):
        if name not in others:
            yield name, x[:, place].astype(np.float64)


def _whole(x: NDArray[Any], features: Sequence[str], others: Sequence[str]) -> list[str]:
    """The columns of x (N, d) of whole numbers alone, and holes, that are no others."""
    numbers = _numbers(x, features, others)
    return [name for name, one in numbers if (np.isnan(one) | (one == np.rint(one))).all()]


def _numbering(x: NDArray[Any], features: Sequence[str], others: Sequence[str]) -> list[str]:
    """A warning for each column of x (N, d) that may number the rows, and is no other."""
    numbers = _numbers(x, features, others)
    found = [name for name, one in numbers if numbers_rows(one) or follows_rows(one)]
    why = (
        "has a different whole number in each row, as row numbers do: where rows are sorted it "
        "gives the target away, which it cannot do for new rows"
    )
    return [f"{describe(name)} {why}; try --drop {shlex.quote(name)}" for name in found]


# --- rows put aside --------------------------------------------------------------------


def split(of: TableProblem, fraction: float, folds: int, seed: int) -> HoldoutSplit:
    """A share of the rows put aside, and folds of the others; see `split_rows`.

    DataError where what is left is too little for so many folds.
    """
    classifies, names = of.task == "classification", (of.target, of.name)
    return split_rows(of.y, classifies, names, of.rule, fraction, folds, seed)
