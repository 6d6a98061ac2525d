"""From a table to a model: an ensemble, or a search over settings; one look at the rows put aside.

Order: what is found, the search, the rows put aside, the content of a file.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from sklearn.pipeline import Pipeline

from trainlab.arrays import plain
from trainlab.data.codes import CODES
from trainlab.data.dates import AS_NUMBERS
from trainlab.data.far import FAR_FROM_TRAINING
from trainlab.errors import DataError, describe
from trainlab.estimators.cells import Numbers, Words
from trainlab.estimators.predictor import Predictor
from trainlab.models.scoring import unnamed
from trainlab.search.candidates import prefix
from trainlab.search.estimator import PopulationSearchCV
from trainlab.search.metrics import NamedMetric, TablePrediction, TableTruth
from trainlab.search.persistence import RUN as SEARCH
from trainlab.search.persistence import plain as plain_setting
from trainlab.search.persistence import stored_parameters
from trainlab.settings import Settings
from trainlab.store import Store
from trainlab.tables.baselines import baselines
from trainlab.tables.begun import begun
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.copies import copies
from trainlab.tables.coverage import IntervalCoverage, coverage, too_few_inside
from trainlab.tables.explaining import (
    SHOWN,
    ColumnImportance,
    PartialDependence,
    dependence,
    importance,
)
from trainlab.tables.holdout import (
    HoldoutComparison,
    HoldoutScore,
    compare,
    conclusion,
    doubt,
    judge,
)
from trainlab.tables.problem import TableProblem, split
from trainlab.tables.settings import PENALTY, RATE, USUAL, StudySettings
from trainlab.tables.splits import HoldoutSplit
from trainlab.terminal import counted, printable
from trainlab.training.checkpoints import RESULT
from trainlab.training.progress import Bar

LATEST: Final = 3
"""Folds by time of an ensemble, of which each network votes: those that know most."""
UNEVEN: Final = 1.5
"""Where by so much more, or less, is put aside than was asked for, that is said."""


@dataclass(frozen=True)
class RankedCandidate:
    """One of the settings tried, with its score.

    score   the mean of the metric over the folds; in an ensemble the loss of the candidate alone,
            ∞ unless it is a finalist
    error   the standard error of that mean; NaN in an ensemble
    folds   the metric of each fold, NaN where the training failed; () in an ensemble
    weight  how much it counts in an ensemble; None in a search
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
        return self.told()

    def told(self, but: Mapping[str, Any] | None = None) -> str:
        """The settings in words, but for some."""
        known = {name: one for name, one in self.settings.items() if name not in (but or {})}
        return ", ".join([*(["trees"] if _LEAVES in known else []), *_worded(known)])


def _worded(settings: Mapping[str, Any]) -> list[str]:
    """Each of the settings in words, what is most often asked for first."""
    found = ((name, settings.get(name)) for name in dict.fromkeys((*_FIRST, *settings)))
    return [
        "linear" if name == _HIDDEN and one == () else f"{_NAMES.get(name, name)} {_said(one)}"
        for name, one in found
        if one is not None
    ]


_HIDDEN: Final = "hidden_layer_sizes"
_FIRST: Final = (_HIDDEN, RATE, PENALTY, "dropout")
"""Names of settings in the order of their words; all others follow."""
_LEAVES: Final = "max_leaf_nodes"
"""What trees alone have."""
_NAMES: Final = {
    _HIDDEN: "hidden",
    RATE: "lr",
    "standardize_inputs": "inputs",
    _LEAVES: "leaves",
}


