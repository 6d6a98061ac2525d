"""A population whose members differ in all that could disturb their neighbours' bits."""

from __future__ import annotations

import numpy as np

import trainlab as tl

FEATURES, CLASSES, SAMPLES, BATCH = 24, 3, 64, 10  # 53 rows to train on: a ragged last batch
ZEROS = slice(3, 11)  # columns of inputs that are always zero: a third of them


def overlapping() -> tl.Dataset:
    """Three classes that overlap, in columns of which a third is zero in every row."""
    rng = np.random.default_rng(8)
    t = rng.permutation(np.arange(SAMPLES) % CLASSES)
    x = (rng.normal(size=(SAMPLES, FEATURES)) + 0.5 * t[:, None]).astype(np.float32)
    x[:, ZEROS] = 0
    return tl.from_arrays(x, t).split(validation=11)


def mixed() -> tl.Population:
    """Members that differ in everything that could make their neighbours' bits differ."""
    return tl.Population.grid(
        network=[
            tl.MLP(hidden=(6,), norm="batch", dropout=0.3),
            tl.MLP(hidden=(6,), norm="batch", dropout=0.1, weight_decay=0.01),
            tl.MLP(hidden=(5, 4), activation="tanh", norm="layer", l1=0.001),
        ],
        optimizer=[
            tl.SGD(0.1),
            tl.Momentum(0.05, schedule=tl.Step(every=4)),
            tl.Adam(0.02, schedule="cosine"),
            tl.NAdam(0.01, clip_norm=0.5),
            tl.AMSGrad(0.01, schedule=tl.WarmUp(5, tl.Cosine()), decoupled_weight_decay=0.1),
            tl.SGD(1e38),
        ],
        seed=range(4),
    )
