"""Run as a script: every check of scikit-learn's for one estimator; prints how each ended.

SCIPY_ARRAY_API must be set before SciPy is imported, or a check is skipped: hence a script.
"""

import json
import sys
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

import trainlab

if __name__ == "__main__":
    name, *dtype = sys.argv[1:]
    warnings.simplefilter("ignore", ConvergenceWarning)
    estimator = getattr(trainlab, name)(**({"dtype": dtype[0]} if dtype else {}))
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    ended = [[one["check_name"], one["status"], str(one["exception"])] for one in results]
    sys.stdout.write(json.dumps(ended))
