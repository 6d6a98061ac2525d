"""Errors as the command line says them: options as they are typed, not as arguments of Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import click

_SENTENCE: Final = re.compile(
    r"(?P<what>.+?)(?P<whom> of .+? must )(?P<must>.+?)(?P<got>; got .+?)?(?P<remedy>; try .+)?",
    re.DOTALL,
)
_ARGUMENT: Final = re.compile(r"(?<![\w.-])(\w+)=('[^']*'|\([^)]*\)|[^\s,;()]+)")


def as_typed(text: str, command: click.Command | None) -> str:
    """A message in which a command's options stand for the arguments of Python.

    What was given, and whose it is, are the user's words and stay.

    >>> option = click.Option(["--encoding"])
    >>> text = "encoding of a table must be known; got 'x'; try encoding='cp1252'"
    >>> as_typed(text, click.Command("read", params=[option]))
    "--encoding of a table must be known; got 'x'; try --encoding cp1252"
    """
    found = _SENTENCE.fullmatch(text)
    if command is None or found is None:
        return text
    options = _options(command)
    what, whom, must, got, remedy = (part or "" for part in found.groups())
    what = options[what].opts[0] if what in options else what
    return what + whom + _typed(must, options) + got + _typed(remedy, options)


def _options(command: click.Command) -> dict[str, click.Option]:
    """The options by what they are called in Python: by all of their names."""
    found: dict[str, click.Option] = {}
    for one in command.params:
        if isinstance(one, click.Option):
            names = (name.lstrip("-").replace("-", "_") for name in one.opts)
            found |= dict.fromkeys([one.name or "", *names], one)
    return found


def _typed(words: str, options: Mapping[str, click.Option]) -> str:
    """The words with `--name value` for `name=value`."""

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        if name not in options:
            return found[0]
        if options[name].is_flag and value == "True":
            return options[name].opts[0]
        if value.startswith("("):
            value = re.sub(r"\s|,\s*\)|[()]", "", value)
        return f"{options[name].opts[0]} {value.strip(chr(39))}"

    return re.sub(r", (?=--\w)", " ", _ARGUMENT.sub(option, words))
