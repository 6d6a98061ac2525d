"""`trainlab search`: from a CSV file to a saved model, a page and numbers."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pages
import trainlab as tl
from search_command import ENTRIES, cut_after, invoke, write
from trainlab import cli
from trainlab.data.table import read_table
from trainlab.tables import page as searches
from trainlab.tables.problem import problem, split
from trainlab.tables.settings import StudySettings
from trainlab.tables.study import study

# Figures, which are most of the time, are drawn by one of the tests alone.
pytestmark = pytest.mark.usefixtures("no_figures")
FIGURES = searches.figures
QUICK = ("--trials", "4", "--folds", "3", "--max-iter", "8", "--hidden", "8", "--hidden", "5,4")


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = load_iris()
    path = tmp_path_factory.mktemp("data") / "iris.csv"
    return write(path, [*found.feature_names, "kind"], found.data, found.target_names[found.target])


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = load_diabetes()
    path = tmp_path_factory.mktemp("data") / "diabetes.csv"
    return write(path, [*found.feature_names, "progress"], found.data, found.target)


@pytest.fixture(scope="module")
def searched(iris: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a search of the irises, and what was printed."""
    folder = tmp_path_factory.mktemp("whole")
    result = invoke("search", "--csv", iris, "--target", "kind", *QUICK, "--out", folder)
    assert result.exit_code == 0, result.output
    return folder, result.output


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_classes(iris: Path, searched: tuple[Path, str], tmp_path: Path) -> None:
    folder, printed = searched
    assert "classification of 'kind': 3 different words" in printed
    assert f"To predict: trainlab predict {folder / 'model.safetensors'} NEW.csv" in printed
    assert f"Page: {folder / 'index.html'}" in printed
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == ENTRIES

    numbers = json.loads((folder / "search.json").read_text())
    assert numbers["data"]["sha256"] == hashlib.sha256(iris.read_bytes()).hexdigest()
    assert (numbers["data"]["rows"], numbers["test"]["rows"]) == (150, 30)
    candidates = numbers["candidates"]
    assert [one["round"] for one in candidates].count(1) == 4
    assert len(candidates) == 8
    means = [one["score"] for one in candidates]
    assert means == sorted(means, reverse=True)
    for one in candidates:
        assert one["score"] == pytest.approx(np.mean(one["folds"]))
        assert one["error"] == pytest.approx(np.std(one["folds"], ddof=1) / np.sqrt(3))
        assert one["settings"]["hidden_layer_sizes"] in ([8], [5, 4])
    low, high = numbers["box"]["learning_rate_init"]
    for one in candidates:
        assert one["round"] == 1 or low <= one["settings"]["learning_rate_init"] <= high

    model = tl.load(folder / "model.safetensors")
    best = candidates[0]["settings"] | {"hidden_layer_sizes": None}
    assert {name: model.get_params()[name] for name in best} == best | {
        "hidden_layer_sizes": tuple(candidates[0]["settings"]["hidden_layer_sizes"])
    }
    out = tmp_path / "out.csv"
    assert invoke("predict", folder / "model.safetensors", iris, "--out", out).exit_code == 0
    predicted = read_table(out, (), ["prediction"]).text["prediction"]
    found = problem(iris, "kind")
    assert predicted == model.predict(found.x).tolist()


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_rows_put_aside_judge_and_nothing_else(iris: Path, searched: tuple[Path, str]) -> None:
    """The scores are those of rows that the network and its rivals never saw."""
    found = problem(iris, "kind")
    rows = split(found, 0.2, 3, seed=0)
    x, y = found.x[rows.search], found.y[rows.search]
    model = tl.load(searched[0] / "model.safetensors")
    again = tl.MLPClassifier(**model.get_params()).fit(x, y)
    assert (again.predict_proba(found.x) == model.predict_proba(found.x)).all()

    truth = found.y[rows.test]
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    judged = json.loads((searched[0] / "search.json").read_text())["test"]["judged"]
    expected = [accuracy_score(truth, one.predict(found.x[rows.test])) for one in (model, linear)]
    assert [one["score"] for one in judged[:2]] == expected
    assert judged[3]["score"] == pytest.approx(1 / 3)
    for one in judged:
        assert 0 <= one["low"] < one["score"] <= one["high"] <= 1


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_numbers(diabetes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "figures", FIGURES)
    out = tmp_path / "a b"
    words = ("--rounds", "1", "--drop", "sex", "--lr", "0.01:0.02", "--alpha", "1:2")
    result = invoke(
        "search", "--csv", diabetes, "--target", "progress", *QUICK, *words, "--out", out
    )
    assert result.exit_code == 0, result.output
    assert "regression of 'progress': numbers of 214 different values" in result.output
    numbers = json.loads((out / "search.json").read_text())
    assert (numbers["data"]["dropped"], numbers["box"]) == (["sex"], {})
    for one in numbers["candidates"]:
        assert 0.01 <= one["settings"]["learning_rate_init"] <= 0.02
        assert 1 <= one["settings"]["alpha"] <= 2
    found = problem(diabetes, "progress", ["sex"])
    rows = split(found, 0.2, 3, seed=0).test
    model = tl.load(out / "model.safetensors")
    predicted = model.predict(found.x[rows])
    network = numbers["test"]["judged"][0]
    assert network["score"] == pytest.approx(r2_score(found.y[rows], predicted))
    root = np.sqrt(np.mean((found.y[rows] - predicted) ** 2))
    assert network["root_error"] == pytest.approx(root)
    assert network["low"] < network["score"] < network["high"]
    gain = network["score"] - numbers["test"]["judged"][1]["score"]
    assert numbers["test"]["versus"]["numbers"]["value"] == pytest.approx(gain)
    page = pages.read(out)[1]
    assert "ridge regression" in page.text
    assert "RMSE" in page.text
    pictures = page.all("img")
    assert len(pictures) == 4 + 9  # candidates, predictions, residuals, importance; nine columns
    assert all(str(one["src"]).startswith("data:image/svg+xml,%3C") for one in pictures)
    assert [one["name"] for one in numbers["importance"]] != found.features
    assert len(numbers["dependence"]) == 9

    # A table of new rows, in another order and without the target.
    new = write(tmp_path / "new.csv", [*found.features[::-1], "id"], [[*found.x[3, ::-1], "no 3"]])
    told = invoke("predict", out / "model.safetensors", new)
    assert told.exit_code == 0, told.output
    assert float(told.stdout.split()[1]) == pytest.approx(model.predict(found.x[3:4])[0])


