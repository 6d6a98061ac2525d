"""The report: offline pages made of what experiments and searches found."""

from trainlab.report.page import build
from trainlab.report.searches import write_search

__all__ = ["build", "write_search"]
