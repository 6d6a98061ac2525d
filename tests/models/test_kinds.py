"""The table of the kinds of models."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

import trainlab as tl
from complaints import complains
from trainlab.errors import SettingError
from trainlab.models.kinds import KINDS, kind_of, register


def test_a_kind_does_not_take_the_name_of_another() -> None:
    before = dict(KINDS)
    other = dataclasses.replace(KINDS["network"], model=int)
    must = "name of a kind of models must be new; got 'network'"
    complains(lambda: register(other), SettingError, must)
    register(KINDS["network"])  # the same again, as a module that is imported twice does
    assert before == KINDS


def test_a_search_is_told_to_keep_what_it_found() -> None:
    search = GridSearchCV(tl.MLPClassifier((2,), max_iter=1), {"alpha": [0.0]}, cv=2)
    with pytest.raises(SettingError, match=r"got 'GridSearchCV'$"):
        tl.save(search, "model")
    search.best_estimator_ = search.estimator  # as `fit` leaves it
    for owner in ("save", "export_onnx"):
        with pytest.raises(SettingError, match=r"got 'GridSearchCV'; try its best_estimator_$"):
            kind_of(search, owner)


@pytest.mark.parametrize(
    "kind",
    [
        tl.Network,
        tl.Population,
        tl.MLPClassifier,
        tl.MLPRegressor,
        tl.PopulationEnsembleClassifier,
        tl.PopulationEnsembleRegressor,
        Pipeline,
    ],
)
def test_what_is_derived_from_a_kind_is_told_which(kind: Any) -> None:
    derived = type("Mine", (type("Between", (kind,), {}),), {})
    for owner in ("save", "export_onnx"):
        told = f"model of {owner} must be a {kind.__name__} itself: a file does not say what"
        model = derived.__new__(derived)
        complains(lambda model=model, owner=owner: kind_of(model, owner), SettingError, told)
