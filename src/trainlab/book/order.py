"""A backward pass needs what the forward pass before it has remembered."""

from __future__ import annotations

from typing import Any

from trainlab.errors import DataError, sentence


def after_forward(layer: Any, remembered: Any, call: str = "forward(x)") -> None:
    """DataError where a layer remembers nothing yet."""
    if remembered is None:
        must = "come after the forward pass, which remembers what it needs"
        raise DataError(sentence("backward", type(layer).__name__, must, "none before it", call))
