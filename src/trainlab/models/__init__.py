"""Trained networks as files: one file each, of arrays and JSON, that is never run."""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
