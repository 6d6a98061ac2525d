"""Closer looks at a session: decision surfaces, what goes on in the layers, images that are wrong.

They cost time that training does not have, so control.py takes them rarely.

Letters: K members, N rows or points.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from trainlab.engine.base import LaneSpec
from trainlab.engine.state import MemberState
from trainlab.live.session import LiveSession
from trainlab.members import Member
from trainlab.network.activations import Activation
from trainlab.network.base import Mode
from trainlab.network.dense import Activate, Dense
from trainlab.network.workspace import FRESH, Array
from trainlab.streams import stream

SIDE: Final = 40
"""Points along each side of a decision surface."""
MARGIN: Final = 0.12
ROWS: Final = 256
"""Training rows that layers are looked at with."""
BINS: Final = 24
FLAT: Final = 0.05
"""A unit is saturated for a row where its slope is below this share of the steepest."""
IMAGES: Final = 12
TRIED: Final = 500
"""Held-out rows among which wrong ones are looked for."""
POINTS: Final = 400
"""Training rows that are drawn on a surface."""


def frame_of(session: LiveSession) -> dict[str, Any] | None:
    """What surfaces are drawn on: the square (low, high), and rows; None unless it is a plane."""
    x, t = session.shown.x, session.shown.t
    if session.setting.widths != (2, 2) or session.setup.data.task != "classification":
        return None
    low, high = float(x.min()), float(x.max())
    room = MARGIN * (high - low) or 1.0
    held = session.held
    return {
        "side": SIDE,
        "low": low - room,
        "high": high + room,
        "x": packed(x[:POINTS]),
        "t": t[:POINTS].tolist(),
        "heldX": packed(held.x[:POINTS]),
        "heldT": held.t[:POINTS].tolist(),
    }


def look(session: LiveSession, frame: dict[str, Any] | None) -> dict[str, Any]:
    """Everything there is to see of the arms that train, by arm."""
    seen = {} if frame is None else surfaces(session, frame)
    found = {}
    for arm in session.running:
        key = next(key for key in session.keys(arm) if key in session.lanes.keys)
        state = session.lanes.state_of(key)
        assert state is not None
        member = dataclasses.replace(session.arms[arm], seed=key[1])
        found[arm] = {
            "seed": str(member.seed),
            "rows": min(ROWS, len(session.shown)),
            "layers": _layers(session, member, state),
            "wrong": _wrong(session, member, state),
            "surface": _packed(*seen[arm]) if arm in seen else None,
        }
    return found


# --- decision surfaces -----------------------------------------------------------------------


Surface = tuple[Array, Array]
"""Of each point the mean probability of class 1, and how far the seeds disagree: 0 where all
decide alike, 1 where half do; row by row from above."""


def surfaces(session: LiveSession, frame: Mapping[str, Any]) -> dict[str, Surface]:
    """Those of the arms that train."""
    outputs = session.lanes.outputs(_grid(frame["low"], frame["high"]))
    found = {}
    for arm in session.running:
        own = np.stack([outputs[key] for key in session.keys(arm) if key in outputs])
        with np.errstate(all="ignore"):  # as of outputs that overflowed
            chance = 1 / (1 + np.exp(own[..., 0] - own[..., 1]))  # softmax of two, for a picture
        share = (chance > 0.5).mean(axis=0)
        found[arm] = chance.mean(axis=0), 2 * np.minimum(share, 1 - share)
    return found


@functools.lru_cache(maxsize=4)
def _grid(low: float, high: float) -> Array:
    along = np.linspace(low, high, SIDE)
    x, y = np.meshgrid(along, along[::-1])
    return np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)


def _packed(mean: Array, apart: Array) -> dict[str, str]:
    """A surface as pages get it: a byte for each point."""
    return {"mean": _bytes(mean), "apart": _bytes(apart)}


def _bytes(shares: Array) -> str:
    whole = np.rint(np.clip(np.nan_to_num(shares), 0, 1) * 255).astype(np.uint8)
    return base64.b64encode(whole.tobytes()).decode("ascii")


def packed(values: Array) -> str:
    """Numbers as text: base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode("ascii")


