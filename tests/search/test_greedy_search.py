"""ensemble="greedy": who votes is who is best together on rows that none of them has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.samplers import RandomSampler
from scipy.sparse import csr_array
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.metrics import get_scorer, log_loss, mean_squared_error
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from trainlab import MLPClassifier, MLPRegressor, PopulationSearchCV
from trainlab.errors import DataError, SettingError
from trainlab.estimators.targets import LARGEST, SMALLEST, Labels
from trainlab.search.selection import Selection
from trainlab.search.voting import VoteClassifier
from trainlab.store import listed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)
SPACE = {
    "learning_rate_init": loguniform(3e-3, 1e-1),
    "hidden_layer_sizes": [(5,), (4, 3)],
    "batch_size": [20, 40],
    "dropout": [0.0, 0.3],
}
# Sums of some hundred float64 in other orders.
ROUNDING = 1e-9


def search(kind: Any = MLPClassifier, **changed: Any) -> Any:
    """A greedy search over networks that train in a few hundredths of a second."""
    network = changed.pop("estimator", None)
    if network is None:
        network = kind(**{"max_iter": 3, "random_state": 0, **changed.pop("network", {})})
    chosen = {"n_iter": 6, "cv": 3, "random_state": 1, "workers": 1, "ensemble": "greedy"}
    space = changed.pop("space", SPACE)
    return PopulationSearchCV(network, space, **(chosen | changed))


def said(estimator: Any, X: Any) -> Any:
    """What a fitted estimator answers."""
    return (estimator.predict_proba if is_classifier(estimator) else estimator.predict)(X)


def by_hand(own: Any, X: Any, y: Any, loss: Any, **fit: Any) -> tuple[Any, Any, float, Any]:
    """weights, losses, loss of the vote on the test rows, and what the vote says of X.

    loss  of a list with the answers on the test rows of each split
    Each candidate is fitted alone, to each split, and each round tries every candidate.
    """
    answers, everywhere = [], []
    splits = list(own.cv.split(X, y))
    for parameters in own.cv_results_["params"]:
        fitted = []
        for train, _ in splits:
            part = {name: value[train] for name, value in fit.items()}
            alone = clone(own.estimator).set_params(**clone(parameters, safe=False))
            fitted.append(alone.fit(X[train], y[train], **part))
        answers.append([said(one, X[test]) for one, (_, test) in zip(fitted, splits, strict=True)])
        everywhere.append(np.mean([said(one, X) for one in fitted], axis=0))
    count, chosen, rounds = len(answers), [], []
    for _ in range(50):
        tried = []
        for one in range(count):
            group = [answers[number] for number in [*chosen, one]]
            mean = [np.mean(own, axis=0) for own in zip(*group, strict=True)]
            tried.append(loss(mean))
        chosen.append(int(np.argmin(tried)))
        rounds.append(min(tried))
    end = int(np.argmin(rounds)) + 1
    weights = np.bincount(chosen[:end], minlength=count) / end
    losses = np.array([loss(own) for own in answers])
    return weights, losses, rounds[end - 1], np.average(everywhere, axis=0, weights=weights)


def assert_as_by_hand(own: Any, X: Any, y: Any, loss: Any, **fit: Any) -> None:
    vote = own.ensemble_
    weights, losses, least, everywhere = by_hand(own, X, y, loss, **fit)
    assert np.count_nonzero(weights) > 1
    assert vote.weights_ == pytest.approx(weights, abs=ROUNDING)
    assert vote.losses_ == pytest.approx(losses, rel=ROUNDING)
    assert vote.loss_ == pytest.approx(least, rel=ROUNDING)
    assert said(vote, X) == pytest.approx(everywhere, rel=ROUNDING)
    assert vote.best_index_ == np.argmin(losses)
    assert vote.gain_ == vote.losses_[vote.best_index_] - vote.loss_ > 0
    assert len(vote.estimators_) == np.count_nonzero(weights) * own.n_splits_


def in_turn(values: Any, own: Any, X: Any, y: Any) -> Any:
    """The values of the test rows, one split after the other."""
    return np.concatenate([values[test] for _, test in own.cv.split(X, y)])


@pytest.mark.parametrize("weighed", [False, True])
def test_labels_vote_as_by_hand(weighed: bool) -> None:
    X, y = IRIS[0][:, :2], IRIS[1]
    words = np.array(["setosa", "versicolor", "virginica"])[y]
    draws = np.random.default_rng(2)
    fit = {"sample_weight": draws.integers(1, 4, len(y)).astype(float)} if weighed else {}
    space = {"random_state": range(9), "activation": ["relu", "tanh"], "batch_size": [20, 30]}
    network = {"n_members": 2, "learning_rate_init": 0.01, "hidden_layer_sizes": (4,)}
    own = search(cv=FOLDS, space=space, network=network).fit(X, words, **fit)
    truth = in_turn(words, own, X, y)
    weight = in_turn(fit["sample_weight"], own, X, y) if weighed else None

    def loss(answers: Any) -> float:
        return float(log_loss(truth, np.concatenate(answers), sample_weight=weight))

    assert_as_by_hand(own, X, words, loss, **fit)
    vote = own.ensemble_
    assert vote.classes_.tolist() == sorted(set(words))
    assert vote.predict(X).tolist() == vote.classes_[vote.predict_proba(X).argmax(1)].tolist()
    assert vote.score(X, words) == np.mean(vote.predict(X) == words) > 0.5
    assert is_classifier(vote)
    assert get_scorer("neg_log_loss")(vote, X, words) == -log_loss(words, vote.predict_proba(X))
    assert own.best_estimator_.predict(X).tolist() == own.predict(X).tolist()


def test_numbers_vote_as_by_hand() -> None:
    X, y = DIABETES
    both = np.stack([y, 1000 * y**2], axis=1)
    own = search(MLPRegressor, cv=KFold(3), network={"max_iter": 8})
    own.set_params(estimator__random_state=1).fit(X, both)
    truth, scale = in_turn(both, own, X, both), both.std(axis=0)

    def loss(answers: Any) -> float:
        return float(mean_squared_error(truth / scale, np.concatenate(answers) / scale))

    assert_as_by_hand(own, X, both, loss)
    vote = own.ensemble_
    assert vote.predict(X).shape == both.shape
    assert vote.score(X, both) > 0.2
    assert is_regressor(vote)
    assert not hasattr(vote, "predict_proba")
    flat = search(MLPRegressor, n_iter=2).fit(X, y).ensemble_
    assert flat.predict(X).shape == y.shape


def test_several_labels_vote_as_by_hand() -> None:
    X, y = make_multilabel_classification(90, 8, n_classes=3, random_state=0)
    own = search(cv=KFold(2), n_iter=4, network={"max_iter": 6}).fit(X, y)
    truth = in_turn(y, own, X, y)

    def loss(answers: Any) -> float:
        p = np.concatenate(answers)
        return float(np.mean([log_loss(truth[:, one], p[:, one]) for one in range(3)]))

    assert_as_by_hand(own, X, y, loss)
    vote = own.ensemble_
    assert vote.classes_.tolist() == [0, 1, 2]
    assert np.array_equal(vote.predict(X), vote.predict_proba(X) > 0.5)
    sparse = search(cv=KFold(2), network={"max_iter": 6}).fit(csr_array(X), csr_array(y))
    assert sparse.ensemble_.predict(csr_array(X)).shape == y.shape


def test_a_pipeline_votes_as_by_hand_and_takes_what_it_takes() -> None:
    X, y = IRIS
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=4, random_state=0))
    space = {
        "standardscaler": [StandardScaler(), FunctionTransformer(np.exp)],
        "mlpclassifier__activation": ["relu", "tanh", "sigmoid"],
    }
    weight = np.linspace(1, 2, len(y))
    fit = {"mlpclassifier__sample_weight": weight}
    own = search(estimator=pipeline, space=space, cv=FOLDS).fit(X, y, **fit)
    truth, counts = in_turn(y, own, X, y), in_turn(weight, own, X, y)

    def loss(answers: Any) -> float:
        return float(log_loss(truth, np.concatenate(answers), sample_weight=counts))

    assert_as_by_hand(own, X, y, loss, **fit)
    frame = pd.DataFrame(X, columns=list("abcd"))
    vote = search(estimator=pipeline, space=space).fit(frame, pd.Series(y)).ensemble_
    assert vote.feature_names_in_.tolist() == list("abcd")
    assert vote.n_features_in_ == 4
    assert vote.predict(frame).shape == y.shape  # a warning of names is an error here


WAYS: dict[str, dict[str, Any]] = {
    "rounds": {"rounds": 2, "space": {"alpha": loguniform(1e-4, 1), "dropout": [0, 0.3]}},
    "halving": {"halving": 2},
    "sampler": {"sampler": RandomSampler(0), "rounds": 2, "space": {"alpha": [0.1, 0.2, 0.3]}},
    "several scores": {"scoring": ["accuracy", "neg_log_loss"], "refit": False},
    "rows that come again": {"cv": ShuffleSplit(3, test_size=0.4, random_state=0)},
}


# Of an old scikit-learn, which makes integers of values that are not there.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("way", WAYS)
def test_each_candidate_may_vote_whatever_way_it_was_found(way: str) -> None:
    own = search(**WAYS[way]).fit(*IRIS)
    vote, tried = own.ensemble_, own.cv_results_["params"]
    assert len(vote.weights_) == len(vote.losses_) == len(tried)
    assert vote.weights_.sum() == pytest.approx(1, abs=ROUNDING)
    assert vote.loss_ == vote.losses_.min() - vote.gain_ <= vote.losses_.min()
    chosen = [tried[number] for number in np.flatnonzero(vote.weights_)]
    voters = vote.estimators_[:: own.n_splits_]
    for one, parameters in zip(voters, chosen, strict=True):
        assert parameters.items() <= one.get_params().items()


def test_a_search_finds_what_it_finds_without() -> None:
    greedy, usual = search().fit(*IRIS), search(ensemble=None).fit(*IRIS)
    for name, found in usual.cv_results_.items():
        if not name.endswith("_time"):
            assert np.asarray(greedy.cv_results_[name]).tolist() == np.asarray(found).tolist()
    assert list(greedy.cv_results_) == list(usual.cv_results_)
    assert greedy.predict_proba(IRIS[0]).tobytes() == usual.predict_proba(IRIS[0]).tobytes()
    assert not hasattr(usual, "ensemble_")
    assert not hasattr(greedy.set_params(ensemble=None, n_iter=1).fit(*IRIS), "ensemble_")


def test_with_a_store_the_same_bits_and_it_may_be_asked_for_later(
    tmp_path: Path, steps: list[int]
) -> None:
    usual = search(workers=2).fit(*IRIS).ensemble_
    steps[0] = 0
    search(store=tmp_path, ensemble=None).fit(*IRIS)
    keys = [one.key for one in listed(tmp_path)]
    assert steps[0] > 0
    for _ in range(2):
        steps[0] = 0
        vote = search(store=tmp_path).fit(*IRIS).ensemble_
        assert steps[0] == 0
        assert vote.weights_.tobytes() == usual.weights_.tobytes()
        assert vote.losses_.tobytes() == usual.losses_.tobytes()
        assert vote.predict_proba(IRIS[0]).tobytes() == usual.predict_proba(IRIS[0]).tobytes()
    assert [one.key for one in listed(tmp_path)] == keys


def test_what_failed_never_votes() -> None:
    X, y = IRIS
    space = {"learning_rate_init": [1e30, 1e-2, 1e-3], "alpha": [-1, 0.1, 0.2]}
    network = {"optimizer": "sgd", "dtype": "float32"}
    own = search(space=space, n_iter=9, network=network)
    with (
        pytest.warns(FitFailedWarning, match="diverged at step"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        own.fit(X, y)
    failed = np.isnan(own.cv_results_["mean_test_score"])
    assert failed.sum() == 5
    assert np.isinf(own.ensemble_.losses_).tolist() == failed.tolist()
    assert not own.ensemble_.weights_[failed].any()
    assert np.isfinite(own.ensemble_.loss_)


def _some(X: Any) -> Any:
    if X[0, 0] == IRIS[0][0, 0]:
        raise RuntimeError("these rows cannot be told")
    return X


def test_what_cannot_be_asked_never_votes() -> None:
    """The first split trains without the first row, and cannot be asked of it."""
    X, y = IRIS
    steps = [FunctionTransformer(_some), "passthrough"]
    pipeline = make_pipeline("passthrough", MLPClassifier((4,), max_iter=3, random_state=0))
    rows = np.arange(1, 150)
    cv = [(rows, np.arange(0, 150, 2)), (rows, rows)]
    settings = {"space": {"passthrough": steps}, "n_iter": 2, "cv": cv, "refit": False}
    own = search(estimator=pipeline, **settings)
    with (
        pytest.warns(UserWarning, match="these rows cannot be told"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        own.fit(X, y)
    first = [one["passthrough"] for one in own.cv_results_["params"]].index(steps[0])
    assert np.isinf(own.ensemble_.losses_[first])
    assert own.ensemble_.weights_[first] == 0
    own.set_params(param_distributions={"passthrough": steps[:1]}, n_iter=1)
    with (
        pytest.warns(UserWarning, match="these rows cannot be told"),
        pytest.warns(UserWarning, match="non-finite"),
        pytest.raises(DataError, match="networks of PopulationSearchCV must be trained on each"),
    ):
        own.fit(X, y)


def test_a_split_may_train_on_no_row_of_a_class() -> None:
    X, y = IRIS
    words = np.array(["a", "b", "c"])[y]
    own = search(cv=[(np.arange(150), [0]), (y != 1, y == 1)]).fit(X, words).ensemble_
    assert own.estimators_[1].classes_.tolist() == ["a", "c"]
    assert own.classes_.tolist() == ["a", "b", "c"]
    # Every second network gives "b" the probability 0.
    assert 0 < own.predict_proba(X)[:, 1].max() <= 0.5
    weight = np.where(y == 0, 0.0, 1.0)
    weight[next(FOLDS.split(X, y))[1]] = 1.0
    own = search(cv=FOLDS, n_iter=1).fit(X, words, sample_weight=weight).ensemble_
    assert own.predict_proba(X).shape == (150, 3)


def test_rows_of_weight_0_do_not_count() -> None:
    X, y = IRIS
    counts = np.arange(150) % 3 > 0
    words = np.where(counts, y, 7)
    own = search(cv=FOLDS, n_iter=3).fit(X, words, sample_weight=1.0 * counts)
    assert own.ensemble_.classes_.tolist() == [0, 1, 2]
    rows = np.flatnonzero(counts)
    cv = [
        (np.searchsorted(rows, a[counts[a]]), np.searchsorted(rows, b[counts[b]]))
        for a, b in FOLDS.split(X, words)
    ]
    alone = search(cv=cv, n_iter=3).fit(X[counts], y[counts])
    assert own.ensemble_.losses_ == pytest.approx(alone.ensemble_.losses_, rel=ROUNDING)
    with pytest.raises(DataError, match="be positive for some of the test rows"):
        search(cv=[(rows, np.flatnonzero(~counts))]).fit(X, y, sample_weight=counts)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="The 'ensemble' parameter of PopulationSearchCV must"):
        search(ensemble="best").fit(*IRIS)
    vote = search(n_iter=1).fit(*IRIS).ensemble_
    with pytest.raises(SettingError, match="fit of VoteClassifier must not be called"):
        vote.fit(*IRIS)
    with pytest.raises(NotFittedError):
        clone(vote).predict(IRIS[0])
    with pytest.raises(ValueError, match="Unknown label type"):
        search().fit(IRIS[0], IRIS[0][:, 0])
    with pytest.raises(ValueError, match="4 features"):
        vote.predict(IRIS[0][:, :3])


def test_the_mean_of_probabilities_is_never_0_or_1() -> None:
    class Sure(ClassifierMixin, BaseEstimator):
        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), [SMALLEST, LARGEST])

    rounded = False
    for candidates, splits in [(1, 3), (2, 9), (3, 6), (4, 5)]:
        found = Selection(np.full(candidates, 1 / candidates), np.zeros(candidates), 0.0)
        vote = VoteClassifier.of(found, [[Sure()] * splits] * candidates, Labels(np.arange(2)))
        p = vote.predict_proba(np.zeros((4, 1)))
        assert ((p > 0) & (p < 1)).all()
        mean = vote._mean(lambda one: one.predict_proba(np.zeros((4, 1))))
        rounded |= bool((mean == 1).any())
    assert rounded  # the sum alone is 1 for some of them