def test_a_table_whose_neighbouring_rows_are_alike(tmp_path: Path) -> None:
    """Folds of neighbours would hold targets that the others know nothing of."""
    path = write(tmp_path / "curve.csv", ["x", "y"], [[n, (n - 40) ** 2] for n in range(80)])
    asked = StudySettings(
        model="network",
        trials=3,
        rounds=1,
        folds=4,
        hidden=((20,),),
        lr=(0.02, 0.03),
        dropout=(0.0,),
    )
    found = study(problem(path, "y"), asked, tmp_path / "out")
    assert min(found.candidates[0].folds) > 0.8
    assert found.judged[0].score > 0.8 > found.judged[1].score
    assert found.versus[0].shown == "better"
    assert found.model.n_iter_ == asked.max_iter


@pytest.mark.parametrize("saves", [0, 3, 7])
def test_a_search_that_was_cut_goes_on_to_the_same_files(
    saves: int, iris: Path, searched: tuple[Path, str], tmp_path: Path
) -> None:
    out = tmp_path / "a folder"
    words = ("search", "--csv", iris, "--target", "kind", *QUICK, "--workers", "1", "--out", out)
    with pytest.MonkeyPatch.context() as patch:
        cut_after(saves, patch)
        result = invoke(*words, "--fresh")
    assert result.exit_code == cli.INTERRUPTED, result.output
    assert not (out / "model.safetensors").exists()
    (line,) = [line for line in result.output.splitlines() if line.startswith("To continue: ")]
    program, *again = shlex.split(line.removeprefix("To continue: "))
    assert (program, sorted(again)) == ("trainlab", sorted(map(str, words)))
    result = invoke(*again)
    assert result.exit_code == 0, result.output
    for name in ENTRIES - {"runs.sqlite"}:
        assert (out / name).read_bytes() == (searched[0] / name).read_bytes(), name


