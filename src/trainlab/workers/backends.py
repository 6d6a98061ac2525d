"""Who trains the jobs of a training: threads of this process, or workers elsewhere.

The bits are the same.  The native engine trains without Python's interpreter lock, so that threads
are all it needs; one job alone is shared by threads inside it.  NumPy takes the lock again after
every call: with calls of some 10 µs threads spend most of their time waiting for each other.
"""

from __future__ import annotations

from typing import Final

REMOTE: Final = ("loky", "dask")
"""Backends whose workers share no memory with the process that asks."""
BACKENDS: Final = ("threads", *REMOTE)

WORTH: Final = 5e7
"""Floating-point operations of a step of a job from which on threads gain where a lane holds the
interpreter: two had 0.5 to 0.9 of the speed of one at 5e6 to 2.5e7, 1.0 at 6e7 and 1.3 at 9e7."""

MOST_THREADS: Final = 256
"""That share the work of a lane."""
