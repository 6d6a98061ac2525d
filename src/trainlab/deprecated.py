"""Names of earlier versions, which go on working with a warning."""

from __future__ import annotations

import warnings
from typing import Any


def warn(old: str, new: str, stacklevel: int = 3) -> None:
    """Says that a name has changed."""
    text = f"{old} is deprecated; use {new}"
    warnings.warn(text, DeprecationWarning, stacklevel=stacklevel)


def renamed(old: str, new: str) -> Any:
    """A property of the old name, which gives what the attribute `new` is."""

    def get(self: Any) -> Any:
        warn(f"{type(self).__name__}.{old}", new)
        return getattr(self, new)

    return property(get, doc=f"Deprecated: use `{new}`.")
