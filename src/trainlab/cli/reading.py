"""The options that say how a table in a file is to be read, of every command that reads one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from trainlab.cli.group import Choice, F
from trainlab.cli.screen import say
from trainlab.limits import MAX_SKIPPED

_COLUMNS: Final = {
    "--drop": "Leave this column out.  May be repeated.",
    "--use": "Keep this column even if it looks useless, such as an id.  May be repeated.",
    "--text": "Read this column by groups of letters, such as titles.  May be repeated.",
    "--words": "Read this column as words, such as codes like 01067.  May be repeated.",
}


def chooses_columns(command: F) -> F:
    """Adds the options that say what becomes of columns: drop, use, text and words."""
    for name, help in reversed(_COLUMNS.items()):
        command = click.option(name, multiple=True, metavar="COLUMN", help=help)(command)
    return command


def chooses_a_task(command: F) -> F:
    """Adds the option --task."""
    return click.option(
        "--task",
        type=Choice(["auto", "classification", "regression"]),
        default="auto",
        metavar="TASK",
        help="classification, regression or auto: words, and whole numbers with few values, are"
        " classes.  [default: auto]",
    )(command)


def reads_a_table(decimal: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options; the command gets delimiter, skip_lines, encoding and decimal.

    decimal  what the last of them does for this command
    """
    options = (
        click.option(
            "--delimiter",
            metavar="MARK",
            help="What separates cells: comma, semicolon, tab, bar or another character."
            "  [default: found]",
        ),
        click.option(
            "--skip-lines",
            type=click.IntRange(0, MAX_SKIPPED),
            default=0,
            metavar="N",
            help="Lines to skip above the names of the columns, such as a title.",
        ),
        click.option(
            "--encoding",
            metavar="NAME",
            help="Encoding of a CSV file, such as cp1252 or utf-16.  [default: utf-8]",
        ),
        click.option("--decimal", type=Choice(["point", "comma"]), help=decimal),
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def tell(notices: Sequence[str]) -> None:
    """Says how a table was read, on standard error."""
    for notice in notices:
        say(f"Note: {notice}", err=True)
