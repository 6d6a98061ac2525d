"""What there may be, and how many: the command line checks it before anything else is imported."""

from typing import Final

MEMBERS: Final = 2**20
"""The most members, or candidates, at a time: the settings of so many take some GB, and minutes."""
MAX_SEED: Final = 2**64 - 1
MAX_INDEX: Final = 2**28 - 1
"""The streams of one purpose are told apart by numbers of 28 bits: so many epochs, or steps."""
MAX_SKIPPED: Final = 1_000_000
"""Lines of a table that may be skipped: more are no title."""
ENGINES: Final = ("auto", "native", "numpy")
"""What `engine` may be, by name; see `trainlab.engine`."""
