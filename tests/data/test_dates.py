"""Dates in text: what they mean, beside pandas, and in which order they are written."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pandas as pd
import pytest

from trainlab.data.cells import looks_like_date
from trainlab.data.dates import ORDERS, moment_of, moments, order_of

NEW_YEAR = pd.Timestamp("2024-12-31").timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2024-12-31",
        "2024/12/31",
        "\xa02024.12.31",
        "31.12.2024",
        "31-12-2024",
        "12/31/2024",
        "31 Dec 2024",
        "31-dec-2024",
        "31 december 2024",
        "Dec. 31, 2024",
        "December 31 2024",
        "Tue, 31 Dec 2024",
        "tuesday 2024-12-31",
    ],
)
@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("", 0),
        (" 7:30", 27_000),
        ("T17:30:15Z", 63_015),
        (" 05:30:15.250 PM", 63_015.25),
        (" 12:00 am", 0),
        (" 12:01 pm", 43_260),
        ("t23:59:59+05:30", 86_399),
        (" 00:00:00 UTC", 0),
        (" 17:30:15.25+01", 63_015.25),  # as PostgreSQL writes it
        (" 17:30:15 cest", 63_015),
        (" 5:30:15 pm EST", 63_015),
        (" 17:30:15 GMT-3", 63_015),
    ],
)
def test_days_and_times(text: str, time: str, seconds: float) -> None:
    assert set(moments(text + time).values()) == {NEW_YEAR + seconds}


@pytest.mark.parametrize(
    "text",
    [
        *("", "2024", "20241231", "2024-0", "7:30", "2024-02-30", "2024-13-13", "31.4.2024"),
        *("Mon, 31 Dec 2024", "Tuesd 31 Dec 2024", "sunny 2024-12-31", "Tue 31.4.2024"),
        *("2024-12/31", "31.12.24", "1.2.3", "2024-12-31 24:00", "2024-12-31 7:60"),
        *("2024-12-31 7:30:60", "2024-12-31 13:00 pm", "2024-12-31 0:00 am", "0000-01-01"),
        *("2024-12-31 7:30 rest", "2024-12-31 CET"),
        *("31 Dez 2024", "31 Decembers 2024", "Dec-31 2024", "\u0661/1/2024", "on 2024-12-31"),
    ],
)
def test_texts_that_are_no_dates(text: str) -> None:
    assert moments(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        *("2024-03", " 2024/3", "03/2024", "3-2024", "Mar 2024", "march-2024", "Mar. 2024"),
        *("2024 Mar", "2024-march"),
    ],
)
def test_a_month_counts_as_its_first_day(text: str) -> None:
    assert set(moments(text).values()) == {pd.Timestamp("2024-03-01").timestamp()}
    assert looks_like_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-13", "13/2024", "2024-00", "4711-02", "02/4711", "2024.03"),
        *("Market 2024", "2024 Market", "2024-3 7:30", "2010-11-", "Fri Mar 2024"),
    ],
)
def test_texts_that_are_no_months(text: str) -> None:
    assert (moments(text), looks_like_date(text)) == ({}, False)


def test_a_weekday_says_which_number_is_the_day() -> None:
    moment = pd.Timestamp("2022-03-01").timestamp()
    assert moments("Tue, 01/03/2022") == {"dmy": moment}
    assert moments("Tuesday 03/01/2022 12:00") == {"mdy": moment + 43_200}
    assert order_of(["Tue 01/03/2022", "Wed 02/03/2022"]) == "dmy"
    assert looks_like_date("Tue, 01/03/2022")
    assert looks_like_date("Tue 2022-03-01 12:00")
    assert not looks_like_date("Tue 2022-03/01")


def test_every_day_is_that_of_pandas() -> None:
    days = pd.date_range("1899-12-25", "2101-01-05", freq="17D")
    for day in days:
        found = moments(f"{day.day}/{day.month}/{day.year}")
        assert found["dmy"] == moment_of(day) == day.timestamp()
        assert moments(day.strftime("%B %d, %Y")) == dict.fromkeys(ORDERS, day.timestamp())
        turned = moments(f"{day.month}/{day.day}/{day.year}")
        assert turned["mdy"] == day.timestamp()
        assert ("mdy" in found) is (day.day <= 12)


def test_moments_of_python() -> None:
    at = datetime.datetime(2024, 12, 31, 17, 30, 15, 250_000)
    assert moment_of(at) == NEW_YEAR + 63_015.25
    assert moment_of(at.replace(tzinfo=datetime.UTC)) == moment_of(at)
    assert moment_of(at.date()) == NEW_YEAR
    assert moment_of(datetime.date.min) == np.datetime64("0001-01-01", "s").astype(int)
    assert not math.isnan(moments("9999-12-31")["ymd"])


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        ([], None),
        (["2024-12-31", "31 Dec 2024"], "ymd"),
        (["1/2/2024", "31/12/2024"], "dmy"),
        (["1/2/2024", "12/31/2024"], "mdy"),
        (["1/2/2024", "12/11/2024"], None),
        (["31/12/2024", "12/31/2024"], None),
        (["31/12/2024", "2024-12-31"], "dmy"),
        (["5/5/2024"], None),
        (["2024-12-31", "red"], None),
        (["2024-12", "Jan 2025", "3/2024"], "ymd"),
        (["2024-12", "31/12/2024"], "dmy"),
        (["2009-10", "2010/11"], None),  # seasons
        (["2009-10", "2009-11"], "ymd"),
        (["2011-12", "2012-13"], None),
    ],
)
def test_orders(texts: list[str], order: str | None) -> None:
    assert order_of(texts) == order
    assert order_of(iter(texts[::-1])) == order
