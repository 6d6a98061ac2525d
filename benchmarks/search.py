"""PopulationSearchCV beside RandomizedSearchCV over scikit-learn's networks.

`python -m benchmarks.search [digits mnist-5000] [--repeats N]`: 100 candidates in five folds of
the same rows, of the same widths, rates, penalties, batches and epochs, float32; both as fast as
they come: scikit-learn with two jobs, trainlab with two workers.  They take turns; prints the
ratio of seconds for each repeat, and their medians.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
import warnings
from typing import Any, Final

import numpy as np
from scipy.stats import loguniform
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold

import trainlab as tl
from benchmarks.defaults import load

CANDIDATES, FOLDS, BATCH = 100, 5, 100
EPOCHS: Final = {"digits": 30, "mnist-5000": 10}
SPACE: Final = {
    "hidden_layer_sizes": [(100,), (50, 50)],
    "learning_rate_init": loguniform(1e-4, 3e-2),
    "alpha": loguniform(1e-5, 1e-1),
}


def searches(name: str, seed: int) -> dict[str, Any]:
    """The two searches, of the same candidates."""
    cv = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    common: dict[str, Any] = {"max_iter": EPOCHS[name], "batch_size": BATCH, "random_state": seed}
    theirs = neural_network.MLPClassifier(**common, n_iter_no_change=EPOCHS[name], tol=0.0)
    ours = tl.MLPClassifier(
        **common, n_iter_no_change=math.inf, tol=0.0, standardize_inputs=False, dtype="float32"
    )
    how: dict[str, Any] = {"n_iter": CANDIDATES, "cv": cv, "random_state": seed, "refit": False}
    return {
        "scikit-learn": RandomizedSearchCV(theirs, SPACE, n_jobs=2, **how),
        "trainlab": tl.PopulationSearchCV(ours, SPACE, workers=2, **how),
    }


def compare(name: str, repeats: int) -> str:
    """A line for each repeat, and the medians."""
    X, y = load(name)
    X, lines, ratios, ahead = X.astype(np.float32), [], [], []
    for seed in range(repeats):
        seconds, best = {}, {}
        for owner, search in searches(name, seed).items():
            start = time.perf_counter()
            search.fit(X, y)
            seconds[owner] = time.perf_counter() - start
            best[owner] = float(search.cv_results_["mean_test_score"].max())
        ratios.append(seconds["scikit-learn"] / seconds["trainlab"])
        ahead.append(best["trainlab"] - best["scikit-learn"])
        each = (f"{owner} {seconds[owner]:.1f} s, best {best[owner]:.4f}" for owner in seconds)
        lines.append(f"{name}, seed {seed}: {'; '.join(each)}; {ratios[-1]:.2f} times as fast")
    median = f"{statistics.median(ratios):.2f} times as fast, best {statistics.median(ahead):+.4f}"
    return "\n".join([*lines, f"{name}, median of {repeats}: {median}"])


def main() -> None:
    """Compares on each data set that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in given.names or EPOCHS:
        sys.stdout.write(compare(name, given.repeats) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
