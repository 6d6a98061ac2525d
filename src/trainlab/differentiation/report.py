"""What a gradient check found: two sets of gradients compared, as data and as a table."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from trainlab import notebook
from trainlab.network.workspace import Array

OBJECTIVES: Final = ("loss", "outputs")
FLOOR: Final = 1e-3
"""An entry is compared relative to its own size, or to this part of the largest gradient of
the network if that is more: the error of a difference is absolute (eps |loss|/h), so
the smallest entries have no relative accuracy to lose."""
ROUNDING: Final = 64 * float(np.finfo(np.float64).eps)
"""Rounding of a pass relative to its values: some 16 operations deep, and norms that
take differences of numbers several times larger than their result."""

WORDS: Final = ("gradient of", "with respect to", "shape")
NUMBERS: Final = ("compared", "crossed", "zero", "error", "worst at")
"""The columns of a report."""


@dataclasses.dataclass(frozen=True)
class GradientRow:
    """How the gradient of one objective with respect to one parameter compares.

    Parameters
    ----------
    objective : {"loss", "outputs"}
        What is differentiated.
    parameter : str
        With respect to what: W1, b1, x.
    shape : tuple of int
        The shape of the parameter.
    entries : int
        How many entries were chosen.
    crossed : int
        How many of them are left out, because a kink lies between the points of their difference.
    zero : int
        How many are 0 to the accuracy of the difference, on both sides: they agree, but prove
        little.
    error : float
        The largest relative error of all that are not crossed.
    difference : float
        The mean of |analytic − numeric| over them; NaN if there are none.
    worst : tuple of int or None
        The entry with the largest error.
    """

    objective: str
    parameter: str
    shape: tuple[int, ...]
    entries: int
    crossed: int
    zero: int
    error: float
    difference: float
    worst: tuple[int, ...] | None

    def passes(self, tolerance: float) -> bool:
        """Tell whether the error is within a tolerance, and at least half the entries compared.

        Parameters
        ----------
        tolerance : float
            The relative error that is allowed.

        Returns
        -------
        bool
            False too where the error is NaN.
        """
        return self.error <= tolerance and 2 * self.crossed <= self.entries


@dataclasses.dataclass(frozen=True)
class GradientReport:
    """What a gradient check found.

    Parameters
    ----------
    rows : tuple of GradientRow
        One for each objective and parameter.
    tolerance : float
        The relative error that is allowed.
    method : str
        How the numerical gradients were computed.
    """

    rows: tuple[GradientRow, ...]
    tolerance: float
    method: str

    @property
    def error(self) -> float:
        """The largest relative error (NaN if a gradient is NaN or was never written)."""
        return float(np.max([row.error for row in self.rows]))

    @property
    def ok(self) -> bool:
        """Whether every row passes."""
        return all(row.passes(self.tolerance) for row in self.rows)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Parameters whose gradient is 0 wherever it is compared, as behind units that are off.

        They agree, whatever a backward pass makes of them elsewhere.
        """
        seen = {row.parameter for row in self.rows if row.zero + row.crossed < row.entries}
        return tuple(dict.fromkeys(r.parameter for r in self.rows if r.parameter not in seen))

    def table(self) -> Table:
        """Show the report as a table.

        Returns
        -------
        rich.table.Table
            Which `rich` prints on a terminal.
        """
        title, caption = self._words()
        table = Table(title=title, caption=caption)
        for heading in WORDS:
            table.add_column(heading)
        for heading in NUMBERS:
            table.add_column(heading, justify="right")
        for row in self.rows:
            table.add_row(*_cells(row), style=None if row.passes(self.tolerance) else "bold red")
        return table

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100, markup=False, emoji=False).print(self.table())
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        title, below = self._words()
        return notebook.table([*WORDS, *NUMBERS], map(_cells, self.rows), title, below)

    def _words(self) -> tuple[str, str]:
        """What stands above and below the table."""
        title = f"gradient check ({self.method}): " + ("passed" if self.ok else "FAILED")
        caption = f"relative error allowed: {self.tolerance:g}"
        if self.unseen:
            caption += f"; zero wherever compared, which proves little: {', '.join(self.unseen)}"
        return title, caption


