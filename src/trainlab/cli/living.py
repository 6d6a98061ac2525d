"""`trainlab live`: the page on which populations train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from trainlab.cli.group import PathName, chooses_an_engine, given, main
from trainlab.cli.reading import chooses_a_task, chooses_columns, reads_a_table, tell
from trainlab.cli.screen import say
from trainlab.terminal import command, counted


@main.command(short_help="Open a page on which populations train before your eyes.")
@click.option(
    "--csv",
    "table",
    metavar="FILE",
    help="Train on a table: CSV (also gzipped), Parquet or Excel.",
)
@click.option("--target", metavar="COLUMN", help="The column of the table to predict.")
@chooses_columns
@click.option("--drop-missing-target", is_flag=True, help="Leave out rows without a target.")
@chooses_a_task
@reads_a_table("Whether 1,234 is 1234 (point) or 1.234 (comma), if the table leaves that open.")
@click.option(
    "--store",
    type=PathName(),
    metavar="DIR",
    help="Save the session in this folder, or continue the one that is there.",
)
@click.option(
    "--replay",
    type=PathName(),
    metavar="FILE",
    help="Replay a log and compare the bits; opens no page.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Where the page is served; 0 takes any free port.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Any other address lets other machines steer the training, without encryption.",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open a browser.")
@chooses_an_engine
@click.pass_context
def live(
    ctx: click.Context,
    /,
    table: str | None,
    target: str | None,
    drop: tuple[str, ...],
    task: str,
    store: Path | None,
    replay: Path | None,
    port: int,
    host: str,
    browser: bool,
    engine: str,
    **how: Any,
) -> None:
    """Open a page on which populations train, and respond to what you change.

    Choose data, networks and up to eight arms; watch all seeds learn; change a rate, stop an
    arm, clone one, go back.  The page is served only on this machine, to anyone who has the
    address with its token.  Ctrl-C ends it.
    """
    of_table = [
        name
        for name in ("drop", "task", *how)
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if replay is not None:
        if target is not None or store is not None or of_table:
            raise click.UsageError("--replay takes all settings from the log alone.")
        _replay(replay, table)
        return
    if (table is None) != (target is None):
        raise click.UsageError("--csv and --target belong together.")
    if table is None and of_table:
        raise click.UsageError(f"--{of_table[0].replace('_', '-')} belongs to --csv.")
    from trainlab.live.choices import GivenData
    from trainlab.live.setup import dataset_of
    from trainlab.live.start import browse, opened
    from trainlab.tables.problem import problem

    own = None
    if table is not None and target is not None:
        how["task"] = None if task == "auto" else task
        listed = ((name, [*one] if isinstance(one, tuple) else one) for name, one in how.items())
        chosen: dict[str, Any] = {name: value for name, value in listed if value}
        csv = str(Path(table).resolve())
        of = problem(csv, target, drop, **chosen)
        tell(of.notices)
        for warning in of.warnings:
            say(f"Warning: {warning}", err=True)
        source = {"name": "table", "csv": csv, "target": target, "drop": list(drop), **chosen}
        own = GivenData(dataset_of(of), source)
    if host != "127.0.0.1":
        text = "Whoever reads what is sent to this address can steer the training"
        say(f"Warning: {text}: it is not encrypted.", err=True)
    page = opened(given=own, store=store, engine=engine, host=host, port=port)
    if page.step:
        say(f"Continues at step {page.step}.", err=True)
    try:
        say(f"Page: {page.address}")
        say("Ctrl-C ends it.", err=True)
        if browser and not browse(page):
            say("No browser could be opened.", err=True)
    except KeyboardInterrupt:  # while a browser is looked for
        page.close()
    page.wait()
    if store is None:
        say(f"Ended at step {page.step}: nothing is kept.", err=True)
    else:
        say(f"Ended at step {page.step}.", err=True)
        say("To continue:", err=True, whole=command(given(ctx)))


def _replay(file: Path, table: str | None) -> None:
    """Says whether a log leads to the bits that it had; exit code 1 if not.

    table  where the table of the log is now
    """
    from trainlab.live.kept import read_log, replayed

    found = read_log(file)
    if table is not None:
        source = found["setup"].get("source") if isinstance(found["setup"], dict) else None
        if not isinstance(source, dict) or source.get("name") != "table":
            raise click.UsageError("--csv: the session of this log had no table.")
        source["csv"] = table
    session = replayed(found, str(file))
    networks = counted(len(session.arms) * len(session.setup.seeds), "network")
    if session.digest() != found["sha256"]:
        say(f"{networks}, step {session.step}: other bits than in {file}.", style="red")
        raise SystemExit(1)
    say(f"{networks}, step {session.step}: the same bits, SHA-256 {found['sha256']}")
