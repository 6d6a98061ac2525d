"""Derivatives by evaluation alone, and the proof that hand-derived gradients are right.

differences.py   numerical_diff, numerical_gradient, complex_step_gradient: any function
check.py         gradient_check: every gradient of a network
problem.py       a network at one point: back-propagated, and evaluated
numeric.py       its numerical gradients, entry by entry or through the outputs of a layer
report.py        what a check found
"""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
