"""Folds of an ensemble: by chance, or given by a splitter, by pairs of rows, by groups."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

import trainlab as tl
from trainlab import PopulationEnsembleClassifier, PopulationEnsembleRegressor
from trainlab.ensembles import base as ensemble_base
from trainlab.ensembles.folds import deal_alike
from trainlab.errors import DataError, SettingError
from trainlab.estimators.rows import Rows, merge

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def small(kind: Any = PopulationEnsembleClassifier, **settings: Any) -> Any:
    usual = {"n_candidates": 4, "n_architectures": 2, "max_iter": 4, "random_state": 3}
    return kind(**(usual | settings))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """The X that each training has, to train on and to validate on, in the order of folds."""
    found: list[tuple[Any, Any]] = []
    right = ensemble_base.make_table

    def make_table(rows: Any, held: Any, *rest: Any) -> Any:
        found.append((rows.x, held.x))
        return right(rows, held, *rest)

    monkeypatch.setattr(ensemble_base, "make_table", make_table)
    return found


def sides(seen: Sequence[tuple[Any, Any]], X: Any) -> list[tuple[list[int], list[int]]]:
    """The numbers of the rows of each fold, on both sides."""
    number = {row.tobytes(): place for place, row in enumerate(np.asarray(X, np.float64))}
    found = [
        tuple(sorted(number[row.tobytes()] for row in np.asarray(side)) for side in sides)
        for sides in seen
    ]
    return [*dict.fromkeys((tuple(a), tuple(b)) for a, b in found)]  # of both kinds of inputs


X = np.arange(240.0).reshape(60, 4) ** 1.5
Y = np.arange(60) // 7 % 2


@pytest.mark.parametrize("kind", [PopulationEnsembleClassifier, PopulationEnsembleRegressor])
@pytest.mark.parametrize("cv", [KFold(3), TimeSeriesSplit(7)])
def test_a_splitter_says_what_is_trained_on(kind: Any, cv: Any, seen: Any) -> None:
    model = small(kind, cv=cv).fit(X, Y)
    expected = [(tuple(a.tolist()), tuple(b.tolist())) for a, b in cv.split(X)]
    assert sides(seen, X) == expected
    assert model.n_folds_ == len(expected)


def cells(rows: int, values: int) -> tuple[Any, Any]:
    """Two words, of some values and of six, as one-hot columns, and two classes in most cells."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(values, size=rows), rng.integers(6, size=rows)
    odds = np.linspace(-2, 2, values)[one] + np.linspace(1, -1, 6)[other]
    y = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return np.concatenate([np.eye(values)[one], np.eye(6)[other]], axis=1), y


def common(seen: Sequence[tuple[Any, Any]]) -> set[int]:
    """How many rows of the validation of each fold are also in its training, but for y."""
    found = [[{(row + 0).tobytes() for row in side} for side in sides] for sides in seen]
    return {len(rows & held) for rows, held in found}