def _said(value: Any) -> str:
    """A value of a setting in words."""
    if isinstance(value, (list, tuple)):
        return "×".join(map(_said, value))
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
    box         what the last round drew from, {parameter: ends, or values}; {} for one round
    loss        the loss of an ensemble on its validation rows; None for a network
    metric      what networks were compared by, and models judged by
    judged      the model, a linear one, trees, and what knows the target alone
    versus      the model against the linear one, and against the trees
    floor       the model against what knows the target alone
    truth       the true targets of the rows put aside
    predictions  what each of those that are judged predicts for them, by its name
    model       the best, fitted to all other rows; knows the names of its features
    columns     columns of the table that are not plain numbers, and what the model makes of them
    importance  how important each column is, by the metric;  dependence: on the first of them
    covered     how many targets lie in the intervals; None unless an ensemble predicts numbers
    """

    problem: TableProblem
    settings: StudySettings
    rows: int
    metric: NamedMetric
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    judged: tuple[HoldoutScore, ...]
    versus: tuple[HoldoutComparison, ...]
    floor: HoldoutComparison
    truth: TableTruth
    predictions: Mapping[str, TablePrediction]
    warnings: tuple[str, ...]
    model: Predictor | Pipeline
    columns: tuple[ColumnSummary, ...] = ()
    loss: float | None = None
    importance: tuple[ColumnImportance, ...] = ()
    dependence: tuple[PartialDependence, ...] = ()
    covered: IntervalCoverage | None = None

    @property
    def predicted(self) -> TablePrediction:
        """What the model says of the rows put aside."""
        return next(iter(self.predictions.values()))

    @property
    def negatives(self) -> int:
        """How many predictions of the rows put aside are below 0, where the target never is."""
        if self.predicted.probabilities is not None or min(self.problem.y) < 0:
            return 0
        return int((self.predicted.values < 0).sum())

    @property
    def conclusion(self) -> str:
        """Which model is best on the rows put aside, in a sentence."""
        return conclusion(self.judged, self.versus, self.metric)

    @property
    def tried(self) -> str:
        """What it was chosen from: "16 networks, 2 linear models and 2 models of trees"."""
        trees = sum(_LEAVES in one.settings for one in self.candidates)
        linear = sum(one.settings.get(_HIDDEN) == () for one in self.candidates)
        found = [counted(len(self.candidates) - trees - linear, "network")]
        found += [counted(linear, "linear model")] if linear else []
        found += [f"{counted(trees, 'model')} of trees"] if trees else []
        *most, last = found
        return f"{', '.join(most)} and {last}" if most else last

    @property
    def trained(self) -> str:
        """In which folds they were trained, in a sentence without its stop."""
        folds: int = getattr(self._predictor, "n_folds_", 1)
        if folds == 1:
            return f"{self.tried}, trained in one fold"
        count = sum(math.isfinite(one.score) for one in self.candidates)
        best = "of them, the finalist" if count == 1 else f"{count}, the finalists"
        return f"{self.tried}, trained in one fold; the best {best}, trained in all {folds}"

    @property
    def shared(self) -> Mapping[str, Any]:
        """The settings that all networks of an ensemble have in common."""
        networks = [one.settings for one in self.candidates if _LEAVES not in one.settings]
        if self.loss is None or len(networks) < 2:
            return {}
        first, *others = networks
        names = (name for name in first if name not in _FIRST)
        return {n: first[n] for n in names if all(one.get(n) == first[n] for one in others)}

    @property
    def shared_words(self) -> str:
        """A sentence of what all networks have in common; "" where that is nothing."""
        words = ", ".join(_worded(self.shared))
        return f"All networks: {words}" if words else ""

    @property
    def doubt(self) -> str:
        """A warning where the model is not shown to be of any use; "" where it is."""
        return doubt(self.judged[0], self.floor, self.metric)

    @property
    def _predictor(self) -> Predictor:
        return self.model[-1] if isinstance(self.model, Pipeline) else self.model

    @property
    def engine(self) -> str | None:
        """The name of the engine that trained the model."""
        return self._predictor.engine_

    @property
    def replay(self) -> Mapping[str, Any] | None:
        """Parameters with which an ensemble is trained again, to the bit, without a time limit."""
        found: Mapping[str, Any] | None = getattr(self._predictor, "replay_", None)
        return found


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

    What is trained is kept in the folder: the same call after an interruption continues, and
    ends with the same bits.  SettingError, naming the difference, where the folder has
    another search, unless `fresh`.  DataError where the rows are too few.
    """
    rows = split(of, settings.test_fraction, settings.folds, settings.seed)
    metric, seed = settings.measured_by(of.task), settings.seed
    _check_metric(of, rows, metric, settings)
    known = of.x[rows.search], of.y[rows.search]
    how = {"workers": workers, "verbose": progress}
    with Store(folder) as store, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # A fold may lack what lies far out: that is of no use to whoever reads the page.
        warnings.filterwarnings("ignore", message=FAR_FROM_TRAINING)
        for of_all_rows in (CODES, AS_NUMBERS):  # `of.warnings` has them
            warnings.filterwarnings("ignore", message=f".* {of_all_rows}")
        # What differs in the table is named in words of the table.
        run = begun(store, of, settings, fresh)
        given = _Training(of, settings, known, rows.folds, engine, store, fresh, how)
        found = _searched(given) if settings.model == "network" else _voted(given)
        first = found.model[0] if of.columns else found.model
        of.tell(first)
        truth, put_aside = _truth(of).take(rows.test), of.x[rows.test]
        with Bar("judging") if progress else nullcontext(), unnamed():
            predictions = _predictions(given, found.model, metric, put_aside)
            about = of, found.model, put_aside
            ranked = importance(*about, truth, metric, seed)
            shown = dependence(*about, [one.name for one in ranked[:SHOWN]], seed)
            covered = coverage(found.model, put_aside, truth, next(iter(predictions.values())))
        run.save({(RESULT, 0): b""})
    ours, *rivals = predictions.items()
    judged = tuple(judge(name, truth, one, metric, seed) for name, one in predictions.items())
    told = [*of.warnings, *_uneven(of, rows, settings), *copies(of.x, of.y, rows)]
    told += too_few_inside(covered, len(truth))
    told += dict.fromkeys(str(one.message) for one in caught)
    *versus, floor = (compare(truth, ours, rival, metric, seed) for rival in rivals)
    return StudyResult(
        of,
        settings,
        len(rows.search),
        metric,
        found.candidates,
        found.box,
        judged,
        tuple(versus),
        floor,
        truth,
        predictions,
        tuple(told),
        found.model,
        tuple(_made(one, of, first) for one in of.columns),
        found.loss,
        ranked,
        shown,
        covered,
    )


