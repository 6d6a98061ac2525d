"""Dropout: what it needs."""

from __future__ import annotations

import numpy as np
import pytest

from trainlab.network.base import Mode
from trainlab.network.dropout import Dropout
from trainlab.network.workspace import FRESH


def test_training_without_draws_is_refused_and_evaluation_needs_none() -> None:
    x = np.ones((3, 2))
    with pytest.raises(RuntimeError, match="Dropout needs random draws to train"):
        Dropout(0.5).forward({}, x, Mode(training=True), FRESH)
    y, mask, _ = Dropout(0.5).forward({}, x, Mode(training=False), FRESH)
    assert y is x
    assert mask is None
