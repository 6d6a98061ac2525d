"""A member of a population: a network, an optimizer and a seed, all of them settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from trainlab.deprecated import NORMS, changed_norm
from trainlab.errors import SettingError, nearest, sentence
from trainlab.limits import MAX_SEED
from trainlab.network.architecture import MLP
from trainlab.optimizers import OPTIMIZERS, SGD, Optimizer
from trainlab.settings import Settings, instance, ruled, whole_number

_SEED: Final = whole_number(0, "0", high=MAX_SEED)

_OPTIMIZERS: Final = tuple(kind.__name__ for kind in OPTIMIZERS.values())
_WHOLE: Final = ("network", "optimizer", "seed")


@dataclasses.dataclass(frozen=True)
class Member(Settings):
    """One network to train.

    Parameters
    ----------
    network : MLP, default MLP()
        The network.
    optimizer : Optimizer, default SGD(0.01)
        The optimizer.
    seed : int, default 0
        Determines its initial draws, its batches and its dropout; members that share a seed
        share all three, so that they can be compared in pairs.
    """

    _in_grids: ClassVar[bool] = True

    network: MLP = instance(MLP, MLP)
    optimizer: Optimizer = instance(Optimizer, lambda: SGD(0.01), names=_OPTIMIZERS)
    seed: int = ruled(_SEED, 0)

    def get(self, name: str) -> Any:
        """Look up a setting.

        Parameters
        ----------
        name : str
            "seed", "network", "optimizer", or a field of the network or optimizer.

        Returns
        -------
        object
            Its value.

        Raises
        ------
        SettingError
            For a name that is none of these.
        """
        if not isinstance(name, str):
            raise unknown_field(name, self.network, self.optimizer)
        if name in _WHOLE:
            return getattr(self, name)
        if name in NORMS:
            return getattr(self.network, name)
        for owner in (self.network, self.optimizer):
            if name in field_names(owner):
                return owner._resolved(name)
        raise unknown_field(name, self.network, self.optimizer)

    def replace(self, **fields: Any) -> Member:
        """Make a member with some settings changed.

        Parameters
        ----------
        **fields
            New values of what `get` gives.

        Returns
        -------
        Member
            The other member.

        Raises
        ------
        SettingError
            For a name or a value that cannot be.

        Examples
        --------
        >>> Member().replace(hidden=(10,), lr=0.1, seed=3).optimizer.lr
        0.1
        """
        whole = {name: fields.pop(name) for name in _WHOLE if name in fields}
        member = dataclasses.replace(self, **whole)
        network, optimizer = member.network, member.optimizer
        for name, value in fields.items():
            if name in NORMS:
                network = dataclasses.replace(network, norm=changed_norm(network, name, value))
            elif name in field_names(network):
                network = dataclasses.replace(network, **{name: value})
            elif name in field_names(optimizer):
                optimizer = dataclasses.replace(optimizer, **{name: value})
            else:
                raise unknown_field(name, network, optimizer)
        return Member(network, optimizer, member.seed)

    def label(self, by: str) -> str:
        """Name the arm of the member, as a legend shows it.

        Parameters
        ----------
        by : str
            The setting that makes the arms.

        Returns
        -------
        str
            The value of the setting, in short; what is no record, such as a number, with the
            name of the setting before it.

        Examples
        --------
        >>> Member().label("lr"), Member().label("optimizer")
        ('lr 0.01', 'SGD')
        """
        return _named(by, self.get(by))

    def describe(self) -> dict[str, Any]:
        """Describe the settings as plain numbers, strings, lists and dicts.

        Returns
        -------
        dict
            `network`, `optimizer` and `seed`.
        """
        return {
            "network": describe(self.network),
            "optimizer": describe(self.optimizer),
            "seed": self.seed,
        }


def field_names(settings: Settings) -> tuple[str, ...]:
    """The names of the fields of a record."""
    return tuple(field.name for field in dataclasses.fields(settings))


def unknown_field(name: str, network: MLP, optimizer: Optimizer) -> SettingError:
    """The error for a name that is no field of a member."""
    known = sorted({"seed", "network", "optimizer", *field_names(network), *field_names(optimizer)})
    must = f"be one of {', '.join(known)}"
    owner = f"a Member with {type(optimizer).__name__}"
    return SettingError(sentence("field", owner, must, name, nearest(name, known)))


def varied(members: Sequence[Member]) -> list[str]:
    """The settings in which members differ, seeds left out: of different optimizers, "optimizer".

    >>> varied([Member(), Member(optimizer=SGD(0.1)), Member(seed=3)])
    ['lr']
    """
    first, found = members[0], []
    same = len({type(member.optimizer) for member in members}) == 1
    names = [*(field_names(first.optimizer) if same else ()), *field_names(first.network)]
    if len({type(member.network) for member in members}) > 1:
        return ["network"]
    for name in names:
        value = first.get(name)
        if any(member.get(name) != value for member in members):
            found.append(name)
    return found if same else ["optimizer", *found]


def grouped(members: Sequence[Member], by: str) -> dict[str, list[int]]:
    """Arm → indices of its members: those of one value, whose label no other value has.

    >>> members = [Member(optimizer=own) for own in (SGD(clip_norm=2), SGD(clip_value=2), SGD(2))]
    >>> grouped(members[1:], "seed"), list(grouped(members, "optimizer"))
    ({'seed 0': [0, 1]}, ['SGD(clip_norm=2.0)', 'SGD(clip_value=2.0)', 'SGD(lr=2.0)'])
    """
    labelled: dict[str, dict[Any, list[int]]] = {}
    for index, member in enumerate(members):
        alike = labelled.setdefault(member.label(by), {})
        alike.setdefault(member.get(by), []).append(index)
    found: dict[str, list[int]] = {}
    for text, alike in labelled.items():
        for value, rows in alike.items():
            name = text if len(alike) == 1 else _named(by, value, in_full=True)
            while name in found:  # classes of one name
                name += " (other)"
            found[name] = rows
    return dict(sorted(found.items(), key=lambda arm: arm[1][0]))


def _named(by: str, value: Any, in_full: bool = False) -> str:
    """The label of an arm: what is no record has the name of the setting before it."""
    text = label(value, in_full)
    return text if isinstance(value, Settings) else f"{by.replace('_', ' ')} {text}"


def label(value: Any, in_full: bool = False, without: Container[str] = ()) -> str:
    """A setting as a legend shows it: a record by its type and what differs from its defaults.

    in_full  with the names of fields, and all digits
    without  fields of the record that are not told
    """
    if isinstance(value, Settings):
        changed = {
            field.name: label(value._resolved(field.name), in_full)
            for field in dataclasses.fields(value)
            if field.name not in without and getattr(value, field.name) != default_of(field)
        }
        told = [f"{name}={text}" if in_full else text for name, text in changed.items()]
        name = type(value).__name__
        return f"{name}({', '.join(told)})" if told else name
    if isinstance(value, float):
        return repr(float(value)) if in_full else f"{value:.4g}"
    if isinstance(value, tuple):
        return "×".join(map(str, value)) or "linear"
    return str(value)


def default_of(field: dataclasses.Field[Any]) -> Any:
    """What a field of a record is where it is not given; MISSING where it must be."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        return field.default
    rule = field.metadata.get("rule")  # a field of one's own may have none
    return field.default if rule is None else rule.convert(field.default)


