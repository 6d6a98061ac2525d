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
