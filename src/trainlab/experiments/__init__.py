"""Experiments: each a claim, a base, what varies, what is measured, and what to expect."""

from trainlab.experiments.base import (
    Better,
    FunctionExperiment,
    Measure,
    MeasuredSeries,
    Measurements,
    Row,
    Setup,
    StagedExperiment,
    TrainingExperiment,
    Within,
    greatest,
    last_difference,
    mean_of_last,
)
from trainlab.experiments.changes import changed
from trainlab.experiments.figures import summary
from trainlab.experiments.registry import EXPERIMENTS, find
from trainlab.experiments.results import Results
from trainlab.experiments.runner import Options, run

__all__ = [
    "EXPERIMENTS",
    "Better",
    "FunctionExperiment",
    "Measure",
    "MeasuredSeries",
    "Measurements",
    "Options",
    "Results",
    "Row",
    "Setup",
    "StagedExperiment",
    "TrainingExperiment",
    "Within",
    "changed",
    "find",
    "greatest",
    "last_difference",
    "mean_of_last",
    "run",
    "summary",
]
