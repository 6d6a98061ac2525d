"""Who takes part, in which workloads, on how many of the members, with which variables set."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from benchmarks.workloads import MAIN, SIZE_SWEEP, WIDTH_SWEEP, Workload

NETWORKS: Final = tuple(name for name in MAIN if name != "E")
SWEEPS: Final = (*SIZE_SWEEP, *WIDTH_SWEEP)


def _nothing() -> Any:
    return dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Entrant:
    """A contestant as it enters.

    module     its file in `benchmarks/contestants`
    family     whose time it counts as, where only the best of a family counts
    workloads  what it takes part in
    members    workload, or sweep ("size", "width") → members really trained, where training
               one network after the other would take too long; the time is then scaled
    options    further arguments of its `prepare`
    set_to     variables that it alone gets
    commit     the version of trainlab that it is, where it is not this one
    as_found   it gets none of the variables that the others get
    """

    name: str
    module: str
    family: str
    workloads: tuple[str, ...] = (*NETWORKS, *SWEEPS)
    members: Mapping[str, int] = _nothing()
    options: Mapping[str, Any] = _nothing()
    set_to: Mapping[str, str] = _nothing()
    commit: str | None = None
    as_found: bool = False

    def count(self, workload: Workload) -> int | None:
        """How many of the members it trains; None for all."""
        if workload.name in self.members:
            return self.members[workload.name]
        return self.members.get(workload.name.partition("-")[0])


OURS: Final = "trainlab"
OURS_RUN: Final = "trainlab run"
NUMPY: Final = "trainlab, NumPy"
AVX2: Final = "trainlab, AVX2"
FIRST: Final = "trainlab, first edition"
LIMIT: Final = "matrix products alone"

FIRST_EDITION: Final = "218ed3b"
OWN: Final = ("ours", "avx2", "numpy", "first")
"""The families that are trainlab."""

LINEUP: Final = (
    Entrant(OURS, "ours", "ours"),
    Entrant(AVX2, "ours", "avx2", workloads=NETWORKS, set_to={"TRAINLAB_NATIVE_ISA": "avx2"}),
    Entrant(NUMPY, "ours", "numpy", options={"engine": "numpy"}),
    Entrant(FIRST, "ours", "first", workloads=(*NETWORKS, "size-1"), commit=FIRST_EDITION),
    Entrant(OURS_RUN, "command", "ours", workloads=("E",)),
    Entrant(f"{OURS_RUN}, first edition", "command", "first", ("E",), commit=FIRST_EDITION),
    Entrant(
        "book's loop",
        "book_loop",
        "book",
        workloads=NETWORKS,
        members={"A": 4, "C": 4, "D": 10},
        as_found=True,
    ),
    Entrant(
        "lean loop",
        "lean_loop",
        "lean",
        members={"A": 6, "C": 8, "D": 20, "size": 5, "width": 1},
    ),
    Entrant(
        "scikit-learn",
        "sklearn_search",
        "sklearn",
        workloads=("A", "D", "F"),
        members={"A": 20, "D": 30},
    ),
    Entrant(
        "scikit-learn, as installed",
        "sklearn_search",
        "sklearn",
        workloads=("A", "D", "F"),
        members={"A": 10, "D": 20},
        options={"jobs": (2,)},
        as_found=True,
    ),
    Entrant(
        "PyTorch, one by one",
        "torch_eager",
        "torch",
        workloads=NETWORKS,
        members={"A": 10, "C": 8, "D": 20},
    ),
    Entrant("PyTorch, stacked", "torch_stacked", "torch"),
    Entrant(
        "PyTorch, compiled",
        "torch_stacked",
        "torch",
        workloads=NETWORKS,
        options={"compiled": True},
    ),
    Entrant("JAX, vmap and scan", "jax_stacked", "jax"),
    Entrant(LIMIT, "roofline", "limit"),
)
BY_NAME: Final[Mapping[str, Entrant]] = MappingProxyType({e.name: e for e in LINEUP})

# Variables of threads and kernels: those found are removed, so that everybody has the kernels
# that its libraries choose, and the threads given below or chosen by trial.
_OURS_TO_SET: Final = ("OPENBLAS_", "OMP_", "MKL_", "GOTO_", "BLIS_", "KMP_", "XLA_FLAGS")


def kept_variables() -> dict[str, str]:
    """Those of the environment without those of threads and kernels."""
    return {k: v for k, v in os.environ.items() if not k.startswith(_OURS_TO_SET)}


def environment(entrant: Entrant, source: Path | None = None) -> dict[str, str]:
    """The variables of its process; `source` is the folder of the trainlab that it is to use."""
    path = {} if source is None else {"PYTHONPATH": str(source)}
    return kept_variables() | variables(entrant) | path


def variables(entrant: Entrant) -> dict[str, str]:
    """Those of threads and kernels alone.

    One thread of OpenBLAS: two are slower on matrices of these sizes, and whoever gains by
    two threads has its own.
    """
    return {} if entrant.as_found else {"OPENBLAS_NUM_THREADS": "1", **entrant.set_to}
