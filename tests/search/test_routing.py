"""Metadata that scikit-learn routes: through a search to the network and the steps before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from complaints import complains

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=60) > 0).astype(int)
VALUES = X[:, 0] + X[:, 1] ** 2
WEIGHT = np.where(np.arange(60) < 10, 0.0, RNG.random(60) + 0.5)
GROUPS = np.arange(60) % 6


@pytest.fixture(autouse=True)
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def network(kind: Any = tl.MLPClassifier, **settings: Any) -> Any:
    # Raw columns, so that it matters how a step before scales them.
    one = kind((5,), max_iter=5, standardize_inputs=False, random_state=0, **settings)
    return one.set_fit_request(sample_weight=True)


def scorer(kind: Any = tl.MLPClassifier) -> Any:
    """One that asks for weights; before 1.6 the `score` of a pipeline cannot route them."""
    name = "accuracy" if kind is tl.MLPClassifier else "r2"
    return get_scorer(name).set_score_request(sample_weight=True)


def searched(search: Any, y: Any, name: str) -> tuple[Any, Any]:
    """Scores by the rate, and what the best predicts."""
    search.fit(X, y, sample_weight=WEIGHT, groups=GROUPS)
    order = np.argsort(search.cv_results_[f"param_{name}"].astype(float))
    best = search.best_estimator_
    return search.cv_results_["mean_test_score"][order], best.predict(X)


@pytest.mark.parametrize("weighed", [True, False, None], ids=["weighed", "plain", "alone"])
@pytest.mark.parametrize("kind", [tl.MLPClassifier, tl.MLPRegressor])
def test_a_search_routes_as_those_of_scikit_learn_do(kind: Any, weighed: bool | None) -> None:
    y = LABELS if kind is tl.MLPClassifier else VALUES
    estimator, name = network(kind), "learning_rate_init"
    if weighed is not None:
        estimator = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=weighed), estimator
        )
        name = f"{kind.__name__.lower()}__{name}"
    space, given = {name: [0.01, 0.1]}, {"cv": GroupKFold(3), "scoring": scorer(kind)}
    theirs = searched(GridSearchCV(estimator, space, **given), y, name)
    search = tl.PopulationSearchCV(estimator, space, n_iter=2, random_state=0, **given)
    ours = searched(search, y, name)
    for one, other in zip(theirs, ours, strict=True):
        assert np.array_equal(one, other)
    if weighed is not None:
        mean = np.average(X, axis=0, weights=WEIGHT if weighed else None)
        np.testing.assert_allclose(search.best_estimator_[0].mean_, mean)


def test_a_search_in_a_cross_validation_is_given_the_weights() -> None:
    line = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network())
    space = {"mlpclassifier__learning_rate_init": [0.01, 0.1]}
    given = {"cv": 2, "scoring": scorer()}
    search = tl.PopulationSearchCV(line, space, n_iter=2, random_state=0, **given)
    weighed, plain = (
        cross_validate(search, X, LABELS, params={"sample_weight": weight}, **given)["test_score"]
        for weight in (WEIGHT, np.ones(60))
    )
    assert np.isfinite(weighed).all()
    assert not np.array_equal(weighed, plain)


def test_the_vote_of_a_search_is_weighed() -> None:
    """A greedy selection judges by the weights that the network asked for."""

    def vote(weight: Any) -> Any:
        line = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network())
        space = {"mlpclassifier__learning_rate_init": [0.01, 0.1, 0.3]}
        search = tl.PopulationSearchCV(
            line, space, n_iter=3, cv=2, scoring=scorer(), random_state=0, ensemble="greedy"
        )
        return search.fit(X, LABELS, sample_weight=weight).ensemble_

    weighed, plain = vote(WEIGHT), vote(np.ones(60))
    rows = WEIGHT > 0
    assert weighed.losses_.tolist() != plain.losses_.tolist()
    assert weighed.score(X[rows], LABELS[rows]) > 0.5


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_what_nobody_asked_for_is_refused(in_pipeline: bool) -> None:
    one = tl.MLPClassifier((5,), max_iter=5, random_state=0)
    space = {"mlpclassifier__alpha" if in_pipeline else "alpha": [0.1]}
    estimator = make_pipeline(StandardScaler(), one) if in_pipeline else one
    search = tl.PopulationSearchCV(
        estimator, space, n_iter=1, cv=2, scoring=scorer(), random_state=0
    )
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        search.fit(X, LABELS, sample_weight=WEIGHT)


def test_no_other_rows_go_through_a_pipeline() -> None:
    one = network().set_fit_request(validation_data=True)
    line = make_pipeline(StandardScaler(), one)
    space = {"mlpclassifier__alpha": [0.1]}
    search = tl.PopulationSearchCV(line, space, n_iter=1, cv=2, random_state=0)
    complains(
        lambda: search.fit(X, LABELS, validation_data=(X, LABELS)),
        tl.SettingError,
        "parameters of PopulationSearchCV.fit must be among groups, sample_weight",
    )
