"""TableEncoder: what cells become, beside scikit-learn's encoders, and every check it has."""

from __future__ import annotations

import collections
import datetime
import math
import re
import warnings
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.impute import SimpleImputer
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

import trainlab as tl
from complaints import complains
from named import named
from trainlab.data.formats import NumberFormat
from trainlab.errors import DataError
from trainlab.estimators.cells import Numbers, Words, is_hole, number_of

ROWS: list[list[Any]] = [
    ["red", 1.0, None],
    ["blue", 2.0, "x"],
    ["red", math.nan, "x"],
    ["green", 7.0, None],
    ["blue", 3.0, "x"],
]


def objects(rows: Any) -> Any:
    return np.array(rows, dtype=object)


def test_what_cells_become() -> None:
    encoder = tl.TableEncoder(min_frequency=2).fit(objects(ROWS))
    assert encoder.columns_ == (
        Words(("blue", "red"), ("green",), False),
        Numbers(2.5, True),
        Words(("x",), (), True),
    )
    names = ["x0=blue", "x0=red", "x0 other", "x1", "x1 missing", "x2=x", "x2 missing"]
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.transform(objects(ROWS)).tolist() == [
        [0, 1, 0, 1, 0, 0, 1],
        [1, 0, 0, 2, 0, 1, 0],
        [0, 1, 0, 2.5, 1, 1, 0],
        [0, 0, 1, 7, 0, 0, 1],
        [1, 0, 0, 3, 0, 1, 0],
    ]
    assert (encoder.width, encoder.words_) == (7, (0, 2))


def test_what_training_never_saw() -> None:
    """A new word is a rare one if there were some; else no column is 1."""
    encoder = tl.TableEncoder(min_frequency=2).fit(objects([[*row, 5] for row in ROWS]))
    new = objects([["black", "4", "y", None], ["", None, " x ", "6"], ["green", 2, "NA", 1]])
    assert encoder.transform(new).tolist() == [
        [0, 0, 1, 4, 0, 0, 0, 5],
        [0, 0, 1, 2.5, 1, 1, 0, 6],
        [0, 0, 1, 2, 0, 0, 1, 1],
    ]
    assert encoder.strange(new) == {"0": 2, "2": 1, "3": 1}
    assert encoder.strange(objects([[*row, 5] for row in ROWS])) == {}
    complains(
        lambda: encoder.transform(objects([["red", "big", "x", 1]])), DataError, "column '1' of"
    )
    complains(
        lambda: encoder.transform(objects([["red", 1, "x", math.inf]])), DataError, "column '3' of"
    )


def test_a_most_number_of_columns_keeps_the_most_frequent() -> None:
    cells = objects([[word] for word in "aaaabbbccddf"])
    kept = {most: tl.TableEncoder(min_frequency=2, max_categories=most) for most in (1, 2, 3, 4)}
    values = {most: one.fit(cells).columns_[0].values for most, one in kept.items()}
    assert values == {1: (), 2: ("a",), 3: ("a", "b"), 4: ("a", "b", "d")}
    assert kept[4].columns_[0].rare == ("c", "f")
    assert kept[1].transform(cells).tolist() == [[1.0]] * 12
    assert tl.TableEncoder(min_frequency=1, max_categories=5).fit(cells).columns_[0].rare == ()


def test_as_scikit_learn_encodes(rng: np.random.Generator) -> None:
    """An imputer of the medians and a one-hot encoder, column by column."""
    n = 90
    numbers = rng.standard_normal((n, 2))
    numbers[rng.random((n, 2)) < 0.2] = math.nan
    words = objects([[chr(97 + int(v * v)) for v in row] for row in rng.uniform(0, 3.4, (n, 2))])
    cells = np.concatenate([words, numbers.astype(object)], axis=1)
    ours = tl.TableEncoder(min_frequency=4, max_categories=6).fit(cells[:60])
    one_hot = OneHotEncoder(
        min_frequency=4,
        max_categories=6,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    ).fit(words[:60])
    imputer = SimpleImputer(strategy="median", add_indicator=True).fit(numbers[:60])
    assert {len(one.values) for one in ours.columns_[:2]} <= {4, 5}
    filled = imputer.transform(numbers)
    expected = [one_hot.transform(words), filled[:, [0, 2, 1, 3]]]
    assert ours.transform(cells).tobytes() == np.concatenate(expected, axis=1).tobytes()


