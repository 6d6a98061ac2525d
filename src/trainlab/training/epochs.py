"""A log line for each epoch: how far members have come, and how well they do.

The logger is called "trainlab"; its lines are of the level INFO, which Python does not show unless
it is asked to.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from trainlab.training.history import Series
from trainlab.training.plan import Plan, position

LOG: Final = logging.getLogger("trainlab")


def log_epoch(
    plan: Plan, series: Mapping[str, Series], rows: Sequence[int], updates: int, members: int
) -> None:
    """Logs what members, of so many in all, did in the epoch that these updates ended.

    The loss is the mean of the epoch's batches; of several members all numbers are medians.
    """
    length = plan.batches.steps_per_epoch
    losses = series["train_loss"].values[list(rows), max(0, updates - length) : updates]
    found = {"loss": losses.mean(axis=-1)}
    at = position(plan.evaluations, updates)
    if at is not None:
        names = plan.evaluated(scored=True)
        found |= {name: series[name].values[list(rows), at] for name in names if name in series}
    numbers = ", ".join(
        f"{name.replace('_', ' ')} {np.median(values):.4g}" for name, values in found.items()
    )
    epoch, epochs = updates // length, round(plan.total / length, 2)
    LOG.info("epoch %d of %g: %s%s", epoch, epochs, _who(rows, members), numbers)


def _who(rows: Sequence[int], members: int) -> str:
    """Whose epoch it was, where there are several members."""
    if members == 1:
        return ""
    if len(rows) == members:
        return f"{members} members, medians: "
    if len(rows) == 1:
        return f"member {rows[0]}: "
    return f"{len(rows)} of {members} members, medians: "
