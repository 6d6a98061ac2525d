"""The record of a training: a series of values per member, and how each member ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from trainlab import evidence
from trainlab.engine.state import STATUS_KINDS, Status
from trainlab.errors import SettingError, nearest, sentence
from trainlab.evidence.checks import Direction
from trainlab.members import Member, grouped
from trainlab.network.workspace import Array
from trainlab.settings import either, instance_of, is_integer
from trainlab.terminal import counted
from trainlab.training.changes import Change

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    class OwnAxes(Axes):
        """Axes of a figure that was made for them, not of a part of one."""

        @property
        def figure(self) -> Figure: ...

    A = TypeVar("A", bound=Axes)


def direction(name: str, own: Direction | None = None) -> Direction:
    """Which values of a series are better: as it says, else of all but accuracies the lower."""
    return own or ("higher" if name.endswith("accuracy") else "lower")


@dataclasses.dataclass(frozen=True)
class Series:
    """One quantity over time for every member.

    axis         "step" or "epoch"
    axis_values  (n,) positions on that axis
    values       (members, n), NaN where a member has none (not yet, or no more); float64,
                 but `train_loss`, the longest, in the dtype of the training
    better       "lower" or "higher": which values are; None: as the name tells
    """

    name: str
    axis: str
    axis_values: Array
    values: Array
    better: Direction | None = None


class History:
    """The record of a training: series and statuses of all members, in their order.

    Parameters
    ----------
    members : sequence of Member
        The members.
    series : dict of str to Series
        The series, by name.
    status : sequence of Status
        How each member ended.
    seconds : float
        How long the training took.
    steps_per_epoch : int, optional
        Steps in an epoch.
    engine : str, default "numpy"
        The name of the engine that trained.
    changes : sequence of Change, optional
        Settings that members took while they trained.

    Notes
    -----
    `train_loss` is the loss of each step's batch before its update, penalties not included.
    The others come from evaluations: `{split}_accuracy`, `validation_loss`, `test_loss`,
    `train_evaluation_loss` (the whole training split, in evaluation mode), and
    `batch_loss` (a step's batch after its update, in evaluation mode).

    `history[name]` is the array (members, n) of a series, `list(history)` has the names of all,
    and `name in history` tells whether there is one.
    """

    def __init__(
        self,
        members: Sequence[Member],
        series: dict[str, Series],
        status: Sequence[Status],
        seconds: float,
        steps_per_epoch: int | None = None,
        engine: str = "numpy",
        changes: Sequence[Change] = (),
    ) -> None:
        self.members = tuple(members)
        self.series = series
        self.status = tuple(status)
        self.seconds = seconds
        self.steps_per_epoch = steps_per_epoch
        self.engine = engine
        self.changes = tuple(changes)

    def __repr__(self) -> str:
        kinds = dict.fromkeys(STATUS_KINDS, 0)
        for status in self.status:
            kinds[status.kind] += 1
        ended = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        made = f"; {counted(len(self.changes), 'change')}" if self.changes else ""
        members = counted(len(self.members), "member")
        return f"History({members}: {ended}; {', '.join(self.series)}{made})"

    def _repr_html_(self) -> str:
        """The losses as a figure, and a table of how it ended, for notebooks."""
        from trainlab.training.display import history_html  # most histories are not shown

        return history_html(self)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return any(status.kind == "interrupted" for status in self.status)

    def __iter__(self) -> Iterator[str]:
        """The names of the series."""
        return iter(self.series)

    def __contains__(self, name: object) -> bool:
        """Whether there is a series of this name."""
        return isinstance(name, str) and name in self.series

    def __getitem__(self, name: str) -> Array:
        """The values (members, n) of a series."""
        return self._series(name).values

    def _series(self, name: str) -> Series:
        if not isinstance(name, str) or name not in self.series:
            must, near = f"be one of {', '.join(self.series)}", nearest(name, self.series)
            raise SettingError(sentence("series", "History", must, name, near))
        return self.series[name]

    def arms(self, by: str) -> dict[str, Array]:
        """Group the members by a setting.

        Parameters
        ----------
        by : str
            "optimizer", "seed", or any field of the network or the optimizer.

        Returns
        -------
        dict of str to ndarray of int
            Label → indices of the members that have it, in order of first appearance.  Labels are
            short where that tells the arms apart: "Adam(0.01)", else "Adam(lr=0.01, beta1=0.8)".

        Raises
        ------
        SettingError
            For a setting that members do not have.
        """
        if not isinstance(by, str):
            must, first = "be the name of one setting", by[:1] if isinstance(by, list) else []
            remedy = f"by={first[0]!r}" if first else "by='optimizer'"
            raise SettingError(sentence("by", "History", must, by, remedy))
        return {label: np.array(rows) for label, rows in grouped(self.members, by).items()}

    def band(
        self, name: str, by: str = "optimizer", level: float = 0.95
    ) -> dict[str, evidence.Band]:
        """Find the median of each arm, and the band in which most of its members lie.

        Parameters
        ----------
        name : str
            The series.
        by : str, default "optimizer"
            The setting that makes the arms.
        level : float, default 0.95
            The band reaches from the quantile (1 - level)/2 to (1 + level)/2; in (0, 1).

        Returns
        -------
        dict of str to Band
            By the labels of the arms.

        Raises
        ------
        SettingError
            For a series, a setting or a level that is not there or cannot be.
        """
        values = self[name]
        return {label: evidence.band(values[rows], level) for label, rows in self.arms(by).items()}

    def compare(
        self, by: str = "optimizer", name: str = "train_loss", at: int = -1
    ) -> evidence.Comparisons:
        """Compare every pair of arms at one position of a series, paired on the seeds they share.

        Parameters
        ----------
        by : str, default "optimizer"
            The setting that makes the arms.
        name : str, default "train_loss"
            The series.  Higher is better for an accuracy, what the metric says for one of your own,
            and otherwise lower.
        at : int, default -1
            The position in the series; the last one by default.

        Returns
        -------
        Comparisons
            A list with one Comparison for each pair of arms; printed, each is a line.

        Raises
        ------
        SettingError
            For a series or a position that is not there, or fewer than two arms.

        Notes
        -----
        If an arm has several members with one seed, their mean stands for that seed.
        A member that diverged loses against one that did not.

        A member is compared by the network that it keeps.  If it stopped early, later positions
        have the value that it ended with.  With `EarlyStopping` that is the value of its best
        evaluation, whose parameters it keeps; at the last position this also holds for members that
        trained to the end.
        """
        values = self[name]
        if not is_integer(at) or not -values.shape[1] <= at < values.shape[1]:
            must = f"be a position in [{-values.shape[1]}, {values.shape[1] - 1}]"
            raise SettingError(sentence("at", "History.compare", must, at, "at=-1"))
        values = self._compared(self._series(name), at % values.shape[1])
        seeds = np.array([member.seed for member in self.members], dtype=np.uint64)
        labelled = self.arms(by)
        if by == "seed" or len(labelled) < 2:
            must = "be a setting in which members of one seed differ"
            raise SettingError(sentence("by", "History.compare", must, by))
        arms = {}
        for label, rows in labelled.items():
            own = [values[rows[seeds[rows] == seed]] for seed in np.unique(seeds)]
            means = [one.mean() if len(one) else np.nan for one in own]
            arms[label] = np.array(means, dtype=values.dtype)  # which says what rounding is
        return evidence.compare_all(arms, better=direction(name, self._series(name).better))

    def _compared(self, series: Series, at: int) -> Array:
        """The value by which each member is compared at a position; inf of one that diverged."""
        found = series.values[:, at].astype(np.float64)
        is_last = at == series.values.shape[1] - 1
        for row, status in enumerate(self.status):
            has_ended = bool(np.isnan(found[row]))
            if status.kind == "diverged":
                found[row] = np.inf if has_ended else found[row]
                continue
            has_stopped = has_ended and status.kind == "stopped early"
            if has_stopped or (is_last and status.best_step is not None):
                found[row] = self._kept(series, row)
        return found

    def _kept(self, series: Series, row: int) -> float:
        """The value of the network that a member keeps: of its best evaluation, or its last."""
        status, at = self.status[row], series.axis_values
        is_there = np.isfinite(series.values[row])
        if status.best_step is not None:
            done = int(np.isfinite(self["train_loss"][row]).sum())
            best = status.best_step - (status.step - done)  # without those of an earlier training
            per = self.steps_per_epoch if series.axis == "epoch" else None
            is_there &= at * (per or 1) <= best + 0.5
        own = series.values[row, is_there]
        return float(own[-1]) if len(own) else np.nan

    @overload
    def plot(
        self, name: str = ..., by: str = ..., ax: None = None, smooth: int | None = ...
    ) -> OwnAxes: ...
    @overload
    def plot(self, name: str = ..., by: str = ..., *, ax: A, smooth: int | None = ...) -> A: ...
    @overload
    def plot(self, name: str, by: str, ax: A, smooth: int | None = ...) -> A: ...
    def plot(
        self,
        name: str = "train_loss",
        by: str = "optimizer",
        ax: Axes | None = None,
        smooth: int | None = None,
    ) -> Axes:
        """Draw the median and the 95 % band of each arm over time.

        Parameters
        ----------
        name : str, default "train_loss"
            The series.
        by : str, default "optimizer"
            The setting that makes the arms.
        ax : Axes, optional
            Where to draw; by default in a new figure.
        smooth : int, optional
            Width of a moving average, odd.

        Returns
        -------
        Axes
            Where it was drawn; `.figure` is the figure.

        Raises
        ------
        SettingError
            For a series or a setting that is not there, and for a width that is not odd.

        Notes
        -----
        On axes that have curves already, or whose x axes with curves share, x keeps its unit, steps
        or epochs, and is converted; a series of another name, there or on a twin of the axes, is
        named in the legend, and has another style of line.
        On axes of its own, values that span more than four decades are on a logarithmic axis.
        The legend is below the axes.  A figure of yours without a layout gets the tight one, which
        makes room for it.
        """
        from trainlab import plots  # matplotlib is slow to import, and only figures need it

        either(instance_of(plots.Axes), None).check(ax, "ax", "History.plot")
        self._series(name)  # complains of an unknown one
        return plots.history(self, name, by, ax=ax, smooth=smooth)

    def to_frame(self) -> pandas.DataFrame:
        """Put all series into a table (needs the extra `pandas`).

        Returns
        -------
        pandas.DataFrame
            One row per member, series and position.  Columns: "member", its index; "seed";
            "network" and "optimizer", their labels; "series", its name; "axis", "step" or "epoch";
            "at", the position on it; and "value".

        Raises
        ------
        ImportError
            Where pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            text = "to_frame needs pandas; try pip install 'trainlab[pandas]'"
            raise ImportError(text) from error
        rows: list[pandas.DataFrame] = []
        labels = {
            by: {row: arm for arm, own in self.arms(by).items() for row in own}
            for by in ("network", "optimizer")
        }
        for series in self.series.values():
            for index, (member, values) in enumerate(zip(self.members, series.values, strict=True)):
                columns: dict[str, Any] = {
                    "member": index,
                    "seed": member.seed,
                    **{by: own[index] for by, own in labels.items()},
                    "series": series.name,
                    "axis": series.axis,
                    "at": series.axis_values,
                    "value": values,
                }
                rows.append(pandas.DataFrame(columns))
        return pandas.concat(rows, ignore_index=True)
