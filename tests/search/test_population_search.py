"""PopulationSearchCV is RandomizedSearchCV, to the bit, but for how it trains."""

from __future__ import annotations

import signal
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.stats import loguniform, uniform
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    ParameterSampler,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import trainlab as tl
from trainlab import MLPClassifier, MLPRegressor, PopulationSearchCV
from trainlab.search import training
from trainlab.search.candidates import Candidate

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
SPACE = {
    "learning_rate_init": loguniform(1e-3, 1e-1),
    "alpha": [1e-4, 1e-2],
    "hidden_layer_sizes": [(5,), (4, 3)],
    "dropout": uniform(0, 0.5),
    "optimizer": ["adam", tl.Momentum(0.1)],
}
# Of these, each value makes other tables or arguments than the others.
APART = {
    "batch_size": [20, 30],
    "max_iter": [3, 4],
    "tol": [1e-4, 0.1],
    "early_stopping": [False, True],
    "dtype": ["float32", "float64"],
    "n_members": [1, 2],
    "random_state": [0, 1],
}

# Of these, tables are the same and arguments of training are not.
LENGTHS = {"max_iter": [2, 6], "tol": [1e-4, 0.5], "n_iter_no_change": [1, 10]}


def quick(kind: Any = MLPClassifier, **settings: Any) -> Any:
    """An estimator that trains in a few hundredths of a second."""
    chosen = {"hidden_layer_sizes": (5,), "max_iter": 4, "random_state": 0, **settings}
    return kind(**chosen)


def both(estimator: Any, space: Any, X: Any, y: Any, fit: Any = None, **settings: Any) -> Any:
    """The two searches after `fit` with the same arguments."""
    chosen = {"n_iter": 4, "cv": 2, "random_state": 0, "error_score": "raise", **settings}
    ours = PopulationSearchCV(estimator, space, **chosen, workers=1)
    theirs = RandomizedSearchCV(estimator, space, **chosen)
    return ours.fit(X, y, **(fit or {})), theirs.fit(X, y, **(fit or {}))


def assert_same(ours: Any, theirs: Any) -> None:
    """All that the two have found is equal, but for the times."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, expected in theirs.cv_results_.items():
        got = ours.cv_results_[name]
        assert type(got) is type(expected)
        if name == "params":
            assert got == expected
        elif name.endswith("_time"):
            assert got.shape == expected.shape
            assert (got >= 0).all()
        else:
            assert got.dtype == expected.dtype
            assert np.array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(expected))
            assert got.tolist() == expected.tolist(), name
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "multimetric_"):
        assert getattr(ours, name, None) == getattr(theirs, name, None)
    assert hasattr(ours, "best_estimator_") == hasattr(theirs, "best_estimator_")


@pytest.mark.parametrize(
    ("kind", "data"), [(MLPClassifier, IRIS), (MLPRegressor, DIABETES)], ids=["iris", "diabetes"]
)
@pytest.mark.parametrize(
    "space", [SPACE, APART, LENGTHS, [{"alpha": [0.1]}, {"dropout": [0.1, 0.5]}]]
)
def test_all_that_is_found_is_what_randomized_search_finds(
    kind: Any, data: Any, space: Any
) -> None:
    X, y = data
    size = 3 if isinstance(space, list) else 7
    ours, theirs = both(quick(kind), space, X, y, n_iter=size, cv=3, return_train_score=True)
    assert_same(ours, theirs)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, y) == theirs.score(X, y)
    assert ours.n_features_in_ == theirs.n_features_in_
    assert ours.refit_time_ > 0


def test_a_candidate_scores_what_a_clone_scores_that_is_fitted_alone() -> None:
    X, y = IRIS
    cv = StratifiedKFold(3, shuffle=True, random_state=1)
    search = PopulationSearchCV(quick(), SPACE, n_iter=5, cv=cv, random_state=3, workers=2)
    search.fit(X, y)
    sampled = list(ParameterSampler(SPACE, 5, random_state=3))
    assert search.cv_results_["params"] == sampled
    for index, (train, test) in enumerate(cv.split(X, y)):
        for candidate in {search.best_index_, 0, 4}:
            alone = clone(quick()).set_params(**sampled[candidate]).fit(X[train], y[train])
            got = search.cv_results_[f"split{index}_test_score"][candidate]
            assert got == alone.score(X[test], y[test])


@pytest.fixture
def populations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the populations that searches train."""
    sizes: list[int] = []
    own = training.Fit

    def fit(members: Any, *more: Any) -> Any:
        sizes.append(len(members))
        return own(members, *more)

    monkeypatch.setattr(training, "Fit", fit)
    return sizes


