"""What readers of the book import from `and_gate`, `nand_gate`, `or_gate`, `xor_gate`: chapter 2.

A gate is a perceptron, 1 where w·x + b > 0, else 0; XOR is two layers of them.
"""

from __future__ import annotations

import numpy as np

__all__ = ["AND", "NAND", "OR", "XOR", "np"]


def _perceptron(x: tuple[float, float], w: tuple[float, float], b: float) -> int:
    return int(np.sum(np.array(w) * np.array(x)) + b > 0)


def AND(x1: float, x2: float) -> int:  # noqa: N802 - the book's name
    """1 if both are 1.

    >>> [AND(x1, x2) for x1, x2 in ((0, 0), (1, 0), (0, 1), (1, 1))]
    [0, 0, 0, 1]
    """
    return _perceptron((x1, x2), (0.5, 0.5), -0.7)


def NAND(x1: float, x2: float) -> int:  # noqa: N802 - the book's name
    """0 if both are 1.

    >>> [NAND(x1, x2) for x1, x2 in ((0, 0), (1, 0), (0, 1), (1, 1))]
    [1, 1, 1, 0]
    """
    return _perceptron((x1, x2), (-0.5, -0.5), 0.7)


def OR(x1: float, x2: float) -> int:  # noqa: N802 - the book's name
    """1 if one of them is 1, or both.

    >>> [OR(x1, x2) for x1, x2 in ((0, 0), (1, 0), (0, 1), (1, 1))]
    [0, 1, 1, 1]
    """
    return _perceptron((x1, x2), (0.5, 0.5), -0.2)


def XOR(x1: float, x2: float) -> int:  # noqa: N802 - the book's name
    """1 if one of them is 1, and not both.

    >>> [XOR(x1, x2) for x1, x2 in ((0, 0), (1, 0), (0, 1), (1, 1))]
    [0, 1, 1, 0]
    """
    return AND(NAND(x1, x2), OR(x1, x2))
