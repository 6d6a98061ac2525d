"""What a page may choose: fields of plain JSON, each checked, as the setup of a session.

A choice is {"data", "base", "arms", "seeds", "batch_size"}: what all arms share, and what each
has of its own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

from trainlab.data.arrays import Dataset
from trainlab.data.planar import PLANAR
from trainlab.errors import SettingError, nearest, sentence
from trainlab.live.setup import (
    ARMS,
    EVALUATE,
    NAMELESS,
    OWNER,
    SEEDS,
    LiveSetup,
    has_mnist,
    load_source,
)
from trainlab.live.uploads import LARGEST_TABLE, Uploads
from trainlab.members import Member, field_names, label
from trainlab.network.activations import ACTIVATIONS
from trainlab.network.architecture import MLP
from trainlab.network.initializers import INITIALIZERS
from trainlab.optimizers import OPTIMIZERS
from trainlab.settings import is_integer, is_real, one_of, whole_number

FIELDS: Final = ("data", "base", "arms", "seeds", "batch_size")
NETWORK: Final = ("hidden", "activation", "init", "norm", "dropout", "weight_decay", "l1")
LAYERS: Final = 10
WIDTH: Final = 512
LARGEST: Final = 2**26
"""Parameters of all networks together: of 4 bytes each, several times."""

LOSSES: Final = {
    "classification": "softmax_cross_entropy",
    "multilabel": "sigmoid_cross_entropy",
    "regression": "mean_squared_error",
}


@dataclasses.dataclass(frozen=True)
class GivenData:
    """Data that a session was started with, which pages know by the name "given"."""

    data: Dataset
    source: Mapping[str, Any] | None = None


def setup_of(
    choice: Mapping[str, Any],
    given: GivenData | None = None,
    engine: str = "auto",
    uploads: Uploads | None = None,
) -> LiveSetup:
    """The setup of a choice; SettingError or DataError for anything that cannot be."""
    if set(choice) != set(FIELDS):
        must = f"have the fields {', '.join(FIELDS)}"
        raise SettingError(sentence("a choice", OWNER, must, sorted(map(str, choice))))
    data, source = _data(choice["data"], given, uploads)
    base, listed = choice["base"], choice["arms"]
    if not isinstance(base, Mapping) or not isinstance(listed, list):
        raise SettingError(sentence("arms", OWNER, "be a base and a list", listed))
    if not 1 <= len(listed) <= ARMS:
        raise SettingError(sentence("arms", OWNER, f"be 1 to {ARMS}", len(listed)))
    arms: dict[str, Member] = {}
    for one in listed:
        if not isinstance(one, Mapping):
            raise SettingError(sentence("an arm", OWNER, "be settings", one))
        fields = dict(one)
        name = fields.pop("name", None)
        member = _member(base, fields, data.task)
        if name is None:
            name = _name(fields)
        if name in arms:
            raise SettingError(sentence("arms", OWNER, "have different names", name))
        arms[name] = member
    seeds = whole_number(1, "10", high=SEEDS).check(choice["seeds"], "seeds", OWNER)
    every = EVALUATE // 2 if data.in_features == 2 else EVALUATE
    how: dict[str, Any] = {"evaluate": every, "engine": engine}
    setup = LiveSetup(data, arms, range(seeds), choice["batch_size"], source=source, **how)
    widths = data.in_features, data.out_features
    size = seeds * sum(one.network.build(*widths).size for one in arms.values())
    if size > LARGEST:
        must = f"have at most {LARGEST:,} parameters together"
        raise SettingError(sentence("networks", OWNER, must, size, "fewer seeds"))
    return setup


def _data(
    chosen: Any, given: GivenData | None, uploads: Uploads | None
) -> tuple[Dataset, Mapping[str, Any] | None]:
    if not isinstance(chosen, Mapping):
        raise SettingError(sentence("data", OWNER, "be a name and its fields", chosen))
    if given is not None and chosen.get("name") == "given":
        if set(chosen) != {"name"}:
            raise SettingError(sentence("data", OWNER, "have no other fields", sorted(chosen)))
        return given.data, given.source
    if uploads is not None and chosen.get("name") == "table":
        return uploads.load(chosen)
    return load_source(chosen), dict(chosen)


def _member(base: Mapping[str, Any], own: Mapping[str, Any], task: str) -> Member:
    """An arm; where it names an optimizer, nothing of the optimizer of the base holds for it."""
    fields = {**base, **own}
    if "optimizer" in own:
        fields = {k: v for k, v in fields.items() if k in own or k in NETWORK}
    kind = OPTIMIZERS[
        one_of(tuple(OPTIMIZERS)).check(fields.pop("optimizer", "sgd"), "optimizer", "an arm")
    ]
    network: dict[str, Any] = {name: fields.pop(name) for name in NETWORK if name in fields}
    known = [name for name in field_names(kind()) if name != "schedule"]
    for name, value in fields.items():
        if name not in known:
            names = (*NETWORK, *known)
            must, near = f"be one of {', '.join(names)}", nearest(name, names)
            remedy = near and f"{near}=VALUE"
            raise SettingError(
                sentence("a field", f"an arm with {kind.__name__}", must, name, remedy)
            )
        if not is_real(value):
            remedy = f"{name}={getattr(kind(), name)}"
            raise SettingError(sentence(name, "an arm", "be a number", value, remedy))
    _check_sizes(network)
    return Member(MLP(**network, loss=LOSSES[task]), kind(**fields))


def _check_sizes(network: Mapping[str, Any]) -> None:
    """SettingError for hidden layers that no page may ask for: too many, or too wide ones."""
    hidden = network.get("hidden", [])
    if not isinstance(hidden, list) or len(hidden) > LAYERS:
        must = f"be a list of at most {LAYERS} widths"
        raise SettingError(sentence("hidden", "an arm", must, hidden, "16 16"))
    if not all(is_integer(width) and 1 <= width <= WIDTH for width in hidden):
        must = f"be widths in [1, {WIDTH}]"
        raise SettingError(sentence("hidden", "an arm", must, hidden, "16 16"))


def _name(fields: Mapping[str, Any]) -> str:
    """What an arm is called by what it has of its own."""
    kinds = {name: kind.__name__ for name, kind in OPTIMIZERS.items()}
    parts = []
    for field, value in fields.items():
        said = label(tuple(value)) if isinstance(value, list) else label(value)
        parts.append(kinds.get(said, said) if field == "optimizer" else f"{field} {said}")
    return ", ".join(parts)[:60].strip() or NAMELESS


def catalogue(given: GivenData | None = None) -> dict[str, Any]:
    """All that a page may offer: data, parts of networks, optimizers with their fields."""
    optimizers = {}
    for name, kind in OPTIMIZERS.items():
        usual = {field: getattr(kind(), field) for field in field_names(kind())}
        fields = {k: v for k, v in usual.items() if isinstance(v, float) and math.isfinite(v)}
        optimizers[name] = {"title": kind.__name__, "fields": fields}
    return {
        "planar": list(PLANAR),
        "images": ["digits", *(["mnist"] if has_mnist() else [])],
        "given": None if given is None else given.data.name,
        "activations": list(ACTIVATIONS),
        "inits": list(INITIALIZERS),
        "optimizers": optimizers,
        "most": {
            "arms": ARMS,
            "seeds": SEEDS,
            "layers": LAYERS,
            "width": WIDTH,
            "bytes": LARGEST_TABLE,
        },
    }
