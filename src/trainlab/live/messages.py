"""What a page is sent: what it does not have yet, and nothing twice."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from trainlab.live.control import Snapshot
from trainlab.live.looks import packed


@dataclasses.dataclass
class PageState:
    """What one page has; a new one has nothing."""

    version: int = -1
    generation: int = -1
    told: int = -1
    seen: int = -1
    every: int = 0
    steps: tuple[int, ...] = ()


def difference(now: Snapshot, page: PageState) -> str:
    """A message that brings the page to this snapshot, as JSON; the page's state moves on.

    Curves: {"full", "every", "steps", "arms"}; a page drops what is not at a multiple of
    `every`, and appends float32 (series, seeds, steps) of each arm, in base64.
    """
    message: dict[str, Any] = {"status": now.status}
    if page.told != now.told or page.generation != now.generation:
        message["about"] = now.about
    curves = now.curves
    is_full = page.generation != now.generation
    first = 0 if is_full else sum(step % curves.every == 0 for step in page.steps)
    if is_full or first < len(curves.steps) or page.every != curves.every:
        end = len(curves.steps)
        message["curves"] = {
            "full": is_full,
            "every": curves.every,
            "steps": curves.steps[first:],
            "arms": {arm: packed(each[:, :, first:end]) for arm, each in curves.values.items()},
        }
    if page.seen != now.seen or is_full:
        message["looks"] = now.looks
    page.version, page.generation = now.version, now.generation
    page.told, page.seen = now.told, now.seen
    page.every, page.steps = curves.every, curves.steps
    return json.dumps(message, separators=(",", ":"), allow_nan=False)