# --- the search ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _FittedModel:
    """A model, and how it was found: see StudyResult."""

    model: Any
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    loss: float | None


@dataclass(frozen=True, eq=False)
class _Training:
    """What a model is fitted to, and how.

    known  the rows (x, y) that are not put aside;  folds: of them
    how    parameters of what trains, which decide no bit
    """

    of: TableProblem
    settings: StudySettings
    known: tuple[Any, Any]
    folds: Sequence[tuple[Any, Any]]
    engine: str
    store: Store
    fresh: bool
    how: Mapping[str, Any]


def _searched(given: _Training) -> _FittedModel:
    """The network with the best settings, fitted to all rows that are known."""
    of, settings = given.of, given.settings
    metric, estimator = settings.measured_by(of.task), settings.estimator(of)
    own = prefix(estimator)
    estimator.set_params(**{f"{own}engine": given.engine})
    if not given.fresh and (before := stored_parameters(given.store, SEARCH)) is not None:
        estimator.set_params(**{own + name: value for name, value in before.items()})
    search = PopulationSearchCV(
        estimator,
        {own + name: values for name, values in settings.space().items()},
        n_iter=settings.trials,
        rounds=settings.rounds,
        # Stores of earlier versions know of no other metric, and so do not name the usual one.
        scoring=None if metric.name == USUAL["network"][of.task] else metric.scorer(_truth(of)),
        cv=given.folds,
        random_state=settings.seed,
        store=given.store,
        fresh=given.fresh,
        **given.how,
    )
    search.fit(*given.known)
    ranked = _ranked(search.cv_results_, settings.folds, own, metric.sign)
    box = _bare(search.boxes_[-1], own) if settings.rounds > 1 else {}
    return _FittedModel(search.best_estimator_, ranked, box, None)


