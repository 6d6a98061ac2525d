"""MLPRegressor: networks for real targets."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from trainlab.deprecated import UNSET
from trainlab.errors import SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.predictor import RegressorPredictor
from trainlab.estimators.rows import Rows


class MLPRegressor(RegressorPredictor, BaseMLP):
    """Networks that predict numbers, with scikit-learn's interface.

    Parameters are those of `MLPClassifier`, without label_smoothing and class_weight, and

    early_stopping       watches the loss on validation rows
    loss                 "mean_squared_error", "huber" or a Loss; "auto" is the first
    standardize_targets  trains on (y − mean) / standard deviation, by column; predictions are
                         in the units of y.  `tol`, `alpha`, the delta of Huber's loss and
                         the curves are then those of standardised targets, and scaling
                         or shifting y scales or shifts the predictions
    n_members            networks, of different seeds, whose predictions are averaged

    y holds numbers (N,) or (N, out).

    After `fit`: `n_features_in_`, `feature_names_in_` (of data frames), `n_iter_` (epochs),
    `loss_curve_` (for each epoch the mean loss of its rows, without the penalty), `loss_` and
    `best_loss_` (its last and least), `validation_curve_` (loss on validation rows, or None).

    Differs from scikit-learn: its MLPRegressor trains on X and y as they are, which where y
    is large takes many epochs to find its mean alone, and averages over the columns of y
    where this one sums.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegressor((20,), max_iter=50, schedule="cosine", learning_rate_init=0.05)
    >>> network.fit(X, y).score(X, y) > 0.5
    True
    """

    _watched: ClassVar[str] = "validation_loss"

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
        standardize_inputs: bool = True,
        standardize_targets: bool = True,
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
        self.standardize_inputs = standardize_inputs
        self.standardize_targets = standardize_targets
        self.n_members = n_members
        self.dtype = dtype
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.workers = workers
        self.batch_norm = batch_norm
        self.layer_norm = layer_norm

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains for one epoch on these rows, and goes on where the last call ended.

        After `fit` the optimizers begin anew; after `partial_fit` they go on.  Means and
        scales of X and y are those of the first rows.
        """
        return self._partial_fit(X, y, sample_weight, None)

    def _check_same_targets(self, rows: Rows) -> None:
        columns = rows.y.reshape(len(rows), -1).shape[1]
        if columns != self._targets.outputs:
            must = f"have {self._targets.outputs} columns for a warm start"
            raise SettingError(sentence("y", "MLPRegressor", must, columns, "warm_start=False"))
