"""What people do to a session while it trains, as records of a log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from trainlab.errors import ModelFileError, SettingError, sentence
from trainlab.live.setup import ARM_NAME, OWNER
from trainlab.members import Member
from trainlab.settings import is_integer
from trainlab.training.changes import check_fields

ACTIONS: Final = ("change", "stop", "clone", "mark")


@dataclasses.dataclass(frozen=True)
class Intervention:
    """One thing that was done.

    Parameters
    ----------
    step : int
        Updates that had been done before.
    action : {"change", "stop", "clone", "mark"}
        A mark changes nothing: it is a place to go back to.
    arm : str
        Whose, "" for a mark.
    fields : dict of float
        Settings that change, or those in which a clone differs.
    name : str
        The name of the clone.

    Raises
    ------
    SettingError
        For what cannot be done.
    """

    step: int
    action: str
    arm: str = ""
    fields: Mapping[str, float] = dataclasses.field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.action, str) or self.action not in ACTIONS:
            must = "be one of " + ", ".join(map(repr, ACTIONS))
            raise SettingError(sentence("action", OWNER, must, self.action))
        if not (is_integer(self.step) and self.step >= 0):
            raise SettingError(sentence("step", OWNER, "be an integer >= 0", self.step))
        if self.action != "mark":
            ARM_NAME.check(self.arm, "arm", f"a {self.action}")
        if self.action == "clone":
            ARM_NAME.check(self.name, "name", "a clone")
        fields = check_fields(self.fields, f"a {self.action}")
        if bool(fields) != (self.action == "change") and self.action != "clone":
            must = "be what changes" if self.action == "change" else "be none"
            raise SettingError(sentence("fields", f"a {self.action}", must, fields))
        object.__setattr__(self, "fields", fields)

    def changed(self, member: Member) -> Member:
        """The member with the fields of the intervention; SettingError for what cannot be."""
        return member.replace(**self.fields)

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {**dataclasses.asdict(self), "fields": dict(self.fields)}


def read(value: Any, file: str) -> Intervention:
    """What `plain` gave this value for; ModelFileError names the file otherwise."""
    names = {field.name for field in dataclasses.fields(Intervention)}
    if not isinstance(value, dict) or set(value) != names:
        got = sorted(value) if isinstance(value, dict) else value
        must = f"have the fields {', '.join(sorted(names))}"
        raise ModelFileError(sentence("an entry of the log", file, must, got))
    return Intervention(**value)
