"""MNIST: found in a folder or in the cache, else fetched; verified at every load."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainlab.data.arrays import Dataset, Split
from trainlab.data.idx import IdxFile
from trainlab.errors import DataError, DownloadError, sentence
from trainlab.files import as_path
from trainlab.settings import FLAG

ENVIRONMENT: Final = "TRAINLAB_DATA"
"""The environment variable that names a folder with data."""

MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

FILES: Final = (
    IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)

CLASSES: Final = 10


def cache_folder() -> Path:
    """The user's folder for fetched files, as the system prescribes it."""
    # Imported here: only those who load MNIST wait for it.  It imports the bars of tqdm, which in a
    # notebook without ipywidgets warn that there are none; none of them is shown.
    with warnings.catch_warnings(action="ignore"):
        import pooch  # type: ignore[import-untyped]  # pooch ships no types

    return Path(pooch.os_cache("trainlab"))


def folders(data_dir: str | os.PathLike[str] | None = None) -> list[Path]:
    """Where MNIST is looked for, in this order: `data_dir`, TRAINLAB_DATA, the cache.

    Of each, the folder itself and its subfolder `mnist`.  DataError where a folder
    that was named is not there: a typing error should not start a download.
    """
    named = {"data_dir": data_dir, ENVIRONMENT: os.environ.get(ENVIRONMENT) or None}
    found: list[Path] = []
    for name, folder in named.items():
        if folder is None:
            continue
        path = as_path(folder, name, "MNIST", home=True)
        if not os.path.isdir(path):  # unlike Path's, False for any path that leads nowhere
            raise DataError(sentence(name, "MNIST", "be a folder that is there", str(path)))
        found.append(path)
    found.append(cache_folder())
    return [place for folder in found for place in (folder, folder / "mnist")]


def find_mnist(data_dir: str | os.PathLike[str] | None = None) -> dict[str, Path | None]:
    """Find the files of MNIST, without verifying them.

    Parameters
    ----------
    data_dir : str or path, optional
        A folder to look in first.

    Returns
    -------
    dict of str to Path or None
        Where each file lies, by its name; None for one that is nowhere.
    """
    places = folders(data_dir)
    return {file.name: _find(file, places) for file in FILES}


def load_mnist(
    data_dir: str | os.PathLike[str] | None = None,
    download: bool = True,
    progress: bool = True,
) -> Dataset:
    """Load MNIST: images of the digits 0 to 9, 28 by 28 pixels; 60,000 to train on, 10,000 to test.

    Parameters
    ----------
    data_dir : str or path, optional
        A folder to look in first, before `TRAINLAB_DATA` and the cache.
    download : bool, default True
        Fetch files that are nowhere into the cache.
    progress : bool, default True
        Show the transfer on stderr.

    Returns
    -------
    Dataset
        Inputs (N, 784) float32 in [0, 1] (bytes divided by 255), targets (N,) int64, in the
        order of the files; `data.split()` carves validation rows.

    Raises
    ------
    DataError
        Names the file, unless its decompressed bytes have the SHA-256 of the original.  (Such a
        file in the cache is fetched anew.)
    DownloadError
        Where a file is missing and cannot be fetched, or may not be.

    Notes
    -----
    Source: LeCun, Cortes & Burges, "The MNIST database of handwritten digits".
    """
    FLAG.check(download, "download", "load_mnist")
    FLAG.check(progress, "progress", "load_mnist")
    return _load(FILES, folders(data_dir), cache_folder(), MIRRORS if download else (), progress)


