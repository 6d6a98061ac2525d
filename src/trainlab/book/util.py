"""What readers of the book import from `common.util`."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainlab.arrays import as_floats
from trainlab.book.convolution import col2im, conv_output_size, im2col
from trainlab.book.samples import Samples
from trainlab.errors import DataError, sentence
from trainlab.network.workspace import Array
from trainlab.terminal import counted

__all__ = ["col2im", "conv_output_size", "im2col", "np", "shuffle_dataset", "smooth_curve"]

WINDOW = 11
BETA = 2


def smooth_curve(x: Any) -> Array:
    """A moving average of 11 values under a Kaiser window, β = 2; x is mirrored at its ends.

    As many values come back as went in.  Differs: of fewer than 11 the book's gives back fewer
    still, none of 7.  The window of `trainlab.evidence.smooth` shrinks towards the ends, and
    leaves the first and the last value as they are.

    Raises: DataError for no value, and for what are no numbers.

    >>> smooth_curve([1.0] * 20).round(12).tolist() == [1.0] * 20
    True
    """
    values = as_floats(x, "x", "smooth_curve")
    if values.ndim != 1 or not len(values):
        raise DataError(sentence("x", "smooth_curve", "be a list of at least one number", x))
    # There and back again: the first value is met once at each turn, and the last one twice.
    around = 2 * len(values) - 1
    places = np.arange(1 - WINDOW, len(values) + WINDOW - 1) % around
    mirrored = values[np.minimum(places, around - places)]
    weights = np.kaiser(WINDOW, BETA)
    smoothed = np.convolve(weights / weights.sum(), mirrored, mode="valid")
    return smoothed[WINDOW // 2 : len(smoothed) - WINDOW // 2]


def shuffle_dataset(x: Any, t: Any) -> tuple[Array, Array]:
    """x and t in one random order, drawn with `np.random.permutation`.

    The arrays are `Samples`: `x[: n * 0.2]` is the slice its author meant.
    """
    if len(t) < len(x):
        must = f"have a label for each of {counted(len(x), 'sample')}"
        raise DataError(sentence("t", "shuffle_dataset", must, t))
    order = np.random.permutation(len(x))  # noqa: NPY002 - np.random.seed is to repeat it
    return np.asarray(x)[order].view(Samples), np.asarray(t)[order].view(Samples)
