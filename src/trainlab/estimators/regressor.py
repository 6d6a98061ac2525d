"""MLPRegressor: networks for real targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from trainlab.deprecated import UNSET
from trainlab.engine import Engine
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.compatibility import keeps_parameters
from trainlab.estimators.predictor import RegressorPredictor
from trainlab.estimators.rows import Rows
from trainlab.network.activations import Activation
from trainlab.network.base import Layer
from trainlab.network.initializers import Initializer
from trainlab.network.losses import Loss
from trainlab.network.workspace import Array
from trainlab.optimizers import Optimizer
from trainlab.schedules import Schedule
from trainlab.terminal import counted


class MLPRegressor(RegressorPredictor, BaseMLP):
    """Networks that predict numbers, with the interface of scikit-learn.

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
        Watch the loss on validation rows instead of the training loss.
    validation_fraction : float, default 0.1
        The share of rows that `early_stopping` sets aside.
    init : str, float or Initializer, default "glorot_uniform"
        How the first weights are drawn, as in `MLP`.
    norm : {None, "batch", "layer"} or Layer
        As in `MLP`.
    dropout : float, default 0.0
        As in `MLP`.
    loss : {"auto", "mean_squared_error", "huber"} or Loss
        "auto" is the mean squared error.
    standardize_inputs : {"robust", "standard", "piecewise"} or bool, default "robust"
        How each column of X is rescaled, in float64; see Notes.  True is "standard".  With False
        X is used as it is, however large.
    standardize_targets : bool, default True
        Train on (y − mean) / standard deviation, by column; predictions are in the units of y.
        `tol`, `alpha`, the delta of Huber's loss and the curves then refer to standardised
        targets, and scaling or shifting y scales or shifts the predictions.
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
    validation_curve_ : ndarray or None
        Loss on validation rows.

    Notes
    -----
    y holds numbers (N,) or (N, out).

    Robust inputs are z / √(1 + (z / 3)²) for z = (x − median) / (third − first quartile), so a few
    extreme values decide nothing, in training or later (Holzmüller, Grinsztajn and Steinwart,
    2024, Better by default).  If the quartiles are equal, the range takes the place of their
    difference.
    Piecewise inputs are these, followed by codes of pieces, as in MLPClassifier.
    Standard inputs are z = (x − mean) / scale, where the scale is the standard deviation, or half
    of the largest |x − mean| if that is more: no training value is further than 2 from 0.  Later,
    a value more than twice as far from 0 as any training value (at least 4) counts as lying there.

    If X is sparse, the median or the mean counts as 0, so that X stays sparse.  A constant column
    has the scale 1.  Later rows (predictions, validation, warm_start, partial_fit) use the median,
    mean and scale of the first.

    Differs from scikit-learn: its MLPRegressor trains on X and y as they are, and if y is large it
    needs many epochs just to find the mean; and its loss is the mean over the columns of y, where
    this one is the sum.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegressor((20,), max_iter=50, schedule="cosine", learning_rate_init=0.05)
    >>> network.fit(X, y).score(X, y) > 0.5
    True
    """

    _watched: ClassVar[str] = "validation_loss"

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
        loss: str | Loss = "auto",
        standardize_inputs: str | bool = "robust",
        standardize_targets: bool = True,
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

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, and go on where the last call ended.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their numbers.
        sample_weight : array_like, shape (N,), optional
            How much each row counts.

        Returns
        -------
        MLPRegressor
            The estimator.

        Notes
        -----
        After `fit` the optimizers begin anew; after `partial_fit` they go on.  Means and
        scales of X and y are those of the first rows.
        """
        return self._partial_fit(X, y, sample_weight, None)

    def _check_same_targets(self, rows: Rows) -> None:
        columns = rows.y.reshape(len(rows), -1).shape[1]
        if columns != self._targets.outputs:
            must = f"have {counted(self._targets.outputs, 'column')} for a warm start"
            raise SettingError(sentence("y", "MLPRegressor", must, columns, "warm_start=False"))
