"""`trainlab predict`: a CSV file scored with a saved model."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.pipeline import make_pipeline

import trainlab as tl
from complaints import complains
from trainlab import cli
from trainlab.data import table
from trainlab.data.table import harmless, read_table, write_table
from trainlab.engine.numpy import NumPyEngine
from trainlab.errors import DataError, ModelFileError, SettingError
from trainlab.estimators import TableEncoder
from trainlab.models.scoring import score
from trainlab.population import Population

X = np.random.default_rng(2).standard_normal((11, 3))
NAMES = ("a", "b", "c")


class Named:
    """A model as scikit-learn has them: names of features, labels of its own."""

    n_features_in_ = 2
    feature_names_in_ = np.array(["c", "a"], dtype=object)
    classes_ = np.array(["=no", "yes"])

    def predict(self, x: Any) -> Any:
        return self.classes_[(x[:, 0] > x[:, 1]).astype(int)]

    def predict_proba(self, x: Any) -> Any:
        return np.stack([x[:, 0], x[:, 1]], axis=1)


def network(loss: str, t: Any) -> tl.Network:
    found = tl.Network(tl.MLP((4,), loss=loss))
    found.fit(tl.from_arrays(X, t), steps=2, workers=1)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(write_table({name: X[:, k] for k, name in enumerate(NAMES)}))
    return path


def invoke(*words: Any) -> Result:
    return CliRunner().invoke(cli.main, ["predict", *map(str, words)])


def rows(text: str) -> tuple[list[str], list[list[str]]]:
    names, *found = csv.reader(text.splitlines())
    return names, found


def test_classes_and_probabilities(path: Path, tmp_path: Path) -> None:
    model = network("softmax_cross_entropy", np.arange(11) % 3)
    tl.save(model, tmp_path / "model")
    done = invoke(tmp_path / "model", path)
    assert done.exit_code == 0, done.output
    assert rows(done.stdout) == (["prediction"], [[str(label)] for label in model.predict(X)])
    done = invoke(tmp_path / "model", path, "--proba", "--out", tmp_path / "scores.csv")
    assert done.stderr == f"11 rows: {tmp_path / 'scores.csv'}\n"
    names, found = rows((tmp_path / "scores.csv").read_text())
    assert names == ["prediction", "probability_0", "probability_1", "probability_2"]
    assert [int(row[0]) for row in found] == model.predict(X).tolist()
    assert np.array_equal(np.array(found, np.float32)[:, 1:], model.predict_proba(X))


def test_a_network_that_knows_its_labels_predicts_them(path: Path) -> None:
    """As an estimator does; one of an earlier version knows none."""
    labels = np.array(["no", "perhaps", "yes"])
    model = network("softmax_cross_entropy", labels[np.arange(11) % 3])
    found = score(model, path, proba=True)
    assert found.columns["prediction"].tolist() == labels[model.predict(X)].tolist()
    assert [*found.columns][1:] == ["probability_no", "probability_perhaps", "probability_yes"]
    old = tl.Network.of(Population.restore(model.population, model.population.states, (3, 3)))
    found = score(old, path, proba=True)
    assert found.columns["prediction"].tolist() == model.predict(X).tolist()
    assert [*found.columns][1:] == ["probability_0", "probability_1", "probability_2"]


def test_several_outputs_and_one(path: Path, tmp_path: Path) -> None:
    model = network("mean_squared_error", X[:, :2])
    tl.save(model, tmp_path / "model")
    names, found = rows(invoke(tmp_path / "model", path).stdout)
    assert names == ["prediction_0", "prediction_1"]
    assert np.array_equal(np.array(found, np.float32), model.predict(X))
    assert list(score(network("huber", X[:, :1]), path).columns) == ["prediction"]


def test_blocks_are_the_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(Named(), path)
    monkeypatch.setattr(table, "BLOCK_NUMBERS", 6)
    assert list(score(Named(), path).columns["prediction"]) == list(whole.columns["prediction"])


def test_columns_are_taken_by_name(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(write_table({"id": ["x"] * 11, "a": X[:, 0], "b": ["?"] * 11, "c": X[:, 2]}))
    found = score(Named(), path, proba=True)
    assert found.ignored == ("id", "b")
    assert list(found.columns) == ["prediction", "probability_=no", "probability_yes"]
    assert found.columns["prediction"].tolist() == Named().predict(X[:, [2, 0]]).tolist()
    assert np.array_equal(found.columns["probability_=no"], X[:, 2])
    assert np.array_equal(found.columns["probability_yes"], X[:, 0])


def test_columns_are_kept_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are features, too, and in blocks."""
    monkeypatch.setattr("trainlab.models.load", lambda _: Named())
    monkeypatch.setattr(table, "BLOCK_NUMBERS", 6)
    path = tmp_path / "table.csv"
    ids = [f" {row:03}" for row in range(10)] + [str(2**53 + 1)]
    path.write_bytes(write_table({"id": ids, "a": X[:, 0], "b": ["=1"] * 11, "c": X[:, 2]}))
    expected = Named().predict(X[:, [2, 0]]).tolist()
    found = score(Named(), path, keep=["c", "id", "c"])
    assert list(found.columns) == ["c", "id", "prediction"]
    assert (found.columns["id"], found.ignored) == (ids, ("b",))
    assert found.columns["c"] == list(map(str, X[:, 2].tolist()))
    assert found.columns["prediction"].tolist() == expected
    names, lines = rows(invoke("model", path, "--keep", "id", "--proba").stdout)
    assert names == ["id", "prediction", "probability_=no", "probability_yes"]
    assert [line[:2] for line in lines] == [[*pair] for pair in zip(ids, expected, strict=True)]
    done = invoke("model", path, "--keep-all")
    assert done.stderr == ""
    names, lines = rows(done.stdout)
    assert names == ["id", "a", "b", "c", "prediction"]
    assert [line[:4] for line in lines] == rows(path.read_text())[1]
    assert rows(invoke("model", path, "--keep", "b", "--excel").stdout)[1][0][0] == "'=1"


