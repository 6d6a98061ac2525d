"""Experiment 13: a random search that narrows its ranges, and one look at the test set.

Order: what a search is (data), how ranges are drawn from and narrowed, one search,
all of them, the figure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from scipy.stats import loguniform

from trainlab import plots
from trainlab.data import Dataset
from trainlab.errors import SettingError, sentence
from trainlab.experiments.base import (
    Array,
    Better,
    Measure,
    Measured,
    Row,
    Series,
    StagedExperiment,
    Train,
    Within,
    mean_of_last,
)
from trainlab.experiments.figures import AXES, seeds_words
from trainlab.experiments.verdicts import number
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He
from trainlab.optimizers import SGD
from trainlab.training.members import Member
from trainlab.training.population import Population

Ranges = Mapping[str, tuple[float, float]]
"""Setting → its least and greatest value; drawn evenly in the logarithm."""

WIDE: Final = "wide ranges"
NARROW: Final = "narrow ranges"
BOX: Final = "box of the best"
CHOSEN: Final = "chosen, validation"
TESTED: Final = "chosen, test"

QUANTILES: Final = (0.1, 0.9)
"""Ends of the box among the best trials, so that one stray trial does not keep it wide."""
SHOWN: Final = 20
"""Ranks whose curves over the epochs are kept."""
SEEDS_APART: Final = 10_000
"""Seeds of networks of one search; more than it has trials."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """One search on one data set; `quick_*` replace their namesakes in quick runs.

    rows         the first so many rows of the train split, `validation` of them by chance
    wide         ranges of the first round; narrow: those that a reader of its table chose
    trials       of these two rounds
    best, boxed  how many trials of the first round make the box, and trials drawn from it
    """

    network: MLP
    wide: Ranges
    narrow: Ranges
    trials: int
    best: int
    boxed: int
    quick_trials: int
    epochs: int = 50
    quick_epochs: int = 50
    rows: int = 500
    validation: int = 100
    batch_size: int = 100


SEARCHES: Final[Mapping[str, Search]] = {
    "mnist": Search(
        network=MLP(hidden=(100,) * 6, activation=ReLU(), init=He(), convention="book"),
        wide={"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)},
        narrow={"lr": (1e-3, 1e-2), "weight_decay": (1e-8, 1e-6)},
        trials=100,
        best=10,
        boxed=SHOWN,
        quick_trials=SHOWN,
    ),
    # Rates ten times as high: 64 inputs and three layers take larger steps than 784 and six.
    "digits": Search(
        network=MLP(hidden=(30,) * 3, activation=ReLU(), init=He(), convention="book"),
        wide={"lr": (1e-5, 1e-1), "weight_decay": (1e-8, 1e-4)},
        narrow={"lr": (1e-2, 1e-1), "weight_decay": (1e-8, 1e-6)},
        trials=30,
        best=5,
        boxed=SHOWN,
        quick_trials=30,
        quick_epochs=20,
    ),
}


# --- ranges ----------------------------------------------------------------------------


def draw(network: MLP, ranges: Ranges, trials: int, seed: int) -> list[Member]:
    """Settings drawn from the ranges, each with initial weights and batches of its own."""
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

    SettingError for data with a test split: whoever chooses must not see it.
    """
    if data.test is not None or data.validation is None:
        must = "have a validation split and no test split, which is for the chosen trial alone"
        raise SettingError(sentence("data", "a search", must, list(data.parts())))
    trials = setup.quick_trials if train.quick else setup.trials

    def round_of(arm: str, ranges: Ranges, count: int) -> Round:
        members = draw(setup.network, ranges, count, seed)
        return _ranked(arm, ranges, members, setup, data, train)

    wide = round_of(WIDE, setup.wide, trials)
    narrow = round_of(NARROW, setup.narrow, trials)
    box = narrowed({name: wide.values(name)[: setup.best] for name in setup.wide})
    return [wide, narrow, round_of(BOX, box, setup.boxed)]


def _ranked(
    arm: str,
    ranges: Ranges,
    members: Sequence[Member],
    setup: Search,
    data: Dataset,
    train: Train,
) -> Round:
    fit = _fit(setup, train.quick)
    # Ranks need the last accuracy alone; the curves of one round are enough to look at.
    evaluate = "epoch" if arm == NARROW else [_updates(setup, data, fit["epochs"])]
    past = train(members, data, evaluate=evaluate, **fit)
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


