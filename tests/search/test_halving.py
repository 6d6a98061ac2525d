"""Successive halving is HalvingRandomSearchCV, to the bit, but for how it trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # HalvingRandomSearchCV
from sklearn.model_selection import HalvingRandomSearchCV, ParameterSampler, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl
from trainlab import MLPClassifier, MLPRegressor, PopulationSearchCV
from trainlab.search import training
from trainlab.search.halving import lengths, survivors

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
SPACE = {
    "learning_rate_init": loguniform(1e-3, 1e-1),
    "alpha": loguniform(1e-5, 1e-1),
    "activation": ["relu", "tanh"],
}


def network(**settings: Any) -> Any:
    return MLPClassifier((5,), **{"max_iter": 9, "random_state": 0, **settings})


def search(**settings: Any) -> Any:
    """A search of nine candidates in steps of 1, 3 and 9 epochs."""
    chosen = {"n_iter": 9, "halving": 3, "cv": 2, "random_state": 0, "workers": 1, **settings}
    return PopulationSearchCV(
        chosen.pop("estimator", network()), chosen.pop("space", SPACE), **chosen
    )


@pytest.mark.parametrize("estimator", [network(schedule="cosine"), network(n_members=2)])
@pytest.mark.parametrize(("n", "factor"), [(9, 3), (10, 3), (7, 2), (2, 3)])
def test_all_that_is_found_is_what_scikit_learn_finds(estimator: Any, n: int, factor: int) -> None:
    epochs = 2 * factor**2
    estimator = clone(estimator).set_params(max_iter=epochs)
    # Scores without ties: of equal ones scikit-learn keeps those that its sort happens to put last.
    given = {"cv": StratifiedKFold(2), "random_state": 1, "scoring": "neg_log_loss"}
    given |= {"return_train_score": True}
    ours = search(estimator=estimator, n_iter=n, halving=factor, **given).fit(*IRIS)
    resources = {"resource": "max_iter", "max_resources": epochs, "min_resources": "exhaust"}
    counts = {"n_candidates": n, "factor": factor}
    theirs = HalvingRandomSearchCV(estimator, SPACE, **counts, **resources, **given).fit(*IRIS)
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, expected in theirs.cv_results_.items():
        if not name.endswith("_time"):
            got = ours.cv_results_[name]
            assert type(got) is type(expected)
            assert np.array_equal(got, expected), name
    for name in (
        "best_index_",
        "best_params_",
        "best_score_",
        "n_candidates_",
        "n_iterations_",
        "n_resources_",
    ):
        assert getattr(ours, name) == getattr(theirs, name)
    assert np.array_equal(ours.predict_proba(IRIS[0]), theirs.predict_proba(IRIS[0]))


def test_each_row_is_the_estimator_with_that_max_iter() -> None:
    X, y = IRIS
    cv = StratifiedKFold(2)
    own = network(schedule="cosine", max_iter=10)
    found = search(estimator=own, cv=cv).fit(X, y).cv_results_
    assert found["n_resources"].tolist() == [1] * 9 + [3] * 3 + [10]
    train, test = next(cv.split(X, y))
    for row in (0, 8, 9, 11, 12):
        settings = found["params"][row]
        assert settings["max_iter"] == found["n_resources"][row]
        alone = clone(own).set_params(**settings).fit(X[train], y[train])
        assert found["split0_test_score"][row] == alone.score(X[test], y[test])


def test_a_step_is_one_population_for_each_split(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, own = [], training.Fit

    def fit(members: Any, *more: Any) -> Any:
        sizes.append(len(members))
        return own(members, *more)

    monkeypatch.setattr(training, "Fit", fit)
    search().fit(*IRIS)
    assert sizes == [9, 9, 3, 3, 1, 1, 1]


def test_the_best_is_one_of_the_last_step() -> None:
    """Here the others have higher scores, which fall with the number of epochs."""

    def few(estimator: Any, X: Any, y: Any) -> float:
        return -float(estimator.n_iter_) + estimator.alpha

    found = search(scoring=few).fit(*IRIS)
    assert found.best_index_ == 12
    assert found.best_params_["max_iter"] == found.best_estimator_.n_iter_ == 9
    assert found.best_score_ == found.cv_results_["mean_test_score"].min()
    alphas = found.cv_results_["param_alpha"].astype(float)
    assert set(alphas[9:12]) == set(np.sort(alphas[:9])[-3:])
    assert alphas[12] == alphas.max()
    assert search(scoring=few, refit=lambda _: 4).fit(*IRIS).best_index_ == 4


def test_several_scores_and_a_pipeline() -> None:
    X, y = load_diabetes(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), MLPRegressor((4,), max_iter=4, random_state=0))
    space = {"mlpregressor__learning_rate_init": loguniform(1e-3, 1e-1)}
    given = {"scoring": ["r2", "neg_mean_absolute_error"], "n_iter": 4, "halving": 2}
    own = search(estimator=pipeline, space=space, **given, refit="r2").fit(X, y)
    assert own.cv_results_["param_mlpregressor__max_iter"].tolist() == [1] * 4 + [2] * 2 + [4]
    assert own.best_score_ == own.cv_results_["mean_test_r2"][6]
    for refit in (False, lambda _: 0):
        with pytest.raises(tl.SettingError, match=r"refit .* must be one of 'r2', 'neg_mean"):
            search(estimator=pipeline, space=space, **given, refit=refit).fit(X, y)


# Older versions of scikit-learn cast the rank of a score that is NaN.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_failed_candidates_do_not_go_on() -> None:
    space = {"learning_rate_init": [1e30, 1e-2, 1e-3, 2e30]}
    own = network(optimizer="sgd", dtype="float32", max_iter=2, batch_size=20)
    with (
        pytest.warns(FitFailedWarning, match="4 of 12 trainings"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        found = search(estimator=own, space=space, n_iter=4, halving=2).fit(*IRIS)
    rates = found.cv_results_["param_learning_rate_init"].astype(float)
    assert rates[4:].max() < 1
    assert np.isfinite(found.best_score_)


def test_steps_and_survivors() -> None:
    assert lengths(243, 3, 243) == [1, 3, 9, 27, 81, 243]  # where log₃ 243 < 5 in floating point
    assert lengths(8, 3, 200) == [66, 200]
    assert lengths(1, 2, 5) == [5]
    assert lengths(100, 2, 1) == [1]
    nan = np.nan
    assert survivors([nan, 1.0, nan], 3) == [1]
    assert survivors([nan, nan], 2) == [1]
    assert survivors([1.0, 2.0, 2.0, 1.0, 0.0], 2) == [3, 1, 2]
    sampled = list(ParameterSampler({"alpha": [0.1, 0.2, 0.3]}, 3, random_state=0))
    given = {"space": {"alpha": [0.1, 0.2, 0.3]}, "n_iter": 3, "estimator": network(max_iter=3)}
    found = search(**given).fit(*IRIS)
    assert [{"alpha": one["alpha"]} for one in found.cv_results_["params"][:3]] == sampled


def test_what_is_refused() -> None:
    with pytest.raises(tl.SettingError, match="rounds of PopulationSearchCV must be 1 with halv"):
        search(rounds=2).fit(*IRIS)
    for space in ({"max_iter": [1, 2]}, [SPACE, {"max_iter": [1, 2]}]):
        with pytest.raises(tl.SettingError, match="must leave max_iter to halving"):
            search(space=space).fit(*IRIS)
    with pytest.raises(tl.SettingError, match="max_iter of MLPClassifier must be an integer in "):
        search(estimator=network(max_iter=0)).fit(*IRIS)
    for factor in (1, 2.5, "3"):
        with pytest.raises(ValueError, match="The 'halving' parameter of PopulationSearchCV must"):
            search(halving=factor).fit(*IRIS)
