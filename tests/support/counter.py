"""A progress for tests."""

from __future__ import annotations


class Counter:
    """A progress that only counts."""

    def __init__(self) -> None:
        self.totals = (0, 0)
        self.members = self.steps = 0

    def start(self, members: int, steps: int) -> None:
        self.totals = (members, steps)

    def advance(self, members: int, steps: int) -> None:
        self.members += members
        self.steps += steps
