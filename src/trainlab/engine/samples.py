"""Rows that are trained on or evaluated, as they reach an engine."""

from __future__ import annotations

import dataclasses
from typing import Any

from trainlab.network.workspace import Array


@dataclasses.dataclass(frozen=True)
class Samples:
    """Inputs x (N, d), dense or SciPy's CSR; targets t (N, …); weights (N,) of mean 1, or None."""

    x: Any
    t: Array
    weight: Array | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])
