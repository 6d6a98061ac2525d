"""The arguments of `fit`: one record, of which every signature and docstring is made."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

import pytest

import trainlab as tl
from engines import compiled
from trainlab.engine import ENGINES, NumPyEngine
from trainlab.engine.native import is_compiled
from trainlab.population.settings import FitArguments, FitSettings

METHODS = [tl.Population.fit, tl.Population.start, tl.Network.fit, tl.Network.start]
FIELDS = {field.name: field for field in dataclasses.fields(FitSettings)}


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.__qualname__)
def test_a_signature_shows_every_argument(method: Any) -> None:
    shown = dict(inspect.signature(method).parameters)
    assert list(shown)[:2] == ["self", "data"]
    del shown["self"], shown["data"]
    assert shown.keys() == FIELDS.keys()
    assert next(iter(shown)) == "batch_size"  # what a training is before who does it
    for name, parameter in shown.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default == FIELDS[name].default


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.__qualname__)
def test_a_docstring_explains_every_argument(method: Any) -> None:
    lines = [line for line in method.__doc__.splitlines() if line and not line.startswith(" ")]
    explained = {
        name for line in lines if " : " in line for name in line.split(" : ")[0].split(", ")
    }
    assert explained == {"data", *FIELDS}
    assert "**settings" not in method.__doc__


def test_editors_know_the_names_and_types() -> None:
    assert FitArguments.__annotations__.keys() == FIELDS.keys()
    own = typing.get_type_hints(FitSettings)
    for name, kind in typing.get_type_hints(FitArguments).items():
        assert kind == own[name], name


@pytest.mark.parametrize("name", ["fit", "start"])
@pytest.mark.parametrize("kind", [tl.Network, tl.Population.grid])
def test_rows_and_targets_are_a_data_set(name: str, kind: Any) -> None:
    told = (
        rf"{name}\(\) takes a Dataset, and settings .*; try {name}\(trainlab.from_arrays\(x, t\)\)"
    )
    with pytest.raises(TypeError, match=told):
        getattr(kind(), name)([[0.0], [1.0]], [0, 1])


def test_an_unknown_argument_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'epoch'"):
        tl.Population.grid().fit(tl.load_digits(), epoch=3)


@pytest.mark.parametrize("engine", ["auto", *ENGINES, ENGINES["numpy"]()])
def test_engines_by_name_or_themselves(engine: Any) -> None:
    if engine == "native" and not is_compiled():
        pytest.skip("the native engine is not compiled")
    data = tl.load_digits()
    network = tl.Network(seed=3)
    network.fit(data, steps=2, engine=engine)
    expected = network.predict_proba(data.test.x, engine="numpy")
    found = network.predict_proba(data.test.x, engine=engine)
    few_roundings = 1e-6 if engine in ("auto", "native") else 0.0
    assert abs(found - expected).max() <= few_roundings


@pytest.mark.parametrize("engine", ["jax", None, 3, object(), ENGINES["numpy"]])
def test_engines_that_are_none(engine: Any) -> None:
    told = "engine of {} must be one of 'auto', 'native', 'numpy' or an Engine"
    data = tl.load_digits()
    network = tl.Network()
    with pytest.raises(tl.SettingError, match=told.format("fit")):
        network.fit(data, steps=1, engine=engine)
    network.fit(data, steps=1)
    with pytest.raises(tl.SettingError, match=told.format("predict")):
        network.predict(data.test.x, engine=engine)
    with pytest.raises(tl.SettingError, match=told.format("predict")):
        network.score(data, engine=engine)


class Picky(NumPyEngine):
    """An engine that trains no dropout."""

    name = "picky"

    def supports(self, members: Any) -> str | None:
        return "dropout" if any(one.network.dropout for one in members) else None


def test_an_engine_that_cannot_is_refused() -> None:
    data, network = tl.load_digits(), tl.Network(tl.MLP((3,), dropout=0.5))
    told = "engine of {} must be one that can train these members: dropout; got 'picky'; try"
    with pytest.raises(tl.SettingError, match=told.format("fit")):
        network.fit(data, steps=1, engine=Picky())
    network.fit(data, steps=1)
    with pytest.raises(tl.SettingError, match=told.format("predict")):
        network.predict(data.test.x, engine=Picky())
    tl.Network(tl.MLP((3,))).fit(data, steps=1, engine=Picky())


@compiled
def test_what_is_unknown_to_the_native_engine_is_named() -> None:
    class Own(tl.SGD):
        pass

    class Step(tl.ReLU):
        pass

    for member in (tl.Member(optimizer=Own()), tl.Member(tl.MLP(activation=Step()))):
        part = Own if isinstance(member.optimizer, Own) else Step
        assert ENGINES["native"]().supports([tl.Member(), member]) == (
            f"it does not know {part.__name__}"
        )


def test_names_of_earlier_versions_go_on_working() -> None:
    population = tl.Population.grid(optimizer=tl.Adam())
    population.fit(tl.load_digits(), steps=1, keep="state")
    with pytest.warns(DeprecationWarning, match=r"Population.numbers is deprecated; use states"):
        (state,) = population.numbers
    with pytest.warns(DeprecationWarning, match=r"MemberState.state is deprecated; use optimizer"):
        assert state.state is state.optimizer


def test_an_engine_has_to_group_every_member_once() -> None:
    class Forgetful(NumPyEngine):
        def group(self, members: Any, *more: Any) -> Any:
            return [group for group in super().group(members, *more) if 0 not in group.places]

    told = "group of engine numpy must put each member into one group"
    population = tl.Population.grid(tl.MLP(hidden=(3,)), seed=range(3))
    with pytest.raises(tl.SettingError, match=told):
        population.fit(tl.load_digits(), steps=1, engine=Forgetful())
