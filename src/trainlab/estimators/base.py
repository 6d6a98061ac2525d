"""What the two estimators share: fit in three steps, of which a search takes the first and last.

1. `_prepare(X, y, …)`: everything that is checked and decided before training, a `Prepared`.
2. Training: a population of `prepared.members` on `prepared.data`, with the arguments
   `prepared.arguments` of `Population.fit`.  Who has many estimators trains them at once:
   those that share a table and have equal arguments go into one population, the members
   of one behind those of another.  A member comes out bit for bit as if trained alone, so
   it does not matter who trained it, or beside whom.
3. `_adopt(prepared, population, history, first)`: the estimator takes its trained members,
   which stand in the population from `first` on, and is fitted.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import numpy as np

from trainlab.engine.base import Widths
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, sentence
from trainlab.estimators.callbacks import (
    CallbackSupport,
    EpochTasks,
    FitTask,
    MemberTask,
    with_callbacks,
)
from trainlab.estimators.choices import check_parameters
from trainlab.estimators.compatibility import draws_of
from trainlab.estimators.history import EstimatorHistory
from trainlab.estimators.predictor import Predictor, Voter
from trainlab.estimators.preparation import (
    Prepared,
    TrainingTable,
    make_table,
    of_validation,
    prepared,
    signature,
    whole,
)
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Targets
from trainlab.members import Member
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import FitSettings
from trainlab.settings import FLAG, Settings
from trainlab.training.callbacks import CallbackLike, are_callbacks
from trainlab.training.plan import EarlyStopping

_CURVES: Final = ("loss_curve_", "validation_curve_", "validation_scores_")
"""They go on where a training goes on with what was learnt, as scikit-learn's do."""
_FEATURES: Final = ("n_features_in_", "feature_names_in_")


