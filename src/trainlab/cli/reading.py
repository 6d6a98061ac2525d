"""The options that say how a table in a file is to be read, of every command that reads one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--delimiter",
        metavar="MARK",
        help="Between cells: comma, semicolon, tab, bar, or one character.  [default: found]",
    ),
    click.option(
        "--skip-lines",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Lines above that with the names of the columns, as a title.",
    ),
    click.option(
        "--decimal",
        type=click.Choice(["point", "comma"]),
        help="Whether 1,234 is 1.234 (comma), where the table leaves that open.",
    ),
)


def reads_a_table(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets delimiter, skip_lines and decimal."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def tell(notices: Sequence[str]) -> None:
    """Says how a table was read, on standard error."""
    for notice in notices:
        click.echo(f"Note: {notice}", err=True)
