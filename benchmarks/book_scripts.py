"""Times readers' scripts on the book's interface, here and on a plain implementation of it.

    python -m benchmarks.book_scripts [REPEATS [SHARE]]

The scripts are those of tests/book/timed, the plain implementation is tests/book/plain.
Each repeat runs every script once on either; SHARE of the steps, 1 by default.  What is
printed is the median of the seconds of the clock, of the seconds of processors, and whether
both printed the same lines.  Threads are what the environment says.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
STEPS = {"optimizer_comparison": 2000, "weight_init_comparison": 2000, "weight_decay": 201}
SIDES = ("plain", "trainlab")


def run(side: str, script: Path, steps: int) -> tuple[float, float, list[str]]:
    """Seconds of the clock, of processors, and the printed lines."""
    path = [str(ROOT / "src"), *([str(ROOT / "tests" / "book" / "plain")] * (side == "plain"))]
    runner = ["-m", "trainlab", "book"] if side == "trainlab" else []
    command = [sys.executable, "-W", "ignore", *runner, str(script), str(steps)]
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(path)}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True, check=True
    )
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processors = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Figure: ")]
    return clock, processors, lines


def main(repeats: int = 5, share: float = 1.0) -> None:
    """Runs all and prints a line for each script."""
    for name, steps in STEPS.items():
        script = ROOT / "tests" / "book" / "timed" / f"{name}.py"
        found: dict[str, list[tuple[float, float, list[str]]]] = {side: [] for side in SIDES}
        for _ in range(repeats):
            for side in SIDES:
                found[side].append(run(side, script, max(1, round(steps * share))))
        medians = {
            side: [
                statistics.median(times) for times in ([r[0] for r in rows], [r[1] for r in rows])
            ]
            for side, rows in found.items()
        }
        same = found["plain"][0][2] == found["trainlab"][0][2]
        (clock, processors), (ours, our_processors) = medians["plain"], medians["trainlab"]
        print(  # noqa: T201 - a table on the screen
            f"{name}: clock {clock:.2f} s / {ours:.2f} s = {clock / ours:.2f}; processors "
            f"{processors:.2f} s / {our_processors:.2f} s = {processors / our_processors:.2f}; "
            f"{'the same lines' if same else 'OTHER LINES'}",
            flush=True,
        )


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
