"""Derivatives by evaluation alone, and the proof that hand-derived gradients are right.

differences.py   numerical_diff, numerical_gradient, complex_step_gradient: any function
check.py         gradient_check: every gradient of a network
problem.py       a network at one point: back-propagated, and evaluated
numeric.py       its numerical gradients, entry by entry or through the outputs of a layer
report.py        what a check found
"""

from trainlab.differentiation.check import gradient_check
from trainlab.differentiation.differences import (
    complex_step_gradient,
    numerical_diff,
    numerical_gradient,
)
from trainlab.differentiation.report import GradientReport, GradientRow

__all__ = [
    "GradientReport",
    "GradientRow",
    "complex_step_gradient",
    "gradient_check",
    "numerical_diff",
    "numerical_gradient",
]
