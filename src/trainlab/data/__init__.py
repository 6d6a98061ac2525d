"""Data: the digits of scikit-learn, MNIST, arrays of one's own, splits and batches."""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
