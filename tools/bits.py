"""python tools/bits.py: writes the table of `trainlab check --bits` anew.

Only where the native engine is meant to compute something else than before: every number that
anybody has trained with it changes then.
"""

from __future__ import annotations

import json

from trainlab import bits, files


def main() -> None:
    """Trains every case, and writes what came of it."""
    found = {name: bits.trained(case) for name, case in bits.cases().items()}
    files.write(bits.TABLE, (json.dumps(found, indent=1) + "\n").encode("ascii"))


if __name__ == "__main__":
    main()