class BaseMLP(CallbackSupport, Predictor):
    """The base of MLPClassifier and MLPRegressor.

    _together  what votes for it while a search has the networks of many predict in one call
    """

    _has_state: bool
    _together: Voter | None = None

    _watched: ClassVar[str]  # the series that `early_stopping` watches

    @classmethod
    @functools.cache
    def _get_param_names(cls) -> list[str]:
        """The names in the signature of the constructor, which scikit-learn reads at every call."""
        names: list[str] = super()._get_param_names()
        return names

    @property
    def _voters(self) -> tuple[Voter, ...]:
        return super()._voters if self._together is None else (self._together,)

    @abstractmethod
    def _check_same_targets(self, rows: Rows) -> None:
        """Raises SettingError unless a warm start can go on with these rows."""

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        callbacks: Sequence[CallbackLike] | None = None,
    ) -> Self:
        """Train all members from their seeds, or with `warm_start` from where they are.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their targets, as the class says.
        sample_weight : array_like, shape (N,), optional
            How much each row counts: one of weight 0 is a row left out.  Only their ratios
            decide, but for `alpha`, which is divided by their sum in a batch.
        validation_data : tuple, optional
            (X, y) or (X, y, sample_weight), evaluated after each epoch, and watched if
            `early_stopping`, in place of rows taken from X.  `class_weight` weighs them, too.
        callbacks : sequence of Callback or callable, optional
            Functions are called as callback(member, updates, metrics) after each epoch of each
            member; a true answer stops that member.

        Returns
        -------
        BaseMLP
            The estimator.

        Raises
        ------
        ValueError
            For parameters and data that cannot be trained; ours are SettingError and DataError.

        Warns
        -----
        UserWarning
            Where `batch_size` is more than all rows, a batch of batch normalization has one row,
            or a column of X has what looks like a code for missing values.
        ConvergenceWarning
            Where a member diverged, or was still improving after max_iter epochs of a constant
            rate.

        Notes
        -----
        Where one batch is all rows, a row of weight 2 is, bit for bit, a row given twice,
        and the order of rows does not matter.
        """
        start = "parameters" if self._is_warm() else None
        ready = self._prepare(X, y, sample_weight, validation_data)
        task = FitTask.begin(self, ready, (X, y, sample_weight))
        self._train(ready, callbacks, start, "parameters", task.members)
        task.end()
        return self

    def _prepare(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, ...] | None = None,
        like: Sequence[TrainingTable] = (),
    ) -> Prepared:
        """Everything that is checked and decided before training; arguments as in `fit`.

        like  tables of other estimators that were given the same arguments; one whose signature is
              that of this one's is taken, and the arguments are not looked at
        """
        chosen, warm = self._chosen(), self._is_warm()
        seeds = self._seeds(chosen["n_members"])
        own = signature(chosen, seeds[0])
        same = [] if warm else [one for one in like if one.signature == own]
        if same:
            table = same[0]
            for name, value in table.features.items():
                setattr(self, name, value)
        else:
            rows = whole(self._check_rows(X, y, sample_weight, reset=not warm), chosen)
            if warm:
                self._check_same_targets(rows)
            targets = self._targets if warm else self._learn_targets(rows, chosen)
            table = self._table(rows, targets, chosen, seeds[0], validation_data, warm)
        patience = chosen["n_iter_no_change"]
        watches = chosen["early_stopping"] and table.data.validation is not None
        stopping = EarlyStopping(
            self._watched if watches else "train_loss",
            chosen["max_iter"] + 1 if math.isinf(patience) else patience,
            chosen["tol"],
        )
        owner = type(self).__name__
        return prepared(table, chosen, seeds, chosen["max_iter"], stopping, owner)

    def _adopt(self, ready: Prepared, fitted: Fitted, first: int = 0) -> None:
        """Takes over what members have learnt; those of `ready` begin at `first`."""
        outcome = EstimatorHistory(ready, fitted.history, first)
        states = [fitted.states[row] for row in outcome.rows]
        engine = fitted.history.engine
        self._population = Population.restore(ready.members, states, fitted.widths, engine)
        self._inputs, self._targets = ready.table.inputs, ready.table.targets
        self._dtype = ready.arguments["dtype"]
        self._has_state = False
        self.n_iter_ = outcome.epochs
        self.loss_curve_ = outcome.loss_curve()
        self.validation_curve_ = outcome.evaluations("validation_loss")
        self.validation_scores_ = outcome.evaluations("validation_accuracy")
        self._sum_up()
        outcome.complain(type(self).__name__)

    @property
    def coefs_(self) -> list[Array]:
        """The weights of each layer, as scikit-learn has them: (in, out).

        Of several members (members, in, out).  What goes in are the standardised columns.  They
        are copies, which cannot be written to.
        """
        return self._arrays("W", "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """The biases of each layer: (out,), or of several members (members, out)."""
        return self._arrays("b", "intercepts_")

    @property
    def n_layers_(self) -> int:
        """The number of layers, input and output counted."""
        return len(self._of_fitted("n_layers_")[0].network.hidden) + 2

    @property
    def n_outputs_(self) -> int:
        """The number of outputs of the network; two classes have one, but with a softmax."""
        return self._of_fitted("n_outputs_").widths.outputs

    @property
    def out_activation_(self) -> str:
        """What makes predictions of the outputs: "softmax", "logistic" or "identity"."""
        task = self._of_fitted("out_activation_")[0].network.loss.task
        return {"classification": "softmax", "multilabel": "logistic"}.get(task, "identity")

    def _arrays(self, letter: str, owner: str) -> list[Array]:
        """The arrays of each layer whose name begins so; of several members, stacked."""
        population = self._of_fitted(owner)
        found = [population.parameters(index) for index in range(len(population))]
        layers = [f"{letter}{layer}" for layer in range(1, self.n_layers_)]
        arrays = [np.stack([own[name] for own in found]) for name in layers]
        if letter == "b":
            arrays = [one[..., 0, :] for one in arrays]
        for one in arrays:
            one.flags.writeable = False  # a change would reach no prediction
        return [one[0] for one in arrays] if len(found) == 1 else arrays

    def _of_fitted(self, name: str) -> Population:
        if not self.__sklearn_is_fitted__():
            raise AttributeError(f"{name} is there after fit")
        return self._population

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, targets: Targets | None) -> Self:
        """One epoch.  `targets` are those given with the first one, if they were."""
        owner, chosen = type(self).__name__, self._chosen()
        if chosen["early_stopping"]:
            must, remedy = "be False for partial_fit", "fit with validation_data"
            raise SettingError(sentence("early_stopping", owner, must, True, remedy))
        fitted, start, seeds, epochs = self.__sklearn_is_fitted__(), None, [], 0
        if fitted:
            targets, start = self._targets, "state" if self._has_state else "parameters"
            seeds, epochs = [member.seed for member in self._population], self.n_iter_
        seeds = seeds or self._seeds(chosen["n_members"])
        rows = whole(self._check_rows(X, y, sample_weight, reset=not fitted), chosen)
        if targets is None:
            targets = self._learn_targets(rows, chosen)
        table = self._table(rows, targets, chosen, seeds[0], None, fitted)
        ready = prepared(table, chosen, seeds, 1, None, owner)
        self._train(ready, None, start, "state")
        self._has_state = True
        self.n_iter_ += epochs
        return self

    def _train(
        self,
        ready: Prepared,
        callbacks: Sequence[CallbackLike] | None,
        start: str | None,
        keep: str,
        tasks: Sequence[MemberTask] = (),
    ) -> None:
        """The second step, for this estimator alone, and the third; `tasks` of its members."""
        heard = () if callbacks is None else callbacks
        if tasks and are_callbacks(heard):
            heard = [*heard, EpochTasks(dict(enumerate(tasks)))]
        before = None
        if start is not None:
            self._check_goes_on(ready.members, start)
            widths = Widths(ready.data.in_features, ready.data.out_features)
            before = [_at_an_epoch(one, ready) for one in self._population.states], widths
        settings = FitSettings(
            **ready.arguments,
            callbacks=heard,
            workers=self.workers,
            progress=bool(self.verbose),
            start=start,
            keep=keep,
        )
        fit = Fit(ready.members, ready.data, settings, before, chosen=True)
        (fitted,) = fit_together([fit], settings)
        earlier = {} if start is None else {name: getattr(self, name) for name in _CURVES}
        self._adopt(ready, fitted)
        for name, curve in earlier.items():
            parts = [one for one in (curve, getattr(self, name)) if one is not None]
            setattr(self, name, np.concatenate(parts) if parts else None)
        self._sum_up()

    def _check_goes_on(self, members: Sequence[Member], start: str) -> None:
        """Raises SettingError where what was learnt does not fit the members that go on with it."""
        before = list(self._population)
        pairs: dict[str, tuple[Any, Any]] = {"n_members": (len(before), len(members))}
        old, new = before[0], members[0]
        pairs["hidden_layer_sizes"] = old.network.hidden, new.network.hidden
        pairs["norm"] = _kind(old.get("norm")), _kind(new.get("norm"))
        if start == "state":
            pairs["optimizer"] = _kind(old.optimizer), _kind(new.optimizer)
        for name, (was, now) in pairs.items():
            if was != now:
                must = f"be {was} as before, to go on from there"
                remedy = (
                    "warm_start=False" if start == "parameters" else "a clone, which begins anew"
                )
                raise SettingError(sentence(name, type(self).__name__, must, now, remedy))

    def _table(
        self,
        rows: Rows,
        targets: Targets,
        chosen: Mapping[str, Any],
        seed: int,
        validation_data: tuple[Any, ...] | None,
        goes_on: bool,
    ) -> TrainingTable:
        """The data set of checked rows, and of validation rows that are still to be checked."""
        held = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                must = "be None, (X, y) or (X, y, sample_weight)"
                got = type(validation_data).__name__
                raise SettingError(sentence("validation_data", type(self).__name__, must, got))
            X, y, *weight = validation_data
            with of_validation(type(self).__name__):
                held = self._check_rows(X, y, weight[0] if weight else None, reset=False)
        features = {name: vars(self)[name] for name in _FEATURES if name in vars(self)}
        before = (self._inputs, self._dtype) if goes_on else None
        return make_table(rows, held, targets, chosen, seed, features, before)

    def _sum_up(self) -> None:
        """What follows from the curve of the loss."""
        self.loss_ = float(self.loss_curve_[-1]) if len(self.loss_curve_) else math.nan
        self.best_loss_ = float(np.min(self.loss_curve_, initial=math.inf))

    def _is_warm(self) -> bool:
        """Whether `fit` goes on with what was trained before."""
        warm = FLAG.check(self.warm_start, "warm_start", type(self).__name__)
        return bool(warm) and self.__sklearn_is_fitted__()

    def _chosen(self) -> dict[str, Any]:
        return check_parameters(self._parameters(), type(self).__name__)

    def _seeds(self, members: int) -> list[int]:
        draws = draws_of(self.random_state, type(self).__name__)
        return [int(seed) for seed in draws.randint(np.iinfo(np.int32).max, size=members)]


def _kind(record: Settings | None) -> str | None:
    return None if record is None else type(record).__name__


def _at_an_epoch(state: MemberState, ready: Prepared) -> MemberState:
    """What a member has learnt, as if it had been reached at the end of an epoch of `ready`.

    Rows that came in other numbers before made other numbers of steps.  An epoch that
    began in its middle would show some rows twice and others not at all.
    """
    steps = -(-len(ready.data.train) // ready.arguments["batch_size"])
    return dataclasses.replace(state, updates=-(-state.updates // steps) * steps)
