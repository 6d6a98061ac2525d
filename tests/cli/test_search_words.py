"""`trainlab search` and `predict` on tables with words and cells without a value."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pages
import trainlab as tl
from search_command import ENTRIES, cut_after, invoke, write
from trainlab import cli
from trainlab.data.table import read_table
from trainlab.estimators.cells import Numbers, Words
from trainlab.tables.problem import problem, split
from trainlab.tables.settings import StudySettings
from trainlab.tables.study import study

pytestmark = pytest.mark.usefixtures("no_figures")
NAMES = ["=1+1", "class", "sex", "age", "fare", "port"]
QUICK = ("--trials", "3", "--folds", "3", "--max-iter", "25", "--hidden", "10", "--lr", "0.01:0.03")
CUTS = 3


def passengers(rows: int, seed: int) -> list[list[Any]]:
    """Who is saved depends on sex and class, and a little on age, which some rows lack."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(rows):
        rank, sex = rng.choice(["first", "second", "=third"]), rng.choice(["man", "woman"])
        age, fare = round(float(rng.uniform(1, 80)), 1), round(float(rng.exponential(30)), 2)
        port = rng.choice(["Southampton", "Cherbourg", "Queenstown", ""], p=[0.7, 0.17, 0.03, 0.1])
        score = 5 * (sex == "woman") + 2 * (rank == "first") - 3 - 0.02 * age
        saved = rng.random() < 1 / (1 + np.exp(-score))
        empty = rng.random() < 0.2
        found.append(["+yes" if saved else "no", rank, sex, "" if empty else age, fare, port])
    return found


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "table.csv", NAMES, passengers(240, 1))


