"""From a table to a model: an ensemble, or a search over settings; one look at the rows put aside.

Order: the settings, what is found, the search, the rows put aside, the content of a file.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import scipy  # loads its room `stats` when that is first used: half a second
from sklearn.pipeline import Pipeline

from trainlab.arrays import plain
from trainlab.errors import SettingError, sentence
from trainlab.estimators import MLPClassifier, MLPRegressor
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.cells import Numbers, Words
from trainlab.estimators.predictor import Predictor
from trainlab.search.candidates import prefix
from trainlab.search.estimator import PopulationSearchCV
from trainlab.search.metrics import NamedMetric, TablePrediction, TableTruth, named_metric
from trainlab.search.persistence import RUN as SEARCH
from trainlab.search.persistence import plain as plain_setting
from trainlab.search.persistence import stored_inputs
from trainlab.settings import Settings
from trainlab.store import FILE, Run, Store
from trainlab.tables.baselines import baselines
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.explaining import (
    SHOWN,
    ColumnImportance,
    PartialDependence,
    dependence,
    importance,
)
from trainlab.tables.holdout import HoldoutComparison, HoldoutScore, compare, conclusion, judge
from trainlab.tables.problem import TableProblem, split
from trainlab.training.checkpoints import RESULT
from trainlab.training.progress import Bar

RUN: Final = "table"
"""The run in the store that says which rows a search has, and what of."""
VOTE: Final = "ensemble"
"""The run of an ensemble; that of a search has a name of its own."""
Model = Literal["ensemble", "network"]
USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    "network": {"classification": "accuracy", "regression": "r2"},
    "ensemble": {"classification": "log_loss", "regression": "r2"},
}
"""The metric of each model where nothing else is asked for."""
RATE: Final = "learning_rate_init"
PENALTY: Final = "alpha"

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The settings of a search.

    model      "ensemble": of networks of random settings those that are best together;
               "network": the best of those that are searched, alone
    trials     candidates of each round;  rounds, folds: as in PopulationSearchCV
    lr, alpha  ends of the learning rates and of the L2 penalties, drawn on a logarithmic scale
    hidden     widths of hidden layers to choose from;  dropout: ratios to choose from
    max_iter   epochs of a training, the rate falling to 0 along a cosine
    test_fraction  the share of rows that is put aside
    metric     the name of what networks are compared by, and models judged by; None: that of
               USUAL
    ensemble   parameters of an ensemble that are not its defaults

    Those from trials to max_iter are of a network alone, but for the folds, which say how many rows
    each class must have.
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
        made: Predictor = kind(random_state=self.seed, **self.ensemble)
        return made

    def estimator(self, of: TableProblem) -> Predictor | Pipeline:
        """The predictor, behind an encoder where the table holds more than plain numbers."""
        predictor = self.predictor(of.task)
        if not of.columns:
            return predictor
        return Pipeline([("encoder", of.encoder()), (self.model, predictor)])


@dataclass(frozen=True)
class RankedCandidate:
    """One of the settings tried, with its score.

    score   the mean of the metric over the folds; of a candidate of an ensemble its loss alone
    error   the standard error of that mean, NaN of one of an ensemble
    folds   the metric of each fold, NaN where the training failed; () of one of an ensemble
    weight  how much it counts in an ensemble, None of a search
    """

    rank: int
    round: int
    settings: Mapping[str, Any]
    score: float
    error: float
    folds: tuple[float, ...]
    weight: float | None = None

    @property
    def words(self) -> str:
        """The settings in words, what is most often asked for first."""
        ordered = dict.fromkeys((*_FIRST, *self.settings))
        found = ((name, self.settings.get(name)) for name in ordered)
        said = [f"{_NAMES.get(name, name)} {_said(one)}" for name, one in found if one is not None]
        return ", ".join([*(["trees"] if _LEAVES in self.settings else []), *said])


_FIRST: Final = ("hidden_layer_sizes", RATE, PENALTY, "dropout")
"""Names of settings in the order of their words; all others follow."""
_LEAVES: Final = "max_leaf_nodes"
"""What trees alone have."""
_NAMES: Final = {
    "hidden_layer_sizes": "hidden",
    RATE: "lr",
    "standardize_inputs": "inputs",
    _LEAVES: "leaves",
}


def _said(value: Any) -> str:
    """A value of a setting in words."""
    if isinstance(value, (list, tuple)):
        return "×".join(map(_said, value)) or "none"
    if isinstance(value, Settings):
        own = {one.name: getattr(value, one.name) for one in fields(value)}
        usual = type(value)()
        changed = {name: one for name, one in own.items() if one != getattr(usual, name)}
        words = [f"{name}={_said(one)}" for name, one in changed.items()]
        return type(value).__name__ + (f"({', '.join(words)})" if words else "")
    return f"{value:.2g}" if isinstance(value, (float, np.floating)) else str(value)


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The result of a search.

    candidates  the best first
    box         of the last round, {parameter: its ends, or values}; {} of a single round
    loss        of an ensemble on its validation rows; None of a network
    metric      what networks were compared by, and models judged by
    judged      the model, a linear one, trees, and what knows the target alone
    versus      the model against the linear one, and against the trees
    truth       of the rows put aside;  predictions: by the names of those that are judged
    model       the best, fitted to all other rows; knows the names of its features
    columns     those of the table that are not of plain numbers, and what the model makes of them
    importance  of all columns, by the metric;  dependence: on the first of them
    """

    problem: TableProblem
    settings: StudySettings
    rows: int
    metric: NamedMetric
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    judged: tuple[HoldoutScore, ...]
    versus: tuple[HoldoutComparison, ...]
    truth: TableTruth
    predictions: Mapping[str, TablePrediction]
    warnings: tuple[str, ...]
    model: Predictor | Pipeline
    columns: tuple[ColumnSummary, ...] = ()
    loss: float | None = None
    importance: tuple[ColumnImportance, ...] = ()
    dependence: tuple[PartialDependence, ...] = ()

    @property
    def predicted(self) -> TablePrediction:
        """What the model says of the rows put aside."""
        return next(iter(self.predictions.values()))

    @property
    def conclusion(self) -> str:
        """Which model is best on the rows put aside, in a sentence."""
        return conclusion(self.judged, self.versus, self.metric)

    @property
    def engine(self) -> str | None:
        """The name of the engine that trained the model."""
        predictor: Predictor = self.model[-1] if isinstance(self.model, Pipeline) else self.model
        return predictor.engine_


