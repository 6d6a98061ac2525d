"""MLPClassifier: networks for one label of each row, or for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.multiclass import type_of_target

from trainlab.arrays import as_array
from trainlab.data.labels import as_integers
from trainlab.deprecated import UNSET
from trainlab.engine import Engine
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.choices import has_one_output
from trainlab.estimators.compatibility import check_sizes, keeps_parameters
from trainlab.estimators.predictor import ClassifierPredictor
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Labels, Pair, Targets
from trainlab.network.activations import Activation
from trainlab.network.base import Layer
from trainlab.network.initializers import Initializer
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.optimizers import Optimizer
from trainlab.schedules import Schedule


class MLPClassifier(ClassifierPredictor, BaseMLP):
    """Networks that predict classes, with the interface of scikit-learn.

    Parameters with scikit-learn's names mean the same as there.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Widths of the hidden layers; () is a linear model.
    activation : str or Activation, default "relu"
        The activation of the hidden layers ("logistic" is "sigmoid").
    optimizer : str or Optimizer, default "adam"
        The optimizer.
    alpha : float, default 1e-4
        The L2 penalty: ½ alpha ΣW² / (sum of the weights of a batch's rows).
    batch_size : int or "auto", default "auto"
        How many rows each step trains on; "auto": min(200, N).
    learning_rate_init : float, optional
        The learning rate; by default the optimizer's own.
    schedule : str or Schedule, optional
        How the learning rate changes; by default as the optimizer says.
    max_iter : int, default 200
        The largest number of epochs.
    tol : float, default 1e-4
        The least improvement that counts.
    n_iter_no_change : float, default 10
        A member stops if the watched quantity has not improved by more than `tol` for this many
        epochs, and keeps the parameters of the best epoch.
    early_stopping : bool, default False
        Watch the accuracy on validation rows, instead of the loss.
    validation_fraction : float, default 0.1
        The share of rows that `early_stopping` sets aside, the same for each class; at least one
        row of each class stays in training.
    init : str, float or Initializer, default "glorot_uniform"
        How the first weights are drawn, as in `MLP`.
    norm : {None, "batch", "layer"} or Layer
        As in `MLP`.
    dropout : float, default 0.0
        As in `MLP`.
    loss : str or Loss, default "log_loss"
        "log_loss": the cross-entropy.  Two classes have one output, ln p₁/p₀, as in scikit-learn,
        unless there is `label_smoothing`.  "auto": the same, but two classes have two outputs.
    label_smoothing : float, default 0.0
        The share of each target that is spread over all classes, in [0, 1).
    class_weight : dict, "balanced" or None
        Weights by label; a label without one has the weight 1.  "balanced": weights with equal
        sums for all classes.
    standardize_inputs : {"robust", "standard", "piecewise"} or bool, default "robust"
        How each column of X is rescaled, in float64; see Notes.  True is "standard".  With False
        X is used as it is, however large.
    n_members : int, default 1
        How many networks, with different seeds, to train and average.
    dtype : {"auto", "float32", "float64"}
        "auto": float64 where X is that or longer, else float32.
    random_state : int, RandomState or None
        An integer gives the same bits again, whatever `workers` is.
    warm_start : bool, default False
        Let `fit` continue from what was learnt, with new optimizers.
    verbose : bool, default False
        Show a bar in the terminal, or below the cell of a notebook.
    workers : int, optional
        How many members are trained at a time; by default as many as there are cores.
    engine : {"auto", "native", "numpy"} or Engine
        What computes training and predictions, as in `Population.fit`.
    batch_norm, layer_norm : bool or Layer
        Deprecated: use `norm`.

    Attributes
    ----------
    classes_ : ndarray
        The labels, sorted.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, if X was a data frame.
    n_iter_ : int
        Epochs of the last `fit`, and of `partial_fit` since then.
    loss_curve_ : ndarray, shape (epochs,)
        For each epoch the mean loss of its rows, without the penalty.  A warm start continues
        it, and the curves below.
    loss_, best_loss_ : float
        The last and the lowest value of `loss_curve_`.
    coefs_, intercepts_ : list of ndarray
        Weights (in, out) and biases (out,) of each layer; with several members, a leading axis.
        The first layer gets the standardised columns.
    n_layers_, n_outputs_ : int
        The number of layers, input and output included, and of outputs.
    out_activation_ : str
        "softmax", "logistic" or "identity".
    validation_curve_, validation_scores_ : ndarray or None
        Loss and accuracy on validation rows.

    Notes
    -----
    y holds labels (N,), numbers or strings, or indicators (N, out) of 0 and 1.

    Robust inputs are z / √(1 + (z / 3)²) for z = (x − median) / (third − first quartile), so a few
    extreme values decide nothing, in training or later (Holzmüller, Grinsztajn and Steinwart,
    2024, Better by default).  If the quartiles are equal, the range takes the place of their
    difference.
    Piecewise inputs are these, followed by piecewise linear codes: each column is cut at
    quantiles into up to 32 pieces, and the code of a piece is how much of it lies below x, less ½
    (Gorishniy, Rubachev and Babenko, 2022, On embeddings for numerical features in tabular deep
    learning).  They let a network learn steps; X must be dense.
    Standard inputs are z = (x − mean) / scale, where the scale is the standard deviation, or half
    of the largest |x − mean| if that is more: no training value is further than 2 from 0.  Later,
    a value more than twice as far from 0 as any training value (at least 4) counts as lying there.

    If X is sparse, the median or the mean counts as 0, so that X stays sparse.  A constant column
    has the scale 1.  Later rows (predictions, validation, warm_start, partial_fit) use the median,
    mean and scale of the first.

    Differs from scikit-learn: X is standardised; training always restores the best epoch, not only
    with `early_stopping`; `solver` is called `optimizer`, and there is no L-BFGS.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> network = MLPClassifier((20,), max_iter=50, schedule="cosine", learning_rate_init=0.05)
    >>> network.fit(X, y).score(X, y) > 0.95
    True
    """

    _watched: ClassVar[str] = "validation_accuracy"

    @keeps_parameters
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | Array = (100,),
        activation: str | Activation = "relu",
        *,
        optimizer: str | Optimizer = "adam",
        alpha: float = 1e-4,
        batch_size: int | str = "auto",
        learning_rate_init: float | None = None,
        schedule: str | Schedule | None = None,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        init: str | float | Initializer = "glorot_uniform",
        norm: str | Layer | None = None,
        dropout: float = 0.0,
        loss: str | Loss = "log_loss",
        label_smoothing: float = 0.0,
        class_weight: Mapping[Any, float] | str | None = None,
        standardize_inputs: str | bool = "robust",
        n_members: int = 1,
        dtype: str = "auto",
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
        workers: int | None = None,
        engine: str | Engine = "auto",
        batch_norm: Any = UNSET,
        layer_norm: Any = UNSET,
    ) -> None: ...

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, and go on where the last call ended.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their labels, or indicators.
        classes : array_like, optional
            All labels that y will ever hold, needed with the first call; indicators need none.
        sample_weight : array_like, shape (N,), optional
            How much each row counts.

        Returns
        -------
        MLPClassifier
            The estimator.

        Notes
        -----
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
            targets = _labels(_check_classes(classes, owner), self._chosen())
            if self.__sklearn_is_fitted__() and not _are(self._targets.classes, targets.classes):
                must = f"be those of the first call, {self._targets.classes.tolist()}"
                raise SettingError(sentence("classes", owner, must, targets.classes.tolist()))
        elif not self.__sklearn_is_fitted__() and type_of_target(y) != "multilabel-indicator":
            must, remedy = "be given with the first partial_fit", "classes=np.unique(y)"
            raise SettingError(sentence("classes", owner, must, None, remedy))
        if type_of_target(y) == "multilabel-indicator":
            targets = None  # the columns say what the labels are
        return self._partial_fit(X, y, sample_weight, targets)

    def _learn_targets(self, rows: Rows, chosen: Mapping[str, Any]) -> Targets:
        found = super()._learn_targets(rows, chosen)
        return _labels(found.classes, chosen) if isinstance(found, Labels) else found

    def _check_same_targets(self, rows: Rows) -> None:
        found = np.asarray(self._learn_targets(rows, {}).classes)
        if not _are(self._targets.classes, found):
            must = f"have the classes {self._targets.classes.tolist()} for a warm start"
            remedy = "warm_start=False"
            raise SettingError(sentence("y", "MLPClassifier", must, found.tolist(), remedy))


def _labels(classes: Array, chosen: Mapping[str, Any]) -> Labels:
    return (Pair if len(classes) == 2 and has_one_output(chosen) else Labels)(classes)


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
