"""Experiment 13: a random search that narrows its ranges, and one look at the test set.

Order: the searches (data), all of them trained and the chosen ones tested, the figure.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab import plots
from trainlab.data import Dataset
from trainlab.experiments.base import (
    Array,
    Better,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    StagedExperiment,
    Train,
    Within,
    mean_of_last,
)
from trainlab.experiments.figures import ACCURACY, AXES, seeds_entry
from trainlab.experiments.random_search import (
    BOX,
    NARROW,
    WIDE,
    Round,
    Search,
    fit,
    search,
    updates,
)
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He
from trainlab.pages.words import number

CHOSEN: Final = "chosen, validation"
TESTED: Final = "chosen, test"
ARMS: Final = (WIDE, NARROW, BOX, CHOSEN, TESTED)
SHOWN: Final = 20
"""Ranks whose curves over the epochs are kept."""

SEARCHES: Final[Mapping[str, Search]] = {
    "mnist": Search(
        network=MLP(hidden=(100,) * 6, activation=ReLU(), init=He(), convention="book"),
        wide={"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)},
        narrow={"lr": (1e-3, 1e-2), "weight_decay": (1e-8, 1e-6)},
        trials=100,
        boxed=SHOWN,
        quick_trials=40,
    ),
    # Rates ten times as high: 64 inputs and three layers take larger steps than 784 and six.
    "digits": Search(
        network=MLP(hidden=(30,) * 3, activation=ReLU(), init=He(), convention="book"),
        wide={"lr": (1e-5, 1e-1), "weight_decay": (1e-8, 1e-4)},
        narrow={"lr": (1e-2, 1e-1), "weight_decay": (1e-8, 1e-6)},
        trials=30,
        boxed=SHOWN,
        quick_trials=30,
        quick_epochs=20,
    ),
}


# --- all searches ----------------------------------------------------------------------


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
    """A whole search for each seed: its own split, its own trials, its own networks.

    The test split is put aside first.  It comes back for one trial of each search: the
    best on validation data, which is trained again and then evaluated once.
    """
    setup, test = SEARCHES[data.name], data.test
    closed = dataclasses.replace(data.first(train=setup.rows), test=None)
    found: list[tuple[Row, Mapping[str, Array]]] = []
    for seed in seeds:
        own = closed.split(validation=setup.validation, stratify=False, seed=seed)
        rounds = search(setup, own, seed, train)
        found += [(Row(r.arm, seed, _about(r, setup, train.quick)), _table(r)) for r in rounds]
        best = max(rounds, key=lambda one: one.score)
        settings = {"round": best.arm, **best.members[0].describe(), "seed": seed}
        tested = _tested(best, dataclasses.replace(own, test=test), setup, train)
        for arm, accuracy in ((CHOSEN, best.validation[0, -1:]), (TESTED, tested)):
            found.append((Row(arm, seed, settings), {"accuracy": accuracy}))
    found.sort(key=lambda entry: ARMS.index(entry[0].arm))
    return Measurements(tuple(row for row, _ in found), _series([table for _, table in found]))


def _tested(best: Round, data: Dataset, setup: Search, train: Train) -> Array:
    """Trains the best trial of a round once more, and its accuracy on the test split, (1,)."""
    how = fit(setup, train.quick)
    once = [updates(setup, data, how["epochs"])]
    past = train(best.members[:1], data, evaluate=once, on=["test"], **how)
    return np.asarray(past["test_accuracy"][0])


def _about(one: Round, setup: Search, quick: bool) -> dict[str, Any]:
    """The settings of a round: its ranges and what its trials share."""
    ranges = {name: f"{low:.3g} to {high:.3g}" for name, (low, high) in one.ranges.items()}
    shared = one.members[0].describe()["network"] | {"weight_decay": 0.0}
    return {**ranges, "trials": len(one.members), "network": shared, **fit(setup, quick)}


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


def _series(tables: Sequence[Mapping[str, Array]]) -> dict[str, MeasuredSeries]:
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
        series[name] = MeasuredSeries(axis, places, values)
    return series


# --- figure ----------------------------------------------------------------------------


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """Trials of the first search, accuracy by rank in all searches, and the best twenty."""
    with plots.themed(theme):
        drawn, (scatter, ranks), panels = plots.above(theme, 2, SHOWN, columns=5)
        _scatter(scatter, measured, theme)
        _ranks(ranks, measured, theme)
        for rank, ax in enumerate(panels, start=1):
            _panel(ax, measured, rank, theme)
        words = f"The best {SHOWN} of the narrow ranges, first search: rank, accuracy, η, λ"
        lines = "\n".join(textwrap.wrap(words, 44)) if theme.narrow else words
        plots.name_common(panels, AXES["epoch"], ACCURACY, lines)
        plots.title(drawn, "A random search for learning rate and weight decay", theme)
        entries = [seeds_entry(measured, theme)]
        plots.key(drawn, [scatter, ranks, panels[0]], entries, theme)
    return drawn


def _scatter(ax: Any, measured: Measurements, theme: plots.Theme) -> None:
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
        boxes.append(plots.Box(f"{arm}, searched next", *ends, color, dashed=arm == BOX))
    words = "validation accuracy"
    plots.trials(ax, lr, decay, accuracy, boxes, words, theme)
    plots.label(ax, "rate", "weight decay", "Trials of the wide ranges, first search")


def _ranks(ax: Any, measured: Measurements, theme: plots.Theme) -> None:
    """Validation accuracy by rank in each round, and the chosen trial on both splits."""
    accuracy = measured.series["accuracy"].values
    found, rounds = measured.series["validation_accuracy_by_rank"], []
    for color, arm in ((0, WIDE), (1, NARROW), (3, BOX)):
        rows = measured.arms[arm]
        trials = int(measured.members[rows[0]].settings["trials"])
        center, low, high = plots.spread(found.values[rows, :trials])
        x = found.axis_values[:trials]
        rounds.append(plots.Curve(f"{arm}, by rank", x, center, low, high, color=color))
    plots.curves(ax, rounds, theme, mark_every=10)
    for marker, arm in (("*", CHOSEN), ("P", TESTED)):
        value = float(np.median(accuracy[measured.arms[arm], 0]))
        look = {"color": theme.color(5), "mec": theme.ink, "mew": 0.8, "ms": 13, "zorder": 5}
        ax.plot([1], [value], marker, ls="", label=f"{arm}: {value:.2f}", clip_on=False, **look)
    ax.set_ylim(0, 1.02)
    plots.label(ax, "rank of the trial", "validation accuracy", "Trials of all searches, by rank")


def _panel(ax: Any, measured: Measurements, rank: int, theme: plots.Theme) -> None:
    """Both accuracies of one trial of the first search, and what it was trained with."""
    row, series = measured.arms[NARROW][0], measured.series
    for color, split in enumerate(("train", "validation")):
        found = series[f"{split}_accuracy_of_rank_{rank}"]
        ls = "--" if split == "train" else "-"
        ink = theme.color(color)
        words = f"{'training' if split == 'train' else split} accuracy of one trial"
        ax.plot(found.axis_values, found.values[row], color=ink, ls=ls, lw=1.6, label=words)
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
    claim="A random search of short trainings shows which rates learn at all; in narrower "
    "ranges most trials learn, and the chosen one keeps most of its accuracy on images that "
    "had no part in the choice.",
    equations=(
        r"\log_{10} \eta \sim U(a, b),\quad \log_{10} \lambda \sim U(c, d)",
        r"W \leftarrow W - \eta\,(\partial L / \partial W + \lambda W)",
    ),
    measure=Measure("accuracy", mean_of_last("accuracy", 1), better="higher"),
    expect=(
        Better(NARROW, WIDE),
        Better(BOX, WIDE),
        # A guess is right for one image in ten.
        Within(TESTED, low=0.6),
    ),
    figure=figure,
    caption="Left: rate and weight decay of each trial, with the ranges that a reader of the "
    "ranking chose and the box around the best. Right: each search has its own "
    "images, trials and networks; the accuracy of a range is that of its median trial. A star is "
    "the best trial on validation images, a plus the same network on test images, used once: the "
    "gap between them is the luck of the best of many. Below: the best trials of the narrow "
    "ranges, each with its rate η and its weight decay λ.",
    curves=("validation_accuracy_by_rank",),
    compute=compute,
)
