"""What a search of a table leaves in its folder: search.json, and one offline page."""

from __future__ import annotations

import functools
import json
import os
import shlex
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import sklearn

from trainlab import plots
from trainlab.files import as_path, write
from trainlab.pages import markup, words
from trainlab.tables.holdout import shown
from trainlab.tables.study import OURS, PENALTY, RATE, RankedCandidate, StudyResult, content_of
from trainlab.versions import environment

NUMBERS: Final = "search.json"
SHOWN: Final = 10
"""Candidates in the table of the best."""
LABEL: Final = 14
"""Characters of a class in a figure; longer ones would leave no room for it."""
NARROW_LABEL: Final = 9


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
    return markup.render(
        "trainlab.tables",
        "search.html",
        found=result,
        ours=OURS[result.settings.model],
        measure=result.metric.words,
        shown=functools.partial(shown, result.metric),
        of=result.problem,
        settings=result.settings,
        best=_shown(result),
        failed=failed,
        worded=[one for one in result.columns if one.values is not None],
        holed=[one for one in result.columns if one.holes],
        written=[one for one in result.columns if one.format],
        figures=drawn,
        command=shlex.join(["trainlab", "predict", "model.safetensors", "NEW.csv"]),
        environment=made_with,
    )


def _shown(result: StudyResult) -> Sequence[RankedCandidate]:
    """The best candidates; of an ensemble those with the most weight."""
    if result.loss is None:
        return result.candidates[:SHOWN]
    voters = [one for one in result.candidates if one.weight]
    return sorted(voters, key=lambda one: -(one.weight or 0.0))[:SHOWN]


def figures(result: StudyResult) -> Mapping[str, str]:
    """Theme → the picture of candidates and predictions."""
    with warnings.catch_warnings():
        # A letter that the font lacks is a box in the picture, but right in the page's text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return {
            name: markup.uri(plots.svg(figure(result, theme)))
            for name, theme in plots.THEMES.items()
        }


def figure(result: StudyResult, theme: plots.Theme) -> plots.Figure:
    """Candidates by rate and score, beside predictions of the rows put aside."""
    tried, truth, predicted = result.candidates, result.truth.values, result.predicted.values
    with plots.themed(theme):
        made, (left, right) = plots.blank(theme, 1, 2, width=10.4, height=4.6)
        layout: Any = made.get_layout_engine()
        layout.set(wspace=0.05, hspace=0.05)
        title = f"{len(tried)} candidates"
        if result.loss is None:
            _draw_tried(left, result, theme)
            plots.label(left, "learning rate", f"{result.metric.words} (mean of folds)", title)
        else:
            losses = np.array([one.score for one in tried])
            weights = np.array([one.weight for one in tried])
            plots.voters(left, losses, weights, result.loss, theme)
            plots.label(left, "candidate, the best alone first", "loss on validation rows", title)
        title = f"{len(truth)} rows put aside"
        if result.problem.task == "classification":
            labels = np.unique(result.problem.y)
            place = {label: index for index, label in enumerate(labels.tolist())}
            counts = np.zeros((len(labels), len(labels)), int)
            for own, other in zip(truth.tolist(), predicted.tolist(), strict=True):
                counts[place[own], place[other]] += 1
            most = NARROW_LABEL if theme.narrow else LABEL
            texts = [words.visible(str(one), most) for one in labels]
            plots.confusion(right, counts, texts, theme)
            plots.label(right, "predicted class", "true class", title)
        else:
            plots.agreement(right, truth, predicted, theme)
            plots.label(right, "true value", "predicted value", title)
    return made


def _draw_tried(ax: Any, result: StudyResult, theme: plots.Theme) -> None:
    """The candidates of a search, by rate and score."""
    tried = result.candidates
    plots.tried(
        ax,
        np.array([one.settings[RATE] for one in tried]),
        np.array([one.score for one in tried]),
        np.array([one.settings[PENALTY] for one in tried]),
        np.array([one.round for one in tried]),
        result.box.get(RATE),
        "L2 penalty (alpha)",
        theme,
        result.metric.better == "lower",
    )
