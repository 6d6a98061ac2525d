"""The commands of experiments: the list of them, runs, new ones, and the page of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from trainlab.cli import screen
from trainlab.cli.group import (
    INTERRUPTED,
    Choice,
    Commands,
    PathName,
    chooses_an_engine,
    given,
    logs_epochs,
    main,
)
from trainlab.cli.screen import say
from trainlab.errors import DataError, StoreError, sentence
from trainlab.limits import MEMBERS
from trainlab.terminal import command, counted

if TYPE_CHECKING:
    from trainlab.experiments.base import AnyExperiment
    from trainlab.experiments.results import Results
    from trainlab.training.progress import Progress

# Rooms are imported in the commands: `trainlab --help` need not wait for scipy.

DEFAULT_OUT: Final = "trainlab-results"


@main.command("list")
def list_experiments() -> None:
    """List the experiments."""
    from trainlab.experiments import EXPERIMENTS

    rows = [(name, experiment.claim) for name, experiment in EXPERIMENTS.items()]
    screen.table(("Name", "Shows"), rows, box=None, padding=(0, 2, 0, 0))


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME... | FILE.py... | all")
@click.option(
    "--data",
    type=Choice(["digits", "mnist"]),
    default="digits",
    show_default=True,
    help="Digits come with scikit-learn; MNIST is downloaded if needed.",
)
@click.option("--data-dir", type=PathName(home=True), help="A folder with MNIST.")
@click.option("--seeds", type=click.IntRange(1, MEMBERS), help="Seeds of each arm.  [default: 10]")
@click.option(
    "--set",
    "changed",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting of all arms: lr=0.1, hidden=50x50, steps=500.",
)
@click.option(
    "--vary",
    multiple=True,
    metavar="NAME=VALUES",
    help="Replace the arms: optimizer=sgd,adam.  Repeat it for all combinations.",
)
@click.option("--claim", metavar="TEXT", default="", help="Its new claim, which --better judges.")
@click.option(
    "--better",
    nargs=2,
    multiple=True,
    metavar="ARM ARM",
    help="Expect the first arm of the changed experiment to be better than the second.",
)
@click.option(
    "--workers", type=click.IntRange(1), help="Workers at a time.  [default: as many as cores]"
)
@click.option(
    "--backend",
    type=Choice(["threads", "loky", "dask"], old=["processes"]),
    help="The kind of workers; the results are the same.  [default: threads]",
)
@click.option("--scheduler", metavar="ADDRESS", help="Address of the scheduler of --backend dask.")
@chooses_an_engine
@click.option(
    "--out",
    type=PathName(),
    default=DEFAULT_OUT,
    show_default=True,
    help="The folder for results.",
)
@click.option("--quick", is_flag=True, help="Fewer steps and seeds: a first look, not a result.")
@click.option("--fresh", is_flag=True, help="Start over, and discard what was done before.")
@logs_epochs
@click.pass_context
def run(
    ctx: click.Context,
    /,
    names: Sequence[str],
    out: Path,
    changed: Sequence[str],
    vary: Sequence[str],
    claim: str,
    better: Sequence[tuple[str, str]],
    **options: Any,
) -> None:
    """Run experiments; write figures and a page of verdicts.

    FILE.py is a file of your own with an experiment in the variable EXPERIMENT; "trainlab new
    experiment" writes one.  --set and --vary change an experiment, which then makes no claim unless
    --claim gives it one.

    After Ctrl-C, a power cut or kill -9 the same command continues where it stopped.  Results on
    other data are replaced only with --fresh.
    """
    from trainlab.experiments import Options, find
    from trainlab.experiments import run as run_experiments
    from trainlab.experiments.changes import ChangeOptions
    from trainlab.experiments.claims import named
    from trainlab.experiments.files import failed
    from trainlab.experiments.registry import command_of
    from trainlab.experiments.results import FILE

    experiments: Sequence[AnyExperiment] = find(names, options["data"])
    every = find(["all"]) if "all" in names else []
    left_out = [one.name for one in every if one not in experiments]
    if left_out:
        say(f"Not declared for {options['data']}, and left out: {', '.join(left_out)}", err=True)
    words, own = ChangeOptions(changed, vary, claim, better), experiments
    experiments, options["seeds"] = words.change(experiments, options["seeds"])
    for one in experiments:
        if one.changes:
            say(f"{one.name}: {one.title}: {one.changes}", err=True)
    if vary:  # which takes a single experiment, of trainings
        arms = ", ".join(map(named, getattr(own[0], "vary", ())))
        say(f"Its own arms are left out: {arms}", err=True)
    finished: list[Results] = []
    try:
        run_experiments(experiments, out, Options(**options), _bar, _collect(finished))
    except KeyboardInterrupt:
        left = [word for e in experiments[len(finished) :] for word in command_of(e)[:1]]
        count = counted(len(finished), "experiment")
        say(f"Interrupted. {count} finished, {len(left)} left.", err=True)
        if _is_saved(out):
            say("What is done is saved in", err=True, whole=str(out.resolve()))
        else:
            say("Nothing is saved yet.", err=True)
        if any(out.glob(f"*/{FILE}")):
            _page(out, err=True)
        say("To continue:", err=True, whole=command(given(ctx, *left)))
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:
        if (told := failed(error, names)) is None:
            raise
        raise told from error
    _verdicts(finished)
    _page(out)


def _page(out: Path, err: bool = False) -> bool:
    """Builds the page and says where it is, and what it lacks; whether it lacks nothing."""
    from trainlab.report.page import built

    page, faults = built(out)
    say("Page:", err=err, whole=str(page.resolve()))
    for fault in faults:
        say(f"Left out: {fault}", err=True)
    return not faults


def _is_saved(out: Path) -> bool:
    """Whether a folder has results, or a part of some."""
    from trainlab.experiments.results import FILE
    from trainlab.store import listed

    if any(out.glob(f"*/{FILE}")):
        return True
    try:
        return any(about.size for about in listed(out))
    except StoreError:  # there is no store yet
        return False


@main.group(
    cls=Commands,
    epilog="Layers, activations, losses and optimizers of your own are classes in your script: see"
    " docs/your-own.md",
)
def new() -> None:
    """Start something of your own."""


@new.command("experiment")
@click.argument("name")
def new_experiment(name: str) -> None:
    """Write NAME.py into this folder: an experiment that runs as it is, for you to change."""
    from trainlab.experiments import EXPERIMENTS
    from trainlab.experiments.files import begin

    path = begin(name, Path(), EXPERIMENTS)
    say(f"{path} is an experiment; to run it:", whole=command(["trainlab", "run", str(path)]))


def _bar(name: str) -> AbstractContextManager[Progress | None]:
    from trainlab.training.progress import Bar

    return Bar(name)


def _collect(finished: list[Results]) -> Callable[[Results], None]:
    def done(results: Results) -> None:
        finished.append(results)
        say(f"{results.experiment}: {results.verdict.outcome}", err=True)

    return done


def _verdicts(finished: Sequence[Results]) -> None:
    """The table of verdicts, and the warnings below it."""
    from trainlab.report.words import replicated

    styles = {"as expected": "green", "contrary to what was expected": "red"}
    rows = [
        (results.experiment, (found.outcome, styles.get(found.outcome, "yellow")), found.line)
        for results in finished
        for found in [results.verdict]
    ]
    screen.table(("Experiment", "Outcome", "What was found"), rows, show_lines=True)
    for results in finished:
        for warning in results.verdict.warnings:
            say(f"{results.experiment}: {warning}", style="yellow")
        if results.published:
            say(f"{results.experiment}: {replicated(results.published)}.")


@main.command()
@click.argument("folder", metavar="DIR", type=PathName())
def report(folder: Path) -> None:
    """Rebuild the page from the results in DIR.

    The exit code is 1 if results or figures cannot be read; the page has the others.
    """
    from trainlab.experiments.results import FILE

    if not any(folder.glob(f"*/{FILE}")):
        must = "be a folder with results of experiments"
        remedy = command(["trainlab", "run", "all", "--out", str(folder)])
        raise DataError(sentence("DIR", "a report", must, str(folder), remedy))
    if not _page(folder):
        raise SystemExit(1)
