"""Experiments measured at a size that a test can wait for."""

from __future__ import annotations

import dataclasses
import functools

from trainlab.experiments import EXPERIMENTS, Options
from trainlab.experiments.base import (
    Better,
    FunctionExperiment,
    Measurements,
    StagedExperiment,
    TrainingExperiment,
)
from trainlab.experiments.runner import TrainWithOptions, load, train

STEPS = 120


@functools.cache
def measured(name: str, seeds: int = 2) -> Measurements:
    """What the experiment leaves on the digits, with few steps and seeds."""
    experiment, options = EXPERIMENTS[name], Options(seeds=seeds, quick=True)
    if isinstance(experiment, FunctionExperiment):
        return experiment.compute(options.seed_range if experiment.random else ())
    if isinstance(experiment, StagedExperiment):
        return experiment.compute(load(options), options.seed_range, TrainWithOptions(options))
    setup = dataclasses.replace(experiment.base["digits"], quick_steps=STEPS)
    return train(dataclasses.replace(experiment, base={"digits": setup}), load(options), options)


def training(name: str) -> TrainingExperiment:
    """The experiment, which is one that trains a population."""
    experiment = EXPERIMENTS[name]
    assert isinstance(experiment, TrainingExperiment)
    return experiment


def judged(name: str) -> TrainingExperiment:
    """The experiment with those arms alone that something is expected of."""
    experiment, named = training(name), set[str]()
    for expected in experiment.expect:
        if isinstance(expected, Better):
            named |= {expected.first, expected.second}
        else:
            named.add(expected.arm)
    vary = {arm: fields for arm, fields in experiment.vary.items() if arm in named}
    return dataclasses.replace(experiment, vary=vary)
