"""python campaign/bits.py KIND SEED FOLDER: many threads compute what the main thread computes.

KIND: fits, predictions. Prints "same", or what differs. For a process whose BLAS may have
several threads.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401  # now, so that its BLAS is among those compared
import threadpoolctl

import trainlab as tl

THREADS, FITS = 4, 8


def data(seed: int) -> tl.Dataset:
    """As large as digits of MNIST, few of them."""
    rng = np.random.default_rng(seed)
    return tl.from_arrays(rng.random((600, 784)).astype(np.float32), np.arange(600) % 10)


def fit(seed: int, folder: Path | None = None) -> tl.Network:
    """A network of the width at which threads of BLAS change bits."""
    own = tl.Network(tl.MLP(hidden=(512,)), tl.Adam(0.01), seed=seed)
    own.fit(data(seed), batch_size=512, steps=6, workers=1, store=folder)
    return own


def bits(network: tl.Network) -> bytes:
    """All parameters."""
    return b"".join(values.tobytes() for _, values in sorted(network.parameters.items()))


def _bits_of(seed: int) -> bytes:
    return bits(fit(seed))


async def awaited(seeds: list[int]) -> list[bytes]:
    """Fits in the threads of asyncio."""
    return await asyncio.gather(*(asyncio.to_thread(_bits_of, seed) for seed in seeds))


def fits(seed: int, folder: Path) -> str:
    """Trainings from threads of a pool, with a store too, and of asyncio."""
    seeds = [seed + turn % (FITS // 2) for turn in range(FITS)]
    usual = {one: bits(fit(one)) for one in set(seeds)}
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda one: bits(fit(one)), seeds))
        places = [folder / str(place) for place in range(FITS)]
        stored = list(pool.map(lambda given: bits(fit(*given)), zip(seeds, places, strict=True)))
    right = [usual[one] for one in seeds]
    if found != right:
        return "fits in threads have other bits"
    if stored != right:
        return "fits with a store in threads have other bits"
    return "same" if asyncio.run(awaited(seeds)) == right else "fits in asyncio have other bits"


def predictions(seed: int, folder: Path) -> str:
    """Predictions of one network from many threads."""
    network, x = fit(seed), data(seed + 1).train.x
    usual = network.predict_proba(x).tobytes()
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda _: network.predict_proba(x).tobytes(), range(8 * THREADS))
        return "same" if set(found) == {usual} else "predictions in threads have other bits"


def threads() -> dict[str, Any]:
    """The libraries that compute, and the threads that each may have."""
    return {one["filepath"]: one["num_threads"] for one in threadpoolctl.threadpool_info()}


def main() -> str:
    """What came of it."""
    kind, seed, folder = sys.argv[1:]
    before = threads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = {"fits": fits, "predictions": predictions}[kind](int(seed), Path(folder))
    return said if threads() == before else "the threads of BLAS are not as they were"


if __name__ == "__main__":
    print(main())  # noqa: T201  # a program
