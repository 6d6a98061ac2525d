"""The process of one contestant at one workload: obeys lines of JSON, answers with lines of JSON.

python -m benchmarks.worker ENTRANT WORKLOAD FOLDER [--quick]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from benchmarks import data
from benchmarks.contestants.base import Contestant
from benchmarks.lineup import BY_NAME
from benchmarks.workloads import workload


def prepared(entrant_name: str, workload_name: str, folder: Path, quick: bool) -> Contestant:
    """The contestant with its data, before it chooses its options."""
    entrant, work = BY_NAME[entrant_name], workload(workload_name, quick)
    module = importlib.import_module(f"benchmarks.contestants.{entrant.module}")
    arrays = data.Data() if work.command else data.read(folder, work)
    made: Contestant = module.prepare(work, arrays, count=entrant.count(work), **entrant.options)
    return made


class Worker:
    """What each order does."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant

    def tune(self) -> dict[str, Any]:
        self.contestant.tune()
        return {}

    def compile(self) -> dict[str, Any]:
        start = time.perf_counter()
        compiled = self.contestant.compile()
        return {"seconds": time.perf_counter() - start if compiled else None}

    def warm_up(self) -> dict[str, Any]:
        self.contestant.warm_up()
        return {}

    def run(self) -> dict[str, Any]:
        start = time.perf_counter()
        outcome = self.contestant.run()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "outcome": outcome}

    def describe(self) -> dict[str, Any]:
        blas = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
        return {
            "part": self.contestant.part,
            "options": self.contestant.options,
            "kernels": sorted({pool.get("architecture") or "unknown" for pool in blas}),
        }


def main() -> None:
    """Takes orders until standard input ends."""
    # Libraries may print what they like: only this channel leads to the parent.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("entrant")
    parser.add_argument("workload")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()

    worker: Worker | None = None
    for line in sys.stdin:
        order = json.loads(line)["do"]
        try:
            if order == "prepare":
                worker = Worker(prepared(**vars_of(options)))
                answer: dict[str, Any] = {}
            else:
                answer = getattr(worker, order)()
        except Exception as error:  # noqa: BLE001 - whatever a contestant raises is its result
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=channel, flush=True)


def vars_of(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `prepared`."""
    return {
        "entrant_name": options.entrant,
        "workload_name": options.workload,
        "folder": options.folder,
        "quick": options.quick,
    }


if __name__ == "__main__":
    main()
