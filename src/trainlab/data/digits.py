"""The 1,797 handwritten digits that come with scikit-learn: real data without a download."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from trainlab.data.arrays import Dataset, Size, Split
from trainlab.errors import DataError

DIGITS_SHA256: Final = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
"""Of the images as uint8 (1797, 64) in C order, followed by the labels as uint8."""


def load_digits(
    test: Size | None = 360,
    validation: Size | None = None,
    *,
    stratify: bool = True,
    seed: int = 0,
) -> Dataset:
    """Load images of the digits 0 to 9, 8 by 8 pixels, split by chance with a fixed seed.

    Parameters
    ----------
    test : int, float or None, default 360
        A number of test rows, or a fraction in (0, 1).
    validation : int, float or None, default None
        A number of validation rows, or a fraction of what is left after the test rows.
    stratify : bool, default True
        Give all parts the same share of each digit.
    seed : int, default 0
        Seeds the draws.

    Returns
    -------
    Dataset
        Inputs (N, 64) float32 in [0, 1] (the file's 0..16 divided by 16), targets (N,) int64;
        1,797 rows altogether.

    Raises
    ------
    DataError
        Where the installed scikit-learn holds other data.
    SettingError
        Where a part would be empty or would miss a digit.

    Notes
    -----
    Source: Alpaydin & Kaynak 1998, UCI "Optical recognition of handwritten digits" (its test
    part), as packed by scikit-learn.

    Examples
    --------
    >>> data = load_digits()
    >>> len(data.train), len(data.test), data.in_features, data.out_features
    (1437, 360, 64, 10)
    """
    # Imported here: `import trainlab` need not wait for scikit-learn.
    from sklearn.datasets import load_digits as bundled

    pixels, labels = bundled(return_X_y=True)
    packed = np.asarray(pixels).astype(np.uint8), np.asarray(labels).astype(np.uint8)
    sha256 = hashlib.sha256(packed[0].tobytes() + packed[1].tobytes()).hexdigest()
    if sha256 != DIGITS_SHA256:
        raise DataError(
            f"SHA-256 of scikit-learn's digits must be {DIGITS_SHA256}; got {sha256}; "
            "try to reinstall scikit-learn"
        )
    x = packed[0].astype(np.float32) / np.float32(16)
    everything = Split(x, packed[1].astype(np.int64))
    data = Dataset("digits", everything, None, None, "classification", np.arange(10), sha256)
    if test is not None:
        data = data.hold_out("test", test, stratify=stratify, seed=seed)
    if validation is not None:
        data = data.split(validation, stratify=stratify, seed=seed)
    return data
