"""Files that tests of data make, and the real MNIST where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainlab.data.mnist import ENVIRONMENT, FILES, _find


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder that TRAINLAB_DATA names, if the four real files are there."""
    named = os.environ.get(ENVIRONMENT)
    if not named:
        pytest.skip(f"{ENVIRONMENT} names no folder with MNIST")
    places = (Path(named), Path(named, "mnist"))
    if any(_find(file, places) is None for file in FILES):
        pytest.skip(f"{named}, which {ENVIRONMENT} names, lacks files of MNIST")
    return Path(named)
