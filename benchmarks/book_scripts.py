"""Times readers' scripts on the book's interface, here and on a plain implementation of it.

    python -m benchmarks.book_scripts [REPEATS [SHARE]]

The scripts are those of tests/book/timed and tests/book/scripts that train; the plain
implementation, a loop written as the book's, is tests/book/plain.  Each repeat runs every script
once on either, on one thread of BLAS; SHARE of the steps, 1 by default.  A table is printed: the
medians of the seconds of processors, start and reading of MNIST included, and whether both
printed the same lines.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "tests" / "book"
SIDES = ("plain", "trainlab")
SEED = "import numpy\nnumpy.random.seed(0)\n"
"""Put before each script, so that both draw the same."""


@dataclasses.dataclass(frozen=True)
class Script:
    """A script of an experiment, and how much it does.

    steps  its first argument; others follow it;  folder  of plain modules for it alone
    """

    experiment: str
    path: str
    steps: int
    others: tuple[str, ...] = ()
    folder: str = "."


SCRIPTS = (
    Script("5, sigmoid", "scripts/ch04/exp05_train.py", 10_000, folder="ch04"),
    Script("5, ReLU", "timed/two_layer_network.py", 10_000),
    Script("7", "timed/optimizer_comparison.py", 2000),
    Script("9", "timed/weight_init_comparison.py", 2000),
    Script("10", "scripts/ch06/exp10_batch_norm.py", 20),
    Script("11", "timed/weight_decay.py", 201),
    Script("12", "scripts/ch06/exp12_dropout.py", 301),
    Script("13", "scripts/ch06/exp13_search.py", 100, ("50",)),
)


def run(side: str, script: Script, steps: int) -> tuple[float, list[str]]:
    """Seconds of processors, and the printed lines."""
    plain, source = BOOK / "plain", BOOK / script.path
    path = [str(ROOT / "src"), *([str(plain / script.folder), str(plain)] * (side == "plain"))]
    runner = ["-m", "trainlab", "book"] if side == "trainlab" else []
    environment = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(path),
        "OPENBLAS_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.parent.name / source.name  # a chapter has its own network
        copy.parent.mkdir()
        copy.write_text(SEED + source.read_text(encoding="utf-8"), encoding="utf-8")
        command = [sys.executable, "-W", "ignore", *runner, str(copy), str(steps), *script.others]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return seconds, [line for line in done.stdout.splitlines() if not line.startswith("Figure: ")]


def main(repeats: int = 5, share: float = 1.0) -> None:
    """Runs all and prints a row for each script."""
    say("| experiment | steps | plain | trainlab | faster | lines |\n|---|---|---|---|---|---|")
    for script in SCRIPTS:
        steps = max(1, round(script.steps * share))
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        printed: dict[str, list[str]] = {}
        for _ in range(repeats):
            for side in SIDES:
                used, printed[side] = run(side, script, steps)
                seconds[side].append(used)
        plain, ours = (statistics.median(seconds[side]) for side in SIDES)
        same = "the same" if printed["plain"] == printed["trainlab"] else "OTHERS"
        cells = (script.experiment, steps, f"{plain:.2f} s", f"{ours:.2f} s", f"{plain / ours:.1f}")
        say("| " + " | ".join(map(str, (*cells, same))) + " |")


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)  # noqa: T201 - a table on the screen


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
