"""scikit-learn: a RandomizedSearchCV of MLPClassifiers, or as many fits, in one or two jobs.

One predefined split gives the search the same training and validation rows as everybody
has.  scikit-learn evaluates each network once, at the end: it can look at a validation
set of one's own at no other time, so it does less here than the others.  Its alpha is
divided by the batch size, so alpha = weight decay × batch size.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants.base import Array, Contestant, Outcome, quickest
from benchmarks.data import Data
from benchmarks.workloads import Setting, Workload


class SklearnSearch(Contestant):
    """A search where there are validation rows; else one fit for each member."""

    warm_up_steps = 20
    jobs = 1

    def __init__(
        self,
        workload: Workload,
        data: Data,
        count: int | None = None,
        jobs: tuple[int, ...] = (1, 2),
    ) -> None:
        """`jobs`: the numbers of jobs to choose from."""
        super().__init__(workload, data, count)
        for member in self.workload.members:
            if member.batch_norm or member.optimizer not in ("sgd", "momentum", "adam"):
                raise NotImplementedError("scikit-learn has no batch-norm and no AdaGrad")
        self.candidates = jobs if len(self.workload.members) > 1 else (1,)

    def tune(self) -> None:
        def trial(jobs: int) -> float:
            self.jobs = jobs
            self.run(3 * self.workload.epoch)
            return 1.0

        one = len(self.candidates) == 1
        self.jobs = self.candidates[0] if one else quickest(self.candidates, trial)
        self.options = {"jobs": self.jobs}

    def run(self, steps: int | None = None) -> Outcome:
        workload, (x, t) = self.workload, self.data["train"]
        steps = workload.steps if steps is None else min(steps, workload.steps)
        epochs = max(round(steps / workload.epoch), 1)
        if workload.validation_rows:
            return self._search(epochs)
        fits = (delayed(_fit)(_classifier(workload, m, epochs), x, t) for m in workload.members)
        trained = Parallel(self.jobs)(fits)
        found = {"loss": [float(network.loss_) for network in trained]}
        if workload.test_rows:
            x, t = self.data["test"]
            found["test_accuracy"] = [float(network.score(x, t)) for network in trained]
        return found

    def _search(self, epochs: int) -> Outcome:
        workload = self.workload
        (x, t), (x_held, t_held) = self.data["train"], self.data["validation"]
        trials = [
            {"learning_rate_init": [m.lr], "alpha": [m.weight_decay * workload.batch_size]}
            for m in workload.members
        ]
        search = RandomizedSearchCV(
            _classifier(workload, workload.members[0], epochs),
            trials,
            n_iter=len(trials),  # all of them, each once
            cv=PredefinedSplit([-1] * len(x) + [0] * len(x_held)),
            refit=False,
            n_jobs=self.jobs,
            return_train_score=True,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            search.fit(np.concatenate([x, x_held]), np.concatenate([t, t_held]))
        places = {m.lr: i for i, m in enumerate(workload.members)}
        order = [places[params["learning_rate_init"]] for params in search.cv_results_["params"]]
        names = {"train_accuracy": "mean_train_score", "validation_accuracy": "mean_test_score"}
        return {
            metric: [float(v) for _, v in sorted(zip(order, search.cv_results_[name], strict=True))]
            for metric, name in names.items()
        }


def _classifier(workload: Workload, member: Setting, epochs: int) -> MLPClassifier:
    momentum: dict[str, Any] = {"nesterovs_momentum": False}
    momentum["momentum"] = 0.9 if member.optimizer == "momentum" else 0.0
    return MLPClassifier(
        member.hidden,
        solver="adam" if member.optimizer == "adam" else "sgd",
        alpha=member.weight_decay * workload.batch_size,
        batch_size=workload.batch_size,
        learning_rate_init=member.lr,
        max_iter=epochs,
        n_iter_no_change=10**6,
        tol=0.0,
        random_state=member.seed,
        **momentum,
    )


def _fit(network: MLPClassifier, x: Array, t: Array) -> MLPClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(x, t)


prepare = SklearnSearch
