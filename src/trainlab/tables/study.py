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
from trainlab.estimators import MLPClassifier, MLPRegressor
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.cells import Numbers, Words
from trainlab.estimators.targets import unit_of
from trainlab.evidence import statistic_bounds
from trainlab.network.workspace import Array
from trainlab.search.candidates import prefix
from trainlab.search.estimator import PopulationSearchCV
from trainlab.search.persistence import RUN as SEARCH
from trainlab.search.persistence import stored_inputs
from trainlab.search.scoring import columns_of, score_of
from trainlab.store import Store
from trainlab.tables.columns import ColumnSummary
from trainlab.tables.problem import TableProblem, split
from trainlab.training.checkpoints import RESULT

RUN: Final = "table"
"""The run in the store that says which rows a search has, and what of."""
LEVEL: Final = 0.95
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
        return Pipeline([("encoder", of.encoder()), ("network", network)])


@dataclass(frozen=True)
class RankedCandidate:
    """One of the settings tried; scores of the folds, NaN where the training failed."""

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


@dataclass(frozen=True)
class HoldoutScore:
    """How good predictions are of the rows put aside: a score and its 95 % interval.

    root_error  √(mean of (y − prediction)²), in the units of the target; of classes None
    """

    name: str
    score: float
    low: float
    high: float
    root_error: float | None