def test_candidates_and_seeds_of_a_split_are_one_population(populations: list[int]) -> None:
    X, y = IRIS
    PopulationSearchCV(quick(n_members=2), SPACE, n_iter=6, cv=3, random_state=0).fit(X, y)
    assert populations == [12, 12, 12, 2]  # each split, and the best


def test_what_trains_otherwise_is_a_population_of_its_own(populations: list[int]) -> None:
    X, y = IRIS
    space = {"batch_size": [10, 20, 20], "alpha": [0, 1]}
    search = PopulationSearchCV(quick(), space, n_iter=6, cv=2, random_state=0).fit(X, y)
    sizes = [one["batch_size"] for one in search.cv_results_["params"]]
    assert sorted(populations) == sorted([sizes.count(10), sizes.count(20)] * 2 + [1])


def test_several_scores() -> None:
    X, y = IRIS
    space = {"learning_rate_init": loguniform(1e-3, 1e-1)}
    names = ["accuracy", "neg_log_loss"]
    ours, theirs = both(quick(), space, X, y, scoring=names, refit="neg_log_loss")
    assert_same(ours, theirs)
    assert ours.score(X, y) == theirs.score(X, y)
    assert set(ours.scorer_) == set(names)
    ours, theirs = both(quick(), space, X, y, scoring=names, refit=False)
    assert_same(ours, theirs)
    assert not hasattr(ours, "predict")
    ours, theirs = both(quick(), space, X, y, scoring=_two_scores, refit="second")
    assert_same(ours, theirs)
    with pytest.raises(ValueError, match="refit"):
        PopulationSearchCV(quick(), space, scoring=names, refit=True).fit(X, y)