@pytest.mark.parametrize(
    ("cells", "hole", "value"),
    [
        (None, True, None),
        (pd.NA, True, None),
        (pd.NaT, True, None),
        (np.float32("nan"), True, None),
        (" n/a ", True, None),
        ("inf", True, None),
        (True, False, 1.0),
        (np.bool_(False), False, 0.0),
        (np.int8(3), False, 3.0),
        (Decimal("0.5"), False, 0.5),
        (Decimal("NaN"), True, None),
        (Decimal("sNaN"), True, None),
        (10**400, False, math.inf),
        (" 1e-3 ", False, 1e-3),
        ("1_000", False, None),
        ("1,5", False, None),
        (1j, False, None),
        (pd.Timestamp("2020-01-01"), False, None),
        (np.timedelta64(3, "D"), False, None),
        (np.timedelta64("NaT", "s"), True, None),
        (np.datetime64("NaT", "s"), True, None),
        ({"a": 1}, False, None),
    ],
)
def test_cells(cells: Any, hole: bool, value: float | None) -> None:
    assert is_hole(cells) is hole
    found = number_of(cells)
    assert math.isnan(found) if value is None else found == value


def test_frames_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "kind": pd.Series(["a", None, "a"], dtype="string"),
            "sort": pd.Categorical(["u", "v", "u"]),
            "yes": [True, False, True],
            "when": pd.Categorical(pd.to_datetime(["2020-01-01", None, "2020-01-01"])),
            "size": [0.5, 1.5, math.nan],
        }
    )
    encoder = tl.TableEncoder(min_frequency=1).set_output(transform="pandas")
    found = encoder.fit_transform(frame)
    assert list(found.columns) == [
        *("whole", "whole missing", "kind=a", "kind missing", "sort=u", "sort=v", "yes"),
        *("when=2020-01-01 00:00:00", "when missing", "size", "size missing"),
    ]
    assert found.iloc[1].tolist() == [2, 1, 0, 1, 0, 1, 0, 0, 1, 1.5, 0]
    assert encoder.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(frame[["kind", "whole", "sort", "yes", "when", "size"]])
    assert encoder.strange(frame.assign(kind=["b", "a", "a"], size=[1, 2, 3])) == {"kind": 1}


class Frame:
    """A frame as polars or pyarrow have them."""

    def __init__(self, columns: dict[str, tuple[str, list[Any]]], method: str, kind: str) -> None:
        made = [
            SimpleNamespace(**{kind: dtype, "to_list": cells.copy, "to_pylist": cells.copy})
            for dtype, cells in columns.values()
        ]
        setattr(self, method, lambda: made)
        self.shape = (len(made[0].to_list()), len(made))


COLOURS = {
    "n": [1, 2, 2, None, 1, 1],
    "yes": [True, False] * 3,
    "size": [0.5 * n for n in range(6)],
}
CODES = pd.Categorical(COLOURS["n"])


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(COLOURS | columns)


