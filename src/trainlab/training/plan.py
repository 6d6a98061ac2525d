"""What is to be done with every member of a population, and when to look at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sized
from typing import Any, Final

import numpy as np

from trainlab.data.batches import Batches
from trainlab.evidence.checks import Direction
from trainlab.network.workspace import Array
from trainlab.settings import Rule, Settings, integer, number, ruled
from trainlab.training.callbacks import CallbackLike, hears_epochs
from trainlab.training.changes import Change
from trainlab.training.history import direction
from trainlab.training.metrics import Metric

KEEP: Final = ("history", "parameters", "state")
"""What stays of each member after training: each contains the ones before it."""


@dataclasses.dataclass(frozen=True)
class EarlyStopping(Settings):
    """Stop a member whose metric has not improved for some evaluations.

    Parameters
    ----------
    metric : str, default "validation_loss"
        The name of a series.  "train_loss", which needs no split, is the mean of the losses of
        the steps since the evaluation before, each sample of a batch counted once.
    patience : int, default 10
        How many evaluations without improvement are allowed, >= 1.
    min_delta : float, default 0.0
        An improvement is a change of more than this in the right direction: up for an accuracy,
        down for a loss, and for a metric of your own as it says.

    Notes
    -----
    The member ends with the parameters of its best evaluation, however it ended.
    """

    metric: str = ruled(
        Rule(lambda v: isinstance(v, str) and bool(v), "be the name of a series", str),
        "validation_loss",
    )
    patience: int = integer(10, low=1)
    min_delta: float = number(0.0, low=0.0, closed="[)", per_member=False)

    def improves(self, value: float, best: float | None, better: str | None = None) -> bool:
        """Tell whether a value is better than the best one so far.

        Parameters
        ----------
        value : float
            The value; NaN is never better.
        best : float or None
            The best one; None if there is none yet.
        better : {"higher", "lower"}, optional
            By default as the name of the metric tells.

        Returns
        -------
        bool
            Whether it is better by more than `min_delta`.
        """
        if best is None:
            return not np.isnan(value)
        gain = value - best if (better or direction(self.metric)) == "higher" else best - value
        return bool(gain > self.min_delta)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The settings of one call of `fit`, checked and in full.

    total        updates of each member
    evaluations  numbers of updates after which the splits `on` are evaluated, rising
    axis, axis_values  how a history shows those evaluations: as steps or as epochs
    batch_steps  steps whose batch is evaluated after its update, rising
    keep         one of KEEP
    metrics      of the user's own, evaluated on the splits `on`
    logs         whether each epoch is logged
    changes      of settings, while it trains
    """

    batches: Batches
    total: int
    evaluations: Array
    axis: str
    axis_values: Array
    on: tuple[str, ...]
    batch_steps: Array
    dtype: Any
    early_stopping: EarlyStopping | None = None
    callbacks: tuple[CallbackLike, ...] = ()
    keep: str = "parameters"
    metrics: tuple[Metric, ...] = ()
    logs: bool = False
    changes: tuple[Change, ...] = ()

    def evaluated(self, scored: bool) -> dict[str, Direction]:
        """The series that evaluations fill, and which values are better.

        scored: whether there are accuracies.
        """
        if not len(self.evaluations):
            return {}
        names = [loss_name(split) for split in self.on]
        names += [f"{split}_accuracy" for split in self.on if scored]
        found = {name: direction(name) for name in names}
        for metric in self.metrics:
            found |= {f"{split}_{metric.name}": metric.better for split in self.on}
        return found

    @property
    def hears_epochs(self) -> bool:
        """Whether there is something to be done after each epoch: a callback, a line of a log."""
        return self.logs or any(map(hears_epochs, self.callbacks))

    @property
    def shows_parameters(self) -> bool:
        """Whether a callback wants to see the parameters of members."""
        return any(getattr(one, "parameters", False) is True for one in self.callbacks)

    def effort(self, splits: Mapping[str, Sized]) -> float:
        """What each member has to do, in steps: an evaluation is the forward third of one."""
        rows = sum(len(splits[split]) for split in self.on) * len(self.evaluations)
        return self.total + rows / (3 * self.batches.batch_size)

    def marks(self) -> list[int]:
        """The numbers of updates at which training pauses: ends of epochs, and evaluations."""
        epoch = self.batches.steps_per_epoch
        marks = {*range(epoch, self.total, epoch), self.total}
        marks.update(int(n) for n in self.evaluations)
        marks.update(int(step) + 1 for step in self.batch_steps)
        return sorted(marks - {0})


def loss_name(split: str) -> str:
    """The series of a split's loss; `train_loss` itself is that of the training batches."""
    return "train_evaluation_loss" if split == "train" else f"{split}_loss"


def position(rising: Array, value: int) -> int | None:
    """Where `value` stands in a rising array, or None."""
    at = int(np.searchsorted(rising, value))
    return at if at < len(rising) and rising[at] == value else None