def _updates(setup: Search, data: Dataset, epochs: int) -> int:
    """The updates of one training."""
    return epochs * (len(data.train) // setup.batch_size)


def _fit(setup: Search, quick: bool) -> dict[str, Any]:
    """How trials and the chosen one are trained."""
    return {
        "batch_size": setup.batch_size,
        "epochs": setup.quick_epochs if quick else setup.epochs,
        "batches": "book",
        "keep": "history",
    }


# --- all searches ----------------------------------------------------------------------


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measured:
    """A whole search for each seed: its own split, its own trials, its own networks.

    The test split is put aside first.  It comes back for one trial of each search: the
    best on validation data, which is trained again and then evaluated once.
    """
    setup, test = SEARCHES[data.name], data.test
    closed = dataclasses.replace(data.first(train=setup.rows), test=None)
    rounds: dict[str, list[Round]] = {arm: [] for arm in (WIDE, NARROW, BOX)}
    chosen, accuracy = [], []
    for seed in seeds:
        own = closed.split(validation=setup.validation, stratify=False, seed=seed)
        found = search(setup, own, seed, train)
        for one in found:
            rounds[one.arm].append(one)
        best = max(found, key=lambda one: one.score)
        chosen.append(best)
        opened = dataclasses.replace(own, test=test)
        fit = _fit(setup, train.quick)
        once = [_updates(setup, own, fit["epochs"])]
        again = train(best.members[:1], opened, evaluate=once, on=["test"], **fit)
        accuracy.append(float(again["test_accuracy"][0, -1]))
    tables = [_table(one) for arm in rounds for one in rounds[arm]]
    tables += [{"accuracy": best.validation[0, -1:]} for best in chosen]
    tables += [{"accuracy": np.array([value])} for value in accuracy]
    rows = [
        Row(arm, seed, _about(one, setup, train.quick))
        for arm in rounds
        for seed, one in zip(seeds, rounds[arm], strict=True)
    ]
    rows += [
        Row(arm, seed, {"round": best.arm, **best.members[0].describe(), "seed": seed})
        for arm in (CHOSEN, TESTED)
        for seed, best in zip(seeds, chosen, strict=True)
    ]
    return Measured(tuple(rows), _series(tables))


def _about(one: Round, setup: Search, quick: bool) -> dict[str, Any]:
    """The settings of a round: its ranges and what its trials share."""
    ranges = {name: f"{low:.3g} to {high:.3g}" for name, (low, high) in one.ranges.items()}
    shared = one.members[0].describe()["network"] | {"weight_decay": 0.0}
    return {**ranges, "trials": len(one.members), "network": shared, **_fit(setup, quick)}


def _table(one: Round) -> dict[str, Array]:
    """What is kept of a round, by name of the series."""
    last = one.validation[:, -1]
    kept = {
        "accuracy": np.array([np.median(np.nan_to_num(last, nan=0.0))]),
        "validation_accuracy_by_rank": last,
        **{f"{name}_by_rank": one.values(name) for name in one.ranges},
        **{f"{name}_range": np.array(ends) for name, ends in one.ranges.items()},
    }
    for rank in range(SHOWN if one.arm == NARROW else 0):
        kept[f"validation_accuracy_of_rank_{rank + 1}"] = one.validation[rank]
        kept[f"train_accuracy_of_rank_{rank + 1}"] = one.train[rank]
    return kept


def _series(tables: Sequence[Mapping[str, Array]]) -> dict[str, Series]:
    """The tables of all members as series; NaN where a member has none, or fewer ranks."""
    series = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        length = max(len(table[name]) for table in tables if name in table)
        values = np.full((len(tables), length), np.nan)
        for row, table in zip(values, tables, strict=True):
            own = table.get(name, np.empty(0))
            row[: len(own)] = own
        if name.endswith("_by_rank"):
            axis, places = "rank", np.arange(1.0, length + 1)
        elif "_of_rank_" in name:
            axis, places = "epoch", np.arange(float(length))
        else:
            axis, places = "place", np.arange(length, dtype=np.float64)
        series[name] = Series(axis, places, values)
    return series


# --- figure ----------------------------------------------------------------------------


def figure(measured: Measured, theme: plots.Theme) -> plots.Figure:
    """Trials of the first search, accuracy by rank in all searches, and the best twenty."""
    with plots.themed(theme):
        drawn, (scatter, ranks), panels = plots.above(theme, 2, SHOWN, columns=5)
        _scatter(scatter, measured, theme)
        _ranks(ranks, measured, theme)
        for rank, ax in enumerate(panels, start=1):
            _panel(ax, measured, rank, theme)
        panels[0].legend(loc="lower right", fontsize=plots.SMALL, handlelength=1.2)
        title = f"the best {SHOWN} of the narrow ranges, first search"
        plots.name_common(panels, AXES["epoch"], "accuracy (share of images)", title)
    return drawn


def _scatter(ax: Any, measured: Measured, theme: plots.Theme) -> None:
    """The first search's wide round, and the ranges that followed."""
    arms, series = measured.arms, measured.series
    wide = arms[WIDE][0]
    lr, decay, accuracy = (
        series[name].values[wide]
        for name in ("lr_by_rank", "weight_decay_by_rank", "validation_accuracy_by_rank")
    )
    boxes = []
    for color, arm in ((1, NARROW), (3, BOX)):
        x, y = (series[f"{name}_range"].values[arms[arm][0]] for name in ("lr", "weight_decay"))
        ends = ((float(x[0]), float(x[1])), (float(y[0]), float(y[1])))
        boxes.append(plots.Box(arm, *ends, color, dashed=arm == BOX))
    words = "validation accuracy"
    plots.trials(ax, lr, decay, accuracy, boxes, words, theme)
    plots.label(ax, "rate", "weight decay", "trials of the wide ranges, first search")


def _ranks(ax: Any, measured: Measured, theme: plots.Theme) -> None:
    """Validation accuracy by rank in each round, and the chosen trial on both splits."""
    accuracy = measured.series["accuracy"].values
    found, rounds = measured.series["validation_accuracy_by_rank"], []
    for color, arm in ((0, WIDE), (1, NARROW), (3, BOX)):
        rows = measured.arms[arm]
        trials = int(measured.members[rows[0]].settings["trials"])
        center, low, high, _ = plots.spread(found.values[rows, :trials])
        x = found.axis_values[:trials]
        rounds.append(plots.Curve(arm, x, center, low, high, color=color))
    plots.curves(ax, rounds, theme, mark_every=10)
    for marker, arm in (("*", CHOSEN), ("P", TESTED)):
        value = float(np.median(accuracy[measured.arms[arm], 0]))
        look = {"color": theme.color(5), "mec": theme.ink, "mew": 0.8, "ms": 13, "zorder": 5}
        ax.plot([1], [value], marker, ls="", label=f"{arm} {value:.2f}", clip_on=False, **look)
    plots.legend_below(ax, theme)
    ax.set_ylim(0, 1.02)
    plots.label(ax, "rank of the trial", "validation accuracy", seeds_words(measured))


def _panel(ax: Any, measured: Measured, rank: int, theme: plots.Theme) -> None:
    """Both accuracies of one trial of the first search, and what it was trained with."""
    row, series = measured.arms[NARROW][0], measured.series
    for color, split in enumerate(("train", "validation")):
        found = series[f"{split}_accuracy_of_rank_{rank}"]
        ls = "--" if split == "train" else "-"
        ink = theme.color(color)
        ax.plot(found.axis_values, found.values[row], color=ink, ls=ls, lw=1.6, label=split)
    lr, decay, last = (
        series[f"{name}_by_rank"].values[row, rank - 1]
        for name in ("lr", "weight_decay", "validation_accuracy")
    )
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0.0, 0.5, 1.0])
    words = f"{rank}: {last:.2f}\nη {lr:.2g}, λ {number(decay)}"
    ax.set_title(words, fontsize=plots.SMALL, linespacing=1.15)


