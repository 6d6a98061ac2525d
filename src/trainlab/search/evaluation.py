"""Candidates trained and scored: on each split together, and the best of them on all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from trainlab.search.candidates import Candidate
from trainlab.search.poll import Poll
from trainlab.search.scoring import Judge
from trainlab.search.training import train
from trainlab.store import Store
from trainlab.training.progress import Progress


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What candidates are made of, trained on and scored by.

    splits  row numbers (train, test) of each
    routed  the parameters of `fit`, by who takes them
    seen    whether the training rows are scored, too
    store   keeps what was trained; None keeps nothing
    poll    asks each candidate for its ballot, which its records have; None: they have none
    """

    estimator: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    routed: Any
    judge: Judge
    seen: bool
    workers: int | None
    progress: Progress | None
    store: Store | None
    poll: Poll | None

    def records(self, settings: Sequence[Mapping[str, Any]], run: str) -> list[dict[str, Any]]:
        """The record of each candidate on each split, the splits of a candidate together."""
        by_split = [
            self._on(number, settings, f"{run}, split {number}")
            for number in range(len(self.splits))
        ]
        return [one for own in zip(*by_split, strict=True) for one in own]

    def fitted(self, parameters: Mapping[str, Any], run: str) -> Any:
        """The estimator with these parameters, fitted to all rows; raises what hinders it."""
        best = Candidate.of(self.estimator, parameters)
        given = (self.X, self.y, self.routed.estimator.fit, self.workers, self.progress)
        (its,) = train([best], *given, self.store, run, keep_diverged=True)
        if its.error is not None:
            raise its.error
        return best.estimator

    def _on(
        self, split: int, settings: Sequence[Mapping[str, Any]], run: str
    ) -> list[dict[str, Any]]:
        """The record of each candidate on one split; but for ballots, their networks are gone."""
        base, (rows, others) = self.estimator, self.splits[split]
        candidates = [Candidate.of(base, one) for one in settings]
        x, t = _safe_split(base, self.X, self.y, rows)
        parameters = _check_method_params(self.X, params=self.routed.estimator.fit, indices=rows)
        given = (x, t, parameters, self.workers, self.progress)
        trained = train(candidates, *given, self.store, run)
        scoring, seen = self.routed.scorer.score, None
        if self.seen:
            seen = (x, t, _check_method_params(self.X, params=scoring, indices=rows))
        x, t = _safe_split(base, self.X, self.y, others, rows)
        test = (x, t, _check_method_params(self.X, params=scoring, indices=others))
        records = [
            self.judge.record(candidate.estimator, test, seen, its.seconds, its.error)
            for candidate, its in zip(candidates, trained, strict=True)
        ]
        if self.poll is not None:
            for one, candidate in zip(records, candidates, strict=True):
                one["ballot"] = self.poll.ballot(candidate.estimator, x, split)
        return records
