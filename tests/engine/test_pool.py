"""A pool does what it is given, and nothing else changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from trainlab import pool
from trainlab.pool import pool_threads, run_in_parallel


def names(parts: int) -> set[str]:
    """Of the threads that do so many parts, of which each waits for all others."""
    found, together = set[str](), threading.Barrier(parts, timeout=10)

    def part() -> None:
        together.wait()
        found.add(threading.current_thread().name)

    run_in_parallel([part] * parts)
    return found


def test_parts_are_done_at_the_same_time() -> None:
    with pool.thread_pool(3):
        assert pool_threads() == 3
        assert names(3) == {threading.current_thread().name, "trainlab pool"}
    assert pool_threads() == 1


def test_without_a_pool_one_part_follows_the_other() -> None:
    done: list[int] = []
    run_in_parallel([lambda: done.append(1), lambda: done.append(2)])
    assert done == [1, 2]
    with pool.thread_pool(1):
        assert pool_threads() == 1
        run_in_parallel([lambda: done.append(threading.get_ident())] * 2)
    assert done[2:] == [threading.get_ident()] * 2


def test_a_pool_is_that_of_its_thread() -> None:
    found: list[int] = []
    with pool.thread_pool(2):
        other = threading.Thread(target=lambda: found.append(pool_threads()))
        other.start()
        other.join()
        with pool.thread_pool(4):
            assert pool_threads() == 4
        assert pool_threads() == 2
    assert found == [1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_is_raised_when_all_parts_have_ended(place: int) -> None:
    ended: list[int] = []

    def part(index: int) -> Callable[[], None]:
        def do() -> None:
            if index == place:
                raise ArithmeticError(f"in part {index}")
            time.sleep(0.02)
            ended.append(index)

        return do

    with pool.thread_pool(3):
        with pytest.raises(ArithmeticError, match=f"in part {place}"):
            run_in_parallel([part(index) for index in range(3)])
        assert sorted(ended) == [index for index in range(3) if index != place]
        assert len(names(3)) == 2  # and the pool is still there


def test_numpy_is_told_the_same_in_all_parts() -> None:
    big = np.full(4, 1e38, np.float32)
    with pool.thread_pool(2):
        with np.errstate(over="raise"), pytest.raises(FloatingPointError):
            run_in_parallel([lambda: None, lambda: np.multiply(big, big)])
        with np.errstate(over="ignore"):
            run_in_parallel(
                [lambda: None, lambda: np.multiply(big, big)]
            )  # a warning were an error


def test_threads_leave_with_their_block() -> None:
    before = threading.enumerate()  # those of another test may still be leaving

    def helping() -> list[threading.Thread]:
        new = [one for one in threading.enumerate() if one not in before]
        return [one for one in new if one.name == "trainlab pool"]

    def failing() -> None:
        with pool.thread_pool(4):
            assert not helping()  # nothing was shared yet
            run_in_parallel([lambda: None, lambda: None])
            assert len(helping()) == 3
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        failing()
    for one in helping():
        one.join(timeout=10)
    assert not helping()
