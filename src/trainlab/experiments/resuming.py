"""What the store of a folder has of experiments that were interrupted or are finished.

A run of the store is named after the experiment and the options that decide what it finds,
so that a quick look and a long run live side by side in one folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trainlab.errors import DataError
from trainlab.experiments import results
from trainlab.experiments.base import AnyExperiment, FunctionExperiment
from trainlab.experiments.registry import EXPERIMENTS, command_of
from trainlab.experiments.results import Results
from trainlab.store import Store, decode, encode

_WRITTEN: Final = ("result", 0)
_SOURCE: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Place:
    """A store, and the name that the runs of an experiment have in it.

    fresh   whether to start over
    engine  the one that was asked for
    """

    store: Store
    name: str
    fresh: bool = False
    engine: str = "auto"

    def stage(self, number: int) -> dict[str, Any]:
        """The arguments of `fit` for the population of this number, counted from 0."""
        return {"store": self.store, "run": f"{self.name}, {number + 1}", "fresh": self.fresh}

    def finished(
        self, experiment: AnyExperiment, folder: Path, now: Mapping[str, Any]
    ) -> Results | None:
        """The results that are in the folder, if they are those that would be found again.

        That is so where nothing has changed: the source, versions and data that `now` tells
        of, and the files that were written; and where no other engine is asked for.  It is
        unknown for experiments that neither are part of the source nor are changes of one.
        """
        if self.fresh or command_of(experiment)[:1] not in {(name,) for name in EXPERIMENTS}:
            return None
        content = self._marker().load("result").get(0)
        if content is None or decode(content)[0] != self._written(folder, now):
            return None
        try:
            found = results.load(folder)
        except (DataError, OSError):
            return None
        trained_by = found.environment.get("engine", self.engine)  # none where nothing is trained
        return found if self.engine in ("auto", trained_by) else None

    def finish(self, folder: Path, now: Mapping[str, Any]) -> None:
        """Remembers that the results in the folder are whole."""
        self._marker().save({_WRITTEN: encode(self._written(folder, now), {})})

    def _marker(self) -> Any:
        return self.store.run(f"{self.name}, results", {}, 1)

    def _written(self, folder: Path, now: Mapping[str, Any]) -> dict[str, Any]:
        paths = sorted(path for path in folder.glob("*") if path.is_file())
        files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        return {"source": _source(), "now": dict(now), "files": files}


def place(store: Store, experiment: AnyExperiment, options: Any) -> Place:
    """The place of an experiment under the options of a run."""
    words = [] if isinstance(experiment, FunctionExperiment) else [options.data]
    words += [f"{len(options.seed_range)} seeds"] + ["quick"] * options.quick
    return Place(store, f"{experiment.name}: {', '.join(words)}", options.fresh, options.engine)


def _source() -> str:
    """SHA-256 of the source that makes results."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCE.rglob("*")):
        if path.suffix in (".py", ".json"):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
