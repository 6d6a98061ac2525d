"""Optimizers, schedules and clipping step by step against PyTorch, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from trainlab.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSprop,
)
from trainlab.optimizers.base import clip
from trainlab.schedules import Cosine, Exponential, OneCycle, Schedule, Step, WarmUp

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: it is needed for parity tests only"
)
pytestmark = pytest.mark.parity

# Both sides evaluate the same formula in float64 in another order: some 20 roundings of
# eps = 2.2e-16 per step on numbers up to 10, over 250 steps, are 1e-11 at worst.
TOLERANCE = 1e-10
STEPS = 250
SIZE, DECAYED = 41, 17  # parameters, and how many of them decay

Build = Callable[[list[dict[str, Any]]], Any]

CASES: dict[str, tuple[Optimizer, Build, float]] = {
    # name: (ours, PyTorch's for groups of parameters, decoupled decay of the first group)
    "sgd": (SGD(0.05), lambda p: torch.optim.SGD(p, 0.05), 0.0),
    "momentum": (Momentum(0.02, 0.8), lambda p: torch.optim.SGD(p, 0.02, momentum=0.8), 0.0),
    "nesterov": (
        Nesterov(0.02, 0.8),
        lambda p: torch.optim.SGD(p, 0.02, momentum=0.8, nesterov=True),
        0.0,
    ),
    "adagrad": (AdaGrad(0.1), lambda p: torch.optim.Adagrad(p, 0.1), 0.0),
    "adagrad, started": (
        AdaGrad(0.1, eps=1e-3, initial=0.3),
        lambda p: torch.optim.Adagrad(p, 0.1, initial_accumulator_value=0.3, eps=1e-3),
        0.0,
    ),
    "rmsprop": (RMSprop(0.01), lambda p: torch.optim.RMSprop(p, 0.01), 0.0),
    "adam": (Adam(0.01), lambda p: torch.optim.Adam(p, 0.01), 0.0),
    "adam, large eps": (
        Adam(0.01, beta1=0.7, beta2=0.9, eps=0.1),
        lambda p: torch.optim.Adam(p, 0.01, (0.7, 0.9), eps=0.1),
        0.0,
    ),
    "adamw": (
        AdamW(0.01, decoupled_weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01),
        0.1,
    ),
    "nadam": (NAdam(0.01), lambda p: torch.optim.NAdam(p, 0.01), 0.0),
    "nadam, decoupled decay": (
        NAdam(0.01, beta1=0.8, momentum_decay=0.02, decoupled_weight_decay=0.1),
        lambda p: torch.optim.NAdam(
            p, 0.01, (0.8, 0.999), momentum_decay=0.02, decoupled_weight_decay=True
        ),
        0.1,
    ),
    "amsgrad": (AMSGrad(0.01), lambda p: torch.optim.Adam(p, 0.01, amsgrad=True), 0.0),
    "amsgrad, decoupled decay": (
        AMSGrad(0.01, beta2=0.9, decoupled_weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, 0.01, (0.9, 0.9), amsgrad=True),
        0.1,
    ),
}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    # PyTorch keeps NAdam's product of momenta in its default type, whatever the parameters
    # are: in float32 its rounding alone moves them by 3e-10 in 250 steps.
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def gradients(step: int, size: int = SIZE) -> np.ndarray:
    # Scales from 1e-3 to 10 within one gradient, and one element that is always 0.
    scales = np.logspace(-3, 1, size)
    scales[size // 2] = 0.0
    rng = np.random.default_rng((7, step))
    return rng.standard_normal(size) * scales


def both(ours: Optimizer, build: Build, decay: float, between: Callable[[Any], None]) -> float:
    """Trains both on one sequence of gradients; the largest deviation at any step."""
    params = np.random.default_rng(3).standard_normal(SIZE)
    first, second = (torch.tensor(part) for part in np.split(params, [DECAYED]))
    theirs = build(
        [{"params": [first], "weight_decay": decay}, {"params": [second], "weight_decay": 0.0}]
    )
    state, largest = ours.init(params), 0.0
    for step in range(STEPS):
        g = gradients(step)
        first.grad, second.grad = (torch.tensor(part) for part in np.split(g, [DECAYED]))
        theirs.step()
        between(theirs)
        ours.update(params, g, state, step, STEPS, [slice(0, DECAYED)])
        theirs_now = torch.cat([first, second]).detach().numpy()
        largest = max(largest, float(np.abs(params - theirs_now).max()))
    return largest


@pytest.mark.parametrize("name", CASES)
def test_optimizer(name: str) -> None:
    ours, build, decay = CASES[name]
    largest = both(ours, build, decay, lambda optimizer: None)
    assert largest <= TOLERANCE


SCHEDULED: dict[str, tuple[Schedule, Callable[[Any], Any]]] = {
    "step": (
        Step(every=30, factor=0.5),
        lambda o: torch.optim.lr_scheduler.StepLR(o, 30, 0.5),
    ),
    "exponential": (
        Exponential(decay=0.98),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.98),
    ),
    "cosine": (
        Cosine(floor=0.1),
        # eta_min is a rate, and the rate of both parity optimizers is 0.02
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.002),
    ),
    "one cycle": (
        OneCycle(warm=0.3, start=1 / 25, end=1 / 25 / 1e4),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=0.02, total_steps=STEPS, cycle_momentum=False
        ),
    ),
    "warm up": (
        WarmUp(steps=40, start=0.25),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=40),
    ),
    "warm up, then cosine": (
        WarmUp(steps=40, start=0.25, then=Cosine()),
        lambda o: torch.optim.lr_scheduler.SequentialLR(
            o,
            [
                torch.optim.lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=40),
                torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS - 40),
            ],
            milestones=[40],
        ),
    ),
}


# SequentialLR itself calls its schedulers with an argument that PyTorch deprecates.
@pytest.mark.filterwarnings("ignore:The epoch parameter in:UserWarning")
# OneCycleLR sets the first rate before any step: nothing is skipped.
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step:UserWarning")
@pytest.mark.parametrize("kind", ["momentum", "adamw"])
@pytest.mark.parametrize("name", SCHEDULED)
def test_schedule(name: str, kind: str) -> None:
    schedule, build = SCHEDULED[name]
    ours: Optimizer = Momentum(0.02, schedule=schedule)
    if kind == "adamw":
        ours = AdamW(0.02, schedule=schedule, decoupled_weight_decay=0.1)
    schedulers: list[Any] = []

    def build_both(groups: list[dict[str, Any]]) -> Any:
        optimizer = (
            torch.optim.SGD(groups, 0.02, momentum=0.9)
            if kind == "momentum"
            else torch.optim.AdamW(groups, 0.02)
        )
        schedulers.append(build(optimizer))
        return optimizer

    decay = 0.1 if kind == "adamw" else 0.0
    done = iter(range(STEPS))

    def advance(_: Any) -> None:
        if next(done) < STEPS - 1:  # OneCycleLR allows no step after its last
            schedulers[0].step()

    largest = both(ours, build_both, decay, advance)
    assert largest <= TOLERANCE


@pytest.mark.parametrize("step", range(20))
def test_clip_value(step: int) -> None:
    ours, theirs = gradients(step), torch.zeros(SIZE, dtype=torch.float64)
    theirs.grad = torch.tensor(ours.copy())
    torch.nn.utils.clip_grad_value_([theirs], 0.7)
    clip(ours, 0.7, math.inf)
    assert ours.tobytes() == theirs.grad.numpy().tobytes()


@pytest.mark.parametrize("scale", [1.0, 1e8])
@pytest.mark.parametrize("step", range(20))
def test_clip_norm(step: int, scale: float) -> None:
    ours, theirs = gradients(step) * scale, torch.zeros(SIZE, dtype=torch.float64)
    theirs.grad = torch.tensor(ours.copy())
    norm = float(torch.nn.utils.clip_grad_norm_([theirs], 2.0))
    assert norm > 2.0
    clip(ours, math.inf, 2.0)
    # PyTorch divides by norm + 1e-6: its elements, at most 2, are smaller by 2e-6/norm.
    tolerance = 2.0 * 1e-6 / norm + TOLERANCE / 100
    assert np.abs(ours - theirs.grad.numpy()).max() <= tolerance
    if scale > 1.0:
        assert tolerance <= TOLERANCE


@pytest.mark.parametrize("step", range(5))
def test_clip_norm_leaves_a_short_gradient(step: int) -> None:
    ours = gradients(step)
    before = ours.copy()
    clip(ours, math.inf, 1e3)
    assert ours.tobytes() == before.tobytes()
