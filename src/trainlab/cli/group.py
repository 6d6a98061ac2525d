"""The program `trainlab`: its errors, its exit codes, and what its commands share.

Exit codes: 0 done, 1 a check failed or a report lacks something, 2 an error, 130 interrupted.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar, cast

import click
from click.core import ParameterSource

from trainlab.cli.screen import columns, logged, of_an_error, prepared, say
from trainlab.errors import TrainlabError, nearest, sentence
from trainlab.files import as_path
from trainlab.limits import ENGINES
from trainlab.terminal import command, printable

F = TypeVar("F", bound=Callable[..., Any])

INTERRUPTED: Final = 130
_WHOLE: Final = 1_000
"""Characters of a line in a list of commands: all of it."""
_USUAL, _WIDEST = 70, 80
"""Columns from which on help has the usual form, and those that it has at most."""


class Help(click.HelpFormatter):
    """Pages of help that are whole on narrow terminals, too: click's have 50 columns at least."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.width = min(columns(), _WIDEST) - (2 if columns() >= _USUAL else 1)

    def write_dl(self, *arguments: Any, **options: Any) -> None:
        """Writes a list of terms; on a narrow terminal each explanation is below its term."""
        if columns() < _USUAL:
            options["col_max"] = 4
        super().write_dl(*arguments, **options)


class HelpContext(click.Context):
    """The context of our commands."""

    formatter_class = Help


class Command(click.Command):
    """A command whose help fits; interrupted, one that goes on says how.

    It says so itself once it has begun: this is for Ctrl-C before that, as while modules are read.
    """

    context_class = HelpContext

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if not any(option.name == "fresh" for option in self.params):
                raise
            arguments = [each for each in self.params if isinstance(each, click.Argument)]
            words = [word for each in arguments for word in ctx.params[each.name or ""]]
            say("Interrupted.", err=True)
            say("To continue:", err=True, whole=command(given(ctx, *words)))
            raise SystemExit(INTERRUPTED) from None


class Commands(click.Group):
    """Commands whose expected errors are one line, with exit code 2."""

    context_class = HelpContext
    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            with prepared(), _visible():
                return super().invoke(ctx)
        except TrainlabError as error:
            from trainlab.cli.typed import as_typed  # of use where something failed

            command = self.commands.get(ctx.invoked_subcommand or "")
            raise Failure(as_typed(str(error), command)) from error
        except BrokenPipeError:
            raise  # `trainlab list | head` is no error; click ends quietly
        except OSError as error:
            # A full disk or a lost folder is news for the user, not for a debugger.
            raise Failure(printable(_of_the_system(error))) from error
        except MemoryError as error:
            raise Failure(f"Not enough memory: {error}") from error
        except KeyboardInterrupt:
            say("Interrupted.", err=True)
            raise SystemExit(INTERRUPTED) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names."""
        if args[0] in self.commands or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        raise _no_such("command", args[0], self.list_commands(ctx), ctx, args[1:])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands, none of whose lines is cut."""
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(_WHOLE)) for name, one in shown if not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the options before the name of a command."""
        with _visible():
            return super().parse_args(ctx, args)


def _of_the_system(error: OSError) -> str:
    """What the system says of a file, in the words of our own errors."""
    told = error.strerror or str(error)
    if error.filename is None:
        return told
    must = "be in a folder that can be used, with room on the disk"
    return sentence("file", str(error.filename), must, told, "the same again when it is")


@contextmanager
def _visible() -> Iterator[None]:
    """Makes the words of the user visible in what click says of them."""
    try:
        yield
    except (click.exceptions.NoArgsIsHelpError, Told):
        raise  # the page of help, or what was made visible already
    except click.NoSuchOption as error:
        raise _no_such("option", error.option_name, _options(error.ctx), error.ctx) from error
    except click.UsageError as error:
        raise Told(of_an_error(error.format_message()), error.ctx) from error


def _options(ctx: click.Context | None) -> list[str]:
    """The options of a command that its help shows."""
    shown = [one for one in (ctx.command.get_params(ctx) if ctx else ()) if not _is_hidden(one)]
    return [name for one in shown for name in one.opts if name.startswith("--")]


def _is_hidden(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.hidden


def _no_such(
    what: str,
    given: str,
    known: Iterable[str],
    ctx: click.Context | None,
    more: Sequence[str] = (),
) -> click.UsageError:
    """The error for a command or an option that does not exist, and the nearest one that does.

    more  the words behind it
    """
    names = {name.lstrip("-"): name for name in known}
    near = nearest(given.lstrip("-"), names)
    hint = "" if near is None else f" Did you mean {names[near]!r}?"
    if what == "command" and not hint and len(names) == 1 and ctx:  # left out: there is no other
        hint = f" Try {ctx.command_path} {' '.join(names)} {' '.join(more) or given}"
        hint += f". {ctx.command.epilog}" if isinstance(ctx.command, Commands) else ""
    return Told(of_an_error(f"No such {what} {given!r}.{hint}"), ctx)


class Told(click.UsageError):
    """An error of click's, whose message a terminal can show."""


