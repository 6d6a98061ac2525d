"""Candidates of a split predict together, and say to the bit what each says alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from engines import compiled
from trainlab import MLPClassifier, MLPRegressor, Population, PopulationSearchCV
from trainlab.network.activations import ReLU
from trainlab.search import training

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
RATES = {"learning_rate_init": [1e-3, 1e-2, 0.1, 1.0]}
NETWORK = MLPClassifier((5,), max_iter=3, random_state=0)
HOW: dict[str, Any] = {"n_iter": 4, "cv": 3, "random_state": 0, "refit": False}


@dataclasses.dataclass(frozen=True)
class Own(ReLU):
    """An activation that only NumPy knows."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The members of each population that is asked for outputs."""
    sizes: list[int] = []
    right = Population._each

    def counted(population: Population, *given: Any) -> Any:
        sizes.append(len(population))
        return right(population, *given)

    monkeypatch.setattr(Population, "_each", counted)
    return sizes


def other_rows(estimator: Any, x: Any, y: Any) -> float:
    """A score that asks for rows of its own, too, and changes them."""
    mine = x.copy()
    found = estimator.predict_proba(mine)[:, 0].sum()
    mine[:, 0] += 1
    return float(found + 10 * estimator.predict_proba(mine)[:, 0].sum())


def changed_rows(estimator: Any, x: Any, y: Any) -> float:
    """A score that leaves its rows as they are, but not while it works."""
    found = estimator.predict_proba(x)[:, 0] @ np.arange(len(x))
    x[:] = x[::-1].copy()
    found += estimator.predict_proba(x)[:, 0] @ np.arange(len(x)) * 10
    x[:] = x[::-1].copy()
    return float(found)


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", ["accuracy", "roc_auc_ovr"]])
def test_the_candidates_of_a_split_predict_its_test_rows_in_one_call(
    scoring: Any, calls: list[int]
) -> None:
    PopulationSearchCV(NETWORK, RATES, scoring=scoring, **HOW).fit(X, Y)
    assert calls == [4, 4, 4]


def test_the_greedy_selection_asks_for_the_same_predictions(calls: list[int]) -> None:
    PopulationSearchCV(NETWORK, RATES, ensemble="greedy", **HOW).fit(X, Y)
    assert calls == [4, 4, 4]


def test_candidates_that_scale_inputs_alike_predict_together(calls: list[int]) -> None:
    space = {**RATES, "standardize_inputs": ["robust", "standard"]}
    found = PopulationSearchCV(NETWORK, space, **{**HOW, "cv": 2}).fit(X, Y)
    robust = [one["standardize_inputs"] for one in found.cv_results_["params"]].count("robust")
    assert sorted(calls) == sorted([robust, 4 - robust] * 2)
    assert 0 < robust < 4


def test_as_many_predict_together_as_memory_allows(
    calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "TOGETHER", 2 * 2 * 50 * 3 * 8)
    PopulationSearchCV(NETWORK, RATES, **HOW).fit(X, Y)
    assert calls == [2] * 6


@compiled
def test_each_predicts_with_the_engine_that_it_predicts_with_alone(calls: list[int]) -> None:
    space = {"activation": [Own(), "relu", "tanh", "sigmoid"]}
    PopulationSearchCV(NETWORK, space, **HOW).fit(X, Y)
    assert sorted(calls) == [1] * 3 + [3] * 3


@pytest.mark.parametrize("scoring", [other_rows, changed_rows, "neg_log_loss"])
@pytest.mark.parametrize("engine", ["numpy", pytest.param("native", marks=compiled)])
def test_scores_are_those_of_candidates_that_predict_alone(
    scoring: str | Callable[..., float], engine: str
) -> None:
    network = MLPClassifier((5,), max_iter=3, random_state=0, n_members=2, engine=engine)
    pipeline = make_pipeline(StandardScaler(), network)
    spaces = [(network, RATES), (pipeline, {f"mlpclassifier__{k}": v for k, v in RATES.items()})]
    for estimator, space in spaces:
        how = {**HOW, "scoring": scoring, "return_train_score": True}
        ours = PopulationSearchCV(estimator, space, **how).fit(X.copy(), Y)
        theirs = RandomizedSearchCV(estimator, space, **how).fit(X.copy(), Y)
        for name in ("mean_test_score", "mean_train_score", "split2_test_score"):
            assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()


@pytest.mark.parametrize("rows", [csr_array(X), X.astype(np.float32)])
def test_rows_may_be_sparse_or_of_another_type(rows: Any) -> None:
    rates, (x, y) = {"alpha": [0.0, 1.0]}, load_diabetes(return_X_y=True)
    x = csr_array(x) if isinstance(rows, csr_array) else x.astype(rows.dtype)
    how = {**HOW, "n_iter": 2}
    for network, given in ((NETWORK, (rows, Y)), (MLPRegressor((5,), max_iter=3), (x, y))):
        estimator = network.set_params(random_state=0)
        ours = PopulationSearchCV(estimator, rates, **how).fit(*given).cv_results_
        theirs = RandomizedSearchCV(estimator, rates, **how).fit(*given).cv_results_
        assert ours["mean_test_score"].tolist() == theirs["mean_test_score"].tolist()


def test_nothing_of_it_stays_with_an_estimator() -> None:
    seen: list[Any] = []

    def score(estimator: Any, x: Any, y: Any) -> float:
        seen.append((estimator, "_together" in vars(estimator)))
        return float(estimator.score(x, y))

    PopulationSearchCV(NETWORK, RATES, scoring=score, **HOW).fit(X, Y)
    assert [before for _, before in seen] == [True] * 12
    assert not any("_together" in vars(estimator) for estimator, _ in seen)
    assert len({float(estimator.predict_proba(X[:1])[0, 0]) for estimator, _ in seen}) == 12