@pytest.mark.parametrize(
    "X",
    [
        frame(n=CODES),
        frame(n=pd.Categorical([1.0, 2.0, 2.0, None, 1.0, 1.0])),
        frame(n=pd.Categorical(COLOURS["n"], ordered=True), yes=pd.array([1, 0] * 3, "boolean")),
        frame(n=CODES).convert_dtypes(),
        Frame(
            {
                "n": ("Categorical(ordering='lexical')", ["1", "2", "2", None, "1", "1"]),
                "yes": ("Boolean", COLOURS["yes"]),
                "size": ("Float64", COLOURS["size"]),
            },
            "get_columns",
            "dtype",
        ),
        Frame(
            {
                "n": ("dictionary<values=int64, indices=int32, ordered=0>", COLOURS["n"]),
                "yes": ("bool", COLOURS["yes"]),
                "size": ("double", COLOURS["size"]),
            },
            "itercolumns",
            "type",
        ),
    ],
)
def test_categories_are_words_and_stay_them(X: Any) -> None:
    """Whatever they are, and whatever dtypes later rows have; a bool is 0 or 1."""
    encoder = tl.TableEncoder(min_frequency=2).fit(X)
    names = ["n=1", "n=2", "n missing", "yes", "size"]
    assert encoder.get_feature_names_out(["n", "yes", "size"]).tolist() == names
    found = encoder.transform(X)
    assert found[:, :3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], *[[1, 0, 0]] * 2]
    assert found[:, 3].tolist() == [1, 0] * 3
    later: list[Any] = [
        frame(),
        frame(n=pd.array(COLOURS["n"], dtype="Int64"), yes=[1, 0] * 3),
        frame(n=["1", "2", " 2", "", "1", "1"], size=list(map(str, COLOURS["size"]))),
        frame(n=pd.array(["1", "2", "2", None, "1", "1"], dtype="string")),
        frame(n=CODES, size=pd.Categorical(COLOURS["size"])),
    ]
    if not hasattr(encoder, "feature_names_in_"):
        later = [rows.to_numpy(object) for rows in later]
    later.append([*map(list, zip(*COLOURS.values(), strict=True))])
    for rows in later:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="X does not have valid feature names")
            assert encoder.transform(rows).tobytes() == found.tobytes()
            assert encoder.strange(rows) == {}


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_frames_of_other_libraries(library: str) -> None:
    made: Any = pytest.importorskip(library)
    if library == "polars":
        codes = made.Series(["1", "2", "2", None, "1", "1"], dtype=made.Categorical)
        X = named(made.DataFrame(COLOURS | {"n": codes}))
    else:
        X = made.table(COLOURS | {"n": made.array(COLOURS["n"]).dictionary_encode()})
    encoder = tl.TableEncoder(min_frequency=2).fit(X)
    names = ["n=1", "n=2", "n missing", "yes", "size"]
    assert encoder.get_feature_names_out().tolist() == names
    same = tl.TableEncoder(min_frequency=2).fit(frame(n=CODES))
    assert encoder.transform(X).tobytes() == same.transform(frame()).tobytes()


def test_columns_that_go_out_have_names_that_differ() -> None:
    """A column may be called as a word of another one, or as the holes of one."""
    others = {"a=x": range(6), "b missing": range(6)}
    X = pd.DataFrame({"a": [*"xxxyyy"], "b": [1.0, None] * 3, **others})
    encoder = tl.TableEncoder().fit(X)
    names = ["a=x", "a=y", "b", "b missing", "a=x 2", "b missing 2"]
    assert encoder.get_feature_names_out().tolist() == names
    turned = tl.TableEncoder().set_output(transform="pandas").fit_transform(X[X.columns[::-1]])
    assert turned.columns.tolist() == ["b missing", "a=x", "b", "b missing 2", "a=x 2", "a=y"]
    taken = X.rename(columns={"b": "a=x 2"})
    names = ["a=x", "a=y", "a=x 2", "a=x 2 missing", "a=x 3", "b missing"]
    assert tl.TableEncoder().fit(taken).get_feature_names_out().tolist() == names


def test_formats_are_those_of_one_table() -> None:
    encoder = tl.TableEncoder().fit(objects(ROWS))
    encoder.number_formats_ = {"x": NumberFormat(",")}  # as a search leaves them
    assert not hasattr(encoder.fit(objects(ROWS)), "number_formats_")


def test_categories_keep_every_digit() -> None:
    codes = pd.Categorical([2**60 + 1, 2**60 + 2, None] * 3)
    encoder = tl.TableEncoder().fit(pd.DataFrame({"n": codes}))
    assert encoder.columns_[0] == Words((str(2**60 + 1), str(2**60 + 2)), (), True)


def test_a_list_of_names_decides_over_dtypes() -> None:
    assert tl.TableEncoder(["size"], min_frequency=1).fit(frame(n=CODES)).words_ == (2,)
    words = frame(n=pd.Categorical(["a", "b"] * 3))
    told = "column 'n' of TableEncoder must hold numbers, or nothing, where words= does not name it"
    told += "; got 'a'; try its name in words=, which names all columns of words"
    complains(lambda: tl.TableEncoder([]).fit(words), DataError, told)


