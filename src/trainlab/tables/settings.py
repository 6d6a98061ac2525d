"""The settings of a search of a table: what is trained, on which rows, and by what it is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import scipy  # loads its room `stats` when that is first used: half a second
from sklearn.pipeline import Pipeline

from trainlab.estimators import MLPClassifier, MLPRegressor
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.predictor import Predictor
from trainlab.search.metrics import MeanAbsoluteError, NamedMetric, PinballLoss, named_metric
from trainlab.tables.problem import TableProblem

Model = Literal["ensemble", "network"]
USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    "network": {"classification": "accuracy", "regression": "r2"},
    "ensemble": {"classification": "log_loss", "regression": "r2"},
}
"""The metric of each model where nothing else is asked for."""
OWN_LOSSES: Final = MeanAbsoluteError, PinballLoss
"""Metrics by which an ensemble of numbers selects, if it is asked to."""
RATE: Final = "learning_rate_init"
PENALTY: Final = "alpha"

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The settings of a search.

    model      "ensemble": of networks with random settings, those that are best together;
               "network": the best of the networks that are searched, alone
    trials     candidates of each round;  rounds, folds: as in PopulationSearchCV
    lr, alpha  ends of the learning rates and of the L2 penalties, drawn on a logarithmic scale
    hidden     widths of hidden layers to choose from;  dropout: ratios to choose from
    max_iter   epochs of a training, the rate falling to 0 along a cosine
    test_fraction  the share of rows that is put aside
    metric     the name of what networks are compared by, and models judged by; None: the one in
               USUAL
    ensemble   parameters of an ensemble that are not its defaults

    Those from trials to max_iter concern a network alone, except that folds also decide how many
    rows each class must have.
    """

    model: Model = "ensemble"
    trials: int = 50
    rounds: int = 2
    folds: int = 5
    lr: Range = (1e-3, 3e-2)
    alpha: Range = (1e-4, 10.0)
    hidden: tuple[tuple[int, ...], ...] = ((20,), (50,), (100,), (50, 50))
    dropout: tuple[float, ...] = (0.0, 0.2, 0.4)
    max_iter: int = 100
    test_fraction: float = 0.2
    seed: int = 0
    metric: str | None = None
    ensemble: Mapping[str, Any] = field(default_factory=dict)

    def measured_by(self, task: str) -> NamedMetric:
        """The metric, for a task."""
        usual = USUAL[self.model][task]
        return named_metric(usual if self.metric is None else self.metric, task)

    def space(self) -> dict[str, Any]:
        """What candidates are drawn from."""
        loguniform = scipy.stats.loguniform
        return {
            RATE: loguniform(*self.lr),
            PENALTY: loguniform(*self.alpha),
            "hidden_layer_sizes": list(self.hidden),
            "dropout": list(self.dropout),
        }

    def network(self, task: str) -> BaseMLP:
        """The estimator whose settings are searched."""
        kind = MLPClassifier if task == "classification" else MLPRegressor
        return kind(
            max_iter=self.max_iter,
            schedule="cosine",
            n_iter_no_change=math.inf,  # a rate that falls has its gains at the end
            dtype="float32",
            random_state=self.seed,
        )

    def predictor(self, task: str) -> Predictor:
        """What is fitted: a network whose settings are searched, or an ensemble."""
        if self.model == "network":
            return self.network(task)
        # A search of networks need not wait for ensembles.
        from trainlab.ensembles import estimators as ensembles

        kind: Any = (
            ensembles.PopulationEnsembleClassifier
            if task == "classification"
            else ensembles.PopulationEnsembleRegressor
        )
        metric, own = self.measured_by(task), dict(self.ensemble)
        if isinstance(metric, OWN_LOSSES):
            own["scoring"] = metric.name
        made: Predictor = kind(random_state=self.seed, **own)
        return made

    def loss_words(self, task: str) -> str:
        """The loss by which an ensemble selects who votes, in words."""
        if task == "classification":
            return "the cross-entropy"
        metric = self.measured_by(task)
        if isinstance(metric, OWN_LOSSES):
            return f"the {metric.words} of the standardised target"
        return "the mean squared error of the standardised target: 1 is always predicting the mean"

    def estimator(self, of: TableProblem) -> Predictor | Pipeline:
        """The predictor, behind an encoder where the table holds more than plain numbers."""
        predictor = self.predictor(of.task)
        if not of.columns:
            return predictor
        return Pipeline([("encoder", of.encoder()), (self.model, predictor)])