def study(
    of: TableProblem,
    settings: StudySettings,
    folder: str | os.PathLike[str],
    fresh: bool = False,
    workers: int | None = None,
    progress: bool = False,
    engine: str = "auto",
) -> StudyResult:
    """Fits an ensemble, or searches and refits the best, and judges it on rows it never saw.

    What is trained is kept in the folder: the same call after an interruption goes on, and
    ends with the same bits.  SettingError, naming the difference, where the folder has
    another search, unless `fresh`.  DataError where the rows are too few.
    """
    if of.rule is not None and settings.model == "ensemble":
        must = f"be 'network' with a {of.rule.kind}: an ensemble deals its folds at random"
        raise SettingError(sentence("model", "a search", must, settings.model, "--model network"))
    rows = split(of, settings.test_fraction, settings.folds, settings.seed)
    x, y = of.x[rows.search], of.y[rows.search]
    metric, seed = settings.measured_by(of.task), settings.seed
    how = {"workers": workers, "verbose": progress}
    with Store(folder) as store, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # What differs in the table is named in words of the table.
        run = _begun(store, of, settings, fresh)
        searched = partial(_searched, folds=rows.folds)
        fit = searched if settings.model == "network" else _voted
        found = fit(of, settings, (x, y), engine, store, fresh, how)
        first = found.model[0] if of.columns else found.model
        of.tell(first)
        truth, put_aside = TableTruth.of(of.y, rows.test, of.task), of.x[rows.test]
        with Bar("judging") if progress else nullcontext(), _unnamed():
            predictions = _predictions(of, found.model, settings, (x, y), put_aside)
            about = of, found.model, put_aside
            ranked = importance(*about, truth, metric, seed)
            shown = dependence(*about, [one.name for one in ranked[:SHOWN]], seed)
        run.save({(RESULT, 0): b""})
    ours, linear, trees, _ = predictions.items()
    judged = tuple(judge(name, truth, one, metric, seed) for name, one in predictions.items())
    versus = tuple(compare(truth, ours, rival, metric, seed) for rival in (linear, trees))
    return StudyResult(
        of,
        settings,
        len(x),
        metric,
        found.candidates,
        found.box,
        judged,
        versus,
        truth,
        predictions,
        (*of.warnings, *dict.fromkeys(str(one.message) for one in caught)),
        found.model,
        tuple(_made(one, of, first) for one in of.columns),
        found.loss,
        ranked,
        shown,
    )


def begun_with(folder: str | os.PathLike[str]) -> Model | None:
    """The model that the search in a folder is of; None where there is none."""
    if not (Path(folder) / FILE).is_file():
        return None
    with Store(folder) as store:
        said = store.began(RUN, _complete).get(RUN)
    return None if said is None else said["model"]


def _complete(said: dict[str, Any]) -> dict[str, Any]:
    """What decided a search, with what earlier versions had no choice of."""
    return {"model": "network", **said}


def _begun(store: Store, of: TableProblem, settings: StudySettings, fresh: bool) -> Run:
    """The run that says what a search is of, begun or gone on with."""
    if fresh:
        for name in (SEARCH, VOTE):  # also that of the other model
            store.forget(name)
    return store.run(RUN, _described(of, settings), 1, fresh, _complete)


def _described(of: TableProblem, settings: StudySettings) -> dict[str, Any]:
    """What decides which rows are searched on, and for what."""
    names = ("sha256", "target", "task", "features", "dropped")
    said = {name: plain(getattr(of, name)) for name in names} | dict(of.options)
    metric = settings.measured_by(of.task)
    if settings.model == "network" and metric.name != USUAL["network"][of.task]:
        said["metric"] = metric.name
    return said | {
        "model": settings.model,
        "test_fraction": settings.test_fraction,
        "seed": settings.seed,
        "folds": settings.folds,
    }