def _voted(given: _Training) -> _FittedModel:
    """An ensemble, fitted to all rows that are known."""
    model = given.settings.estimator(given.of)
    ensemble: Any = model[-1] if isinstance(model, Pipeline) else model
    rule, folds = given.of.rule, None
    if rule is not None:
        folds = given.folds if rule.kind == "group" else given.folds[: -LATEST - 1 : -1]
    ensemble.set_params(
        engine=given.engine, store=given.store, fresh=given.fresh, cv=folds, **given.how
    )
    model.fit(*given.known)
    # They are no part of the model: its file is the same whoever trained it.
    ensemble.set_params(store=None, fresh=False, cv=None, **dict.fromkeys(given.how))
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


def _truth(of: TableProblem) -> TableTruth:
    """What is true of all rows."""
    return TableTruth.of(of.y, np.arange(len(of.y)), of.task)


def _check_metric(
    of: TableProblem, rows: HoldoutSplit, metric: NamedMetric, settings: StudySettings
) -> None:
    """DataError where the metric of rows that are to be predicted is no number."""
    everything, parts = _truth(of), {"rows put aside": rows.test}
    if settings.model == "network":
        parts |= {
            f"test rows of fold {number}": rows.search[test]
            for number, (_, test) in enumerate(rows.folds, 1)
        }
    for what, those in parts.items():
        if lack := metric.lacks(everything.take(those)):
            got = "one row" if len(those) == 1 else f"{len(those)} rows of one class"
            other = "log_loss" if of.task == "classification" else "rmse"
            must = f"{what} in {of.name} must have {lack} for the metric {metric.name}"
            raise DataError(printable(f"{must}; got {got}; try --metric {other}"))


def _uneven(of: TableProblem, rows: HoldoutSplit, settings: StudySettings) -> list[str]:
    """A warning where by a rule far more or fewer rows are put aside than was asked for."""
    aside, share = len(rows.test), settings.test_fraction
    if of.rule is None or 1 / UNEVEN < aside / len(of.y) / share < UNEVEN:
        return []
    why = f"rows of one {describe(of.rule.column)} stay together"
    return [f"{aside:,} of {len(of.y):,} rows are put aside, and not {share:.0%}, since {why}"]


OURS: Final[Mapping[str, str]] = {"network": "the best network", "ensemble": "the ensemble"}
"""What the model is called beside its rivals."""


def _predictions(
    given: _Training, model: Any, metric: NamedMetric, x: Any
) -> dict[str, TablePrediction]:
    """Of the model, of a linear one, of trees, and of what knows the target alone, by name."""
    of, settings = given.of, given.settings
    ours = {OURS[settings.model]: TablePrediction.by(model, x, of.task)}
    encoder = model[0] if of.columns else None
    return ours | baselines(of, encoder, given.known, given.folds, x, metric, settings.seed)


# --- the content of a file -------------------------------------------------------------


_NO_SCORE: Final = ("no finalist: trained in the first fold alone", "its training failed")


def content_of(found: StudyResult) -> dict[str, Any]:
    """The result in the types that JSON has; no times, so that it is the same each time."""
    of, settings, best = found.problem, found.settings, found.candidates[0]
    candidates = [
        {name: value for name, value in vars(one).items() if value is not None}
        | {"settings": plain_setting(one.settings)}
        | ({} if math.isfinite(one.score) else {"reason": _NO_SCORE[found.loss is None]})
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
            "versus_constant": vars(found.floor),
            "conclusion": found.conclusion,
            "doubt": found.doubt,
            **({"intervals": vars(found.covered)} if found.covered else {}),
        },
        "importance": [vars(one) for one in found.importance],
        "dependence": [vars(one) for one in found.dependence],
        "box": found.box,
        "candidates": candidates,
        "warnings": found.warnings,
    }
    if found.loss is not None:
        content["ensemble"] = {"loss": found.loss, "replay": found.replay}
    return dict(plain(content))
