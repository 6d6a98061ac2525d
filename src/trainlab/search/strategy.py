"""How a search chooses what to try next: in rounds, by halving, or as a sampler proposes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Parameters = Mapping[str, Any]
"""Parameter → value: one candidate."""

Scores = Callable[[], Sequence[float]]
"""Gives the mean score of each candidate that was proposed, in that order."""


class Strategy(ABC):
    """Proposes candidates, and the next ones by the scores that the last had.

    A strategy is used once; the same scores lead to the same candidates.

    rounds  how often it proposes some, at most
    """

    rounds: int

    @abstractmethod
    def propose(self, scores: Scores) -> list[Parameters]:
        """The next candidates, to be trained side by side; none where the search is over."""

    @abstractmethod
    def columns(self) -> dict[str, Any]:
        """What `cv_results_` has of the candidates beside their scores."""

    @abstractmethod
    def attributes(self) -> dict[str, Any]:
        """What else the search knows after its end, by the names of its attributes."""

    @property
    def first_finalist(self) -> int:
        """The number of the first candidate that may be the best; those before it may not."""
        return 0
