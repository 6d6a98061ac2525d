"""A random search in rounds, each in narrower ranges than the one before.

Order: what a search is (data), how ranges are drawn from and narrowed, one search.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab.data import Dataset
from trainlab.errors import SettingError, sentence
from trainlab.experiments.base import Array, Train
from trainlab.members import Member
from trainlab.network.architecture import MLP
from trainlab.optimizers import SGD
from trainlab.population import Population

Ranges = Mapping[str, tuple[float, float]]
"""Setting → its least and greatest value; drawn evenly in the logarithm."""

WIDE: Final = "wide ranges"
NARROW: Final = "narrow ranges"
BOX: Final = "box of the best"

BEST: Final = 0.1
"""The share of the first round's trials whose box is searched in the third."""
LEAST: Final = 5
"""Trials that make the box, however few there are."""
QUANTILES: Final = (0.1, 0.9)
"""Ends of the box among the best trials, so that one stray trial does not keep it wide."""
SEEDS_APART: Final = 10_000
"""Seeds of networks of one search; more than it has trials."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """One search on one data set; `quick_*` replace their namesakes in quick runs.

    rows         the first so many rows of the train split, `validation` of them by chance
    wide         ranges of the first round; narrow: those that a reader of its table chose
    trials       of these two rounds;  boxed: those of the third
    """

    network: MLP
    wide: Ranges
    narrow: Ranges
    trials: int
    boxed: int
    quick_trials: int
    epochs: int = 50
    quick_epochs: int = 50
    rows: int = 500
    validation: int = 100
    batch_size: int = 100


# --- ranges ----------------------------------------------------------------------------


def draw(network: MLP, ranges: Ranges, trials: int, seed: int) -> list[Member]:
    """Settings drawn from the ranges, each with initial weights and batches of its own."""
    # Imported here: scipy.stats takes as long to load as the rest of trainlab.
    from scipy.stats import loguniform

    fields: dict[str, Any] = {name: loguniform(low, high) for name, (low, high) in ranges.items()}
    drawn = Population.sample(trials, network, SGD(), sampling_seed=seed, **fields)
    return [member.replace(seed=SEEDS_APART * seed + i) for i, member in enumerate(drawn)]


def narrowed(best: Mapping[str, Array]) -> Ranges:
    """The box that holds the best trials: QUANTILES of each setting, in the logarithm.

    >>> box = narrowed({"lr": 10.0 ** np.arange(-6.0, -1.0)})
    >>> [round(float(np.log10(end)), 3) for end in box["lr"]]
    [-5.6, -2.4]
    """
    box = {}
    for name, values in best.items():
        low, high = 10.0 ** np.quantile(np.log10(values), QUANTILES)
        box[name] = (float(low), float(high))
    return box


# --- one search ------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Round:
    """Trials, best first: their accuracies (n, evaluations), last loss (n,), and their ranges."""

    arm: str
    ranges: Ranges
    members: Sequence[Member]
    validation: Array
    train: Array
    loss: Array

    def values(self, name: str) -> Array:
        """A setting of each trial."""
        return np.array([member.get(name) for member in self.members], dtype=np.float64)

    @property
    def score(self) -> tuple[float, float]:
        """What the best trial is chosen by: validation accuracy, then validation loss."""
        return float(self.validation[0, -1]), -float(self.loss[0])


def search(setup: Search, data: Dataset, seed: int, train: Train) -> list[Round]:
    """The rounds of one search: wide ranges, narrow ranges, the box of the best.

    SettingError for data with a test split, which must not influence the choice.
    """
    if data.test is not None or data.validation is None:
        must = "have a validation split and no test split, which is for the chosen trial alone"
        raise SettingError(sentence("data", "a search", must, list(data.parts())))
    trials = setup.quick_trials if train.quick else setup.trials
    round_of = functools.partial(_round, setup, data, seed, train)
    wide = round_of(WIDE, setup.wide, trials)
    narrow = round_of(NARROW, setup.narrow, trials)
    best = max(LEAST, round(BEST * trials))
    box = narrowed({name: wide.values(name)[:best] for name in setup.wide})
    return [wide, narrow, round_of(BOX, box, setup.boxed)]


def _round(
    setup: Search, data: Dataset, seed: int, train: Train, arm: str, ranges: Ranges, trials: int
) -> Round:
    members, how = draw(setup.network, ranges, trials, seed), fit(setup, train.quick)
    # Ranks need the last accuracy alone; the curves of one round are enough to look at.
    evaluate = "epoch" if arm == NARROW else [updates(setup, data, how["epochs"])]
    past = train(members, data, evaluate=evaluate, **how)
    accuracy, loss = past["validation_accuracy"], past["validation_loss"][:, -1]
    # A hundred images make ties; a trial that diverged comes last.
    order = np.lexsort((np.nan_to_num(loss, nan=np.inf), -np.nan_to_num(accuracy[:, -1], nan=-1.0)))
    return Round(
        arm=arm,
        ranges=ranges,
        members=[members[i] for i in order],
        validation=accuracy[order],
        train=past["train_accuracy"][order],
        loss=loss[order],
    )


def updates(setup: Search, data: Dataset, epochs: int) -> int:
    """The updates of one training."""
    return epochs * (len(data.train) // setup.batch_size)


def fit(setup: Search, quick: bool) -> dict[str, Any]:
    """How trials and the chosen one are trained."""
    return {
        "batch_size": setup.batch_size,
        "epochs": setup.quick_epochs if quick else setup.epochs,
        "batches": "book",
        "keep": "history",
    }
