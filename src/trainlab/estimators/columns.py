"""TableEncoder: columns of words, dates and cells without a value as columns of numbers.

Axis letters: N rows, d columns that come in, m that go out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from trainlab.arrays import as_array
from trainlab.callers import warn
from trainlab.data.dates import ORDERS, Order, dates_as_numbers
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.cells import (
    NAMED,
    OWNER,
    Column,
    Numbers,
    Words,
    holds_words,
    is_hole,
    numbers_of,
    refuse_dates_and_complex,
    refuse_formats,
    refuse_words,
)
from trainlab.estimators.compatibility import check_features, keeps_parameters, validate_data
from trainlab.estimators.dates import Dates, find_order
from trainlab.estimators.frames import columns_of, is_frame, objects
from trainlab.estimators.means import MeanTargets, MeanWords, cross_fitted
from trainlab.estimators.text import MAX_WIDTH, Text
from trainlab.network.workspace import Array
from trainlab.settings import is_integer, several, whole_number


class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # it comes without types
    """Turn a table with words and missing values into numbers; the first step of a pipeline.

    Parameters
    ----------
    words : list of str or int, default "auto"
        All columns of words, by name or by place from 0 on; "auto" looks at the cells.
    min_frequency : int, default 3
        How many rows a word needs to get a column of its own.
    max_categories : int, default 50
        The most columns that a column of words may become, including that of rare words.
    dates : list of str or int, or dict, default "auto"
        All columns of dates, by name or by place; "auto" looks at the cells.  A dict gives the
        order of year, month and day in some, if they are digits: "ymd", "dmy" or "mdy"; it looks
        at the cells of the others.
    text : list of str or int, default ()
        All columns of text, by name or by place.
    text_width : int, default 256
        How many columns a column of text becomes.
    target_means : list of str or int, default ()
        Columns of words, by name or by place, that also get the mean target of each word.

    Attributes
    ----------
    columns_ : tuple of Column
        What each column became.
    words_ : tuple of int
        The places of the columns of words.
    dates_, text_ : tuple of int
        The places of the columns of dates, and of text.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of str
        Their names, if X was a data frame.

    Notes
    -----
    X (N, d) is a data frame, an array of objects, strings or numbers, or a list of rows.
    `transform` gives (N, m), float64.

    A missing value is None, NaN, pandas' NA or NaT, or a text that says so: empty, "NA", "null", …

    **Words.**  A column holds words if its dtype in the rows of `fit` is one of categories (of
    pandas, polars or pyarrow), whatever they are, or if any cell that is not missing is not a
    number ("12" and True are numbers, "red" is a word), unless `words` decides otherwise.  Later
    rows are read in the same way, whatever their dtypes: 7 is then the word "7".  True and "TRUE"
    are one word, in any case of letters, and one number if all cells of `fit` were booleans.  A
    column of "3,750", "$1.01" or "1,5" is a DataError, unless other cells are words.  Words become
    a column for each word, 1 in the rows that have it, else 0; one for all rare words, if there
    are any; and one for missing values, if there are any.

    **Numbers** stay as they are, with the median of the rows of `fit` for missing values.  If any
    were missing, there is a second column: 1 where one is missing, else 0.

    **Dates.**  A column holds dates if all cells that are not missing are dates, with or without
    times, of Python, NumPy or pandas, or texts such as 2024-12-31, 2024-12-31T17:30 or
    31 Dec 2024, or months such as 2024-12, 12/2024, Dec 2024 or 2024 Dec, which count as their
    first day, as periods of pandas do.
    Days such as 1/2/2024 are dates if only one order of day and month fits all cells, or if `dates`
    says the order; otherwise they are words.  Time zones are ignored: what counts is the local
    time as written.  Times without a day, durations and complex numbers are a DataError
    that says how to make numbers of them.  Dates become year, month, day, weekday (0 for Monday)
    and hour (7.5 for 7:30), as far as these differ in the rows of `fit`, and the days elapsed since
    the first of them; months have no weekday.  Missing dates get the median date, and a column that
    says so, like numbers.

    **Text** becomes `text_width` columns, which count its groups of 2 to 4 letters, each group in
    the column that its hash says; the counts of a row are scaled to length 1.  Names, titles and
    addresses are texts: words that few rows share.

    **Target means.**  A column in `target_means` becomes what words become, and the mean of y over
    the rows that have its word.  If y holds labels, or whole numbers with at most 20 different
    values, it is the share of each class, or of the second of two.  `fit_transform(X, y)`, which a
    pipeline calls, gives each row only the mean of other rows, cross-fitted in 5 folds, so it is
    not `fit(X, y).transform(X)`.  The means are those of scikit-learn's TargetEncoder.

    **Later rows** may hold what those of `fit` did not.  A new word counts as a rare one if there
    were any; otherwise it is 0 in all columns, since training had no such word.  A missing value in
    a column of words that had none is also 0 in all columns; in other columns it is the median.  A
    word in a column of numbers or dates is a DataError that names the column.

    Differs from scikit-learn: this is a SimpleImputer(strategy="median", add_indicator=True) of the
    numbers and a OneHotEncoder(min_frequency=, max_categories=,
    handle_unknown="infrequent_if_exist") of the words, in the order of the columns, without a list
    of which is which.  OneHotEncoder also makes a column of rare words if there are exactly
    max_categories words, and counts a missing value in a column without one as a rare word.
    pandas.get_dummies knows nothing of earlier rows: other words in a new table become other
    columns.

    Examples
    --------
    >>> rows = [["red", 1.0], ["blue", None], ["red", 3.0], ["blue", 5.0]]
    >>> encoder = TableEncoder(min_frequency=1).fit(rows)
    >>> encoder.get_feature_names_out(["colour", "size"]).tolist()
    ['colour=blue', 'colour=red', 'size', 'size missing']
    >>> encoder.transform([["red", ""], ["green", "2"]]).tolist()
    [[0.0, 1.0, 3.0, 1.0], [0.0, 0.0, 2.0, 0.0]]
    """

    columns_: tuple[Column, ...]

    # What encoders without these parameters, of earlier versions, did.
    _before: ClassVar[Mapping[str, Any]] = {
        "dates": [],
        "text": (),
        "text_width": 256,
        "target_means": (),
    }

    @keeps_parameters
    def __init__(
        self,
        words: Any = "auto",
        *,
        min_frequency: int = 3,
        max_categories: int = 50,
        dates: Any = "auto",
        text: Any = (),
        text_width: int = 256,
        target_means: Any = (),
    ) -> None: ...

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians, dates and words from rows.

        Parameters
        ----------
        X : array_like or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,), optional
            Their targets, for `target_means` alone.

        Returns
        -------
        TableEncoder
            The encoder.
        """
        self._learn(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Learn from rows, and turn them into numbers; see `target_means`.

        Parameters
        ----------
        X : array_like or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,), optional
            Their targets, for `target_means` alone.

        Returns
        -------
        ndarray of float64, shape (N, m)
            The numbers.
        """
        targets = self._learn(X, y)
        cells, first = self._check_cells(X), 0
        made = self._encoded(cells)
        for one, own in zip(self.columns_, cells, strict=True):
            first += len(one.names(""))
            if isinstance(one, MeanWords) and targets is not None:
                made[:, first - len(one.overall) : first] = cross_fitted(own, targets)
        return made

    def _learn(self, X: Any, y: Any) -> MeanTargets | None:
        """Decides what the columns become; gives what means are of, where there are any."""
        self._limits()
        self.__dict__.pop("number_formats_", None)  # of another table
        table = self._read(X, reset=True)
        words, dates, text = self._named_words(), self._named_dates(), self._named_text()
        means = self._named_means()
        targets = MeanTargets.of(y, len(table[0][0])) if means else None
        columns: list[Column] = []
        for place, (name, (own, of_kinds)) in enumerate(zip(self._names(), table, strict=True)):
            if place in text:
                columns.append(Text.of(own, self.text_width))
            elif place in means and targets is not None:
                columns.append(MeanWords.learn(own, targets, *self._limits()))
            elif of_kinds if words is None else place in words:
                columns.append(Words.of(own, *self._limits()))
            elif place in dates:
                columns.append(self._dates_of(own, name, dates[place]))
            elif self._looks_for_dates and (order := find_order(own)) is not None:
                columns.append(Dates.of(own, name, order))
            else:
                refuse_dates_and_complex(own, name, self._expression(X, place))
                columns.append(self._undecided(own, name, words is None))
        self.columns_ = tuple(columns)
        return targets

    def _undecided(self, own: NDArray[Any], name: str, may_be_words: bool) -> Column:
        """A column of numbers, or one of words if it may be one and holds them."""
        if not may_be_words:
            refuse_words(own, name)
        if not holds_words(own):
            for told in dates_as_numbers(name, numbers_of(own, name), f", or {NAMED}"):
                warn(told, UserWarning)
            return Numbers.of(own, name)
        refuse_formats(own, name)
        return Words.of(own, *self._limits())

    def _dates_of(self, own: NDArray[Any], name: str, order: Order | None) -> Dates:
        """A column that `dates` names; its order is found where it is not said."""
        found = order or find_order(own)
        if found is None and any(not is_hole(cell) for cell in own.tolist()):
            must = "hold dates in one order of day and month, which they leave open or do not have"
            got = next(cell for cell in own.tolist() if not is_hole(cell))
            remedy = f'dates={{{name!r}: "dmy"}} or "mdy"'
            raise DataError(sentence(f"column {name!r}", OWNER, must, got, remedy))
        return Dates.of(own, name, found or "ymd")

    def transform(self, X: Any) -> Array:
        """Turn rows into numbers.

        Parameters
        ----------
        X : array_like or data frame, shape (N, d)
            Rows.

        Returns
        -------
        ndarray of float64, shape (N, m)
            The numbers.
        """
        return self._encoded(self._check_cells(X))

    def _encoded(self, cells: list[NDArray[Any]]) -> Array:
        made, first = np.empty((len(cells[0]), self.width)), 0
        for one, name, own in zip(self.columns_, self._names(), cells, strict=True):
            part = one.encode(own, name)
            made[:, first : first + part.shape[1]] = part
            first += part.shape[1]
        return made

    def strange(self, X: Any) -> dict[str, int]:
        """Count the cells that are words, or missing values, that no row of `fit` had.

        Parameters
        ----------
        X : array_like or data frame, shape (N, d)
            Rows.

        Returns
        -------
        dict
            Counts by column; columns without any are left out.
        """
        cells = self._check_cells(X)
        parts = zip(self.columns_, self._names(), cells, strict=True)
        found = {name: one.strange(own, name) for one, name, own in parts}
        return {name: count for name, count in found.items() if count}

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns that go out.

        Parameters
        ----------
        input_features : array_like of str, optional
            Names of the columns that go in; by default those of `fit`, or x0, x1, … of an array.

        Returns
        -------
        ndarray of str
            The names: see the class.  Where two would be equal, as of the word x of a column `a`
            and of a column `a=x`, the second is followed by a number: `a=x 2`.
        """
        check_is_fitted(self)
        as_array(input_features, "input_features", OWNER, SettingError)
        given = _check_feature_names_in(self, input_features)
        made = [new for own in self._made([*map(str, given)]) for new in own]
        return np.array(made, object)

    def _made(self, given: Sequence[str]) -> list[list[str]]:
        """For each column that goes in, of these names, the names of those that go out.

        They differ: of equal ones all but the first are followed by a number.
        """
        made, taken = list[list[str]](), set[str]()
        for one, name in zip(self.columns_, given, strict=True):
            made.append([])
            for new in one.names(name):
                free, number = new, 1
                while free in taken:
                    number += 1
                    free = f"{new} {number}"
                made[-1].append(free)
                taken.add(free)
        return made

    @property
    def width(self) -> int:
        """The number of columns that go out, m."""
        return sum(len(one.names("")) for one in self.columns_)

    @property
    def words_(self) -> tuple[int, ...]:
        """The places of the columns of words."""
        return self._places(Words)

    @property
    def dates_(self) -> tuple[int, ...]:
        """The places of the columns of dates."""
        return self._places(Dates)

    @property
    def text_(self) -> tuple[int, ...]:
        """The places of the columns of text."""
        return self._places(Text)

    @property
    def _texts(self) -> tuple[int, ...]:
        """The places of the columns whose cells a file has as texts, booleans among them."""
        truths = [p for p, one in enumerate(self.columns_) if getattr(one, "booleans", False)]
        return (*self.words_, *self.dates_, *self.text_, *truths)

    def _places(self, kind: type[Column]) -> tuple[int, ...]:
        if not self.__sklearn_is_fitted__():
            raise AttributeError("words_, dates_ and text_ are there after fit")
        return tuple(place for place, one in enumerate(self.columns_) if isinstance(one, kind))

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is something to encode with."""
        return hasattr(self, "columns_")

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks: words and NaN are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        # scikit-learn 1.5 asks so.
        return {"X_types": ["2darray", "categorical", "string"], "allow_nan": True}

    def _check_cells(self, X: Any) -> list[NDArray[Any]]:
        check_is_fitted(self)
        return [cells for cells, _ in self._read(X, reset=False)]

    def _read(self, X: Any, reset: bool) -> list[tuple[NDArray[Any], bool]]:
        """Each column of X: its cells (N,), and whether its dtype is one of categories."""
        if is_frame(X):
            if not all(map(is_integer, X.shape)):  # as of Dask
                raise DataError(sentence("X", OWNER, "be in memory", type(X), "X.compute()"))
            if 0 in X.shape:
                raise DataError(sentence("X", OWNER, "have rows and columns", X.shape))
            check_features(self, X, reset)
            return [*columns_of(X)]
        # Columns judge their cells.  NumPy would make texts of all cells of a list with a text.
        dtype = None if hasattr(X, "dtype") else object
        cells = validate_data(self, X, reset=reset, dtype=dtype, ensure_all_finite=False)
        is_date = cells.dtype.kind in "mM"  # as Python's objects dates would lose their dtype
        return [(objects(own) if is_date else own, False) for own in cells.T]

    def _names(self) -> list[str]:
        """What errors call the columns."""
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        return [str(name) for name in names]

    def _expression(self, X: Any, place: int) -> str:
        """A column of X in Python."""
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return f"X[{names[place]!r}]"
        array = "X" if hasattr(X, "dtype") else "numpy.array(X, object)"
        return f"X.iloc[:, {place}]" if is_frame(X) else f"{array}[:, {place}]"

    def _limits(self) -> tuple[int, int]:
        for name in ("min_frequency", "max_categories"):
            whole_number(1).check(getattr(self, name), name, OWNER)
        whole_number(1, high=MAX_WIDTH).check(self.text_width, "text_width", OWNER)
        return self.min_frequency, self.max_categories

    def _named_words(self) -> frozenset[int] | None:
        """The places of the columns that `words` names; None for "auto"."""
        named = self._named("words")
        return None if named is None else frozenset(named)

    def _named_dates(self) -> dict[int, Order | None]:
        """The places of the columns that `dates` names, and their orders."""
        named = self._named("dates") or {}
        if both := (self._named_words() or frozenset()) & named.keys():
            must = "name columns that words does not name"
            raise SettingError(sentence("dates", OWNER, must, self._names()[min(both)]))
        said: Mapping[Any, Any] = self.dates if isinstance(self.dates, Mapping) else {}
        for order in said.values():
            if not (isinstance(order, str) and order in ORDERS):
                must = f"have orders among {', '.join(ORDERS)}"
                raise SettingError(sentence("dates", OWNER, must, order))
        return {place: said.get(one) if said else None for place, one in named.items()}

    @property
    def _looks_for_dates(self) -> bool:
        """Whether columns that `dates` does not name may hold dates."""
        return isinstance(self.dates, (str, Mapping))

    def _named_text(self) -> frozenset[int]:
        """The places of the columns that `text` names."""
        others = {"words": self._named_words(), "dates": self._named_dates()}
        return self._named_apart("text", others)

    def _named_means(self) -> frozenset[int]:
        """The places of the columns that `target_means` names."""
        others = {"dates": self._named_dates(), "text": self._named_text()}
        return self._named_apart("target_means", others)

    def _named_apart(
        self, parameter: str, others: Mapping[str, Collection[int] | None]
    ) -> frozenset[int]:
        """The places of the columns that a parameter names, and others do not."""
        named = frozenset(self._named(parameter, auto=False) or ())
        for places in others.values():
            if both := named.intersection(places or ()):
                must = f"name columns that {' and '.join(others)} do not name"
                raise SettingError(sentence(parameter, OWNER, must, self._names()[min(both)]))
        return named

    def _named(self, parameter: str, auto: bool = True) -> dict[int, Any] | None:
        """The places of the columns that a parameter names, each with its name; None for "auto".

        auto  whether it may be "auto"

        SettingError for what names no column of the rows of `fit`.
        """
        given = getattr(self, parameter)
        if auto and isinstance(given, str) and given == "auto":
            return None
        names = list(getattr(self, "feature_names_in_", ()))
        most, one_word = self.n_features_in_, isinstance(given, (str, bytes))
        listed = None if one_word else several(given, most)
        if listed is None or len(listed) > most:
            either = 'be "auto", or' if auto else "be"
            must = f"{either} a list of at most {most} names or places of columns"
            raise SettingError(sentence(parameter, OWNER, must, given))
        places = dict[int, Any]()
        for one in listed:
            if isinstance(one, str) and one in names:
                places[names.index(one)] = one
            elif is_integer(one) and 0 <= one < self.n_features_in_:
                places[int(one)] = one
            else:
                must = f"name columns that are there, or be places below {self.n_features_in_}"
                raise SettingError(sentence(parameter, OWNER, must, one))
        return places
