"""The two ways of a numerical gradient, each without the other."""

from __future__ import annotations

from collections.abc import Sequence

from trainlab.differentiation.differences import Scheme
from trainlab.differentiation.numeric import Numeric, linkable, linked, moved
from trainlab.differentiation.problem import Problem, Variable
from trainlab.network.workspace import Array


def links_alone(
    problem: Problem, variable: Variable, some: Array, by: Scheme, steps: Sequence[float]
) -> Numeric:
    """Linked wherever that is possible, however few the entries are; none of them whole."""
    if linkable(problem, variable):
        return linked(problem, variable, some, by, steps)
    return moved(problem, variable, some, by, steps[0])


def links_none(
    problem: Problem, variable: Variable, some: Array, by: Scheme, steps: Sequence[float]
) -> Numeric:
    """Every entry by itself."""
    return moved(problem, variable, some, by, steps[0])


WAYS = {"links alone": links_alone, "no links": links_none}
