"""`trainlab search`: a model, a report and a saved file for a person with a table and no code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trainlab.cli.group import (
    INTERRUPTED,
    Choice,
    PathName,
    chooses_an_engine,
    given,
    logs_epochs,
    main,
    widths,
)
from trainlab.cli.reading import chooses_a_task, chooses_columns, reads_a_table, tell
from trainlab.cli.screen import say
from trainlab.cli.screen import table as show_table
from trainlab.limits import MAX_INDEX, MEMBERS
from trainlab.terminal import command

if TYPE_CHECKING:
    from trainlab.tables.study import StudyResult

MODEL: Final = "model.safetensors"
SHOWN: Final = 10
"""Candidates in the table of the best."""

_FOLDS: Final = click.IntRange(2, MEMBERS)
_COUNT: Final = click.IntRange(1, MEMBERS)
_EPOCHS: Final = click.IntRange(1, MAX_INDEX)


class Fraction(click.FloatRange):
    """A number in a range; NaN, which no comparison finds outside, is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number that the text means."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number


OF_NETWORKS: Final = ("trials", "rounds", "folds", "lr", "weight_decay", "hidden", "max_iter")
"""The options of a search of networks."""


@main.command(short_help="Make a model of a table, and judge it.")
@click.option(
    "--csv",
    "table",
    required=True,
    metavar="FILE",
    help="CSV (also gzipped), Parquet or Excel.  The first line names the columns.",
)
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@chooses_columns
@click.option(
    "--target-means",
    multiple=True,
    metavar="COLUMN",
    help="Read this column as words, and add the mean target of each.  May be repeated.",
)
@click.option(
    "--group",
    metavar="COLUMN",
    help="Keep rows with the same value of this column on one side of every split.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Put the latest rows by this column aside; folds go forward in time.",
)
@reads_a_table("Whether 1,234 is 1234 (point) or 1.234 (comma), if the table leaves that open.")
@click.option("--drop-missing-target", is_flag=True, help="Leave out rows without a target.")
@click.option(
    "--drop-rare-classes",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Leave out classes with fewer than N rows.",
)
@chooses_a_task
@click.option(
    "--model",
    type=Choice(["ensemble", "network"]),
    help="An ensemble of networks and trees, or the best network of a search."
    "  [default: ensemble, or network if one of its options is given]",
)
@click.option(
    "--preset",
    type=Choice(["quick", "default", "best"]),
    help="Ensemble: how much to train.  [default: default]",
)
@click.option(
    "--time-limit",
    type=Fraction(0, 1e9, min_open=True),
    metavar="SECONDS",
    help="Ensemble: train as much as there is time for.",
)
@click.option(
    "--metric",
    metavar="NAME",
    help="What compares networks and judges models: log_loss, roc_auc, accuracy, balanced_accuracy"
    " or f1 for classes; r2, rmse, mae or pinball:0.9 for numbers.  [default: log_loss for an"
    " ensemble and accuracy for a network; r2]",
)
@click.option("--trials", type=_COUNT, help="Network: candidates of each round.  [default: 50]")
@click.option(
    "--rounds",
    type=_COUNT,
    help="Network: rounds; each after the first draws from a narrower space.  [default: 2]",
)
@click.option("--folds", type=_FOLDS, help="Network: folds of the cross-validation.  [default: 5]")
@click.option(
    "--lr", metavar="LO:HI", help="Network: range of learning rates.  [default: 0.001:0.03]"
)
@click.option(
    "--weight-decay",
    "--alpha",
    metavar="LO:HI",
    help="Network: range of L2 penalties.  [default: 0.0001:10]",
)
@click.option(
    "--hidden",
    multiple=True,
    metavar="WIDTHS",
    help="Network: widths of hidden layers, such as 50 or 50,50; repeat it for a choice."
    "  [default: 20; 50; 100; 50,50]",
)
@click.option("--max-iter", type=_EPOCHS, help="Network: epochs of each training.  [default: 100]")
@click.option(
    "--test-fraction",
    type=Fraction(0, 1, min_open=True, max_open=True),
    help="Share of rows put aside to judge the model at the end.  [default: 0.2]",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of all random draws.  [default: 0]"
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="How many workers train at a time.  [default: as many as cores]",
)
@chooses_an_engine
@click.option(
    "--out",
    type=PathName(),
    default="trainlab-search",
    show_default=True,
    metavar="DIR",
    help="The folder for model, page and numbers.",
)
@click.option("--fresh", is_flag=True, help="Start over, and discard what was done before.")
@logs_epochs
@click.pass_context
def search(
    ctx: click.Context,
    /,
    table: str,
    task: Any,
    lr: str | None,
    weight_decay: str | None,
    hidden: Sequence[str],
    workers: int | None,
    engine: str,
    out: Path,
    fresh: bool,
    **rest: Any,
) -> None:
    """Make a model that predicts a column of a table.

    All other columns are features.  They hold numbers (12, 1,234.50, $3, 12 %, 5 kg), dates or
    words; cells may be empty.  Some rows are put aside.  The others train an ensemble of networks
    and trees or, with --model network, compare settings of a network by cross-validation.  Then
    the model is judged once, on the rows put aside, beside a linear model and gradient-boosted
    trees.  The folder of --out gets model.safetensors, for `trainlab predict`, index.html and
    search.json.

    After Ctrl-C, a power cut or kill -9 the same command continues where it stopped.
    """
    from trainlab.models import save
    from trainlab.search.metrics import named_metric
    from trainlab.tables.begun import begun_with
    from trainlab.tables.columns import said
    from trainlab.tables.page import write_search
    from trainlab.tables.problem import problem
    from trainlab.tables.settings import StudySettings
    from trainlab.tables.study import study
    from trainlab.training.progress import Bar

    given_of_networks = [name for name in OF_NETWORKS if ctx.params.get(name)]
    asked = rest.pop("model")
    of_ensembles = {name: rest.pop(name) for name in ("preset", "time_limit")}
    of_ensembles = {name: value for name, value in of_ensembles.items() if value is not None}
    model = _model(asked, given_of_networks, None if fresh else begun_with(out))
    if of_ensembles and model == "network":
        name = next(iter(of_ensembles)).replace("_", "-")
        told = f"--{name} belongs to --model ensemble; a search of networks takes --trials."
        raise click.UsageError(told)
    numbers = {field.name for field in fields(StudySettings)} & set(rest)
    chosen = {name: value for name in numbers if (value := rest.pop(name)) is not None}
    chosen |= {"lr": _range("--lr", lr)} if lr else {}
    chosen |= {"alpha": _range("--weight-decay", weight_decay)} if weight_decay else {}
    chosen |= {"hidden": tuple(map(widths, hidden))} if hidden else {}
    if chosen.get("metric") is not None:
        named_metric(chosen["metric"])  # what is no metric is said before the table is read
    chosen |= {"ensemble": of_ensembles}
    settings = StudySettings(model=model, **chosen)
    rest |= {"folds": settings.folds, "test_fraction": settings.test_fraction}
    found = problem(table, task=None if task == "auto" else task, **rest)
    settings.measured_by(found.task)
    tell(found.notices)
    say(f"{found.task} of {found.target!r}: {found.reason}", err=True)
    if found.columns:
        say(f"Features that are not plain numbers: {said(found.columns)}", err=True)
    for warning in found.warnings:  # once more at the end, with those of the training
        say(f"Warning: {warning}", err=True)
    try:
        result = study(found, settings, out, fresh, workers, True, engine)
    except KeyboardInterrupt:
        say("Interrupted.  What is trained is saved.", err=True)
        say("To continue:", err=True, whole=command(given(ctx)))
        raise SystemExit(INTERRUPTED) from None
    save(result.model, out / MODEL)
    with Bar("page"):
        page = write_search(result, out)
    _show(result)
    say("Page:", whole=str(page.resolve()))
    say("To predict:", whole=command(["trainlab", "predict", str(out / MODEL), "NEW.csv"]))


