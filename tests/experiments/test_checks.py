"""The table of `trainlab check`: it covers every part, and a wrong derivative fails it."""

from __future__ import annotations

import pytest

from trainlab.experiments.checks import cases, check_all, check_network
from trainlab.network.activations import ACTIVATIONS, Tanh
from trainlab.network.architecture import MLP
from trainlab.network.losses import LOSSES


def test_every_activation_and_loss_has_a_case() -> None:
    names = cases().keys()
    assert {f"activation {name}" for name in ACTIVATIONS} <= names
    assert {f"loss {name}" for name in LOSSES} <= names


def test_every_gradient_is_right() -> None:
    for row in check_all():
        assert row.report.ok, row.name
        assert row.compared > 0


def test_a_derivative_that_is_slightly_wrong_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Tanh.pullback

    def wrong(self, x, y, dy, out, new):  # type: ignore[no-untyped-def]
        right(self, x, y, dy, out, new)
        out *= 1.0005
        return out

    monkeypatch.setattr(Tanh, "pullback", wrong)
    found = check_network("wrong", MLP(hidden=(4,), activation=Tanh()))
    assert not found.report.ok
