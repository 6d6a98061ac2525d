"""Scripts, and the plain modules they are compared on, are run by processes of their own."""

from __future__ import annotations

collect_ignore = ["plain", "scripts", "timed"]
