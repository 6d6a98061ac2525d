"""Trains the candidates of an ensemble: all of them, or those that there is time for.

It is a race: all are trained in the first fold, and those that are selected most there, the
finalists, in the others, too.

Order: what was trained, all of it, what there is time for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from trainlab.callers import warn
from trainlab.ensembles.boosting import grow, iterations_of
from trainlab.ensembles.plan import EnsemblePlan
from trainlab.errors import sentence
from trainlab.estimators.callbacks import Task
from trainlab.estimators.trees import BoostedTrees
from trainlab.network.workspace import Array
from trainlab.population import Population
from trainlab.population.fit import Fit, Fitted, fit_together
from trainlab.population.settings import RunSettings
from trainlab.search.selection import bagged, mean_loss, truths_of
from trainlab.search.training import portions, size_of
from trainlab.store import Store
from trainlab.training.progress import Bar

FINALISTS: Final = 0.4
"""The share of the candidates that is trained in all folds."""
BAGS: Final = 10
"""Resamples of the validation rows of the first fold, from which finalists are selected."""
ROUNDS: Final = 20
"""Candidates that are selected of each at most, repetitions counted."""
RESERVE: Final = 0.04
"""The share of a time limit that is left for the selection."""
FIRST_SHARE: Final = 0.45
"""The share that the first fold may take, where there are others."""
TREES_SHARE: Final = 0.4
"""The share of what is left of that which trees may take."""
SAFE: Final = 0.9
"""A wave, or a fold, begins where it is expected to take so much of what is left, or less."""
TICK: Final = 1e-6
"""Seconds that a network takes at least."""
PROBED: Final = (1, 11)
"""Iterations of trees by which it is told how long all of them take."""
PROBE_ROWS: Final = 500
"""Rows of a first look, which says whether there is time for a second one at all rows."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A candidate that was trained on the rows of a fold.

    population, row  the network
    ended     whether it was trained to its end
    """

    population: Population
    row: int
    epochs: int
    diverged: bool
    ended: bool


@dataclass(frozen=True, eq=False)
class TrainedCandidates:
    """What was trained of a plan.

    Candidates are numbered: first the networks of the plan, then its trees.

    networks  by their number and fold
    trees     by their number and fold
    truths    what each says of the validation rows, see `truths_of`, by its number and fold
    whole     whether all of them were trained to their end, so that they can be trained again
    """

    plan: EnsemblePlan
    networks: Mapping[tuple[int, int], TrainedNetwork]
    trees: Mapping[tuple[int, int], BoostedTrees]
    truths: Mapping[tuple[int, int], Array]
    whole: bool = True

    def finalists(self) -> list[int]:
        """The numbers of those that were trained in all folds."""
        last = self.plan.folds - 1
        return sorted(number for number, fold in self.truths if fold == last)

    def on_validation(self) -> tuple[Array, Array]:
        """The truths (n, rows, …) of the finalists in all folds, and weights (rows,)."""
        folds = range(self.plan.folds)
        truths = [
            np.concatenate([self.truths[number, fold] for fold in folds])
            for number in self.finalists()
        ]
        held = [self.plan.held(fold) for fold in folds]
        weights = [np.ones(len(one)) if one.weight is None else one.weight for one in held]
        return np.stack(truths), np.concatenate(weights)


@dataclass(eq=False)
class EnsembleTraining:
    """The training of a plan.

    fit_of     (plan, fold, kind of inputs, candidates, name) → the population
    task       that of the fit, in which what is trained together is a round
    stopped    whether one who follows it wants no further round
    """

    plan: EnsemblePlan
    fit_of: Callable[[EnsemblePlan, int, str | bool, Sequence[int], str], Fit]
    store: Store | None
    bar: Bar | None
    workers: int | None
    task: Task
    stopped: bool = False
    networks: dict[tuple[int, int], TrainedNetwork] = field(default_factory=dict)
    trees: dict[tuple[int, int], BoostedTrees] = field(default_factory=dict)
    truths: dict[tuple[int, int], Array] = field(default_factory=dict)

    # --- all of it -----------------------------------------------------------------------

    def all(self) -> TrainedCandidates:
        """All candidates in the first fold, and the finalists in all folds."""
        everyone = range(len(self.plan.candidates) + len(self.plan.trees))
        self._train([0], everyone)
        folds = 1 if self.stopped else self.plan.folds
        if folds > 1:
            how = self._chosen_by(self.plan.chosen["trees"])
            self._train(range(1, folds), self._finalists(everyone), how)
        return self._cut(everyone, folds)

    def _finalists(self, numbers: Sequence[int]) -> Sequence[int]:
        """The share of candidates that is selected most in the first fold, and the best network.

        Linear models that are selected come in addition: they take next to no time.

        numbers  rising
        """
        plan = self.plan
        if not plan.races:
            return numbers
        first = self._cut(numbers, 1)
        draws = np.random.RandomState(plan.seed)
        rounds = self._rounds
        weights = bagged(*first.on_validation(), plan.targets.task, rounds, BAGS, draws, *plan.aim)
        if self.bar is not None:
            losses = mean_loss(*first.on_validation(), plan.targets.task, *plan.aim)
            self.bar.best(float(losses.min()))
        linear = {place for place in range(len(numbers)) if first.plan.is_linear(place)}
        places = np.argsort(-weights, kind="stable").tolist()
        most = [place for place in places if place not in linear]
        most = most[: math.ceil(FINALISTS * len(most))]
        kept = {place for place in (*most, *linear) if weights[place]}
        kept.add(int(np.argmax(weights[: len(first.plan.candidates)])))
        return [numbers[place] for place in sorted(kept)]

    @property
    def _rounds(self) -> int:
        """How many are selected of each resample."""
        return int(min(self.plan.chosen["n_selected"], ROUNDS))

    def _chosen_by(self, with_trees: bool) -> str:
        """What decides the finalists beside what a store compares, where it is not the usual.

        Their trainings are called by it: otherwise a store would have other members of one name.
        """
        if not self.plan.races:
            return ""
        found = [] if with_trees else ["no trees"]
        found += [f"{self._rounds} selected"] if self._rounds < ROUNDS else []
        found += [f"quantile {self.plan.aim[0]}"] if self.plan.aim else []
        return "".join(f", {one}" for one in found)

    def _train(
        self,
        folds: Sequence[int],
        numbers: Sequence[int],
        name: str = "",
        until: float | None = None,
    ) -> None:
        """Some candidates in some folds, a round; KeyboardInterrupt on Ctrl-C."""
        task = self.task.subtask("round").begin()
        if self.bar is not None:
            first, last = folds[0] + 1, folds[-1] + 1
            several = f"folds {first} to {last}" if last > first else f"fold {first}"
            self.bar.part(f"{several} of {self.plan.folds}")
        self._train_networks(folds, numbers, name, until)
        self._train_trees(folds, numbers, until)
        self.stopped |= task.end()

    def _train_networks(
        self, folds: Sequence[int], numbers: Sequence[int], name: str, until: float | None
    ) -> None:
        plan, wanted = self.plan, set(numbers)
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
                for place, (network, truths) in zip(own, _told(fit, one), strict=True):
                    self.networks[place, fold], self.truths[place, fold] = network, truths
            if not in_time:
                return

    def _train_trees(
        self, folds: Sequence[int], numbers: Sequence[int], until: float | None
    ) -> None:
        plan = self.plan
        trees = [one for one in numbers if one >= len(plan.candidates)]
        for fold in folds if trees else ():
            held = plan.held(fold)
            t = plan.targets.encode(held.y)
            for number in trees:
                if until is not None and time.monotonic() >= until:
                    return
                grown = self._grown(plan, fold, number - len(plan.candidates))
                how = plan.dtype, plan.targets.read, plan.chosen["engine"]
                truths = truths_of(grown.outputs(held.x, *how), t, plan.targets.task)
                self.trees[number, fold], self.truths[number, fold] = grown, truths[0]

    def _grown(
        self, plan: EnsemblePlan, fold: int, setting: int, iterations: int | None = None
    ) -> BoostedTrees:
        """The trees of some settings, cut where they say most of the fold's validation rows."""
        if self.bar is not None:
            self.bar.note("trees")
            self.bar.part(f"fold {fold + 1} of {plan.folds}")
            self.bar.advance(0, 0)
        rows, held = (
            replace(one, y=plan.targets.encode(one.y)) for one in (plan.rest(fold), plan.held(fold))
        )
        how = plan.targets, plan.trees[setting], plan.seed, plan.words
        return grow(rows, held, *how, iterations)

    # --- what there is time for ----------------------------------------------------------

    def within(self, seconds: float, began: float, owner: str) -> TrainedCandidates:
        """As many candidates as there is time for, in the order of their turns.

        The first fold begins with a candidate of each architecture.  Then come the trees, if they
        take no more than their share, and further candidates in waves, each twice as large as the
        last one where there is time for it; trees that were put off come last.  The finalists are
        trained in one more fold after the other.

        seconds, began  the limit, and when it began, of `time.monotonic`
        """
        until = began + seconds * (1 - RESERVE)
        plan, order = self.plan, np.argsort(self.plan.turns, kind="stable").tolist()
        wave = order[: min(len(order), plan.chosen["n_architectures"])]
        start = time.monotonic()
        self._train([0], wave, _wave(0, wave), until)
        if not self._ended(wave, 0):
            return self._as_they_are(seconds, owner)
        each = (time.monotonic() - start) / len(wave)
        first = began + seconds * FIRST_SHARE if plan.folds > 1 else until
        trees, tree = self._trees_within(TREES_SHARE, first)
        done, size = len(wave), len(wave)
        while done < len(order) and not self.stopped:
            # What a store has takes no time, which some clocks cannot tell from 0.
            room = int(SAFE * (first - time.monotonic()) / max(each, TICK))
            wave = order[done : done + min(size, room)] if room > 0 else []
            if not wave:
                break
            start = time.monotonic()
            self._train([0], wave, _wave(done, wave), until)
            each = (time.monotonic() - start) / len(wave)
            ended = [self._ended([one], 0) for one in wave]
            finished = ended.index(False) if False in ended else len(wave)
            done, size = done + finished, 2 * size
            if finished < len(wave):
                break
        if not trees and done == len(order):
            trees, tree = self._trees_within(SAFE, first)
        numbers = [*sorted(order[:done]), *trees]
        finalists, folds = self._finalists(numbers), 1
        expected = sum(tree if one in trees else each for one in finalists)
        name = f", finalists of {len(numbers)} candidates{self._chosen_by(bool(trees))}"
        while folds < plan.folds and not self.stopped:
            if expected > SAFE * (until - time.monotonic()):
                break
            start = time.monotonic()
            self._train([folds], finalists, name, until)
            if not self._ended(finalists, folds):
                break
            expected = time.monotonic() - start
            folds += 1
        return self._cut(numbers, folds)

    def _ended(self, numbers: Sequence[int], fold: int) -> bool:
        """Whether candidates were trained to their end in a fold."""
        places = [(one, fold) for one in numbers]
        return all(
            place in self.trees or (place in self.networks and self.networks[place].ended)
            for place in places
        )

    def _as_they_are(self, seconds: float, owner: str) -> TrainedCandidates:
        """Networks that time has run out on."""
        must = "be enough for one network of each architecture, which vote as far as they came"
        remedy = "more seconds, or fewer rows"
        warn(sentence("time_limit", owner, must, seconds, remedy), UserWarning)
        return replace(self._cut(sorted(one for one, _ in self.networks), 1), whole=False)

    def _trees_within(self, share: float, until: float) -> tuple[Sequence[int], float]:
        """Trees in the first fold, and seconds of each; none that take more than a share."""
        if self.stopped or not self.plan.trees:
            return (), 0.0
        settings, expected = range(len(self.plan.trees)), 0.0
        train, held = self.plan.splits[0]
        step = -(-len(train) // PROBE_ROWS)
        small = replace(self.plan, splits=[(train[::step], held[::step])])
        for one in settings:
            probes = sum(self._seconds(small, one, count) for count in PROBED)
            if expected + step * probes > share * (until - time.monotonic()):
                return (), 0.0
            few, more = (self._seconds(self.plan, one, count) for count in PROBED)
            each = max(0.0, more - few) / (PROBED[1] - PROBED[0])
            table = self.plan.rows.x.shape[1], self.plan.words
            expected += few + each * iterations_of(self.plan.targets, self.plan.trees[one], *table)
            if expected > share * (until - time.monotonic()):
                return (), 0.0
        start = time.monotonic()
        numbers = [len(self.plan.candidates) + one for one in settings]
        self._train([0], numbers, until=until)
        if not self._ended(numbers, 0):
            return (), 0.0
        return numbers, (time.monotonic() - start) / len(numbers)

    def _seconds(self, plan: EnsemblePlan, setting: int, iterations: int) -> float:
        """How long so many iterations take, in the first fold of a plan."""
        start = time.monotonic()
        self._grown(plan, 0, setting, iterations)
        return time.monotonic() - start

    # --- some of it ----------------------------------------------------------------------

    def _cut(self, numbers: Sequence[int], folds: int) -> TrainedCandidates:
        """Some candidates, whose numbers rise, in so many folds."""
        networks = [one for one in numbers if one < len(self.plan.candidates)]
        plan = self.plan.cut(networks, folds, len(networks) < len(numbers))
        place = {number: place for place, number in enumerate(numbers)}
        parts: list[Any] = [
            {
                (place[number], fold): one
                for (number, fold), one in trained.items()
                if number in place and fold < folds
            }
            for trained in (self.networks, self.trees, self.truths)
        ]
        return TrainedCandidates(plan, *parts)


def _wave(done: int, candidates: Sequence[int]) -> str:
    """The name of a wave."""
    return f", candidates {done + 1} to {done + len(candidates)}"


def _told(fit: Fit, fitted: Fitted) -> list[tuple[TrainedNetwork, Array]]:
    """Each network of a population, and what it says of its validation rows."""
    population, data = Population(fit.members), fit.data
    history = population._adopt(fitted)
    assert data.validation is not None
    with np.errstate(all="ignore"):  # what overflows counts as undecided
        ask: Any = population.predict if data.task == "regression" else population.predict_proba
        truths = truths_of(ask(data.validation.x), data.validation.t, data.task)
    steps = -(-len(data.train) // fit.settings.batch_size)
    return [
        (
            TrainedNetwork(
                population,
                row,
                max(1, -(-status.step // steps)),
                status.kind == "diverged",
                status.kind not in ("interrupted", "running"),
            ),
            truths[row],
        )
        for row, status in enumerate(history.status)
    ]
