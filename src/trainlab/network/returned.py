"""What layers, activations and losses return, checked: of which shape whose what must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainlab.errors import SettingError, sentence
from trainlab.network.base import Layer
from trainlab.network.dense import Activate

Shape = tuple[int, ...]


def owner_of(layer: Layer) -> str:
    """The class that a layer is made of: of an activation its own."""
    return type(layer.activation if isinstance(layer, Activate) else layer).__name__


def several(found: Any, parts: tuple[str, ...], method: str, of: str) -> Any:
    """What a method returned, which must be so many things."""
    if not isinstance(found, tuple) or len(found) != len(parts):
        raise SettingError(sentence(method, of, f"return ({', '.join(parts)})", found))
    return found


def check_array(what: str, of: str, found: Any, *shapes: Shape, dtype: str | None = None) -> None:
    """Raises SettingError unless it is an array of one of the shapes, and of the dtype if given."""
    fits = isinstance(found, np.ndarray | np.generic) and found.shape in shapes
    if not fits or dtype not in (None, found.dtype):
        must = f"be an array of shape {' or '.join(map(str, dict.fromkeys(shapes)))}"
        must += "" if dtype is None else f" and dtype {dtype}"
        remedy = "trainlab.settings.cast(SETTING, x.dtype) for settings and constants"
        raise SettingError(sentence(what, of, must, found, remedy if fits else None))
