"""What is decided of an ensemble before it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from trainlab.ensembles.folds import Splits
from trainlab.estimators.inputs import InputScaler
from trainlab.estimators.preparation import dtype_of
from trainlab.estimators.rows import Rows
from trainlab.estimators.targets import Targets
from trainlab.network.workspace import Array

STEPS: Final = 20
"""Steps of an epoch that an automatic batch size aims at, within BATCHES."""
BATCHES: Final = (32, 256)
RECIPE: Final = 6
"""The newest recipe: 1 had other families and inputs, and no trees; 2 had no race; in regression 3
had no network with Huber's loss, and other trees for many rows; trees of 4 saw words as one-hot
columns, and 5 had no linear models, and held rows of classes that were equal but for y back
together.  Before 6 no row that stands for many was spread over the folds."""


@dataclass(frozen=True, eq=False)
class EnsemblePlan:
    """What is decided before training.

    rows        those that differ, with all their weight; where splits are given, all of them
    splits      of each fold the numbers of the rows to train on, and to validate on
    inputs      what becomes of X, by the parameter `standardize_inputs` of the candidates
    candidates  dicts of parameters, those of the same inputs together; seeds, one for each
    turns       (candidates,) in which order they are trained where not all at once
    trees       settings of the boosted trees
    words       columns of the rows that are the one-hot codes of a word each, which trees merge
    seed        of the trees, and of the race
    chosen      the checked parameters of the ensemble
    recipe      RECIPE, or an earlier one, with which a store goes on
    given       whether the splits, or groups, were given
    aim         quantile and size of the pinball loss that selects; () for the usual loss
    """

    rows: Rows
    splits: Splits
    inputs: Mapping[str | bool, InputScaler]
    targets: Targets
    candidates: Sequence[Mapping[str, Any]]
    seeds: Array
    turns: Array
    trees: Sequence[Mapping[str, Any]]
    words: Sequence[range]
    seed: int
    chosen: Mapping[str, Any]
    recipe: int
    given: bool
    aim: tuple[float, ...]

    @property
    def dtype(self) -> str:
        """That of the networks."""
        return dtype_of(self.rows, self.chosen)

    @property
    def races(self) -> bool:
        """Whether the first fold decides who is trained in the others."""
        return self.recipe > 2

    @property
    def folds(self) -> int:
        """How many parts take their turn as validation rows."""
        return len(self.splits)

    def held(self, fold: int) -> Rows:
        """Those that a fold validates on."""
        return self.rows.take(self.splits[fold][1])

    def rest(self, fold: int) -> Rows:
        """Those that a fold trains on."""
        return self.rows.take(self.splits[fold][0])

    def places(self, kind: str | bool) -> list[int]:
        """The numbers of the candidates of a kind of inputs."""
        return [n for n, one in enumerate(self.candidates) if one["standardize_inputs"] == kind]

    def is_linear(self, number: int) -> bool:
        """Whether a candidate, or model of trees, is one of the linear models."""
        usual = self.recipe > 5 and number < len(self.candidates)
        return usual and self.candidates[number].get("hidden_layer_sizes") == ()

    def batch_size(self, rows: int) -> int:
        """The rows of a step, of so many."""
        size = self.chosen["batch_size"]
        if size == "auto":
            return int(np.clip(rows // STEPS, *BATCHES))
        return int(size)

    def cut(self, places: Sequence[int], folds: int, trees: bool) -> EnsemblePlan:
        """The plan of some of its candidates, in its first folds."""
        kept = list(places)
        return replace(
            self,
            splits=self.splits[:folds],
            candidates=[self.candidates[one] for one in kept],
            seeds=self.seeds[kept],
            turns=self.turns[kept],
            trees=self.trees if trees else (),
        )
