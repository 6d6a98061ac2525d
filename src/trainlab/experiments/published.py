"""Numbers printed elsewhere, set beside the distribution found here.

The numbers are data (published.json).  A loss that one unseeded run printed is
compared with the interval that holds one more of our runs; a number without
randomness must come out equal.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from trainlab.differentiation import numerical_diff
from trainlab.evidence import Replication, replicate, reproduce
from trainlab.experiments.base import Measured
from trainlab.experiments.derivative import ERROR_LIMIT, STEP, f

PATH_TOLERANCE: Final = 1e-6
"""The published end points have six decimals."""


@functools.cache
def table() -> Mapping[str, Any]:
    """The content of published.json."""
    text = resources.files(__package__).joinpath("published.json").read_text(encoding="utf-8")
    content: Mapping[str, Any] = json.loads(text)
    return content


def sources() -> Mapping[str, str]:
    """What each source is."""
    found: Mapping[str, str] = table()["sources"]
    return found


def end_points() -> Mapping[str, tuple[float, float]]:
    """Optimizer → end point of its path."""
    return {arm: (x, y) for arm, (x, y) in table()["optimizer-paths"]["end"].items()}


def losses(name: str, data: str, measured: Measured, series: str) -> tuple[Replication, ...]:
    """Each loss published for this experiment and data set beside our runs of its arm and step.

    Numbers of steps that were not reached, as in a quick run, are left out.
    """
    found, rows = measured.series[series], []
    place = {int(step): index for index, step in enumerate(found.axis_values)}
    for row in table()["losses"].get(data, {}).get(name, ()):
        arm, step = row["arm"], row["step"]
        if arm in measured.arms and step in place:
            ours = found.values[measured.arms[arm], place[step]]
            what = f"{arm}, loss at step {step}"
            rows.append(replicate(row["source"], what, row["value"], ours))
    return tuple(rows)


def exact(name: str, measured: Measured) -> tuple[Replication, ...]:
    """The published numbers without randomness for an experiment on functions."""
    if name == "derivative":
        return _slopes()
    return _ends(measured) if name == "optimizer-paths" else ()


def _slopes() -> tuple[Replication, ...]:
    row = table()[name := "derivative"]
    return tuple(
        reproduce(
            row["source"],
            f"{name} at x = {x:g}",
            value,
            float(numerical_diff(f, x, STEP)),
            ERROR_LIMIT,
        )
        for x, value in zip(row["x"], row["value"], strict=True)
    )


def _ends(measured: Measured) -> tuple[Replication, ...]:
    rows, source = [], table()["optimizer-paths"]["source"]
    for arm, point in end_points().items():
        (member,) = measured.arms[arm]
        for axis, value in zip("xy", point, strict=True):
            ours = float(measured.series[axis].values[member, -1])
            what = f"{arm}, {axis} after 30 updates"
            rows.append(reproduce(source, what, value, ours, PATH_TOLERANCE))
    return tuple(rows)
