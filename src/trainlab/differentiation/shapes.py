"""One pass there and back before a gradient is looked at: what parts return must fit."""

from __future__ import annotations

from typing import Any

from trainlab.differentiation.problem import Problem
from trainlab.network.returned import check_array, owner_of, several
from trainlab.network.workspace import FRESH


def check_shapes(problem: Problem) -> None:
    """Raises SettingError where a layer, an activation or a loss returns what cannot be."""
    network, x = problem.architecture, problem.x
    lead, caches = (*problem.members, x.shape[-2]), list[Any]()
    for index, layer in enumerate(network.layers):
        name, width = owner_of(layer), network.widths[index + 1]
        found = layer.forward(problem.bound[index], x, problem.mode(index), FRESH)
        y, cache, _ = several(found, ("y", "cache", "buffers"), "forward", name)
        check_array("outputs", name, y, (*lead, width), (*x.shape[:-1], width))
        x = y
        caches.append(cache)
    name, loss = type(network.loss).__name__, network.loss
    terms, own = several(loss.entries(x, problem.t, FRESH), ("entries", "cache"), "entries", name)
    check_array("entries", name, terms, x.shape, (*x.shape[:-1], 1))
    check_array("derivative", name, loss.derivative(own, FRESH), x.shape)
    value, cache = several(loss.forward(x, problem.t, FRESH), ("loss", "cache"), "forward", name)
    check_array("loss", name, value, x.shape[:-2])
    check_array("derivative", name, loss.backward(cache, FRESH), x.shape)
    dy, grads = problem.cotangent, network.bind(problem.params.copy())
    for index in reversed(range(len(network.layers))):
        layer = network.layers[index]
        dy = layer.backward(problem.bound[index], caches[index], dy, dict(grads[index]), FRESH)
        check_array("dx", owner_of(layer), dy, (*lead, network.widths[index]))
