"""Run as a script: scikit-learn's checks for a search over one of the estimators."""

import json
import sys
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

import trainlab

if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    network = getattr(trainlab, sys.argv[1])(
        (20,), max_iter=60, learning_rate_init=0.03, schedule="cosine", random_state=0
    )
    settings = {"n_iter": 2, "cv": 2, "random_state": 0, "workers": 1, "ensemble": "greedy"}
    search = trainlab.PopulationSearchCV(network, {"alpha": [1e-4, 1e-2]}, **settings)
    results = check_estimator(search, on_fail=None, on_skip=None)
    ended = [[one["check_name"], one["status"], str(one["exception"])] for one in results]
    sys.stdout.write(json.dumps(ended))
