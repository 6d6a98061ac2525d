"""The versions of what results depend on."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

import numpy as np

from trainlab import blas


def own() -> str:
    """The version of trainlab."""
    try:
        return metadata.version("trainlab")
    except metadata.PackageNotFoundError:  # the source alone, on the path
        return "not installed"


def of_bits() -> dict[str, str]:
    """What determines the bits of a training."""
    return {"trainlab": own(), "numpy": np.__version__, "blas": blas.describe()}


def environment(**options: Any) -> dict[str, Any]:
    """The versions and the machine that numbers depend on, and the options of a run."""
    return {
        "trainlab": own(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": metadata.version("scipy"),
        "blas": blas.describe(),
        "machine": f"{platform.system()} {platform.machine()}",
        **options,
    }
