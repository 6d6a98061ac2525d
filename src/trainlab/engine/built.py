"""Whether there is a native engine: installing trainlab compiles it where that is possible."""

from __future__ import annotations

import importlib
from typing import Any, Final

MODULE: Final = "trainlab.engine._native"
REMEDY: Final = (
    "a C++20 compiler (g++ or clang) and another installation of trainlab; without it "
    "trainings take two to three times as long"
)


def load() -> tuple[Any, str | None]:
    """The compiled module and None, or None and why there is none.

    >>> module, reason = load()
    >>> (module is None) == (reason is not None)
    True
    """
    try:
        return importlib.import_module(MODULE), None
    except ModuleNotFoundError:
        return None, "it was not compiled when trainlab was installed"
    except ImportError as error:  # of another Python, or without a library that it needs
        return None, str(error)


def describe() -> str:
    """The engine that trains what all engines can train, for people.

    >>> describe().partition(" ")[0] in ("native", "numpy")
    True
    """
    module, reason = load()
    if module is not None:
        return f"native ({module.isa})"
    return f"numpy (the native engine is missing: {reason}; try {REMEDY})"