EXPERIMENT = StagedExperiment(
    name="hyper-parameter-search",
    number=13,
    title="A search for rate and weight decay",
    claim="A random search tells within a hundred short trainings which rates learn at all; in "
    "narrower ranges most trials learn, and the chosen one keeps most of its accuracy on "
    "images that no choice has seen.",
    equations=(
        r"\log_{10} \eta \sim U(a, b),\quad \log_{10} \lambda \sim U(c, d)",
        r"W \leftarrow W - \eta\,(\partial L / \partial W + \lambda W)",
    ),
    measure=Measure(
        "accuracy (of ranges: of their median trial)", mean_of_last("accuracy", 1), better="higher"
    ),
    expect=(
        Better(NARROW, WIDE),
        Better(BOX, WIDE),
        # A guess is right in 0.1 of the images.
        Within(TESTED, low=0.6),
    ),
    figure=figure,
    caption="Left: rate and weight decay of each trial, with the ranges that a reader of the "
    "ranking chose (line) and the box of the best by rule (dashes). Right: each search has its "
    "own images, trials and networks; a star is the best trial on validation images, a plus the "
    "same on test images, seen once. The best of many owes part of its validation accuracy to "
    "luck. Below: rank, validation accuracy, rate η and weight decay λ, with validation (line) "
    "and training accuracy (dashes) over the epochs.",
    curves=("validation_accuracy_by_rank",),
    compute=compute,
)
