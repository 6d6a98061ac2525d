"""Trains the candidates of an ensemble: all of them, or those that there is time for.

Order: what was trained, all of it, what there is time for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from trainlab.callers import warn
from trainlab.ensembles.plan import EnsemblePlan
from trainlab.errors import sentence
from trainlab.estimators.trees import BoostedTrees
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import RunSettings
from trainlab.search.selection import truths_of
from trainlab.search.training import portions, size_of
from trainlab.store import Store
from trainlab.training.progress import Bar

RESERVE: Final = 0.04
"""The share of a time limit that is left for the selection."""
FOLDS_SHARE: Final = 0.5
"""The share that the first candidates may take in all of their folds."""
TREES_SHARE: Final = 0.4
"""The share of what is left then that trees may take."""
SAFE: Final = 0.9
"""A wave begins where it is expected to take so much of what is left, or less."""
PROBED: Final = (1, 11)
"""Iterations of trees by which it is told how long all of them take."""
PROBE_ROWS: Final = 500
"""Rows of a first look, which says whether there is time for a second one at all rows."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A candidate that was trained on the rows of a fold; what it says of its validation rows.

    population, row  the network
    truths    (rows, …) see `truths_of`
    ended     whether it was trained to its end
    """

    population: Population
    row: int
    truths: Array
    epochs: int
    diverged: bool
    ended: bool


@dataclass(frozen=True, eq=False)
class TrainedCandidates:
    """What was trained of a plan.

    plan      what of it
    networks  by their candidate and fold
    trees     of each fold
    whole     whether all of them were trained to their end, so that they can be trained again
    """

    plan: EnsemblePlan
    networks: Mapping[tuple[int, int], TrainedNetwork]
    trees: Sequence[Sequence[BoostedTrees]]
    whole: bool = True


@dataclass(eq=False)
class EnsembleTraining:
    """The training of a plan.

    fit_of     (plan, fold, kind of inputs, candidates, name) → the population
    grow       (plan, fold, number of the tree's settings, iterations or None) → its trees
    """

    plan: EnsemblePlan
    fit_of: Callable[[EnsemblePlan, int, str | bool, Sequence[int], str], Fit]
    grow: Callable[[EnsemblePlan, int, int, int | None], BoostedTrees]
    iterations: Callable[[EnsemblePlan, int], int]
    store: Store | None
    bar: Bar | None
    workers: int | None
    networks: dict[tuple[int, int], TrainedNetwork] = field(default_factory=dict)

    # --- all of it -----------------------------------------------------------------------

    def all(self) -> TrainedCandidates:
        """All candidates in all folds."""
        plan = self.plan
        self._train(range(plan.folds), range(len(plan.candidates)))
        trees = [
            [self._grown(plan, fold, one) for one in range(len(plan.trees))]
            for fold in range(plan.folds)
        ]
        return TrainedCandidates(plan, self.networks, trees)

    def _train(
        self,
        folds: Sequence[int],
        candidates: Sequence[int],
        name: str = "",
        until: float | None = None,
    ) -> None:
        """Some candidates in some folds; KeyboardInterrupt on Ctrl-C."""
        plan, wanted = self.plan, set(candidates)
        jobs = [
            (fold, kind, own)
            for fold in folds
            for kind in plan.inputs
            if (own := [place for place in plan.places(kind) if place in wanted])
        ]
        fits = (self.fit_of(plan, fold, kind, own, name) for fold, kind, own in jobs)
        left = iter(jobs)
        for part in portions(fits, size_of):
            shared = RunSettings(workers=self.workers, progress=self.bar or False, store=self.store)
            fitted = fit_together(part, shared, until)
            in_time = until is None or time.monotonic() < until
            if in_time and any(one.history.interrupted for one in fitted):
                raise KeyboardInterrupt
            for fit, one in zip(part, fitted, strict=True):
                fold, _, own = next(left)
                for place, network in zip(own, _told(fit, one), strict=True):
                    self.networks[place, fold] = network
            if not in_time:
                return

    def _grown(
        self, plan: EnsemblePlan, fold: int, number: int, iterations: int | None = None
    ) -> BoostedTrees:
        """The trees of some settings."""
        if self.bar is not None:
            self.bar.note(f"trees of fold {fold + 1} of {plan.folds}")
            self.bar.advance(0, 0)
        return self.grow(plan, fold, number, iterations)

    # --- what there is time for ----------------------------------------------------------

    def within(self, seconds: float, began: float, owner: str) -> TrainedCandidates:
        """As many candidates as there is time for, in the order of their turns.

        The first wave, a candidate of each architecture, is trained in one fold, whose time says
        how many folds there will be.  Then come the trees, if they take no more than their share,
        and further waves, each twice as large as the last one where there is time for it; trees
        that were put off come last.

        seconds, began  the limit, and when it began, of `time.monotonic`
        """
        until = began + seconds * (1 - RESERVE)
        plan, order = self.plan, np.argsort(self.plan.turns, kind="stable").tolist()
        first = order[: min(len(order), plan.chosen["n_architectures"])]
        start = time.monotonic()
        self._train([0], first, _wave(0, first), until)
        if not self._ended(first, 0):
            return self._as_they_are(first, seconds, owner)
        took = time.monotonic() - start
        folds = int(np.clip(FOLDS_SHARE * seconds // took, 1, plan.folds))
        if folds > 1:
            self._train(range(1, folds), first, _wave(0, first), until)
            folds = next((one for one in range(1, folds) if not self._ended(first, one)), folds)
        each = (time.monotonic() - start) / len(first)
        trees = self._trees_within(folds, TREES_SHARE, until)
        done, size = len(first), len(first)
        while done < len(order):
            room = int(SAFE * (until - time.monotonic()) / each)
            wave = order[done : done + min(size, room)] if room > 0 else []
            if not wave:
                break
            start = time.monotonic()
            self._train(range(folds), wave, _wave(done, wave), until)
            each = (time.monotonic() - start) / len(wave)
            ended = [all(self._ended([one], fold) for fold in range(folds)) for one in wave]
            finished = ended.index(False) if False in ended else len(wave)
            done, size = done + finished, 2 * size
            if finished < len(wave):
                break
        if not trees and plan.trees and done == len(order):
            trees = self._trees_within(folds, SAFE, until)
        return self._cut(order[:done], folds, trees)

    def _ended(self, candidates: Sequence[int], fold: int) -> bool:
        """Whether candidates were trained to their end in a fold."""
        found = [self.networks.get((one, fold)) for one in candidates]
        return all(one is not None and one.ended for one in found)

    def _as_they_are(self, first: Sequence[int], seconds: float, owner: str) -> TrainedCandidates:
        """Networks that time has run out on."""
        must = "be enough for one network of each architecture, which vote as far as they came"
        remedy = "more seconds, or fewer n_architectures"
        warn(sentence("time_limit", owner, must, seconds, remedy), UserWarning)
        there = [one for one in first if (one, 0) in self.networks]
        found = self._cut(there, 1, ())
        return TrainedCandidates(found.plan, found.networks, found.trees, whole=False)

    def _trees_within(
        self, folds: int, share: float, until: float
    ) -> Sequence[Sequence[BoostedTrees]]:
        """The trees of each fold; none where they would take more than a share of what is left."""
        numbers, expected = range(len(self.plan.trees)), 0.0
        train, held = self.plan.splits[0]
        step = -(-len(train) // PROBE_ROWS)
        small = replace(self.plan, splits=[(train[::step], held[::step])])
        for one in numbers:
            probes = sum(self._seconds(small, one, count) for count in PROBED)
            if expected + step * probes > share * (until - time.monotonic()):
                return ()
            few, more = (self._seconds(self.plan, one, count) for count in PROBED)
            each = max(0.0, more - few) / (PROBED[1] - PROBED[0])
            expected += folds * (few + each * self.iterations(self.plan, one))
            if expected > share * (until - time.monotonic()):
                return ()
        found = []
        for fold in range(folds):
            if time.monotonic() >= until:
                return ()
            found.append([self._grown(self.plan, fold, one) for one in numbers])
        return found

    def _seconds(self, plan: EnsemblePlan, number: int, iterations: int) -> float:
        """How long so many iterations take, in the first fold of a plan."""
        start = time.monotonic()
        self._grown(plan, 0, number, iterations)
        return time.monotonic() - start

    def _cut(
        self, candidates: Sequence[int], folds: int, trees: Sequence[Sequence[BoostedTrees]]
    ) -> TrainedCandidates:
        """Those candidates, in so many folds, in the order of the plan."""
        kept = sorted(candidates)
        plan = self.plan.cut(kept, folds, bool(trees) and bool(trees[0]))
        networks = {
            (number, fold): self.networks[place, fold]
            for number, place in enumerate(kept)
            for fold in range(folds)
        }
        return TrainedCandidates(plan, networks, trees or [()] * folds)


def _wave(done: int, candidates: Sequence[int]) -> str:
    """The name of a wave."""
    return f", candidates {done + 1} to {done + len(candidates)}"


def _told(fit: Fit, fitted: Fitted) -> list[TrainedNetwork]:
    """What each network of a population has to say of its validation rows."""
    population, data = Population(fit.members), fit.data
    history = population.adopt(fitted)
    assert data.validation is not None
    with np.errstate(all="ignore"):  # what overflows counts as undecided
        ask: Any = population.predict if data.task == "regression" else population.predict_proba
        truths = truths_of(ask(data.validation.x), data.validation.t, data.task)
    steps = -(-len(data.train) // fit.settings.batch_size)
    return [
        TrainedNetwork(
            population,
            row,
            truths[row],
            max(1, -(-status.step // steps)),
            status.kind == "diverged",
            status.kind not in ("interrupted", "running"),
        )
        for row, status in enumerate(history.status)
    ]