def test_a_type_does_not_depend_on_the_neighbours() -> None:
    """A list of rows is no array of texts because one of its columns is of words."""
    rows = [[True, "a", 0.1], [False, "b", 7]] * 3
    encoder = tl.TableEncoder().fit(rows)
    assert encoder.columns_[::2] == (Numbers(0.5, False, booleans=True), Numbers(3.55, False))
    assert encoder.transform(rows).tobytes() == encoder.transform(objects(rows)).tobytes()
    small = tl.TableEncoder([0]).fit([[np.float32(7)], [7]] * 3)
    assert small.columns_[0] == Words(("7",), (), False)


DAYS = pd.Series(pd.date_range("2020-03-01", periods=6, freq="300D"))
GONE = [None, *[datetime.date(2020, 1, 1)] * 5]
HOURS = pd.Series(pd.timedelta_range("1h", periods=6))
AT = [None, *[datetime.time(7, 30)] * 5]


@pytest.mark.parametrize(
    ("column", "remedy", "first"),
    [
        (DAYS, "pandas.DatetimeIndex(X['day']).year", 2020),
        (DAYS.dt.tz_localize("UTC"), "pandas.DatetimeIndex(X['day']).year", 2020),
        (DAYS.astype(object), "pandas.DatetimeIndex(X['day']).year", 2020),
        (GONE, "pandas.DatetimeIndex(X['day']).year", math.nan),
        (DAYS.dt.to_period("M"), "pandas.PeriodIndex(X['day']).year", 2020),
        (HOURS, "pandas.TimedeltaIndex(X['day']).total_seconds()", 3600),
        (AT, "[None if cell is None else cell.hour for cell in X['day']]", math.nan),
        (np.arange(6) * 1j, "numpy.real(X['day'])", 0),
    ],
)
def test_dates_are_refused_with_a_remedy(column: Any, remedy: str, first: float) -> None:
    """Beside numbers, words or nothing, where `dates` names none; what is tried is numbers."""
    by_hand = {
        "pandas.D": lambda X: pd.DatetimeIndex(X["day"]).year,
        "pandas.P": lambda X: pd.PeriodIndex(X["day"]).year,
        "pandas.T": lambda X: pd.TimedeltaIndex(X["day"]).total_seconds(),
        "[None if": lambda X: [None if cell is None else cell.hour for cell in X["day"]],
        "numpy.re": lambda X: np.real(X["day"]),
    }[remedy[:8]]
    for names in (["size"], ["kind"], ["size", "kind"], []):
        X = frame(kind=["a", "b"] * 3)[names].assign(day=column)
        complains(lambda rows=X: tl.TableEncoder(dates=[]).fit(rows), DataError, "column 'day' of")
        with pytest.raises(DataError, match=re.escape(f"numbers in its place, such as {remedy}")):
            tl.TableEncoder(dates=[]).fit(X)
        again = X.assign(day=by_hand(X))
        found = tl.TableEncoder().fit(again)
        assert found.columns_[-1].names("day")[0] == "day"
        value = found.transform(again)[0, -1 - (len(found.columns_[-1].names("")) - 1)]
        assert math.isnan(first) or value == first
    # Asked for by name they are words; a column of numbers takes none.
    named = tl.TableEncoder(["day"], min_frequency=1).fit(X)
    assert named.words_ == (0,)
    numbers = tl.TableEncoder().fit(frame()[["size"]].rename(columns={"size": "day"}))
    complains(lambda: numbers.transform(X), DataError, "column 'day' of TableEncoder must hold")


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "datetime64[D]", "timedelta64[ns]"])
def test_arrays_of_dates_are_refused(dtype: str) -> None:
    """Also by a column that was learnt as numbers: in Python nanoseconds are integers."""
    X = np.arange(6).astype(dtype).reshape(3, 2)
    complains(lambda: tl.TableEncoder(dates=[]).fit(X), DataError, "column '0' of")
    learnt = tl.TableEncoder().fit(np.ones((3, 2)))
    complains(lambda: learnt.transform(X), DataError, "column '0' of")
    X[:] = "NaT"
    assert learnt.strange(X) == {"0": 3, "1": 3}


def test_the_remedy_names_a_column_as_python_does() -> None:
    X = np.arange(6).astype("datetime64[D]").reshape(3, 2)
    rows = (X, pd.DataFrame(X), X.astype(object).tolist())
    names = ("X[:, 0]", "X.iloc[:, 0]", "numpy.array(X, object)[:, 0]")
    for these, name in zip(rows, names, strict=True):
        with pytest.raises(DataError, match=re.escape(name)):
            tl.TableEncoder(dates=[]).fit(these)


