"""What a callback is given."""

from __future__ import annotations

from trainlab.training.callbacks import Moment


def test_a_moment_shows_what_is_new_and_no_arrays() -> None:
    def history() -> None:
        raise AssertionError("asked for nothing")

    moment = Moment(2, 30, {"test_loss": 0.5}, history, (4, 3))  # type: ignore[arg-type]
    assert repr(moment) == "Moment(member=2, updates=30, metrics={'test_loss': 0.5})"
