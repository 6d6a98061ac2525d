"""What the two population ensembles share: dealing rows into parts, training, selection.

Axis letters: N rows, n candidates.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from trainlab.ensembles.boosting import grow
from trainlab.ensembles.families import FAMILIES, FIRST_FAMILIES, TREES, check_families, draw
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.choices import RULES, check_parameters
from trainlab.estimators.compatibility import draws_of
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.predictor import Networks, Predictor, Voter
from trainlab.estimators.preparation import Prepared, dtype_of, make_table, prepared, scaler_of
from trainlab.estimators.rows import Rows, merge
from trainlab.estimators.targets import Targets
from trainlab.estimators.trees import BoostedTrees
from trainlab.limits import MEMBERS
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import FitSettings, RunSettings
from trainlab.search.persistence import plain_parameters, search_store, stored_inputs
from trainlab.search.selection import Selection, select, truths_of
from trainlab.search.training import portions, size_of
from trainlab.settings import FLAG, Rule, either, one_of, whole_number
from trainlab.training.plan import EarlyStopping
from trainlab.training.progress import Bar

PARTS: Final = 5
"""Parts into which rows are dealt; a fold validates on one and trains on the others."""
ALL_FOLDS: Final = 5_000
"""Rows up to which every part takes its turn: beyond, one of them is validation enough."""
STEPS: Final = 20
"""Steps of an epoch that an automatic batch size aims at, within BATCHES."""
BATCHES: Final = (32, 256)

EARLIER: Final = True
"""The `standardize_inputs` of the ensembles of earlier versions."""
RUN: Final = "ensemble"
"""What a store calls it; the names of its populations begin so."""

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "quick": {"n_candidates": 8, "n_folds": 3, "n_iter_no_change": 8},
    "default": {"n_candidates": 16, "n_folds": PARTS, "n_iter_no_change": 16},
    "best": {"n_candidates": 64, "n_folds": PARTS, "n_iter_no_change": 24},
}
"""What "auto" means; of more than ALL_FOLDS rows one fold is enough."""

# They change no network.
_IDLE: Final = ("store", "fresh", "n_selected", "trees", "verbose", "workers")

_RULES: Final[Mapping[str, Rule]] = {
    "preset": one_of(tuple(PRESETS)),
    "n_candidates": either(whole_number(1, "16", high=MEMBERS), "auto"),
    "n_architectures": whole_number(1, "4", high=MEMBERS),
    "n_selected": whole_number(1, "50", high=MEMBERS),
    "trees": FLAG,
    "n_folds": either(whole_number(1, "'auto'", high=PARTS), "auto"),
    "n_iter_no_change": either(RULES["n_iter_no_change"], "auto"),
    "fresh": RULES["warm_start"],
    **{
        name: RULES[name]
        for name in (
            "max_iter",
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
    inputs      what becomes of X, by the parameter `standardize_inputs` of the candidates
    candidates  dicts of parameters, those of the same inputs together; seeds, one for each
    trees       settings of the boosted trees, and the seed of all of them
    chosen      the checked parameters of the ensemble
    earlier     whether it goes on with what an earlier version began in its store
    """

    rows: Rows
    part: Array
    inputs: Mapping[str | bool, InputScaler]
    targets: Targets
    candidates: Sequence[Mapping[str, Any]]
    seeds: Array
    trees: Sequence[Mapping[str, Any]]
    trees_seed: int
    chosen: Mapping[str, Any]
    earlier: bool

    @property
    def dtype(self) -> str:
        """That of the networks."""
        return dtype_of(self.rows, self.chosen)

    @property
    def folds(self) -> int:
        """How many parts take their turn as validation rows."""
        folds, rows = self.chosen["n_folds"], len(self.rows)
        if folds == "auto":
            usual = PRESETS[self.chosen["preset"]]["n_folds"]
            return min(usual if rows <= ALL_FOLDS else 1, rows)
        return min(int(folds), rows)

    def held(self, fold: int) -> Rows:
        """Those that a fold validates on."""
        return self.rows.take(np.flatnonzero(self.part == fold))

    def rest(self, fold: int) -> Rows:
        """Those that a fold trains on."""
        return self.rows.take(np.flatnonzero(self.part != fold))

    def places(self, kind: str | bool) -> list[int]:
        """The numbers of the candidates of a kind of inputs."""
        return [n for n, one in enumerate(self.candidates) if one["standardize_inputs"] == kind]

    def batch_size(self, rows: int) -> int:
        """The rows of a step, of so many."""
        size = self.chosen["batch_size"]
        if size == "auto":
            return int(np.clip(rows // STEPS, *BATCHES))
        return int(size)


@dataclass(frozen=True, eq=False)
class _TrainedFold:
    """A population that was trained on the rows of a fold; what it says of its validation rows.

    truths  (members, rows, …) see `truths_of`
    """

    population: Population
    truths: Array
    epochs: int
    diverged: int


def _told(fit: Fit, fitted: Fitted) -> _TrainedFold:
    """What a population that is trained has to say of its validation rows."""
    population, data = Population(fit.members), fit.data
    history = population.adopt(fitted)
    assert data.validation is not None
    with np.errstate(all="ignore"):  # what overflows counts as undecided
        ask = population.predict if data.task == "regression" else population.predict_proba
        truths = truths_of(ask(data.validation.x), data.validation.t, data.task)
    steps = -(-len(fit.data.train) // fit.settings.batch_size)
    epochs = max(-(-status.step // steps) for status in history.status)
    diverged = sum(status.kind == "diverged" for status in history.status)
    return _TrainedFold(population, truths, max(1, epochs), diverged)


class PopulationEnsemble(Predictor):
    """The base of the two estimators."""

    preset: str
    n_candidates: Any
    n_folds: Any
    n_architectures: int
    space: Any
    random_state: Any
    store: Any

    _network: ClassVar[type[BaseMLP]]  # whose parameters the candidates have

    @abstractmethod
    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        """The rows with all the weight that is asked for."""

    def _learn_errors(self, truths: Array, targets: Targets) -> None:
        """What there is to learn from the truths (rows, …) of the vote on validation rows."""
        return

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
        plan = self._decide(X, y, sample_weight)
        shown = Bar(RUN) if plan.chosen["verbose"] else nullcontext()
        found: list[_TrainedFold] = []
        with (
            search_store(self.store, plan.chosen["fresh"], self._config(plan), RUN) as store,
            shown as bar,
        ):
            fits = (
                self._fit_of(plan, fold, kind) for fold in range(plan.folds) for kind in plan.inputs
            )
            for part in portions(fits, size_of):
                workers = plan.chosen["workers"]
                shared = RunSettings(workers=workers, progress=bar or False, store=store)
                fitted = fit_together(part, shared)
                if any(one.history.interrupted for one in fitted):
                    raise KeyboardInterrupt
                found += map(_told, part, fitted)
            trees = []
            for fold in range(plan.folds):
                if bar is not None and plan.trees:
                    bar.note(f"trees of fold {fold + 1} of {plan.folds}")
                    bar.advance(0, 0)
                trees.append(self._grow(plan, fold))
        self._select(plan, found, trees)
        return self

    def _chosen(self) -> dict[str, Any]:
        found = check_parameters(self.get_params(deep=False), type(self).__name__, _RULES)
        usual = PRESETS[found["preset"]]
        for name in ("n_candidates", "n_iter_no_change"):
            if isinstance(found[name], str):
                found[name] = usual[name]
        return found

    def _config(self, plan: _EnsemblePlan) -> dict[str, Any]:
        """What decides the candidates and their training, as plain values."""
        said = {name: plan.chosen[name] for name in ("n_candidates", "n_iter_no_change")}
        if self.preset != "default":
            said["n_folds"] = plan.folds
        own = plain_parameters(self.get_params(deep=False) | said, (*_IDLE, "preset"))
        # Earlier versions had standard inputs alone, and did not say so.
        return own if plan.earlier else own | {"standardize_inputs": list(plan.inputs)}

    def _decide(self, X: Any, y: Any, sample_weight: Any) -> _EnsemblePlan:
        """Everything that is checked, drawn and decided before training."""
        owner = type(self).__name__
        chosen = self._chosen()
        earlier = not chosen["fresh"] and stored_inputs(self.store, RUN) is EARLIER
        usual = FIRST_FAMILIES if earlier else FAMILIES
        space = usual if self.space is None else check_families(self.space, owner)
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
        drawn = draw(space, chosen["n_candidates"], chosen["n_architectures"], draws)
        seeds = draws.randint(np.iinfo(np.int32).max, size=len(drawn))
        usual_inputs: str | bool = EARLIER if earlier else "robust"
        candidates = [{"standardize_inputs": usual_inputs} | one for one in drawn]
        name, rule = "standardize_inputs", RULES["standardize_inputs"]
        for one in candidates:
            one[name] = rule.check(one[name], name, owner)
            # Of a sparse X, which codes would make dense, the usual candidates have none.
            if self.space is None and issparse(rows.x) and one[name] == "piecewise":
                one[name] = "robust"
        order = sorted(range(len(drawn)), key=lambda n: str(candidates[n]["standardize_inputs"]))
        candidates = [candidates[n] for n in order]
        kinds = dict.fromkeys(one["standardize_inputs"] for one in candidates)
        inputs = {kind: scaler_of(kind, rows) for kind in kinds}
        with_trees = chosen["trees"] and not earlier and not issparse(rows.x)
        trees = TREES if with_trees else ()
        seed = int(draws.randint(np.iinfo(np.int32).max))
        return _EnsemblePlan(
            rows, part, inputs, targets, candidates, seeds[order], trees, seed, chosen, earlier
        )

    def _fit_of(self, plan: _EnsemblePlan, fold: int, kind: str | bool) -> Fit:
        """All candidates of a kind of inputs as one population, on the rows of the other parts."""
        ready = self._prepare(plan, plan.rest(fold), plan.held(fold), kind)
        name = f"{RUN}: fold {fold + 1}"
        if len(plan.inputs) > 1:
            name += f", {kind} inputs"
        members = [member for one in ready for member in one.members]
        return Fit(members, ready[0].data, FitSettings(**ready[0].arguments, run=name))

    def _prepare(
        self, plan: _EnsemblePlan, rows: Rows, held: Rows, kind: str | bool
    ) -> list[Prepared]:
        """One for each candidate of a kind of inputs, all on one table."""
        owner, chosen, places = type(self).__name__, plan.chosen, plan.places(kind)
        network = self._network(batch_size=plan.batch_size(len(rows)), engine=chosen["engine"])
        every = [
            check_parameters(
                clone(network).set_params(**plan.candidates[place]).get_params(deep=False), owner
            )
            for place in places
        ]
        features = {"n_features_in_": self.n_features_in_}
        before = plan.inputs[kind], plan.dtype
        table = make_table(rows, held, plan.targets, every[0], 0, features, before)
        epochs, patience = chosen["max_iter"], chosen["n_iter_no_change"]
        stopping = EarlyStopping("validation_loss", int(min(patience, epochs + 1)))
        return [
            prepared(table, own, [int(seed)], epochs, stopping, owner)
            for own, seed in zip(every, plan.seeds[places], strict=True)
        ]

    def _grow(self, plan: _EnsemblePlan, fold: int) -> list[BoostedTrees]:
        """The trees of a fold, cut where they say most of its validation rows."""
        rows, held = (
            replace(one, y=plan.targets.encode(one.y)) for one in (plan.rest(fold), plan.held(fold))
        )
        return [grow(rows, held, plan.targets, own, plan.trees_seed) for own in plan.trees]

    def _select(
        self,
        plan: _EnsemblePlan,
        found: Sequence[_TrainedFold],
        trees: Sequence[Sequence[BoostedTrees]],
    ) -> None:
        """Selects candidates, and keeps them and what there is to say of them."""
        targets, kinds, folds = plan.targets, list(plan.inputs), plan.folds
        each = {
            kind: [found[fold * len(kinds) + place] for fold in range(folds)]
            for place, kind in enumerate(kinds)
        }
        parts, weights = [], []
        for fold in range(folds):
            held = plan.held(fold)
            t, method = targets.encode(held.y), "predict_proba"
            said = [each[kind][fold].truths for kind in kinds]
            for one in trees[fold]:
                answers = one.outputs(held.x, plan.dtype, method, plan.chosen["engine"])
                said.append(truths_of(answers, t, targets.task))
            parts.append(np.concatenate(said))
            weights.append(np.ones(len(held)) if held.weight is None else held.weight)
        truths, weight = np.concatenate(parts, axis=1), np.concatenate(weights)
        selection = select(truths, weight, targets.task, plan.chosen["n_selected"])
        self._learn_errors(np.tensordot(selection.weights, truths, axes=1), targets)
        self._keep(plan, each, trees, selection)

    def _keep(
        self,
        plan: _EnsemblePlan,
        each: Mapping[str | bool, Sequence[_TrainedFold]],
        trees: Sequence[Sequence[BoostedTrees]],
        selection: Selection,
    ) -> None:
        """What was selected, and what there is to say of it."""
        folds, chosen = plan.folds, selection.weights
        voters: list[Voter] = []
        weights: list[Array] = []
        networks = chosen[: len(plan.candidates)]
        # There is always a network, if with no weight: files and graphs begin with one.
        best = int(np.argmin(selection.losses[: len(networks)]))
        wanted = np.flatnonzero(networks) if networks.any() else np.array([best])
        for kind, found in each.items():
            own = plan.places(kind)
            places = [place for place in own if place in wanted]
            if places:
                voters.append(
                    Networks(plan.inputs[kind], _joined(found, [p - own[0] for p in places]))
                )
                weights.append(np.tile(chosen[places] / folds, folds))
        for fold in trees:
            for own_weight, one in zip(chosen[len(networks) :], fold, strict=True):
                if own_weight:
                    voters.append(one)
                    weights.append(np.array([own_weight / folds]))
        first = voters[0]
        assert isinstance(first, Networks)
        self._inputs, self._population, self._beside = first.inputs, first.population, voters[1:]
        self._weights = np.concatenate(weights)
        self._targets, self._dtype = plan.targets, plan.dtype
        self.candidates_ = [dict(one) for one in (*plan.candidates, *plan.trees)]
        self.weights_, self.losses_ = selection.weights, selection.losses
        self.loss_, self.best_index_ = selection.loss, selection.best
        self.gain_ = float(selection.losses[selection.best] - selection.loss)
        self.n_folds_ = folds
        self.n_networks_ = sum(len(one) for one in voters if isinstance(one, Networks))
        self.n_iter_ = max(one.epochs for found in each.values() for one in found)
        self.n_diverged_ = sum(one.diverged for found in each.values() for one in found)


def _joined(found: Sequence[_TrainedFold], places: Sequence[int]) -> Population:
    """Some members of the populations of all folds, fold by fold, as one population."""
    populations = [one.population for one in found]
    members = [population[place] for population in populations for place in places]
    states = [population.states[place] for population in populations for place in places]
    return Population.restore(members, states, populations[0].widths, populations[0].engine)
