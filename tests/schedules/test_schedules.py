"""Schedules: their values, their lengths, and that a member's rate is its own."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from cases import SCHEDULES as ROWS
from trainlab.errors import SettingError
from trainlab.optimizers import SGD
from trainlab.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    Step,
    WarmUp,
)
from trainlab.settings import stack

# A few roundings of numbers of size 1.
ROUNDING = 1e-15

VALUES: list[tuple[Schedule, int, int | None, float]] = [
    (Constant(), 7, None, 1.0),
    (Step(every=3, factor=0.5), 2, None, 1.0),
    (Step(every=3, factor=0.5), 3, None, 0.5),
    (Step(every=3, factor=0.5), 8, None, 0.25),
    (Exponential(decay=0.5), 0, None, 1.0),
    (Exponential(decay=0.5), 3, None, 0.125),
    (Cosine(), 0, 10, 1.0),
    (Cosine(floor=0.2), 5, 10, 0.6),
    (Cosine(floor=0.2, steps=5), 5, 10, 0.2),
    (Cosine(floor=0.2, steps=5), 9, None, 0.2),
    (OneCycle(warm=0.5, start=0.1, end=0.01), 0, 10, 0.1),
    (OneCycle(warm=0.5, start=0.1, end=0.01), 2, 10, 0.55),
    (OneCycle(warm=0.5, start=0.1, end=0.01), 4, 10, 1.0),
    (OneCycle(warm=0.5, start=0.1, end=0.01), 9, 10, 0.01),
    (OneCycle(warm=0.5, start=0.1, end=0.01), 99, 10, 0.01),
    # The peak would be at step -1: at step 0 a fifth of the descent is done.
    (OneCycle(warm=0.0, end=0.0, steps=5), 0, None, 0.5 + 0.5 * math.cos(math.pi / 5)),
    (OneCycle(warm=1.0, steps=5), 4, None, 1e-4),
    (OneCycle(steps=1), 0, None, 1e-4),
    (WarmUp(steps=4), 0, None, 0.0),
    (WarmUp(steps=4, start=0.2), 2, None, 0.6),
    (WarmUp(steps=4, start=0.2), 4, None, 1.0),
    (WarmUp(steps=4, then=Cosine()), 4, 14, 1.0),
    (WarmUp(steps=4, then=Cosine()), 9, 14, 0.5),
    (WarmUp(steps=4, then="cosine"), 14, 14, 0.0),
    (WarmUp(steps=20, then=Cosine()), 10, 14, 0.5),
]


@pytest.mark.parametrize(("schedule", "step", "total", "value"), VALUES)
def test_values(schedule: Schedule, step: int, total: int | None, value: float) -> None:
    assert schedule.multiplier(step, total) == pytest.approx(value, abs=ROUNDING)


def of_member(schedule: Schedule, i: int) -> Schedule:
    """A row of the table for member i: whatever may differ between members does."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(schedule):
        value = getattr(schedule, field.name)
        if isinstance(value, Schedule):
            changed[field.name] = of_member(value, i)
        elif field.metadata["per_member"] and isinstance(value, int):
            changed[field.name] = value + i
        elif field.metadata["per_member"]:
            changed[field.name] = value * (1 - 0.07 * i) if value else 0.03 * i
    return dataclasses.replace(schedule, **changed)


def test_members_differ() -> None:
    made = of_member(WarmUp(steps=5, then=Step(every=2, factor=0.5)), 2)
    assert made == WarmUp(steps=5, then=Step(every=4, factor=0.43), start=0.06)
    assert of_member(Constant(), 2) == Constant()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("K", [1, 2, 3, 7])
def test_a_members_rate_is_its_own_bit_for_bit(name: str, K: int) -> None:
    members = [of_member(ROWS[name], i) for i in range(K)]
    together = stack(members, trailing=1)
    for step in range(23):
        values = np.broadcast_to(together.multiplier(step, 20), (K, 1))
        for i, member in enumerate(members):
            assert values[i, 0] == member.multiplier(step, 20)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_multiplier_is_between_0_and_1_and_a_name_is_enough(name: str) -> None:
    schedule = SGD(0.1, schedule=name).schedule  # type: ignore[arg-type]
    assert schedule == SCHEDULES[name]()
    values = np.array([schedule.multiplier(step, 300) for step in range(310)])
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    assert np.isfinite(values).all()


@pytest.mark.parametrize("schedule", [Cosine(), OneCycle(), WarmUp(steps=1, then=Cosine())])
def test_a_length_is_asked_for(schedule: Schedule) -> None:
    with pytest.raises(
        SettingError, match=r"steps of \w+ must be given .*; got None; try \w+\(steps"
    ):
        schedule.multiplier(3)


@pytest.mark.parametrize("name", ROWS)
def test_many_steps_at_once_are_each_of_them(name: str) -> None:
    steps = np.arange(23).reshape(-1, 1, 1)
    row = ROWS[name]
    for members in ([of_member(row, 2)], [of_member(row, i) for i in range(3)]):
        together = stack(members, trailing=1)
        shape = (23, len(members), 1)
        values = np.broadcast_to(together.multiplier(steps, 20), shape)
        one_by_one = [
            np.broadcast_to(together.multiplier(step, 20), shape[1:]) for step in range(23)
        ]
        assert values.tobytes() == np.array(one_by_one).tobytes()


BAD: list[tuple[type[Schedule], str, Any, str]] = [
    (Step, "every", 0, "every of Step must be an integer in [1, 2**53]; got 0"),
    (Step, "factor", 1.5, "factor of Step must be a number in [0.0, 1.0]; got 1.5"),
    (Exponential, "decay", 0.0, "decay of Exponential must be a number in (0.0, 1.0]; got 0.0"),
    (Cosine, "floor", -0.1, "floor of Cosine must be a number in [0.0, 1.0]; got -0.1"),
    (Cosine, "steps", 2.5, "steps of Cosine must be an integer in [1, 2**53] or None; got 2.5"),
    (OneCycle, "warm", 2.0, "warm of OneCycle must be a number in [0.0, 1.0]; got 2.0"),
    (WarmUp, "steps", 0, "steps of WarmUp must be an integer in [1, 2**53]; got 0"),
    (WarmUp, "then", "warm_up", "then of WarmUp must be one of 'constant', 'step', "),
]


@pytest.mark.parametrize(("kind", "field", "value", "text"), BAD)
def test_a_bad_setting_says_what_is_wrong(
    kind: type[Schedule], field: str, value: Any, text: str
) -> None:
    with pytest.raises(SettingError) as caught:
        kind(**{field: value})
    assert str(caught.value).startswith(text)
