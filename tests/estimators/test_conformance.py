"""The estimators pass every check that scikit-learn has for one, none skipped."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

SCRIPT = Path(__file__).with_name("conforming.py")
# What check_estimator tells of each check, it tells since 1.6.
TELLS = "on_skip" in inspect.signature(check_estimator).parameters
# scikit-learn 1.9.1 has 68, 61 and 46; other versions have others.
FEWEST = {"MLPClassifier": 60, "MLPRegressor": 55, "TableEncoder": 40}
NETWORKS = ("MLPClassifier", "MLPRegressor")
# Checks that a weight of n is n rows; scikit-learn 1.6 is the first to have them.
EQUIVALENCE = {f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")}
HAS_EQUIVALENCE = all(hasattr(estimator_checks, name) for name in EQUIVALENCE)
CASES = [(name, dtype) for name in NETWORKS for dtype in ("float32", "float64")]


@pytest.mark.skipif(not TELLS, reason="this scikit-learn does not tell what it checked")
@pytest.mark.parametrize("words", [*CASES, ("TableEncoder",)], ids="-".join)
def test_every_check_passes_and_none_is_skipped(words: tuple[str, ...]) -> None:
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, SCRIPT, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in ended if one[1] != "passed"] == []
    assert len(ended) >= FEWEST[words[0]]
    if words[0] in NETWORKS and HAS_EQUIVALENCE:
        assert {one[0] for one in ended} >= EQUIVALENCE
