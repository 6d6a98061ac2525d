"""Optimizers: how a gradient becomes a step.  One formula each; what they share is in base.

One file for each family, in order of difficulty: `momentum`, `adaptive`, `sign`.  Defaults
are PyTorch's variants; `book()` gives those of the book "Deep Learning from Scratch" where
it has the optimizer.

Symbols: p parameters, g gradient, Δ the step that is added to p, t = step + 1 (1, 2, ...);
products, quotients and roots are elementwise.  A rule gets g and state as (P,) or
(K, P), any block of columns at a time, and coefficients as numbers or (K, 1).
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Final

from trainlab.optimizers import adaptive, base, momentum, sign
from trainlab.optimizers.adaptive import *  # noqa: F403  # the public names of the family
from trainlab.optimizers.base import *  # noqa: F403  # what one's own optimizer is made of
from trainlab.optimizers.base import Optimizer
from trainlab.optimizers.momentum import *  # noqa: F403  # as above
from trainlab.optimizers.sign import *  # noqa: F403  # as above

__all__: list[str] = []
__all__ += base.__all__
__all__ += momentum.__all__
__all__ += adaptive.__all__
__all__ += sign.__all__

FAMILIES: Final = (momentum, adaptive, sign)


def _defined(family: ModuleType) -> dict[str, type[Optimizer]]:
    """The optimizers that a file defines, in its order, by their names in lower case."""
    return {
        name.lower(): value
        for name, value in vars(family).items()
        if isinstance(value, type)
        and value.__module__ == family.__name__
        and issubclass(value, Optimizer)
        and not inspect.isabstract(value)
    }


OPTIMIZERS: Final[dict[str, type[Optimizer]]] = {
    name: kind for family in FAMILIES for name, kind in _defined(family).items()
}
