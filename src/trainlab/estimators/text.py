"""A column of text, and the columns of numbers that it becomes.

Axis letters: N rows, m columns that go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from trainlab.estimators.cells import Column, is_hole, words_of
from trainlab.network.workspace import Array

LETTERS: Final = (2, 4)
"""The fewest and the most letters of a group."""
MAX_WIDTH: Final = 1 << 14


@dataclass(frozen=True)
class Text(Column):
    """A column of text: how often groups of letters are in it, hashed into some columns.

    width  how many columns
    holes  whether there were any: then a last column is 1 where there is a hole, else 0

    Groups are those of LETTERS letters in one word, blanks around it among them, without regard to
    capitals; counts of a row have the length 1.  Source: scikit-learn's HashingVectorizer, whose
    hash is the same on every machine.
    """

    width: int
    holes: bool

    @classmethod
    def of(cls, cells: NDArray[Any], width: int) -> Self:
        """Whether there were holes; all else is the same for all texts."""
        return cls(width, any(map(is_hole, cells.tolist())))

    def names(self, name: str) -> list[str]:
        """NAME text and a number for each, and "NAME missing"."""
        made = [f"{name} text {place}" for place in range(self.width)]
        return made + [f"{name} missing"] * self.holes

    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """Shares of the groups (N, m), and where there is no text."""
        from sklearn.feature_extraction.text import HashingVectorizer

        texts = words_of(cells)
        hashing = HashingVectorizer(analyzer="char_wb", ngram_range=LETTERS, n_features=self.width)
        found = hashing.transform([text or "" for text in texts])
        made = np.zeros((len(texts), self.width + self.holes))
        made[:, : self.width] = found.toarray()
        if self.holes:
            made[:, -1] = [text is None for text in texts]
        return made

    def strange(self, cells: NDArray[Any], name: str) -> int:
        """Holes where training saw none."""
        return 0 if self.holes else sum(map(is_hole, cells.tolist()))
