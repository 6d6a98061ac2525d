"""PopulationSearchCV: RandomizedSearchCV that trains all candidates on all folds at once."""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection import ParameterSampler, check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_method_params

from trainlab.data.labels import as_integers, check_kinds
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.callbacks import Task, with_callbacks
from trainlab.estimators.compatibility import check_sizes, keeps_parameters, named_faults
from trainlab.estimators.documentation import DocumentationLink
from trainlab.limits import MEMBERS
from trainlab.search.candidates import (
    OWNER,
    Candidate,
    check_fit_parameters,
    network_parameters,
)
from trainlab.search.evaluation import Evaluation
from trainlab.search.narrowing import Rounds
from trainlab.search.persistence import RUN, check_repeatable, plain, search_store
from trainlab.search.scoring import Judge, check_decides, means
from trainlab.search.strategy import Parameters, Strategy
from trainlab.settings import several
from trainlab.training.checkpoints import StoreLike
from trainlab.training.progress import Bar

if TYPE_CHECKING:
    from trainlab.search.selector import GreedySelector
    from trainlab.search.voting import VoteClassifier, VoteRegressor


class PopulationSearchCV(DocumentationLink, BaseSearchCV):  # type: ignore[misc]  # scikit-learn comes without types
    """Random settings of an estimator, compared by cross-validation as in scikit-learn.

    All candidates are trained on all splits side by side.  Those with the same rows and the same
    arguments of training (batch_size, max_iter, tol, …) form one population, whatever their
    widths.  Candidates, scores and ranks of one round are, bit for bit, those of scikit-learn's
    RandomizedSearchCV with the same estimator and random_state.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        The estimator whose parameters are searched.  A Pipeline must end in one of the two; its
        other steps are fitted to each training split, once for candidates that share them.
    param_distributions : dict or list of dict
        Parameter → list or distribution with `rvs`; any parameter of the estimator.
    n_iter : int, default 10
        How many candidates in each round.
    rounds : int, default 1
        Each round after the first draws from the box of the best candidates so far (a tenth of
        them, at least 5).  From a distribution of scipy.stats it draws values between the quantiles
        0.1 and 0.9 of theirs, in the logarithm; from a list their values, as often as they occur.
    halving : int, optional
        A factor of at least 2: of n_iter candidates, trained for a few epochs, the best 1/factor
        go on to factor times as many, and so on up to the estimator's max_iter.
    sampler : optuna sampler, optional
        Proposes the n_iter candidates of each round by the scores of those before, in place of
        random draws and boxes (needs the extra `optuna`).
    scoring : str, callable, list, tuple or dict, optional
        One score or several; a callable may return a dict.
    refit : bool, str or callable, default True
        Whether the best is fitted to all rows; with several scores the name of the one that
        decides; or a callable: cv_results_ → index.
    ensemble : {None, "greedy"}
        "greedy" also makes an ensemble of the networks that do best together; see Notes.
    cv : int, splitter or list, optional
        Number of folds, splitter, or list of (train, test) row numbers.
    random_state : int, RandomState or None
        An integer draws the same candidates again.
    error_score : float or "raise", default NaN
        The score of a training that failed.
    return_train_score : bool, default False
        Whether the training rows are scored, too.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    store : folder or Store, optional
        Keeps what was trained.  After Ctrl-C or a crash the same search, in the same script, trains
        only what is missing, and ends with the same bits.  `clone` cannot copy an open Store.
    fresh : bool, default False
        Start over, and discard what the store has of a search.
    verbose : bool, default False
        Show a bar on the terminal.

    Attributes
    ----------
    cv_results_, best_estimator_, best_params_, best_score_, best_index_ : object
        As RandomizedSearchCV has them; also scorer_, n_splits_, refit_time_, multimetric_,
        classes_, n_features_in_ and feature_names_in_.
    boxes_ : list of dict
        With several rounds: for each round {parameter: (low, high) or list of values}, {} for the
        first.
    n_iterations_, n_candidates_, n_resources_ : int or list of int
        With halving: how many steps, candidates and epochs.
    study_ : optuna.Study
        With a sampler: its trials.
    ensemble_ : estimator
        With ensemble="greedy": the mean over the networks that were selected.

    Notes
    -----
    `fit(X, y, **parameters)` takes `groups` for the splitter, and `sample_weight` and
    `validation_data` for the networks (in a pipeline, `NAME__sample_weight`).

    **Rounds.**  `cv_results_` has, for each candidate, its "round" and its "parents", the
    candidates whose box it was drawn from.

    **Halving.**  `cv_results_` has "iter", the step, and "n_resources", the epochs, as
    scikit-learn's HalvingRandomSearchCV has them, once for each step that a candidate was in; the
    best is one of the last step.  Each step trains from the seeds again, so each row is, bit for
    bit, the estimator with that max_iter, even with a schedule, which stretches over max_iter.

    **Samplers.**  With a sampler, such as optuna.samplers.TPESampler(seed=0), each list is a
    choice, and a distribution must be uniform, loguniform or randint of scipy.stats.  The sampler
    proposes n_iter candidates at once, and then gets their mean scores (higher is better), or hears
    that they failed; `cv_results_` has the "round".  random_state plays no part.  Each `fit` works
    on a copy of the sampler as it was given.  A sampler that goes through a grid, as GridSampler
    and BruteForceSampler do, ends the search with the grid; one that stops the study ends it with
    the round.  Before any training, the sampler must propose settings of this space once.

    **Ensemble.**  With ensemble="greedy" candidates are selected so that the mean of their
    predictions has the least loss on the test rows of all splits, whatever `scoring` says.  The
    loss is the cross-entropy, or the mean squared error of standardised targets; rows count only
    by sample_weight.  Up to 50 are chosen one after the other, with repetition (Caruana et al.,
    ICML 2004).  `ensemble_` is a fitted estimator with predict, predict_proba and score: the mean
    over the networks of all splits, each of which saw all rows except its test rows.  It has
    `weights_` and `losses_` for each row of cv_results_ (∞ if a training failed), and `loss_`,
    `best_index_`, `gain_`, `estimators_`.  The networks of all candidates and splits are in memory
    until then.  If a split has no row of a class to train on, its networks give that class the
    probability 0.  The search itself still predicts with best_estimator_.

    **Store.**  A store keeps one search, and all that its networks have learnt.  random_state must
    then be an integer, and so must that of the estimator, unless it is searched; a sampler must
    have a seed.  The estimator, its space, n_iter, rounds, halving, cv and the data must be as
    before: SettingError names what differs.  If candidates do not depend on scores, `scoring` may
    change, and nothing is trained again.  Finished candidates are scored again.

    A `fit_time` is the candidate's share of the time of its population, by members.  Candidates of
    a split predict together: the `score_time` of the first includes the predictions of all.

    Differs from scikit-learn: a network that diverged counts as a training that failed, since the
    score of what it had learnt before would say little.  `workers` takes the place of n_jobs; the
    workers of the estimator are not used.  All candidates are in memory at once, on as many splits
    as make up a quarter of a gigabyte, at least one.  With halving the epochs of a step are
    max_iter // factor^k, so that the last step has max_iter.  HalvingRandomSearchCV
    (resource="max_iter", max_resources=max_iter, min_resources="exhaust") multiplies the smallest
    number by factor; if factor^k divides max_iter, candidates and scores are the same.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from trainlab.estimators import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier((20,), max_iter=80, schedule="cosine", random_state=0)
    >>> space = {"learning_rate_init": loguniform(1e-2, 1e-1), "activation": ["relu", "tanh"]}
    >>> search = PopulationSearchCV(network, space, n_iter=8, cv=3, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > 0.9)
    True
    >>> vote = search.set_params(ensemble="greedy").fit(X, y).ensemble_
    >>> vote.score(X, y) > 0.9, bool(vote.loss_ <= min(vote.losses_))
    (True, True)
    """

    ensemble_: VoteClassifier | VoteRegressor

    _parameter_constraints: ClassVar[Mapping[str, Any]] = {
        **{
            name: rule
            for name, rule in BaseSearchCV._parameter_constraints.items()
            if name not in ("n_jobs", "pre_dispatch")
        },
        "param_distributions": [dict, list],
        "n_iter": [Interval(numbers.Integral, 1, MEMBERS, closed="both")],
        "random_state": ["random_state"],
        "rounds": [Interval(numbers.Integral, 1, MEMBERS, closed="both")],
        "halving": [Interval(numbers.Integral, 2, None, closed="left"), None],
        "ensemble": [StrOptions({"greedy"}), None],
        "workers": [Interval(numbers.Integral, 1, None, closed="left"), None],
        "fresh": ["boolean"],
    }

    @keeps_parameters
    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        rounds: int = 1,
        halving: int | None = None,
        sampler: Any = None,
        scoring: Any = None,
        refit: Any = True,
        ensemble: str | None = None,
        cv: Any = None,
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        workers: int | None = None,
        store: StoreLike | None = None,
        fresh: bool = False,
        verbose: bool = False,
    ) -> None: ...

    @with_callbacks
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Train and compare the candidates, and fit the best to all rows if `refit`.

        Parameters
        ----------
        X, y : object
            As the estimator takes them.
        **params
            `groups`, `sample_weight`, `validation_data`; see the class.

        Returns
        -------
        PopulationSearchCV
            The search.

        Raises
        ------
        ValueError
            Where all trainings failed, and for parameters and data that cannot be trained; ours are
            SettingError and DataError.
        KeyboardInterrupt
            On Ctrl-C.

        Warns
        -----
        FitFailedWarning
            Where trainings failed.
        """
        check_sizes(OWNER, X=X, y=y, **params)
        with named_faults("arguments", OWNER):
            scorers, refit_metric, strategy, selector, config, begun = self._prepare(X, y, params)
        judge = Judge(scorers, self.error_score)
        rounds = None if self._goes_by_scores() else 1 + bool(self.refit)
        task = Task.of(self, (X, y, params.get("sample_weight")), rounds)
        with search_store(self.store, self.fresh, config) as store, self._bar() as bar:
            seen, workers = self.return_train_score, self.workers
            evaluation = begun(judge, seen, workers, bar, store, selector, task)
            settings, records = self._search(strategy, evaluation)
            judge.settle(records)
            predictions = [one.pop("prediction", None) for one in records]
            results = self._format_results(settings, self.n_splits_, records, strategy.columns())
            self._choose(results, records[0]["test_scores"], refit_metric, strategy.first_finalist)
            if self.refit:
                self._fit_the_best(evaluation)
        for name, value in strategy.attributes().items():
            setattr(self, name, value)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        self.cv_results_ = results
        if hasattr(self, "ensemble_"):
            del self.ensemble_  # of an earlier `fit`
        if selector is not None:
            self.ensemble_ = selector.select(predictions)
        task.end()
        return self

    def _prepare(self, X: Any, y: Any, params: Mapping[str, Any]) -> tuple[Any, ...]:
        """Scorers, who decides, strategy, selector, config for a store, a start of Evaluation."""
        self._validate_params()
        network = Candidate.of(self.estimator, {}).network  # complains of what cannot be searched
        scorers, refit_metric = self._get_scorers()
        strategy = self._strategy(network, scorers)
        if self.store is not None:
            check_repeatable(self, network)
        X, y = indexable(X, as_integers(y, "y", f"{OWNER}.fit"))
        if is_classifier(self.estimator):
            check_kinds(y, "y", OWNER)
        routed = self._get_routed_params_for_fit(_check_method_params(X, params=params))
        check_fit_parameters(self.estimator, routed.estimator.fit)
        splitter = check_cv(self._cv(), y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **routed.splitter.split))
        if not splits:
            raise DataError(sentence("cv", OWNER, "have at least one split", 0, "cv=5"))
        self.n_splits_ = len(splits)
        selector = self._selector(y, routed.estimator.fit, splits)
        begun = partial(Evaluation, self.estimator, X, y, splits, routed)
        return scorers, refit_metric, strategy, selector, self._config(), begun

    def _cv(self) -> Any:
        """`cv`, of which an iterator may have no end."""
        if isinstance(self.cv, (bytes, bytearray)):  # has a `split`, as splitters have
            raise SettingError(sentence("cv", OWNER, "be a splitter", self.cv, "cv=5"))
        if (
            self.cv is None
            or isinstance(self.cv, (str, numbers.Number))
            or hasattr(self.cv, "split")
        ):
            return self.cv
        found = several(self.cv, MEMBERS)
        if found is None or len(found) > MEMBERS:
            must = f"be a number, a splitter or a list of at most {MEMBERS} splits"
            raise SettingError(sentence("cv", OWNER, must, self.cv, "cv=5"))
        return found

    def _strategy(self, network: BaseMLP, scorers: Any) -> Strategy:
        """The way to propose candidates that is asked for."""
        if self._goes_by_scores() and isinstance(scorers, _MultimetricScorer):
            check_decides(self.refit, scorers._scorers)
        if isinstance(self.param_distributions, list) and not self.param_distributions:
            must = "have a dict"
            raise SettingError(sentence("param_distributions", OWNER, must, []))
        space, n_iter, draws = self.param_distributions, self.n_iter, self.random_state
        if self.halving is None:
            if self.sampler is None:
                return Rounds(space, n_iter, draws, self.rounds)
            from trainlab.search.samplers import Asking

            return Asking(space, n_iter, self.sampler, self.rounds)
        if self.rounds > 1:
            raise SettingError(sentence("rounds", OWNER, "be 1 with halving", self.rounds))
        if self.sampler is not None:
            raise SettingError(sentence("sampler", OWNER, "be None with halving", self.sampler))
        from trainlab.search.halving import Halving, epochs_of

        resource = epochs_of(self.estimator, network, space)
        candidates = list(ParameterSampler(space, n_iter, random_state=draws))
        return Halving(candidates, self.halving, *resource)

    def _selector(self, y: Any, params: Mapping[str, Any], splits: Any) -> GreedySelector | None:
        """Who selects an ensemble, if one is asked for; params: of the estimator's `fit`."""
        if self.ensemble is None:
            return None
        weight = network_parameters(self.estimator, params).get("sample_weight")
        from trainlab.search.selector import GreedySelector

        return GreedySelector.of(self.estimator, y, weight, splits)

    def _goes_by_scores(self) -> bool:
        """Whether later candidates depend on the scores of earlier ones."""
        return self.rounds > 1 or self.halving is not None or self.sampler is not None

    def _config(self) -> dict[str, Any]:
        """What decides the candidates and their training, as plain values."""
        ways = ("n_iter", "rounds", "halving", "sampler", "random_state")
        names = ("estimator", "param_distributions", *ways)
        scores = (self.scoring, self.refit, self.error_score) if self._goes_by_scores() else None
        own = {name: plain(getattr(self, name)) for name in names}
        return own | {"splits": self.n_splits_, "goes by": plain(scores)}

    def _bar(self) -> AbstractContextManager[Bar | None]:
        return Bar("search") if self.verbose else nullcontext()

    def _search(
        self, strategy: Strategy, evaluation: Evaluation
    ) -> tuple[list[Parameters], list[dict[str, Any]]]:
        """All candidates, and their records by candidate and split."""
        settings: list[Parameters] = []
        records: list[dict[str, Any]] = []

        def scores() -> list[float]:
            return means(records, self.n_splits_, self.refit)

        number = 0
        while proposed := strategy.propose(scores):
            part = f"round {number + 1} of {strategy.rounds}" if strategy.rounds > 1 else ""
            records += evaluation.records(proposed, f"{RUN}: round {number}", part)
            settings += proposed
            number += 1
            several = any(isinstance(one["test_scores"], dict) for one in records)
            if evaluation.bar is not None and not several:
                evaluation.bar.best(max(filter(math.isfinite, scores()), default=math.nan))
        return settings, records

    def _choose(
        self, results: Mapping[str, Any], scores: Any, refit_metric: str, first: int
    ) -> None:
        """Sets what is known of the best candidate, in the order of scikit-learn's searches.

        first  the number of the first candidate that may be the best
        """
        self.multimetric_ = isinstance(scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(scores)
            refit_metric = self.refit
        if not self.refit and self.multimetric_:
            return
        if callable(self.refit):
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
        else:
            ranks = results[f"rank_test_{refit_metric}"][first:]
            self.best_index_ = first + ranks.argmin()
            self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _fit_the_best(self, evaluation: Evaluation) -> None:
        """Fits a clone with the best parameters to all rows."""
        began, run = time.perf_counter(), f"{RUN}: best, candidate {self.best_index_}"
        self.best_estimator_ = evaluation.fitted(self.best_params_, run)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
