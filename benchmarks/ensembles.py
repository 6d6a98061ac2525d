"""The ensemble beside what people reach for first: `python -m benchmarks.ensembles`.

The data sets, folds and intervals are those of benchmarks.defaults, each part validated once.
Prints the rows of the table of ensembles in docs/estimators-measured.md: scores, and the median
seconds of a fit.  Names of data sets as arguments leave out the others.

The best alone is the ensemble that one candidate makes, with the networks of all folds; a store
keeps what the ensemble trained, so that it is not trained again.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from typing import Any, Final

from sklearn import ensemble, neural_network
from sklearn.exceptions import ConvergenceWarning

import trainlab as tl
from benchmarks.defaults import NAMES, Make, half_width, scores


def _task(kind: str) -> str:
    return kind.removeprefix("MLP")


def _ours(kind: str, seed: int, **settings: Any) -> Any:
    return getattr(tl, f"PopulationEnsemble{_task(kind)}")(random_state=seed, **settings)


ALONE: Final = "the best alone"
RIVALS: Final[dict[str, Make]] = {
    "MLP": lambda kind, seed: getattr(neural_network, kind)(random_state=seed),
    "RandomForest": lambda kind, seed: getattr(ensemble, f"RandomForest{_task(kind)}")(
        random_state=seed
    ),
    "HistGradientBoosting": lambda kind, seed: getattr(
        ensemble, f"HistGradientBoosting{_task(kind)}"
    )(random_state=seed),
}


def row(name: str) -> str:
    """A row of the table: means, how far the ensemble is ahead, and seconds."""
    with tempfile.TemporaryDirectory() as folder:

        def kept(kind: str, seed: int, **settings: Any) -> Any:
            return _ours(kind, seed, store=f"{folder}/{seed}", **settings)

        ours = {"ensemble": kept, ALONE: lambda kind, seed: kept(kind, seed, n_selected=1)}
        found, seconds = scores(name, {**ours, **RIVALS}, repeats=1)
    own, cells = found["ensemble"], [name]
    for contestant, values in found.items():
        ahead = own - values
        lead = f" ({ahead.mean():+.3f} ± {half_width(ahead):.3f})" if values is not own else ""
        took = "" if contestant == ALONE else f", {seconds[contestant]:.2g} s"
        cells.append(f"{values.mean():.3f}{lead}{took}")
    return " | ".join(cells)


def main() -> None:
    """Prints a row for each data set that is named."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    sys.stdout.write(" | ".join(["", "ensemble", ALONE, *RIVALS]) + "\n")
    one_target = [name for name in NAMES if name != "linnerud"]  # boosting takes no more
    for name in sys.argv[1:] or one_target:
        sys.stdout.write(row(name) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
