"""Searches over the estimators, and ensembles, pass every check that scikit-learn has for them."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.utils.estimator_checks import check_estimator

SEARCH = Path(__file__).with_name("conforming_search.py")
ENSEMBLE = Path(__file__).parents[1] / "ensembles" / "conforming_ensemble.py"
# What check_estimator tells of each check, it tells since 1.6.
TELLS = "on_skip" in inspect.signature(check_estimator).parameters
# scikit-learn 1.9.1 has 58, 50, 68 and 61; other versions have others.
FEWEST = {
    (SEARCH, "MLPClassifier"): 50,
    (SEARCH, "MLPRegressor"): 45,
    (ENSEMBLE, "PopulationEnsembleClassifier"): 60,
    (ENSEMBLE, "PopulationEnsembleRegressor"): 55,
}


@pytest.mark.skipif(not TELLS, reason="this scikit-learn does not tell what it checked")
@pytest.mark.parametrize(("script", "name"), FEWEST)
def test_every_check_passes_and_none_is_skipped(script: Path, name: str) -> None:
    # Set before SciPy is imported, or a check is skipped: hence a script.
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, script, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert [one for one in ended if one[1] != "passed"] == []
    assert len(ended) >= FEWEST[script, name]
