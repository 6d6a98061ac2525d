"""What the page says beside the scores: edges of ranges, what was left out, limits."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from search_results import outcome
from trainlab.tables.card import edges, left_out, limits
from trainlab.tables.settings import StudySettings
from trainlab.tables.splits import RowRule


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, []),
        (
            {"learning_rate_init": 0.0295},
            ["learning rate 0.029, range to 0.03: try --lr 0.001:0.3"],
        ),
        (
            {"learning_rate_init": 0.0011},
            ["learning rate 0.0011, range from 0.001: try --lr 0.0001:0.03"],
        ),
        ({"alpha": 9.0}, ["L2 penalty 9, range to 10: try --weight-decay 0.0001:1000"]),
        ({"hidden_layer_sizes": (100,)}, []),
        (
            {"hidden_layer_sizes": (50, 60)},
            ["hidden layers 50×60, the largest: try --hidden with more"],
        ),
        ({"dropout": 0.4}, ["dropout 0.4, the greatest of those that were tried"]),
        ({"dropout": 0.0}, []),  # there is no less
    ],
)
def test_the_best_at_the_edge_of_its_range_is_named(settings: Any, told: list[str]) -> None:
    middle = {
        "learning_rate_init": 0.005,
        "alpha": 0.1,
        "hidden_layer_sizes": (50,),
        "dropout": 0.2,
    }
    found = outcome()
    first = dataclasses.replace(found.candidates[0], settings=middle | settings)
    asked = StudySettings(model="network", hidden=((20,), (50,), (100,), (50, 60)))
    found = dataclasses.replace(found, settings=asked, candidates=(first, *found.candidates[1:]))
    assert edges(found) == told
    assert edges(dataclasses.replace(found, loss=0.1)) == []


def test_what_is_left_out_is_named_with_the_reason() -> None:
    found = outcome()
    notices = ("3 rows without a target left out", "separated by ;", "left out: 'id' (why)")
    problem = dataclasses.replace(
        found.problem,
        notices=notices,
        dropped=("a column left out", "id"),
        needless={"id": "it numbers the rows"},
    )
    told = list(left_out(dataclasses.replace(found, problem=problem)))
    assert told == [
        ("a column left out", "asked for, with --drop"),
        ("id", "it numbers the rows"),
        ("a column", "70 rare words of 120 are one to the model"),
        ("rows", "3 rows without a target left out"),
    ]


def test_limits_say_which_rows_judged() -> None:
    found = outcome()
    for kind, told in (("group", "values of 'day' that it never saw"), ("time", "latest rows by")):
        rule: Any = RowRule(kind, "day", np.arange(40))  # type: ignore[arg-type]  # a literal
        problem = dataclasses.replace(found.problem, rule=rule)
        text = " ".join(limits(dataclasses.replace(found, problem=problem)))
        assert told in text
        assert "at random" not in text


def test_limits_say_where_nothing_was_measured() -> None:
    told = "What it relies on was not measured: of 2 columns that would take too long."
    assert told in [*limits(dataclasses.replace(outcome(), importance=()))]
    assert told not in [*limits(outcome())]


def test_limits_name_classes_of_few_rows() -> None:
    text = " ".join(limits(outcome()))
    assert "Fewer than 20 of the rows put aside are of 'left', 'right'" in text
    assert "the target lay between 0 and 390,000" in " ".join(limits(outcome(task="regression")))
