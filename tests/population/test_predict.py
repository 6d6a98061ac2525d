"""What `predict` refuses."""

from __future__ import annotations

import numpy as np
import pytest

import trainlab as tl


def test_it_is_said_how_many_inputs_are_not_finite() -> None:
    population = tl.Population.grid()
    population.fit(tl.from_arrays([[1.0], [2.0]], [0, 1]), steps=1)
    with pytest.raises(tl.DataError, match=r"x of predict must be finite; got .?2 NaN or infinite"):
        population.predict(np.array([[1.0], [np.nan], [np.inf]]))
