"""The report: one offline page made of what experiments found."""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
