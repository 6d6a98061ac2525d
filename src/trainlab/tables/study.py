"""From a table to a network: a search over settings, and one look at the rows put aside.

Order: the settings, what is found, the search, the rows put aside.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy  # loads its room `stats` when that is first used: half a second
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from trainlab.arrays import plain
from trainlab.estimators import MLPClassifier, MLPRegressor, TableEncoder
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.cells import Numbers, Words
from trainlab.search.candidates import prefix
from trainlab.search.estimator import PopulationSearchCV
from trainlab.search.metrics import NamedMetric, TablePrediction, TableTruth, named_metric
from trainlab.search.persistence import RUN as SEARCH
from trainlab.search.persistence import stored_inputs
from trainlab.store import Store
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.holdout import HoldoutComparison, HoldoutScore, compare, judge
from trainlab.tables.problem import TableProblem, split
from trainlab.training.checkpoints import RESULT

RUN: Final = "table"
"""The run in the store that says which rows a search has, and what of."""
USUAL: Final[Mapping[str, str]] = {"classification": "accuracy", "regression": "r2"}
"""What candidates are compared by where nothing else is asked for."""
RATE: Final = "learning_rate_init"
PENALTY: Final = "alpha"

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The settings of a search.

    trials     candidates of each round;  rounds, folds: as in PopulationSearchCV
    lr, alpha  ends of the learning rates and of the L2 penalties, drawn on a logarithmic scale
    hidden     widths of hidden layers to choose from;  dropout: ratios to choose from
    max_iter   epochs of a training, the rate falling to 0 along a cosine
    test_fraction  the share of rows that is put aside
    metric     the name of what candidates are compared by, and models judged by; None: accuracy,
               or R²
    """

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

    def measured_by(self, task: str) -> NamedMetric:
        """The metric, for a task."""
        return named_metric(USUAL[task] if self.metric is None else self.metric, task)

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

    def estimator(self, of: TableProblem) -> BaseMLP | Pipeline:
        """The network, behind an encoder where the table holds more than plain numbers."""
        network = self.network(of.task)
        if not of.columns:
            return network
        return Pipeline([("encoder", TableEncoder(of.words)), ("network", network)])


