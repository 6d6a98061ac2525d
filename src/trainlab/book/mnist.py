"""What readers of the book import from `dataset.mnist`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from trainlab.book.samples import Samples
from trainlab.data import load_mnist as load

__all__ = ["load_mnist", "np"]

IMAGE: Final = (1, 28, 28)
Pair = tuple[Samples, Samples]


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False
) -> tuple[Pair, Pair]:
    """(x_train, t_train), (x_test, t_test): 60,000 and 10,000 images with their labels.

    x: float32 in [0, 1] if `normalize`, else uint8; (N, 784) if `flatten`, else
    (N, 1, 28, 28).  t: uint8 (N,), or one-hot (N, 10), float64, if
    `one_hot_label`.
    The files come from the folder TRAINLAB_DATA or the cache, else they are fetched; they
    are verified by SHA-256.  DataError and DownloadError as in `trainlab.load_mnist`.
    """
    data = load()
    assert data.test is not None

    def form(split: Any) -> Pair:
        x, t = split.x, split.t.astype(np.uint8)
        if not normalize:
            x = np.rint(x * np.float32(255)).astype(np.uint8)
        if not flatten:
            x = x.reshape(-1, *IMAGE)
        if one_hot_label:
            t = np.eye(10)[t]
        return x.view(Samples), t.view(Samples)

    return form(data.train), form(data.test)
