"""Numbers from data to result that are the same whatever the processor can do.

The same script runs with NumPy, OpenBLAS and the C library as they are, and as they would be
on a processor with less: they choose their code by what the processor has.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from processors import LESSER

SCRIPT = """
import hashlib
import numpy as np
from trainlab.estimators.inputs import InputScaler
from trainlab.network.initializers import INITIALIZERS
from trainlab.network.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy
from trainlab.powers import exponential, half_cosine, logarithm, power
from trainlab.search.selection import mean_loss

rng = np.random.default_rng(0)
x, y = rng.normal(3, 2, (1000, 13)), rng.normal(0, 3, (500, 10))
weight, part = np.arange(1.0, 1001), rng.random(500)
truths = rng.random((3, 500))
found = {"draws": [x, y, part]}
for name, make in INITIALIZERS.items():
    found[name] = [make().draw(np.random.default_rng(1), *fans) for fans in ((117, 33), (33, 117))]
for dtype in ("float32", "float64"):
    for rows in (x, x[:, :1], np.asfortranarray(x)):
        for scaler in (InputScaler.standard(rows.astype(dtype), each) for each in (None, weight)):
            found.setdefault("scalers " + dtype, []).extend([scaler.mean, scaler.scale])
    for loss in (SoftmaxCrossEntropy(), SigmoidCrossEntropy()):
        found[f"{type(loss).__name__} {dtype}"] = [loss.probabilities(y.astype(dtype))]
found["powers"] = [power(part, 1000), exponential(-np.abs(y)), logarithm(part), half_cosine(part)]
found["losses"] = [mean_loss(truths, weight[:500], "classification")]
for name, arrays in found.items():
    joined = b"".join(np.ascontiguousarray(each).tobytes() for each in arrays)
    print(name, hashlib.sha256(joined).hexdigest())
"""


def printed(**environment: str) -> str:
    whole = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, env=whole, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def here() -> str:
    return printed()


@pytest.mark.parametrize("processor", LESSER)
def test_no_bit_depends_on_the_processor(here: str, processor: str) -> None:
    assert printed(**LESSER[processor]).splitlines() == here.splitlines()
