"""What a page says of a search beside its scores: edges of ranges, what was left out, limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from trainlab.errors import describe
from trainlab.pages.words import MOST_PLAIN
from trainlab.tables.classes import shown_order
from trainlab.tables.settings import PENALTY, RATE
from trainlab.tables.splits import RowRule
from trainlab.tables.study import StudyResult
from trainlab.terminal import counted

EDGE: Final = 0.05
"""A value within this share of a range, in its logarithm, stands at its edge."""
FEW_ROWS: Final = 20
"""Rows of a class put aside, of fewer of which a share says little."""


def edges(result: StudyResult) -> list[str]:
    """Where the best settings of a search of networks stand at the edge of their range."""
    if result.loss is not None:
        return []
    asked, best = result.settings, result.candidates[0].settings
    found = []
    for name, words, option, (low, high), up, down in (
        (RATE, "learning rate", "--lr", asked.lr, 10, 10),
        (PENALTY, "L2 penalty", "--weight-decay", asked.alpha, 100, 100),
    ):
        place = math.log(best[name] / low) / math.log(high / low)
        if place < EDGE:
            further = f"{low / down:g}:{high:g}"
            found.append(f"{words} {best[name]:.2g}, range from {low:g}: try {option} {further}")
        elif place > 1 - EDGE:
            further = f"{low:g}:{high * up:g}"
            found.append(f"{words} {best[name]:.2g}, range to {high:g}: try {option} {further}")
    sizes = {widths: sum(widths) for widths in asked.hidden}
    own = tuple(best["hidden_layer_sizes"])
    if len(sizes) > 1 and sizes.get(own) == max(sizes.values()):
        words = "×".join(map(str, own))
        found.append(f"hidden layers {words}, the largest: try --hidden with more")
    if len(asked.dropout) > 1 and best["dropout"] == max(asked.dropout):
        found.append(f"dropout {best['dropout']:g}, the greatest of those that were tried")
    return found


def left_out(result: StudyResult) -> Iterator[tuple[str, str]]:
    """What the model does not use, or cannot, and why."""
    of = result.problem
    for name in of.dropped:
        yield name, of.needless.get(name, "asked for, with --drop")
    for one in result.columns:
        if one.values is not None and one.own is not None and one.own < one.values:
            rare = counted(one.values - one.own, "rare word")
            yield one.name, f"{rare} of {one.values:,} are one to the model"
    for notice in of.notices:
        if "left out" in notice and not notice.startswith("left out"):
            yield "rows", notice


def limits(result: StudyResult) -> Iterator[str]:
    """What the scores do not say."""
    of, truth = result.problem, result.truth
    yield _of_the_rows(of.rule)
    if of.task == "classification":
        assert truth.classes is not None
        counts = np.bincount(truth.codes, minlength=len(truth.classes))
        order = shown_order(truth.classes)
        few = [str(one) for one in truth.classes[order[counts[order] < FEW_ROWS]].tolist()]
        if few:
            shown = ", ".join(map(describe, few[:5])) + (", …" if len(few) > 5 else "")
            yield (
                f"Fewer than {FEW_ROWS} of the rows put aside are of {shown}: what is said of "
                "them alone is a rough guide."
            )
    else:
        yield (
            f"In training the target lay between {_said(of.y.min())} and {_said(of.y.max())}; "
            "beyond, predictions are guesses."
        )
    if not result.importance:
        count = counted(len(of.features), "column")
        yield f"What it relies on was not measured: of {count} that would take too long."
    yield (
        "A column that the model relies on need not cause anything: it may stand for another "
        "that does."
    )


def _of_the_rows(rule: RowRule | None) -> str:
    """What the rows put aside are like."""
    if rule is None:
        return (
            "It was judged on rows of the same table, drawn at random. On rows that come later, or "
            "from elsewhere, it is likely to be worse."
        )
    if rule.kind == "group":
        return (
            f"It was judged on values of {describe(rule.column)} that it never saw. Where rows of "
            "one value are alike, the intervals are too narrow."
        )
    return (
        f"It was judged on the latest rows by {describe(rule.column)}. What changes after them "
        "it does not know."
    )


def _said(value: float) -> str:
    """A number of the table: in full from a million on, where a power of ten would stand."""
    text = f"{value:,.0f}" if 1e6 <= abs(value) < MOST_PLAIN else f"{value:,.6g}"
    return text.replace("-", "−")
