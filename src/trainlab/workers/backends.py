"""Which backends there are, and which is fastest for the jobs at hand.  The bits are the same.

NumPy lets go of Python's interpreter lock while it computes, but takes it again after every
call.  With calls of some 10 µs two threads spend a good part of their time waiting for each
other; two processes do not wait at all.  Threads start at once and run everywhere; processes
are forked, which Linux does in a few hundredths of a second, data and all.
"""

from __future__ import annotations

import heapq
import multiprocessing
import sys
from collections.abc import Sequence
from typing import Final

from trainlab.workers.jobs import Load

LOCAL: Final = ("threads", "processes")
REMOTE: Final = ("loky", "dask")
"""Those whose workers share no memory with the process that asks."""
BACKENDS: Final = (*LOCAL, *REMOTE)

CAN_FORK: Final = sys.platform == "linux"

# What work costs beside its floating-point operations, counted in these; a core does some
# 6e10 in a second.  From trainings of 2, 10 and 50 networks 64-32-10 for 50 to 1,800 steps, on
# one worker, two threads, two processes: there two threads took up to three times as long as one.
CALLS: Final = 1e7  # of a step of a chunk, however small its arrays are: Python's own work
WAITING: Final = 2.0  # of threads for the interpreter, times the calls of all of them
START: Final = 5e9  # of processes


def choose(divisions: Sequence[Sequence[Load]], workers: int) -> tuple[str, int, int]:
    """The backend that is fastest, on how many workers, and with which of the divisions.

    divisions: the loads of all jobs, the dearest first; the first division is for one
    worker, the others are for so many.
    """
    ends = {("threads", 1, 0): _end(divisions[0], 1)}
    if workers > 1:
        # A daemon, as the workers of a multiprocessing.Pool are, must not have children.
        fork = CAN_FORK and not multiprocessing.current_process().daemon
        for place, loads in enumerate(divisions[1:], start=1):
            end = _end(loads, workers)
            waiting = WAITING * CALLS * sum(load.steps for load in loads)
            ends["threads", workers, place] = end + waiting
            if fork:
                ends["processes", workers, place] = end + START
    return min(ends, key=lambda one: ends[one])


def operations(load: Load) -> float:
    """What a job costs in all, the calls of its steps included."""
    return load.steps * (CALLS + load.operations)


def _end(loads: Sequence[Load], workers: int) -> float:
    """When the last worker ends, if each takes the dearest job that is left."""
    ends = [0.0] * workers
    for load in loads:
        heapq.heapreplace(ends, ends[0] + operations(load))
    return max(ends)
