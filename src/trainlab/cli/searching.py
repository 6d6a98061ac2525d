"""`trainlab search`: a model, a report and a saved file for a person with a table and no code."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource
from rich.table import Table
from rich.text import Text

from trainlab.cli.group import INTERRUPTED, PathName, console, main, widths

if TYPE_CHECKING:
    from trainlab.search.study import Outcome

MODEL: Final = "model.safetensors"
SHOWN: Final = 10
"""Candidates in the table of the best."""


@main.command(short_help="Search settings for a table, and save the best network.")
@click.option("--csv", "table", required=True, metavar="FILE", help="First line: names of columns.")
@click.option("--target", required=True, metavar="COLUMN", help="What is to be predicted.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Not a feature.  May be repeated.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
    help="Auto: words, and whole numbers of few values, are classes.",
)
@click.option("--trials", type=click.IntRange(1), help="Candidates of each round.  [default: 50]")
@click.option(
    "--rounds", type=click.IntRange(1), help="Each after the first is narrower.  [default: 2]"
)
@click.option("--folds", type=click.IntRange(2), help="Of the cross-validation.  [default: 5]")
@click.option("--lr", metavar="LO:HI", help="Learning rates.  [default: 0.001:0.03]")
@click.option(
    "--weight-decay", "--alpha", metavar="LO:HI", help="L2 penalties.  [default: 0.0001:10]"
)
@click.option(
    "--hidden",
    multiple=True,
    metavar="WIDTHS",
    help="Of hidden layers, as 50 or 50,50; repeated for a choice.  [default: 20; 50; 100; 50,50]",
)
@click.option("--max-iter", type=click.IntRange(1), help="Epochs of a training.  [default: 100]")
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Rows put aside for one look at the end.  [default: 0.2]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of all draws.  [default: 0]")
@click.option(
    "--workers", type=click.IntRange(1), help="How many work at a time.  [default: the cores]"
)
@click.option(
    "--out",
    type=PathName(),
    default="trainlab-search",
    show_default=True,
    metavar="DIR",
    help="Where model, page and numbers go.",
)
@click.option("--fresh", is_flag=True, help="Start over, whatever was done before.")
@click.pass_context
def search(
    ctx: click.Context,
    /,
    table: str,
    target: str,
    drop: Sequence[str],
    task: Any,
    lr: str | None,
    weight_decay: str | None,
    hidden: Sequence[str],
    workers: int | None,
    out: Path,
    fresh: bool,
    **numbers: Any,
) -> None:
    """Search the settings of a network that predicts a column of a CSV file.

    All other columns are features, of numbers or of words; cells may be empty, and --drop
    leaves a column out.  Some rows are put aside; settings are compared on the others by
    cross-validation, and the best network is judged on the former, once, beside a linear
    model.  DIR gets model.safetensors, for `trainlab predict`, index.html and search.json.

    After Ctrl-C, a power cut or kill -9 the same command goes on where it was.
    """
    from trainlab.models import save
    from trainlab.report import write_search
    from trainlab.search.mixed import said
    from trainlab.search.study import Asked, study
    from trainlab.search.tables import problem

    asked = {name: value for name, value in numbers.items() if value is not None}
    asked |= {"lr": _range("--lr", lr)} if lr else {}
    asked |= {"alpha": _range("--weight-decay", weight_decay)} if weight_decay else {}
    asked |= {"hidden": tuple(map(widths, hidden))} if hidden else {}
    found = problem(table, target, drop, None if task == "auto" else task)
    click.echo(f"{found.task} of {found.target!r}: {found.reason}", err=True)
    if found.columns:
        click.echo(f"Features that are not plain numbers: {said(found.columns)}", err=True)
    try:
        outcome = study(found, Asked(**asked), out, fresh, workers, progress=True)
    except KeyboardInterrupt:
        click.echo("Interrupted.  What is trained is saved.", err=True)
        click.echo(f"To go on: {shlex.join(_words(ctx))}", err=True)
        raise SystemExit(INTERRUPTED) from None
    save(outcome.model, out / MODEL)
    page = write_search(outcome, out)
    _show(outcome)
    click.echo(f"Page: {page.resolve()}")
    click.echo(f"To predict: {shlex.join(['trainlab', 'predict', str(out / MODEL), 'NEW.csv'])}")


def _range(option: str, text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        low = high = math.nan
    if not 0 < low < high < math.inf:
        must = "must be two numbers 0 < LO < HI, as in 0.001:0.1"
        raise click.BadParameter(f"{must}; got {text!r}", param_hint=option)
    return low, high


def _words(ctx: click.Context) -> list[str]:
    """The command that was given, but for --fresh, which would start over."""
    words = ["trainlab", "search"]
    for option in ctx.command.params:
        name = option.name or ""
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE and name != "fresh":
            value = ctx.params[name]
            for one in value if isinstance(value, tuple) else (value,):
                words += [option.opts[0], str(one)]
    return words


def _show(outcome: Outcome) -> None:
    """The best candidates, and how good the first of them is on the rows put aside."""
    from trainlab.report.words import score as words

    table = Table("Rank", "Score", "Settings", title=f"The best by {outcome.measure} of folds")
    for one in outcome.candidates[:SHOWN]:
        score = f"{words(one.score)} ± {words(one.error)}"
        table.add_row(str(one.rank), score, Text(one.words))
    screen = console()
    screen.print(table)
    judged = Table("", outcome.measure, "95 % interval", title="On the rows put aside")
    for found in outcome.judged:
        interval = f"{words(found.low)} to {words(found.high)}"
        judged.add_row(found.name, words(found.score), interval)
    screen.print(judged)
    screen.print(Text(outcome.versus.words))
    for warning in outcome.warnings:
        screen.print(Text(f"Warning: {warning}", style="yellow"))
