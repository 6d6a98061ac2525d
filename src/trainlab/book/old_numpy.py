"""Names of older versions of NumPy, which scripts of their time use: `np.int`, `np.float`, …

NumPy removed them in 1.24 and 2.0.  They are provided where NumPy itself lacks the name, so
that `np.bool`, which NumPy 2 gave another meaning, is NumPy's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from trainlab.book.notices import notice

OLD_NAMES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        # Python's own types, until NumPy 1.24
        "int": int,
        "float": float,
        "complex": complex,
        "object": object,
        "str": str,
        "unicode": str,
        "bool8": np.bool_,
        # spellings that ended with NumPy 2
        "float_": np.float64,
        "complex_": np.complex128,
        "string_": np.bytes_,
        "unicode_": np.str_,
        "Inf": np.inf,
        "Infinity": np.inf,
        "PINF": np.inf,
        "infty": np.inf,
        "NINF": -np.inf,
        "NaN": np.nan,
        "alltrue": np.all,
        "sometrue": np.any,
        "product": np.prod,
        "cumproduct": np.cumprod,
        "round_": np.round,
        "row_stack": np.vstack,
        "trapz": np.trapezoid,
    }
)


def serve_old_names() -> Any:
    """Lets `np.NAME` give the old names from now on; returns NumPy's own way, to restore it."""
    numpys = vars(np)["__getattr__"]

    def old_or_numpys(name: str) -> Any:
        if name not in OLD_NAMES:
            return numpys(name)
        value = OLD_NAMES[name]
        meant = getattr(value, "__name__", value)
        notice(f"np.{name} is no longer in NumPy; the script gets {meant}")
        return value

    vars(np)["__getattr__"] = old_or_numpys
    return numpys


@contextmanager
def old_names_served() -> Iterator[None]:
    """Inside, `np.NAME` gives the old names."""
    numpys = serve_old_names()
    try:
        yield
    finally:
        vars(np)["__getattr__"] = numpys
