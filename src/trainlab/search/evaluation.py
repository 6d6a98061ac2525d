"""Candidates trained and scored: on all splits together, and the best of them on all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, _num_samples

from trainlab.estimators.callbacks import Task, followers
from trainlab.search.candidates import Candidate
from trainlab.search.scoring import Judge
from trainlab.search.together import predicting_together
from trainlab.search.training import CandidateBatch, portions, train
from trainlab.store import Store
from trainlab.training.progress import Bar

if TYPE_CHECKING:
    from trainlab.search.selector import GreedySelector

_EVALUATION: Final = "candidate-split-evaluation"
"""What scikit-learn's searches call the task of a candidate on a split."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What candidates are made of, trained on and scored by.

    splits  row numbers (train, test) of each
    routed  the parameters of `fit`, by who takes them
    seen    whether the training rows are scored, too
    store   keeps what was trained; None keeps nothing
    selector    asks each candidate for its prediction, which its records have; None: they have none
    task    that of the search, which callbacks of scikit-learn's follow
    """

    estimator: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Any, Any]]
    routed: Any
    judge: Judge
    seen: bool
    workers: int | None
    bar: Bar | None
    store: Store | None
    selector: GreedySelector | None
    task: Task

    @property
    def _is_followed(self) -> bool:
        """Whether there are callbacks of scikit-learn's: of the search, or of its estimator."""
        if self.task.context is None:
            return False
        network = Candidate.of(self.estimator, {}).network
        return bool(followers(self.task.given["estimator"]) or followers(network))

    def records(
        self, settings: Sequence[Mapping[str, Any]], run: str, part: str = ""
    ) -> list[dict[str, Any]]:
        """The record of each candidate on each split, the splits of a candidate together.

        part  what of the search this is, for the bar
        """
        by_split: list[list[dict[str, Any]]] = []
        splits, count = range(len(self.splits)), len(settings) * len(self.splits)
        task = self.task.subtask("search", count, in_order=False) if self._is_followed else None
        if task is not None:
            task.begin()
        batches = (self._batch(split, settings, run, task) for split in splits)
        for together in portions(batches, lambda batch: batch.size):
            self._say(part, len(by_split), len(together))
            train(together, self.workers, self.bar, self.store)
            by_split += [
                self._judged(split, batch) for split, batch in enumerate(together, len(by_split))
            ]
        if task is not None:
            task.end()
        return [one for own in zip(*by_split, strict=True) for one in own]

    def fitted(self, parameters: Mapping[str, Any], run: str) -> Any:
        """The estimator with these parameters, fitted to all rows; raises what hinders it."""
        best = Candidate.of(self.estimator, parameters)
        tasks = [self.task.subtask("refit-with-best-params")] if self._is_followed else []
        batch = CandidateBatch([best], self.X, self.y, self.routed.estimator.fit, run, tasks)
        if self.bar is not None:
            self.bar.part("the best on all rows")
        train([batch], self.workers, self.bar, self.store, keep_diverged=True)
        (its,) = batch.trained
        if its.error is not None:
            raise its.error
        return best.estimator

    def _say(self, part: str, done: int, together: int) -> None:
        """Says on the bar which folds are trained."""
        if self.bar is None:
            return
        last, count = done + together, len(self.splits)
        folds = f"folds {done + 1} to {last}" if together > 1 else f"fold {last}"
        told = [part] if part else []
        if not part or together < count:
            told.append(f"{folds} of {count}")
        self.bar.part(", ".join(told))

    def _batch(
        self, split: int, settings: Sequence[Mapping[str, Any]], run: str, task: Task | None
    ) -> CandidateBatch:
        """The candidates on the training rows of a split, as subtasks of a task."""
        base, (rows, _) = self.estimator, self.splits[split]
        candidates = [Candidate.of(base, one) for one in settings]
        x, t = _safe_split(base, self.X, self.y, rows)
        parameters = _check_method_params(self.X, params=self.routed.estimator.fit, indices=rows)
        tasks = []
        if task is not None:  # numbered as scikit-learn's, in which splits come together
            numbers = range(split, len(settings) * len(self.splits), len(self.splits))
            tasks = [task.subtask(_EVALUATION, number=number) for number in numbers]
        return CandidateBatch(candidates, x, t, parameters, f"{run}, split {split}", tasks)

    def _judged(self, split: int, batch: CandidateBatch) -> list[dict[str, Any]]:
        """The record of each candidate on a split; but for predictions, their networks are gone."""
        base, (rows, others) = self.estimator, self.splits[split]
        scoring, seen = self.routed.scorer.score, None
        if self.seen:
            x, t = _safe_split(base, self.X, self.y, rows)
            seen = (x, t, _check_method_params(self.X, params=scoring, indices=rows))
        x, t = _safe_split(base, self.X, self.y, others, rows)
        test = (x, t, _check_method_params(self.X, params=scoring, indices=others))
        both = list(zip(batch.candidates, batch.trained, strict=True))
        fitted = [candidate.network for candidate, its in both if its.error is None]
        with predicting_together(fitted, _num_samples(x)):
            records = [
                self.judge.record(candidate.estimator, test, seen, its.seconds, its.error)
                for candidate, its in both
            ]
            if self.selector is not None:
                for one, candidate in zip(records, batch.candidates, strict=True):
                    one["prediction"] = self.selector.prediction(candidate.estimator, x, split)
        return records
