"""Parameters and buffers that are given by name, in place of those that were drawn or learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.arrays import as_array, no_numbers
from trainlab.callers import warn
from trainlab.engine.base import Widths
from trainlab.engine.state import MemberState
from trainlab.errors import SettingError, nearest, sentence
from trainlab.members import Member
from trainlab.network.workspace import Array

_OWNER: Final = "parameters"


def with_parameters(
    member: Member, given: Any, state: MemberState | None, widths: Widths
) -> tuple[MemberState, Widths]:
    """The state of a member with parameters and buffers by name; the others stay as they are.

    A member without a state begins with the draws of its seed, and the matrices of its first and
    its last layer say how many features go in and come out.  SettingError for names and shapes
    that the network does not have, and for numbers that are not finite, or too small.
    """
    arrays = _arrays(given)
    untrained = state is None
    if state is None:
        widths = _widths(member, arrays)
        double = all(one.dtype == np.float64 for one in arrays.values())
        drawn = member.network.build(*widths).initialize(
            member.seed, np.float64 if double else np.float32
        )
        state = MemberState(*drawn)
    params, kept = state.params.copy(), state.buffers.copy()
    architecture = member.network.build(*widths)
    parameters = architecture.layout.views(params)
    buffers = architecture.buffer_layout.views(kept)
    views, layouts = parameters | buffers, (architecture.layout, architecture.buffer_layout)
    least = {entry.name: entry.parameter.least for one in layouts for entry in one.entries}
    for name, value in arrays.items():
        if name not in views:
            must, near = f"be one of {', '.join(views)}", nearest(name, views)
            raise SettingError(sentence("name", _OWNER, must, name, near))
        view = views[name]
        shapes = {view.shape, view.shape[1:] if view.shape[0] == 1 else view.shape}
        if value.shape not in shapes:
            raise SettingError(sentence(name, _OWNER, f"have the shape {view.shape}", value))
        with np.errstate(over="ignore"):  # what the dtype cannot hold is not finite
            view[...] = value.astype(view.dtype)
        if not np.isfinite(view).all():
            raise SettingError(sentence(name, _OWNER, f"be finite in {view.dtype}", value))
        if (view < least[name]).any():
            raise SettingError(sentence(name, _OWNER, f"be at least {least[name]:g}", view.min()))
    missing = [name for name in buffers if name not in arrays]
    if untrained and missing and parameters.keys() <= arrays.keys():
        what = f"{', '.join(missing)} of {_OWNER} are not given, and those of an untrained network"
        remedy = "{**network.parameters, **network.buffers} of the network they come from"
        warn(f"{what}: it predicts otherwise than a trained one; try {remedy}", UserWarning)
    return MemberState(params, kept), widths


def _arrays(given: Any) -> dict[str, Array]:
    """Names and real arrays."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        must = "be a dict from names to arrays"
        raise SettingError(sentence("parameters", "Network", must, given, '{"W1": array}'))
    arrays = {name: as_array(value, name, _OWNER) for name, value in given.items()}
    for name, value in arrays.items():
        if value.dtype.kind not in "biuf":
            raise no_numbers(value, name, _OWNER, SettingError)
    return arrays


def _widths(member: Member, arrays: Mapping[str, Array]) -> Widths:
    """How many features go in and come out, as the first and the last matrix say."""
    last = f"W{len(member.network.hidden) + 1}"
    for name in ("W1", last):
        if name not in arrays or arrays[name].ndim != 2 or not arrays[name].size:
            must = "be a matrix (in, out), which says how wide an untrained network is"
            raise SettingError(sentence(name, _OWNER, must, arrays.get(name)))
    return Widths(arrays["W1"].shape[0], arrays[last].shape[1])