@dataclass(frozen=True)
class RankedCandidate:
    """One of the settings tried; the metric of the folds, NaN where the training failed."""

    rank: int
    round: int
    settings: Mapping[str, Any]
    score: float
    error: float
    folds: tuple[float, ...]

    @property
    def words(self) -> str:
        """The settings in words."""
        widths = "×".join(map(str, self.settings["hidden_layer_sizes"])) or "none"
        rate, penalty = self.settings[RATE], self.settings[PENALTY]
        dropout = f"{self.settings['dropout']:g}"
        return f"hidden {widths}, lr {rate:.2g}, alpha {penalty:.2g}, dropout {dropout}"


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The result of a search.

    candidates  the best first
    box         of the last round, {parameter: its ends, or values}; {} of a single round
    metric      what candidates were compared by, and models judged by
    judged      the network, a linear model, and what knows the target alone
    versus      the network against the linear model
    truth, predicted  of the rows put aside
    model       the best, fitted to all other rows; knows the names of its features
    columns     those of the table that are not of plain numbers, and what the model makes of them
    """

    problem: TableProblem
    settings: StudySettings
    rows: int
    metric: NamedMetric
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    judged: tuple[HoldoutScore, ...]
    versus: HoldoutComparison
    truth: TableTruth
    predicted: TablePrediction
    warnings: tuple[str, ...]
    model: BaseMLP | Pipeline
    columns: tuple[ColumnSummary, ...] = ()

    @property
    def engine(self) -> str | None:
        """The name of the engine that trained the model."""
        network: BaseMLP = self.model[-1] if isinstance(self.model, Pipeline) else self.model
        return network.engine_


def study(
    of: TableProblem,
    settings: StudySettings,
    folder: str | os.PathLike[str],
    fresh: bool = False,
    workers: int | None = None,
    progress: bool = False,
    engine: str = "auto",
) -> StudyResult:
    """Searches, refits the best, and judges it on rows that had no part in it.

    What is trained is kept in the folder: the same call after an interruption goes on, and
    ends with the same bits.  SettingError, naming the difference, where the folder has
    another search, unless `fresh`.  DataError where the rows are too few.
    """
    rows = split(of, settings.test_fraction, settings.folds, settings.seed)
    x, y = of.x[rows.search], of.y[rows.search]
    kind = StratifiedKFold if of.task == "classification" else KFold
    metric = settings.measured_by(of.task)
    all_rows = TableTruth.of(of.y, np.arange(len(of.y)), of.task)
    estimator = settings.estimator(of)
    own = prefix(estimator)
    estimator.set_params(**{f"{own}engine": engine})
    search = PopulationSearchCV(
        estimator,
        {own + name: values for name, values in settings.space().items()},
        n_iter=settings.trials,
        rounds=settings.rounds,
        # Stores of earlier versions know of no other metric, and so do not name the usual one.
        scoring=None if metric.name == USUAL[of.task] else metric.scorer(all_rows),
        cv=kind(settings.folds, shuffle=True, random_state=settings.seed),  # tables may be sorted
        random_state=settings.seed,
        workers=workers,
        verbose=progress,
    )
    with Store(folder) as store, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # What differs in the table is named in words of the table.
        run = store.run(RUN, _described(of, settings), 1, fresh)
        search.store, search.fresh = store, fresh
        if not fresh and (inputs := stored_inputs(store, SEARCH)) is not None:
            estimator.set_params(**{f"{own}standardize_inputs": inputs})
        search.fit(x, y)
        model = search.best_estimator_
        first = model[0] if of.columns else model
        of.tell(first)
        predictions = _predictions(of, model, (x, y), of.x[rows.test])
        run.save({(RESULT, 0): b""})
    truth = TableTruth.of(of.y, rows.test, of.task)
    ours, linear, _ = predictions.items()
    seed = settings.seed
    return StudyResult(
        of,
        settings,
        len(x),
        metric,
        _ranked(search.cv_results_, settings.folds, own, metric.sign),
        _bare(search.boxes_[-1], own) if settings.rounds > 1 else {},
        tuple(judge(name, truth, one, metric, seed) for name, one in predictions.items()),
        compare(truth, ours, linear, metric, seed),
        truth,
        ours[1],
        (*of.warnings, *dict.fromkeys(str(one.message) for one in caught)),
        model,
        tuple(_made(one, of, first) for one in of.columns),
    )


def _described(of: TableProblem, settings: StudySettings) -> dict[str, Any]:
    """What decides which rows are searched on."""
    names = ("sha256", "target", "task", "features", "dropped")
    said = {name: plain(getattr(of, name)) for name in names} | dict(of.options)
    metric = settings.measured_by(of.task)
    if metric.name != USUAL[of.task]:
        said["metric"] = metric.name
    return said | {
        "test_fraction": settings.test_fraction,
        "seed": settings.seed,
        "folds": settings.folds,
    }


def _made(column: ColumnSummary, of: TableProblem, encoder: Any) -> ColumnSummary:
    """The column with what the encoder makes of it."""
    found = encoder.columns_[of.features.index(column.name)]
    if isinstance(found, Words):
        return replace(column, own=len(found.values))
    assert isinstance(found, Numbers)
    return replace(column, put=found.median) if column.holes else column


def _bare(settings: Mapping[str, Any], own: str) -> dict[str, Any]:
    """Settings by the names that the network has for them."""
    return {name.removeprefix(own): value for name, value in settings.items()}


def _ranked(
    results: Mapping[str, Any], folds: int, own: str, sign: int
) -> tuple[RankedCandidate, ...]:
    """The candidates, the best first; of equal ones the first tried.

    sign  −1 where the less of the metric is the better, and the search has it negated
    """
    scores = sign * np.array([results[f"split{fold}_test_score"] for fold in range(folds)]).T
    rounds = results.get("round", np.zeros(len(scores), int))
    order = np.argsort(results["rank_test_score"], kind="stable")
    error = scores.std(axis=1, ddof=1) / np.sqrt(folds)
    return tuple(
        RankedCandidate(
            int(results["rank_test_score"][one]),
            int(rounds[one]) + 1,
            _bare(results["params"][one], own),
            sign * float(results["mean_test_score"][one]),
            float(error[one]),
            tuple(scores[one].tolist()),
        )
        for one in order
    )


# --- rows put aside --------------------------------------------------------------------


def _predictions(
    of: TableProblem, model: Any, known: tuple[Any, Any], x: Any
) -> dict[str, TablePrediction]:
    """Of the network, of a linear model, and of what knows the target alone, by their names."""
    with warnings.catch_warnings():
        # The names are those of the table, which the array comes from.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        first = TablePrediction.by(model, x, of.task)
        if of.columns:
            encode = model[0].transform
            known, x = (encode(known[0]), known[1]), encode(x)
    if of.task == "classification":
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        found = {"logistic regression": linear, "the most frequent class": DummyClassifier()}
    else:
        linear = make_pipeline(StandardScaler(), Ridge())
        found = {"ridge regression": linear, "the mean": DummyRegressor()}
    rivals = {
        name: TablePrediction.by(rival.fit(*known), x, of.task) for name, rival in found.items()
    }
    return {"the best network": first, **rivals}


def content_of(found: StudyResult) -> dict[str, Any]:
    """The result in the types that JSON has; no times, so that it is the same each time."""
    of, settings = found.problem, found.settings
    best = found.candidates[0]
    content = {
        "data": {
            "name": of.name,
            "sha256": of.sha256,
            "rows": len(of.y),
            "features": of.features,
            "dropped": of.dropped,
            "target": of.target,
            "task": of.task,
            "reason": of.reason,
            "notices": of.notices,
            "columns": [vars(one) for one in found.columns],
        },
        "asked": vars(settings),
        "measure": found.metric.words,
        "metric": found.metric.name,
        "best": {"settings": best.settings, "score": best.score, "error": best.error},
        "test": {
            "rows": len(found.truth),
            "judged": [vars(one) for one in found.judged],
            "versus": vars(found.versus),
        },
        "box": found.box,
        "candidates": [vars(one) for one in found.candidates],
        "warnings": found.warnings,
    }
    return dict(plain(content))
