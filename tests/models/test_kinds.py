"""The table of the kinds of models."""

from __future__ import annotations

import dataclasses

from complaints import complains
from trainlab.errors import SettingError
from trainlab.models.kinds import KINDS, register


def test_a_kind_does_not_take_the_name_of_another() -> None:
    before = dict(KINDS)
    other = dataclasses.replace(KINDS["network"], model=int)
    must = "name of a kind of models must be new; got 'network'"
    complains(lambda: register(other), SettingError, must)
    register(KINDS["network"])  # the same again, as a module that is imported twice does
    assert before == KINDS
