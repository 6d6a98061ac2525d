"""TableEncoder on columns of text: beside scikit-learn's hashing, and what a file keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import Pipeline

import trainlab as tl
from complaints import complains
from trainlab.data.table import write_table
from trainlab.errors import DataError, ModelFileError, SettingError
from trainlab.estimators.text import MAX_WIDTH, Text
from trainlab.models.container import Content, pack, read
from trainlab.models.scoring import score

TITLES = ["Mr. Owen Braund", "Mrs. Laina Cumings", None, "Miss Heikkinen", " mr. owen braund ", ""]


def titles(rows: int) -> Any:
    """Names, all different, each with a title that says what y is."""
    kinds = ["Mr.", "Mrs."]
    return [f"{kinds[row % 2]} {chr(97 + row % 26)}{row}" for row in range(rows)]


def test_counts_are_those_of_scikit_learn() -> None:
    X = pd.DataFrame({"n": range(6), "name": TITLES})
    encoder = tl.TableEncoder(text=["name"], text_width=32).fit(X)
    assert (encoder.text_, encoder.words_, encoder.width) == ((1,), (), 34)
    assert encoder.columns_[1] == Text(32, True)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["n", *(f"name text {place}" for place in range(32)), "name missing"]
    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=32)
    found = encoder.transform(X)
    expected = hashing.transform([title or "" for title in TITLES]).toarray()
    assert found[:, 1:33].tobytes() == expected.tobytes()
    assert found[:, 33].tolist() == [0, 0, 1, 0, 0, 1]
    assert (found[4, 1:] == found[0, 1:]).all()  # capitals and blanks say nothing
    assert np.linalg.norm(found[0, 1:33]) == pytest.approx(1)
    assert not found[2, 1:33].any()
    assert encoder.strange(X) == {}
    whole = tl.TableEncoder(text=[1], text_width=32).fit(X[:2])
    assert whole.strange(X) == {"name": 2}
    assert whole.transform(X).tobytes() == np.ascontiguousarray(found[:, :33]).tobytes()


def test_any_column_may_be_text() -> None:
    """Numbers, categories and dates, too, where it is asked for."""
    X = pd.DataFrame(
        {"code": [12, 7], "kind": pd.Categorical(["a", "b"]), "at": ["2024-12-31"] * 2}
    )
    encoder = tl.TableEncoder(text=["code", "kind", "at"], text_width=8).fit(X)
    assert encoder.text_ == (0, 1, 2)
    later = X.astype({"code": str, "kind": str})
    assert encoder.transform(later).tobytes() == encoder.transform(X).tobytes()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "name"}, "text of TableEncoder must"),
        ({"text": "auto"}, "text of TableEncoder must be a list"),
        ({"text": None}, "text of TableEncoder must"),
        ({"text": ["title"]}, "text of TableEncoder must name columns that are there"),
        ({"text": [2]}, "text of TableEncoder must name columns that are there"),
        ({"text": [1], "words": ["name"]}, "text of TableEncoder must name columns that words and"),
        ({"text": [1], "dates": [1]}, "text of TableEncoder must name columns that words and"),
        ({"text_width": 0}, "text_width of TableEncoder must"),
        ({"text_width": MAX_WIDTH + 1}, "text_width of TableEncoder must"),
    ],
)
def test_wrong_text(given: Any, words: str) -> None:
    X = pd.DataFrame({"n": range(6), "name": TITLES})
    complains(lambda: tl.TableEncoder(**given).fit(X), SettingError, words)


def fitted(**settings: Any) -> Any:
    X = pd.DataFrame({"n": [row % 5 for row in range(60)], "name": titles(60)})
    network = tl.MLPClassifier((10,), max_iter=40, schedule="cosine", random_state=0)
    encoder = tl.TableEncoder(text=["name"], text_width=64, **settings)
    model = Pipeline([("encoder", encoder), ("network", network)])
    return X, model.fit(X, [row % 2 for row in range(60)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_text_comes_back_from_a_file_and_from_a_table(tmp_path: Path) -> None:
    X, model = fitted()
    new = pd.DataFrame({"n": [1, 2], "name": ["Mr. Xaver", "Mrs. Yolande"]})
    assert model.predict(new).tolist() == [0, 1]
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again[0].columns_ == model[0].columns_
    assert again[0].get_params() == model[0].get_params()
    assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
    (tmp_path / "table.csv").write_bytes(write_table({name: new[name] for name in new}))
    assert score(again, tmp_path / "table.csv").columns["prediction"].tolist() == [0, 1]


FORGED = {
    "another width": [32, False],
    "a width with a fraction": [64.0, False],
    "holes a number": [64, 0],
    "three parts": [64, False, 1],
    "words": None,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FORGED)
def test_forged_text_is_refused(name: str, tmp_path: Path) -> None:
    tl.save(fitted()[1], tmp_path / "model")
    content = read(tmp_path / "model")
    said = content.document["encoder"]
    if FORGED[name] is None:  # the parameter says that it is text
        said["columns"][1] = {"words": [[f"a{place:02}" for place in range(48)], ["b"], False]}
        said["columns"].append({"numbers": [0.0, False]})
    else:
        said["columns"][1] = {"text": FORGED[name]}
    (tmp_path / "model").write_bytes(pack(Content("Pipeline", content.document, content.arrays)))
    complains(lambda: tl.load(tmp_path / "model"), ModelFileError)


def test_a_wide_text_is_no_reason_for_words_to_be_refused() -> None:
    rows = np.array([["a", "x y"], ["b", None]], object)
    complains(
        lambda: tl.TableEncoder([], text=[1]).fit(rows),
        DataError,
        "column '0' of TableEncoder must",
    )
