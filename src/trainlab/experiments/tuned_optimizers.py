"""Optimizers at the rates that suit them: chosen on validation data, compared on test data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from trainlab import plots
from trainlab.data import Dataset
from trainlab.experiments.base import (
    Array,
    Better,
    Measure,
    Measurements,
    Row,
    StagedExperiment,
    Train,
    along,
    mean_of_last,
)
from trainlab.experiments.figures import seeds_entry
from trainlab.experiments.learning_rates import ARMS, TOP, Workload
from trainlab.members import Member
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He

FACTORS: Final = 10.0 ** np.arange(-2.0, 2.25, 0.5)
"""Rates tried, as multiples of the default."""
TUNING_SEEDS: Final = (1_000_000, 1_000_001, 1_000_002)
"""None of a run's own seeds, so that what a rate was chosen for is not what it is judged on."""
VALIDATION: Final = 0.2
"""The share of the train split on which rates are chosen."""

DEFAULT: Final = "default"
TUNED: Final = "tuned"
KINDS: Final = (DEFAULT, TUNED)

_NETWORK: Final = MLP(hidden=(50,) * 4, activation=ReLU(), init=He())
TASKS: Final[Mapping[str, Workload]] = {
    "mnist": Workload(network=_NETWORK, batch_size=100, steps=500, quick_steps=150),
    "digits": Workload(network=_NETWORK, batch_size=64, steps=200, quick_steps=100),
}


@dataclasses.dataclass(frozen=True)
class Tuned:
    """The rate chosen for one optimizer, and the validation losses (factors,) that chose it."""

    rate: float
    losses: Array
    factor: float

    @property
    def at_edge(self) -> bool:
        """Whether a better rate may lie beyond the grid."""
        return self.factor in (FACTORS[0], FACTORS[-1])


def tune(task: Workload, data: Dataset, train: Train) -> dict[str, Tuned]:
    """Each optimizer's rate: the least mean validation loss over TUNING_SEEDS.

    A rate at which a seed diverged is not chosen.
    """
    members = [
        Member(task.network, optimizer(lr=float(optimizer().lr * factor)), seed)
        for optimizer in ARMS.values()
        for factor in FACTORS
        for seed in TUNING_SEEDS
    ]
    losses = last_loss(members, data, task, train, "validation")
    mean = losses.reshape(len(ARMS), len(FACTORS), -1).mean(axis=-1)
    found = {}
    for (arm, optimizer), row in zip(ARMS.items(), mean, strict=True):
        factor = float(FACTORS[np.argmin(np.nan_to_num(row, nan=np.inf, posinf=np.inf))])
        found[arm] = Tuned(float(optimizer().lr * factor), row, factor)
    return found


def last_loss(
    members: Sequence[Member], data: Dataset, task: Workload, train: Train, split: str
) -> Array:
    """The loss of each member on a split after its last update; NaN where it diverged."""
    how = task.fit(train.quick)
    past = train(members, data, evaluate=[how["steps"]], on=[split], keep="history", **how)
    return np.asarray(past[f"{split}_loss"][:, -1], dtype=np.float64)


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
    """Rates chosen without the test split; then every optimizer at both rates, on test data.

    "behind" is the test loss above that of the best optimizer at rates of the same kind.
    """
    task = TASKS[data.name]
    own = dataclasses.replace(data, test=None).split(validation=VALIDATION)
    found = tune(task, own, train)
    rates = {DEFAULT: {arm: ARMS[arm]().lr for arm in ARMS}}
    rates[TUNED] = {arm: tuned.rate for arm, tuned in found.items()}
    keys = [(arm, kind, seed) for arm in ARMS for kind in KINDS for seed in seeds]
    members = [
        Member(task.network, ARMS[arm](lr=rates[kind][arm]), seed) for arm, kind, seed in keys
    ]
    test = last_loss(members, dataclasses.replace(own, test=data.test), task, train, "test")
    by_optimizer = test.reshape(len(ARMS), -1)
    how = task.fit(train.quick)
    rows = [
        Row(label(arm, kind), seed, _about(member, found[arm], kind, how))
        for (arm, kind, seed), member in zip(keys, members, strict=True)
    ]
    behind = (by_optimizer - np.nanmin(by_optimizer, axis=0)).reshape(-1, 1)
    series = along("place", np.zeros(1), test_loss=test[:, None], behind=behind)
    tuning = np.array([found[arm].losses for arm, _, _ in keys])
    series |= along("rate over default", FACTORS, tuning_loss=tuning)
    lost = {row.id: how["steps"] for row, v in zip(rows, test, strict=True) if np.isnan(v)}
    return Measurements(tuple(rows), series, lost)