def test_columns_of_lists_are_not_among_all_that_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    frame = pd.DataFrame({"a": X[:, 0], "c": X[:, 2], "list": [[1, 2]] * 11})
    frame["id"] = pd.array([None, *range(2**53 + 1, 2**53 + 11)], dtype="Int64")
    frame.to_parquet(path)
    found = score(Named(), path, keep="all")
    assert (list(found.columns), found.ignored) == (["a", "c", "id", "prediction"], ("list",))
    assert found.columns["id"] == ["", *map(str, range(2**53 + 1, 2**53 + 11))]
    told = f"column 'list' of {path} must hold numbers, words or dates; got 'list<"
    complains(lambda: score(Named(), path, keep=["list"]), DataError, told)


def test_columns_that_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(write_table({"prediction": X[:, 1], "a": X[:, 0], "c": X[:, 2]}))
    wrong: list[tuple[Any, str]] = [
        ("a", "keep of predict must be names of columns, or"),
        (5, "keep of predict must be names of columns, or"),
        ([5], "keep of predict must be names of columns, or"),
        (["aa"], f"keep of predict must name columns of {path}, one each time: 'prediction', 'a'"),
        (["prediction"], "columns to keep of predict must have other names than the predictions"),
        ("all", "columns to keep of predict must have other names than the predictions"),
    ]
    for keep, told in wrong:
        complains(lambda keep=keep: score(Named(), path, keep=keep), SettingError, told)
    monkeypatch.setattr("trainlab.models.load", lambda _: Named())
    rename = "Error: columns to keep of predict must have other names than the predictions; got "
    rename += "'prediction'; try to rename it in the table"
    assert invoke("model", path, "--keep", "prediction").stderr == f"{rename}\n"
    others = f"{rename}, or --keep COLUMN for each of the others\n"
    assert invoke("model", path, "--keep-all").stderr == others