@pytest.mark.parametrize(
    "cells", [["3,750", "950", None], ["$1.01", "$2"], ["1,5", 2.5, "NA"], ["12 %", "3%"]]
)
def test_formatted_numbers_are_refused_with_a_remedy(cells: list[Any]) -> None:
    told = "column 'price' of TableEncoder must hold numbers as programs write them, or words; got "
    frame = pd.DataFrame({"price": np.array(cells, object)})
    complains(lambda: tl.TableEncoder().fit(frame), DataError, f"{told}{cells[0]!r}; try ")
    with pytest.raises(DataError, match=r"words=, which names all columns of words$"):
        tl.TableEncoder().fit(frame)
    assert tl.TableEncoder(["price"], min_frequency=1).fit(frame).words_ == (0,)
    frame.loc[0, "price"] = "red"
    assert tl.TableEncoder().fit(frame).words_ == (0,)


def test_a_frame_without_rows_is_refused() -> None:
    complains(lambda: tl.TableEncoder().fit(frame()[:0]), DataError, "X of TableEncoder must have")


def test_columns_may_be_named() -> None:
    """Numbers that are names of things; and a fold in which all words of a column are numbers."""
    rows = objects([[7, "1"], [7.0, "2"], ["007", "2"]])
    named = tl.TableEncoder([0], min_frequency=1).fit(rows)
    assert named.columns_[0] == Words(("007", "7"), (), False)
    assert named.columns_[1] == Numbers(2.0, False)
    frame = pd.DataFrame(rows, columns=["zip", "n"])
    assert tl.TableEncoder(["n"], min_frequency=1).fit(frame).words_ == (1,)
    assert tl.TableEncoder([]).fit(rows).words_ == ()
    complains(lambda: tl.TableEncoder([]).fit(objects(ROWS)), DataError, "column '0' of")


def test_a_column_without_a_value_in_training_changes_nothing() -> None:
    """As a fold may have it: 0, and the column that says so."""
    rows = objects([[None, "", 1.0]] * 4)
    encoder = tl.TableEncoder([1], min_frequency=1).fit(rows)
    assert encoder.transform(rows).tolist() == [[0, 1, 1, 1]] * 4
    assert encoder.transform(objects([[5.0, "a", 1.0]])).tolist() == [[5, 0, 0, 1]]


def test_medians_of_the_largest_numbers_are_numbers() -> None:
    ends = np.array([[2.0**1023], [1.5 * 2.0**1023], [math.nan]])
    assert tl.TableEncoder().fit(ends).columns_[0] == Numbers(1.25 * 2.0**1023, True)


def test_numbers_without_holes_are_the_same_bits() -> None:
    X = load_wine().data
    assert tl.TableEncoder().fit_transform(X).tobytes() == X.tobytes()
    assert tl.TableEncoder().fit_transform(X.astype(object)).tobytes() == X.tobytes()
    assert tl.TableEncoder().fit_transform(X.astype(str)).tobytes() == X.tobytes()


def worded_wine(seed: int) -> tuple[Any, Any]:
    """The wines; three of their numbers as words, and a tenth of all cells empty."""
    wine, rng = load_wine(), np.random.default_rng(seed)
    cells = wine.data.astype(object)
    for place in (0, 6, 9):
        cuts = np.quantile(wine.data[:, place], [0.25, 0.5, 0.75])
        cells[:, place] = np.array(["low", "fair", "high", "top"])[
            np.searchsorted(cuts, wine.data[:, place])
        ]
    cells[rng.random(cells.shape) < 0.1] = None
    return cells, wine.target_names[wine.target]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_search_encodes_each_fold_by_its_training_rows_alone() -> None:
    """The same scores, to the bit, as scikit-learn's search, which clones and fits each time."""
    cells, y = worded_wine(1)
    network = tl.MLPClassifier((8,), max_iter=15, schedule="cosine", random_state=0, workers=1)
    estimator = Pipeline([("encoder", tl.TableEncoder([0, 6, 9])), ("network", network)])
    space = {
        "network__learning_rate_init": loguniform(1e-2, 1e-1),
        "encoder__min_frequency": [3, 30],
    }
    given = {"n_iter": 3, "cv": StratifiedKFold(3), "random_state": 0}
    ours = tl.PopulationSearchCV(estimator, space, workers=1, **given).fit(cells, y)
    theirs = RandomizedSearchCV(clone(estimator), space, **given).fit(cells, y)
    for name in ("split0_test_score", "split1_test_score", "split2_test_score"):
        assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()
    assert ours.best_score_ > 0.85
    proba = ours.best_estimator_.predict_proba(cells)
    assert proba.tobytes() == theirs.best_estimator_.predict_proba(cells).tobytes()