@dataclass(frozen=True)
class HoldoutComparison:
    """Whether the network is better than a rival on the same rows.

    shown   "better", "worse", or None where chance may have made the difference
    words   a sentence;  numbers: what it stands on
    """

    shown: str | None
    words: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class StudyResult:
    """The result of a search.

    candidates  the best first
    box         of the last round, {parameter: its ends, or values}; {} of a single round
    judged      the network, a linear model, and what knows the target alone
    versus      the network against the linear model
    truth, predicted  of the rows put aside
    model       the best, fitted to all other rows; knows the names of its features
    columns     those of the table that are not of plain numbers, and what the model makes of them
    """

    problem: TableProblem
    settings: StudySettings
    rows: int
    measure: str
    candidates: tuple[RankedCandidate, ...]
    box: Mapping[str, Any]
    judged: tuple[HoldoutScore, ...]
    versus: HoldoutComparison
    truth: Array
    predicted: Array
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
    estimator = settings.estimator(of)
    own = prefix(estimator)
    estimator.set_params(**{f"{own}engine": engine})
    search = PopulationSearchCV(
        estimator,
        {own + name: values for name, values in settings.space().items()},
        n_iter=settings.trials,
        rounds=settings.rounds,
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
    truth = of.y[rows.test]
    return StudyResult(
        of,
        settings,
        len(x),
        "accuracy" if of.task == "classification" else "R²",
        _ranked(search.cv_results_, settings.folds, own),
        _bare(search.boxes_[-1], own) if settings.rounds > 1 else {},
        tuple(_judge(name, truth, found, of, settings) for name, found in predictions.items()),
        _versus(truth, predictions, of, settings),
        truth,
        next(iter(predictions.values())),
        (*of.warnings, *dict.fromkeys(str(one.message) for one in caught)),
        model,
        tuple(_made(one, of, first) for one in of.columns),
    )


def _described(of: TableProblem, settings: StudySettings) -> dict[str, Any]:
    """What decides which rows are searched on."""
    names = ("sha256", "target", "task", "features", "dropped")
    said = {name: plain(getattr(of, name)) for name in names} | dict(of.options)
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
    if isinstance(found, Numbers) and column.holes:
        return replace(column, put=found.median)
    return column


def _bare(settings: Mapping[str, Any], own: str) -> dict[str, Any]:
    """Settings by the names that the network has for them."""
    return {name.removeprefix(own): value for name, value in settings.items()}


def _ranked(results: Mapping[str, Any], folds: int, own: str) -> tuple[RankedCandidate, ...]:
    """The candidates, the best first; of equal ones the first tried."""
    scores = np.array([results[f"split{fold}_test_score"] for fold in range(folds)]).T
    rounds = results.get("round", np.zeros(len(scores), int))
    order = np.argsort(results["rank_test_score"], kind="stable")
    error = scores.std(axis=1, ddof=1) / np.sqrt(folds)
    return tuple(
        RankedCandidate(
            int(results["rank_test_score"][one]),
            int(rounds[one]) + 1,
            _bare(results["params"][one], own),
            float(results["mean_test_score"][one]),
            float(error[one]),
            tuple(scores[one].tolist()),
        )
        for one in order
    )


# --- rows put aside --------------------------------------------------------------------


def _predictions(of: TableProblem, model: Any, known: tuple[Any, Any], x: Any) -> dict[str, Array]:
    """Of the network, of a linear model, and of what knows the target alone, by their names."""
    with warnings.catch_warnings():
        # The names are those of the table, which the array comes from.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        first = model.predict(x)
        if of.columns:
            encode = model[0].transform
            known, x = (encode(known[0]), known[1]), encode(x)
    if of.task == "classification":
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        found = {"logistic regression": linear, "the most frequent class": DummyClassifier()}
    else:
        linear = make_pipeline(StandardScaler(), Ridge())
        found = {"ridge regression": linear, "the mean": DummyRegressor()}
    rivals = {name: rival.fit(*known).predict(x) for name, rival in found.items()}
    return {"the best network": first, **rivals}


def _judge(
    name: str, truth: Array, predicted: Array, of: TableProblem, settings: StudySettings
) -> HoldoutScore:
    classifies = of.task == "classification"
    columns = columns_of(truth, predicted, classifies=classifies)
    score = float(score_of(columns.mean(axis=0)[None], 0, classifies)[0])
    if classifies:
        # Resamples of rows that are all right would be all right, too: the exact interval
        # of a share (Clopper and Pearson 1934) knows that the rows are few.
        hits = int(columns.sum())
        ends = scipy.stats.binomtest(hits, len(truth)).proportion_ci(LEVEL)
        return HoldoutScore(name, score, float(ends.low), float(ends.high), None)
    low, high = statistic_bounds(
        columns, lambda m: score_of(m, 0, classifies), LEVEL, settings.seed
    )
    root_error = float(np.sqrt(columns[:, 0].mean()) / unit_of(np.abs(truth).max()))
    return HoldoutScore(name, score, low, high, root_error)


def _versus(
    truth: Array, predictions: Mapping[str, Array], of: TableProblem, settings: StudySettings
) -> HoldoutComparison:
    """The first of the predictions against the second.

    Of classes by the rows that one of the two has right, and a sign test of these (McNemar
    1947, in its exact form); of numbers by the interval of the difference of R².
    """
    (first, one), (second, other), *_ = predictions.items()
    if of.task == "classification":
        won = int(((one == truth) & (other != truth)).sum())
        lost = int(((one != truth) & (other == truth)).sum())
        p = float(scipy.stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
        shown = None if p > 1 - LEVEL else "better" if won > lost else "worse"
        found = f"it alone is right in {won} of {len(truth)} rows, {second} alone in {lost}"
        return HoldoutComparison(
            shown, _sentence(first, shown, second, found), {"won": won, "lost": lost, "p": p}
        )
    columns = columns_of(truth, one, other, classifies=False)

    def difference(means: Array) -> Array:
        return score_of(means, 0, classifies=False) - score_of(means, 1, classifies=False)

    value = float(difference(columns.mean(axis=0)[None])[0])
    low, high = statistic_bounds(columns, difference, LEVEL, settings.seed)
    shown = "better" if low > 0 else "worse" if high < 0 else None
    found = f"R² {value:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}".replace("-", "−")
    numbers = {"value": value, "low": low, "high": high}
    return HoldoutComparison(shown, _sentence(first, shown, second, found), numbers)


def _sentence(first: str, shown: str | None, second: str, found: str) -> str:
    said = f"{shown} than" if shown else "not shown to differ from"
    return f"{first[0].upper()}{first[1:]} is {said} {second}: {found}."


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
        "measure": found.measure,
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
