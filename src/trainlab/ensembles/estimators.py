"""Population ensembles: networks of random settings, of which the best together are kept.

Axis letters: N rows, n candidates, out targets of a row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from trainlab.engine import Engine
from trainlab.ensembles.base import PopulationEnsemble
from trainlab.ensembles.families import (
    EARLIER_REGRESSION_FAMILIES,
    FAMILIES,
    FIRST_FAMILIES,
    REGRESSION_FAMILIES,
    Space,
)
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.classifier import MLPClassifier
from trainlab.estimators.compatibility import keeps_parameters
from trainlab.estimators.predictor import ClassifierPredictor, RegressorPredictor
from trainlab.estimators.regressor import MLPRegressor
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Labels, Targets, Values, class_weights
from trainlab.network.workspace import Array
from trainlab.search.metrics import MeanAbsoluteError, NamedMetric, PinballLoss, named_metric
from trainlab.settings import is_real
from trainlab.training.checkpoints import StoreLike


class PopulationEnsembleClassifier(ClassifierPredictor, PopulationEnsemble):
    """Networks of random settings, trained as populations, that vote: no tuning needed.

    Parameters
    ----------
    n_candidates : int or "auto", default "auto"
        Networks whose settings are drawn; "auto" is what the preset says.  Fewer are the first of
        those, one of each architecture in turn.
    preset : {"default", "quick", "best"}
        How much to train.  "default": 16 networks, at most 100 epochs, and a patience of 16 epochs
        without a lower validation loss; "quick": 8, 40 and 8; "best": 64, 100 and 24.
    n_architectures : int, default 4
        Of how many architectures: networks of one are trained side by side, which is what makes
        many of them cheap.
    space : dict or list of dict, optional
        Parameter of MLPClassifier → list or distribution with `rvs`, or several such dicts,
        which take turns; by default trainlab.ensembles.families.FAMILIES.
    n_folds : int or "auto", default "auto"
        1 to 5; "auto": 5 for up to 5,000 rows, beyond that 3, or 1 with the preset "quick".
    n_selected : int, default 50
        Candidates that are selected at most, repetitions counted.
    trees : bool, default True
        Whether gradient-boosted trees of scikit-learn are candidates, too.  They need a dense X.
    max_iter : int or "auto", default "auto"
        Epochs at most; "auto" is what the preset says.
    n_iter_no_change : float or "auto", default "auto"
        A network whose validation loss has not improved for so many epochs stops, and keeps the
        parameters of its best one; "auto" is what the preset says.
    batch_size : int or "auto", default "auto"
        Rows of a step; "auto": some 20 steps an epoch, of 32 to 256 rows.
    class_weight : dict, "balanced" or None
        Weights by label, or equal sums for all classes: in training and in the selection; a label
        that is not named has the weight 1.
    dtype : {"float32", "float64", "auto"}
        "auto": float64 where X is that or longer, else float32.
    cv : splitter or list of pairs, optional
        Folds in place of those that are dealt by chance, as GroupKFold(5), TimeSeriesSplit(5), or
        pairs of row numbers to train on and to validate on; `n_folds` are the first of them.
    time_limit : float, optional
        Seconds that `fit` may take: what was trained by then votes.  See Notes.
    random_state : int, RandomState or None
        An integer gives the same bits again, whatever `workers`, without a `time_limit`.
    store : folder or Store, optional
        Keeps what is trained: the same `fit` goes on where it was stopped.
    fresh : bool, default False
        Start over, whatever the store has.
    verbose : bool, default False
        Show a bar on the terminal.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What computes the steps.

    Attributes
    ----------
    candidates_ : list of dict
        The parameters of the n candidates, those of networks and then those of trees.  The rate is
        `learning_rate_init`, whatever the `lr` of the optimizer is.
    weights_ : ndarray, shape (n,)
        How much each counts, with a sum of 1.
    losses_ : ndarray, shape (n,)
        Of each alone on the validation rows; ∞ of those that are no finalists.
    loss_ : float
        Of the ensemble on these rows.
    best_index_ : int
        The best finalist alone.
    gain_ : float
        Its loss less the ensemble's, never negative on these rows.
    n_networks_ : int
        How many networks vote.
    n_folds_, n_iter_, n_diverged_ : int
        Folds, epochs of the longest training, and networks that diverged, which count as what
        they had learnt before.
    replay_ : dict or None
        Parameters with which `fit` trains the same again, to the bit, without a time limit.  None
        where a class derived from this one lacks those that it takes.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, of data frames.
    classes_ : ndarray
        The labels, sorted.

    Notes
    -----
    X becomes robust inputs, with piecewise codes for half of the networks, as in MLPClassifier.
    Candidates are drawn, and trained with early stopping on the validation loss; trees are
    gradient-boosted (HistGradientBoostingClassifier of scikit-learn), as many as have the least
    validation loss; then some are selected greedily, with repetition, so
    that the mean of their probabilities has the least cross-entropy on the validation rows
    (Caruana et al., ICML 2004).  Rows are dealt into 5 parts by chance, each class evenly.
    Each of `n_folds` parts is the validation rows of networks that are trained on the
    others.  All candidates are trained in the first fold; the 40 % of them that are selected most
    there, in the mean over 10 resamples of its validation rows, are the finalists, which are
    trained in the other folds, too.  Selection looks at the finalists, on the validation rows of
    all folds, and one that is selected votes with its networks of all folds.

    y holds labels (N,), numbers or strings, or indicators (N, out) of 0 and 1.

    Rows that are equal are one row of the sum of their weights: none stands on both sides
    of a fold, and a row of weight 2 is, bit for bit, a row given twice.  With `cv` or groups rows
    are taken as they are.

    **A time limit.**  The first network of each architecture is trained in the first fold, which
    has 45 % of the time.  Then come trees, if they take at most two fifths of what is left of that,
    and further networks, as many as are expected to end in it.  Then the finalists are trained in
    as many of the other folds as there is time for; what does not end in time is left out.  What
    is trained, and so the result, depends on the speed of the machine.
    To have the same bits again, fit with the parameters in `replay_`: they say how many candidates,
    folds and trees there were.  Where time runs out on the first networks they vote as they are,
    with a warning, and `replay_` is None.  With a store a later fit goes on, with the whole time.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> ensemble = PopulationEnsembleClassifier(8, n_folds=2, max_iter=20, random_state=0)
    >>> ensemble.fit(X, y).score(X, y) > 0.9
    True
    """

    _network: ClassVar[type[BaseMLP]] = MLPClassifier
    _families: ClassVar[Sequence[Space]] = (FIRST_FAMILIES, FAMILIES)

    @keeps_parameters
    def __init__(
        self,
        n_candidates: int | str = "auto",
        *,
        preset: str = "default",
        n_architectures: int = 4,
        space: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        n_folds: int | str = "auto",
        n_selected: int = 50,
        trees: bool = True,
        max_iter: int | str = "auto",
        n_iter_no_change: float | str = "auto",
        batch_size: int | str = "auto",
        class_weight: Mapping[Any, float] | str | None = None,
        dtype: str = "float32",
        cv: Any = None,
        time_limit: float | None = None,
        random_state: Any = None,
        store: StoreLike | None = None,
        fresh: bool = False,
        verbose: bool = False,
        workers: int | None = None,
        engine: str | Engine = "auto",
    ) -> None: ...

    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        if self.class_weight is None:
            return rows
        assert isinstance(targets, Labels)  # `_check_y` allows class weights for nothing else
        t = targets.encode(rows.y)
        owner = type(self).__name__
        return rows.weighed(class_weights(self.class_weight, targets, t, rows.weight, owner)[t])


class PopulationEnsembleRegressor(RegressorPredictor, PopulationEnsemble):
    """Networks of random settings, trained as populations, whose predictions are averaged.

    Parameters
    ----------
    n_candidates : int or "auto", default "auto"
        Networks whose settings are drawn; "auto" is what the preset says.  Fewer are the first of
        those, one of each architecture in turn.
    preset : {"default", "quick", "best"}
        How much to train.  "default": 16 networks, at most 100 epochs, and a patience of 16 epochs
        without a lower validation loss; "quick": 8, 40 and 8; "best": 64, 100 and 24.
    n_architectures : int, default 4
        Of how many architectures: networks of one are trained side by side, which is what makes
        many of them cheap.
    space : dict or list of dict, optional
        Parameter of MLPRegressor → list or distribution with `rvs`, or several such dicts,
        which take turns; by default trainlab.ensembles.families.REGRESSION_FAMILIES.
    n_folds : int or "auto", default "auto"
        1 to 5; "auto": 5 for up to 5,000 rows, beyond that 3, or 1 with the preset "quick".
    n_selected : int, default 50
        Candidates that are selected at most, repetitions counted.
    trees : bool, default True
        Whether gradient-boosted trees of scikit-learn are candidates, too.  They need a dense X.
    max_iter : int or "auto", default "auto"
        Epochs at most; "auto" is what the preset says.
    n_iter_no_change : float or "auto", default "auto"
        A network whose validation loss has not improved for so many epochs stops, and keeps the
        parameters of its best one; "auto" is what the preset says.
    batch_size : int or "auto", default "auto"
        Rows of a step; "auto": some 20 steps an epoch, of 32 to 256 rows.
    dtype : {"float32", "float64", "auto"}
        "auto": float64 where X is that or longer, else float32.
    cv : splitter or list of pairs, optional
        Folds in place of those that are dealt by chance, as GroupKFold(5), TimeSeriesSplit(5), or
        pairs of row numbers to train on and to validate on; `n_folds` are the first of them.
    scoring : str, optional
        What is selected by: "mae", or "pinball:0.9" of a quantile, by which predictions are
        moved, too; "rmse", "r2" and None mean the squared error.
    time_limit : float, optional
        Seconds that `fit` may take: what was trained by then votes.  See Notes.
    random_state : int, RandomState or None
        An integer gives the same bits again, whatever `workers`, without a `time_limit`.
    store : folder or Store, optional
        Keeps what is trained: the same `fit` goes on where it was stopped.
    fresh : bool, default False
        Start over, whatever the store has.
    verbose : bool, default False
        Show a bar on the terminal.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What computes the steps.

    Attributes
    ----------
    candidates_ : list of dict
        The parameters of the n candidates, those of networks and then those of trees.  The rate is
        `learning_rate_init`, whatever the `lr` of the optimizer is.
    weights_ : ndarray, shape (n,)
        How much each counts, with a sum of 1.
    losses_ : ndarray, shape (n,)
        Of each alone on the validation rows; ∞ of those that are no finalists.
    loss_ : float
        Of the ensemble on these rows.
    best_index_ : int
        The best finalist alone.
    gain_ : float
        Its loss less the ensemble's, never negative on these rows.
    n_networks_ : int
        How many networks vote.
    n_folds_, n_iter_, n_diverged_ : int
        Folds, epochs of the longest training, and networks that diverged, which count as what
        they had learnt before.
    replay_ : dict or None
        Parameters with which `fit` trains the same again, to the bit, without a time limit.  None
        where a class derived from this one lacks those that it takes.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, of data frames.

    Notes
    -----
    Candidates are trained and selected as by `PopulationEnsembleClassifier`; all networks with
    codes have batch normalization, where there half of them do.  Targets are standardised in
    training; losses are mean squared errors of standardised targets, so that 1 is as bad as always
    predicting the mean, or what `scoring` says of standardised targets.

    Half of the networks learn by Huber's loss, which few targets far out do not decide: it grows in
    a straight line where an error is more than a standard deviation of the targets.  The others,
    and trees, learn by the squared error, whatever `scoring` is; the vote weighs them.

    Of "mae" and of a pinball loss the predictions are moved by the median, or the quantile, of
    y − prediction on the validation rows, so that about that share of later targets lies below.

    y holds numbers (N,) or (N, out).  A time limit is what it is there.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ensemble = PopulationEnsembleRegressor(8, n_folds=2, max_iter=20, random_state=0)
    >>> ensemble.fit(X, y).score(X, y) > 0.4
    True
    """

    _network: ClassVar[type[BaseMLP]] = MLPRegressor
    _families: ClassVar[Sequence[Space]] = (
        FIRST_FAMILIES,
        FAMILIES,
        EARLIER_REGRESSION_FAMILIES,
        REGRESSION_FAMILIES,
    )
    _errors: Array | None = (
        None  # (validation rows, out), sorted: of files of earlier versions none
    )

    @keeps_parameters
    def __init__(
        self,
        n_candidates: int | str = "auto",
        *,
        preset: str = "default",
        n_architectures: int = 4,
        space: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        n_folds: int | str = "auto",
        n_selected: int = 50,
        trees: bool = True,
        max_iter: int | str = "auto",
        n_iter_no_change: float | str = "auto",
        batch_size: int | str = "auto",
        dtype: str = "float32",
        cv: Any = None,
        scoring: str | None = None,
        time_limit: float | None = None,
        random_state: Any = None,
        store: StoreLike | None = None,
        fresh: bool = False,
        verbose: bool = False,
        workers: int | None = None,
        engine: str | Engine = "auto",
    ) -> None: ...

    def predict_interval(self, X: Any, level: float = 0.9) -> Array:
        """Predict intervals that hold so many of later targets.

        Parameters
        ----------
        X : array_like or sparse array or data frame, shape (N, d)
            Rows.
        level : float, default 0.9
            The share of targets that lie inside, in (0, 1).

        Returns
        -------
        ndarray, shape (N, 2) or (N, 2, out)
            Lower and upper ends, about the predictions; all intervals of a target are as wide.

        Raises
        ------
        SettingError
            Where too few rows were validated on to tell, or the model was saved by a version that
            knew of no intervals.

        Notes
        -----
        Half of the width is the ⌈(n + 1) level⌉-th smallest of the n absolute errors of the vote on
        the rows that its members were not trained on: conformal prediction (Vovk, Gammerman and
        Shafer, 2005).  Of one fold it holds the level for rows that come from where those of
        training came from, but for the optimism of the selection, which has seen these errors; of
        several folds (Vovk, 2015, Cross-conformal predictors) it usually holds more, since each
        part of the vote knows fewer rows than the whole.  Rows count the same, whatever their
        weight.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> ensemble = PopulationEnsembleRegressor(4, n_folds=2, max_iter=20, random_state=0)
        >>> low, high = ensemble.fit(X, y).predict_interval(X, level=0.8).T
        >>> bool(((low <= y) & (y <= high)).mean() > 0.75)
        True
        """
        owner = type(self).__name__
        if not is_real(level) or not 0 < level < 1:
            raise SettingError(sentence("level", owner, "be a number in (0, 1)", level, "0.9"))
        predicted, errors = self.predict(X), self._errors
        if errors is None:
            must = "have errors on validation rows, which its file lacks"
            raise SettingError(sentence("predict_interval", owner, must, "none", "fit(X, y)"))
        place = math.ceil((len(errors) + 1) * level) - 1
        if place >= len(errors):
            most = len(errors) / (len(errors) + 1)
            must = f"be at most {most:.4g} after {len(errors)} validation rows"
            raise SettingError(sentence("level", owner, must, level))
        half = errors[place, 0] if predicted.ndim == 1 else errors[place]
        return np.stack([predicted - half, predicted + half], axis=1)

    def _metric(self) -> NamedMetric | None:
        if self.scoring is None:
            return None
        return named_metric(self.scoring, "regression", what="scoring", owner=type(self).__name__)

    def _aim(self) -> tuple[float, float] | None:
        metric = self._metric()
        if isinstance(metric, MeanAbsoluteError):
            return 0.5, 2.0
        return (metric.alpha, 1.0) if isinstance(metric, PinballLoss) else None

    def _learn_errors(self, truths: Array, weight: Array, targets: Targets) -> Targets:
        assert isinstance(targets, Values)
        aim = self._aim()
        if aim is not None:
            moved = np.array([_quantile(-own, weight, aim[0]) for own in truths.T])
            truths, targets = truths + moved, targets.moved(moved)
        self._errors = np.sort(np.abs(truths), axis=0) * targets.scale
        return targets

    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        return rows


def _quantile(values: Array, weight: Array, share: float) -> float:
    """The least of some values (rows,) that a share of all weight does not exceed."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weight[order])
    place = int(np.searchsorted(sums, share * sums[-1]))
    return float(values[order[min(place, len(order) - 1)]])
