"""What the two population ensembles share: dealing rows into parts, training, selection.

Axis letters: N rows, n candidates.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
from sklearn.base import clone

from trainlab.ensembles.families import FAMILIES, check_families, draw
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.choices import RULES, check_parameters
from trainlab.estimators.compatibility import draws_of
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.predictor import Predictor
from trainlab.estimators.preparation import Prepared, dtype_of, make_table, prepared, scaler_of
from trainlab.estimators.rows import Rows, merge
from trainlab.estimators.targets import Targets
from trainlab.limits import MEMBERS
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.search.persistence import plain_parameters, search_store, stored_inputs
from trainlab.search.selection import Selection, select, truths_of
from trainlab.search.training import portions, size_of
from trainlab.settings import Rule, either, whole_number
from trainlab.training.plan import EarlyStopping
from trainlab.training.progress import Bar

PARTS: Final = 5
"""Parts into which rows are dealt; a fold validates on one and trains on the others."""
ALL_FOLDS: Final = 5_000
"""Rows up to which every part takes its turn: beyond, one of them is validation enough."""
STEPS: Final = 20
"""Steps of an epoch that an automatic batch size aims at, within BATCHES."""
BATCHES: Final = (32, 256)

RUN: Final = "ensemble"
"""What a store calls it; the names of its populations begin so."""

# They change no network.
_IDLE: Final = ("store", "fresh", "n_selected", "verbose", "workers")

_RULES: Final[Mapping[str, Rule]] = {
    "n_candidates": whole_number(1, "32", high=MEMBERS),
    "n_architectures": whole_number(1, "4", high=MEMBERS),
    "n_selected": whole_number(1, "50", high=MEMBERS),
    "n_folds": either(whole_number(1, "'auto'", high=PARTS), "auto"),
    "fresh": RULES["warm_start"],
    **{
        name: RULES[name]
        for name in (
            "max_iter",
            "n_iter_no_change",
            "batch_size",
            "class_weight",
            "dtype",
            "verbose",
            "workers",
            "engine",
        )
    },
}


def deal(y: Array, parts: int, draws: np.random.RandomState, stratify: bool) -> Array:
    """The part (N,) of each row, by chance, all of one size ± 1; so are those of each class."""
    order = draws.permutation(len(y))
    if stratify:
        order = order[np.argsort(y[order], kind="stable")]
    part = np.empty(len(y), np.int64)
    part[order] = np.arange(len(y)) % parts
    return part


@dataclass(frozen=True, eq=False)
class _EnsemblePlan:
    """What is decided before training.

    rows        those that differ, with all their weight
    part        (N,) the part that each was dealt into
    standardize what becomes of X, as in `MLPClassifier`
    candidates  n dicts of parameters; seeds (n,)
    chosen      the checked parameters of the ensemble
    """

    rows: Rows
    part: Array
    standardize: str | bool
    inputs: InputScaler
    targets: Targets
    candidates: Sequence[Mapping[str, Any]]
    seeds: Array
    chosen: Mapping[str, Any]

    @property
    def dtype(self) -> str:
        """That of the networks."""
        return dtype_of(self.rows, self.chosen)

    @property
    def folds(self) -> int:
        """How many parts take their turn as validation rows."""
        folds, rows = self.chosen["n_folds"], len(self.rows)
        if folds == "auto":
            return min(PARTS if rows <= ALL_FOLDS else 1, rows)
        return min(int(folds), rows)

    def held(self, fold: int) -> Rows:
        """Those that a fold validates on."""
        return self.rows.take(np.flatnonzero(self.part == fold))

    def batch_size(self, rows: int) -> int:
        """The rows of a step, of so many."""
        size = self.chosen["batch_size"]
        if size == "auto":
            return int(np.clip(rows // STEPS, *BATCHES))
        return int(size)


@dataclass(frozen=True, eq=False)
class _Fold:
    """A population of all candidates, trained; what it says of its validation rows.

    truths  (n, rows, …) see `truths_of`
    weight  (rows,)
    """

    population: Population
    truths: Array
    weight: Array
    epochs: int
    diverged: int


def _told(held: Rows, fit: Fit, fitted: Fitted) -> _Fold:
    """What a population that is trained has to say of its validation rows."""
    population, data = Population(fit.members), fit.data
    history = population.adopt(fitted)
    assert data.validation is not None
    with np.errstate(all="ignore"):  # what overflows counts as undecided
        ask = population.predict if data.task == "regression" else population.predict_proba
        truths = truths_of(ask(data.validation.x), data.validation.t, data.task)
    weight = np.ones(len(held)) if held.weight is None else held.weight
    steps = -(-len(fit.data.train) // fit.settings.batch_size)
    epochs = max(-(-status.step // steps) for status in history.status)
    diverged = sum(status.kind == "diverged" for status in history.status)
    return _Fold(population, truths, weight, max(1, epochs), diverged)


class PopulationEnsemble(Predictor):
    """The base of the two estimators."""

    n_candidates: int
    n_architectures: int
    space: Any
    random_state: Any
    store: Any

    _network: ClassVar[type[BaseMLP]]  # whose parameters the candidates have

    @abstractmethod
    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        """The rows with all the weight that is asked for."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Draw candidates, train them on each fold, and select.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their targets, as the class says.
        sample_weight : array_like, shape (N,), optional
            How much each row counts: one of weight 0 is a row left out.

        Returns
        -------
        PopulationEnsemble
            The estimator.

        Raises
        ------
        ValueError
            For what is not as it must be.
        KeyboardInterrupt
            On Ctrl-C.
        """
        task = self._decide(X, y, sample_weight)
        shown = Bar(RUN) if task.chosen["verbose"] else nullcontext()
        found: list[_Fold] = []
        config = self._config(task.standardize)
        with search_store(self.store, task.chosen["fresh"], config, RUN) as store, shown as bar:
            fits = (self._fit_of(task, fold) for fold in range(task.folds))
            for part in portions(fits, size_of):
                workers = task.chosen["workers"]
                shared = RunSettings(workers=workers, progress=bar or False, store=store)
                fitted = fit_together(part, shared)
                if any(one.history.interrupted for one in fitted):
                    raise KeyboardInterrupt
                for fit, one in zip(part, fitted, strict=True):
                    found.append(_told(task.held(len(found)), fit, one))
        weight = np.concatenate([one.weight for one in found])
        truths = np.concatenate([one.truths for one in found], axis=1)
        selection = select(truths, weight, task.targets.task, task.chosen["n_selected"])
        self._keep(task, found, selection)
        return self

    def _chosen(self) -> dict[str, Any]:
        return check_parameters(self.get_params(deep=False), type(self).__name__, _RULES)

    def _config(self, standardize: str | bool = "robust") -> dict[str, Any]:
        """What decides the candidates and their training, as plain values."""
        own = self.get_params(deep=False)
        said = {"standardize_inputs": standardize} if standardize == "robust" else {}  # it is new
        return plain_parameters(own, _IDLE) | said

    def _decide(self, X: Any, y: Any, sample_weight: Any) -> _EnsemblePlan:
        """Everything that is checked, drawn and decided before training."""
        owner = type(self).__name__
        chosen = self._chosen()
        space = FAMILIES if self.space is None else check_families(self.space, owner)
        if self.store is not None and not isinstance(self.random_state, (int, np.integer)):
            must = "be an integer where there is a store, to go on with the same candidates"
            remedy = "random_state=0"
            raise SettingError(sentence("random_state", owner, must, self.random_state, remedy))
        rows = merge(self._check_rows(X, y, sample_weight, reset=True))
        if len(rows) < 2:
            raise DataError(sentence("X, y", owner, "have 2 different rows or more", "1 sample"))
        targets = self._learn_targets(rows, {"standardize_targets": True})
        rows = self._weighed(rows, targets)
        draws = draws_of(self.random_state, owner)
        stratify = targets.task == "classification"
        part = deal(rows.y, min(PARTS, len(rows)), draws, stratify)
        candidates = draw(space, chosen["n_candidates"], chosen["n_architectures"], draws)
        seeds = draws.randint(np.iinfo(np.int32).max, size=len(candidates))
        known = None if chosen["fresh"] else stored_inputs(self.store, RUN)
        standardize = "robust" if known is None else known
        inputs = scaler_of(standardize, rows)
        return _EnsemblePlan(rows, part, standardize, inputs, targets, candidates, seeds, chosen)

    def _fit_of(self, task: _EnsemblePlan, fold: int) -> Fit:
        """All candidates as one population, on the rows of the other parts."""
        rest = task.rows.take(np.flatnonzero(task.part != fold))
        ready = self._prepare(task, rest, task.held(fold))
        name = f"{RUN}: fold {fold + 1}"
        members = [member for one in ready for member in one.members]
        return Fit(members, ready[0].data, FitSettings(**ready[0].arguments, run=name))

    def _prepare(self, task: _EnsemblePlan, rows: Rows, held: Rows) -> list[Prepared]:
        """One for each candidate, all on one table."""
        owner, chosen = type(self).__name__, task.chosen
        network = self._network(batch_size=task.batch_size(len(rows)), engine=chosen["engine"])
        every = [
            check_parameters(clone(network).set_params(**one).get_params(deep=False), owner)
            for one in task.candidates
        ]
        features = {"n_features_in_": self.n_features_in_}
        before = task.inputs, task.dtype
        table = make_table(rows, held, task.targets, every[0], 0, features, before)
        epochs, patience = chosen["max_iter"], chosen["n_iter_no_change"]
        stopping = EarlyStopping("validation_loss", int(min(patience, epochs + 1)))
        return [
            prepared(table, own, [int(seed)], epochs, stopping, owner)
            for own, seed in zip(every, task.seeds, strict=True)
        ]

    def _keep(self, task: _EnsemblePlan, folds: Sequence[_Fold], selection: Selection) -> None:
        """What was selected, as one population, and what there is to say of it."""
        places = np.flatnonzero(selection.weights).tolist()
        populations = [fold.population for fold in folds]
        members = [population[place] for population in populations for place in places]
        states = [population.states[place] for population in populations for place in places]
        first = populations[0]
        self._population = Population.restore(members, states, first.widths, first.engine)
        self._weights = np.tile(selection.weights[places] / len(folds), len(folds))
        self._inputs, self._targets, self._dtype = task.inputs, task.targets, task.dtype
        self.candidates_ = [dict(one) for one in task.candidates]
        self.weights_, self.losses_ = selection.weights, selection.losses
        self.loss_, self.best_index_ = selection.loss, selection.best
        self.gain_ = float(selection.losses[selection.best] - selection.loss)
        self.n_folds_, self.n_networks_ = len(folds), len(members)
        self.n_iter_ = max(fold.epochs for fold in folds)
        self.n_diverged_ = sum(fold.diverged for fold in folds)
