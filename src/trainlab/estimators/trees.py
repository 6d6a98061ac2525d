"""Gradient-boosted trees as arrays: what scikit-learn grew, without scikit-learn's objects.

As arrays they are saved without pickle, exported as ONNX, and vote beside networks.
Axis letters: N rows, d features, n nodes, t trees, out outputs of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import issparse

from trainlab.data.validation import as_csr
from trainlab.estimators.merging import MergedColumns
from trainlab.models.graph import Graph
from trainlab.network.workspace import Array
from trainlab.powers import exponential

BLOCK_NUMBERS: Final = 1 << 20
"""Numbers of rows times trees that are looked up at a time."""
DEEPEST: Final = 64
"""Steps to a leaf that a file may ask for."""
NOT_ARRAYS: Final = ("depth", "link", "merged")
LINKS: Final = ("identity", "softmax", "sigmoid")
"""What becomes of the sums: real targets, probabilities of classes, or of indicators."""


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees whose values are added up: one member of a vote.

    feature, threshold, left, right, value  of the nodes (n,): a row goes to the left where
        its feature, one of the merged columns, is ≤ the threshold; a leaf leads to itself
    root      the node where each tree begins (t,)
    output    the output that each tree adds to (t,)
    baseline  what they add to (out,)
    depth     steps from a root to the furthest leaf
    link      one of LINKS
    merged    what they see of the features
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array
    root: Array
    output: Array
    baseline: Array
    depth: int
    link: str
    merged: MergedColumns = field(default_factory=MergedColumns)

    def __len__(self) -> int:
        return 1

    def outputs(self, x: Any, dtype: str, read: object, engine: Any) -> Array:
        """What they say of rows x (N, d): (1, N, out).  Only networks need to be read."""
        x = as_csr(x, "X", "MLP").toarray() if issparse(x) else np.asarray(x)
        whole = replace(self, threshold=single(self.threshold)) if x.dtype == np.float32 else self
        scores = whole.scores(np.asarray(x, np.float64))
        return (scores if self.link == "identity" else self.probabilities(scores))[np.newaxis]

    def scores(self, x: Array) -> Array:
        """The sums (N, out), float64, in the order in which the trees were grown."""
        found = np.empty((len(x), len(self.baseline)))
        block = max(1, BLOCK_NUMBERS // max(1, len(self.root)))
        for first in range(0, len(x), block):
            part = slice(first, first + block)
            found[part] = self.baseline
            values = self.leaf_values(x[part])
            for tree, output in enumerate(self.output.tolist()):
                found[part, output] += values[:, tree]
        return found

    def leaf_values(self, x: Array) -> Array:
        """The value (N, t) of the leaf that each row comes to in each tree."""
        x = self.merged.seen(x)
        node = np.broadcast_to(self.root, (len(x), len(self.root)))
        row = np.arange(len(x))[:, np.newaxis]
        for _ in range(self.depth):
            below = x[row, self.feature[node]] <= self.threshold[node]
            node = np.where(below, self.left[node], self.right[node])
        values: Array = self.value[node]
        return values

    def probabilities(self, scores: Array) -> Array:
        """Those (N, out) that the scores stand for."""
        if self.link == "sigmoid":
            odds = exponential(-np.abs(scores))
            p: Array = np.where(scores < 0, odds, 1.0) / (1.0 + odds)
            return p
        powers = exponential(scores - scores.max(axis=1, keepdims=True))
        shares: Array = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def arrays(self) -> dict[str, Array]:
        """Its arrays by their names: where nothing is merged those of earlier versions."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        merged = vars(self.merged) if len(self.merged.source) else {}
        return {name: own[name] for name in own if name not in NOT_ARRAYS} | merged

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], depth: int, link: str) -> Self:
        """Those of `arrays`; those of earlier versions merge nothing."""
        merged = [one.name for one in fields(MergedColumns)]
        parts = {name: own for name, own in arrays.items() if name not in merged}
        own = {name: arrays[name] for name in merged if name in arrays}
        return cls(**parts, depth=depth, link=link, merged=MergedColumns(**own))

    def onnx(self, graph: Graph, x: str) -> str:
        """Adds the trees; the name of their outputs (N, out) for rows x, float64, as `outputs`."""

        def gathered(table: Array, node: str) -> str:
            return graph.add("Gather", graph.constant(table, table.dtype), node)

        is_single = graph.dtype == np.float32
        thresholds = single(self.threshold) if is_single else self.threshold
        x = self.merged.onnx(graph, x)
        rows = graph.add("Shape", x, start=0, end=1)
        trees = graph.constant([len(self.root)], np.int64)
        shape = graph.add("Concat", rows, trees, axis=0)
        node = graph.add("Expand", graph.constant(self.root, np.int64), shape)
        for _ in range(self.depth):
            own = graph.add("GatherElements", x, gathered(self.feature, node), axis=1)
            below = graph.add("LessOrEqual", own, gathered(thresholds, node))
            node = graph.add("Where", below, gathered(self.left, node), gathered(self.right, node))
        adds = (self.output[:, np.newaxis] == np.arange(len(self.baseline))).astype(np.float64)
        sums = graph.add("MatMul", gathered(self.value, node), graph.constant(adds, np.float64))
        scores = graph.add("Add", sums, graph.constant(self.baseline, np.float64))
        if self.link == "identity":
            return scores
        if self.link == "softmax":
            return graph.add("Softmax", scores, axis=-1)
        return graph.add("Sigmoid", scores)

    def is_sound(self, features: int, outputs: int) -> bool:
        """Whether every index leads to something that is there."""
        if not self.merged.is_sound(features):
            return False
        nodes, trees = len(self.value), len(self.root)
        places = (
            (self.feature, nodes, self.merged.count(features)),
            (self.left, nodes, nodes),
            (self.right, nodes, nodes),
            (self.root, trees, nodes),
            (self.output, trees, outputs),
        )
        numbers = ((self.value, nodes), (self.baseline, outputs))
        return (
            self.link in LINKS
            and type(self.depth) is int
            and 0 <= self.depth <= DEEPEST
            and all(
                one.shape == (count,)
                and one.dtype == np.int64
                and bool(((one >= 0) & (one < end)).all())
                for one, count, end in places
            )
            and all(
                one.shape == (count,) and one.dtype == np.float64 and bool(np.isfinite(one).all())
                for one, count in numbers
            )
            and self.threshold.shape == (nodes,)
            and self.threshold.dtype == np.float64
            and not bool(np.isnan(self.threshold).any())
        )

    @classmethod
    def joined(cls, grown: Sequence[GrownTrees], outputs: int, link: str) -> Self:
        """Trees that were grown for some of the outputs each, as one."""
        baseline = np.zeros(outputs)
        for one in grown:
            baseline[list(one.columns)] = one.baseline
        trees = [
            (nodes, column)
            for one in grown
            for iteration in one.iterations
            for nodes, column in zip(iteration, one.columns, strict=True)
        ]
        sizes = np.array([len(nodes) for nodes, _ in trees], np.int64)
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        feature, threshold, left, right, value = (np.zeros(int(first[-1])) for _ in range(5))
        for (nodes, _), begin in zip(trees, first.tolist(), strict=False):
            own, leaf = slice(begin, begin + len(nodes)), nodes["is_leaf"] == 1
            place = np.arange(len(nodes))
            feature[own] = np.where(leaf, 0, nodes["feature_idx"])
            threshold[own] = np.where(leaf, 0.0, nodes["num_threshold"])
            left[own] = begin + np.where(leaf, place, nodes["left"])
            right[own] = begin + np.where(leaf, place, nodes["right"])
            value[own] = nodes["value"]
        return cls(
            feature.astype(np.int64),
            threshold,
            left.astype(np.int64),
            right.astype(np.int64),
            value,
            first[:-1],
            np.array([column for _, column in trees], np.int64),
            baseline,
            max((int(nodes["depth"].max()) for nodes, _ in trees), default=0),
            link,
        )