def test_rows_that_are_equal_but_for_their_class_are_on_one_side(
    seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = cells(2000, 12)
    weight = np.random.default_rng(1).integers(1, 3, len(X))
    one = small().fit(np.where(X == 0, np.random.default_rng(2).choice([-0.0, 0.0], X.shape), X), y)
    assert common(seen) == {0}
    assert one.loss_ < 0.62
    first, twice = small().fit(X, y, weight), np.repeat(X, weight, axis=0)
    again = small().fit(twice, np.repeat(y, weight))
    assert first.predict_proba(X).tobytes() == again.predict_proba(X).tobytes()
    seen.clear()
    monkeypatch.setattr(ensemble_base, "stored_recipe", lambda store, name: 4)
    small().fit(X, y)
    assert 0 not in common(seen)


def test_rows_that_are_equal_but_for_their_number_are_on_one_side(
    seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = cells(2000, 12)
    y = np.random.default_rng(1).poisson(1 + X[:, 0]).astype(float)
    small(PopulationEnsembleRegressor).fit(X, y)
    assert common(seen) == {0}
    seen.clear()
    monkeypatch.setattr(ensemble_base, "stored_recipe", lambda store, name: 5)
    small(PopulationEnsembleRegressor).fit(X, y)
    assert 0 not in common(seen)


def test_rows_that_are_equal_but_for_a_real_number_are_dealt_one_by_one(
    seen: Any, rng: np.random.Generator
) -> None:
    """To hold all rows of a word back would teach that words say nothing."""
    word = rng.integers(14, size=600)
    x, y = np.eye(14)[word], 2 * rng.standard_normal(14)[word] + rng.standard_normal(600)
    settings: Any = {"space": None, "max_iter": 20}
    model = small(PopulationEnsembleRegressor, **settings).fit(x[:300], y[:300])
    assert 0 not in common(seen)
    assert model.score(x[300:], y[300:]) > 0.6
    weight = rng.integers(1, 3, 300)
    first = model.fit(x[:300], y[:300], weight).predict(x)
    again = model.fit(np.repeat(x[:300], weight, axis=0), np.repeat(y[:300], weight)).predict(x)
    assert first.tobytes() == again.tobytes()


def test_a_rare_class_is_not_left_to_one_part() -> None:
    """Of rows that are equal but for their class the rarest class decides, not the first."""
    rng = np.random.default_rng(0)
    for trial in range(100):
        X = np.concatenate([np.eye(n)[rng.integers(n, size=300)] for n in (12, 6)], axis=1)
        y = rng.integers(2, size=300)
        y[rng.choice(300, 3, replace=False)] = 2
        rows = merge(Rows(X, y, None))
        part = deal_alike(rows, 5, np.random.RandomState(trial), True)
        kinds = np.unique(rows.x[rows.y == 2], axis=0)
        assert len(np.unique(part[rows.y == 2])) == len(kinds)


@pytest.mark.filterwarnings("ignore:X of .* different rows")
def test_fewer_kinds_of_rows_than_folds_are_dealt_one_by_one(seen: Any) -> None:
    few, y = cells(2000, 1)
    small().fit(few, y)
    assert common(seen) == {0}  # 6 kinds of rows in 5 folds
    seen.clear()
    four = few[:, 5:].sum(axis=1) == 0
    four &= few[:, 1] == 0
    small().fit(few[four], y[four])
    assert 0 not in common(seen)
    seen.clear()
    X = np.arange(300.0)[:, np.newaxis] // 2
    X[:160, 0] = np.arange(160) + 1000  # 140 rows of 300
    small().fit(X, np.arange(300) % 2)
    assert common(seen) == {0}


def test_pairs_of_rows_do_too(seen: Any) -> None:
    first = np.arange(60) < 30
    pairs = [(first, ~first), ([50, 51, 0, 1], [3, 5])]
    model = small(cv=pairs, n_folds=1).fit(X, Y)
    assert sides(seen, X) == [(tuple(range(30)), tuple(range(30, 60)))]
    assert model.n_folds_ == 1
    seen.clear()
    small(cv=iter(pairs)).fit(X, Y)
    assert sides(seen, X)[1] == ((0, 1, 50, 51), (3, 5))


def test_the_loss_is_that_of_the_rows_that_it_validates_on() -> None:
    data, y = DIABETES
    train, held = np.arange(300), np.arange(300, 442)
    model = small(PopulationEnsembleRegressor, cv=[(train, held)], max_iter=20).fit(data, y)
    error = (model.predict(data[held]) - y[held]) / y.std()
    assert model.loss_ == pytest.approx(np.mean(error**2), rel=1e-4)


def test_equal_rows_stay_two_rows(seen: Any) -> None:
    twice = np.concatenate([X, X])
    pairs = [(np.arange(60), np.arange(60, 120))]
    small(cv=pairs).fit(twice, np.concatenate([Y, Y]))
    assert all(len(train) == len(held) == 60 for train, held in seen)


def test_rows_of_weight_0_are_on_no_side(seen: Any) -> None:
    weight = (np.arange(60) % 3 > 0).astype(float)
    small(cv=KFold(3)).fit(X, Y, sample_weight=weight)
    left = set(np.flatnonzero(weight))
    for train, held in sides(seen, X):
        assert {*train, *held} == left
    seen.clear()
    small(cv=KFold(3), class_weight={0: 0, 1: 1}).fit(X, np.arange(60) % 2)
    assert all({*train, *held} == set(range(1, 60, 2)) for train, held in sides(seen, X))
    with pytest.raises(DataError, match=r"cv .* weight above 0 on both sides"):
        small(cv=[(np.arange(60)[weight == 0], np.arange(60)[weight > 0])]).fit(
            X, Y, sample_weight=weight
        )


@pytest.mark.parametrize("kind", [PopulationEnsembleClassifier, PopulationEnsembleRegressor])
@pytest.mark.parametrize(("count", "folds"), [(2, 2), (12, 5)])
def test_no_group_is_on_both_sides(kind: Any, count: int, folds: int, seen: Any) -> None:
    groups = np.random.default_rng(0).integers(count, size=60)
    words = np.array([f"patient {one}" for one in groups])
    model = small(kind).fit(X, Y, groups=words)
    assert model.n_folds_ == folds
    found = sides(seen, X)
    assert sorted(itertools.chain(*(held for _, held in found))) == [*range(60)]
    for train, held in found:
        assert not {*groups[list(train)]} & {*groups[list(held)]}
    again = clone(model).fit(pd.DataFrame(X), Y, groups=pd.Series(words))
    assert again.losses_.tobytes() == model.losses_.tobytes()
    seen.clear()
    small(kind, cv=GroupKFold(2)).fit(X, Y, groups=words)
    for train, held in sides(seen, X):
        assert not {*groups[list(train)]} & {*groups[list(held)]}


def test_a_preset_says_how_many_parts_of_groups_have_their_turn() -> None:
    groups = np.arange(60) // 4
    assert small(preset="quick").fit(X, Y, groups=groups).n_folds_ == 5
    assert small(n_folds=2).fit(X, Y, groups=groups).n_folds_ == 2


def test_a_store_tells_folds_apart(tmp_path: Path, steps: list[int]) -> None:
    data, y = IRIS
    model = small(cv=StratifiedKFold(3), store=tmp_path).fit(data, y)
    done = steps[0]
    again = clone(model).fit(data, y)
    assert steps[0] == done
    assert again.losses_.tobytes() == model.losses_.tobytes()
    with pytest.raises(SettingError, match="cv was '"):
        clone(model).set_params(cv=StratifiedKFold(4)).fit(data, y)
    with pytest.raises(SettingError, match="cv was '"):
        clone(model).set_params(cv=None).fit(data, y)


def test_a_splitter_is_no_part_of_a_file(tmp_path: Path) -> None:
    model = small(cv=StratifiedKFold(3)).fit(*IRIS)
    with pytest.raises(SettingError, match="cv of save"):
        tl.save(model, tmp_path / "model")
    tl.save(model.set_params(cv=None), tmp_path / "model")
    found = tl.load(tmp_path / "model").predict_proba(IRIS[0])
    assert found.tobytes() == model.predict_proba(IRIS[0]).tobytes()


BAD: dict[str, tuple[Any, str]] = {
    "number": (5, r"cv .* splitter, or a list of pairs of row numbers; got 5"),
    "word": ("5", "cv .* splitter"),
    "none": ([], "cv .* have 1 to .* splits; got 0"),
    "single": ([np.arange(3)], "pairs of row numbers"),
    "numbers": ([1, 2], "pairs of row numbers"),
    "both": (
        [(np.arange(30), np.arange(29, 60))],
        "no row number on both sides of a split; got 29",
    ),
    "beyond": ([(np.arange(30), np.arange(30, 61))], r"row numbers in \[0, 60\)"),
    "below": ([([-1], [5])], "row numbers"),
    "empty": ([(np.arange(30), [])], "at least one"),
    "fractions": ([([0.5], [5])], "row numbers"),
    "words": ([(["a"], ["b"])], "row numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    cv, words = BAD[name]
    with pytest.raises(SettingError) as caught:
        small(cv=cv).fit(X, Y)
    assert re.search(words, str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    "groups", [np.zeros(60), np.zeros((60, 2)), 5, np.arange(59), [None, "a"] * 30]
)
def test_what_is_wrong_with_groups_is_said(groups: Any) -> None:
    with pytest.raises(ValueError, match=r"groups|inconsistent numbers of samples"):
        small().fit(X, Y, groups=groups)


def test_few_different_rows_that_are_there_many_times_are_warned_of(
    recwarn: pytest.WarningsRecorder,
) -> None:
    X, y = cells(2000, 1)
    with pytest.warns(UserWarning, match=r"got 6; try cv=StratifiedKFold\(5, shuffle=True\)"):
        small().fit(X, y)
    with pytest.warns(UserWarning, match=r"got 6; try cv=KFold\(5, shuffle=True\)"):
        small(PopulationEnsembleRegressor).fit(X, y)
    recwarn.clear()
    targets = np.random.default_rng(0).standard_normal(2000)  # none is equal to another
    small(PopulationEnsembleRegressor).fit(X, targets)
    small(cv=StratifiedKFold(5)).fit(X, y)
    small().fit(*cells(2000, 12))
    assert not [one for one in recwarn if "different rows" in str(one.message)]
