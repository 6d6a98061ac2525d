"""TableEncoder on columns of dates: what they become, beside pandas, and what a file keeps."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

import trainlab as tl
from complaints import complains
from trainlab.data.table import write_table
from trainlab.errors import DataError, ModelFileError, SettingError
from trainlab.estimators.cells import Words
from trainlab.estimators.dates import PARTS, Dates
from trainlab.models.container import Content, pack, read
from trainlab.models.scoring import score

DAYS = pd.Series(pd.date_range("2019-11-30 06:45", periods=40, freq="311h"))


def objects(*cells: Any) -> Any:
    """A column of cells, whatever they are."""
    found = np.empty((len(cells), 1), object)
    found[:, 0] = cells
    return found


@pytest.mark.parametrize("unit", ["Y", "D", "s"])
@pytest.mark.parametrize("year", [300_000, -300_000])
def test_years_beyond_microseconds_are_refused(unit: str, year: int) -> None:
    """As microseconds they would be other years."""
    cells = np.array([[np.datetime64(f"{year}", unit)], [np.datetime64("2024-01-01", unit)]])
    for given in (cells, objects(*cells[:, 0])):
        complains(lambda X=given: tl.TableEncoder().fit(X), DataError, "column '0' of TableEncoder")
    far = np.array([["289000-06-01"], ["2024-01-01"]], "datetime64[D]")
    assert tl.TableEncoder().fit_transform(far)[0, 0] == 289_000


@pytest.mark.parametrize(
    "cells",
    [
        DAYS,
        DAYS.dt.tz_localize("America/New_York"),
        DAYS.astype("datetime64[s]"),
        DAYS.astype(object),
        pd.Series([day.to_pydatetime() for day in DAYS], dtype=object),
        pd.Series([np.datetime64(day, "s") for day in DAYS], dtype=object),
        DAYS.dt.strftime("%Y-%m-%d %H:%M"),
        DAYS.dt.strftime("%d.%m.%Y %H:%M"),
        DAYS.dt.strftime("%m/%d/%Y %I:%M %p"),
        DAYS.dt.strftime("%B %d, %Y %H:%M").astype("string"),
        DAYS.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    ],
)
def test_parts_are_those_of_pandas(cells: Any) -> None:
    encoder = tl.TableEncoder().fit(pd.DataFrame({"day": cells}))
    names = [f"day {part}" for part in PARTS]
    assert encoder.get_feature_names_out().tolist() == names
    assert (encoder.dates_, encoder.words_) == ((0,), ())
    parts = (DAYS.dt.year, DAYS.dt.month, DAYS.dt.day, DAYS.dt.day_of_week)
    hour = DAYS.dt.hour + DAYS.dt.minute / 60
    elapsed = (DAYS - DAYS[0].normalize()) / pd.Timedelta("1D")
    found = encoder.transform(pd.DataFrame({"day": cells}))
    np.testing.assert_array_equal(found, np.stack([*parts, hour, elapsed], axis=1))


def test_arrays_and_lists_of_dates() -> None:
    X = np.arange(6).astype("datetime64[D]").reshape(3, 2)
    expected = [[1, 3, 0, 2, 4, 0], [3, 5, 2, 4, 6, 2], [5, 0, 4, 6, 1, 4]]
    encoder = tl.TableEncoder().fit(X)
    for rows in (X, X.astype(object), X.astype(object).tolist(), X.astype(str)):
        assert encoder.transform(rows).tolist() == expected
        assert tl.TableEncoder().fit(rows).columns_ == encoder.columns_


def test_parts_that_do_not_differ_are_left_out() -> None:
    days = [[datetime.date(2024, 5, 7)], [datetime.date(2024, 5, 14)]]
    encoder = tl.TableEncoder().fit(days)
    assert encoder.columns_ == (
        Dates("ymd", ("day", "elapsed days"), 19_850, 19_850 * 86_400.0, False),
    )
    assert encoder.transform([["2025-06-08 12:00"]]).tolist() == [[8, 397.5]]
    assert tl.TableEncoder().fit(days[:1]).get_feature_names_out().tolist() == ["x0 elapsed days"]


def test_months_are_dates_and_seasons_are_words() -> None:
    months = [["2024-01"], ["02/2024"], ["Mar 2025"], [None]]
    encoder = tl.TableEncoder().fit(months)
    names = ["x0 year", "x0 month", "x0 elapsed days", "x0 missing"]
    assert encoder.get_feature_names_out().tolist() == names
    found = encoder.transform(months).tolist()
    assert found[:3] == [[2024, 1, 0, 0], [2024, 2, 31, 0], [2025, 3, 425, 0]]
    assert encoder.transform([["2024-01-15"]]).tolist() == [[2024, 1, 14, 0]]
    # Searches of days that begin months had a weekday, and go on with it; so does a fold of both.
    for others in (["2024-01-01"], [datetime.date(2024, 1, 1)]):
        names = tl.TableEncoder().fit([*months, others]).get_feature_names_out().tolist()
        assert names[2] == "x0 weekday"
    seasons = [["2009-10"], ["2010-11"], ["2011-12"]] * 3
    assert tl.TableEncoder().fit(seasons).words_ == (0,)


def test_holes_are_the_median_and_said() -> None:
    days = objects("2024-01-01", None, "2024-01-05", pd.NaT, "2024-01-09", "NA", "2024-01-20")
    encoder = tl.TableEncoder().fit(days)
    found = encoder.transform(days)
    assert found[:, -1].tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert (found[1] == [*found[2][:-1], 1]).all()  # of two in the middle the earlier
    assert encoder.strange(days) == {}
    whole = tl.TableEncoder().fit(days[::2])
    assert whole.strange(days) == {"0": 3}
    assert whole.transform(days[1:2]).tolist() == whole.transform(days[2:3]).tolist()
    # A fold may have none at all.
    gone = tl.TableEncoder(dates=[0]).fit(objects(None, None))
    assert gone.transform([["1970-01-03"], [None]]).tolist() == [[2, 0], [0, 1]]


def test_what_is_no_date_later_is_an_error() -> None:
    encoder = tl.TableEncoder().fit([["31.12.2024"], ["1.2.2024"]])
    for cell in ("12/31/2024", "red", 5, 45_000.0, datetime.time(7, 30), "2024-13"):
        with pytest.raises(DataError, match="column '0' of TableEncoder must hold dates "):
            encoder.transform(objects(cell, None))
    assert (
        encoder.transform([["2024-12-30"]]).tolist() == encoder.transform([["30/12/2024"]]).tolist()
    )


def test_periods_are_dates() -> None:
    """Each counts as its first moment, in a frame as among objects."""
    months = [pd.Period(month, "M") for month in ("2024-01", "2024-03", None, "2023-12")]
    days = objects("2024-01", "2024-03", None, "2023-12")
    expected = tl.TableEncoder().fit_transform(days).tolist()
    for rows in (pd.DataFrame({"m": months}), pd.DataFrame({"m": months}, dtype=object)):
        assert tl.TableEncoder().fit_transform(rows).tolist() == expected
    starts = objects("2024-01-01", "2024-03-01", None, "2023-12-01")
    for frequency, weekday in (("Q", False), ("Y", False), ("D", True)):
        own = [pd.Period(day, frequency) for (day,) in starts if day]
        names = tl.TableEncoder().fit(pd.DataFrame({"m": own})).get_feature_names_out()
        assert ("m weekday" in names) == weekday
    later = tl.TableEncoder().fit(days).transform(pd.DataFrame([["2024-01"], [months[1]]]))
    assert later.tolist() == expected[:2]
    (words,) = tl.TableEncoder(words=[0], min_frequency=1).fit([[months[0]]]).columns_
    assert words == Words(("2024-01",), (), False)


def test_months_that_are_numbers_are_warned_of() -> None:
    """As in a CSV file."""
    for dtype in (np.float64, np.float32, object):
        rows = pd.DataFrame({"sold": [3.2024, 12.2023, 4.202], "n": [1, 2, 3]}).astype(dtype)
        with pytest.warns(UserWarning, match="'sold' is read as numbers, and seems to hold months"):
            assert tl.TableEncoder().fit(rows).width == 2
        tl.TableEncoder(["sold"]).fit(rows)
        tl.TableEncoder().fit(rows * 1.01)


def test_words_stay_words() -> None:
    """Where the order is in doubt, other cells stand among the dates, or words names the column."""
    for cells in (["1/2/2024", "3/4/2024"], ["2024-12-31", "never"], ["7:30", "7:45"]):
        (found,) = tl.TableEncoder(min_frequency=1).fit(objects(*cells)).columns_
        assert found == Words(tuple(sorted(cells)), (), False)
    rows = pd.DataFrame({"day": ["2024-12-31", "2024-12-30"], "n": [1, 2]})
    assert tl.TableEncoder(["day"], min_frequency=1).fit(rows).dates_ == ()
    assert tl.TableEncoder(dates=[], min_frequency=1).fit(rows).words_ == (0,)
    assert tl.TableEncoder([], min_frequency=1).fit(rows).dates_ == (0,)
    kinds = rows.assign(day=pd.Categorical(pd.to_datetime(rows["day"])))
    assert tl.TableEncoder(min_frequency=1).fit(kinds).words_ == (0,)
    mixed = objects(datetime.date(2024, 1, 1), "red")
    complains(lambda: tl.TableEncoder().fit(mixed), DataError, "column '0' of TableEncoder must")


def test_the_order_may_be_said() -> None:
    rows = pd.DataFrame({"n": [1, 2], "day": ["1/2/2024", "3/4/2024"]})
    for dates, elapsed in (({"day": "dmy"}, 61), ({1: "mdy"}, 61 + 1)):
        encoder = tl.TableEncoder(dates=dates).fit(rows)
        days = (pd.Timestamp(2024, 4, 3) - pd.Timestamp(2024, 2, 1)).days
        expected = (
            days if elapsed == 61 else (pd.Timestamp(2024, 3, 4) - pd.Timestamp(2024, 1, 2)).days
        )
        assert encoder.transform(rows)[1, -1] == expected
    others = rows.assign(text=["2024-12-31", "2024-12-30"], date=pd.to_datetime(["2024", "2025"]))
    assert tl.TableEncoder(dates={"day": "dmy"}).fit(others).dates_ == (1, 2, 3)
    assert tl.TableEncoder(["text"], dates={"day": "dmy"}).fit(others).dates_ == (1, 3)
    with pytest.raises(
        DataError, match=r"in one order .*; try dates=\{'day': \"dmy\"\} or \"mdy\"$"
    ):
        tl.TableEncoder(dates=["day"]).fit(rows)
    for wrong, told in (
        ({"dates": "day"}, 'dates of TableEncoder must be "auto", or a list'),
        ({"text": None}, "text of TableEncoder must be a list of at most 2 names"),
        ({"target_means": "day"}, "target_means of TableEncoder must be a list of at most 2 names"),
        ({"dates": ["when"]}, "dates of TableEncoder must name columns that are there"),
        ({"dates": {"day": "ydm"}}, "dates of TableEncoder must have orders among ymd, dmy, mdy"),
        ({"dates": {"day": 5}}, "dates of TableEncoder must have orders"),
        ({"words": ["day"], "dates": [1]}, "dates of TableEncoder must name columns that words"),
    ):
        complains(lambda given=wrong: tl.TableEncoder(**given).fit(rows), SettingError, told)


def fitted(dates: Any = "auto") -> Any:
    cells = DAYS.dt.strftime("%d.%m.%Y %H:%M").astype(object)
    cells[3] = None
    X = pd.DataFrame({"day": cells, "n": np.arange(40) % 7})
    network = tl.MLPRegressor((4,), max_iter=3, random_state=0)
    return X, Pipeline([("encoder", tl.TableEncoder(dates=dates)), ("network", network)]).fit(
        X, np.arange(40)
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dates", ["auto", ["day"], {"day": "dmy"}, {}])
def test_dates_come_back_from_a_file_and_from_a_table(dates: Any, tmp_path: Path) -> None:
    X, model = fitted(dates)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again[0].columns_ == model[0].columns_
    assert again[0].dates == dates
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    # As a table in a file, with one cell that is in doubt alone, and another that is missing.
    rows = pd.DataFrame({"n": [1, 2, 3], "day": ["1.2.2020", "13.2.2020 8:15", ""]})
    (tmp_path / "table.csv").write_bytes(write_table({name: rows[name] for name in rows}))
    found = score(again, tmp_path / "table.csv").columns["prediction"]
    assert found.tobytes() == model.predict(rows[["day", "n"]]).tobytes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_files_without_the_parameter_read_no_dates(tmp_path: Path) -> None:
    rows = pd.DataFrame({"n": np.arange(40) % 7, "day": ["2024-12-31", "2024-12-30"] * 20})
    network = tl.MLPRegressor((4,), max_iter=3, random_state=0)
    model = Pipeline([("encoder", tl.TableEncoder(dates=[])), ("network", network)])
    tl.save(model.fit(rows, np.arange(40)), tmp_path / "model")
    content = read(tmp_path / "model")
    del content.document["encoder"]["parameters"]["dates"]
    (tmp_path / "model").write_bytes(pack(Content("Pipeline", content.document, content.arrays)))
    again = tl.load(tmp_path / "model")
    assert again[0].get_params() == model[0].get_params()
    assert again.predict(rows).tobytes() == model.predict(rows).tobytes()


FORGED = {
    "another order": lambda parts: ["ydm", *parts[1:]],
    "an order that is a list": lambda parts: [["dmy"], *parts[1:]],
    "another part": lambda parts: [parts[0], ["decade", *parts[1]], *parts[2:]],
    "no parts": lambda parts: [parts[0], [], *parts[2:]],
    "parts in another order": lambda parts: [parts[0], parts[1][::-1], *parts[2:]],
    "no elapsed days": lambda parts: [parts[0], parts[1][:-1], *parts[2:]],
    "parts a text": lambda parts: [parts[0], "".join(parts[1]), *parts[2:]],
    "a first day with a fraction": lambda parts: [*parts[:2], 0.5, *parts[3:]],
    "a first day far away": lambda parts: [*parts[:2], 2**40, *parts[3:]],
    "a median far away": lambda parts: [*parts[:3], 1e30, parts[4]],
    "holes a number": lambda parts: [*parts[:4], 1],
    "six parts": lambda parts: [*parts, True],
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FORGED)
def test_forged_dates_are_refused(name: str, tmp_path: Path) -> None:
    tl.save(fitted()[1], tmp_path / "model")
    content = read(tmp_path / "model")
    column = content.document["encoder"]["columns"][0]
    column["dates"] = FORGED[name](column["dates"])
    (tmp_path / "model").write_bytes(pack(Content("Pipeline", content.document, content.arrays)))
    complains(lambda: tl.load(tmp_path / "model"), ModelFileError)