def label(arm: str, kind: str) -> str:
    """The arm of an optimizer at rates of that kind."""
    return f"{arm}, {kind}"


def _about(member: Member, tuned: Tuned, kind: str, how: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a member, with a note where its rate may not be the best."""
    edge = kind == TUNED and tuned.at_edge
    return {**member.describe(), **how, "rate at the edge of the grid": edge}


# --- figure ----------------------------------------------------------------------------


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """Test losses at both kinds of rates, and how each rate was chosen."""
    series, rows = measured.series, measured.arms
    with plots.themed(theme):
        drawn, (test,), panels = plots.above(theme, 1, len(ARMS), columns=5)
        losses = series["test_loss"].values[:, 0]
        by_kind = {
            kind: np.array([losses[rows[label(arm, kind)]] for arm in ARMS]).T for kind in KINDS
        }
        kinds = [(f"test loss at the {kind} rate", values) for kind, values in by_kind.items()]
        plots.dots(test, list(ARMS), kinds, theme, log=True)
        plots.label(test, "test loss", "", "Test loss")
        for ax, arm in zip(panels, ARMS, strict=True):
            first = rows[label(arm, TUNED)][0]
            chosen = measured.members[first].settings
            factor = chosen["optimizer"]["lr"] / ARMS[arm]().lr
            plots.sensitivity(
                ax,
                FACTORS,
                series["tuning_loss"].values[[first]],
                [(1.0, ":"), (factor, "-")],
                theme=theme,
                top=TOP,
            )
            edge = ", at the edge" if chosen["rate at the edge of the grid"] else ""
            words = f"{arm}\n{chosen['optimizer']['lr']:.2g}{edge}"
            ax.set_title(words, fontsize=plots.SMALL, linespacing=1.15)
            ax.set_xticks([0.01, 1, 100])
        words = "rate, as a multiple of the default"
        plots.name_common(panels, words, "validation loss", "How each rate was chosen")
        title = "Test loss of each optimizer at its default rate and at a tuned one"
        plots.title(drawn, title, theme)
        tuning = f"validation loss, mean of {len(TUNING_SEEDS)} seeds"
        entries = [
            seeds_entry(measured, theme, marker="o"),
            plots.line_entry(tuning, theme, theme.color(0), marker="o", ms=3.5),
            plots.line_entry("default rate", theme, ls=":", lw=1.1),
            plots.line_entry("chosen rate, the number below the name", theme, lw=1.1),
        ]
        plots.key(drawn, [test, *panels], entries, theme)
    return drawn


EXPERIMENT = StagedExperiment(
    name="tuned-optimizers",
    title="Optimizers at tuned rates",
    claim="Most of the difference between optimizers comes from their default rates: at rates "
    "chosen on validation data SGD and Lion, which are far behind at their defaults, come close to "
    "the best.",
    equations=(
        r"\eta^* = \mathrm{argmin}_{\eta}\,L_{\mathrm{validation}}(\eta)",
        r"\mathrm{behind} = L_{\mathrm{test}} - \min_{\mathrm{optimizers}} L_{\mathrm{test}}",
    ),
    measure=Measure(
        "test loss behind the best optimizer",
        mean_of_last("behind", 1),
        comparative="a test loss closer to that of the best optimizer",
    ),
    expect=tuple(Better(label(arm, TUNED), label(arm, DEFAULT)) for arm in ("SGD", "Lion")),
    figure=figure,
    curves=("tuning_loss",),
    caption="Above: test loss after the same number of steps, at each optimizer's default rate and "
    "at the one chosen for it. Below: mean validation loss of three further seeds at nine rates. "
    "The test loss behind the best is the difference to the least one of that seed and kind of "
    "rates.",
    compute=compute,
)
