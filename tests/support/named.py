"""Frames whose columns scikit-learn calls by their names."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.validation import _get_feature_names


def named(frame: Any) -> Any:
    """The frame; the test is skipped where an old scikit-learn finds no names in it."""
    if _get_feature_names(frame) is None:
        pytest.skip(f"this scikit-learn finds no names in frames of this {type(frame).__module__}")
    return frame
