"""The arrays that contestants train on: made once by the parent, read by every contestant.

Contestants get plain NumPy arrays, so that none of the others has to import trainlab.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.workloads import Workload

Split = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
Data = dict[str, Split]


def write(folder: Path, name: str) -> None:
    """Writes the arrays of "mnist" or "digits" into the folder, unless they are there."""
    import trainlab as tl

    if (folder / f"{name}-test-t.npy").exists():
        return
    data = tl.load_mnist() if name == "mnist" else tl.load_digits()
    for split, part in data.parts().items():
        assert isinstance(part.x, np.ndarray)
        np.save(folder / f"{name}-{split}-x.npy", part.x)
        np.save(folder / f"{name}-{split}-t.npy", part.t)


def read(folder: Path, workload: Workload) -> Data:
    """The splits of a workload: x (N, features) float32 in [0, 1], t (N,) int64."""
    train, held = workload.train_rows, workload.validation_rows
    data = {"train": _rows(folder, workload.data, "train", slice(train))}
    if held:
        rows = slice(train, train + held)
        data["validation"] = _rows(folder, workload.data, "train", rows)
    if workload.test_rows:
        data["test"] = _rows(folder, workload.data, "test", slice(workload.test_rows))
    return data


def _rows(folder: Path, name: str, split: str, rows: slice) -> Split:
    x = np.load(folder / f"{name}-{split}-x.npy", mmap_mode="r")
    t = np.load(folder / f"{name}-{split}-t.npy", mmap_mode="r")
    return np.array(x[rows]), np.array(t[rows])
