"""The options that say how a table in a file is to be read, of every command that reads one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from trainlab.cli.group import Choice
from trainlab.cli.screen import say
from trainlab.limits import MAX_SKIPPED


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
