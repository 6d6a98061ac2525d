"""The native engine gives the bits in bits.json, whatever computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from trainlab import bits
from trainlab.cli import main
from trainlab.engine.native import is_compiled

compiled = pytest.mark.skipif(not is_compiled(), reason="the native engine is not compiled")

# What decides which code of NumPy, BLAS and the engine runs; nothing of it may decide a bit.
MACHINES = {
    "this one": {},
    "without AVX-512": {
        "TRAINLAB_NATIVE_ISA": "avx2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
    },
    "without vectors": {
        "TRAINLAB_NATIVE_ISA": "plain",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
    },
}


def test_every_training_has_its_bits() -> None:
    there = list(json.loads(bits.TABLE.read_text(encoding="ascii")))
    assert there == list(bits.cases()), "run tools/bits.py, which needs the native engine"


def test_inputs_have_the_numbers_and_zeros_that_they_should() -> None:
    dense = bits.dataset(inputs=bits.MANY_INPUTS, density=bits.DENSITY)
    packed = bits.dataset(inputs=bits.MANY_INPUTS, density=bits.DENSITY, is_sparse=True)
    assert (packed.train.x.toarray() == dense.train.x).all()
    assert 0.15 < np.count_nonzero(dense.train.x) / dense.train.x.size < 0.25
    assert (bits.dataset().train.t == bits.dataset().train.t).all()


@compiled
@pytest.mark.parametrize("machine", MACHINES)
def test_bits(machine: str) -> None:
    """In a process of its own, since libraries look at the processor when they are loaded."""
    environment = {**os.environ, **MACHINES[machine]}
    command = [sys.executable, "-m", "trainlab", "check", "--bits"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "names no instruction set of this machine" in done.stderr:
        pytest.skip("this machine has no AVX2")
    count = len(bits.cases())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} of {count} trainings have the bits" in done.stdout
    assert "Warning" not in done.stderr


@compiled
def test_other_bits_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name, case = next(iter(bits.cases().items()))
    monkeypatch.setattr(bits, "cases", lambda: {name: case, "new": case})
    done = CliRunner().invoke(main, ["check", "--bits"])
    assert done.exit_code == 1
    assert "1 of 2 trainings have the bits" in done.output
    assert not bits.TrainedBits(name, "0", "1").ok


def test_without_the_native_engine_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainlab.engine.native.MISSING", "it was not compiled")
    done = CliRunner().invoke(main, ["check", "--bits"])
    assert done.exit_code == 2
    assert "must be compiled when trainlab is installed" in done.output
