"""The commands of checks, data, saved models and runs: one function each, no numerical work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from trainlab.cli import screen
from trainlab.cli.group import PathName, chooses_an_engine, main, widths
from trainlab.cli.reading import reads_a_table, tell
from trainlab.cli.screen import say
from trainlab.errors import DataError, sentence
from trainlab.terminal import counted

if TYPE_CHECKING:
    from trainlab.store import About

# Rooms are imported in the commands: `trainlab --help` need not wait for scipy.

_OF_EXPERIMENT: Final = re.compile(r"(.+: (?:\w+, )?)(\d+) seeds(, quick)?, (\d+|results)")
"""What `experiments.resuming` calls runs in a store."""
_SHOWN_BYTES: Final = 50_000
"""What is less is 0.0 MB."""


@main.command()
@click.option(
    "--hidden", default="20,20", show_default=True, help="Hidden widths of a network to check."
)
@click.option("--activation", default="relu", show_default=True, help="Its activation.")
@click.option("--loss", default="softmax_cross_entropy", show_default=True, help="Its loss.")
@click.option("--norm", help='Its normalization: "batch" or "layer".')
@click.option("--batch-norm", "norm", flag_value="batch", hidden=True)
@click.option("--layer-norm", "norm", flag_value="layer", hidden=True)
@click.option("--dropout", type=float, default=0.0, show_default=True, help="Its dropout ratio.")
@click.option("--weight-decay", type=float, default=0.0, show_default=True, help="Its L2 penalty.")
@click.option(
    "--inputs", type=click.IntRange(1), default=20, show_default=True, help="Number of inputs."
)
@click.option(
    "--outputs", type=click.IntRange(2), default=10, show_default=True, help="Number of outputs."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of all draws."
)
@click.option("--bits", is_flag=True, help="Check the bits of the native engine instead.")
def check(hidden: str, inputs: int, outputs: int, seed: int, bits: bool, **network: Any) -> None:
    """Check every hand-derived gradient against a numerical one.

    The exit code is 1 if any fails.  The options from --hidden to --outputs describe one more
    network to check.  With --bits the native engine trains small networks instead, and compares
    their bits with those that every processor must give.
    """
    if bits:
        _check_bits()
        return
    from trainlab.experiments.checks import check_all, check_network
    from trainlab.network.architecture import MLP

    source = click.get_current_context().get_parameter_source
    own, settings = [], ("hidden", "inputs", "outputs", *network)
    # First: what cannot be checked is refused before the others are.
    if any(source(name) is not ParameterSource.DEFAULT for name in settings):
        chosen = MLP(hidden=widths(hidden), **network)
        own = [check_network(f"network {hidden}", chosen, inputs, outputs, seed)]
    found = [*check_all(seed), *own]
    rows = [
        (
            row.name,
            str(row.compared),
            str(row.crossed),
            f"{row.report.error:.1e}",
            f"{row.report.tolerance:.0e}",
            _outcome(row.report.ok),
        )
        for row in found
    ]
    screen.table(("Gradient of", "Compared", "At kinks", "Relative error", "Allowed", ""), rows)
    failed = [row for row in found if not row.report.ok]
    for row in failed:
        screen.show(row.report.table())
    say(f"{len(found) - len(failed)} of {len(found)} gradient checks passed.")
    if failed:
        raise SystemExit(1)


def _check_bits() -> None:
    from trainlab.bits import check_bits

    found = list(check_bits())
    rows = [(one.name, _outcome(one.ok)) for one in found]
    screen.table(("Training", ""), rows)
    right = sum(one.ok for one in found)
    say(f"{right} of {len(found)} trainings have the bits that they have on every machine.")
    if right < len(found):
        raise SystemExit(1)


def _outcome(ok: bool) -> tuple[str, str]:
    return ("ok", "green") if ok else ("FAILED", "bold red")


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--ours", is_flag=True, help="Prefer trainlab's modules to your own.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="A folder with MNIST.")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def book(ours: bool, data_dir: Path | None, script: Path, arguments: Sequence[str]) -> None:
    """Run a script written for the book's modules, unmodified.

    Options of trainlab come before SCRIPT; what follows belongs to the script.  Modules of the book
    that lie beside the script, or on the path that it extends, are used; the others are
    trainlab's, and a line on standard error says which.  Without a screen, figures go to files,
    and their paths are printed.
    """
    from trainlab.book.script import run

    if script.suffix == ".ipynb":
        must = "must be a script; a notebook calls trainlab.book.install() in its first cell"
        raise click.BadParameter(f"{must}; got {str(script)!r}", param_hint="SCRIPT")
    for one in () if ours or data_dir else arguments:
        if one.partition("=")[0] in ("--ours", "--data-dir"):  # which may be meant for us
            note = f"{one} stands after SCRIPT, so the script has it; options of ours come before."
            say(f"Note: {note}", err=True)
    code = run(script, arguments, ours=ours, data_dir=data_dir)
    if code:
        raise SystemExit(code)


@main.command()
@click.option("--data-dir", type=PathName(home=True), help="A folder with MNIST.")
@click.option("--fetch", is_flag=True, help="Download what is missing, and verify all of it.")
def data(data_dir: Path | None, fetch: bool) -> None:
    """Show which data sets are available; download and verify MNIST."""
    from trainlab.data import fetch_mnist, find_mnist, load_digits, load_mnist

    if fetch:
        for fetched in fetch_mnist(data_dir):
            say(f"verified: {fetched}")
    places = find_mnist(data_dir)
    there = all(path is not None for path in places.values())
    rows = [(*_described(load_digits()), "comes with scikit-learn")]
    if there:
        folder = next(path.parent for path in places.values() if path is not None)
        rows.append((*_described(load_mnist(data_dir, download=False)), str(folder)))
    else:
        rows.append(("mnist", "", "", "not there; try trainlab data --fetch"))
    screen.table(("Data", "Rows", "SHA-256", "Where"), rows)
    for name, path in places.items():
        if path is None:
            say(f"missing: {name}")


def _described(found: Any) -> tuple[str, str, str]:
    about = found.describe()
    sizes = ", ".join(f"{count:,} {name}" for name, count in about["sizes"].items())
    return about["name"], sizes, about["sha256"][:12] + "…"


@main.command()
@click.argument("model", type=PathName())
@click.argument("table", metavar="CSV", type=PathName())
@click.option("--out", type=PathName(file=True), help="Write the predictions to this file.")
@click.option("--proba", is_flag=True, help="Add a column for each class, with its probability.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="Put this column of CSV, such as an id, before the predictions.  May be repeated.",
)
@click.option(
    "--interval",
    type=float,
    metavar="LEVEL",
    help="Ensemble: add columns low and high, an interval for this share of targets (0.9).",
)
@click.option("--keep-all", is_flag=True, help="Put all columns of CSV before the predictions.")
@click.option(
    "--excel",
    is_flag=True,
    help="For a spreadsheet: put an apostrophe before labels that it would run as formulas.",
)
@chooses_an_engine
@reads_a_table("How all numbers are written.  [default: as in the training table]")
def predict(
    model: Path,
    table: Path,
    out: Path | None,
    proba: bool,
    interval: float | None,
    keep: Sequence[str],
    keep_all: bool,
    excel: bool,
    **how: Any,
) -> None:
    """Predict each row of a table with a saved model.

    CSV may also be a gzipped CSV file, a Parquet file or an Excel workbook.  Its first line names
    its columns.  A model that knows the names of its features takes the columns with these names,
    in any order, and ignores others.  Cells must be written as they were in the training table.
    """
    from trainlab import files
    from trainlab.data.far import far_said
    from trainlab.data.table import write_table
    from trainlab.models import load
    from trainlab.models.scoring import score

    if out is not None and not out.parent.is_dir():
        raise DataError(
            sentence("--out", "predict", "be a file in a folder that is there", str(out))
        )
    for what, read in (("model", model), ("table", table)):
        if out is not None and files.are_same(out, read):  # which would be lost
            must = f"be another file than the {what}"
            raise DataError(sentence("--out", "predict", must, str(out)))
    kept: Any = "all" if keep_all else keep
    found = score(load(model), table, proba, keep=kept, interval=interval, **how)
    tell(found.notices)
    if found.ignored:
        say(f"Columns that the model does not use: {', '.join(found.ignored)}", err=True)
    if found.strange:
        counts = ", ".join(f"{name!r} ({count})" for name, count in found.strange.items())
        say(f"Cells unlike any that the model was trained on: {counts}", err=True)
    if found.unlike:
        names = ", ".join(map(repr, found.unlike))
        told = f"no cell of {names} is like any of the training: is it written as it was there?"
        say(f"Warning: {told}", err=True)
    if found.far:
        told = far_said({repr(name): one for name, one in found.far.items()})
        say(f"Warning: {told}", err=True)
    content = write_table(found.columns, excel)
    if out is None:
        screen.data(content)
    else:
        files.write(out, content)
        say(f"{counted(len(found), 'row')}: {out.absolute()}", err=True)  # --out may be /dev/stdout


@main.command()
@click.argument("folder", metavar="DIR", type=PathName())
def runs(folder: Path) -> None:
    """List the trainings that DIR keeps, finished or not."""
    from trainlab.store import listed

    rows = [
        (_run_name(about.key), _done(about), about.begun, about.changed, _megabytes(about.size))
        for about in listed(folder)
    ]
    screen.table(("Run", "Done", "Begun", "Last change", "Size"), rows)


def _run_name(key: str) -> str:
    """The name of a run as people read it: those of experiments have numbers without a noun."""
    found = _OF_EXPERIMENT.fullmatch(key)
    if found is None:
        return key
    start, seeds, quick, part = found.groups()
    named = part if part == "results" else f"population {part}"
    return f"{start}{counted(int(seeds), 'seed')}{quick or ''}, {named}"


def _done(about: About) -> str:
    if about.total == 1:
        return "yes" if about.done else "no"
    return f"{about.done} of {about.total}"  # members; more words would not fit 80 columns


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= _SHOWN_BYTES else "< 0.1 MB"


@main.command()
def info() -> None:
    """Show which engine trains, and the versions and the machine that results depend on."""
    from trainlab.engine import describe
    from trainlab.versions import environment

    for name, value in {"engine": describe(), **environment()}.items():
        say(f"{name}: {value}")
