"""Run as a script: scikit-learn's checks for one of the ensembles."""

import json
import sys
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

import trainlab

if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    ensemble = getattr(trainlab, sys.argv[1])(
        2, n_architectures=1, n_folds=1, max_iter=20, random_state=0, workers=1
    )
    results = check_estimator(ensemble, on_fail=None, on_skip=None)
    ended = [[one["check_name"], one["status"], str(one["exception"])] for one in results]
    sys.stdout.write(json.dumps(ended))
