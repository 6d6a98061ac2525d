"""Population ensembles: networks of random settings, of which the best together are kept.

Axis letters: N rows, n candidates, out targets of a row.
"""

from __future__ import annotations

from typing import Any, ClassVar

from trainlab.ensembles.base import PopulationEnsemble
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.classifier import MLPClassifier
from trainlab.estimators.compatibility import keeps_parameters
from trainlab.estimators.predictor import ClassifierPredictor, RegressorPredictor
from trainlab.estimators.regressor import MLPRegressor
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Labels, Targets, class_weights


class PopulationEnsembleClassifier(ClassifierPredictor, PopulationEnsemble):
    """Networks of random settings, trained as populations, that vote: no tuning needed.

    X is standardised, as in MLPClassifier.  Candidates are drawn, and trained with early
    stopping on the validation loss; then some are selected greedily, with repetition, so
    that the mean of their probabilities has the least cross-entropy on the validation rows
    (Caruana et al., ICML 2004).  Rows are dealt into 5 parts by chance, each class evenly.
    Each of `n_folds` parts is the validation rows of networks that are trained on the
    others; selection looks at all of these rows, and a candidate that is selected votes
    with its networks of all folds.

    n_candidates        settings that are drawn
    n_architectures     of how many architectures: networks of one are trained side by side,
                        which is what makes many of them cheap
    space               {parameter of MLPClassifier: list or distribution with `rvs`}, or a
                        list of such dicts, which take turns; None: FAMILIES
                        of trainlab.ensembles.families
    n_folds             1 to 5; "auto": 5 for up to 5,000 rows, else 1
    n_selected          candidates that are selected at most, repetitions counted
    max_iter            epochs at most
    n_iter_no_change    a network whose validation loss has not improved for so many epochs
                        leaves, with its numbers of the best one
    batch_size          rows of a step; "auto": some 20 steps an epoch, of 32 to 256 rows
    class_weight        {label: weight}, "balanced" (equal sums for all classes) or None: in
                        training and in what is selected; a label that is not named has the
                        weight 1
    dtype               "float32", "float64", or "auto": float64 where X is, else float32
    random_state        an integer gives the same bits again, whatever `workers`
    store, fresh        a folder, or a Store, that keeps what is trained: the same `fit` goes
                        on where it was stopped; fresh=True starts over
    verbose             True for a bar on the terminal
    workers             how many members are trained at a time; None: the cores there are

    y holds labels (N,), numbers or strings, or indicators (N, out) of 0 and 1.

    Rows that are equal are one row of the sum of their weights: none stands on both sides
    of a fold, and a row of weight 2 is, bit for bit, a row given twice.

    After `fit`: `candidates_` (n dicts of parameters), `weights_` (n,) with a sum of 1,
    `losses_` (n,) of each alone on the validation rows, `loss_` of the ensemble,
    `best_index_` of the best alone, `gain_` (its loss less the ensemble's, never negative
    on these rows), `n_networks_` that vote, `n_folds_`, `n_iter_` (epochs of the longest),
    `n_diverged_` (networks that diverged, and count as what they had learnt before),
    `classes_`, `n_features_in_`, `feature_names_in_`.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> ensemble = PopulationEnsembleClassifier(8, n_folds=2, max_iter=20, random_state=0)
    >>> ensemble.fit(X, y).score(X, y) > 0.9
    True
    """

    _network: ClassVar[type[BaseMLP]] = MLPClassifier

    @keeps_parameters
    def __init__(
        self,
        n_candidates: int = 32,
        *,
        n_architectures: int = 4,
        space: Any = None,
        n_folds: int | str = "auto",
        n_selected: int = 50,
        max_iter: int = 100,
        n_iter_no_change: float = 10,
        batch_size: int | str = "auto",
        class_weight: Any = None,
        dtype: str = "float32",
        random_state: Any = None,
        store: Any = None,
        fresh: bool = False,
        verbose: bool = False,
        workers: int | None = None,
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

    Parameters and what is there after `fit` are those of `PopulationEnsembleClassifier`,
    without class_weight and classes_.  The space is one of parameters of MLPRegressor.
    Targets are standardised in training; losses are mean squared errors of standardised
    targets, so that 1 is as bad as always predicting the mean.

    y holds numbers (N,) or (N, out).

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> ensemble = PopulationEnsembleRegressor(8, n_folds=2, max_iter=20, random_state=0)
    >>> ensemble.fit(X, y).score(X, y) > 0.4
    True
    """

    _network: ClassVar[type[BaseMLP]] = MLPRegressor

    @keeps_parameters
    def __init__(
        self,
        n_candidates: int = 32,
        *,
        n_architectures: int = 4,
        space: Any = None,
        n_folds: int | str = "auto",
        n_selected: int = 50,
        max_iter: int = 100,
        n_iter_no_change: float = 10,
        batch_size: int | str = "auto",
        dtype: str = "float32",
        random_state: Any = None,
        store: Any = None,
        fresh: bool = False,
        verbose: bool = False,
        workers: int | None = None,
    ) -> None: ...

    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        return rows
