"""When a member counts as diverged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from trainlab.engine.numpy import _diverged


def test_a_member_diverges_where_its_next_parameters_are_not_finite() -> None:
    params = np.full((3, 1), 3e38, np.float32)
    steps = np.array([[1e38], [-1e38], [np.nan]], np.float32)
    chunk: Any = SimpleNamespace(params=params, grads=steps)
    with np.errstate(over="ignore", invalid="ignore"):
        assert _diverged(chunk, np.zeros(3), []) == (0, 2)
        assert _diverged(chunk, np.array([0.0, np.inf, 0.0]), []) == (0, 1, 2)
