"""Initializers: moments within bounds that follow from the number of draws, and shared draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cases import DEVIATIONS, INITIALIZERS
from trainlab.errors import SettingError
from trainlab.network.architecture import MLP, Architecture
from trainlab.network.initializers import (
    GlorotNormal,
    GlorotUniform,
    He,
    LeCun,
    Orthogonal,
    Std,
    Xavier,
)
from trainlab.network.norms import NORMS

FAN_IN, FAN_OUT = 300, 200
N = FAN_IN * FAN_OUT
SIGMAS = 5  # of the normal: 6e-7 false alarms for each of the few dozen seeded checks here

EXPECTED_STD = {name: std(FAN_IN, FAN_OUT) for name, std in DEVIATIONS.items()}
GAUSSIAN = ["std", "xavier", "lecun", "he", "glorot_normal"]


def draw(name: str, seed: int = 0, fans: tuple[int, int] = (FAN_IN, FAN_OUT)) -> np.ndarray:
    return INITIALIZERS[name].draw(np.random.default_rng(seed), *fans)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", INITIALIZERS)
def test_mean_and_deviation(name: str, seed: int) -> None:
    W, std = draw(name, seed), EXPECTED_STD[name]
    assert W.shape == (FAN_IN, FAN_OUT)
    assert W.dtype == np.float64
    assert abs(W.mean()) <= SIGMAS * std / math.sqrt(N)
    # Var(s²) = σ⁴ (κ − 1)/N with kurtosis κ <= 3, so the deviation of s is at most σ/sqrt(2N).
    assert abs(W.std() - std) <= SIGMAS * std / math.sqrt(2 * N)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_gaussian_ones_are_normal(name: str) -> None:
    W = draw(name, seed=7).ravel() / EXPECTED_STD[name]
    # 1.95/sqrt(N): the Kolmogorov-Smirnov bound at 0.1 %
    assert stats.kstest(W, "norm").statistic <= 1.95 / math.sqrt(N)


def test_glorot_uniform_is_uniform_up_to_its_limit() -> None:
    limit = math.sqrt(6 / (FAN_IN + FAN_OUT))
    W = draw("glorot_uniform", seed=7).ravel()
    assert np.abs(W).max() <= limit
    uniform = stats.uniform(-limit, 2 * limit)
    assert stats.kstest(W, uniform.cdf).statistic <= 1.95 / math.sqrt(N)


@pytest.mark.parametrize("name", GAUSSIAN)
def test_arms_that_share_a_seed_share_their_draws(name: str) -> None:
    normal = np.random.default_rng(3).standard_normal((FAN_IN, FAN_OUT))
    np.testing.assert_array_equal(draw(name, seed=3), normal * EXPECTED_STD[name])


@pytest.mark.parametrize("name", INITIALIZERS)
def test_draws_depend_on_the_generator_alone(name: str) -> None:
    np.testing.assert_array_equal(draw(name, seed=1), draw(name, seed=1))
    assert not np.array_equal(draw(name, seed=1), draw(name, seed=2))


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("fans", [(1, 1), (1, 6), (6, 1)])
def test_layers_of_one_unit(name: str, fans: tuple[int, int]) -> None:
    W = draw(name, fans=fans)
    assert W.shape == fans
    assert np.isfinite(W).all()


@pytest.mark.parametrize("fans", [(9, 9), (9, 4), (4, 9), (1, 5), (5, 1)])
@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_orthogonal(fans: tuple[int, int], gain: float) -> None:
    W = Orthogonal(gain).draw(np.random.default_rng(0), *fans)
    product = W.T @ W if fans[0] >= fans[1] else W @ W.T
    # Each of 81 products is off by some 9 eps.
    np.testing.assert_allclose(product, gain**2 * np.eye(min(fans)), atol=1e-13)
    assert W.flags.c_contiguous


def test_orthogonal_has_no_preferred_sign() -> None:
    """A QR decomposition without a rule for its signs would make the diagonal of Q lean."""
    draws = [Orthogonal().draw(np.random.default_rng(seed), 3, 3) for seed in range(400)]
    means = np.mean(draws, axis=0)
    # Entries of a random orthogonal matrix have mean 0 and variance 1/3.
    assert np.abs(means).max() <= SIGMAS * math.sqrt(1 / 3 / 400)
    # And both determinants occur: a rotation or a reflection, each with probability 1/2.
    turns = sum(np.linalg.det(W) > 0 for W in draws)
    assert abs(turns - 200) <= SIGMAS * 10


def test_lecun_is_the_xavier_of_the_book() -> None:
    np.testing.assert_array_equal(draw("lecun"), draw("xavier"))


@pytest.mark.parametrize("std", [0.0, 1, 0.01])
def test_std_takes_any_size(std: float) -> None:
    assert Std(std).scale(7, 3) == std


@pytest.mark.parametrize("make", [lambda: Std(-0.1), lambda: Std(math.inf), lambda: Std("a")])
def test_std_refuses_nonsense(make: object) -> None:
    with pytest.raises(SettingError, match="std of Std must be a number"):
        make()


def test_scales() -> None:
    assert He().scale(50, 3) == 0.2
    assert Xavier().scale(100, 3) == LeCun().scale(100, 7) == 0.1
    assert GlorotNormal().scale(30, 20) == 0.2
    assert GlorotUniform().draw(np.random.default_rng(0), 2, 3).shape == (2, 3)


@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_starts_without_scale_and_shift_and_biases_start_at_zero(norm: str) -> None:
    network = Architecture.of([MLP((5,), norm=norm)], 4, 3, population=False)
    starts = {
        name: parameter.start
        for layer, width in zip(network.layers, network.widths, strict=False)
        for name, parameter in layer.declare(width).parameters.items()
        if name != "W"
    }
    assert starts.items() <= {"b": 0.0, "gamma": 1.0, "beta": 0.0}.items()