def _two_scores(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    first = estimator.score(X, y)
    return {"first": first, "second": -first}


def test_the_best_may_be_chosen_by_a_callable() -> None:
    X, y = IRIS
    ours, theirs = both(quick(), {"alpha": [0.1, 0.2, 0.3]}, X, y, n_iter=3, refit=lambda _: 2)
    assert_same(ours, theirs)
    assert ours.best_index_ == 2
    assert ours.best_estimator_.alpha == ours.cv_results_["params"][2]["alpha"]


def test_it_has_the_face_of_its_estimator() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    labels = np.array(["setosa", "versicolor", "virginica"])[y]
    ours, theirs = both(quick(), SPACE, X, labels)
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    assert np.array_equal(ours.decision_function(X), theirs.decision_function(X))
    assert ours.feature_names_in_.tolist() == X.columns.tolist()
    assert not hasattr(ours, "transform")
    assert "PopulationSearchCV" in ours._repr_html_()
    assert isinstance(pd.DataFrame(ours.cv_results_), pd.DataFrame)


@pytest.mark.parametrize("make", [csr_array, np.asarray])
def test_weights_groups_and_validation_rows(make: Any, rng: np.random.Generator) -> None:
    X, y = IRIS
    fit = {"sample_weight": rng.integers(1, 4, len(y)), "groups": rng.integers(0, 5, len(y))}
    fit["validation_data"] = (make(X[::3]), y[::3])
    cv = GroupKFold(3)
    ours, theirs = both(quick(early_stopping=True), SPACE, make(X), y, fit=fit, cv=cv)
    assert_same(ours, theirs)
    assert np.array_equal(ours.predict(X), theirs.predict(X))


def test_it_works_in_cross_validation() -> None:
    X, y = IRIS
    settings = {"n_iter": 3, "cv": 2, "random_state": 0}
    ours = cross_val_score(PopulationSearchCV(quick(), SPACE, **settings), X, y, cv=2)
    theirs = cross_val_score(RandomizedSearchCV(quick(), SPACE, **settings), X, y, cv=2)
    assert ours.tolist() == theirs.tolist()


def test_steps_before_the_network_are_fitted_to_training_rows() -> None:
    X, y = IRIS
    pipeline = make_pipeline(StandardScaler(), quick())
    space = {
        "standardscaler": [StandardScaler(), MinMaxScaler(), "passthrough"],
        "mlpclassifier__learning_rate_init": loguniform(1e-3, 1e-1),
    }
    fit = {"mlpclassifier__sample_weight": np.linspace(1, 2, len(y))}
    ours, theirs = both(pipeline, space, X, y, fit=fit, n_iter=6)
    assert_same(ours, theirs)
    assert np.array_equal(ours.predict_proba(X), theirs.predict_proba(X))
    alone = Pipeline([("network", quick())])
    assert_same(*both(alone, {"network__alpha": [0.1, 0.2]}, X, y, n_iter=2))


class Counting(StandardScaler):  # type: ignore[misc]  # scikit-learn comes without types
    """A scaler that counts how often it is fitted."""

    fits = 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        type(self).fits += 1
        return super().fit(X, y, sample_weight)


def test_steps_that_candidates_share_are_fitted_once(populations: list[int]) -> None:
    X, y = IRIS
    pipeline = make_pipeline(Counting(), quick())
    space = {"mlpclassifier__learning_rate_init": loguniform(1e-3, 1e-1)}
    Counting.fits = 0
    PopulationSearchCV(pipeline, space, n_iter=5, cv=3, random_state=0).fit(X, y)
    assert Counting.fits == 3 + 1  # each split, and the best
    assert populations == [5, 5, 5, 1]


def diverging() -> Any:
    """One that diverges with the rate 1e30, of three candidates."""
    space = {"learning_rate_init": [1e30, 1e-2, 1e-3]}
    estimator = quick(optimizer="sgd", dtype="float32")
    return PopulationSearchCV(estimator, space, n_iter=3, cv=2, random_state=0)


def test_a_network_that_diverged_has_no_score() -> None:
    X, y = IRIS
    search = diverging()
    with (
        pytest.warns(FitFailedWarning, match="2 of 6 trainings .* diverged at step 1"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        search.fit(X, y)
    rates = search.cv_results_["param_learning_rate_init"]
    assert (np.isnan(search.cv_results_["mean_test_score"]) == (rates == 1e30)).all()
    assert search.cv_results_["rank_test_score"][np.flatnonzero(rates == 1e30)[0]] == 3
    assert search.best_params_["learning_rate_init"] < 1

    counted = diverging().set_params(error_score=-5.0, scoring=_two_scores, refit="first")
    with pytest.warns(FitFailedWarning, match=r"error_score=-5\.0"):
        counted.fit(X, y)
    for name in ("first", "second"):
        scores = counted.cv_results_[f"mean_test_{name}"]
        assert ((scores == -5) == (rates == 1e30)).all()

    with pytest.raises(tl.SettingError, match="loss of MLPClassifier must stay finite"):
        diverging().set_params(error_score="raise").fit(X, y)
    with pytest.raises(tl.DataError, match="all 2 trainings of PopulationSearchCV must not fail"):
        diverging().set_params(param_distributions={"alpha": [-1]}, n_iter=1).fit(X, y)


def test_what_cannot_be_prepared_has_no_score_either() -> None:
    X, y = IRIS
    search = PopulationSearchCV(quick(), {"alpha": [-1, 0.1]}, n_iter=2, cv=2)
    search.set_params(scoring=["accuracy", "neg_log_loss"], refit="accuracy")
    search.set_params(error_score=0.0, return_train_score=True)
    with pytest.warns(FitFailedWarning, match="alpha of MLPClassifier must be a finite number"):
        search.fit(X, y)
    failed = search.cv_results_["param_alpha"] == -1
    assert (search.cv_results_["mean_test_accuracy"][failed] == 0).all()
    assert (search.cv_results_["mean_train_neg_log_loss"][failed] == 0).all()
    assert search.best_params_ == {"alpha": 0.1}


def test_what_is_refused() -> None:
    X, y = IRIS
    refused = (LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression()))
    for estimator in refused:
        with pytest.raises(tl.SettingError, match="estimator of PopulationSearchCV must be an MLP"):
            PopulationSearchCV(estimator, {"C": [1]}, n_iter=1).fit(X, y)
    search = PopulationSearchCV(quick(), {"alpha": [0.1]}, n_iter=1)
    with pytest.raises(tl.SettingError, match=r"parameters of PopulationSearchCV\.fit must be"):
        search.fit(X, y, callbacks=[print])
    with pytest.raises(tl.DataError, match="cv of PopulationSearchCV must have at least one split"):
        clone(search).set_params(cv=[]).fit(X, y)
    for name, value in {"n_iter": 0, "workers": 0, "error_score": "no", "refit": 3}.items():
        with pytest.raises(ValueError, match=f"The '{name}' parameter of PopulationSearchCV must"):
            clone(search).set_params(**{name: value}).fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter"):
        PopulationSearchCV(quick(), {"gamma": [1]}, n_iter=1).fit(X, y)


class Interrupting:
    """Ctrl-C while the first steps are made."""

    def __init__(self) -> None:
        self.pressed = False

    def start(self, members: int, steps: int) -> None:
        pass

    def advance(self, members: int, steps: int) -> None:
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.5)  # the main thread looks five times a second


@pytest.mark.filterwarnings("ignore:training was interrupted")
def test_an_interrupt_ends_the_search() -> None:
    X, y = IRIS
    candidates = [Candidate.of(quick(max_iter=40), {"alpha": alpha}) for alpha in (0.1, 0.2)]
    with pytest.raises(KeyboardInterrupt):
        training.train([training.CandidateBatch(candidates, X, y, {})], 1, Interrupting())


def test_the_same_candidates_again() -> None:
    X, y = IRIS
    cv = ShuffleSplit(2, random_state=5)
    searches = [
        PopulationSearchCV(quick(), SPACE, n_iter=4, cv=cv, random_state=7, workers=n).fit(X, y)
        for n in (1, 2)
    ]
    assert_same(*searches)


@pytest.mark.parametrize(("together", "calls"), [(training.TOGETHER, 1), (1, 3)])
def test_splits_share_the_workers_as_memory_allows(
    together: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the fit of the best; every candidate is then as it is when it is cross-validated."""
    fits, right = [], training.fit_together

    def counted(given: Any, *more: Any, **named: Any) -> Any:
        fits.append(len(given))
        return right(given, *more, **named)

    monkeypatch.setattr(training, "fit_together", counted)
    monkeypatch.setattr(training, "TOGETHER", together)
    X, y = IRIS
    search = PopulationSearchCV(quick(), SPACE, n_iter=4, cv=3, random_state=0, refit=False)
    search.fit(X, y)
    assert fits == [3 // calls] * calls
    for number, parameters in enumerate(search.cv_results_["params"]):
        scores = cross_val_score(clone(quick()).set_params(**parameters), X, y, cv=3)
        found = [search.cv_results_[f"split{split}_test_score"][number] for split in range(3)]
        assert found == scores.tolist()


def test_sizes_count_data_and_networks() -> None:
    X, y = IRIS
    of = {"batch_size": 20, "dtype": "float32"}
    dense = training.CandidateBatch([Candidate.of(quick(n_members=2, **of), {})], X, y, {}).size
    assert dense == 4 * (150 * 4 + 2 * (4 * 5 + 5 + 5 * 3 + 3))
    plain = Candidate.of(quick(standardize_inputs=False, **of), {})
    sparse = training.CandidateBatch([plain], csr_array(X), y, {}).size
    assert sparse == 8 * np.count_nonzero(X) + 4 * (4 * 5 + 5 + 5 * 3 + 3)
