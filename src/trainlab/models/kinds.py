"""The kinds of models that files hold, each with its way there and back.

A room below this one brings its own kinds: it calls `register` when it is imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final

from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.models.container import Content


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of model.

    name   how files call it
    model  its class; instances of subclasses are not of this kind
    pack   what a file is to say of a trained model
    unpack  the model that such a content describes; ModelFileError, which names the source
            it is given, unless the content describes one
    """

    name: str
    model: type
    pack: Callable[[Any], Content]
    unpack: Callable[[Content, str], Any]


KINDS: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> None:
    """Makes a kind known to `save` and `load`."""
    if KINDS.get(kind.name, kind) != kind:
        raise SettingError(sentence("name", "a kind of models", "be new", kind.name))
    KINDS[kind.name] = kind


def kind_of(model: Any) -> Kind:
    """The kind of a model."""
    for kind in KINDS.values():
        if type(model) is kind.model:
            return kind
    must = "be one of " + ", ".join(kind.model.__name__ for kind in KINDS.values())
    raise SettingError(sentence("model", "save", must, type(model).__name__))


def kind_named(name: str, source: str) -> Kind:
    """The kind that a file names."""
    if name not in KINDS:
        raise ModelFileError(sentence("kind", source, f"be one of {', '.join(KINDS)}", name))
    return KINDS[name]
