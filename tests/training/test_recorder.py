"""The byte that says run, pause or stop."""

from __future__ import annotations

from pathlib import Path

from trainlab.training.recorder import Control


def test_what_was_said_before_the_byte_is_shared_holds(tmp_path: Path) -> None:
    control = Control()
    control.pause()
    control.share(tmp_path / "byte")
    assert control.is_paused
    assert Control.at(tmp_path / "byte").is_paused
    control.resume()
    assert not Control.at(tmp_path / "byte").is_paused
