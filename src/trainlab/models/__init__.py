"""Trained networks as files: one file each, of arrays and JSON; nothing in it is executed."""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
