"""Scores of candidates in the records that scikit-learn's searches make their results of."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._validation import _insert_error_scores, _score

from trainlab.callers import warn
from trainlab.errors import DataError, SettingError, sentence
from trainlab.search.candidates import OWNER

# (estimator, X, y, parameters of the scorer)
ScoredRows = tuple[Any, Any, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Judge:
    """Who scores: scikit-learn's scorer, and what counts where there is no score.

    error_score  a number, or "raise"
    """

    scorer: Any
    error_score: Any

    def record(
        self,
        estimator: Any,
        test: ScoredRows,
        train: ScoredRows | None,
        fit_time: float,
        error: Exception | None,
    ) -> dict[str, Any]:
        """The record of one candidate on one split; train None leaves its scores out.

        error: why the candidate has no score; it is raised if error_score is "raise".
        """
        began = time.perf_counter()
        parts = {"test_scores": test} | ({} if train is None else {"train_scores": train})
        if error is not None:
            if self.error_score == "raise":
                raise error
            scores = {name: self._nothing() for name in parts}
            score_time = 0.0
        else:
            scores = {"test_scores": self._score(estimator, *test)}
            score_time = time.perf_counter() - began
            if train is not None:
                scores["train_scores"] = self._score(estimator, *train)
        return {
            "fit_error": None if error is None else f"{type(error).__name__}: {error}",
            "fit_time": fit_time,
            "score_time": score_time,
            **scores,
        }

    def settle(self, records: Sequence[dict[str, Any]]) -> None:
        """Warns of candidates that have no score, and gives them scores of the others' names.

        Raises DataError where none has one.
        """
        errors = Counter(one["fit_error"] for one in records if one["fit_error"] is not None)
        if errors:
            failed, reasons = errors.total(), "; ".join(f"{n}: {e}" for e, n in errors.items())
            if failed == len(records):
                text = f"all {failed} trainings of {OWNER} must not fail; got {reasons}"
                raise DataError(text)
            text = (
                f"{failed} of {len(records)} trainings of {OWNER} failed, whose scores "
                f"are error_score={self.error_score}; how many, and why: {reasons}"
            )
            warn(text, FitFailedWarning)
        # The names of a callable's scores are known only now.
        _insert_error_scores(records, self.error_score)

    def _score(self, estimator: Any, X: Any, y: Any, parameters: Mapping[str, Any]) -> Any:
        try:
            return _score(estimator, X, y, self.scorer, parameters, self.error_score)
        except Exception as error:  # with error_score="raise"
            name = getattr(self.scorer, "__name__", type(self.scorer).__name__)
            kept = "with a store the same fit continues with what is trained"
            error.add_note(f"raised while scoring of {OWNER}, {name}, judged; {kept}")
            raise

    def _nothing(self) -> Any:
        """The scores of a candidate that has none."""
        if isinstance(self.scorer, _MultimetricScorer):
            return dict.fromkeys(self.scorer._scorers, self.error_score)
        return self.error_score


def check_decides(refit: Any, names: Collection[str]) -> None:
    """SettingError unless `refit` names the one of several scores that later candidates go by."""
    if not (isinstance(refit, str) and refit in names):
        must = f"be one of {', '.join(map(repr, names))} with rounds, halving or a sampler"
        raise SettingError(sentence("refit", OWNER, must, refit))


def means(records: Sequence[Mapping[str, Any]], splits: int, refit: Any) -> list[float]:
    """The mean score of each candidate over the splits; of several scores that named `refit`."""
    scores = [one["test_scores"] for one in records]
    several = [one for one in scores if isinstance(one, dict)]
    if several:
        check_decides(refit, several[0])
    values = [one[refit] if isinstance(one, dict) else one for one in scores]
    return [float(np.mean(own)) for own in np.reshape(values, (-1, splits))]
