"""A column of words with the mean target of each word beside them.

Axis letters: N rows, out means of a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder

from trainlab.data.labels import MOST_CLASSES
from trainlab.errors import DataError, SettingError, sentence
from trainlab.estimators.cells import OWNER, Words, is_hole, number_of, one_case, words_of
from trainlab.estimators.targets import unit_of
from trainlab.network.workspace import Array
from trainlab.terminal import counted

FOLDS: Final = 5
_HOLE: Final = ""  # no word is empty


@dataclass(frozen=True, eq=False)
class MeanTargets:
    """What the means of words are of.

    values   (N, out): numbers, or for each of `classes` 1 in the rows that have it, else 0
    classes  by their labels, of two the second; () of numbers
    """

    values: Array
    classes: tuple[str, ...]

    @classmethod
    def of(cls, y: Any, rows: int) -> Self:
        """Of y (N,) or (N, 1): labels, or numbers."""
        if y is None:
            must = "be there for target_means"
            raise SettingError(sentence("y", OWNER, must, None, "fit_transform(X, y)"))
        found = np.asarray(y)
        found = found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found
        if found.shape != (rows,):
            must = f"be one target for each of {counted(rows, 'row')}, for target_means"
            raise DataError(sentence("y", OWNER, must, found))
        found = _of_one_kind(found)
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise DataError(sentence("y", OWNER, "be finite", found))
        if found.dtype.kind not in "biuf":
            found = found.astype(str)
        labels = np.unique(found)
        whole = found.dtype.kind in "iu" and len(labels) > MOST_CLASSES
        if found.dtype.kind == "f" or whole:
            return cls(found.astype(np.float64)[:, np.newaxis], ())
        if len(labels) == 2:
            labels = labels[1:]
        values = (found[:, np.newaxis] == labels).astype(np.float64)
        return cls(values, tuple(map(str, labels.tolist())))


def _of_one_kind(y: NDArray[Any]) -> NDArray[Any]:
    """Targets (N,), numbers among objects as numbers; DataError where there is no target."""
    if y.dtype.kind != "O":
        return y
    listed = y.tolist()
    texts = [isinstance(one, str) for one in listed]
    if any(is_hole(one) for one, text in zip(listed, texts, strict=True) if not text):
        raise DataError(sentence("y", OWNER, "have a target in each row", "none in some"))
    if any(texts):
        return y
    plain = np.array(listed)
    return plain if plain.dtype.kind in "biuf" else np.array([*map(number_of, listed)])


@dataclass(frozen=True)
class MeanWords(Words):
    """A column of words, and the mean target of each word.

    classes  whose shares the means are, by their labels; () of numbers
    overall  (out,), the means of all rows, which new words have
    means    the means (out,) of each word by the word, "" for holes

    The means are those of scikit-learn's TargetEncoder: nearer to that of all rows, the fewer rows
    have the word.
    """

    classes: tuple[str, ...]
    overall: tuple[float, ...]
    means: Mapping[str, tuple[float, ...]]

    @classmethod
    def learn(cls, cells: NDArray[Any], targets: MeanTargets, least: int, most: int) -> Self:
        """The words of rows (N,), as `Words` has them, and their means."""
        plain = Words.of(cells, least, most)
        texts = _texts(one_case(words_of(cells)))
        unit = _unit(targets.values)
        encoders = _encoders(texts, targets.values * unit)
        words = encoders[0].categories_[0].tolist()
        means = np.stack([one.encodings_[0] for one in encoders], axis=1) / unit
        overall = tuple(float(one.target_mean_) / unit for one in encoders)
        known = dict(zip(words, map(tuple, means.tolist()), strict=True))
        return cls(plain.values, plain.rare, plain.holes, targets.classes, overall, known)

    def names(self, name: str) -> list[str]:
        """Those of words; then "NAME mean", or "NAME mean of CLASS" for each class."""
        means = [f"{name} mean of {label}" for label in self.classes] or [f"{name} mean"]
        return super().names(name) + means

    def encode(self, cells: NDArray[Any], name: str) -> Array:
        """One 1 in each row, as of words; then the means of the word of the row."""
        means = [self.means.get(text, self.overall) for text in _texts(self.known(cells))[:, 0]]
        return np.concatenate([super().encode(cells, name), np.array(means)], axis=1)


def cross_fitted(cells: NDArray[Any], targets: MeanTargets) -> Array:
    """The means (N, out) of the words of rows, each by the rows of other folds alone.

    With its own target among them a mean would tell it, above all in words of few rows.
    """
    texts, folds = _texts(one_case(words_of(cells))), min(FOLDS, len(cells))
    if folds < 2:
        return np.zeros(targets.values.shape)
    made, unit = np.empty(targets.values.shape), _unit(targets.values)
    for rest, held in KFold(folds, shuffle=True, random_state=0).split(texts):
        encoders = _encoders(texts[rest], targets.values[rest] * unit)
        made[held] = np.concatenate([one.transform(texts[held]) for one in encoders], axis=1)
    return made / unit


def _unit(values: Array) -> float:
    """A power of two: in this unit no square of a value overflows."""
    return float(unit_of(np.abs(values).max()))


def _encoders(texts: NDArray[Any], values: Array) -> list[Any]:
    """One for each column of values (N, out)."""
    return [TargetEncoder(target_type="continuous").fit(texts, column) for column in values.T]


def _texts(words: Sequence[str | None]) -> NDArray[Any]:
    """Words as cells (N, 1), "" for holes."""
    found = np.empty((len(words), 1), object)
    found[:, 0] = [_HOLE if word is None else word for word in words]
    return found
