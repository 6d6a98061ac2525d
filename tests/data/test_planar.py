"""Points of a plane: where they lie, the same for the same seed, and learnt by a small network."""

from __future__ import annotations

import numpy as np
import pytest

import trainlab as tl
from trainlab.data.arrays import content_of
from trainlab.data.planar import PLANAR

kinds = pytest.mark.parametrize("kind", PLANAR)


@kinds
def test_rows_and_classes(kind: str) -> None:
    data = tl.load_planar(kind, 101, 40)
    assert data.describe()["sizes"] == {"train": 101, "validation": 40}
    assert np.bincount(data.train.t).tolist() == [51, 50]
    assert np.bincount(data.validation.t).tolist() == [20, 20]
    assert data.train.x.dtype == np.float32
    assert data.name == kind


@kinds
def test_points_are_as_far_out_as_one(kind: str) -> None:
    x = tl.load_planar(kind, 2000, noise=0).train.x
    assert 0.9 < np.abs(x).max() < 1.6
    assert np.abs(x.mean(axis=0)).max() < 0.1


@kinds
def test_draws_depend_on_the_seed_the_kind_and_the_split(kind: str) -> None:
    data = tl.load_planar(kind)
    assert content_of(data) == content_of(tl.load_planar(kind, seed=0))
    others = [tl.load_planar(kind, seed=1), tl.load_planar(kind, noise=0.06)]
    assert len({content_of(one) for one in [data, *others]}) == 3
    assert not np.array_equal(data.train.x, data.validation.x)


def test_classes_lie_apart_without_noise() -> None:
    x, t = (getattr(tl.load_planar("xor", noise=0).train, name) for name in "xt")
    assert ((x[:, 0] * x[:, 1] > 0) == (t == 1)).all()
    x, t = (getattr(tl.load_planar("circles", noise=0).train, name) for name in "xt")
    assert ((np.hypot(*x.T) > 0.6) == (t == 1)).all()
    x, t = (getattr(tl.load_planar("spiral", 2000, noise=0).train, name) for name in "xt")
    turned = (np.arctan2(x[:, 1], x[:, 0]) - 2 * np.pi * 1.75 * np.hypot(*x.T)) / np.pi
    assert (np.rint(turned) % 2 == t).all()


def test_moons_and_clouds() -> None:
    x, t = (getattr(tl.load_planar("moons", noise=0).train, name) for name in "xt")
    upper, lower = x[t == 0], x[t == 1]
    assert np.allclose(np.hypot(upper[:, 0] + 0.33, upper[:, 1] + 0.17), 0.67, atol=1e-6)
    assert np.allclose(np.hypot(lower[:, 0] - 0.33, lower[:, 1] - 0.17), 0.67, atol=1e-6)
    x, t = (getattr(tl.load_planar("gaussians", 2000, noise=0).train, name) for name in "xt")
    assert np.abs(x[t == 1].mean(axis=0) - 0.45).max() < 0.03


def test_a_small_network_learns_the_moons() -> None:
    network = tl.Network(tl.MLP(hidden=(16,), activation="tanh"), tl.Adam(0.03))
    data = tl.load_planar("moons")
    network.fit(data, batch_size=20, epochs=30)
    assert network.accuracy(data.validation.x, data.validation.t) > 0.97


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"kind": "spirals"}, "try kind='spiral'"),
        ({"rows": 1}, "rows of load_planar must be an integer in"),
        ({"validation": 1.5}, "validation of load_planar"),
        ({"noise": -1}, "noise of load_planar"),
        ({"noise": float("nan")}, "noise of load_planar"),
        ({"seed": -1}, "seed of a random stream"),
    ],
)
def test_bad_arguments(given: dict[str, object], what: str) -> None:
    with pytest.raises(tl.SettingError, match=what):
        tl.load_planar(**given)  # type: ignore[arg-type]
