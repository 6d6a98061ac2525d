"""What a training left for one estimator: curves over its epochs, and what must be said."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from trainlab.callers import warn
from trainlab.data.batches import Batches
from trainlab.estimators.preparation import Prepared
from trainlab.network.workspace import Array
from trainlab.schedules import Constant
from trainlab.training.history import History


class EstimatorHistory:
    """The rows of a history that are an estimator's members."""

    def __init__(self, ready: Prepared, history: History, first: int) -> None:
        self.rows = range(first, first + len(ready.members))
        self._members = ready.members
        self._history = history
        self._stopping = ready.arguments["early_stopping"]
        batches = Batches(len(ready.data.train), ready.arguments["batch_size"])
        rows = batches.sizes(np.arange(batches.steps_per_epoch))
        share = rows / rows[0]
        losses = history["train_loss"][first : first + len(ready.members)]
        by_epoch = losses.astype(np.float64).reshape(len(losses), -1, len(share))
        # Steps that were not made are NaN; an epoch counts for a member that made one of it.
        made = ~np.isnan(by_epoch)
        # A step counts by its rows, weighted or not: weights have the mean 1, and the loss of a
        # step is a weighted sum divided by the number of rows.
        sums = (np.where(made, by_epoch, 0) * share).sum(axis=-1)
        count = (made * share).sum(axis=-1)
        self._losses = np.divide(sums, count, out=np.full_like(sums, np.nan), where=count > 0)

    @property
    def epochs(self) -> int:
        """The epochs of the member that was trained for longest, at least 1."""
        return max(1, len(self.loss_curve()))

    def loss_curve(self) -> Array:
        """For each epoch the mean loss of its rows, over the members that were still trained."""
        return _mean_of_those(self._losses)

    def evaluations(self, series: str) -> Array | None:
        """A series of evaluations after each epoch, over the members that were still trained."""
        if series not in self._history.series:
            return None
        values = self._history[series][self.rows.start : self.rows.stop]
        return _mean_of_those(values[:, 1:])

    def complain(self, owner: str) -> None:
        """Warns of members that diverged, and of a training that ended too early."""
        status = [self._history.status[row] for row in self.rows]
        for index, (one, member) in enumerate(zip(status, self._members, strict=True)):
            if one.kind == "diverged":
                text = (
                    f"member {index} of {owner} (seed {member.seed}) diverged at step {one.step} "
                    "and keeps what it had learnt before; try a lower learning_rate_init"
                )
                warn(text, ConvergenceWarning)
        constant = isinstance(self._members[0].optimizer.schedule, Constant)
        unfinished = any(one.kind == "finished" for one in status)
        if unfinished and constant and self._stopping is not None:
            text = (
                f"{owner} was still improving after max_iter={self._losses.shape[1]} epochs; "
                "try a higher max_iter, or a schedule"
            )
            warn(text, ConvergenceWarning)


def _mean_of_those(values: Array) -> Array:
    """The mean over the members (K, n) that have a value, up to the last that any has."""
    there = ~np.isnan(values)
    columns = np.flatnonzero(there.any(axis=0))
    length = int(columns[-1]) + 1 if len(columns) else 0
    values, there = values[:, :length], there[:, :length]
    means: Array = np.where(there, values, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return means
