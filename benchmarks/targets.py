"""What trainlab set out to reach: how much quicker than whom, in which workload."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

from benchmarks import results
from benchmarks.lineup import LIMIT, LINEUP
from benchmarks.results import Document

Verdict = Literal["reached", "missed", "reported"]


@dataclasses.dataclass(frozen=True)
class Target:
    """Time of the quickest of `family` over trainlab's, at least; None: reported alone.

    For the family "limit" it is the share of trainlab's time that the matrix products need.
    `entrant` names one of the family where it is not its quickest that counts.
    """

    workload: str
    family: str
    least: float | None
    entrant: str | None = None

    @property
    def entrants(self) -> tuple[str, ...]:
        """Whose times count."""
        if self.entrant is not None:
            return (self.entrant,)
        return tuple(e.name for e in LINEUP if e.family == self.family)

    def found(self, document: Document) -> tuple[str, float] | None:
        """Who counts, and the ratio; None where there are no times."""
        return results.best(document, self.workload, self.entrants)

    def verdict(self, value: float) -> Verdict:
        """Whether a ratio is enough."""
        if self.least is None:
            return "reported"
        return "reached" if value >= self.least else "missed"

    @property
    def words(self) -> str:
        """Who is to be beaten."""
        best = {
            "book": "book's loop",
            "torch": "best of PyTorch",
            "jax": "best of JAX",
            "sklearn": "best of scikit-learn",
            "limit": f"share of the {LIMIT}",
        }
        return self.entrant or best[self.family]


TARGETS: Final = (
    Target("A", "book", 12),
    Target("A", "torch", 1.5),
    Target("A", "jax", 1.8),
    Target("A", "sklearn", 2.3),
    Target("A", "limit", 0.65),
    Target("B", "book", 10),
    Target("B", "torch", 2.5, "PyTorch, one by one"),
    Target("B", "jax", 1.5),
    Target("B", "limit", 0.50),
    Target("C", "book", 8),
    Target("C", "torch", 1.5),
    Target("C", "jax", 1.5),
    Target("C", "limit", 0.45),
    Target("D", "book", 20),
    Target("D", "torch", 2),
    Target("D", "jax", 2),
    Target("D", "sklearn", 20),
    Target("F", "book", 1.5),
    Target("F", "torch", None),
    Target("F", "jax", None),
    Target("F", "sklearn", 1),
)

# E was to take at most 45 s on the machine on which the matrix products of A took 10.5 s;
# elsewhere the budget is longer or shorter as those products are.
BUDGET_SECONDS: Final = 45.0
BUDGET_LIMIT_OF_A: Final = 10.5


def budget(document: Document) -> float | None:
    """The seconds that E may take on this machine."""
    limit = results.all_times(document, "A").get(LIMIT)
    return BUDGET_SECONDS * limit.median / BUDGET_LIMIT_OF_A if limit else None