def test_many_rows_of_few_words_are_read_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = collections.Counter[str]()
    right = number_of

    def counted(cell: Any) -> Any:
        calls[cell] += 1
        return right(cell)

    cells = objects([["a"], ["b"]] * 500)
    encoder = tl.TableEncoder([0]).fit(cells)
    monkeypatch.setattr("trainlab.estimators.cells.is_hole", lambda cell: counted(cell) is None)
    encoder.transform(cells)
    assert calls == {"a": 1, "b": 1}


@pytest.mark.parametrize("cells", [["red", "blue"], [1.0, math.nan]])
@pytest.mark.parametrize("model", [tl.MLPClassifier(), tl.PopulationEnsembleClassifier()])
def test_estimators_that_are_given_a_table_point_to_the_encoder(cells: Any, model: Any) -> None:
    for frame in (pd.DataFrame({"colour": cells * 10}), objects([[cell] for cell in cells * 10])):
        with pytest.raises(ValueError, match=r"could not convert|contains NaN") as caught:
            model.fit(frame, [0, 1] * 10)
        (note,) = caught.value.__notes__
        owner = type(model).__name__
        assert note.endswith(f"make_pipeline(trainlab.TableEncoder(), trainlab.{owner}())")


def test_estimators_that_are_given_dates_among_numbers_point_to_the_encoder() -> None:
    frame = pd.DataFrame({"size": [1.5] * 20, "day": pd.Timestamp(2024, 5, 1)})
    with pytest.raises(TypeError, match="DateTime64") as caught:
        tl.MLPClassifier().fit(frame, [0, 1] * 10)
    (note,) = caught.value.__notes__
    assert note.startswith("A TableEncoder makes numbers of words, dates")


@pytest.mark.parametrize("model", [tl.MLPClassifier(max_iter=1), tl.PopulationEnsembleRegressor()])
def test_lists_without_a_value_are_refused_as_arrays_are(model: Any) -> None:
    """scikit-learn keeps None in lists that are not of words."""
    rows = [[1, None], [2, 3]] * 5
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(rows, [0, 1] * 5)
    model = tl.MLPClassifier(max_iter=1, schedule="cosine").fit([[1, 2], [2, 3]], [0, 1])
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(rows)
    assert len(model.predict([[1, 2.5], (2, 3)])) == 2


def test_booleans_are_the_same_however_they_are_written() -> None:
    """In later rows and in those of `fit`, texts or real ones; words of other cases stay two."""
    spelt = ["TRUE", "FALSE", "TRUE", "true", "Red", "red"] * 2
    encoder = tl.TableEncoder(min_frequency=1, target_means=[1])
    encoder.fit_transform(objects([[one, one] for one in spelt]), np.arange(12.0))
    assert [one.values for one in encoder.columns_] == [("FALSE", "Red", "TRUE", "red")] * 2
    new = [["TRUE", "true", "True", True, np.True_], ["FALSE", "false", "False", False, np.False_]]
    for place, ways in enumerate(new):
        made = encoder.transform(objects([[one, one] for one in ways]))
        assert (made == made[0]).all()
        assert made[0, :4].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]][place]
        assert encoder.strange(objects([[one, one] for one in ways])) == {}
    frame = pd.DataFrame({"a": ["FALSE", "TRUE"] * 3, "b": ["x", "y"] * 3})
    named = tl.TableEncoder().fit(frame)
    real = frame.assign(a=[False, True] * 3)
    assert named.transform(real).tolist() == named.transform(frame).tolist()