def single(thresholds: Array) -> Array:
    """The thresholds, float64, for rows that were rounded to float32.

    They are rounded, too: a row that was at a threshold stays there.  Halves are rounded down:
    the threshold between two neighbouring float32 stays below the larger one.

    >>> bool(np.float64(np.float32(0.1)) <= single(np.array(0.1)))
    True
    >>> bool(single(np.array(1 + 3 * 2.0**-24)) < 1 + 3 * 2.0**-24)
    True
    """
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
        below = np.nextafter(near, np.float32(-np.inf))
    middle = (near.astype(np.float64) + below) / 2
    return np.where(middle == thresholds, below, near).astype(np.float64)


@dataclass(frozen=True, eq=False)
class GrownTrees:
    """What scikit-learn's HistGradientBoosting grew for some of the outputs.

    columns     the outputs
    baseline    (columns,)
    iterations  of each iteration the nodes of its trees, one for each column
    """

    columns: Sequence[int]
    baseline: Array
    iterations: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, model: Any, columns: Sequence[int]) -> Self:
        """Those of a fitted HistGradientBoostingClassifier or -Regressor."""
        iterations = [[tree.nodes for tree in trees] for trees in model._predictors]
        return cls(columns, np.ravel(model._baseline_prediction).astype(np.float64), iterations)

    def up_to(self, iterations: int) -> Self:
        """The first iterations alone."""
        return type(self)(self.columns, self.baseline, self.iterations[:iterations])
