"""trainlab: a training laboratory for neural networks.

A population is a leading axis: the layers are written once, and train one network or
thousands; a member of a population is bit for bit the network trained alone.
"""

# What there is stands in __init__.pyi.
from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
