"""The engines that a test runs on, and what some tests need of the system."""

from __future__ import annotations

import os

import pytest

from trainlab.engine.native import is_compiled

compiled = pytest.mark.skipif(not is_compiled(), reason="the native engine is not compiled")
every_engine = pytest.mark.parametrize("engine", ["numpy", pytest.param("native", marks=compiled)])
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
