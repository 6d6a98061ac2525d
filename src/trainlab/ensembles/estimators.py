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
from trainlab.estimators.inputs import TIE
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
        How many networks and linear models to draw; "auto" is what the preset says.  A smaller
        number takes the first of those, one of each architecture in turn, linear models last.
    preset : {"default", "quick", "best"}
        How much to train.  "default": 16 networks, at most 100 epochs, and a patience of 16 epochs
        without a lower validation loss; "quick": 8, 40 and 8; "best": 64, 100 and 24.  Each has two
        linear models, too, unless there is a `space`.
    n_architectures : int, default 4
        How many architectures the networks have.  Networks of one architecture are trained side by
        side, which makes many of them cheap.
    space : dict or list of dict, optional
        Parameter of MLPClassifier → list or distribution with `rvs`, or several such dicts,
        which take turns; by default trainlab.ensembles.families.FAMILIES.
    n_folds : int or "auto", default "auto"
        1 to 5; "auto": 5 for up to 5,000 rows, beyond that 3, or 1 with the preset "quick".
    n_selected : int, default 50
        The largest number of selections, repetitions counted.
    trees : bool, default True
        Whether gradient-boosted trees of scikit-learn are candidates, too.  They need a dense X.
    max_iter : int or "auto", default "auto"
        The largest number of epochs; "auto" is what the preset says.
    n_iter_no_change : float or "auto", default "auto"
        A network whose validation loss has not improved for so many epochs stops, and keeps the
        parameters of its best one; "auto" is what the preset says.
    batch_size : int or "auto", default "auto"
        How many rows each step trains on; "auto": about 20 steps per epoch, of 32 to 256 rows.
    class_weight : dict, "balanced" or None
        Weights by label, in training and in the selection; a label without one has the weight 1.
        "balanced": weights with equal sums for all classes.
    dtype : {"float32", "float64", "auto"}
        "auto": float64 where X is that or longer, else float32.
    cv : splitter or list of pairs, optional
        Folds in place of random ones: GroupKFold(5), TimeSeriesSplit(5), or pairs of row numbers,
        to train on and to validate on.  `n_folds` takes the first of them.
    time_limit : float, optional
        Seconds that `fit` may take; what is trained by then votes.  See Notes.
    random_state : int, RandomState or None
        An integer gives the same bits again, whatever `workers` is, unless there is a `time_limit`.
    store : folder or Store, optional
        Keeps what is trained: the same `fit` continues where it stopped.
    fresh : bool, default False
        Start over, and discard what the store has.
    verbose : bool, default False
        Show a bar on the terminal.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What computes the steps.

    Attributes
    ----------
    candidates_ : list of dict
        The parameters of the n candidates, first networks, then trees.  The learning rate is
        `learning_rate_init`, whatever the `lr` of the optimizer is.
    weights_ : ndarray, shape (n,)
        How much each counts in the vote; the sum is 1.
    losses_ : ndarray, shape (n,)
        The loss of each alone on the validation rows; ∞ if it is not a finalist.
    loss_ : float
        The loss of the ensemble on these rows.
    best_index_ : int
        The finalist that is best alone.
    gain_ : float
        Its loss less the ensemble's, never negative on these rows.
    n_networks_ : int
        How many networks vote.
    n_folds_, n_iter_, n_diverged_ : int
        Folds, epochs of the longest training, and networks that diverged, which vote with what
        they had learnt before.
    replay_ : dict or None
        Parameters with which `fit` trains the same again, to the bit, without a time limit.  None
        if a class derived from this one lacks some of them.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X was a data frame.
    classes_ : ndarray
        The labels, sorted.

    Notes
    -----
    **Folds.**  Rows are split into 5 parts at random, each class evenly.  Each of `n_folds` parts
    holds the validation rows of the networks that are trained on the others.

    **Candidates.**  Networks get robust inputs, half of them with piecewise codes, as in
    MLPClassifier, and stop early by the validation loss.  Linear models are networks without hidden
    layers, of inputs that are standardised and not bent.  Trees are gradient-boosted
    (HistGradientBoostingClassifier of scikit-learn), as many as have the least validation loss.
    All candidates are trained in the first fold.  The 40 % that are selected most often there, over
    10 resamples of its validation rows, are the finalists, and are trained in the other folds, too.
    Linear models that are selected there come on top.

    **Selection.**  Finalists are selected greedily, with repetition, so that the mean of their
    probabilities has the least cross-entropy on the validation rows of all folds (Caruana et al.,
    ICML 2004).  One that is selected votes with its networks of all folds.

    y holds labels (N,), numbers or strings, or indicators (N, out) of 0 and 1.

    Equal rows count as one row with the sum of their weights.  So no copy is on both sides of a
    fold, and a row of weight 2 is, bit for bit, a row given twice.  Rows that are equal but for y,
    as in a table of few words, are no copies; neither are fewer than 50 different rows that are
    there ten times each.  They are spread over the folds.  With `cv` or groups, rows are used as
    they are.

    **A time limit.**  The first fold has 45 % of the time.  It begins with one network of each
    architecture.  Then come trees, if they take at most two fifths of what is left of that, and
    further networks, as many as are expected to end in it.  The finalists are then trained in as
    many of the other folds as there is time for; whatever does not end in time is left out.

    So the result depends on the speed of the machine.  To have the same bits again, fit with the
    parameters in `replay_`: they say how many candidates, folds and trees there were.  If time runs
    out during the first networks, they vote as they are, with a warning, and `replay_` is None.
    With a store a later fit continues, and has the whole time again.

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
        How many networks and linear models to draw; "auto" is what the preset says.  A smaller
        number takes the first of those, one of each architecture in turn, linear models last.
    preset : {"default", "quick", "best"}
        How much to train.  "default": 16 networks, at most 100 epochs, and a patience of 16 epochs
        without a lower validation loss; "quick": 8, 40 and 8; "best": 64, 100 and 24.  Each has two
        linear models, too, unless there is a `space`.
    n_architectures : int, default 4
        How many architectures the networks have.  Networks of one architecture are trained side by
        side, which makes many of them cheap.
    space : dict or list of dict, optional
        Parameter of MLPRegressor → list or distribution with `rvs`, or several such dicts,
        which take turns; by default trainlab.ensembles.families.REGRESSION_FAMILIES.
    n_folds : int or "auto", default "auto"
        1 to 5; "auto": 5 for up to 5,000 rows, beyond that 3, or 1 with the preset "quick".
    n_selected : int, default 50
        The largest number of selections, repetitions counted.
    trees : bool, default True
        Whether gradient-boosted trees of scikit-learn are candidates, too.  They need a dense X.
    max_iter : int or "auto", default "auto"
        The largest number of epochs; "auto" is what the preset says.
    n_iter_no_change : float or "auto", default "auto"
        A network whose validation loss has not improved for so many epochs stops, and keeps the
        parameters of its best one; "auto" is what the preset says.
    batch_size : int or "auto", default "auto"
        How many rows each step trains on; "auto": about 20 steps per epoch, of 32 to 256 rows.
    dtype : {"float32", "float64", "auto"}
        "auto": float64 where X is that or longer, else float32.
    cv : splitter or list of pairs, optional
        Folds in place of random ones: GroupKFold(5), TimeSeriesSplit(5), or pairs of row numbers,
        to train on and to validate on.  `n_folds` takes the first of them.
    scoring : str, optional
        What selects the models: "mae", or "pinball:0.9" for a quantile, which also shift the
        predictions (see Notes); "rmse", "r2" and None mean the squared error.
    time_limit : float, optional
        Seconds that `fit` may take; what is trained by then votes.  See Notes.
    random_state : int, RandomState or None
        An integer gives the same bits again, whatever `workers` is, unless there is a `time_limit`.
    store : folder or Store, optional
        Keeps what is trained: the same `fit` continues where it stopped.
    fresh : bool, default False
        Start over, and discard what the store has.
    verbose : bool, default False
        Show a bar on the terminal.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What computes the steps.

    Attributes
    ----------
    candidates_ : list of dict
        The parameters of the n candidates, first networks, then trees.  The learning rate is
        `learning_rate_init`, whatever the `lr` of the optimizer is.
    weights_ : ndarray, shape (n,)
        How much each counts in the vote; the sum is 1.
    losses_ : ndarray, shape (n,)
        The loss of each alone on the validation rows; ∞ if it is not a finalist.
    loss_ : float
        The loss of the ensemble on these rows.
    best_index_ : int
        The finalist that is best alone.
    gain_ : float
        Its loss less the ensemble's, never negative on these rows.
    n_networks_ : int
        How many networks vote.
    n_folds_, n_iter_, n_diverged_ : int
        Folds, epochs of the longest training, and networks that diverged, which vote with what
        they had learnt before.
    replay_ : dict or None
        Parameters with which `fit` trains the same again, to the bit, without a time limit.  None
        if a class derived from this one lacks some of them.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X was a data frame.

    Notes
    -----
    y holds numbers (N,) or (N, out).

    Candidates are trained and selected as by `PopulationEnsembleClassifier`, and a time limit works
    the same.  All networks with codes have batch normalization; there, half of them have.  Targets
    are standardised in training.  Losses are mean squared errors of standardised targets, so that 1
    is as bad as always predicting the mean, or what `scoring` says of standardised targets.

    Half of the networks learn by Huber's loss, which is not dominated by a few extreme targets: it
    grows linearly for errors of more than a standard deviation of the targets.  The other networks,
    and trees, learn by the squared error, whatever `scoring` is.

    With "mae" or a pinball loss, predictions are shifted by the median, or the quantile, of
    y − prediction on the validation rows, so that about that share of later targets lies below.

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
        part of the vote knows fewer rows than the whole.  An error counts as much as its row.

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
            share = np.array([aim[0]])
            moved = np.concatenate([_quantiles(-own, weight, share) for own in truths.T])
            truths, targets = truths + moved, targets.moved(moved)
        # As many as there are rows, each of them for as much of the weight.
        shares = np.arange(1, len(truths) + 1) / len(truths)
        errors = [_quantiles(own, weight, shares) for own in np.abs(truths).T]
        self._errors = np.stack(errors, axis=1) * targets.scale
        return targets


def _quantiles(values: Array, weight: Array, shares: Array) -> Array:
    """Of some values (rows,) the least that hold the shares (q,) of all weight, but for TIE."""
    order = np.argsort(values, kind="stable")
    sums = np.cumsum(weight[order])
    places = np.searchsorted(sums, (shares - TIE) * sums[-1])
    found: Array = values[order[np.minimum(places, len(order) - 1)]]
    return found
