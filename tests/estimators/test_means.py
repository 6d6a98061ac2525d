"""TableEncoder with mean targets of words: scikit-learn's numbers, without a leak, and in files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import TargetEncoder

import trainlab as tl
from complaints import complains
from trainlab.errors import DataError, ModelFileError, SettingError
from trainlab.estimators.means import MeanWords
from trainlab.models.container import Content, pack, read

N = 120


def table(rng: np.random.Generator) -> pd.DataFrame:
    names = [f"no {one}" for one in rng.integers(30, size=N)]
    names[4] = None  # type: ignore[call-overload]
    return pd.DataFrame({"name": np.array(names, object), "n": rng.standard_normal(N)})


@pytest.mark.parametrize("kind", ["continuous", "counts", "binary", "multiclass"])
def test_means_are_those_of_scikit_learn(kind: str, rng: np.random.Generator) -> None:
    X, numbers = table(rng), rng.standard_normal(N)
    y: Any = {
        "continuous": numbers,
        "counts": rng.integers(100, size=N),
        "binary": np.where(numbers > 0, "yes", "no"),
        "multiclass": rng.integers(3, size=N),
    }[kind]
    encoder = tl.TableEncoder(target_means=["name"])
    found = encoder.fit_transform(X, y)
    same = TargetEncoder(target_type="continuous" if kind == "counts" else kind)
    texts = X[["name"]].fillna("").to_numpy(object)
    crossed = np.empty((N, 3 if kind == "multiclass" else 1))
    for rest, held in KFold(5, shuffle=True, random_state=0).split(texts):
        crossed[held] = same.fit(texts[rest], y[rest]).transform(texts[held])
    same.fit(texts, y)
    labels = {"binary": ["yes"], "multiclass": ["0", "1", "2"]}.get(kind, [])
    means = [f"name mean of {one}" for one in labels] or ["name mean"]
    plain = tl.TableEncoder().fit(X)
    names = plain.get_feature_names_out().tolist()
    assert encoder.get_feature_names_out().tolist() == [*names[:-1], *means, "n"]
    assert encoder.words_ == (0,)
    at = slice(plain.width - 1, plain.width - 1 + len(means))
    np.testing.assert_allclose(found[:, at], crossed, rtol=1e-12)
    assert np.delete(found, at, axis=1).tobytes() == plain.transform(X).tobytes()
    later = X.assign(name=["new", *texts[1:, 0]])
    told = encoder.transform(later)[:, at]
    expected = same.transform(later[["name"]].to_numpy(object))
    np.testing.assert_allclose(told, expected, rtol=1e-12)
    np.testing.assert_allclose(told[0], same.target_mean_)  # of a new word that of all rows


def test_numbers_among_objects_are_numbers(rng: np.random.Generator) -> None:
    """As text each of them would be a class of its own."""
    X = table(rng)
    for plain in (rng.standard_normal(N), rng.integers(100, size=N), rng.integers(3, size=N)):
        expected = tl.TableEncoder(target_means=["name"]).fit_transform(X, plain)
        found = tl.TableEncoder(target_means=["name"]).fit_transform(X, plain.astype(object))
        np.testing.assert_array_equal(found, expected)
    cents = rng.integers(100, size=N) / 100
    prices = np.array([Decimal(str(one)) for one in cents.tolist()], object)
    encoder = tl.TableEncoder(target_means=["name"])
    np.testing.assert_array_equal(encoder.fit_transform(X, prices), encoder.fit_transform(X, cents))
    for hole in (None, np.nan, pd.NA):
        y = np.array(["yes", "no"] * (N // 2), object)
        y[3] = hole
        told = "y of TableEncoder must have a target in each row"
        complains(lambda y=y: encoder.fit(X, y), DataError, told)


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**1000, 2.0**1021])
def test_means_are_the_same_in_any_unit(unit: float, rng: np.random.Generator) -> None:
    X, y = table(rng), rng.uniform(-1, 1, N)
    plain, scaled = tl.TableEncoder(target_means=["name"]), tl.TableEncoder(target_means=["name"])
    expected = plain.fit_transform(X, y)[:, -2], plain.transform(X)[:, -2]
    found = scaled.fit_transform(X, y * unit)[:, -2], scaled.transform(X)[:, -2]
    for own, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(own / unit, other)


def test_a_row_has_no_part_in_its_own_mean(rng: np.random.Generator) -> None:
    """Words of few rows and a y of noise: with a leak they would tell it."""
    X = pd.DataFrame({"name": [f"no {row // 2}" for row in range(N)]})
    y = rng.standard_normal(N)
    encoder = tl.TableEncoder(target_means=["name"], min_frequency=N)
    crossed, leaking = encoder.fit_transform(X, y), encoder.fit(X, y).transform(X)

    def told(rows: Any) -> float:
        return float(np.corrcoef(rows[:, -1], y)[0, 1])

    assert told(leaking) > 0.5
    assert told(crossed) < 0.3
    model = make_pipeline(tl.TableEncoder(target_means=["name"]), LinearRegression()).fit(X, y)
    slope = LinearRegression().fit(crossed, y)
    assert model[-1].coef_.tolist() == slope.coef_.tolist()


@pytest.mark.parametrize(
    ("given", "y", "error", "words"),
    [
        ({}, None, SettingError, "y of TableEncoder must be there for target_means"),
        ({}, np.zeros(N - 1), DataError, f"y of TableEncoder must be one target for each of {N}"),
        ({}, np.zeros((N, 2)), DataError, f"y of TableEncoder must be one target for each of {N}"),
        ({}, np.full(N, np.nan), DataError, "y of TableEncoder must be finite"),
        ({"target_means": "name"}, None, SettingError, "target_means of TableEncoder must"),
        (
            {"target_means": "auto"},
            None,
            SettingError,
            "target_means of TableEncoder must be a list",
        ),
        ({"target_means": ["kind"]}, None, SettingError, "target_means of TableEncoder must name"),
        ({"text": [0]}, None, SettingError, "target_means of TableEncoder must name columns that"),
        ({"dates": [0]}, None, SettingError, "target_means of TableEncoder must name columns that"),
    ],
)
def test_wrong_means(given: Any, y: Any, error: Any, words: str, rng: np.random.Generator) -> None:
    encoder = tl.TableEncoder(**{"target_means": ["name"], **given})
    complains(lambda: encoder.fit(table(rng), y), error, words)


def test_one_class_and_columns_of_y(rng: np.random.Generator) -> None:
    X = table(rng)
    alone = tl.TableEncoder(target_means=["name"]).fit_transform(X, ["yes"] * N)
    assert (alone[:, -2] == 1).all()  # the share of the one class
    assert tl.TableEncoder(target_means=["name"]).fit_transform(X[:1], ["yes"]).shape[1] == 3
    y = rng.standard_normal(N)
    encoder = tl.TableEncoder(target_means=["name"])
    assert encoder.fit_transform(X, y[:, None]).tobytes() == encoder.fit_transform(X, y).tobytes()
    shown = tl.TableEncoder(target_means=["name"]).set_output(transform="pandas")
    assert list(shown.fit_transform(X, y).columns) == shown.get_feature_names_out().tolist()


def fitted(words: Any = "auto", classifies: bool = True) -> Any:
    rng = np.random.default_rng(0)
    X = table(rng)
    kind = tl.MLPClassifier if classifies else tl.MLPRegressor
    network = kind((4,), max_iter=3, random_state=0)
    encoder = tl.TableEncoder(words, target_means=["name"])
    y = rng.integers(3, size=N) if classifies else rng.standard_normal(N)
    return X, Pipeline([("encoder", encoder), ("network", network)]).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("words", ["auto", ["name"], []])
@pytest.mark.parametrize("classifies", [True, False])
def test_means_come_back_from_a_file(words: Any, classifies: bool, tmp_path: Path) -> None:
    X, model = fitted(words, classifies)
    tl.save(model, tmp_path / "model")
    again = tl.load(tmp_path / "model")
    assert again[0].columns_ == model[0].columns_
    assert isinstance(again[0].columns_[0], MeanWords)
    assert again.predict(X).tobytes() == model.predict(X).tobytes()
    tl.save(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "fault", ["no array", "another array", "a row less", "float32", "infinite", "classes", "plain"]
)
def test_forged_means_are_refused(fault: str, tmp_path: Path) -> None:
    tl.save(fitted()[1], tmp_path / "model")
    content = read(tmp_path / "model")
    arrays, column = dict(content.arrays), content.document["encoder"]["columns"]
    means = arrays.pop("encoder.0")
    if fault == "another array":
        arrays |= {"encoder.0": means, "encoder.1": means}
    elif fault != "no array":
        changed = {"a row less": means[1:], "float32": means.astype(np.float32)}
        arrays["encoder.0"] = changed.get(fault, means)
    if fault == "infinite":
        arrays["encoder.0"] = np.full_like(means, np.inf)
    if fault == "classes":
        column[0]["means"][-1] = "012"
    if fault == "plain":
        column[0] = {"words": column[0]["means"][:3]}
    (tmp_path / "model").write_bytes(pack(Content("Pipeline", content.document, arrays)))
    complains(lambda: tl.load(tmp_path / "model"), ModelFileError)