def test_how_a_table_is_written_can_be_said(tmp_path: Path) -> None:
    expected = Named().predict(X[:, [2, 0]]).tolist()
    rows = [[str(value).replace(".", ",") for value in row] for row in X.tolist()]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["Title", ";".join(NAMES), *map(";".join, rows)]))
    with pytest.raises(DataError, match=r"; try --skip-lines 1 \(skip_lines= in Python\)$"):
        score(Named(), path)
    with pytest.raises(DataError, match=r"of column 'a' in line 3; try --decimal comma$"):
        score(Named(), path, skip_lines=1)
    found = score(Named(), path, skip_lines=1, decimal="comma", delimiter="semicolon")
    assert (found.columns["prediction"].tolist(), found.notices) == (expected, ())
    found = score(Named(), path, skip_lines=1, decimal="comma")
    assert found.notices == ("cells are separated by a semicolon",)
    wrong: Any = ","
    complains(lambda: score(Named(), path, decimal=wrong), SettingError, "decimal of a table must")
    complains(lambda: score(Named(), path, delimiter="ab"), SettingError, "delimiter of a table")


def test_names_of_features_have_the_white_space_of_names(tmp_path: Path) -> None:
    class Spaced(Named):
        feature_names_in_ = np.array(["c\u200b", "\xa0a"], dtype=object)

    path = tmp_path / "table.csv"
    path.write_bytes(write_table({"a\xa0": X[:, 0], "\ufeffc": X[:, 2]}))
    expected = Named().predict(X[:, [2, 0]]).tolist()
    assert score(Spaced(), path).columns["prediction"].tolist() == expected