@pytest.fixture(scope="module")
def searched(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("whole")
    result = invoke("search", "--csv", table, "--target", "=1+1", *QUICK, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_a_model_a_page_and_numbers(
    table: Path, searched: tuple[Path, str], tmp_path: Path
) -> None:
    folder, printed = searched
    (line,) = [one for one in printed.splitlines() if one.startswith("Features that are not plain")]
    assert line.endswith(
        "numbers: 'class' (3 words), 'sex' (2 words), 'age' (40 rows without a value), "
        "'port' (3 words, 23 rows without a value)"
    )
    numbers = json.loads((folder / "search.json").read_text())
    age = problem(table, "=1+1").x[split(problem(table, "=1+1"), 0.2, 3, 0).search, 2].astype(float)
    columns = {one.pop("name"): one for one in numbers["data"]["columns"]}
    none = {"own": None, "put": None, "format": None, "dates": None, "text": False}
    assert columns == {
        "class": {**none, "values": 3, "holes": 0, "own": 3},
        "sex": {**none, "values": 2, "holes": 0, "own": 2},
        "age": {**none, "values": None, "holes": 40, "put": np.nanmedian(age)},
        "port": {**none, "values": 3, "holes": 23, "own": 3},
    }
    best, *_, frequent = numbers["test"]["judged"]
    assert best["low"] > frequent["score"]
    assert set(numbers["best"]["settings"]) == set(StudySettings().space())
    assert all(low <= 0.03 for low in numbers["box"]["learning_rate_init"])
    page = pages.read(folder)[1]
    assert f"age : 40 rows, the median {np.nanmedian(age):.2f}" in page.text

    model = tl.load(folder / "model.safetensors")
    assert model[0].feature_names_in_.tolist() == NAMES[1:]
    kinds = [type(one) for one in model[0].columns_]
    assert kinds == [Words, Words, Numbers, Numbers, Words]
    new = write(tmp_path / "new.csv", NAMES[::-1], [row[::-1] for row in passengers(300, 2)])
    told = invoke("predict", folder / "model.safetensors", new, "--out", tmp_path / "out.csv")
    assert told.exit_code == 0, told.output
    assert "Cells unlike" not in told.output
    predicted = read_table(tmp_path / "out.csv", (), ["prediction"]).text["prediction"]
    truth = [row[0] for row in passengers(300, 2)]
    assert set(predicted) == {"+yes", "no"}
    assert np.mean([one == other for one, other in zip(predicted, truth, strict=True)]) > 0.7


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_model_uses_the_words_and_its_rival_has_them(
    table: Path, searched: tuple[Path, str]
) -> None:
    found = problem(table, "=1+1")
    rows = split(found, 0.2, 3, seed=0)
    model = tl.load(searched[0] / "model.safetensors")
    x, y = found.x[rows.search], found.y[rows.search]
    other = found.x.copy()
    other[:, 1] = np.where(other[:, 1] == "man", "woman", "man")
    changed = model.predict(other) != model.predict(found.x)
    assert changed.mean() > 0.6
    again = type(model)(
        [("encoder", tl.TableEncoder(found.words)), ("network", clone(model[1]))]
    ).fit(x, y)
    assert (again.predict_proba(found.x) == model.predict_proba(found.x)).all()
    linear = make_pipeline(
        tl.TableEncoder(found.words), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    expected = accuracy_score(found.y[rows.test], linear.fit(x, y).predict(found.x[rows.test]))
    judged = json.loads((searched[0] / "search.json").read_text())["test"]["judged"]
    assert judged[1]["score"] == expected


@pytest.mark.parametrize("saves", range(0, 9, CUTS))
def test_a_search_that_was_cut_goes_on_to_the_same_files(
    saves: int, table: Path, searched: tuple[Path, str], tmp_path: Path
) -> None:
    words = ("search", "--csv", table, "--target", "=1+1", *QUICK, "--workers", "1")
    with pytest.MonkeyPatch.context() as patch:
        cut_after(saves, patch)
        result = invoke(*words, "--out", tmp_path)
    assert result.exit_code == cli.INTERRUPTED, result.output
    assert invoke(*words, "--out", tmp_path).exit_code == 0
    for name in ENTRIES - {"runs.sqlite"}:
        assert (tmp_path / name).read_bytes() == (searched[0] / name).read_bytes(), name


def test_what_decides_the_encoding_is_kept(
    table: Path, searched: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = tl.TableEncoder.__init__
    for other in ({"min_frequency": 4}, {"max_categories": 9}):

        @functools.wraps(right)
        def init(self: Any, *args: Any, other: Any = other, **given: Any) -> None:
            right(self, *args, **(other | given))

        with monkeypatch.context() as patch:
            patch.setattr(tl.TableEncoder, "__init__", init)
            words = ("--csv", table, "--target", "=1+1", *QUICK, "--out", searched[0])
            result = invoke("search", *words)
        assert result.exit_code == 2, result.output
        assert "--fresh" in result.output


def test_numbers_of_which_some_are_missing(tmp_path: Path) -> None:
    """The diabetes table, a twentieth of its cells empty: no words, and no objects."""
    data, rng = load_diabetes(), np.random.default_rng(3)
    rows = [["" if rng.random() < 0.05 else cell for cell in row] for row in data.data.tolist()]
    rows = [[*row, end] for row, end in zip(rows, data.target.tolist(), strict=True)]
    path = write(tmp_path / "table.csv", [*data.feature_names, "y"], rows)
    asked = StudySettings(
        model="network", trials=3, rounds=1, folds=3, hidden=((10,),), max_iter=30, lr=(0.01, 0.02)
    )
    of = problem(path, "y")
    assert (of.x.dtype, of.words, len(of.columns)) == (np.float64, [], 10)
    found = study(of, asked, tmp_path / "out")
    assert found.judged[0].score > 0.1 > found.judged[-1].high
    assert [one.put for one in found.columns] == [one.median for one in found.model[0].columns_]
    assert found.model[0].width == 20


def test_a_word_that_one_row_alone_has_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Whatever fold has it: a column's kind is that of the whole table."""
    rows = [[n % 2, ["", "", "1", "1"][n % 4], n % 7] for n in range(60)]
    rows[5][1] = "one"
    path = write(tmp_path / "table.csv", ["y", "kind", "x"], rows)
    asked = StudySettings(model="network", trials=2, rounds=1, folds=3, hidden=((4,),), max_iter=3)
    found = study(problem(path, "y"), asked, tmp_path / "out")
    assert all(np.isfinite(one.folds).all() for one in found.candidates)
    assert found.columns[0].values == 2


def german(number: float, unit: str = "") -> str:
    return f"{number:,.2f}{unit}".translate({ord(","): ".", ord("."): ","})


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_table_as_a_spreadsheet_of_another_country_writes_it(tmp_path: Path) -> None:
    """Titles, semicolons, formatted numbers, an index, holes in the target, a rare class."""
    rng = np.random.default_rng(1)
    prices, shares = rng.uniform(500, 90_000, 120), rng.uniform(0, 100, 120)
    kinds = ["dear" if price > 40_000 else "cheap" for price in prices]
    kinds[:5] = ["NA", "", "rare", "rare", "nan"]
    cells = zip(range(1, 121), prices, shares, kinds, strict=True)
    rows = [f"{n};{german(p, ' €')};{german(s, ' %')};{kind}" for n, p, s, kind in cells]
    text = "\n".join(["Report of 2024", ";price;share;kind", *rows, ""])
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(text.encode("cp1252")))
    words = ("search", "--csv", path, "--target", "kind", *QUICK, "--out", tmp_path / "out")
    assert "try --skip-lines 1" in invoke(*words).output
    assert "try --encoding cp1252" in invoke(*words, "--skip-lines", "1").output
    words = (*words, "--encoding", "cp1252")
    result = invoke(*words, "--skip-lines", "1")
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error:")]
    assert line.endswith(
        "try --drop-missing-target --drop-rare-classes 5, or another name where "
        "that is a class, or more rows"
    )
    options = ("--skip-lines", "1", "--drop-missing-target", "--drop-rare-classes", "5")
    result = invoke(*words, *options)
    assert result.exit_code == 0, result.output
    for told in (
        "classification of 'kind': 3 different words, 1 of them left out",
        "Note: cells are separated by a semicolon",
        "Note: column 1 has no name: it is called 'index' here",
        "Note: 3 rows without a value of the target left out",
        "Note: 2 rows of 1 class left out: 'rare' (2)",
        "numbers: 'price' (numbers written as 1.234,5 €), 'share' (numbers written as 1234,5 %)",
        "Note: left out: 'index' (it numbers the rows)",
    ):
        assert told in result.output
    numbers = json.loads((tmp_path / "out" / "search.json").read_text())
    assert (numbers["data"]["rows"], len(numbers["data"]["notices"])) == (115, 5)
    assert numbers["data"]["dropped"] == ["index"]
    (asked,) = numbers["warnings"]
    assert asked.startswith("'price' alone decides 'kind' in all rows")
    page = pages.read(tmp_path / "out")[1]
    assert "price : written as 1.234,5 € ; share : written as 1234,5 %" in page.text
    assert "column 1 has no name" in page.text
    assert "left out: 'index' (it numbers the rows)" in page.text

    # The same rows, written so and otherwise.
    model = tmp_path / "out" / "model.safetensors"
    loaded = tl.load(model)
    x = np.array([*zip(prices.round(2), shares.round(2), strict=True)], object)
    expected = loaded.predict(x).tolist()
    new = tmp_path / "new.csv"
    plain = ["share,price", *(f"{s:.2f}%,{p:.2f}" for p, s in x)]
    for content, more in (
        (text.encode(), ("--skip-lines", "1")),
        (text.encode("utf-16"), ("--skip-lines", "1", "--encoding", "utf-16")),
        ("\n".join(plain).encode(), ("--decimal", "point")),
    ):
        new.write_bytes(content)
        told = invoke("predict", model, new, *more)
        assert told.exit_code == 0, told.output
        assert told.stdout.split()[1:] == expected
    told = invoke("predict", model, new)
    assert told.exit_code == 2
    assert "must be a finite number, as 1.234,5 €, or empty; got" in told.output
    assert "; try --decimal point" in told.output
    # Another reading is another search.
    result = invoke(*words, *options[:3], "--drop-rare-classes", "6")
    assert result.exit_code == 2
    assert "drop_rare_classes" in result.output


def test_dates_are_read_in_search_and_in_predict(tmp_path: Path) -> None:
    """The weekday decides, which no word of a day tells; some days are missing."""
    days = pd.Series(pd.date_range("2023-03-01", periods=240, freq="31h"))
    y = ["closed" if day.weekday() >= 5 else "open" for day in days]
    written = ["" if row % 11 == 5 else f"{day:%d.%m.%Y %H:%M}" for row, day in enumerate(days)]
    noise = np.random.default_rng(0).integers(0, 9, 240).tolist()
    rows = [[*row, end] for *row, end in zip(written, noise, y, strict=True)]
    path = write(tmp_path / "table.csv", ["day", "noise", "shop"], rows)
    out = tmp_path / "out"
    words = ("--hidden", "30", "--trials", "4", "--folds", "3", "--max-iter", "150")
    result = invoke("search", "--csv", path, "--target", "shop", *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert "Note: read as dates, the day before the month: 'day'" in result.output
    assert "not plain numbers: 'day' (dates, 22 rows without a value)" in result.output
    numbers = json.loads((out / "search.json").read_text())
    assert numbers["test"]["judged"][0]["score"] > 0.9 > numbers["test"]["judged"][-1]["score"]
    assert numbers["data"]["columns"][0]["dates"] == "dmy"
    assert "read as dates, the day before the month: 'day'" in pages.read(out)[1].text
    lines = ["noise,day", "3,1.4.2024 10:00", "3,1.4.2024", "3,"]  # alone they would be in doubt
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    told = invoke("predict", out / "model.safetensors", tmp_path / "new.csv", "--proba")
    assert told.exit_code == 0, told.output
    first = [float(line.split(",")[1]) for line in told.stdout.splitlines()[1:]]
    assert first[0] < 0.5  # a Monday
    assert len(set(first)) == 3
    (tmp_path / "new.csv").write_text("\n".join([*lines, "", "3,4/13/2024"]) + "\n")
    told = invoke("predict", out / "model.safetensors", tmp_path / "new.csv")
    assert told.exit_code == 2
    what = f"column 'day' in line 6 of {tmp_path / 'new.csv'}"
    written = "with the day before the month, as 31.12.2024"
    must = f"{what} must hold dates {written}, or nothing, as in training; got '4/13/2024'"
    assert must in told.output


def test_text_is_read_in_search_and_in_predict(tmp_path: Path) -> None:
    """A title in a name decides, which names the rows otherwise."""
    rng = np.random.default_rng(0)
    kinds = rng.choice(["Mr.", "Mrs."], size=120).tolist()
    rows = [[f"{kind} No. {n}", n % 7, kind == "Mrs."] for n, kind in enumerate(kinds)]
    path = write(tmp_path / "table.csv", ["name", "x", "saved"], rows)
    words = ("search", "--csv", path, "--target", "saved", "--model", "network", *QUICK)
    result = invoke(*words, "--out", tmp_path / "plain")
    assert "Note: left out: 'name' (it names the rows; --text name reads it)" in result.output
    result = invoke(*words, "--text", "name", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Note: read as text: 'name'" in result.output
    assert "not plain numbers: 'name' (text)" in result.output
    numbers = json.loads((tmp_path / "out" / "search.json").read_text())
    assert numbers["test"]["judged"][0]["score"] > 0.95
    assert numbers["data"]["columns"][0]["text"] is True
    new = write(tmp_path / "new.csv", ["x", "name"], [[1, "Mrs. No. x"], [1, "Mr. No. x"]])
    told = invoke("predict", tmp_path / "out" / "model.safetensors", new, "--keep", "name")
    assert told.stdout.splitlines()[1:] == ["Mrs. No. x,True", "Mr. No. x,False"]


def test_labels_and_codes_with_leading_zeros_come_back_as_they_were(tmp_path: Path) -> None:
    codes, labels = ["01067", "20095", "04109"], ["007", "010", "7"]
    rows = [[codes[n % 3], n % 7, labels[n % 3]] for n in range(90)]
    path = write(tmp_path / "table.csv", ["zip", "x", "y"], rows)
    words = ("search", "--csv", path, "--target", "y", *QUICK, "--out", tmp_path / "out")
    result = invoke(*words, "--words", "zip")
    assert result.exit_code == 0, result.output
    told = invoke("predict", tmp_path / "out" / "model.safetensors", path)
    assert told.stdout.split()[1:] == [row[-1] for row in rows]


def test_target_means_are_learnt_without_a_leak(tmp_path: Path) -> None:
    """Of noise a network with the means of words of two rows learns nothing, nor its rivals."""
    rng = np.random.default_rng(0)
    names, y = [f"no {n // 3}" for n in range(180)], rng.standard_normal(180)
    rows = zip(names, y.tolist(), strict=True)
    path = write(tmp_path / "table.csv", ["name", "y"], rows)
    words = ("search", "--csv", path, "--target", "y", *QUICK, "--out", tmp_path / "out")
    result = invoke(*words, "--target-means", "name")
    assert result.exit_code == 0, result.output
    assert "Note: with target means: 'name'" in result.output
    numbers = json.loads((tmp_path / "out" / "search.json").read_text())
    assert max(one["score"] for one in numbers["test"]["judged"]) < 0.2
    assert tl.load(tmp_path / "out" / "model.safetensors")[0].target_means == [0]
    told = invoke("predict", tmp_path / "out" / "model.safetensors", path)
    assert len(told.stdout.splitlines()) == 181


def test_rows_are_split_by_time_and_by_group(tmp_path: Path) -> None:
    """The command tells what it does, and goes on with nothing else."""
    days = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    rows = [[n % 2, n % 7, n // 3, day] for n, day in enumerate(days)]
    path = write(tmp_path / "table.csv", ["y", "x", "patient", "day"], rows)
    words = ("search", "--csv", path, "--target", "y", *QUICK, "--out", tmp_path / "out")
    result = invoke(*words, "--time", "day", "--drop", "patient")
    assert result.exit_code == 0, result.output
    assert "Note: the latest rows by 'day' are put aside, and folds go forward" in result.output
    assert "read as dates" not in result.output
    numbers = json.loads((tmp_path / "out" / "search.json").read_text())
    assert (numbers["data"]["features"], numbers["test"]["rows"]) == (["x"], 12)
    result = invoke(*words, "--group", "patient", "--drop", "day")
    assert result.exit_code == 2
    assert "group" in result.output
    result = invoke(*words, "--group", "patient", "--drop", "day", "--fresh")
    assert "Note: rows of one 'patient' are never on both sides of a split: 20" in result.output
    assert result.exit_code == 0, result.output


def test_a_cut_search_says_how_it_was_to_read(tmp_path: Path) -> None:
    path = write(tmp_path / "table.csv", ["y", "x"], [[n % 2, n % 7] for n in range(60)])
    words = ("search", "--csv", path, "--target", "y", *QUICK, "--drop-missing-target")
    with pytest.MonkeyPatch.context() as patch:
        cut_after(0, patch)
        result = invoke(*words, "--delimiter", "comma", "--out", tmp_path)
    assert result.exit_code == cli.INTERRUPTED, result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("To continue: ")]
    assert "--drop-missing-target --" in line
    assert "--delimiter comma" in line


def test_a_sheet_is_searched_and_predicted(tmp_path: Path) -> None:
    # A spreadsheet would take what begins with = for a formula.
    names = ["saved", *NAMES[1:]]
    rows = [[str(cell).removeprefix("=") for cell in row] for row in passengers(120, 1)]
    frame = pd.DataFrame(rows, columns=names)
    frame["age"], frame["fare"] = pd.to_numeric(frame["age"]), pd.to_numeric(frame["fare"])
    paths = {name: tmp_path / f"table.{name}" for name in ("csv", "parquet", "xlsx")}
    write(paths["csv"], names, rows)
    frame.to_parquet(paths["parquet"])
    frame.to_excel(paths["xlsx"], index=False)
    found = {name: problem(path, "saved") for name, path in paths.items()}
    out = tmp_path / "out"
    result = invoke("search", "--csv", paths["xlsx"], "--target", "saved", *QUICK, "--out", out)
    assert result.exit_code == 0, result.output
    told = [invoke("predict", out / "model.safetensors", path) for path in paths.values()]
    for one in found.values():
        assert repr(one.x.tolist()) == repr(found["csv"].x.tolist())
        assert (one.columns, one.y.tolist()) == (found["csv"].columns, found["csv"].y.tolist())
    for answer in told:
        assert answer.stdout == told[0].stdout
        assert len(answer.stdout.split()) == 121