# --- layers ----------------------------------------------------------------------------------


def _layers(session: LiveSession, member: Member, state: MemberState) -> list[dict[str, Any]]:
    """Of each dense layer its outputs, its gradients and its weights, in a step on some rows."""
    x, t = session.shown.x[:ROWS], session.shown.t[:ROWS]
    if not isinstance(x, np.ndarray):
        x = x.toarray()
    network = member.network.build(*session.setting.widths)
    bound = network.bind(state.params, state.buffers)
    grads = network.bind(np.zeros_like(state.params))
    caches: list[Any] = []
    found: list[dict[str, Any]] = []
    with np.errstate(all="ignore"):
        for index, (layer, p) in enumerate(zip(network.layers, bound, strict=True)):
            x, cache, _ = layer.forward(p, x, Mode(True, _draw(member, index)), FRESH)
            caches.append(cache)
            if isinstance(layer, Dense):
                found.append({"weights": _finite(np.linalg.norm(p["W"])), "place": index})
            elif isinstance(layer, Activate):
                slope = layer.backward(p, cache, np.ones_like(x), {}, FRESH)
                flat = np.abs(slope) < FLAT * _steepest(layer.activation)
                found[-1] |= {
                    "outputs": _histogram(x, float(x.min()), float(x.max())),
                    "dead": _finite((x == 0).all(axis=0).mean()),
                    "saturated": _finite(flat.mean()),
                }
        loss = network.loss
        _, cache = loss.forward(x, t, FRESH)
        network.backward(bound, caches, loss.backward(cache, FRESH), grads)
        for one in found:
            gradient = grads[one.pop("place")]["W"]
            most = float(np.abs(gradient).max())
            one |= {
                "gradient": _finite(np.linalg.norm(gradient)),
                "gradients": _histogram(gradient, -most, most),
            }
    return found


def _draw(member: Member, layer: int) -> Any:
    """Uniforms for dropout; which ones does not matter here."""

    def draw(rows: int, width: int) -> Array:
        return stream(member.seed, "dropout", 0, layer).random((rows, width), dtype=np.float32)

    return draw


@functools.lru_cache(maxsize=64)
def _steepest(activation: Activation) -> float:
    x = np.linspace(-8, 8, 1601, dtype=np.float32)[:, None]
    layer = Activate(activation)
    _, cache, _ = layer.forward({}, x, Mode(False), FRESH)
    return float(np.abs(layer.backward({}, cache, np.ones_like(x), {}, FRESH)).max())


def _finite(value: Any) -> float | None:
    """A number as JSON can hold it: what overflowed has none."""
    return float(value) if math.isfinite(value) else None


def _histogram(values: Array, low: float, high: float) -> dict[str, Any]:
    """Shares of the values in equal bins between two ends."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return {"low": None, "high": None, "shares": []}
    if high <= low:
        low, high = low - 0.5, low + 0.5
    counts, _ = np.histogram(values, BINS, (low, high))
    shares = np.round(counts / values.size, 4)
    return {"low": low, "high": high, "shares": shares.tolist()}


# --- images ----------------------------------------------------------------------------------


def _wrong(session: LiveSession, member: Member, state: MemberState) -> dict[str, Any] | None:
    """The first held-out images that a member gets wrong; None where rows are no images."""
    data, widths = session.setup.data, session.setting.widths
    side = math.isqrt(widths.inputs)
    if data.name not in ("digits", "mnist") or side * side != widths.inputs:
        return None
    x, t = session.held.x[:TRIED], session.held.t[:TRIED]
    spec = LaneSpec([member], widths, session.setting.dtype, None, [state])
    outputs = session.setting.engine.open(spec).outputs(x)[0]
    said = member.network.loss.predict(outputs)
    wrong = np.flatnonzero(said != t)
    shown = wrong[:IMAGES]
    pixels = np.rint(np.clip(x[shown], 0, 1) * 255).astype(np.uint8)
    return {
        "side": side,
        "count": len(wrong),
        "of": len(t),
        "pixels": base64.b64encode(pixels.tobytes()).decode("ascii"),
        "said": said[shown].tolist(),
        "truth": t[shown].tolist(),
    }
