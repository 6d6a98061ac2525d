"""The estimators' defaults beside scikit-learn's: `python -m benchmarks.defaults`, five minutes.

Every data set that comes with scikit-learn, and parts of MNIST, are cross-validated in five
folds, five times over (the largest part once); all contestants have the same folds and seeds.
Prints the rows of the table in docs/estimators-measured.md.  Names of data sets as arguments leave
out the others; `mnist-60000` is trained on whole, once, and told its test set.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from scipy.stats import t as student
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import trainlab as tl

FOLDS: Final = 5
REPEATS: Final = {"mnist-5000": 1}  # of the others five
REGRESSION: Final = ("diabetes", "linnerud")
NAMES: Final = ("iris", "wine", "breast_cancer", "digits", *REGRESSION, "mnist-1000", "mnist-5000")


def _scaled(kind: str, seed: int) -> Any:
    return make_pipeline(StandardScaler(), getattr(neural_network, kind)(random_state=seed))


Make = Callable[[str, int], Any]
"""From the name of scikit-learn's class, and a seed, to a contestant."""

CONTESTANTS: Final[dict[str, Make]] = {
    "scikit-learn": lambda kind, seed: getattr(neural_network, kind)(random_state=seed),
    "StandardScaler, scikit-learn": _scaled,
    "trainlab": lambda kind, seed: getattr(tl, kind)(random_state=seed),
    'standardize_inputs="standard"': lambda kind, seed: getattr(tl, kind)(
        random_state=seed, standardize_inputs="standard"
    ),
    "standardize_inputs=False": lambda kind, seed: getattr(tl, kind)(
        random_state=seed, standardize_inputs=False
    ),
}


def load(name: str) -> tuple[Any, Any]:
    """X and y as they come; pixels of MNIST lie in [0, 1]."""
    if not name.startswith("mnist"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return X, y
    train = tl.load_mnist().train
    rows = int(name.split("-")[1])
    return train.x[:rows], train.t[:rows]


def scores(
    name: str, contestants: Mapping[str, Make] = CONTESTANTS, repeats: int = 5
) -> tuple[dict[str, Any], dict[str, float]]:
    """Contestant → accuracy, or R², of each fold; and the median seconds of a fit."""
    X, y = load(name)
    kind = "MLPRegressor" if name in REGRESSION else "MLPClassifier"
    split = RepeatedKFold if name in REGRESSION else RepeatedStratifiedKFold
    splits = split(n_splits=FOLDS, n_repeats=REPEATS.get(name, repeats), random_state=0).split(X, y)
    found: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    seconds: dict[str, list[float]] = {contestant: [] for contestant in contestants}
    for seed, (train, test) in enumerate(splits):
        for contestant, make in contestants.items():
            start = time.perf_counter()
            model = make(kind, seed).fit(X[train], y[train])
            seconds[contestant].append(time.perf_counter() - start)
            found[contestant].append(model.score(X[test], y[test]))
    medians = {contestant: float(np.median(values)) for contestant, values in seconds.items()}
    return {contestant: np.array(values) for contestant, values in found.items()}, medians


def half_width(differences: Any) -> float:
    """Of the 95 % interval of the mean over folds, whose training rows overlap.

    t s √(1/n + 1/(folds − 1)): Nadeau and Bengio (2003), Inference for the generalization error.
    """
    n = len(differences)
    spread = math.sqrt((1 / n + 1 / (FOLDS - 1)) * differences.var(ddof=1))
    return float(student.ppf(0.975, n - 1) * spread)


def row(name: str) -> str:
    """A row of the table: means, and the differences to scikit-learn's defaults."""
    found, _ = scores(name)
    base = found["scikit-learn"]
    cells = [name, f"{base.mean():.3f}"]
    for contestant in list(CONTESTANTS)[1:]:
        own, ahead = found[contestant], found[contestant] - base
        cells.append(f"{own.mean():.3f} ({ahead.mean():+.3f} ± {half_width(ahead):.3f})")
    return " | ".join(cells)


def whole() -> str:
    """One fit to all of MNIST for each: accuracy on its test set, and seconds."""
    data, cells = tl.load_mnist(), ["mnist-60000"]
    for make in CONTESTANTS.values():
        start = time.perf_counter()
        model = make("MLPClassifier", 0).fit(data.train.x, data.train.t)
        took = time.perf_counter() - start
        cells.append(f"{model.score(data.test.x, data.test.t):.4f} in {took:.0f} s")
    return " | ".join(cells)


def main() -> None:
    """Prints a row for each data set that is named."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    sys.stdout.write(" | ".join(["", *CONTESTANTS]) + "\n")
    for name in sys.argv[1:] or NAMES:
        sys.stdout.write((whole() if name == "mnist-60000" else row(name)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
