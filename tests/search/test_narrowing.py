"""Rounds of a search: later ones are drawn from the box of the best before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import loguniform, norm, randint, uniform
from sklearn.datasets import load_iris
from sklearn.model_selection import ParameterSampler

import trainlab as tl
from trainlab import MLPClassifier, PopulationSearchCV
from trainlab.search.narrowing import TruncatedDistribution, best, box_of, narrowed
from trainlab.training.progress import Bar

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
SPACE = {
    "learning_rate_init": loguniform(1e-4, 1e-1),
    "max_iter": randint(2, 9),
    "activation": ["relu", "tanh"],
}


def search(**settings: Any) -> Any:
    """A search in three rounds of eight."""
    network = MLPClassifier((5,), random_state=0)
    chosen = {"n_iter": 8, "rounds": 3, "cv": 2, "random_state": 0, "workers": 1, **settings}
    return PopulationSearchCV(network, chosen.pop("space", SPACE), **chosen)


def test_the_best_are_a_tenth_and_at_least_five_of_those_that_have_a_score() -> None:
    scores = [0.0, 3.0, np.nan, 2.0, 4.0, 1.0, -np.inf, 5.0]
    assert best(scores) == (7, 4, 1, 3, 5)
    assert best(scores[:4]) == (1, 3, 0)
    assert best(list(range(71))) == tuple(range(70, 62, -1))
    assert best([np.nan]) == ()


def test_the_box_is_between_quantiles_in_the_logarithm() -> None:
    chosen = [
        {"a": 10.0**power, "b": power, "c": power, "d": "xy"[power % 2]} for power in range(5)
    ]
    space = {"a": loguniform(1e-9, 1e9), "b": norm(), "c": randint(0, 9), "d": ["x", "y"]}
    box = box_of(space, chosen)
    assert box["a"] == pytest.approx((10**0.4, 10**3.6), rel=1e-12)
    assert box["b"] == pytest.approx((0.4, 3.6), rel=1e-12)
    assert box["c"] == (0, 4)
    assert box["d"] == ["x", "y", "x", "y", "x"]


@pytest.mark.parametrize(
    ("distribution", "low", "high"),
    [(loguniform(1e-6, 1), 1e-4, 1e-3), (uniform(0, 2), 0.5, 0.6), (randint(0, 100), 7, 9)],
)
def test_draws_fill_the_box_as_the_distribution_does(
    distribution: Any, low: float, high: float, rng: np.random.Generator
) -> None:
    draws = np.random.RandomState(rng.integers(2**32))
    values = np.array(
        [TruncatedDistribution(distribution, low, high).rvs(draws) for _ in range(2000)]
    )
    assert low <= values.min() <= values.max() <= high
    if isinstance(low, int):
        assert values.dtype.kind == "i"
        counts = np.bincount(values)[low:]
        # Each is binomial with n = 2000, p = 1/3, σ = 21; six of them.
        assert np.abs(counts - 2000 / 3).max() < 6 * 21
    else:
        shares = distribution.cdf(values)
        ends = distribution.cdf([low, high])
        # The mean of n even draws has σ = 1/√(12 n); six of them.
        assert abs((shares.mean() - ends[0]) / (ends[1] - ends[0]) - 0.5) < 6 / np.sqrt(12 * 2000)
    assert TruncatedDistribution(distribution, low, low).rvs(draws) == pytest.approx(low, rel=1e-9)


def test_later_rounds_are_drawn_from_the_boxes_that_are_recorded() -> None:
    X, y = IRIS
    found = search().fit(X, y)
    results = found.cv_results_
    assert results["round"].tolist() == [0] * 8 + [1] * 8 + [2] * 8
    assert found.boxes_[0] == {}
    assert set(results["parents"][:8]) == {()}
    draws = np.random.RandomState(0)
    for number in range(3):
        rows = np.flatnonzero(results["round"] == number)
        if number:
            (parents,) = set(results["parents"][rows])
            scores = results["mean_test_score"][: rows[0]]
            assert len(parents) == 5
            assert set(scores[list(parents)]) <= set(np.sort(scores)[-5:])
            box = box_of(SPACE, [results["params"][one] for one in parents])
            assert found.boxes_[number] == box
        space = narrowed(SPACE, found.boxes_[number])
        drawn = list(ParameterSampler(space, 8, random_state=draws))
        assert [results["params"][row] for row in rows] == drawn
    rates = results["param_learning_rate_init"].astype(float)
    spans = [np.ptp(np.log(rates[results["round"] == number])) for number in range(3)]
    assert spans[0] > spans[1] > spans[2]


def test_the_first_round_is_a_search_of_one_round() -> None:
    X, y = IRIS
    once, thrice = search(rounds=1).fit(X, y), search().fit(X, y)
    assert thrice.cv_results_["params"][:8] == once.cv_results_["params"]
    scores = thrice.cv_results_["mean_test_score"]
    assert scores[:8].tolist() == once.cv_results_["mean_test_score"].tolist()
    assert "round" not in once.cv_results_
    assert not hasattr(once, "boxes_")
    assert thrice.best_score_ == scores.max()


def test_rounds_go_by_the_score_that_refit_names() -> None:
    X, y = IRIS
    scoring = {"good": "accuracy", "bad": _error}
    up = search(scoring=scoring, refit="good", rounds=2).fit(X, y)
    down = search(scoring=scoring, refit="bad", rounds=2).fit(X, y)
    good = up.cv_results_["mean_test_good"][list(up.cv_results_["parents"][-1])]
    bad = down.cv_results_["mean_test_good"][list(down.cv_results_["parents"][-1])]
    first = np.sort(up.cv_results_["mean_test_good"][:8])
    assert np.array_equal(np.sort(good), first[3:])
    assert np.array_equal(np.sort(bad), first[:5])
    with pytest.raises(tl.SettingError, match="refit of PopulationSearchCV must be one of 'good'"):
        search(scoring=scoring, refit=False).fit(X, y)


def _error(estimator: Any, X: Any, y: Any) -> float:
    return -float(estimator.score(X, y))


class OnlyDraws:
    """A distribution that can be drawn from, and no more."""

    def rvs(self, random_state: Any = None) -> float:
        return 0.1


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ([SPACE], "param_distributions of PopulationSearchCV must be one dict"),
        ({"alpha": [0.1]}, "param_distributions of PopulationSearchCV must hold a distribution"),
        ({"alpha": OnlyDraws()}, "alpha of PopulationSearchCV must have cdf and ppf"),
    ],
)
def test_what_cannot_be_narrowed_is_refused(space: Any, words: str) -> None:
    with pytest.raises(tl.SettingError, match=words):
        search(space=space).fit(*IRIS)


@pytest.mark.parametrize("rounds", [1, 2])
def test_the_bar_says_what_is_trained_and_how_good_the_best_is(
    monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(Bar, "part", lambda bar, text: told.append(text))
    monkeypatch.setattr(Bar, "best", lambda bar, value: told.append(value))
    found = search(n_iter=3, rounds=rounds, verbose=True).fit(*IRIS)
    scores = found.cv_results_["mean_test_score"]
    expected: list[Any] = ["folds 1 to 2 of 2", scores.max(), "the best on all rows"]
    if rounds == 2:
        expected[:2] = ["round 1 of 2", scores[:3].max(), "round 2 of 2", scores.max()]
    assert told == expected
