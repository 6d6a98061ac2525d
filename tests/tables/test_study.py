"""Searches of tables: what a metric needs of the rows that it is computed on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from complaints import complains
from trainlab.errors import DataError
from trainlab.tables.problem import TableProblem
from trainlab.tables.settings import StudySettings
from trainlab.tables.splits import RowRule
from trainlab.tables.study import StudyResult, study

ROWS, GROUPS = 240, 24


def searched(folder: Path, y: Any, rule: RowRule, metric: str | None, folds: int) -> StudyResult:
    """A quick search of a table of one column."""
    task: Any = "regression" if y.dtype.kind == "f" else "classification"
    x = np.random.default_rng(0).standard_normal((len(y), 1))
    of = TableProblem("a.csv", "ab12", ("x",), (), "y", task, "", x, y, rule=rule)
    small: dict[str, Any] = {"trials": 2, "rounds": 1, "max_iter": 1, "hidden": ((3,),)}
    asked = StudySettings(model="network", folds=folds, metric=metric, **small)
    return study(of, asked, folder, fresh=True)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc"])
def test_candidates_have_scores_where_folds_lack_a_class(metric: str, tmp_path: Path) -> None:
    """Those of NaN would be ranked as if they were equal."""
    groups = np.arange(ROWS) % GROUPS
    y = np.where(groups < 3, "rare", np.where(np.arange(ROWS) % 2, "odd", "even"))
    rule = RowRule("group", "patient", groups)
    found = searched(tmp_path, y, rule, metric, 5)
    assert np.isfinite([one.folds for one in found.candidates]).all()
    assert len({one.score for one in found.candidates}) == 2
    assert not found.warnings


def test_a_metric_without_a_value_is_refused_before_the_training(tmp_path: Path) -> None:
    groups = np.arange(ROWS) % GROUPS
    y = np.where(groups < 3, "yes", "no")
    rule = RowRule("group", "patient", groups)
    complains(lambda: searched(tmp_path, y, rule, "roc_auc", 5), DataError, "test rows of fold ")
    with pytest.raises(DataError, match="rows of a second class for the metric roc_auc; got 40"):
        searched(tmp_path, y, rule, "roc_auc", 5)
    assert searched(tmp_path, y, rule, "log_loss", 5).candidates
    moments = np.r_[np.arange(9), np.full(ROWS - 9, 10)]
    latest = RowRule("time", "day", moments)
    numbers = np.random.default_rng(1).standard_normal(ROWS)
    told = "test rows of fold 1 in a.csv must have a second row for the metric r2; got one row; try"
    complains(lambda: searched(tmp_path, numbers, latest, None, 5), DataError, told)
    assert searched(tmp_path, numbers, latest, "rmse", 5).candidates


def test_a_share_far_from_that_asked_for_is_told(tmp_path: Path) -> None:
    y = np.random.default_rng(1).standard_normal(ROWS)
    late = RowRule("time", "day", np.r_[np.arange(ROWS // 4), np.full(3 * ROWS // 4, ROWS)])
    told = "180 of 240 rows are put aside, and not 20%, since rows of one 'day' stay together"
    assert searched(tmp_path, y, late, None, 2).warnings == (told,)
    even = RowRule("time", "day", np.arange(ROWS))
    assert searched(tmp_path, y, even, None, 2).warnings == ()
