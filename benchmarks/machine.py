"""Where it was measured: processor, caches, cores, versions."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = ("trainlab", "numpy", "scikit-learn", "torch", "jax", "jaxlib")


def describe() -> dict[str, Any]:
    """What a reader has to know of the machine, its peak included, as plain JSON."""
    return {**facts(LIBRARIES), "peak_gflops": _peak()}


def facts(libraries: Sequence[str]) -> dict[str, Any]:
    """What is known of the machine, and of some libraries, without measuring."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": _cores(),
        "memory_gib": _memory(),
        "caches": dict(_caches()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in libraries},
    }


def background(seconds: float) -> float | None:
    """How many cores others keep busy while nobody here does anything, for so long.

    None where the system does not tell.
    """
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    if before is None or after is None or after[1] <= before[1]:
        return None
    idle = (after[0] - before[0]) / (after[1] - before[1])
    return round(max(1.0 - idle, 0.0) * (os.cpu_count() or 1), 2)


def _ticks() -> tuple[int, int] | None:
    """Idle and all ticks of all cores since the start of the system."""
    path = Path("/proc/stat")
    if not path.exists():
        return None
    ticks = [int(word) for word in path.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def _peak() -> float | None:
    """GFLOP/s of fused multiply-adds of float32 on all cores (peak.cpp), the best of five tries.

    None where nothing compiles it.
    """
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "peak")
        source = str(Path(__file__).with_name("peak.cpp"))
        command = ["c++", "-O3", "-march=native", "-std=c++20", "-pthread", source, "-o", program]
        try:
            subprocess.run(command, check=True, capture_output=True)
            tries = [
                subprocess.run([program, str(_cores()), "0.5"], check=True, capture_output=True)
                for _ in range(5)
            ]
        except (OSError, subprocess.CalledProcessError):
            return None
    return max(float(one.stdout) for one in tries)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> float | None:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30, 1)


def _processor() -> str:
    found = list(_cpuinfo())
    fields = dict(found)
    flags = fields.get("flags", "").split()
    vector = next((v for v in ("avx512f", "avx2") if v in flags), "")
    words = {"avx512f": " with AVX-512", "avx2": " with AVX2", "": ""}[vector]
    family = f" (family {fields['cpu family']})" if "cpu family" in fields else ""
    return fields.get("model name", platform.processor() or platform.machine()) + family + words


def _cpuinfo() -> Iterator[tuple[str, str]]:
    """The fields of the first processor, as Linux tells them."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n\n")[0].split("\n"):
            name, _, value = line.partition(":")
            yield name.strip(), value.strip()


def _caches() -> Iterator[tuple[str, str]]:
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        fields = {n: (folder / n).read_text().strip() for n in ("level", "type", "size")}
        if fields["type"] != "Instruction":
            yield f"L{fields['level']}", fields["size"]
