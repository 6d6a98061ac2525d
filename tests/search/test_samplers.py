"""Samplers of Optuna: asked for candidates in its words, and told what became of them."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BruteForceSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import TrialState
from scipy.stats import loguniform, norm, poisson, randint, reciprocal, triang, uniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import trainlab as tl
from trainlab import MLPClassifier, PopulationSearchCV
from trainlab.engine.numpy import NumPyLane
from trainlab.search.samplers import Axis

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
SPACE = {
    "learning_rate_init": loguniform(1e-3, 1e-1),
    "dropout": uniform(0.0, 0.5),
    "batch_size": randint(20, 41),
    "activation": ["relu", "tanh"],
    "hidden_layer_sizes": [(5,), (4, 3)],
    "optimizer": ["adam", tl.Momentum(0.1)],
}


def network(**settings: Any) -> Any:
    return MLPClassifier((5,), **{"max_iter": 4, "random_state": 0, **settings})


def search(sampler: Any, **settings: Any) -> Any:
    """Two rounds of four; a sampler that learns uses the first in the second."""
    chosen = {"n_iter": 4, "rounds": 2, "cv": 2, "workers": 1, **settings}
    estimator = chosen.pop("estimator", network())
    return PopulationSearchCV(estimator, chosen.pop("space", SPACE), sampler=sampler, **chosen)


def learning() -> TPESampler:
    return TPESampler(n_startup_trials=3, seed=3)


def test_candidates_are_those_of_asking_and_telling_by_hand() -> None:
    own = search(learning()).fit(*IRIS)
    study = optuna.create_study(sampler=learning(), direction="maximize")
    asked = {
        "learning_rate_init": FloatDistribution(1e-3, 1e-1, log=True),
        "dropout": FloatDistribution(0.0, 0.5),
        "batch_size": IntDistribution(20, 40),
        "activation": CategoricalDistribution(["relu", "tanh"]),
        "hidden_layer_sizes": CategoricalDistribution([0, 1]),
        "optimizer": CategoricalDistribution([0, 1]),
    }
    settings, means = [], []
    for _ in range(2):
        trials = [study.ask(asked) for _ in range(4)]
        for trial in trials:
            by_place = ("hidden_layer_sizes", "optimizer")
            one = {**trial.params, **{k: SPACE[k][trial.params[k]] for k in by_place}}
            scores = cross_val_score(clone(network()).set_params(**one), *IRIS, cv=2)
            settings.append(one)
            means.append(scores.mean())
        for trial, mean in zip(trials, means[-4:], strict=True):
            study.tell(trial, mean)
    assert own.cv_results_["params"] == settings
    assert own.cv_results_["mean_test_score"].tolist() == means
    assert own.cv_results_["round"].tolist() == [0] * 4 + [1] * 4
    assert [trial.value for trial in own.study_.trials] == means
    assert own.best_score_ == own.study_.best_value == max(means)
    assert own.predict(IRIS[0]).shape == IRIS[1].shape


SMALL = {"activation": ["relu", "tanh"], "batch_size": randint(20, 23), "dropout": [0.0, 0.1]}
GRID = {"activation": ["relu", "tanh"], "batch_size": [20, 21, 22], "dropout": [0.0, 0.1]}
# How each of Optuna's is made, whether it goes through a grid, and the package that it needs.
SAMPLERS: dict[str, tuple[Any, bool, str]] = {
    "BruteForceSampler": (lambda kind: kind(seed=0), True, "optuna"),
    "CmaEsSampler": (lambda kind: kind(seed=0), False, "cmaes"),
    "GPSampler": (lambda kind: kind(seed=0, n_startup_trials=3), False, "torch"),
    "GridSampler": (lambda kind: kind(GRID, seed=0), True, "optuna"),
    "NSGAIIISampler": (lambda kind: kind(seed=0, population_size=4), False, "optuna"),
    "NSGAIISampler": (lambda kind: kind(seed=0, population_size=4), False, "optuna"),
    "PartialFixedSampler": (lambda kind: kind({"dropout": 0.1}, learning()), False, "optuna"),
    "QMCSampler": (lambda kind: kind(seed=0), False, "optuna"),
    "RandomSampler": (lambda kind: kind(seed=0), False, "optuna"),
    "TPESampler": (lambda kind: kind(n_startup_trials=3, seed=0), False, "optuna"),
}
BASES = {"BaseSampler", "BaseGASampler"}


def test_no_sampler_of_optuna_is_forgotten() -> None:
    there = {name for name in dir(optuna.samplers) if name.endswith("Sampler")} - BASES
    assert there <= SAMPLERS.keys()


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_of_optuna(name: str) -> None:
    make, ends, package = SAMPLERS[name]
    if not hasattr(optuna.samplers, name):
        pytest.skip(f"this version of Optuna has no {name}")
    own, told = None, ""
    try:
        sampler = make(getattr(optuna.samplers, name))
        own = search(sampler, space=SMALL, n_iter=9, rounds=2).fit(*IRIS)
    except (tl.SettingError, ImportError) as error:  # some versions raise as they are made
        told = str(error)
    if own is None:
        assert package in told
        assert importlib.util.find_spec(package) is None
        return
    settings = [str(one) for one in own.cv_results_["params"]]
    assert own.cv_results_["round"].tolist() == [0] * 9 + [1] * (3 if ends else 9)
    assert len(set(settings)) == 12 if ends else len(settings) == 18
    assert [trial.value for trial in own.study_.trials] == own.cv_results_[
        "mean_test_score"
    ].tolist()
    assert own.best_score_ == own.study_.best_value


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("n_iter", [5, 12, 30])
def test_a_sampler_that_goes_through_a_grid_ends_the_search(n_iter: int) -> None:
    samplers = [GridSampler(GRID, seed=1), BruteForceSampler(seed=1)]
    if "avoid_premature_stop" in inspect.signature(BruteForceSampler).parameters:  # not in 4.0
        samplers.append(BruteForceSampler(seed=1, avoid_premature_stop=True))
    for sampler in samplers:
        own = search(sampler, space=SMALL, n_iter=n_iter, rounds=9).fit(*IRIS)
        settings = [str(one) for one in own.cv_results_["params"]]
        assert len(settings) == len(set(settings)) == 12
        assert own.cv_results_["round"].tolist() == [place // n_iter for place in range(12)]
        assert "stop" not in vars(own.study_)  # it is as Optuna made it


class Stopping(RandomSampler):
    """A sampler that has no more after some scores."""

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        if trial.number >= 4:
            study.stop()


# Of an old scikit-learn, which makes integers of values that are not there.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_a_sampler_that_stops_ends_the_search_after_its_round() -> None:
    own = search(Stopping(0), space=SMALL, n_iter=3, rounds=9).fit(*IRIS)
    assert own.cv_results_["round"].tolist() == [0] * 3 + [1] * 3


class Needing(RandomSampler):
    """A sampler that needs a package once there are three scores."""

    def sample_independent(self, study: Any, *others: Any) -> Any:
        if len(study.get_trials(states=[TrialState.COMPLETE])) >= 3:
            raise ModuleNotFoundError("No module named 'fastgp'", name="fastgp")
        return super().sample_independent(study, *others)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    ("make", "space", "words"),
    [
        (lambda: GridSampler({**GRID, "alpa": [0.1, 0.2]}), SMALL, r"grid of the param.* 'alpa'"),
        (lambda: GridSampler({"dropout": [0.1]}), SMALL, r"activation, is not found in the given"),
        (lambda: GridSampler({**GRID, "activation": ["rel"]}), SMALL, r"'rel' not in"),
        (lambda: Needing(0), SMALL, r"try pip install fastgp; it says: No module named"),
        (lambda: BruteForceSampler(), SPACE, r"step must be given for BruteForceSampler"),
    ],
)
def test_a_sampler_that_does_not_fit_the_space_is_refused_before_anything_is_trained(
    make: Any, space: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NumPyLane, "train", None)
    with pytest.raises(tl.SettingError, match=rf"sampler of PopulationSearchCV must .*{words}"):
        search(make(), space=space).fit(*IRIS)


def test_each_fit_begins_with_the_sampler_as_it_was_given() -> None:
    sampler = learning()
    own = search(sampler)
    first, second = (own.fit(*IRIS).cv_results_ for _ in range(2))
    copied = clone(own).fit(*IRIS).cv_results_
    assert first["params"] == second["params"] == copied["params"]
    assert first["mean_test_score"].tolist() == copied["mean_test_score"].tolist()
    assert own.sampler is sampler


def test_failed_trainings_are_told_as_failed() -> None:
    space = {"learning_rate_init": [1e30, 1e-2]}
    estimator = network(optimizer="sgd", dtype="float32")
    with (
        pytest.warns(FitFailedWarning, match="trainings of PopulationSearchCV failed"),
        pytest.warns(UserWarning, match="non-finite"),
    ):
        own = search(RandomSampler(0), space=space, estimator=estimator).fit(*IRIS)
    failed = np.array([trial.state == TrialState.FAIL for trial in own.study_.trials])
    assert 0 < failed.sum() < 8
    assert (failed == np.isnan(own.cv_results_["mean_test_score"])).all()
    assert (failed == (own.cv_results_["param_learning_rate_init"] == 1e30)).all()


def test_a_pipeline_and_the_score_that_refit_names() -> None:
    pipeline = make_pipeline(StandardScaler(), network())
    space = {
        "standardscaler": [StandardScaler(), MinMaxScaler()],
        "mlpclassifier__alpha": loguniform(1e-6, 1e-1),
    }
    given = {"scoring": ["accuracy", "neg_log_loss"], "rounds": 1, "estimator": pipeline}
    own = search(RandomSampler(0), space=space, **given, refit="neg_log_loss").fit(*IRIS)
    told = [trial.value for trial in own.study_.trials]
    assert told == own.cv_results_["mean_test_neg_log_loss"].tolist()
    with pytest.raises(tl.SettingError, match="refit of PopulationSearchCV must be one of 'acc"):
        search(RandomSampler(0), space=space, **given, refit=False).fit(*IRIS)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (uniform(-1, 3), FloatDistribution(-1, 2)),
        (uniform(2, 1e-7), FloatDistribution(2, 2 + 1e-7)),
        (loguniform(1, 1.001), FloatDistribution(1, 1.001, log=True)),
        (loguniform(1e-9, 1e3), FloatDistribution(1e-9, 1e3, log=True)),
        (reciprocal(2, 3, scale=10), FloatDistribution(20, 30, log=True)),
        (randint(3, 2**40), IntDistribution(3, 2**40 - 1)),
        (randint(7, 8), IntDistribution(7, 7)),
        ([0.1, "a", None, True], CategoricalDistribution([0.1, "a", None, True])),
        ([0.1, 0.1], CategoricalDistribution([0, 1])),
        ([True, 1], CategoricalDistribution([0, 1])),
        (np.array([0.1, 0.2]), CategoricalDistribution([0, 1])),
        (range(3), CategoricalDistribution([0, 1, 2])),
    ],
)
def test_a_space_in_the_words_of_optuna(source: Any, said: Any) -> None:
    assert Axis("p", source).distribution == said


def test_values_come_back_as_they_are() -> None:
    optimizer = tl.SGD()
    axis = Axis("p", ["adam", optimizer])
    assert axis.value(1) is optimizer
    assert Axis("p", ["adam", "sgd"]).value("sgd") == "sgd"


class OnlyDraws:
    """A distribution that can be drawn from, and no more."""

    def rvs(self, random_state: Any = None) -> float:
        return 0.1


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (norm(), "norm"),
        (triang(0.5), "triang"),
        (loguniform(1, 2, loc=1), "loguniform"),
        (poisson(3), "poisson"),
        (OnlyDraws(), "OnlyDraws"),
    ],
)
def test_other_distributions_are_refused(source: Any, name: str) -> None:
    words = f"alpha of PopulationSearchCV must be a list, or uniform, .*; got '{name}'"
    with pytest.raises(tl.SettingError, match=words):
        search(RandomSampler(0), space={"alpha": source}).fit(*IRIS)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for sampler in (3, TPESampler):
        with pytest.raises(tl.SettingError, match="sampler of PopulationSearchCV must be None or"):
            search(sampler).fit(*IRIS)
    with pytest.raises(tl.SettingError, match="must be one dict with a sampler; got 'list'"):
        search(learning(), space=[SPACE]).fit(*IRIS)
    with pytest.raises(tl.SettingError, match=r"alpha of .* must have at least one value"):
        search(learning(), space={"alpha": []}).fit(*IRIS)
    with pytest.raises(tl.SettingError, match=r"sampler of .* must be None with halving"):
        search(learning(), rounds=1, halving=2).fit(*IRIS)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"needs optuna; try pip install 'trainlab\[optuna\]'"):
        search(learning()).fit(*IRIS)
