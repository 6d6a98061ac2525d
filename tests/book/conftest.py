"""The readers' scripts are run by `trainlab book`, and imported by nobody."""

from __future__ import annotations

collect_ignore = ["scripts"]
