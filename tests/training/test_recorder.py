"""The byte that says run, pause or stop, and events that travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlab.engine.state import Result, Status
from trainlab.training.events import Ended
from trainlab.training.recorder import Control, EventList


def test_what_was_said_before_the_byte_is_shared_holds(tmp_path: Path) -> None:
    control = Control()
    control.pause()
    control.share(tmp_path / "byte")
    assert control.is_paused
    assert Control.at(tmp_path / "byte").is_paused
    control.resume()
    assert not Control.at(tmp_path / "byte").is_paused


@pytest.mark.parametrize("kind", ["finished", "diverged", "interrupted"])
def test_a_chunk_is_interrupted_where_a_member_is(kind: str) -> None:
    events = EventList(lambda: False)
    events.send(Ended({0: Result(Status("finished", 3), None)}, 0))
    assert not events.interrupted
    events.send(Ended({1: Result(Status(kind, 2), None)}, 0))
    assert events.interrupted == (kind == "interrupted")
