"""Frames of polars go in and come out, as scikit-learn's `set_output` has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from named import named

pl: Any = pytest.importorskip("polars", reason="polars is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(2)
SIZES = RNG.normal(size=40)
KINDS = [("a", "b", "c", None)[row % 4] for row in range(40)]
LABELS = np.where(SIZES > 0, "large", "small")
NUMBERS = pl.DataFrame({"size": SIZES, "other": RNG.normal(size=40)})
TABLE = pl.DataFrame({"size": [None, *SIZES[1:]], "kind": KINDS})


def network() -> tl.MLPClassifier:
    return tl.MLPClassifier((5,), max_iter=5, random_state=0)


def test_an_encoder_gives_a_frame() -> None:
    plain = tl.TableEncoder(min_frequency=1)
    shown = tl.TableEncoder(min_frequency=1).set_output(transform="polars")
    found = shown.fit_transform(TABLE)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == plain.fit(TABLE).get_feature_names_out().tolist()
    assert np.array_equal(found.to_numpy(), plain.transform(TABLE))
    assert isinstance(shown.transform(TABLE), pl.DataFrame)


def test_a_network_learns_from_frames() -> None:
    """The same as from arrays, with the names of the columns, which later frames must have."""
    framed, plain = network().fit(named(NUMBERS), LABELS), network().fit(NUMBERS.to_numpy(), LABELS)
    assert framed.feature_names_in_.tolist() == ["size", "other"]
    assert np.array_equal(framed.predict_proba(NUMBERS), plain.predict_proba(NUMBERS.to_numpy()))
    with pytest.raises(ValueError, match="feature names"):
        framed.predict(NUMBERS.select("other", "size"))


@pytest.mark.parametrize("steps", ["scaled", "encoded"])
def test_frames_go_through_a_pipeline_and_a_search(steps: str) -> None:
    first = StandardScaler() if steps == "scaled" else tl.TableEncoder(min_frequency=1)
    X = named(NUMBERS if steps == "scaled" else TABLE)
    shown = make_pipeline(first, network()).set_output(transform="polars")
    names = shown.fit(X, LABELS)[-1].feature_names_in_.tolist()
    assert names == first.get_feature_names_out().tolist()
    plain = make_pipeline(clone(first).set_output(transform="default"), network()).fit(X, LABELS)
    assert np.array_equal(shown.predict_proba(X), plain.predict_proba(X))
    space = {"mlpclassifier__alpha": [1e-4, 1e-2]}
    search = tl.PopulationSearchCV(shown, space, n_iter=2, cv=2, random_state=0).fit(X, LABELS)
    assert search.best_estimator_[-1].feature_names_in_.tolist() == names
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_names_are_all_texts_or_none_is() -> None:
    pandas = pytest.importorskip("pandas")
    rows = pandas.DataFrame({0: [1.0, 2, 3, 4], "b": [1.0, 2, 3, 5]})
    for model in (tl.MLPClassifier(), tl.PopulationEnsembleClassifier(), tl.TableEncoder()):
        told = rf"names of columns of X of {type(model).__name__} must be all texts, or none; got "
        with pytest.raises(tl.DataError, match=rf"{told}\[0, 'b'\]; try X.columns = X.columns.as"):
            model.fit(rows, [0, 1, 0, 1])
    rows.columns = rows.columns.astype(str)
    assert tl.TableEncoder().fit(rows).width == 2


def test_columns_have_names_that_differ() -> None:
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    cells = np.arange(12.0).reshape(4, 3)
    tables = [
        pandas.DataFrame(cells, columns=["a", "b", "a"]),
        arrow.table([*cells.T], names=["a", "b", "a"]),
    ]
    for table in tables:
        for model in (tl.MLPClassifier(), tl.PopulationEnsembleClassifier(), tl.TableEncoder()):
            name = type(model).__name__
            told = rf"columns of X of {name} must have names that differ; got \['a', 'a'\]"
            with pytest.raises(tl.DataError, match=told):
                model.fit(table, [0, 1, 0, 1])
