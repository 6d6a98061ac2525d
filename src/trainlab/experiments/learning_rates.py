"""How much the rate matters: every optimizer over six powers of ten of rates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trainlab import plots
from trainlab.data import Batches, Dataset
from trainlab.experiments.base import (
    Array,
    Better,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    StagedExperiment,
    Train,
    along,
)
from trainlab.experiments.figures import seeds_entry
from trainlab.members import Member, describe
from trainlab.network.activations import ReLU
from trainlab.network.architecture import MLP
from trainlab.network.initializers import He
from trainlab.optimizers import OPTIMIZERS

PER_DECADE: Final = 2
RATES: Final = 10.0 ** (np.arange(-5 * PER_DECADE, 1 * PER_DECADE + 1) / PER_DECADE)
LAST: Final = 20
"""Batches whose mean loss, over their rows, is the final one."""
NEAR: Final = 0.3
"""How far above its best loss an optimizer may end to count as near it: a seventh of ln 10, the
loss of guessing."""

TOP: Final = 2.8
"""Greatest loss shown: more than guessing loses, and no less of a failure."""

ARMS: Final = {optimizer.__name__: optimizer for optimizer in OPTIMIZERS.values()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """The task that every optimizer is given; `quick_steps` replaces `steps` in quick runs."""

    network: MLP
    batch_size: int
    steps: int
    quick_steps: int

    def fit(self, quick: bool) -> dict[str, Any]:
        """Settings of training that all members share."""
        return {"batch_size": self.batch_size, "steps": self.quick_steps if quick else self.steps}


_NETWORK: Final = MLP(hidden=(50, 50), activation=ReLU(), init=He())
TASKS: Final[Mapping[str, Workload]] = {
    "mnist": Workload(network=_NETWORK, batch_size=100, steps=300, quick_steps=100),
    "digits": Workload(network=_NETWORK, batch_size=64, steps=200, quick_steps=100),
}


def compute(data: Dataset, seeds: Sequence[int], train: Train) -> Measurements:
    """The final loss of each optimizer and seed at each rate, and where it diverged."""
    task = TASKS[data.name]
    arms = [(arm, seed) for arm in ARMS for seed in seeds]
    members = [
        Member(task.network, ARMS[arm](lr=float(rate)), seed)
        for arm, seed in arms
        for rate in RATES
    ]
    how = task.fit(train.quick)
    past = train(members, data, evaluate=None, keep="history", **how)
    shape = (len(arms), len(RATES))
    losses = past["train_loss"][:, -LAST:]
    sizes = Batches(len(data.train), task.batch_size).sizes(np.arange(how["steps"]))[-LAST:]
    share = (sizes / task.batch_size).astype(losses.dtype)  # the last batch of an epoch is smaller
    final = np.average(losses, axis=-1, weights=share).reshape(shape)
    diverged = np.array([status.kind == "diverged" for status in past.status]).reshape(shape)
    shared = {"network": describe(task.network), **how}
    rows = tuple(
        Row(arm, seed, {"optimizer": describe(ARMS[arm]()), **shared}) for arm, seed in arms
    )
    return Measurements(
        rows,
        along(
            "rate",
            RATES,
            final_loss=final.astype(np.float64),
            diverged=diverged.astype(np.float64),
        ),
    )


def near(losses: Array) -> npt.NDArray[np.bool_]:
    """Which of the rates end at most NEAR above the best of them; losses (..., rates).

    >>> near(np.array([2.3, 0.3, 0.1, np.nan])).tolist()
    [False, True, True, False]
    """
    known = np.where(np.isfinite(losses), losses, np.inf)
    least = known.min(axis=-1, keepdims=True)
    return np.asarray(np.isfinite(known) & (known <= least + NEAR))


def decades(series: Mapping[str, MeasuredSeries]) -> Array:
    """The powers of ten that the rates near the best span, (members,)."""
    return np.asarray(near(series["final_loss"].values).sum(axis=-1) / PER_DECADE)


def figure(measured: Measurements, theme: plots.Theme) -> plots.Figure:
    """One panel for each optimizer: its final loss over the rates."""
    with plots.themed(theme):
        drawn, _, panels = plots.above(theme, 0, len(ARMS), columns=5, height=2.1)
        for ax, (arm, rows) in zip(panels, measured.arms.items(), strict=True):
            losses = measured.series["final_loss"].values[rows]
            share = measured.series["diverged"].values[rows].mean(axis=0)
            width = float(np.median(decades(measured.series)[rows]))
            close = RATES[near(plots.spread(losses)[0])]
            ends = (float(close[0]), float(close[-1])) if len(close) else None
            marks = [(ARMS[arm]().lr, ":")]
            plots.sensitivity(ax, RATES, losses, marks, ends, share, theme, TOP)
            ax.set_xticks([1e-4, 1e-2, 1])
            factor = float(f"{10**width:.0e}")
            ax.set_title(f"{arm}: × {factor:,.0f}", fontsize=plots.SMALL)
        plots.name_common(panels, "learning rate", "final loss")
        plots.title(drawn, "Final loss of each optimizer, by learning rate", theme)
        near_words = f"rates that end at most {NEAR:g} above the best; × 10: the factor they span"
        entries = [
            seeds_entry(measured, theme),
            plots.marker_entry("at one of the rates", "o", theme, theme.color(0), ms=3.5),
            plots.area_entry(near_words, theme.color(2), plots.NEAR),
            plots.line_entry("default rate", theme, ls=":", lw=1.1),
        ]
        plots.key(drawn, panels, entries, theme)
    return drawn


EXPERIMENT = StagedExperiment(
    name="learning-rates",
    title="How much the rate matters",
    claim="Methods with a rate of their own for each weight end near their best at learning rates "
    "that span a factor of 100, plain SGD at rates that span a factor of 10.",
    equations=(
        r"L(\eta) = \mathrm{loss\ after\ a\ fixed\ number\ of\ steps\ at\ rate\ } \eta",
        r"\mathrm{near\ the\ best:}\quad L(\eta) \leq \min_{\eta'} L(\eta') + 0.3",
    ),
    measure=Measure(
        "range of rates near the best",
        decades,
        better="higher",
        comparative="a wider range of rates near its best",
        unit="powers of ten",
    ),
    expect=tuple(Better(arm, "SGD") for arm in ("Adam", "AdamW", "AMSGrad", "AdaGrad")),
    figure=figure,
    caption="Mean loss of the last 20 batches of a short training, at two rates in each power of "
    "ten; the factors are medians of the seeds. Rates that kill every ReLU leave the loss of "
    "guessing, ln 10.",
    curves=("final_loss",),
    compute=compute,
)