def _model(asked: Any, of_networks: Sequence[str], begun: Any) -> Any:
    """The model that is asked for, or that a folder began with.

    of_networks  the options that are given and mean nothing to an ensemble
    """
    names = ", ".join(f"--{name.replace('_', '-')}" for name in of_networks)
    verb = "belongs" if len(of_networks) == 1 else "belong"
    if asked == "ensemble" and of_networks:
        told = f"{names} {verb} to --model network; an ensemble draws its own settings."
        raise click.UsageError(told)
    if asked is None and of_networks:
        what = "so a network is searched, and no ensemble trained"
        tell([f"{names} {verb} to --model network, {what}"])
    if asked is not None or of_networks:
        return asked or "network"
    if begun == "network":
        tell(["the folder has a search of networks, which continues; --fresh makes an ensemble"])
    return begun or "ensemble"


def _range(option: str, text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = math.nan
    if not 0 < low < high < math.inf:
        must = "must be two numbers 0 < LO < HI, as in 0.001:0.1"
        raise click.BadParameter(f"{must}; got {text!r}", param_hint=option)
    return low, high


def _show(result: StudyResult) -> None:
    """The best candidates, and how good the first of them is on the rows put aside."""
    from trainlab.cli.typed import as_typed
    from trainlab.tables.classes import rare_class
    from trainlab.tables.holdout import shown

    words, measure = partial(shown, result.metric), result.metric.words
    if result.loss is None:
        best = [
            (str(one.rank), f"{words(one.score)} ± {words(one.error)}", one.words)
            for one in result.candidates[:SHOWN]
        ]
        show_table(("Rank", "Score", "Settings"), best, f"The best by {measure} of folds")
    else:
        voters = sorted(result.candidates, key=lambda one: -(one.weight or 0.0))[:SHOWN]
        most = [
            (f"{one.weight:.0%}", f"{one.score:.4f}", one.told(result.shared))
            for one in voters
            if one.weight
        ]
        kind = result.settings.loss_words(result.problem.task)
        title = (
            f"Who votes, and the loss of each alone; that of the ensemble is {result.loss:.4f}.  "
            f"Loss: {kind}"
        )
        show_table(("Weight", "Loss", "Settings"), most, title)
        if result.shared_words:
            say(f"{result.shared_words}.")
        limit = result.settings.ensemble.get("time_limit")
        there = "" if limit is None else f", within {limit:g} s; a faster machine may train more"
        say(f"{result.trained}{there}.")
    judged = [
        (one.name, words(one.score), f"{words(one.low)} to {words(one.high)}")
        for one in result.judged
    ]
    show_table(("", measure, "95 % interval"), judged, "On the rows put aside")
    for one in result.versus:
        say(one.words, style="bold")
    if result.doubt:
        say(result.doubt, style="yellow")
    if (rare := rare_class(result.truth, result.predicted)) is not None and rare.imbalanced:
        accuracy = f"{rare.words}; always predicting {rare.other!r} has an accuracy of"
        say(f"{accuracy} {1 - rare.share:.3f}.", style="yellow")
        if rare.advice:
            say(f"{rare.advice} See --proba of trainlab predict.", style="yellow")
    for warning in result.warnings:
        said = as_typed(warning, click.get_current_context().command)
        say(f"Warning: {said}", style="yellow")
