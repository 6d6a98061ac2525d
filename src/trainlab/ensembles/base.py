"""What the two population ensembles share: what is decided, trained, and selected.

Axis letters: N rows, n candidates.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone

from trainlab.data.batches import tell_of_a_large_batch
from trainlab.ensembles.boosting import words_of
from trainlab.ensembles.families import (
    FEW_FOR_TREES,
    LINEAR,
    QUICK_TREES,
    REGRESSION_TREES,
    TREES,
    Space,
    check_families,
    draw,
)
from trainlab.ensembles.folds import (
    PARTS,
    among,
    by_groups,
    checked_groups,
    deal,
    deal_alike,
    digest,
    given_splits,
    splits_of,
    spread,
)
from trainlab.ensembles.plan import RECIPE, EnsemblePlan
from trainlab.ensembles.training import EnsembleTraining, TrainedCandidates
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.base import BaseMLP
from trainlab.estimators.callbacks import CallbackSupport, Task, with_callbacks
from trainlab.estimators.choices import RULES, check_parameters
from trainlab.estimators.compatibility import draws_of
from trainlab.estimators.predictor import Networks, Predictor, Voter
from trainlab.estimators.preparation import Prepared, make_table, prepared, scalers_of
from trainlab.estimators.rows import Rows, merge
from trainlab.estimators.targets import Targets
from trainlab.limits import MEMBERS
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit
from trainlab.population.settings import FitSettings
from trainlab.search.persistence import plain_parameters, search_store, stored_recipe
from trainlab.search.selection import Selection, select
from trainlab.settings import FLAG, Rule, either, one_of, real, whole_number
from trainlab.training.plan import EarlyStopping
from trainlab.training.progress import Bar

FEW_ROWS: Final = 5_000
"""Rows up to which every part takes its turn; a preset says how many do of more."""

LONGEST: Final = 1e9
"""Seconds of a time limit at most."""

EARLIER: Final = True
"""The `standardize_inputs` of the ensembles of earlier versions."""
RUN: Final = "ensemble"
"""What a store calls it; the names of its populations begin so."""

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "quick": {"n_candidates": 8, "n_folds": 1, "max_iter": 40, "n_iter_no_change": 8},
    "default": {"n_candidates": 16, "n_folds": 3, "max_iter": 100, "n_iter_no_change": 16},
    "best": {"n_candidates": 64, "n_folds": 3, "max_iter": 100, "n_iter_no_change": 24},
}
"""What "auto" means; linear models are added to the candidates where they take part, and the folds
are those of more than FEW_ROWS rows."""
_BY_PRESET: Final = ("n_candidates", "max_iter", "n_iter_no_change")

# They change no network.
_IDLE: Final = (
    *("store", "fresh", "n_selected", "trees", "verbose", "workers"),
    *("time_limit", "cv", "scoring"),
)

_RULES: Final[Mapping[str, Rule]] = {
    "preset": one_of(tuple(PRESETS)),
    "n_candidates": either(whole_number(1, "16", high=MEMBERS), "auto"),
    "n_architectures": whole_number(1, "4", high=MEMBERS),
    "n_selected": whole_number(1, "50", high=MEMBERS),
    "trees": FLAG,
    "n_folds": either(whole_number(1, "'auto'", high=PARTS), "auto"),
    "max_iter": either(RULES["max_iter"], "auto"),
    "n_iter_no_change": either(RULES["n_iter_no_change"], "auto"),
    "time_limit": either(real(0.0, LONGEST, "(]", remedy="60"), None),
    "fresh": RULES["warm_start"],
    **{
        name: RULES[name]
        for name in (
            "batch_size",
            "class_weight",
            "dtype",
            "verbose",
            "workers",
            "engine",
        )
    },
}


class PopulationEnsemble(CallbackSupport, Predictor):
    """The base of the two estimators."""

    preset: str
    n_candidates: Any
    n_folds: Any
    n_architectures: int
    space: Any
    random_state: Any
    store: Any
    cv: Any

    _network: ClassVar[type[BaseMLP]]  # whose parameters the candidates have
    _families: ClassVar[Sequence[Space]]  # of each recipe; that of the last is also of later ones

    def _weighed(self, rows: Rows, targets: Targets) -> Rows:
        """The rows with all the weight that is asked for."""
        return rows

    def _aim(self) -> tuple[float, float] | None:
        """The quantile and the size of the pinball loss that selects; None: the usual loss."""
        return None

    def _learn_errors(self, truths: Array, weight: Array, targets: Targets) -> Targets:
        """Learns from the truths (rows, …) of the vote on validation rows; what decodes it."""
        return targets

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Draw candidates, train all in the first fold, the finalists in the others, and select.

        Parameters
        ----------
        X : array_like, sparse array or data frame, shape (N, d)
            Rows.
        y : array_like, shape (N,) or (N, out)
            Their targets, as the class says.
        sample_weight : array_like, shape (N,), optional
            How much each row counts: one of weight 0 is a row left out.
        groups : array_like, shape (N,), optional
            Rows of one group are on one side of each fold; the splitter `cv` is given them, where
            there is one.

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
        began = time.monotonic()
        plan = self._decide(X, y, sample_weight, groups)
        shown = Bar(RUN) if plan.chosen["verbose"] else nullcontext()
        limit = plan.chosen["time_limit"]
        rounds = min(plan.folds, 2) if limit is None else None
        task = Task.of(self, (X, y, sample_weight), rounds)
        with (
            search_store(self.store, plan.chosen["fresh"], self._config(plan), RUN) as store,
            shown as bar,
        ):
            training = EnsembleTraining(
                plan, self._fit_of, store, bar, plan.chosen["workers"], task
            )
            if limit is None:
                found = training.all()
            else:
                found = training.within(limit, began, type(self).__name__)
        self._select(found)
        task.end(dict)
        return self

    def _checked(self) -> dict[str, Any]:
        return check_parameters(self._parameters(), type(self).__name__, _RULES)

    def _usual(self, preset: str, recipe: int) -> dict[str, Any]:
        """What "auto" means, of what a preset decides but the folds."""
        usual = {name: PRESETS[preset][name] for name in _BY_PRESET}
        usual["n_candidates"] += len(self._linear(recipe))
        return usual

    def _linear(self, recipe: int) -> Sequence[Mapping[str, Any]]:
        """The linear models among the candidates that are drawn where nothing is asked for."""
        return LINEAR if recipe > 5 and self.space is None else ()

    def _config(self, plan: EnsemblePlan) -> dict[str, Any]:
        """What decides the candidates and their training, as plain values."""
        said = {name: plan.chosen[name] for name in _BY_PRESET}
        if self.preset != "default":
            said["n_folds"] = plan.folds
        own = plain_parameters(self.get_params(deep=False) | said, (*_IDLE, "preset"))
        # What earlier versions had no choice of is named where it is chosen.
        if plan.chosen["time_limit"] is not None:
            own |= {"time_limit": True}
        if plan.given:
            own |= {"cv": digest(plan.splits)}
        # The first recipe had standard inputs alone; it did not say so, nor did two that they are.
        if plan.recipe == 1:
            return own
        if plan.recipe > 2:
            own |= {"recipe": plan.recipe}
        drawn = self._count_drawn(plan.chosen, plan.recipe)
        if drawn > plan.chosen["n_candidates"]:
            own |= {"n_drawn": drawn}
        return own | {"standardize_inputs": list(plan.inputs)}

    def _decide(self, X: Any, y: Any, sample_weight: Any, groups: Any) -> EnsemblePlan:
        """Everything that is checked, drawn and decided before training."""
        owner = type(self).__name__
        chosen = self._checked()
        stored = None if chosen["fresh"] else stored_recipe(self.store, RUN)
        recipe = min(stored or RECIPE, RECIPE)  # a later one is refused by its config
        chosen |= {
            name: value
            for name, value in self._usual(chosen["preset"], recipe).items()
            if isinstance(chosen[name], str)
        }
        usual = self._families[min(recipe, len(self._families)) - 1]
        space = usual if self.space is None else check_families(self.space, owner)
        if self.store is not None and not isinstance(self.random_state, (int, np.integer)):
            must = "be an integer where there is a store, to continue with the same candidates"
            remedy = "random_state=0"
            raise SettingError(sentence("random_state", owner, must, self.random_state, remedy))
        rows = self._check_rows(X, y, sample_weight, reset=True)
        groups = checked_groups(groups, X, owner)
        given = self.cv is not None or groups is not None
        if chosen["batch_size"] != "auto":
            tell_of_a_large_batch(chosen["batch_size"], len(rows))
        rows = rows if given else merge(rows)
        if len(rows) < 2:
            raise DataError(sentence("X, y", owner, "have 2 different rows or more", "1 sample"))
        if recipe > 5 and not given:
            rows = spread(rows)
        targets = self._learn_targets(rows, {"standardize_targets": True})
        rows = self._weighed(rows, targets)
        draws = draws_of(self.random_state, owner)
        classifies = targets.task == "classification"
        if given:
            cv = self.cv
            if cv is None:
                cv = by_groups(classifies, groups, draws.randint(np.iinfo(np.int32).max), owner)
            splits, number = given_splits(cv, X, y, groups, owner)
            splits = among(splits, rows.number, number, owner)
        else:
            parts = min(PARTS, len(rows))
            if recipe == 5 and classifies:
                part = deal_alike(rows, parts, draws)
            else:
                part = deal(rows.y, parts, draws, classifies)
            splits = splits_of(part, parts)
        if chosen["n_folds"] != "auto":
            splits = splits[: chosen["n_folds"]]
        elif self.cv is None:
            splits = splits[: _count_folds(chosen["preset"], len(rows), recipe)]
        candidates, seeds, turns = self._drawn(space, chosen, draws, recipe, issparse(rows.x))
        kinds = dict.fromkeys(one["standardize_inputs"] for one in candidates)
        inputs = scalers_of(kinds, rows)
        trees = _settings_of_trees(chosen, rows, classifies, recipe)
        seed = int(draws.randint(np.iinfo(np.int32).max))
        words = words_of(rows.x, targets) if trees and recipe > 4 else ()
        how = (trees, words, seed, chosen, recipe, given, self._aim() or ())
        return EnsemblePlan(rows, splits, inputs, targets, candidates, seeds, turns, *how)

    def _drawn(
        self,
        space: Any,
        chosen: Mapping[str, Any],
        draws: np.random.RandomState,
        recipe: int,
        is_sparse: bool,
    ) -> tuple[list[dict[str, Any]], Array, Array]:
        """The candidates, those of the same inputs together, with their seeds and turns.

        They are the first of those that the preset draws: so many of them, by their turns.
        """
        owner, count = type(self).__name__, chosen["n_candidates"]
        linear = self._linear(recipe)
        most = count if recipe == 1 else self._count_drawn(chosen, recipe)
        by_architecture = draw(space, most - len(linear), chosen["n_architectures"], draws)
        by_architecture.append([dict(one) for one in linear])
        drawn = [one for own in by_architecture for one in own]
        # Linear models have seeds of networks, so that what else is drawn does not depend on them.
        seeds = draws.randint(np.iinfo(np.int32).max, size=len(drawn) - len(linear))
        seeds = np.resize(seeds, len(drawn))
        # In turn the first of each architecture, the second, and so on.
        ranked = [(rank, n) for n, own in enumerate(by_architecture) for rank in range(len(own))]
        turns = np.empty(len(drawn), np.int64)
        turns[sorted(range(len(drawn)), key=ranked.__getitem__)] = np.arange(len(drawn))
        usual_inputs: str | bool = EARLIER if recipe == 1 else "robust"
        candidates = [{"standardize_inputs": usual_inputs} | one for one in drawn]
        name, rule = "standardize_inputs", RULES["standardize_inputs"]
        for one in candidates:
            one[name] = rule.check(one[name], name, owner)
            # Of a sparse X, which codes would make dense, the usual candidates have none.
            if self.space is None and is_sparse and one[name] == "piecewise":
                one[name] = "robust"
        order = sorted(range(len(drawn)), key=lambda n: str(candidates[n][name]))
        order = [n for n in order if turns[n] < count]
        return [candidates[n] for n in order], seeds[order], turns[order]

    def _count_drawn(self, chosen: Mapping[str, Any], recipe: int) -> int:
        """How many candidates are drawn, of which the first are trained."""
        usual = self._usual(chosen["preset"], recipe)
        return int(max(chosen["n_candidates"], usual["n_candidates"]))

    def _fit_of(
        self,
        plan: EnsemblePlan,
        fold: int,
        kind: str | bool,
        places: Sequence[int],
        wave: str,
    ) -> Fit:
        """Candidates of a kind of inputs as one population, on the rows of a fold."""
        ready = self._prepare(plan, fold, kind, places)
        name = f"{RUN}: fold {fold + 1}"
        if len(plan.inputs) > 1:
            name += f", {kind} inputs"
        members = [member for one in ready for member in one.members]
        return Fit(members, ready[0].data, FitSettings(**ready[0].arguments, run=name + wave))

    def _prepare(
        self, plan: EnsemblePlan, fold: int, kind: str | bool, places: Sequence[int]
    ) -> list[Prepared]:
        """One for each of some candidates of a kind of inputs, all on one table."""
        owner, chosen = type(self).__name__, plan.chosen
        rows, held = plan.rest(fold), plan.held(fold)
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
            for own, seed in zip(every, plan.seeds[list(places)], strict=True)
        ]

    def _select(self, found: TrainedCandidates) -> None:
        """Selects candidates, and keeps them and what there is to say of them."""
        plan, finalists = found.plan, found.finalists()
        truths, weight = found.on_validation()
        own = select(truths, weight, plan.targets.task, plan.chosen["n_selected"], *plan.aim)
        count = len(plan.candidates) + len(plan.trees)
        weights, losses = np.zeros(count), np.full(count, np.inf)
        weights[finalists], losses[finalists] = own.weights, own.losses
        voted = np.tensordot(own.weights, truths, axes=1)
        selection = Selection(weights, losses, own.loss)
        self._keep(found, selection, self._learn_errors(voted, weight, plan.targets))

    def _keep(self, found: TrainedCandidates, selection: Selection, targets: Targets) -> None:
        """What was selected, and what there is to say of it."""
        plan, chosen = found.plan, selection.weights
        folds = plan.folds
        voters: list[Voter] = []
        weights: list[Array] = []
        networks = chosen[: len(plan.candidates)]
        # There is always a network, if with no weight: files and graphs begin with one.
        best = int(np.argmin(selection.losses[: len(networks)]))
        wanted = np.flatnonzero(networks) if networks.any() else np.array([best])
        for kind in plan.inputs:
            places = [place for place in plan.places(kind) if place in wanted]
            if places:
                voters.append(Networks(plan.inputs[kind], _joined(found, places)))
                weights.append(np.tile(chosen[places] / folds, folds))
        for number, fold in sorted(found.trees, key=lambda place: place[::-1]):
            if chosen[number]:
                voters.append(found.trees[number, fold])
                weights.append(np.array([chosen[number] / folds]))
        first = voters[0]
        assert isinstance(first, Networks)
        self._inputs, self._population, self._beside = first.inputs, first.population, voters[1:]
        self._weights = np.concatenate(weights)
        self._targets, self._dtype = targets, plan.dtype
        self.candidates_ = [dict(one) for one in (*plan.candidates, *plan.trees)]
        self.weights_, self.losses_ = selection.weights, selection.losses
        self.loss_, self.best_index_ = selection.loss, selection.best
        self.gain_ = float(selection.losses[selection.best] - selection.loss)
        self.n_folds_ = folds
        self.n_networks_ = sum(len(one) for one in voters if isinstance(one, Networks))
        trained = found.networks.values()
        self.n_iter_ = max(one.epochs for one in trained)
        self.n_diverged_ = sum(one.diverged for one in trained)
        counts = {"n_candidates": len(plan.candidates), "n_folds": folds}
        again = {"time_limit": None, **counts, "trees": len(plan.trees) > 0}
        # A class derived from this one may have fewer parameters; what it does not ask for, it
        # does again by itself, but where time decided.
        known = {key: again[key] for key in again if key in self._get_param_names()}
        repeats = len(known) == len(again) or self.time_limit is None
        self.replay_ = known if found.whole and repeats else None


def _count_folds(preset: str, rows: int, recipe: int) -> int:
    """How many folds "auto" means."""
    if recipe < 3:  # without a race each costs as much as the first
        return 1 if rows > FEW_ROWS else 3 if preset == "quick" else PARTS
    many: int = PRESETS[preset]["n_folds"]
    return many if rows > FEW_ROWS else PARTS


def _settings_of_trees(
    chosen: Mapping[str, Any], rows: Rows, classifies: bool, recipe: int
) -> Sequence[Mapping[str, Any]]:
    """Those of the boosted trees; none for sparse rows, which trees do not take."""
    if not chosen["trees"] or recipe == 1 or issparse(rows.x):
        return ()
    if classifies or len(rows) <= FEW_FOR_TREES:
        return QUICK_TREES if chosen["preset"] == "quick" else TREES
    return TREES if recipe < 4 else REGRESSION_TREES


def _joined(found: TrainedCandidates, places: Sequence[int]) -> Population:
    """Some candidates in all folds, fold by fold, as one population."""
    own = [found.networks[place, fold] for fold in range(found.plan.folds) for place in places]
    members = [one.population[one.row] for one in own]
    states = [one.population.states[one.row] for one in own]
    first = own[0].population
    return Population.restore(members, states, first.widths, first.engine)
