"""MLPClassifier: networks for one label of each row, or for several."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.multiclass import type_of_target

from trainlab.arrays import as_array
from trainlab.data.labels import as_integers
from trainlab.deprecated import UNSET
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.compatibility import check_sizes
from trainlab.estimators.predictor import ClassifierPredictor
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Labels
from trainlab.network.workspace import Array


class MLPClassifier(ClassifierPredictor, BaseMLP):
    """Networks that tell classes apart, with scikit-learn's interface.

    Parameters that bear scikit-learn's names mean what they mean there.

    hidden_layer_sizes  widths of the hidden layers; () is a linear model
    activation          name or Activation ("logistic" is "sigmoid")
    optimizer           name or Optimizer
    alpha               L2 penalty: ½ alpha ΣW² / (rows of a batch, by their weights)
    batch_size          rows of a step; "auto": min(200, N)
    learning_rate_init  the rate; None: the optimizer's own
    schedule            name or Schedule of the rate; None: the optimizer's own
    max_iter            epochs at most
    tol, n_iter_no_change   a member stops when what is watched has not improved by more than
                        `tol` for so many epochs, and keeps its numbers of the best one
    early_stopping      watches the accuracy on validation rows, in place of the loss
    validation_fraction the share of rows that `early_stopping` sets aside: of each class its
                        share, but for one row at least that is left to train on
    init, norm, dropout as in `MLP`
    loss                name or Loss; "auto" by what y holds
    label_smoothing     of the softmax cross-entropy, [0, 1)
    class_weight        {label: weight}, "balanced" (equal sums for all classes) or None; a
                        label that is not named has the weight 1
    standardize_inputs  trains on (x − mean) / scale, by column of X, found in float64.  The
                        scale is the standard deviation, or half of the largest |x − mean|
                        where that is more: nothing that is trained on is further than 2 from 0.
                        Where X is sparse the mean counts as 0, and X is only divided: it stays
                        sparse.  A constant column has scale 1.  Of later rows (predictions,
                        validation, warm_start, partial_fit) mean and scale are the first's.
                        In predictions and validation, values more than twice as far from 0
                        as any that was trained on (at least 4) count as lying there.  With
                        False neither: X is taken as it is, however far out
    n_members           networks, of different seeds, whose probabilities are averaged
    dtype               "float32", "float64", or "auto": float64 where X is, else float32
    random_state        an integer gives the same bits again, whatever `workers`
    warm_start          `fit` goes on from what was learnt, with new optimizers
    verbose             True for a bar on the terminal
    workers             how many members are trained at a time; None: the cores there are
    batch_norm, layer_norm  deprecated: use `norm`

    y holds labels (N,), numbers or strings, or indicators (N, out) of 0 and 1.

    After `fit`: `classes_`, `n_features_in_`, `feature_names_in_` (of data frames), `n_iter_`
    (epochs), `loss_curve_` (for each epoch the mean loss of its rows, without the
    penalty), `loss_` and `best_loss_` (its last and least), `validation_curve_` and
    `validation_scores_` (loss and accuracy on validation rows, or None).

    Differs from scikit-learn: X is standardised; two classes have two outputs, not one;
    training restores the best epoch always, not with `early_stopping` alone; `solver` is
    `optimizer`, and L-BFGS is not among them.

    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> network = MLPClassifier((20,), max_iter=50, schedule="cosine", learning_rate_init=0.05)
    >>> network.fit(X, y).score(X, y) > 0.95
    True
    """

    _watched: ClassVar[str] = "validation_accuracy"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        optimizer: Any = "adam",
        alpha: float = 1e-4,
        batch_size: int | str = "auto",
        learning_rate_init: float | None = None,
        schedule: Any = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        init: Any = "glorot_uniform",
        norm: Any = None,
        dropout: float = 0.0,
        loss: Any = "auto",
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        standardize_inputs: bool = True,
        n_members: int = 1,
        dtype: str = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        workers: int | None = None,
        batch_norm: Any = UNSET,
        layer_norm: Any = UNSET,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.schedule = schedule
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.init = init
        self.norm = norm
        self.dropout = dropout
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.standardize_inputs = standardize_inputs
        self.n_members = n_members
        self.dtype = dtype
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.workers = workers
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Trains for one epoch on these rows, and goes on where the last call ended.

        classes  all labels that y will ever hold, needed with the first call; indicators
            (N, out) need none
        After `fit` the optimizers begin anew; after `partial_fit` they go on.  Mean and
        scale of the columns of X are those of the first rows.
        """
        owner = type(self).__name__
        if isinstance(self.class_weight, str):
            must, remedy = "be None or a dict for partial_fit", "a dict of weights by label"
            raise SettingError(sentence("class_weight", owner, must, self.class_weight, remedy))
        check_sizes(owner, y=y)
        y = as_integers(y, "y", owner)
        targets = None
        if classes is not None:
            targets = Labels(_check_classes(classes, owner))
            if self.__sklearn_is_fitted__() and not _are(self._targets.classes, targets.classes):
                must = f"be those of the first call, {self._targets.classes.tolist()}"
                raise SettingError(sentence("classes", owner, must, targets.classes.tolist()))
        elif not self.__sklearn_is_fitted__() and type_of_target(y) != "multilabel-indicator":
            must, remedy = "be given with the first partial_fit", "classes=np.unique(y)"
            raise SettingError(sentence("classes", owner, must, None, remedy))
        if type_of_target(y) == "multilabel-indicator":
            targets = None  # the columns say what the labels are
        return self._partial_fit(X, y, sample_weight, targets)

    def _check_same_targets(self, rows: Rows) -> None:
        found = np.asarray(self._learn_targets(rows, {}).classes)
        if not _are(self._targets.classes, found):
            must = f"have the classes {self._targets.classes.tolist()} for a warm start"
            remedy = "warm_start=False"
            raise SettingError(sentence("y", "MLPClassifier", must, found.tolist(), remedy))


def _check_classes(classes: Any, owner: str) -> Array:
    """The labels that y will hold, sorted; SettingError unless they are of one kind."""
    given = as_array(as_integers(classes, "classes", owner), "classes", owner, SettingError)
    words = given.dtype == object and all(isinstance(label, str) for label in given.flat)
    if not given.size or not (words or given.dtype.kind in "biufU"):
        must = "be numbers, or strings"
        raise SettingError(sentence("classes", owner, must, classes))
    return np.unique(given)


def _are(classes: Array, others: Array) -> bool:
    same: bool = classes.tolist() == others.tolist()  # NumPy would compare them as float64
    return same
