"""The digits of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.datasets

from trainlab.data import digits
from trainlab.data.digits import load_digits
from trainlab.errors import DataError, SettingError

BUNDLE = sklearn.datasets.load_digits()


def test_the_real_images_are_all_there_once():
    data = load_digits(validation=200)
    assert data.describe()["sizes"] == {"train": 1237, "validation": 200, "test": 360}
    x = np.concatenate([part.x for part in data.parts().values()])
    t = np.concatenate([part.t for part in data.parts().values()])
    ours = np.column_stack([x * 16, t])
    theirs = np.column_stack([BUNDLE.data, BUNDLE.target])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (0.0, 1.0)


def test_the_test_rows_have_the_share_of_each_digit():
    share = np.bincount(load_digits().test.t) / 360
    # Stratified: each class is within one row of its share.
    np.testing.assert_allclose(share, np.bincount(BUNDLE.target) / 1797, atol=1 / 360)


def test_seeds_and_sizes():
    assert load_digits().sha256 == load_digits().sha256 != load_digits(seed=1).sha256
    assert np.array_equal(load_digits().test.x, load_digits(seed=0).test.x)
    assert not np.array_equal(load_digits().test.x, load_digits(seed=1).test.x)
    assert load_digits(test=None).describe()["sizes"] == {"train": 1797}
    assert len(load_digits(test=0.5).test) == 898
    with pytest.raises(SettingError):
        load_digits(test=1797)


def test_other_digits_are_refused(monkeypatch):
    def changed(**_):
        pixels = BUNDLE.data.copy()
        pixels[5, 5] += 1
        return pixels, BUNDLE.target

    monkeypatch.setattr(sklearn.datasets, "load_digits", changed)
    with pytest.raises(DataError, match=digits.DIGITS_SHA256):
        load_digits()