class Failure(click.ClickException):
    """An error; its message has the line breaks that we gave it, and no others."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Writes it to standard error."""
        for line in f"Error: {self.format_message()}".split("\n"):
            say(line, err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trainlab")
def main() -> None:
    """A training laboratory for neural networks."""


class PathName(click.Path):
    """A path, by the rule that holds for paths in Python: an empty one is an error.

    home  whether a leading ~ stands for a home: no shell expands it in --option=~/folder
    file  whether it is to be written to
    """

    def __init__(self, home: bool = False, file: bool = False) -> None:
        super().__init__()
        self.home, self.file = home, file

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that the text names."""
        name = param.human_readable_name if param else "path"
        if isinstance(param, click.Option):
            name = param.opts[0]
        owner = (ctx and ctx.info_name) or "trainlab"
        return as_path(value, name, owner, home=self.home, file=self.file)


class Choice(click.Choice[str]):
    """Words of a list; the error for another one asks whether the nearest was meant.

    old  words of earlier versions, which go on working and are not in the help
    """

    def __init__(self, choices: Sequence[str], old: Sequence[str] = ()) -> None:
        super().__init__(choices)
        self.old = old

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word of the list."""
        if value in self.old:
            return str(value)
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            near = nearest(value, self.choices)
            if near is None:
                raise
            raise click.BadParameter(
                f"{error.message} Did you mean {near!r}?", ctx, param
            ) from error


def logs_epochs(command: F) -> F:
    """Adds the option --verbose to a command that trains."""

    @functools.wraps(command)
    def run(*arguments: Any, verbose: bool, **options: Any) -> Any:
        with logged() if verbose else nullcontext():
            return command(*arguments, **options)

    words = "Write a line for each epoch on standard error."
    return cast(F, click.option("--verbose", is_flag=True, help=words)(run))


def chooses_an_engine(command: F) -> F:
    """Adds the option --engine to a command that trains or predicts."""
    words = "The engine that computes the networks; auto is native if it is compiled, else numpy."
    choice = Choice(list(ENGINES))
    return click.option("--engine", type=choice, default="auto", show_default=True, help=words)(
        command
    )


def widths(text: str) -> tuple[int, ...]:
    """The widths of hidden layers in the value of --hidden; `--vary` writes them with x.

    >>> widths("20,10"), widths("20x10")
    ((20, 10), (20, 10))
    """
    listed = filter(str.strip, text.split(","))
    try:
        return tuple(map(int, text.split("x") if "x" in text else listed))
    except ValueError:
        raise click.BadParameter(
            f"must be widths like 20,20; got {text!r}", param_hint="--hidden"
        ) from None


def given(ctx: click.Context, *arguments: str) -> list[str]:
    """The command with the options that were given, but for --fresh, which would start over."""
    words = ["trainlab", ctx.info_name or "", *arguments]
    for option in ctx.command.params:
        name = option.name or ""
        is_given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not is_given or name == "fresh" or isinstance(option, click.Argument):
            continue
        value = ctx.params[name]
        for one in value if isinstance(value, tuple) else (value,):
            several = one if isinstance(one, tuple) else () if isinstance(one, bool) else (one,)
            names = option.secondary_opts if one is False else option.opts
            words += [names[0], *map(str, several)]
    return words
