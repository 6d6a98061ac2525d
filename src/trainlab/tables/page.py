"""What a search of a table leaves in its folder: search.json, and one offline page."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import sklearn

from trainlab.files import as_path, write
from trainlab.pages import markup
from trainlab.search.metrics import PinballLoss, metrics_of
from trainlab.tables import card
from trainlab.tables.classes import calibration, class_scores, confusions, rare_class
from trainlab.tables.drawings import figures, predicted_classes
from trainlab.tables.holdout import shown
from trainlab.tables.study import OURS, RankedCandidate, StudyResult, content_of
from trainlab.versions import environment

NUMBERS: Final = "search.json"
SHOWN: Final = 10
"""Candidates in the table of the best."""
MOST_CLASSES: Final = 100
"""Classes in the table of classes."""


def write_search(result: StudyResult, folder: str | os.PathLike[str]) -> Path:
    """Write search.json and index.html of a search.

    Parameters
    ----------
    result : StudyResult
        What was found.
    folder : str or path
        Where to write.

    Returns
    -------
    Path
        The page.
    """
    root = as_path(folder, "folder", "a search")
    made_with = environment(engine=result.engine, **{"scikit-learn": sklearn.__version__})
    content = content_of(result) | {"environment": made_with}
    text = json.dumps(content, allow_nan=False, ensure_ascii=True, indent=1)
    write(root / NUMBERS, text.encode("ascii") + b"\n")
    path = root / markup.PAGE
    write(path, render(result, made_with, figures(result)).encode("utf-8"))
    return path


def render(result: StudyResult, made_with: Mapping[str, Any], drawn: Mapping[str, str]) -> str:
    """The page's HTML; what comes from the table is clipped, made visible and escaped."""
    failed = sum(not np.isfinite(one.score) for one in result.candidates)
    metrics = [
        one for one in metrics_of(result.problem.task) if one.name in result.judged[0].scores
    ]
    return markup.render(
        "trainlab.tables",
        "search.html",
        style=markup.asset("search.css", "trainlab.tables"),
        found=result,
        of=result.problem,
        settings=result.settings,
        best=_shown(result),
        failed=failed,
        worded=[one for one in result.columns if one.values is not None],
        holed=[one for one in result.columns if one.holes],
        written=[one for one in result.columns if one.format],
        figures=drawn,
        ours=OURS[result.settings.model],
        measure=result.metric.words,
        shown=functools.partial(shown, result.metric),
        metrics=metrics,
        value=shown,
        aim=_aim(result),
        edges=card.edges(result),
        left_out=[*card.left_out(result)],
        limits=[*card.limits(result)],
        command=shlex.join(["trainlab", "predict", "model.safetensors", "NEW.csv"]),
        environment=made_with,
        **_of_classes(result),
    )


def _aim(result: StudyResult) -> dict[str, float] | None:
    """The quantile that predictions are to be, and the share of true values below them.

    None where residuals are to be about 0: of the mean, and of the median.
    """
    if not isinstance(result.metric, PinballLoss) or result.metric.alpha == 0.5:
        return None
    below = result.truth.values < result.predicted.values
    return {"alpha": result.metric.alpha, "share": float(below.mean())}


def _of_classes(result: StudyResult) -> dict[str, Any]:
    """What there is to say of classes; nothing of numbers."""
    truth, said = result.truth, result.predicted
    if result.problem.task != "classification":
        return {"classes": [], "confused": [], "rare": None, "calibrated": []}
    models = [(name, calibration(right, p)) for name, right, p in predicted_classes(result)]
    return {
        "classes": class_scores(truth, said)[:MOST_CLASSES],
        "confused": confusions(truth, said),
        "rare": rare_class(truth, said),
        "calibrated": [(name, one.error) for name, one in models if one is not None],
    }


def _shown(result: StudyResult) -> Sequence[RankedCandidate]:
    """The best candidates; of an ensemble those with the most weight."""
    if result.loss is None:
        return result.candidates[:SHOWN]
    voters = [one for one in result.candidates if one.weight]
    return sorted(voters, key=lambda one: -(one.weight or 0.0))[:SHOWN]
