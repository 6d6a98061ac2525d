"""What batch-norm keeps of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.network.base import Mode
from trainlab.network.norms import BatchNorm
from trainlab.network.workspace import FRESH


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_running_variance_is_that_of_a_sample(rows: int) -> None:
    x = np.arange(float(rows))[:, np.newaxis] ** 2
    layer = BatchNorm(unbiased_running_var=True)
    p = {"gamma": np.ones((1, 1)), "beta": np.zeros((1, 1))}
    p |= {"running_mean": np.zeros((1, 1)), "running_var": np.zeros((1, 1))}
    _, _, updated = layer.forward(p, x, Mode(training=True), FRESH)
    expected = (1 - layer.ema_decay) * (x.var(ddof=1) if rows > 1 else 0.0)
    np.testing.assert_allclose(updated["running_var"], [[expected]], rtol=1e-12)
