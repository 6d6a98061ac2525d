"""Ctrl-C waits where it would do harm, and is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from trainlab.interrupts import uninterrupted, unswallowed


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, whatever the tests are run by."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(after: Callable[[], None]) -> None:
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        after()


def test_ctrl_c_takes_effect_at_the_end_of_the_block() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: done.append("all"))
    assert done == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_block_that_nobody_interrupts_leaves_no_trace() -> None:
    with uninterrupted():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_an_error_of_the_block_does_not_swallow_ctrl_c() -> None:
    def fail() -> None:
        raise ImportError("no such library")

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted(fail)
    assert isinstance(caught.value.__context__, ImportError)


def test_who_ignores_ctrl_c_goes_on_doing_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_change_no_handler() -> None:
    def within() -> Any:
        assert threading.current_thread() is not threading.main_thread()
        with uninterrupted():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(within).result() is signal.default_int_handler


@pytest.mark.parametrize("turned", [True, False])
def test_ctrl_c_that_compiled_code_swallows_is_ctrl_c(turned: bool) -> None:
    def compiled() -> None:
        with unswallowed():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if turned:
                    raise ValueError("is not a valid PEP 3118 buffer format string") from None

    with pytest.raises(KeyboardInterrupt) as caught:
        compiled()
    assert isinstance(caught.value.__cause__, ValueError) is turned
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def press_and_fail() -> None:
    with unswallowed():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("own")


def test_errors_without_ctrl_c_and_ctrl_c_that_raises_nothing_stay_what_they_are() -> None:
    with pytest.raises(ValueError, match="own"), unswallowed():
        raise ValueError("own")
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    with pytest.raises(ValueError, match="own"):
        press_and_fail()
    assert pressed == [signal.SIGINT]


def test_ctrl_c_without_a_compiled_culprit_passes() -> None:
    with pytest.raises(KeyboardInterrupt), unswallowed():
        signal.raise_signal(signal.SIGINT)
