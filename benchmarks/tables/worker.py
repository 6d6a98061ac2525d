"""One fit of one contestant, in a process of its own; prints a line of JSON.

python -m benchmarks.tables.worker CONTESTANT TABLE HOLDOUT [--tables FOLDER] [--threads N]
"""

from __future__ import annotations

import argparse
import json
import os
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.tables import data
from benchmarks.tables.lineup import BY_NAME
from benchmarks.tables.measures import measured

Made = TypeVar("Made")


def timed(call: Callable[[], Made]) -> tuple[Made, float, float]:
    """What a call makes, and its CPU and wall seconds; those of processes it ended included."""
    wall, own, children = time.perf_counter(), time.process_time(), os.times()
    made = call()
    ended = os.times()
    of_children = ended.children_user + ended.children_system
    of_children -= children.children_user + children.children_system
    cpu = time.process_time() - own + of_children
    return made, cpu, time.perf_counter() - wall


def fit(name: str, table: data.Table, part: data.Holdout, threads: int) -> dict[str, Any]:
    """What the contestant's fit and predictions took, and how wrong they are."""
    contestant = BY_NAME[name]
    contestant.warm_up()
    X, y = table.X.iloc[part.train], table.y[part.train].copy()
    X_test, y_test = table.X.iloc[part.test], table.y[part.test]
    predict, fit_cpu, fit_wall = timed(
        lambda: contestant.train(table.task, X, y, part.number, threads)
    )
    predicted, predict_cpu, predict_wall = timed(lambda: predict(X_test))
    return {
        "version": contestant.version(),
        "fit_cpu": fit_cpu,
        "fit_wall": fit_wall,
        "predict_cpu": predict_cpu,
        "predict_wall": predict_wall,
        **measured(table.task, predicted, y_test),
    }


def main() -> None:
    """Fits once, and says how it went."""
    # Libraries may print what they like: only this channel leads to the parent.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")  # such as those of networks that have not converged
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant")
    parser.add_argument("table")
    parser.add_argument("holdout", type=int)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    try:
        table = data.load(given.table, given.tables)
        part = data.holdouts(table, given.holdout + 1)[given.holdout]
        answer = fit(given.contestant, table, part, given.threads)
    except Exception as error:  # noqa: BLE001 - whatever a contestant raises is its result
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"}
    print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
