"""A search over one of the estimators passes every check that scikit-learn has for it."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.utils.estimator_checks import check_estimator

SCRIPT = Path(__file__).with_name("conforming_search.py")
# What check_estimator tells of each check, it tells since 1.6.
TELLS = "on_skip" in inspect.signature(check_estimator).parameters
# scikit-learn 1.9.1 has 58 and 50; other versions have others.
FEWEST = {"MLPClassifier": 50, "MLPRegressor": 45}


@pytest.mark.skipif(not TELLS, reason="this scikit-learn does not tell what it checked")
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_every_check_passes_and_none_is_skipped(name: str) -> None:
    # Set before SciPy is imported, or a check is skipped: hence a script.
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, SCRIPT, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in ended if one[1] != "passed"] == []
    assert len(ended) >= FEWEST[name]
