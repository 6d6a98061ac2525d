"""TableEncoder: columns of words and cells without a value as columns of numbers.

Axis letters: N rows, d columns that come in, m that go out.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from trainlab.arrays import as_array
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.cells import (
    OWNER,
    Column,
    Numbers,
    Words,
    holds_words,
    refuse_dates_and_complex,
    refuse_formats,
)
from trainlab.estimators.compatibility import check_features, keeps_parameters, validate_data
from trainlab.estimators.frames import columns_of, is_frame, objects
from trainlab.network.workspace import Array
from trainlab.settings import is_integer, several, whole_number


class TableEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # it comes without types
    """Turn a table with words and missing values into numbers; the first step of a pipeline.

    Parameters
    ----------
    words : "auto" or list of str or int
        All columns of words, by name or by place from 0 on; "auto" looks at the cells.
    min_frequency : int, default 3
        A word needs so many rows for a column of its own.
    max_categories : int, default 50
        The most columns that a column of words may become, that of rare words among them.

    Attributes
    ----------
    columns_ : tuple of Column
        What each column became.
    words_ : list of int
        The places of the columns of words.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of str
        Their names, of data frames.

    Notes
    -----
    X (N, d) is a data frame, an array of objects, strings or numbers, or a list of rows.
    `transform` gives (N, m), float64.

    A missing value is None, NaN, pandas' NA or NaT, or a text that says so: empty, "NA",
    "null", …  A column is one of words if its dtype in the rows of `fit` is one of categories (of
    pandas, polars or pyarrow), whatever they are, or if any cell of it that is not missing is not
    a number ("12" and True are numbers, "red" is a word).  `words` decides otherwise.  Later
    rows are read in the same way, whatever their dtypes: 7 is then the word "7".  Dates, times
    and complex numbers are neither, and a DataError says how to make numbers of them.  Nor is
    a column of "3,750", "$1.01" or "1,5", unless other cells are words: it is a DataError.

    A column of numbers becomes itself, with the median of the rows of `fit` in place of missing
    values; and, where values were missing, a second column: 1 where one is missing, else 0.
    A column of words becomes a column for each word, 1 in the rows that have it, else 0; one for
    rare words together, where there were any; and one for missing values, where there were any.

    Later rows may hold what those of `fit` did not.  A new word counts as a rare one where
    there were some; otherwise it is 0 in all columns, since training had no word to tell it by.
    So is a missing value in a column of words that had none; in one of numbers it is the median.
    A word in a column of numbers is a DataError that names the column.

    Differs from scikit-learn: this is a SimpleImputer(strategy="median", add_indicator=True)
    of the numbers and a OneHotEncoder(min_frequency=, max_categories=,
    handle_unknown="infrequent_if_exist") of the words, each column behind the other, without a
    list of which is which; OneHotEncoder makes a column of rare words also where there are
    just max_categories words, and of a missing value in a column without one a rare word.
    pandas.get_dummies knows nothing of earlier rows: other words in a new table are other
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

    @keeps_parameters
    def __init__(
        self, words: Any = "auto", *, min_frequency: int = 3, max_categories: int = 50
    ) -> None: ...

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians and words from rows.

        Parameters
        ----------
        X : array_like or data frame, shape (N, d)
            Rows.
        y : object, optional
            Not used.

        Returns
        -------
        TableEncoder
            The encoder.
        """
        least, most = self._limits()
        table = self._read(X, reset=True)
        named = self._named_words()
        columns: list[Column] = []
        for place, (name, (own, of_kinds)) in enumerate(zip(self._names(), table, strict=True)):
            of_words = of_kinds if named is None else place in named
            if not of_words:
                refuse_dates_and_complex(own, name, self._expression(X, place))
                of_words = named is None and holds_words(own)
                if of_words:
                    refuse_formats(own, name)
            columns.append((Words if of_words else Numbers).of(own, name, least, most))
        self.columns_ = tuple(columns)
        return self

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
        cells = self._check_cells(X)
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
            The names: see the class.
        """
        check_is_fitted(self)
        as_array(input_features, "input_features", OWNER, SettingError)
        given = _check_feature_names_in(self, input_features)
        parts = zip(self.columns_, given, strict=True)
        return np.array([new for one, name in parts for new in one.names(str(name))], object)

    @property
    def width(self) -> int:
        """The number of columns that go out, m."""
        return sum(len(one.names("")) for one in self.columns_)

    @property
    def words_(self) -> tuple[int, ...]:
        """The places of the columns of words."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError("words_ is there after fit")
        return tuple(place for place, one in enumerate(self.columns_) if isinstance(one, Words))

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
        return self.min_frequency, self.max_categories

    def _named_words(self) -> frozenset[int] | None:
        """The places of the columns that `words` names; None for "auto".

        SettingError for what names no column of the rows of `fit`.
        """
        if isinstance(self.words, str) and self.words == "auto":
            return None
        names = list(getattr(self, "feature_names_in_", ()))
        most, one_word = self.n_features_in_, isinstance(self.words, (str, bytes))
        given = None if one_word else several(self.words, most)
        if given is None or len(given) > most:
            must = f'be "auto", or a list of at most {most} names or places of columns'
            raise SettingError(sentence("words", OWNER, must, self.words))
        places = set()
        for one in given:
            if isinstance(one, str) and one in names:
                places.add(names.index(one))
            elif is_integer(one) and 0 <= one < self.n_features_in_:
                places.add(int(one))
            else:
                must = f"name columns that are there, or be places below {self.n_features_in_}"
                raise SettingError(sentence("words", OWNER, must, one))
        return frozenset(places)
