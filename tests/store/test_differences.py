"""What differs between two sets of settings: in which order, and how much of it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from trainlab.store.differences import SHOWN, differences


@pytest.mark.parametrize(
    ("number", "rest"),
    [(SHOWN - 1, []), (SHOWN, []), (SHOWN + 1, ["and 1 more"]), (SHOWN + 2, ["and 2 more"])],
)
def test_what_is_not_shown_is_counted(number: int, rest: list[str]) -> None:
    old, new = ({str(i): i + j for i in range(number)} for j in (0, 1))
    shown = [f"{i} was {i}, is {i + 1}" for i in range(min(number, SHOWN))]
    assert differences(old, new) == shown + rest


def test_the_outermost_come_first_and_equals_in_the_order_of_the_settings() -> None:
    old = {"z": {"deep": 1}, "b": 1, "a": 1}
    new = {"z": {"deep": 2}, "b": 2, "a": 2}
    assert differences(old, new) == ["b was 1, is 2", "a was 1, is 2", "z.deep was 1, is 2"]


def test_lists_and_dicts_count_as_equally_deep() -> None:
    old = {"one": {"x": 1}, "two": [1], "three": {"x": 1}}
    new = {"one": {"x": 2}, "two": [2], "three": {"x": 2}}
    found = ["one.x was 1, is 2", "two[0] was 1, is 2", "three.x was 1, is 2"]
    assert differences(old, new) == found


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([100, 100, 100], [50, 50], "it was (100, 100, 100), is (50, 50)"),
        ([], ["test"], "it was (), is ('test',)"),
        ([*range(20)], [*range(30)], "it were 20, are 30"),
        ([{"lr": 0.1}], [], "it were 1, are 0"),
    ],
)
def test_few_plain_values_are_told_and_others_counted(old: Any, new: Any, told: str) -> None:
    assert differences({"it": old}, {"it": new}) == [told]
