"""What trainlab set out to reach: how much quicker than whom, in which workload."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

from benchmarks import results
from benchmarks.lineup import AVX2, LINEUP, OURS, SWEEPS
from benchmarks.results import Document

Verdict = Literal["reached", "missed", "reported"]


@dataclasses.dataclass(frozen=True)
class Target:
    """Time of the quickest of `family` over that of `of`, at least; None: reported alone."""

    workload: str
    family: str
    least: float | None
    of: str = OURS

    @property
    def entrants(self) -> tuple[str, ...]:
        """Whose times count."""
        return tuple(e.name for e in LINEUP if e.family == self.family)

    def found(self, document: Document) -> tuple[str, float] | None:
        """Who counts, and the ratio; None where there are no times."""
        return results.best(document, self.workload, self.entrants, self.of)

    def verdict(self, value: float) -> Verdict:
        """Whether a ratio is enough."""
        if self.least is None:
            return "reported"
        return "reached" if value >= self.least else "missed"


# Workload → family → at least so many times as long as trainlab takes.
_LEAST: Final[dict[str, dict[str, float]]] = {
    "A": {"first": 3.0, "jax": 2, "torch": 3, "sklearn": 3, "book": 22, "limit": 1.8},
    "B": {"first": 2.5, "jax": 2, "torch": 2.8, "book": 16, "limit": 1.3},
    "C": {"first": 3.0, "jax": 2.2, "torch": 3.4, "book": 20, "limit": 1.8},
    "D": {"first": 4.0, "jax": 3, "torch": 4.5, "sklearn": 45, "book": 70, "limit": 0.7},
    "F": {"first": 2.1, "jax": 1.8, "torch": 2.1, "sklearn": 2.8, "book": 7, "limit": 1},
    "E": {"first": 3},
    **{name: {"jax": 1.2, "torch": 1.2} for name in SWEEPS},
    "size-1": {"first": 15, "jax": 1.5, "torch": 1.2, "lean": 8},
}
TARGETS: Final = (
    *(Target(work, family, least) for work, own in _LEAST.items() for family, least in own.items()),
    *(Target(work, "first", 1.5, AVX2) for work in "ABCDF"),
    *(Target(work, "jax", 1.1, AVX2) for work in "ABCDF"),
)
