"""The report: one offline page made of what the experiments left on disk."""

from trainlab.report.page import build

__all__ = ["build"]
