"""Experiments: each a claim, a base, what varies, what is measured, and what to expect."""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
