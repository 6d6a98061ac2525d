"""What `predict` refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import trainlab as tl


def test_it_is_said_how_many_inputs_are_not_finite() -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    with pytest.raises(tl.DataError, match=r"x of predict must be finite; got .?2 NaN or infinite"):
        population.predict(np.array([[1.0], [np.nan], [np.inf]]))


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_inputs_beyond_the_dtype_of_the_training_are_not_finite(kind: Any) -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    with pytest.raises(tl.DataError, match=r"x of predict must be finite; got .?1 NaN or infinite"):
        population.predict(kind([[1.0], [1e39]]))


def test_rows_in_another_shape_are_told_how_to_be_rows() -> None:
    data = tl.load_digits()
    network = tl.Network(tl.MLP((5,)))
    network.fit(data, steps=1)
    images: Any = data.test.x
    for x, remedy in (
        (images[0], "x.reshape(1, -1)"),
        (images[:3].reshape(3, 8, 8), "x.reshape(3, -1)"),
    ):
        with pytest.raises(tl.DataError) as error:
            network.predict(x)
        assert str(error.value).endswith(f"try {remedy}")
    with pytest.raises(tl.DataError, match=r"shape \(N, 64\) with N >= 1; got .* float32$"):
        network.predict(data.test.x[:, :5])
    told = r"t of accuracy must be of shape \(N,\); got .*; try t.ravel\(\)$"
    with pytest.raises(tl.DataError, match=told):
        network.accuracy(data.test.x, data.test.t[:, np.newaxis])