def test_real_booleans_are_read_as_texts_later() -> None:
    """As a file has them; a word among other numbers stays an error."""
    cells = {"a": [True, False] * 3, "b": [True, None] * 3, "c": [1.0, 0.0] * 3}
    frame = pd.DataFrame(cells).astype({"b": object})
    encoder = tl.TableEncoder().fit(frame)
    assert [one.booleans for one in encoder.columns_] == [True, True, False]
    texts = pd.DataFrame({"a": ["TRUE", "false", " True"], "b": ["true", "", "False"], "c": "1"})
    made = encoder.transform(texts)
    assert made.tolist() == [[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 1]]
    assert encoder.strange(texts) == {}
    with pytest.raises(DataError, match="column 'c' of TableEncoder must hold finite numbers"):
        encoder.transform(texts.assign(c="TRUE"))
    with pytest.raises(DataError, match="column 'a' of TableEncoder must hold finite numbers"):
        encoder.transform(texts.assign(a="yes"))


def test_a_model_that_tells_two_spellings_of_true_goes_on_doing_so() -> None:
    old = Words(("TRUE", "true"), (), False)
    made = old.encode(objects(["TRUE", "true", "True"]), "x")
    assert made.tolist() == [[1, 0], [0, 1], [0, 1]]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_column_may_have_the_name_of_an_attribute() -> None:
    """pandas gives it for the attribute that frames of other libraries keep their names in."""
    X = pd.DataFrame({"column_names": [0.0, 0.0, 1.0, 1.0], "columns": [1.0, 0.0, 1.0, 0.0]})
    model = tl.MLPClassifier((2,), max_iter=1, random_state=0).fit(X, [0, 1, 0, 1])
    assert model.feature_names_in_.tolist() == ["column_names", "columns"]


@pytest.mark.parametrize("others", [{}, {"size": 1.5}])
@pytest.mark.parametrize(
    "held",
    [
        pd.Series(["red", "blue"] * 10).astype("category"),
        pd.period_range("2024-01", periods=20, freq="M"),
        pd.cut(np.arange(20.0), 3),
        pd.date_range("2024-01-01", periods=20, tz="UTC"),
        pd.date_range("2024-01-01", periods=20),
        pd.timedelta_range(0, periods=20),
    ],
    ids=["categories", "periods", "intervals", "zones", "days", "durations"],
)
def test_frames_of_no_numbers_point_to_the_encoder(held: Any, others: dict[str, float]) -> None:
    """scikit-learn makes arrays of objects of some: the error was one of our own lines."""
    frame = pd.DataFrame({"held": held, **others})
    for model in (tl.MLPClassifier(), tl.PopulationEnsembleClassifier()):
        owner = type(model).__name__
        with pytest.raises((tl.DataError, TypeError)) as caught:
            model.fit(frame, [0, 1] * 10)
        told = [str(caught.value), *getattr(caught.value, "__notes__", [])]
        assert told[-1].endswith(f"make_pipeline(trainlab.TableEncoder(), trainlab.{owner}())")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_categories_of_numbers_are_numbers() -> None:
    sizes = pd.Series([1.5, 2.5] * 10)
    first, second = (
        tl.MLPRegressor((3,), max_iter=1, tol=9.0, random_state=0)
        .fit(pd.DataFrame({"size": own, "more": 1.0}), sizes)
        .predict(pd.DataFrame({"size": own, "more": 1.0}))
        for own in (sizes, sizes.astype("category"))
    )
    assert first.tobytes() == second.tobytes()


class Lazy(pd.DataFrame):
    """As of Dask: nobody knows how many rows there are."""

    @property
    def shape(self) -> tuple[Any, int]:
        return object(), len(self.columns)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_frames_whose_rows_nobody_has_counted() -> None:
    frame = pd.DataFrame({"size": [0.0, 1.0] * 10})
    model = tl.MLPClassifier((2,), max_iter=1, random_state=0).fit(frame, [0, 1] * 10)
    lazy = Lazy(frame)
    assert (model.predict_proba(lazy) == model.predict_proba(frame)).all()
    with pytest.raises(tl.DataError, match=r"^X of TableEncoder must be in memory; .*; try X\.com"):
        tl.TableEncoder().fit(lazy)