def _cells(row: GradientRow) -> tuple[str, ...]:
    return (
        row.objective,
        row.parameter,
        " × ".join(map(str, row.shape)),
        *(str(count) for count in (row.entries - row.crossed, row.crossed, row.zero)),
        f"{row.error:.1e}",
        "" if row.worst is None else str(row.worst),
    )


@dataclasses.dataclass(frozen=True)
class GradientComparison:
    """Two gradients of both objectives with respect to one parameter.

    shape is (*members, rows, columns); `entries` are the n compared places of the matrix;
    analytic and numeric are (2, *members, n), crossed is (*members, n).
    """

    parameter: str
    shape: tuple[int, ...]
    entries: Array
    analytic: Array
    numeric: Array
    crossed: Array

    @property
    def sizes(self) -> Array:
        """The size of each gradient entry: that of the larger of the two."""
        return np.fmax(np.abs(self.analytic), np.abs(self.numeric))

    def errors(self, floor: Array) -> Array:
        """|analytic − numeric| / max(|analytic|, |numeric|, floor), (2, *members, n)."""
        difference = np.abs(self.analytic - self.numeric)
        allowed = np.maximum(self.sizes, floor[..., np.newaxis])
        # Where the whole gradient is exactly 0, so is the floor: 0/0 is no error.
        errors: Array = np.divide(difference, allowed, out=difference.copy(), where=allowed > 0)
        return errors

    def doubtful(self, floor: Array, tolerance: float) -> Array:
        """Which of the n places are crossed or beyond tolerance, in any member or objective."""
        doubtful = self.crossed | ~(self.errors(floor) <= tolerance).all(axis=0)
        return np.flatnonzero(doubtful.reshape(-1, len(self.entries)).any(axis=0))


def floors(
    comparisons: Sequence[GradientComparison], noise: Array, passes: Array, tolerance: float
) -> Array:
    """The size (2, *members) below which gradients are not compared relative to themselves.

    The largest of
    - FLOOR times the largest entry of all gradients;
    - `noise`, the rounding of a difference, over the tolerance;
    - ROUNDING times `passes`, the largest sum in either backward pass, over the tolerance:
      a bias before a norm has the gradient 0, as a sum of numbers that need not be small,
      and a loss may have none at all (softmax of one output).
    All arguments are (2, *members).
    """
    largest = np.max([comparison.sizes.max(axis=-1) for comparison in comparisons], axis=0)
    passes = np.maximum(passes, largest).max(axis=0)
    rounding = np.maximum(noise, ROUNDING * passes) / tolerance
    floor: Array = np.maximum(FLOOR * largest, rounding)
    return floor


def report(
    comparisons: Sequence[GradientComparison], floor: Array, tolerance: float, method: str
) -> GradientReport:
    """A row for each objective and parameter."""
    rows = tuple(
        _row(comparison, objective, floor, tolerance)
        for objective in range(len(OBJECTIVES))
        for comparison in comparisons
    )
    return GradientReport(rows, tolerance, method)


def _row(c: GradientComparison, objective: int, floor: Array, tolerance: float) -> GradientRow:
    error = np.where(c.crossed, 0.0, c.errors(floor)[objective])
    apart = np.abs(c.analytic - c.numeric)[objective][~c.crossed]
    zero = ~c.crossed & (c.sizes <= tolerance * floor[..., np.newaxis])[objective]
    worst = None
    if not c.crossed.all():
        *member, entry = np.unravel_index(int(np.argmax(error)), error.shape)
        place = np.unravel_index(c.entries[entry], c.shape[-2:])
        worst = tuple(int(i) for i in (*member, *place))
    return GradientRow(
        OBJECTIVES[objective],
        c.parameter,
        c.shape,
        entries=error.size,
        crossed=int(c.crossed.sum()),
        zero=int(zero.sum()),
        error=float(error.max()),
        difference=float(apart.mean()) if apart.size else math.nan,
        worst=worst,
    )
