"""Processors with less than this one has, for a process that is started with these variables."""

from __future__ import annotations

from typing import Final

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

_FEATURES: Final = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]

LESSER: Final = {
    "NumPy's least": {"NPY_DISABLE_CPU_FEATURES": " ".join(_FEATURES)},
    "NumPy's AVX2": {
        "NPY_DISABLE_CPU_FEATURES": " ".join(each for each in _FEATURES if each != "X86_V3")
    },
    "Haswell's BLAS": {"OPENBLAS_CORETYPE": "Haswell"},
    "Prescott's BLAS": {"OPENBLAS_CORETYPE": "Prescott"},
    "C library": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4"},
}
"""What each library then takes for the processor's."""

LEAST: Final = {
    **LESSER["NumPy's least"],
    **LESSER["Prescott's BLAS"],
    # Not without FMA, whose replacement takes minutes for the engine's plain code.
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2",
}
"""All of it."""
