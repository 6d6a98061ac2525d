"""Docstrings of public names are in numpydoc's form, and complete.

Public is what the rooms below have in `__all__`, and the public methods of their classes; not
public are `trainlab.plots`, which serves `History.plot`, and the parts of an engine.  A method
that overrides another one without a docstring of its own has that of the other.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pydoc
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from trainlab.network.activations import Activation
from trainlab.network.base import Layer
from trainlab.network.dense import Activate, Dense
from trainlab.network.dropout import Dropout
from trainlab.network.initializers import Initializer
from trainlab.network.losses import Loss
from trainlab.optimizers import OPTIMIZERS
from trainlab.optimizers.base import Optimizer
from trainlab.schedules import Schedule

validate = pytest.importorskip("numpydoc.validate").validate

ROOMS: Final = (
    "trainlab",
    "trainlab.data",
    "trainlab.differentiation",
    "trainlab.estimators",
    "trainlab.evidence",
    "trainlab.models",
    "trainlab.optimizers",
    "trainlab.population",
    "trainlab.search",
    "trainlab.store",
    "trainlab.experiments",
    "trainlab.report",
    "trainlab.book",
)
PARTS: Final = (
    *(Activation, Activate, Dense, Dropout, Initializer, Layer, Loss, Optimizer, Schedule),
)
"""What networks are made of, and what users derive their own from."""

NOT_CHECKED: Final = {
    "ES01": "one line may say it all",
    "EX01": "an example is run where one helps",
    "SA01": "the pages of the documentation say what belongs together",
    "GL01": "the summary begins beside the quotes",
    "GL02": "a docstring of one line ends beside it",
    "PR08": "a description may begin with its symbol: ε, added to the denominator",
    "RT04": "likewise",
}
"""Checks of numpydoc that are not made, and why.  All others are."""

NOT_MADE: Final = ("trainlab.training.progress.Progress", "trainlab.training.callbacks.Moment")
"""Classes that users do not make, and whose parameters need no words."""


def dotted(thing: Any) -> str:
    """The name by which numpydoc imports it."""
    return f"{thing.__module__}.{thing.__qualname__}"


def of_class(kind: type) -> Iterator[str]:
    """Its own name, and those of its public methods and properties that are ours."""
    yield dotted(kind)
    for name in dir(kind):
        found = inspect.getattr_static(kind, name)
        function = found.fget if isinstance(found, property) else found
        function = getattr(function, "__func__", function)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        overrides = any(hasattr(base, name) for base in kind.__mro__[1:])
        if function.__module__.startswith("trainlab") and (function.__doc__ or not overrides):
            owner = next(base for base in kind.__mro__ if name in vars(base))
            yield f"{dotted(owner)}.{name}"


def public() -> Iterator[str]:
    """The dotted names of all that is public."""
    things = list(PARTS)
    for room in ROOMS:
        module = importlib.import_module(room)
        things += [getattr(module, name) for name in module.__all__]
    for thing in things:
        if inspect.isclass(thing) and thing.__module__.startswith("trainlab"):
            yield from of_class(thing)
        elif inspect.isfunction(thing):
            yield dotted(thing)


NAMES: Final = sorted(set(public()))


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_is_complete(name: str) -> None:
    left_out = {*NOT_CHECKED, *(("PR01",) if name in NOT_MADE else ())}
    errors = [f"{code}: {text}" for code, text in validate(name)["errors"]]
    assert [error for error in errors if error[:4] not in left_out] == []


def stated_defaults(thing: Any) -> Iterator[tuple[str, str]]:
    """(parameter, default) as a docstring says it: "default 0.1", or the first of {…}."""
    text = (inspect.getdoc(thing) or "").partition("Parameters\n----------\n")[2]
    text = re.split(r"\n\n\w+( \w+)?\n---", text)[0]
    for names, kind in re.findall(r"^([\w*, ]+) : (.+)$", text, re.MULTILINE):
        known, said = names.split(", "), re.search(r"default (.+)", kind)
        values = said[1].split(" and ") if said else re.findall(r"^\{(.+?),", kind)
        if values and "optional" not in kind:
            yield from zip(known, values * (len(known) // len(values)), strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_those_of_the_docstring(name: str) -> None:
    thing: Any = pydoc.locate(name)
    for parameter, text in stated_defaults(thing):
        default = inspect.signature(thing).parameters[parameter].default
        if default is not inspect.Parameter.empty and repr(default) != "<factory>":
            value = eval(text, {"inf": math.inf, "NaN": math.nan})  # noqa: S307 - our own words
            assert value == default or repr(value) == repr(default), (parameter, text, default)


def test_docstrings_send_nobody_to_the_source() -> None:
    texts = {name: inspect.getdoc(pydoc.locate(name)) or "" for name in NAMES}
    found = {
        name for name, text in texts.items() if re.search(r"this file\b|\b[a-z_]+\.py\b", text)
    }
    assert found == set()


def test_what_is_public_is_found() -> None:
    needed = {
        "trainlab.population.running.Trainable.fit",
        "trainlab.network.losses.Loss.forward",
        "trainlab.evidence.comparisons.compare_all",
        "trainlab.estimators.predictor.ClassifierPredictor.predict_proba",
    }
    assert needed <= set(NAMES)


@pytest.mark.parametrize("kind", OPTIMIZERS.values())
def test_fields_that_optimizers_share_are_explained_in_each(kind: type[Optimizer]) -> None:
    assert "clip_norm" in (kind.__doc__ or "")
    assert "{shared}" not in (kind.__doc__ or "")
