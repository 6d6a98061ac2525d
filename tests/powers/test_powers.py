"""Powers, exponentials, half cosines: as exact as a library's, one number or many."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.errors import SettingError
from trainlab.powers import exponential, half_cosine, logarithm, power

UNIT = np.finfo(np.float64).eps


@pytest.mark.parametrize("base", [0.9, 0.999, 0.5, 1.0, 0.0])
def test_powers(base: float) -> None:
    exponents = [0, 1, 2, 3, 10, 100, 4095]
    for exponent in exponents:
        exact = Fraction(base) ** exponent
        # Each squaring doubles the relative error so far, and adds a rounding.
        bound = Fraction(exponent * UNIT) * exact + Fraction(np.finfo(np.float64).tiny)
        assert abs(Fraction(power(base, exponent)) - exact) <= bound
        assert isinstance(power(base, exponent), float)
    many = power(np.array([[base], [0.3]]), np.array(exponents))
    assert many[0].tolist() == [power(base, exponent) for exponent in exponents]
    assert many[1].tolist() == [power(0.3, exponent) for exponent in exponents]


@pytest.mark.parametrize("exponent", [-1, 0.5, np.array([1.0, 2.5]), np.array([2, -3])])
def test_other_powers_are_refused(exponent: Any) -> None:
    starts = "exponent of power must be whole and >= 0; got"
    complains(lambda: power(0.5, exponent), SettingError, starts)
    assert power(2.0, 3.0) == power(2, np.array([3.0]))[0] == 8.0


def test_exponentials() -> None:
    x = -np.concatenate([[0.0], np.geomspace(1e-8, 690, 400)])
    values = exponential(x)
    np.testing.assert_allclose(values, [math.exp(each) for each in x], rtol=2 * UNIT)
    assert values.tolist() == [exponential(float(each)) for each in x]
    assert exponential(-1e300) == 0.0
    assert exponential(0.0) == 1.0


def test_logarithms() -> None:
    near = np.geomspace(1e-16, 0.1, 200)
    x = np.concatenate([np.geomspace(5e-324, 1e308, 2001), 1 + near, 1 - near, [1.0]])
    values = logarithm(x)
    np.testing.assert_allclose(values, [math.log(each) for each in x], rtol=2 * UNIT)
    assert values.tolist() == [logarithm(float(each)) for each in x]
    assert logarithm([0.0, math.inf]).tolist() == [-math.inf, math.inf]
    assert np.isnan(logarithm([-1.0, -math.inf, math.nan])).all()


def test_half_cosines() -> None:
    part = np.linspace(0, 1, 1001)
    values = half_cosine(part)
    exact = [(1 + math.cos(math.pi * each)) / 2 for each in part]
    np.testing.assert_allclose(values, exact, rtol=0, atol=2 * UNIT)
    assert values.tolist() == [half_cosine(float(each)) for each in part]
    assert (values[0], values[-1]) == (1.0, 0.0)
    assert (np.diff(values) < 0).all()