def test_labels_are_written_as_they_are(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a pipe; `--excel` makes text of those that a spreadsheet would run."""
    monkeypatch.setattr("trainlab.models.load", lambda _: Named())
    for label in ("=no", "+", "-", "@home", "+5..10", "\x1b[31mred", "[red]", "a\r\nb", ""):
        monkeypatch.setattr(Named, "classes_", np.array([label, "yes"]))
        expected = Named().predict(X[:, [2, 0]]).tolist()
        assert {label, "yes"} == set(expected)
        done = invoke("model", path)
        assert done.stderr == "Columns that the model does not use: b\n"
        out = tmp_path / "out.csv"
        assert invoke("model", path, "--out", str(out)).exit_code == 0
        assert out.read_bytes() == done.stdout_bytes
        assert read_table(out, (), ["prediction"]).text["prediction"] == expected
        invoke("model", path, "--out", str(out), "--excel")
        safe = [harmless(one) for one in expected]
        assert read_table(out, (), ["prediction"]).text["prediction"] == safe
        assert (safe == expected) is not label.startswith(("=", "+", "-", "@"))


def test_what_does_not_fit_is_said(path: Path, tmp_path: Path) -> None:
    classifier = network("softmax_cross_entropy", np.arange(11) % 3)
    population = tl.Population.grid(network=tl.MLP((4,)), seed=range(2))
    regressor = network("mean_squared_error", X[:, :2])
    complains(lambda: score(population, path), SettingError, "model of predict")
    complains(lambda: score(regressor, path, proba=True), SettingError)
    complains(lambda: score(object(), path, proba=True), SettingError, "model of predict")
    path.write_text("a,b\n1,2\n")
    complains(lambda: score(classifier, path), DataError, f"columns of {path} must be 3")
    complains(lambda: score(Named(), path), DataError, f"table of {path} must have the column 'c'")
    path.write_text("a,b,c\n1,2,=cmd|' /C calc'!A0\n")
    complains(lambda: score(classifier, path), DataError, f"column 'c' in line 2 of {path}")


def test_what_is_asked_of_the_wrong_model_is_said_with_what_may_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    y = np.arange(11) % 2
    x = np.arange(11.0)[:, None]
    how: dict[str, Any] = {"max_iter": 1, "schedule": "cosine"}
    numbers = make_pipeline(TableEncoder(), tl.MLPRegressor(**how)).fit(x, y)
    classes = make_pipeline(TableEncoder(), tl.MLPClassifier(**how)).fit(x, y)
    told = "must be a classifier for probabilities; got 'MLPRegressor'; try --interval 0.9"
    with pytest.raises(SettingError, match=re.escape(told)):
        score(numbers, path, proba=True)
    told = "must be an ensemble of regressors for intervals; got 'MLPClassifier'; try --proba"
    with pytest.raises(SettingError, match=re.escape(told)):
        score(classes, path, interval=0.9)


def test_a_table_in_place_of_a_model_is_no_damaged_model(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,c\n1,2,3\n")
    told = "must be a model that trainlab.save wrote; got b'a,b,c"
    with pytest.raises(ModelFileError, match=told):
        tl.load(path)


@pytest.mark.parametrize("words", [["absent", "t.csv"], ["model", "absent"], ["t.csv", "t.csv"]])
def test_errors_are_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tl.save(network("softmax_cross_entropy", np.arange(11) % 3), "model")
    Path("t.csv").write_text("a,b,c\n1,2,3\n")
    done = invoke(*words, "--out", "out.csv")
    assert done.exit_code == 2
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1
    assert not Path("out.csv").exists()


def test_a_folder_that_is_not_there_is_said_before_anything_is_predicted(tmp_path: Path) -> None:
    done = invoke(
        tmp_path / "model", tmp_path / "table.csv", "--out", tmp_path / "no" / "where.csv"
    )
    assert done.exit_code == 2
    text = "--out of predict must be a file in a folder that is there; got "
    assert done.stderr.startswith(f"Error: {text}")


@pytest.mark.parametrize("spelt", ["{}", "../folder/{}", "link-to-{}", "hard-{}"])
@pytest.mark.parametrize("name", ["table.csv", "model"])
def test_what_is_read_is_never_written_over(
    name: str, spelt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    tl.save(network("softmax_cross_entropy", np.arange(11) % 3), "model")
    Path("table.csv").write_text("a,b,c\n1,2,3\n")
    Path(f"link-to-{name}").symlink_to(name)
    Path(f"hard-{name}").hardlink_to(name)
    before = Path(name).read_bytes()
    done = invoke("model", "table.csv", "--out", spelt.format(name))
    what = "model" if name == "model" else "table"
    assert (done.exit_code, Path(name).read_bytes()) == (2, before)
    told = f"Error: --out of predict must be another file than the {what}; got "
    assert done.stderr.startswith(told)


def test_a_column_that_is_all_unlike_the_training_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = [["yes", 1.0], ["no", 2.0]] * 20
    network = tl.MLPClassifier(max_iter=1, schedule="cosine")
    model = make_pipeline(TableEncoder(), network).fit(x, [0, 1] * 20)
    monkeypatch.setattr("trainlab.models.load", lambda _: model)
    path = tmp_path / "table.csv"
    path.write_text("a,b\ny,1\nn,2\n")
    told = "Warning: no cell of 'a' is like any of the training: is it written as it was there?\n"
    assert invoke("model", path).stderr.endswith(told)
    for content in ("a,b\ny,1\nno,2\n", "a,b\ny,1\n"):  # one of two; of one row none can tell
        path.write_text(content)
        done = invoke("model", path)
        assert "Cells unlike any that the model was trained on: 'a' (1)" in done.stderr
        assert "Warning" not in done.stderr


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_columns_that_training_called_by_numbers_may_be_called_so(
    suffix: str, tmp_path: Path
) -> None:
    """As those of a Parquet file; in the names that a model knows they are no data."""
    frame = pd.DataFrame({"2023": [1.0, 2, 3, 4], "2024": [4.0, 3, 2, 1], "7": [9.0] * 4})
    path = tmp_path / f"table.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_excel(path, index=False)
    model = tl.MLPRegressor((3,), max_iter=1, schedule="cosine", random_state=0)
    model.fit(frame[["2024", "2023"]], [1.0, 2, 3, 4])
    found = score(model, path, keep=["7"])
    assert np.array_equal(found.columns["prediction"], model.predict(frame[["2024", "2023"]]))
    frame = frame[["2024", "2023"]].set_axis(["0", "1"], axis=1)
    path = tmp_path / "data.csv"
    path.write_text("1,0\n2,3\n")
    with pytest.raises(DataError, match="must be words, and differ from each other; got '0' as"):
        score(model.fit(frame, [1.0, 2, 3, 4]), path)


def test_all_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    class Wide(Named):
        feature_names_in_ = np.array([f"c{place}" for place in range(23)], dtype=object)

    path = tmp_path / "table.csv"
    path.write_text("c0,b\n1,2\n")
    named = ", ".join(f"'c{place}'" for place in range(1, 21))
    told = f"table of {path} must have the columns {named} and 2 more; got "
    complains(lambda: score(Wide(), path), DataError, told)


def test_another_decimal_sign_is_advised_whatever_else_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a;c\n1,5;?\n2;3\n")
    with pytest.raises(DataError, match=r"'1,5' of .*; try --decimal comma$"):
        score(Named(), path)


@pytest.mark.parametrize("content", [b"a,c\n1,2\r3,4\n", b"a,c\r1,2\r3,4\r"])
def test_line_breaks_of_old_programs_are_called_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    told = "; got 'a carriage return within a line'; try line breaks of one kind, as CRLF, or "
    with pytest.raises(DataError, match=re.escape(told)):
        score(Named(), path)


def test_numbers_far_outside_the_range_of_training_are_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["yes", float(row), "a long name"] for row in range(41)]
    network = tl.MLPClassifier(max_iter=1, schedule="cosine")
    encoder = TableEncoder(text=[2], text_width=4)
    pipeline = make_pipeline(encoder, network).fit(rows, [0, 1] * 20 + [0])
    bare = tl.MLPClassifier(max_iter=1, schedule="cosine").fit(
        [[row[1]] for row in rows], [0, 1] * 20 + [0]
    )
    monkeypatch.setattr("trainlab.data.table.BLOCK_NUMBERS", 6)  # several blocks
    path = tmp_path / "table.csv"
    told = (
        "Warning: Numbers far outside the range of training: 'b' (2 rows, as 1e+06; in training "
        "0 to 40); are units and codes those of training?\n"
    )
    for model, names, line in ((pipeline, "a,b,c", "yes,{},x"), (bare, "b", "{}")):
        monkeypatch.setattr("trainlab.models.load", lambda _, found=model: found)
        for numbers, said in (([1, -900, 40, 41, 1e6, 3, 4], told), ([-40, 80, 280], "")):
            path.write_text("\n".join([names, *(line.format(one) for one in numbers)]) + "\n")
            done = invoke("model", path, "--proba")
            assert (done.exit_code, done.stderr) == (0, said)


def test_a_model_of_real_booleans_reads_those_of_a_file(tmp_path: Path) -> None:
    rows = [[True, 1.0], [False, 2.0]] * 20
    network = tl.MLPRegressor(max_iter=3, schedule="cosine", random_state=0)
    model = make_pipeline(TableEncoder(), network).fit(rows, [0.0, 1.0] * 20)
    tl.save(model, tmp_path / "model")
    (tmp_path / "table.csv").write_text("a,b\nTRUE,1\nfalse,2\n1,1\n")
    for one in (model, tl.load(tmp_path / "model")):
        found = score(one, tmp_path / "table.csv").columns["prediction"]
        assert found.tolist() == model.predict([[True, 1.0], [False, 2.0], [True, 1.0]]).tolist()
    (tmp_path / "table.csv").write_text("a,b\n1,TRUE\n")
    with pytest.raises(DataError, match="TRUE"):
        score(model, tmp_path / "table.csv")


@pytest.mark.parametrize("kind", ["classifier", "pipeline"])
def test_the_model_stays_as_it_is(kind: str, path: Path) -> None:
    asked = []

    class Asked(NumPyEngine):
        def supports(self, members: Any) -> str | None:
            asked.append(len(members))
            return super().supports(members)

    frame = pd.DataFrame(dict(zip(NAMES, X.T, strict=True)))
    last = tl.MLPClassifier((3,), max_iter=2, schedule="cosine", engine="numpy", random_state=0)
    model = make_pipeline(TableEncoder(), last) if kind == "pipeline" else last
    model.fit(frame, np.arange(11) % 2)
    expected = model.predict_proba(frame)
    engine: Any = Asked()
    found = score(model, path, proba=True, engine=engine)
    assert asked
    assert last.engine == "numpy"
    assert np.allclose(found.columns["probability_1"], expected[:, 1], atol=1e-6)
