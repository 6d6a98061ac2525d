"""`trainlab search` and `predict` on tables with words and cells without a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pages
import trainlab as tl
from test_search_command import ENTRIES, cut_after, invoke, write
from trainlab import cli
from trainlab.data.table import read_table
from trainlab.estimators.cells import Numbers, Words
from trainlab.search.study import Asked, study
from trainlab.search.tables import problem, split

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
    assert columns == {
        "class": {"values": 3, "holes": 0, "own": 3, "put": None},
        "sex": {"values": 2, "holes": 0, "own": 2, "put": None},
        "age": {"values": None, "holes": 40, "own": None, "put": np.nanmedian(age)},
        "port": {"values": 3, "holes": 23, "own": 3, "put": None},
    }
    (best, _, frequent) = numbers["test"]["judged"]
    assert best["low"] > frequent["score"]
    assert set(numbers["best"]["settings"]) == set(Asked().space())
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
    assert np.mean([one == other for one, other in zip(predicted, truth, strict=True)]) > 0.8


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
    for name, value in (("min_frequency", 4), ("max_categories", 9)):
        with monkeypatch.context() as patch:
            patch.setattr(tl.TableEncoder, "__init__", right)
            patch.setitem(right.__kwdefaults__, name, value)
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
    asked = Asked(trials=3, rounds=1, folds=3, hidden=((10,),), max_iter=30, lr=(0.01, 0.02))
    of = problem(path, "y")
    assert (of.x.dtype, of.words, len(of.columns)) == (np.float64, [], 10)
    found = study(of, asked, tmp_path / "out")
    assert found.judged[0].score > 0.1 > found.judged[2].high
    assert [one.put for one in found.columns] == [one.median for one in found.model[0].columns_]
    assert found.model[0].width == 20


def test_a_word_that_one_row_alone_has_is_no_reason_to_fail(tmp_path: Path) -> None:
    """Whatever fold has it: a column's kind is that of the whole table."""
    rows = [[n % 2, ["", "", "1", "1"][n % 4], n % 7] for n in range(60)]
    rows[5][1] = "one"
    path = write(tmp_path / "table.csv", ["y", "kind", "x"], rows)
    asked = Asked(trials=2, rounds=1, folds=3, hidden=((4,),), max_iter=3)
    found = study(problem(path, "y"), asked, tmp_path / "out")
    assert all(np.isfinite(one.folds).all() for one in found.candidates)
    assert found.columns[0].values == 2
