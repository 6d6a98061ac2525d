"""Points of a plane in two classes: data that a page can draw, and a small network can learn.

Axis letters: n rows of one class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from trainlab.data.arrays import Dataset, from_arrays
from trainlab.settings import one_of, real, whole_number
from trainlab.streams import stream

Shape = Callable[[np.random.Generator, int, int], Any]
"""(generator, class 0 or 1, n) → points (n, 2) without noise, about as far as 1 from 0."""


def _circles(rng: np.random.Generator, label: int, n: int) -> Any:
    """A disc and a ring around it, each evenly filled."""
    low, high = ((0.0, 0.5), (0.75, 1.0))[label]
    radius, angle = np.sqrt(rng.uniform(low**2, high**2, n)), rng.uniform(0, 2 * np.pi, n)
    return _polar(radius, angle)


def _moons(rng: np.random.Generator, label: int, n: int) -> Any:
    """Two half circles, each with an end inside the other."""
    angle = rng.uniform(0, np.pi, n)
    centre, side = ((-0.33, -0.17), 1.0), ((0.33, 0.17), -1.0)
    (x, y), turn = (centre, side)[label]
    return np.column_stack([x + 0.67 * np.cos(angle), y + turn * 0.67 * np.sin(angle)])


def _spiral(rng: np.random.Generator, label: int, n: int) -> Any:
    """Two arms that go around each other 1.75 times."""
    along = np.sqrt(rng.uniform(0.005, 1, n))
    return _polar(along, 2 * np.pi * 1.75 * along + np.pi * label)


def _xor(rng: np.random.Generator, label: int, n: int) -> Any:
    """Four squares: in two that lie across from each other both signs are the same."""
    x, y = rng.uniform(0.05, 1, (2, n))
    sign = rng.choice([-1.0, 1.0], n)
    return np.column_stack([sign * x, (sign if label else -sign) * y])


def _gaussians(rng: np.random.Generator, label: int, n: int) -> Any:
    """Two round clouds that overlap a little."""
    return rng.normal((-0.45, 0.45)[label], 0.25, (n, 2))


def _polar(radius: Any, angle: Any) -> Any:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


PLANAR: Final[dict[str, Shape]] = {
    "circles": _circles,
    "moons": _moons,
    "spiral": _spiral,
    "xor": _xor,
    "gaussians": _gaussians,
}

_ROWS: Final = whole_number(2, "400", high=2**20)
_NOISE: Final = real(0.0, 10.0, "[]", "0.05")


def load_planar(
    kind: str = "spiral",
    rows: int = 400,
    validation: int = 400,
    *,
    noise: float = 0.05,
    seed: int = 0,
) -> Dataset:
    """Draw points of a plane in two classes.

    Parameters
    ----------
    kind : {"spiral", "circles", "moons", "xor", "gaussians"}
        How they lie.
    rows : int, default 400
        Points to train on, in [2, 2**20], half of them of each class.
    validation : int, default 400
        Further points, drawn in the same way.
    noise : float, default 0.05
        The standard deviation, in [0, 10], of what is added to both coordinates, which are about
        as large as 1.
    seed : int, default 0
        Seeds the draws.

    Returns
    -------
    Dataset
        Inputs (N, 2) float32, targets (N,) int64.

    Raises
    ------
    SettingError
        For a value that an argument cannot have.

    Examples
    --------
    >>> data = load_planar("moons", rows=100)
    >>> data.train.x.shape, data.out_features
    ((100, 2), 2)
    """
    owner = "load_planar"
    kind = one_of(tuple(PLANAR)).check(kind, "kind", owner)
    noise = _NOISE.check(noise, "noise", owner)
    drawn = []
    for part, count in enumerate((rows, validation)):
        name = ("rows", "validation")[part]
        drawn.append(_drawn(kind, _ROWS.check(count, name, owner), noise, seed, part))
    (x, t), held = drawn
    return from_arrays(x, t, validation=held, name=kind)


def _drawn(kind: str, rows: int, noise: float, seed: int, part: int) -> tuple[Any, Any]:
    """Points (rows, 2) and their classes (rows,), in random order."""
    rng = stream(seed, "planar", list(PLANAR).index(kind), part)
    t = rng.permutation(np.arange(rows) % 2)
    x = np.empty((rows, 2))
    for label in range(2):
        x[t == label] = PLANAR[kind](rng, label, int((t == label).sum()))
    return x + rng.normal(0.0, noise, x.shape), t
