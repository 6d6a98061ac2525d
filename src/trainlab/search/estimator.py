"""PopulationSearchCV: RandomizedSearchCV that trains all candidates of a fold at once."""

from __future__ import annotations

import numbers
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_random_state, indexable
from sklearn.utils._param_validation import Interval
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from trainlab.errors import DataError, sentence
from trainlab.search.candidates import OWNER, Candidate, check_fit_parameters
from trainlab.search.narrowing import Box, best, box_of, check_space, narrowed
from trainlab.search.scoring import Judge, means
from trainlab.search.training import train
from trainlab.training.progress import Bar, Progress


class PopulationSearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn comes without types
    """Random settings of an estimator, compared by cross-validation, with scikit-learn's face.

    All candidates of a split are trained side by side, as one population for each set of
    rows and arguments of training (batch_size, max_iter, tol, …) that they have; networks
    of any widths may be in one.  Candidates, scores and ranks of one round are, bit for
    bit, those of scikit-learn's RandomizedSearchCV with the same estimator and random_state.

    estimator           MLPClassifier or MLPRegressor, or a Pipeline that ends in one; its
                        other steps are fitted to each training split, once for candidates
                        that do not differ in them
    param_distributions {parameter: list or distribution with `rvs`}, or a list of such dicts;
                        any parameter of the estimator
    n_iter              how many candidates in each round
    rounds              1, or more: each round after the first draws from the box of the best
                        candidates so far, a tenth and at least 5: of a distribution of
                        scipy.stats the values between the quantiles 0.1 and 0.9 of theirs,
                        in the logarithm; of a list their own, as often as they occur
    scoring             name, callable, or several as list, tuple, dict, or callable to a dict
    refit               whether the best is fitted to all rows; with several scores the name
                        of the one that decides; or a callable: cv_results_ → index
    cv                  number of folds, splitter, or list of (train, test) row numbers
    random_state        an integer draws the same candidates again
    error_score         the score of a training that failed, or "raise"
    return_train_score  whether the training rows are scored, too
    workers             how many members are trained at a time; None: the cores there are
    verbose             True for a bar on the terminal

    `fit(X, y, **parameters)` takes `groups` for the splitter, and `sample_weight` and
    `validation_data` for the networks; of a pipeline's, `NAME__sample_weight`.

    After `fit`: `cv_results_`, `best_estimator_`, `best_params_`, `best_score_`,
    `best_index_`, `scorer_`, `n_splits_`, `refit_time_`, `multimetric_`, `classes_`,
    `n_features_in_`, `feature_names_in_`, as RandomizedSearchCV has them.
    With several rounds `cv_results_` has, for each candidate, its "round" and its "parents",
    the candidates whose box it was drawn from, and `boxes_` is a list of the boxes: for
    each round {parameter: (low, high) or list of values}, {} for the first.
    A `fit_time` is the candidate's share of its population's, by members.

    Differs from scikit-learn: a network that diverged counts as a training that failed, as
    the score of what it had learnt before would say little; `workers` takes the place of
    n_jobs, and those of the estimator are not asked; all candidates of a split are in
    memory at once.

    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from trainlab.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier((20,), max_iter=80, schedule="cosine", random_state=0)
    >>> space = {"learning_rate_init": loguniform(1e-2, 1e-1), "activation": ["relu", "tanh"]}
    >>> search = PopulationSearchCV(network, space, n_iter=8, cv=3, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > 0.9)
    True
    """

    _parameter_constraints: ClassVar[Mapping[str, Any]] = {
        **{
            name: rule
            for name, rule in BaseSearchCV._parameter_constraints.items()
            if name not in ("n_jobs", "pre_dispatch")
        },
        "param_distributions": [dict, list],
        "n_iter": [Interval(numbers.Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "rounds": [Interval(numbers.Integral, 1, None, closed="left")],
        "workers": [Interval(numbers.Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        rounds: int = 1,
        scoring: Any = None,
        refit: Any = True,
        cv: Any = None,
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        workers: int | None = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.rounds = rounds
        self.scoring = scoring
        self.refit = refit
        self.cv = cv
        self.random_state = random_state
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.workers = workers
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Trains and compares the candidates, and fits the best to all rows if `refit`.

        X, y  as the estimator takes them
        params  `groups`, `sample_weight`, `validation_data`; see the class

        Warns with FitFailedWarning of trainings that failed.  Raises ValueError where all
        did, and for what is not as it must be; KeyboardInterrupt on Ctrl-C.
        """
        self._validate_params()
        Candidate.of(self.estimator, {})  # complains of what cannot be searched
        scorers, refit_metric = self._get_scorers()
        judge = Judge(scorers, self.error_score)
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        check_fit_parameters(self.estimator, list(routed.estimator.fit))
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        if not splits:
            raise DataError(sentence("cv", OWNER, "have at least one split", 0, "cv=5"))
        self.n_splits_ = len(splits)
        settings, records, more = self._search(X, y, splits, routed, judge)
        judge.settle(records)
        results = self._format_results(settings, len(splits), records, more)
        self._choose(results, records[0]["test_scores"], refit_metric)
        if self.refit:
            self._fit_the_best(X, y, routed.estimator.fit)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        return self

    def _search(
        self, X: Any, y: Any, splits: Sequence[tuple[Any, Any]], routed: Any, judge: Judge
    ) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]], Mapping[str, Any] | None]:
        """All candidates, their records by candidate and split, and where they come from."""
        space, draws = self.param_distributions, check_random_state(self.random_state)
        if self.rounds > 1:
            check_space(space)
            self.boxes_: list[Box] = []
        settings: list[Mapping[str, Any]] = []
        records: list[dict[str, Any]] = []
        origins: list[tuple[int, tuple[int, ...]]] = []
        with Bar("search") if self.verbose else nullcontext() as bar:
            for number in range(self.rounds):
                parents = best(means(records, len(splits), self.refit)) if number else ()
                box = box_of(space, [settings[one] for one in parents]) if parents else {}
                within = narrowed(space, box) if box else space
                drawn = list(ParameterSampler(within, self.n_iter, random_state=draws))
                by_split = [
                    self._evaluate(drawn, X, y, split, routed, judge, bar) for split in splits
                ]
                records += [one for own in zip(*by_split, strict=True) for one in own]
                settings += drawn
                origins += [(number, parents)] * len(drawn)
                if self.rounds > 1:
                    self.boxes_.append(box)
        if self.rounds == 1:
            return settings, records, None
        ancestors = np.empty(len(origins), object)
        ancestors[:] = [parents for _, parents in origins]
        return settings, records, {"round": [n for n, _ in origins], "parents": ancestors}

    def _evaluate(
        self,
        settings: Sequence[Mapping[str, Any]],
        X: Any,
        y: Any,
        split: tuple[Any, Any],
        routed: Any,
        judge: Judge,
        progress: Progress | None,
    ) -> list[dict[str, Any]]:
        """The record of each candidate on one split; their networks are gone afterwards."""
        base, (rows, others) = self.estimator, split
        candidates = [Candidate.of(base, one) for one in settings]
        x, t = _safe_split(base, X, y, rows)
        parameters = _check_method_params(X, params=routed.estimator.fit, indices=rows)
        trained = train(candidates, x, t, parameters, self.workers, progress)
        scoring, seen = routed.scorer.score, None
        if self.return_train_score:
            seen = (x, t, _check_method_params(X, params=scoring, indices=rows))
        x, t = _safe_split(base, X, y, others, rows)
        test = (x, t, _check_method_params(X, params=scoring, indices=others))
        return [
            judge.record(candidate.estimator, test, seen, its.seconds, its.error)
            for candidate, its in zip(candidates, trained, strict=True)
        ]

    def _choose(self, results: Mapping[str, Any], scores: Any, refit_metric: str) -> None:
        """Sets what is known of the best candidate, in the order of scikit-learn's searches."""
        self.multimetric_ = isinstance(scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(scores)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _fit_the_best(self, X: Any, y: Any, parameters: Mapping[str, Any]) -> None:
        """Fits a clone with the best parameters to all rows."""
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        began = time.perf_counter()
        self.best_estimator_ = best.fit(X, y, **parameters)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
