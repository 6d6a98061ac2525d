"""Rows put aside and folds: what no split may do, by groups and by time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold

from complaints import complains
from trainlab.errors import DataError, SettingError
from trainlab.tables import splits
from trainlab.tables.problem import problem
from trainlab.tables.settings import StudySettings
from trainlab.tables.splits import RowRule, split_rows
from trainlab.tables.study import study

NAMES = ("y", "table.csv")
BOTH = (
    "time of a table must be left out with a group, since one of them decides which rows are put "
    "aside; got 'day'; try group='patient' or time='day' alone"
)


def table(folder: Path, rows: int, **columns: Any) -> Path:
    """Columns of values by row, beside one of numbers."""
    path = folder / "table.csv"
    columns = {"x": [0.5 * (row % 17) for row in range(rows)], **columns}
    lines = [columns.keys(), *zip(*columns.values(), strict=True)]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
    return path


def everything_is_there(found: Any, rows: int) -> None:
    assert sorted([*found.search, *found.test]) == list(range(rows))
    for train, test in found.folds:
        assert not set(train) & set(test)
        assert max(*train, *test) < len(found.search)


def test_without_a_rule_folds_are_scikit_learns(rng: np.random.Generator) -> None:
    y = np.array(["a", "b", "c"])[rng.integers(3, size=100)]
    found = split_rows(y, True, NAMES, None, 0.2, 4, 3)
    everything_is_there(found, 100)
    rest = y[found.search]
    expected = StratifiedKFold(4, shuffle=True, random_state=3).split(rest, rest)
    for (train, test), (own, other) in zip(found.folds, expected, strict=True):
        assert (train.tolist(), test.tolist()) == (own.tolist(), other.tolist())


@pytest.mark.parametrize("classifies", [True, False])
@pytest.mark.parametrize("folds", [2, 5])
def test_no_group_is_on_both_sides(classifies: bool, folds: int, rng: np.random.Generator) -> None:
    groups = np.repeat(np.arange(40), rng.integers(1, 30, size=40))
    classes = groups % 3 if classifies else rng.standard_normal(len(groups))
    order = rng.permutation(len(groups))
    groups, y = groups[order], classes[order]
    rule = RowRule("group", "patient", groups)
    found = split_rows(y, classifies, NAMES, rule, 0.25, folds, 1)
    everything_is_there(found, len(y))
    assert not set(groups[found.search]) & set(groups[found.test])
    assert abs(len(found.test) / len(y) - 0.25) < 0.03
    own = groups[found.search]
    for train, test in found.folds:
        assert not set(own[train]) & set(own[test])
    assert sorted(np.concatenate([test for _, test in found.folds])) == list(range(len(own)))
    if classifies:  # of each class about its share
        for label in range(3):
            share = np.mean(y[found.test] == label) / np.mean(y == label)
            assert 0.8 < share < 1.25
    again = split_rows(y, classifies, NAMES, rule, 0.25, folds, 1)
    assert found.test.tolist() == again.test.tolist()
    other = split_rows(y, classifies, NAMES, rule, 0.25, folds, 2)
    assert found.test.tolist() != other.test.tolist()


def test_very_many_groups_need_few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "MOST_DRAWN", 10)
    rule = RowRule("group", "patient", np.arange(200) // 2)
    found = split_rows(np.zeros(200), False, NAMES, rule, 0.2, 3, 0)
    assert len(found.test) == 40


def test_the_latest_rows_are_put_aside(rng: np.random.Generator) -> None:
    """And folds go forward; rows of one time are never on both sides."""
    times = np.repeat(np.arange(50.0), rng.integers(1, 12, size=50))
    rng.shuffle(times)
    y = rng.standard_normal(len(times))
    found = split_rows(y, False, NAMES, RowRule("time", "day", times), 0.2, 4, 0)
    everything_is_there(found, len(y))
    assert times[found.search].max() < times[found.test].min()
    assert abs(len(found.test) / len(y) - 0.2) < 0.03
    own, before = times[found.search], 0
    for train, test in found.folds:
        assert own[train].max() < own[test].min()
        assert len(train) > before  # each knows all that came earlier
        assert len(train) == np.count_nonzero(own < own[test].min())
        assert abs(len(test) - len(own) / 5) < 12
        before = len(train)
    assert own[found.folds[-1][1]].max() == own.max()


def test_as_few_times_as_can_be() -> None:
    times = np.repeat(np.arange(4.0), [50, 1, 1, 1])
    found = split_rows(np.arange(53.0), False, NAMES, RowRule("time", "day", times), 0.2, 2, 0)
    assert times[found.test].tolist() == [3]
    ends = [(times[found.search][train].max(), len(test)) for train, test in found.folds]
    assert ends == [(0, 1), (1, 1)]


def test_too_few_values_are_named() -> None:
    y = np.arange(60.0)
    for kind, values, need in (("group", y % 3, 4), ("time", y // 15, 5)):
        rule = RowRule(kind, "day", values.astype(int))  # type: ignore[arg-type]
        told = f"{kind} 'day' of table.csv must have at least {need} different values for 3 folds"
        complains(lambda rule=rule: split_rows(y, False, NAMES, rule, 0.2, 3, 0), DataError, told)


def test_each_fold_has_each_class_to_train_on() -> None:
    y = np.array(["early"] * 50 + ["late"] * 10)
    told = "training rows of each fold of table.csv must have each class of 'y'; got no row of 'l"
    rule = RowRule("time", "day", np.arange(60.0))
    complains(lambda: split_rows(y, True, NAMES, rule, 0.1, 2, 0), DataError, told)
    groups = RowRule("group", "patient", np.array([*range(50), *[50] * 10]))
    with pytest.raises(
        DataError, match=r"fold \d by group 'patient'; try --drop-rare-classes, or more"
    ):
        split_rows(y, True, NAMES, groups, 0.1, 3, 0)


def test_columns_that_rule(tmp_path: Path) -> None:
    groups = [f"no {row // 3}" for row in range(60)]
    days = [f"{1 + row % 28}.{1 + row % 12}.2024" for row in range(60)]
    y = [0.1 * row for row in range(60)]
    path = table(tmp_path, 60, patient=groups, day=days, y=y)
    by_group = problem(path, "y", group="patient")
    assert by_group.features == ("x", "day")
    assert by_group.rule is not None
    assert by_group.rule.values[:4].tolist() == [0, 0, 0, 1]
    told = "rows of one 'patient' are never on both sides of a split: 20 groups"
    assert by_group.notices[-1] == told
    assert by_group.options == {"group": "patient"}
    by_time = problem(path, "y", ["patient"], time="day")
    assert by_time.features == ("x",)
    assert by_time.options == {"time": "day"}
    moments = [
        np.datetime64(f"2024-{1 + r % 12:02}-{1 + r % 28:02}", "s").astype(int) for r in range(60)
    ]
    assert by_time.rule is not None
    assert by_time.rule.values.tolist() == moments
    assert by_time.notices[-1] == (
        "the latest rows by 'day' are put aside, and folds go forward in time"
    )
    used = problem(path, "y", ["patient"], time="day", use=["day"])
    assert (used.features, used.dates) == (("x", "day"), {1: "dmy"})
    assert problem(path, "y", ["day"], group="patient").features == ("x",)
    assert by_group.warnings == used.warnings == ()
    # Groups on both sides of a split that may be one.
    names = [f"{'no' if row % 2 else 'No'} {row // 3}" for row in range(60)]
    alike = problem(table(tmp_path, 60, patient=names, y=y), "y", group="patient")
    told = "'patient' has groups that differ in case alone, as 'No 0' and 'no 0'; "
    assert alike.warnings == (told + "try one case, if they mean the same",)
    # Rows without a target have no part in it.
    y[1] = ""
    path = table(tmp_path, 60, patient=groups, day=days, y=y)
    fewer = problem(path, "y", ["day"], group="patient", drop_missing_target=True)
    assert fewer.rule is not None
    assert fewer.rule.values[:4].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("sign", "mark"), [(",", "."), (".", ",")])
def test_times_are_numbers_as_the_table_writes_them(sign: str, mark: str, tmp_path: Path) -> None:
    """In a table with a decimal comma 1.010 is later than 990."""
    times = [f"{900 + 10 * row:,}".replace(",", mark) for row in range(60)]
    rows = [f"{n % 17}{sign}5;{when};{n}{sign}25" for n, when in enumerate(times)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x;when;y", *rows]))
    found = problem(path, "y", time="when")
    assert found.features == ("x",)
    assert found.rule is not None
    assert found.rule.values.tolist() == [900 + 10 * row for row in range(60)]
    path.write_text("\n".join(["x;when;y", *(f"{n % 17};1.{100 + n};{n}" for n in range(60))]))
    told = r"columns of .* must leave no doubt .*; got '1.100' in 'when', which is 1.1 or 1100; try"
    with pytest.raises(DataError, match=told):
        problem(path, "y", time="when")
    assert problem(path, "y", time="when", decimal="point").rule is not None


def test_columns_that_cannot_rule(tmp_path: Path) -> None:
    days, y = [f"{1 + row % 9}/5/2024" for row in range(30)], [0.1 * row for row in range(30)]
    path = table(tmp_path, 30, patient=["", *range(29)], day=days, y=y)
    with pytest.raises(DataError, match=r"values of group 'patient' in .* got none in 1 row; try"):
        problem(path, "y", ["day"], group="patient")
    with pytest.raises(
        DataError, match=r"values of time 'day' in .* got '1/5/2024', .*; try dates"
    ):
        problem(path, "y", time="day")
    months = [f"{1 + row % 12:02}.{2000 + row // 12}" for row in range(30)]
    path = table(tmp_path, 30, patient=[*range(30)], day=months, y=y)
    with pytest.raises(DataError, match=r"values of time 'day' in .* got '01.2000', .*; try dates"):
        problem(path, "y", time="day")  # as numbers 12.2000 is later than 01.2001
    wrong: list[tuple[Any, type, str]] = [
        ({"group": "patients"}, DataError, "column of"),
        ({"group": "y"}, SettingError, "group of a table must"),
        ({"group": 5}, SettingError, "group of a table must"),
        ({"time": ["day"]}, SettingError, "time of a table must"),
        ({"time": "day", "group": "patient"}, SettingError, BOTH),
    ]
    for given, error, words in wrong:
        complains(lambda given=given: problem(path, "y", **given), error, words)


def test_a_score_knows_nothing_of_the_groups_put_aside(tmp_path: Path) -> None:
    """Each has a noise of its own in y: with its rows on both sides a network knows it."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 4)
    y = rng.standard_normal(60)[group]
    tells = {f"tell {one}": rng.standard_normal(60)[group].round(3) for one in range(6)}
    path = table(tmp_path, 240, group=group, **tells, y=y.round(4))
    quick = StudySettings(
        model="network",
        trials=2,
        rounds=1,
        folds=3,
        hidden=((200,),),
        max_iter=200,
        lr=(0.02, 0.03),
    )
    for by, knows in (("group", False), (None, True)):
        of = problem(path, "y", ["x", *(["group"] if knows else [])], group=by)
        found = study(of, quick, tmp_path / f"by {by}")
        assert (max(one.score for one in found.candidates) > 0.4) is knows
        assert (found.judged[0].score > 0.4) is knows
    # Nor do those rows on which an ensemble stops and selects.
    of = problem(path, "y", ["x"], group="group")
    few = {"n_candidates": 2, "max_iter": 40, "trees": False}
    found = study(of, StudySettings(ensemble=few), tmp_path / "vote")
    assert found.loss is not None
    assert found.loss > 0.7
    assert found.judged[0].score < 0.4