def completed(old: Any, members: Iterable[Member]) -> Any:
    """What `describe` wrote of members in an earlier version, with the fields that it lacks.

    A field that is new has the default that reproduces what was.
    """
    known: dict[str, Settings] = {}
    for member in members:
        for record in (member.network, member.optimizer):
            _learn(record, known)
    return _filled(old, known)


def _learn(value: Any, known: dict[str, Settings]) -> None:
    """Notes one record of each kind, those inside others too."""
    if isinstance(value, Settings):
        known[type(value).__name__] = value
        for name in field_names(value):
            _learn(value._resolved(name), known)
    elif isinstance(value, tuple):
        for item in value:
            _learn(item, known)


def _filled(old: Any, known: Mapping[str, Settings]) -> Any:
    if isinstance(old, list):
        return [_filled(item, known) for item in old]
    if not isinstance(old, dict):
        return old
    found = {name: _filled(value, known) for name, value in old.items()}
    record = known.get(found.get("kind", ""))
    if record is not None:
        for field in dataclasses.fields(record):
            if field.name not in found and default_of(field) is not dataclasses.MISSING:
                usual = dataclasses.replace(record, **{field.name: default_of(field)})
                found[field.name] = describe(usual._resolved(field.name))
    return found


def describe(value: Any) -> Any:
    """A setting as JSON can hold it."""
    if isinstance(value, Settings):
        fields = {name: describe(value._resolved(name)) for name in field_names(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return [describe(item) for item in value]
    if value == float("inf"):
        return None  # "no limit", which JSON cannot say with a number
    return value