def test_another_search_in_the_folder_is_named_and_changes_nothing(
    iris: Path, searched: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = searched
    kept = "[!.]*"  # all but the lock, which says when it was taken
    before = {path.name: path.read_bytes() for path in folder.glob(kept)}
    other = write(tmp_path / "iris.csv", ["a", "kind"], [[n, "xy"[n % 2]] for n in range(60)])
    for words, told in (
        (("--csv", iris, "--trials", "5"), "n_iter"),
        (("--csv", iris, "--seed", "1"), "seed"),
        (("--csv", iris, "--drop", "petal width (cm)"), "features"),
        (("--csv", other), "sha256"),
    ):
        result = invoke("search", "--target", "kind", *QUICK, *words, "--out", folder)
        assert result.exit_code == 2
        (line,) = [line for line in result.output.splitlines() if line.startswith("Error:")]
        assert told in line
        assert "--fresh" in line
        assert {path.name: path.read_bytes() for path in folder.glob(kept)} == before


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_candidates_are_compared_by_the_metric_that_is_asked_for(
    iris: Path, tmp_path: Path
) -> None:
    words = ("search", "--csv", iris, "--target", "kind", *QUICK, "--metric", "neg_log_loss")
    result = invoke(*words, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "The best by log loss of folds" in result.output
    numbers = json.loads((tmp_path / "search.json").read_text())
    assert (numbers["metric"], numbers["measure"]) == ("log_loss", "log loss")
    means = [one["score"] for one in numbers["candidates"]]
    assert means == sorted(means)
    assert means[0] > 0
    found = problem(iris, "kind")
    rows = split(found, 0.2, 3, seed=0)
    model = tl.load(tmp_path / "model.safetensors")
    x, truth = found.x[rows.test], found.y[rows.test]
    own, linear, _, prior = numbers["test"]["judged"]
    assert own["score"] == pytest.approx(log_loss(truth, model.predict_proba(x)), rel=1e-6)
    assert own["low"] < own["score"] < own["high"]
    assert own["scores"]["accuracy"] == accuracy_score(truth, model.predict(x))
    assert prior["score"] == pytest.approx(np.log(3))
    versus = numbers["test"]["versus"]
    assert versus["numbers"]["value"] == pytest.approx(own["score"] - linear["score"])
    assert versus["shown"] == (
        "better"
        if versus["numbers"]["high"] < 0
        else "worse"
        if versus["numbers"]["low"] > 0
        else None
    )
    # Another metric would have led to other candidates in the second round.
    result = invoke(*words[:-1], "roc_auc", "--out", tmp_path)
    assert result.exit_code == 2
    assert "metric was 'log_loss', is 'roc_auc'" in result.output
    for metric, told in (("acuracy", "try accuracy"), ("mae", "in a classification; got 'mae'")):
        result = invoke(*words[:-1], metric, "--out", tmp_path)
        assert result.exit_code == 2
        assert told in result.output


BAD: dict[str, tuple[list[str], str]] = {
    "a file that is not there": (["--csv", "absent.csv"], "must be there, and readable"),
    "a target that is not there": (["--target", "knid"], "got 'knid'; try kind"),
    "a column that is not there": (["--drop", "widht"], "try width"),
    "the target left out": (["--drop", "kind"], "not name the target"),
    "one class": (
        ["--target", "one", "--drop", "kind"],
        "values of target 'one' in table.csv must differ",
    ),
    "words of all rows": (
        ["--drop", "size", "--use", "word"],
        "36 rows of 'word'; try --drop word",
    ),
    "a slip": (["--drop", "word"], "'big' among the numbers of 'size'; try --drop size, or"),
    "a word among numbers": (["--target", "size", "--drop", "kind"], "row 3 of target 'size'"),
    "two rows": (["--csv", "two.csv"], "2 classes of column 'kind' in two.csv must have at least"),
    "folds": (
        ["--folds", "30"],
        "30 folds; got 18 of 'yes', 18 of 'no'; try more rows, or a network",
    ),
    "a rate": (["--lr", "0.1"], "LO < HI, as in 0.001:0.1; got '0.1'"),
    "a rate upside down": (["--lr", "0.1:0.01"], "got '0.1:0.01'"),
    "a penalty": (["--alpha", "0:1"], "--weight-decay"),
    "widths": (["--hidden", "5;5"], "widths like 20,20; got '5;5'"),
    "no trials": (["--trials", "0"], "--trials"),
    "all rows put aside": (["--test-fraction", "1"], "--test-fraction"),
    "hardly a row put aside": (["--test-fraction", "0.01"], "--test-fraction of table.csv must"),
    "a folder that cannot be": (["--out", "/dev/null/x"], "be in a folder that can be written to"),
    "no target": ([], "--target"),
}
NO_FEATURES = ("word", "age", "one", "size")


@pytest.mark.parametrize("case", BAD)
def test_bad_inputs_are_one_line_and_exit_code_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["width", "kind", "word", "age", "one", "size"]
    rows = [
        [n / 7, ["yes", "no"][n % 2], f"a b {n}", "" if n == 4 else n, 1, "big" if n == 2 else n]
        for n in range(36)
    ]
    write(tmp_path / "table.csv", names, rows)
    write(tmp_path / "two.csv", names, rows[:2])
    words, told = BAD[case]
    given = {"--csv": "table.csv", "--target": "kind"}
    if case == "no target":
        del given["--target"]
    options = [word for pair in given.items() if pair[0] not in words for word in pair]
    if case not in ("words of all rows", "a slip"):
        options += [word for name in NO_FEATURES if name not in words for word in ("--drop", name)]
    before = {path.name for path in tmp_path.iterdir()}
    result = invoke("search", *options, *words)
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error:")]
    assert told in line
    assert "Traceback" not in result.output
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_disk_that_is_full_loses_nothing(
    iris: Path, searched: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = searched
    before = {name: (folder / name).read_bytes() for name in ENTRIES - {"runs.sqlite"}}

    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainlab.files.write", full)
    result = invoke("search", "--csv", iris, "--target", "kind", *QUICK, "--out", folder)
    assert result.exit_code == 2
    assert "No space left on device" in result.output
    assert {name: (folder / name).read_bytes() for name in before} == before
