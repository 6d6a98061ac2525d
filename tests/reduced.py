"""Experiments measured at a size that a test can wait for."""

from __future__ import annotations

import dataclasses
import functools

from trainlab.experiments import EXPERIMENTS, Options
from trainlab.experiments.base import FunctionExperiment, Measured, StagedExperiment
from trainlab.experiments.runner import Training, load, train

STEPS = 120


@functools.cache
def measured(name: str, seeds: int = 2) -> Measured:
    """What the experiment leaves on the digits, with few steps and seeds."""
    experiment, options = EXPERIMENTS[name], Options(seeds=seeds, quick=True)
    if isinstance(experiment, FunctionExperiment):
        return experiment.compute(options.seed_range if experiment.random else ())
    if isinstance(experiment, StagedExperiment):
        return experiment.compute(load(options), options.seed_range, Training(options))
    setup = dataclasses.replace(experiment.base["digits"], quick_steps=STEPS)
    return train(dataclasses.replace(experiment, base={"digits": setup}), load(options), options)
