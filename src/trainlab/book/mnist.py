"""What readers of the book import from `dataset.mnist`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from trainlab.book.names import current_reader
from trainlab.book.notices import notice
from trainlab.book.samples import Samples
from trainlab.data import fetch_mnist, find_mnist, read_idx
from trainlab.data import load_mnist as load
from trainlab.data.mnist import FILES, MIRRORS, cache_folder
from trainlab.network.workspace import Array

__all__ = [
    "dataset_dir",
    "download_mnist",
    "img_dim",
    "img_size",
    "init_mnist",
    "key_file",
    "load_mnist",
    "np",
    "save_file",
    "test_num",
    "train_num",
    "url_base",
]

url_base: Final = MIRRORS[0]
key_file: Final = dict(
    zip(
        ("train_img", "train_label", "test_img", "test_label"),
        (f"{file.name}.gz" for file in FILES),
        strict=True,
    )
)
train_num: Final = 60_000
test_num: Final = 10_000
img_dim: Final = (1, 28, 28)
img_size: Final = 784
Pair = tuple[Samples, Samples]
dataset_dir: str
"""The folder of the files: the reader's own, or the one they were found in or are fetched to."""
save_file: str
"""Where the book keeps its pickle; nothing is written there."""


def __getattr__(name: str) -> Any:
    """`dataset_dir` and `save_file`, which follow the files."""
    if name not in ("dataset_dir", "save_file"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = readers_folder()
    found = [path.parent for path in find_mnist(place).values() if path is not None]
    folder = str(place or (found[0] if found else cache_folder()))
    return folder if name == "dataset_dir" else f"{folder}/mnist.pkl"


def readers_folder() -> Path | None:
    """The reader's own folder of MNIST: that of --data-dir, or a `dataset` with a file of it."""
    reader = current_reader()
    if reader.data_dir is not None:
        return Path(reader.data_dir)
    for place in map(Path, reader.folders_of("dataset")):
        if place.is_dir() and any(
            path is not None and place in path.parents for path in find_mnist(place).values()
        ):
            return place
    return None


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False
) -> tuple[Pair, Pair]:
    """(x_train, t_train), (x_test, t_test): 60,000 and 10,000 images with their labels.

    x: float32 in [0, 1] if `normalize`, else uint8; (N, 784) if `flatten`, else
    (N, 1, 28, 28).  t: uint8 (N,), or one-hot (N, 10), float64, if
    `one_hot_label`.
    The files come from the folder of --data-dir, from a folder `dataset` of the reader's, from
    TRAINLAB_DATA or the cache, else they are fetched; they are verified by SHA-256.
    DataError and DownloadError as in `trainlab.load_mnist`.
    """
    data = load(readers_folder())
    assert data.test is not None

    def form(split: Any) -> Pair:
        x, t = split.x, split.t.astype(np.uint8)
        if not normalize:
            x = np.rint(x * np.float32(255)).astype(np.uint8)
        if not flatten:
            x = x.reshape(-1, *img_dim)
        if one_hot_label:
            t = _change_one_hot_label(t)
        return x.view(Samples), t.view(Samples)

    return form(data.train), form(data.test)


def download_mnist() -> None:
    """Fetches the files that are missing, and verifies all four."""
    fetch_mnist(readers_folder())


def init_mnist() -> None:
    """As `download_mnist`.  Differs: the book's writes a pickle, `save_file`, too."""
    notice("init_mnist fetches and verifies the files of MNIST, and writes no pickle")
    download_mnist()


def _load_img(file_name: str) -> Array:
    return read_idx(Path(__getattr__("dataset_dir"), file_name)).reshape(-1, img_size)


def _load_label(file_name: str) -> Array:
    return read_idx(Path(__getattr__("dataset_dir"), file_name))


def _convert_numpy() -> dict[str, Array]:
    pairs = load_mnist(normalize=False)
    return dict(zip(key_file, (array for pair in pairs for array in pair), strict=True))


def _change_one_hot_label(X: Any) -> Array:
    return np.asarray(np.eye(10)[X])
