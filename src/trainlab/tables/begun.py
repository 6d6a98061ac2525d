"""What the store in a folder says that a search is of, so that no other search goes on in it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any, Final

from trainlab.arrays import plain
from trainlab.search.metrics import named_metric
from trainlab.search.persistence import RUN as SEARCH
from trainlab.store import FILE, Run, Store
from trainlab.tables.problem import TableProblem
from trainlab.tables.settings import OWN_LOSSES, USUAL, Model, StudySettings

RUN: Final = "table"
"""The run in the store that says which rows a search has, and what of."""
VOTE: Final = "ensemble"
"""The run of an ensemble; that of a search has a name of its own."""


def begun_with(folder: str | os.PathLike[str]) -> Model | None:
    """The model that the search in a folder is of; None where there is none."""
    if not (Path(folder) / FILE).is_file():
        return None
    with Store(folder) as store:
        said = store.began(RUN, _complete).get(RUN)
    return None if said is None else said["model"]


def begun(store: Store, of: TableProblem, settings: StudySettings, fresh: bool) -> Run:
    """The run that says what a search is of, begun or gone on with.

    SettingError, naming what differs, where the folder has another search.
    """
    if fresh:
        for name in (SEARCH, VOTE):  # also that of the other model
            store.forget(name)
    said = _described(of, settings)
    return store.run(RUN, said, 1, fresh, partial(_as_today, said))


def _described(of: TableProblem, settings: StudySettings) -> dict[str, Any]:
    """What decides which rows are searched on, and for what."""
    names = ("sha256", "target", "task", "features", "dropped")
    said = {name: plain(getattr(of, name)) for name in names} | dict(of.options)
    if settings.model == "ensemble":
        said["preset"] = settings.ensemble.get("preset", "default")
    return said | {
        "metric": settings.measured_by(of.task).name,
        "model": settings.model,
        "test_fraction": settings.test_fraction,
        "seed": settings.seed,
        "folds": settings.folds,
    }


def _complete(said: dict[str, Any]) -> dict[str, Any]:
    """What decided a search, with what earlier versions had no choice of."""
    said = {"model": "network", **said}
    return {"metric": USUAL[said["model"]][said["task"]], **said}


def _as_today(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What decided a search, with what decides nothing as it is now."""
    before = _complete(before)
    if before["model"] != "ensemble":
        return before
    # Earlier versions did not say the preset; where it differs, the run of the training does.
    known = {name: now[name] for name in ("preset",) if name in now} | before
    # An ensemble that is judged by another metric is the same, but where it selects by one of them.
    metrics = map(named_metric, (known["metric"], now["metric"]))
    if not any(isinstance(one, OWN_LOSSES) for one in metrics):
        known["metric"] = now["metric"]
    return known