# --- the search ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _FittedModel:
    """A model, and how it was found: see StudyResult."""

    model: Any
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    loss: float | None


def _searched(
    of: TableProblem,
    settings: StudySettings,
    known: tuple[Any, Any],
    engine: str,
    store: Store,
    fresh: bool,
    how: Mapping[str, Any],
    *,
    folds: Sequence[tuple[Any, Any]],
) -> _FittedModel:
    """The network with the best settings, fitted to all rows (x, y) that are known."""
    metric, (x, y) = settings.measured_by(of.task), known
    estimator = settings.estimator(of)
    own = prefix(estimator)
    estimator.set_params(**{f"{own}engine": engine})
    if not fresh and (inputs := stored_inputs(store, SEARCH)) is not None:
        estimator.set_params(**{f"{own}standardize_inputs": inputs})
    all_rows = TableTruth.of(of.y, np.arange(len(of.y)), of.task)
    search = PopulationSearchCV(
        estimator,
        {own + name: values for name, values in settings.space().items()},
        n_iter=settings.trials,
        rounds=settings.rounds,
        # Stores of earlier versions know of no other metric, and so do not name the usual one.
        scoring=None if metric.name == USUAL["network"][of.task] else metric.scorer(all_rows),
        cv=folds,
        random_state=settings.seed,
        store=store,
        fresh=fresh,
        **how,
    )
    search.fit(x, y)
    ranked = _ranked(search.cv_results_, settings.folds, own, metric.sign)
    box = _bare(search.boxes_[-1], own) if settings.rounds > 1 else {}
    return _FittedModel(search.best_estimator_, ranked, box, None)


def _voted(
    of: TableProblem,
    settings: StudySettings,
    known: tuple[Any, Any],
    engine: str,
    store: Store,
    fresh: bool,
    how: Mapping[str, Any],
) -> _FittedModel:
    """An ensemble, fitted to all rows (x, y) that are known."""
    model = settings.estimator(of)
    ensemble: Any = model[-1] if isinstance(model, Pipeline) else model
    ensemble.set_params(engine=engine, store=store, fresh=fresh, **how)
    model.fit(*known)
    # They are no part of the model: its file is the same whoever trained it.
    ensemble.set_params(store=None, fresh=False, **dict.fromkeys(how))
    ensemble.set_params(verbose=False)
    order = np.argsort(ensemble.losses_, kind="stable")
    candidates = tuple(
        RankedCandidate(
            place + 1,
            1,
            ensemble.candidates_[one],
            float(ensemble.losses_[one]),
            math.nan,
            (),
            float(ensemble.weights_[one]),
        )
        for place, one in enumerate(order.tolist())
    )
    return _FittedModel(model, candidates, {}, float(ensemble.loss_))


def _made(column: ColumnSummary, of: TableProblem, encoder: Any) -> ColumnSummary:
    """The column with what the encoder makes of it."""
    found = encoder.columns_[of.features.index(column.name)]
    if isinstance(found, Words):
        return replace(column, own=len(found.values))
    if isinstance(found, Numbers) and column.holes:
        return replace(column, put=found.median)
    return column


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


OURS: Final[Mapping[str, str]] = {"network": "the best network", "ensemble": "the ensemble"}
"""What the model is called beside its rivals."""


def _predictions(
    of: TableProblem, model: Any, settings: StudySettings, known: tuple[Any, Any], x: Any
) -> dict[str, TablePrediction]:
    """Of the model, of a linear one, of trees, and of what knows the target alone, by name."""
    ours = {OURS[settings.model]: TablePrediction.by(model, x, of.task)}
    encoder = model[0] if of.columns else None
    return ours | baselines(of, encoder, known, x, settings.seed)


@contextmanager
def _unnamed() -> Iterator[None]:
    """The names that a model knows are those of the table, which an array comes from."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield


# --- the content of a file -------------------------------------------------------------


def content_of(found: StudyResult) -> dict[str, Any]:
    """The result in the types that JSON has; no times, so that it is the same each time."""
    of, settings = found.problem, found.settings
    best = found.candidates[0]
    candidates = [
        {name: value for name, value in vars(one).items() if value is not None}
        | {"settings": plain_setting(one.settings)}
        for one in found.candidates
    ]
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
        "asked": vars(settings) | {"ensemble": plain_setting(settings.ensemble)},
        "measure": found.metric.words,
        "metric": found.metric.name,
        "best": {"settings": candidates[0]["settings"], "score": best.score, "error": best.error},
        "test": {
            "rows": len(found.truth),
            "judged": [vars(one) for one in found.judged],
            "versus": vars(found.versus[0]),
            "versus_trees": vars(found.versus[1]),
            "conclusion": found.conclusion,
        },
        "importance": [vars(one) for one in found.importance],
        "dependence": [vars(one) for one in found.dependence],
        "box": found.box,
        "candidates": candidates,
        "warnings": found.warnings,
    }
    if found.loss is not None:
        content["ensemble"] = {"loss": found.loss}
    return dict(plain(content))
