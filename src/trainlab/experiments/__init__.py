"""Experiments: each a claim, a base, what varies, what is measured, and what to expect."""

from trainlab.experiments.registry import EXPERIMENTS, find
from trainlab.experiments.results import Results
from trainlab.experiments.runner import Options, run

__all__ = ["EXPERIMENTS", "Options", "Results", "find", "run"]