def fetch_mnist(folder: str | os.PathLike[str] | None = None, progress: bool = True) -> list[Path]:
    """Fetch the files of MNIST that are missing, and verify all four.

    Parameters
    ----------
    folder : str or path, optional
        Where they are to be, itself or its subfolder `mnist`; damaged files there are fetched
        anew.  By default files stay where `load_mnist` finds them, and missing ones go to the
        cache.
    progress : bool, default True
        Show the transfer on stderr.

    Returns
    -------
    list of Path
        The four files.

    Raises
    ------
    DataError
        If a file has other content than the original.
    DownloadError
        If a file cannot be fetched.
    """
    FLAG.check(progress, "progress", "fetch_mnist")
    if folder is None:
        cache, places = cache_folder(), folders()
        return [_sound(file, places, cache, MIRRORS, progress)[0] for file in FILES]
    target = as_path(folder, "folder", "fetch_mnist", home=True)
    return [_fetched(file, target, MIRRORS, progress) for file in FILES]


def _load(
    files: Sequence[IdxFile],
    places: Sequence[Path],
    cache: Path,
    mirrors: Sequence[str],
    progress: bool,
) -> Dataset:
    arrays = [_sound(file, places, cache, mirrors, progress)[1] for file in files]
    train = pair(arrays[0], arrays[1], files[1].name)
    test = pair(arrays[2], arrays[3], files[3].name)
    sha256 = hashlib.sha256("".join(file.sha256 for file in files).encode()).hexdigest()
    return Dataset("mnist", train, None, test, "classification", np.arange(CLASSES), sha256)


def pair(images: NDArray[np.uint8], labels: NDArray[np.uint8], name: str) -> Split:
    """Images (N, ...) and labels (N,) of bytes as a split; DataError unless they belong together.

    >>> pair(np.full((1, 2, 2), 255, np.uint8), np.array([7], np.uint8), "labels").x
    array([[1., 1., 1., 1.]], dtype=float32)
    """
    if labels.shape != images.shape[:1]:
        raise DataError(sentence("labels", name, f"be {len(images)}, one per image", labels.shape))
    if labels.max() >= CLASSES:
        must = f"be in [0, {CLASSES - 1}]"
        raise DataError(sentence("labels", name, must, int(labels.max())))
    x = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    return Split(x, labels.astype(np.int64))


def _find(file: IdxFile, places: Sequence[Path]) -> Path | None:
    # Some packings write the dash before "idx" as a dot.
    dotted = file.name.replace("-idx", ".idx")
    for place in places:
        for name in (file.name, f"{file.name}.gz", dotted, f"{dotted}.gz"):
            # Unlike Path's, it is False in a folder that we may not read.
            if os.path.exists(place / name):
                return place / name
    return None


def _sound(
    file: IdxFile, places: Sequence[Path], cache: Path, mirrors: Sequence[str], progress: bool
) -> tuple[Path, NDArray[np.uint8]]:
    """The path of a verified copy of `file`, and its content."""
    found = _find(file, places)
    if found is not None:
        try:
            return found, file.read(found)
        except DataError:
            # We may repair the cache, but not a folder of the user's.
            if not mirrors or found.parent not in (cache, cache / "mnist"):
                raise
    elif not mirrors:
        looked = ", ".join(str(place) for place in places)
        raise DownloadError(
            f"{file.name} of MNIST must be in one of the folders {looked}; got none there and "
            f"download=False; try download=True, --data-dir or {ENVIRONMENT}"
        )
    path = _fetched(file, cache, mirrors, progress)
    return path, file.read(path)


def _fetched(file: IdxFile, folder: Path, mirrors: Sequence[str], progress: bool) -> Path:
    """The path of `file` in `folder` or its `mnist`, fetched unless a sound copy is there."""
    # Imported here: only those who fetch wait for the network library.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from trainlab.data.download import fetch

    found = _find(file, (folder, folder / "mnist"))
    if found is not None:
        try:
            file.read(found)
            return found
        except DataError:
            pass  # kept until a sound copy is there: the fetch may fail
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task(file.name, total=None)
        path = fetch(
            file,
            folder,
            mirrors,
            report=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if found is not None and found != path:
        found.unlink()  # otherwise it would be found before the sound copy
    return path
