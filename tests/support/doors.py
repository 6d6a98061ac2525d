"""Every public call, one parameter at a time, with values that nobody should pass.

A *door* is a callable that users reach: what `__all__` of a public room names, the methods of
its classes, and the options of the command line.  Doors and parameters come from signatures;
`CALLS` has a valid call of each, to which one nasty value is added.  A door without a valid
call is in `without_a_call()`, and the test of that fails.

A case ends well if it returns, or raises one of the errors that are documented, in the one form.
It runs in a forked process with limits on processor time and memory: a hang is a failure.

    from doors import cases, run_all
    for case, outcome in run_all(cases()): …
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import os
import random
import resource
import select
import signal
import sys
import tempfile
import traceback
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from complaints import FORM
from door_calls import ALONE, CALLS, COMMANDS, CONSTRUCTED, EXTRA, NO_DOORS, ROOMS, SEAMS, place
from nasty import VALUES, WORDS, OwnError
from trainlab import cli
from trainlab.errors import DownloadError, TrainlabError
from trainlab.settings import Settings

CPU_SECONDS: Final = 20.0
"""Of one case; a valid call takes less than one."""
WALL_SECONDS: Final = 300.0
"""Of one case, in case it waits for ever; so long that neighbours' load is none of its business."""
MEMORY: Final = 3 << 30
"""Bytes that a case may have beyond what the process has at its start."""
BATCH: Final = 500
"""Cases of one forked process; it ends at the first that breaks a limit."""

PASSED_ON: Final = frozenset(
    {
        "trainlab.numerical_diff/f",
        "trainlab.numerical_gradient/f",
        "trainlab.differentiation.complex_step_gradient/f",
        "trainlab.evidence.statistic_bounds/statistic",
        "trainlab.PopulationSearchCV/scoring",
        "trainlab.PopulationSearchCV/refit",
        "trainlab.PopulationSearchCV/sampler",
        "trainlab.PopulationSearchCV/cv",
    }
)
"""Functions of the user's own: what they raise is passed on."""
SKLEARN: Final = ("MLP", "Population", "TableEncoder")
"""Beginnings of the names of estimators: scikit-learn judges some of their arguments by its own
functions, in its own words; `check_estimator` demands its ValueError and TypeError."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One call: a door, the parameter that is wrong, and the name of the value it gets."""

    door: str
    parameter: str
    value: str

    @property
    def id(self) -> str:
        """A name that stays the same while the door, the parameter and the value have theirs."""
        return f"{self.door}/{self.parameter}/{self.value}"

    @classmethod
    def named(cls, name: str) -> Case:
        """The case of an id."""
        return cls(*name.split("/", 2))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a case ended.

    kind  "done", "refused" (as documented), or a failure: "foreign" (another error), "memory",
          "hang", "died"
    text  of the error
    """

    kind: str
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ended well."""
        return self.kind in ("done", "refused")


# --- doors -----------------------------------------------------------------------------


@functools.cache
def public() -> Mapping[str, Any]:
    """All that users reach, by its dotted name; once, where several rooms show it."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for room, module in ROOMS.items():
        for name in module.__all__:
            thing, dotted = getattr(module, name), f"{room}.{name}"
            ours = getattr(thing, "__module__", "").startswith("trainlab") and callable(thing)
            if not ours or id(thing) in seen:
                continue
            seen.add(id(thing))
            if inspect.isabstract(thing):  # a base, of which users derive classes of their own
                continue
            if not (isinstance(thing, type) and issubclass(thing, BaseException)):
                found[dotted] = thing
                found.update(methods(dotted, thing))
    return found


def methods(dotted: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """The public methods of a class that are ours and are no seam of the engine."""
    if not isinstance(kind, type):
        return
    for name in dir(kind):
        method = getattr(kind, name)
        owner = next((base for base in kind.__mro__ if name in vars(base)), None)
        ours = owner is not None and owner.__module__.startswith("trainlab")
        written = getattr(inspect.unwrap(method), "__module__", None) or ""
        if name.startswith("_") or not (ours and written.startswith("trainlab")):
            continue
        if name in vars(Settings):  # between rooms: it is given the name of a field
            continue
        if not issubclass(kind, SEAMS) or isinstance(vars(owner)[name], classmethod):
            yield f"{dotted}.{name}", method


def parameters(thing: Any, dotted: str) -> list[str]:
    """The names of its parameters; of `**name` those that CALLS knows."""
    found: list[str] = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            found += EXTRA[dotted]
        elif parameter.name != "self":
            found.append(parameter.name)
    return found


@functools.cache
def doors() -> Mapping[str, tuple[str, ...]]:
    """The names of all doors, and of the parameters of each."""
    found = {
        dotted: tuple(parameters(thing, dotted))
        for dotted, thing in public().items()
        if dotted not in NO_DOORS
    }
    for name, command in cli.main.commands.items():
        options = [one for one in command.params if not getattr(one, "is_flag", False)]
        found[f"cli.{name}"] = tuple(one.opts[-1] for one in options)
    return {dotted: names for dotted, names in found.items() if names}


def without_a_call() -> list[str]:
    """The doors that no valid call is known of."""
    known = {*CALLS, *(f"cli.{name}" for name in COMMANDS)}
    free = {dotted for dotted, thing in public().items() if not _required(thing)}
    return [dotted for dotted in doors() if dotted not in known | free]


def _required(thing: Any) -> bool:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return any(
        one.default is one.empty and one.kind not in kinds
        for one in inspect.signature(thing).parameters.values()
    )


# --- cases -----------------------------------------------------------------------------


def cases(count: int | None = None, seed: int = 0) -> list[Case]:
    """All cases in the order of the doors, or some drawn by chance."""
    found = [
        Case(door, parameter, value)
        for door, names in doors().items()
        for parameter in names
        for value in (WORDS if door.startswith("cli.") else VALUES)
    ]
    if count is None or count >= len(found):
        return found
    places = random.Random(seed).sample(range(len(found)), count)  # noqa: S311  # no secret
    return [found[place] for place in sorted(places)]


def share(each: int) -> list[Case]:
    """Some cases of every parameter, always the same ones."""
    ranked: dict[tuple[str, str], list[Case]] = {}
    for case in cases():
        ranked.setdefault((case.door, case.parameter), []).append(case)
    return [
        case
        for group in ranked.values()
        for case in sorted(group, key=lambda one: zlib.crc32(one.id.encode()))[:each]
    ]


def perform(case: Case) -> None:
    """Makes the call of a case."""
    if case.door.startswith("cli."):
        _command(case.door.removeprefix("cli."), case.parameter, WORDS[case.value])
        return
    value = VALUES[case.value]()
    if case.door in CALLS:
        call, given = CALLS[case.door]()
    else:
        call, given = public()[case.door], {}
    result = call(**{**given, case.parameter: value})
    if case.door in CONSTRUCTED:
        CONSTRUCTED[case.door](result)


class CommandFailedError(Exception):
    """A command of the command line ended in another way than it says."""


def _command(name: str, option: str, word: str) -> None:
    from click.testing import CliRunner

    command = cli.main.commands[name]
    words, given = [name], dict(COMMANDS[name]())
    given[option] = word
    for one in command.params:
        for key in one.opts:
            if key in given:
                option_like = key.startswith("-")
                words += [key, given[key]] if option_like else ["--", *_listed(given[key])]
    result = CliRunner().invoke(cli.main, _options_first(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2) or (result.exit_code and not result.output.strip()):
        raise CommandFailedError(f"exit code {result.exit_code}: {result.output!r}")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _options_first(words: list[str]) -> list[str]:
    """Options, one `--`, and then all arguments."""
    options, arguments, rest = words[:1], list[str](), iter(words[1:])
    for word in rest:
        if word == "--":
            arguments += [next(rest)]
        else:
            options += [word, next(rest)]
    return [*options, "--", *arguments] if arguments else options


def attempt(case: Case) -> Outcome:
    """Runs a case in this process, without limits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            perform(case)
    except BaseException as error:  # noqa: BLE001  # which error it is, is the question
        return judge(case, error)
    return Outcome("done")


def judge(case: Case, error: BaseException) -> Outcome:
    """Whether an error is one of those that are documented."""
    if isinstance(error, MemoryError):
        return Outcome("memory", _text(error))
    if isinstance(error, TrainlabError):
        # What a download met is told of each mirror, in lines of their own.
        formed = FORM.match(str(error)) or isinstance(error, DownloadError)
        return Outcome("refused" if formed else "foreign", _text(error))
    if isinstance(error, OwnError) and (
        case.value not in ("odd repr", "odd str") or _by_sklearn(error)
    ):
        return Outcome("refused", _text(error))
    if f"{case.door}/{case.parameter}" in PASSED_ON and callable(VALUES[case.value]()):
        return Outcome("refused", _text(error))
    name = case.door.split(".")[1]
    if name.startswith(SKLEARN) and isinstance(error, (ValueError, TypeError)) and str(error):
        return Outcome("refused" if _by_sklearn(error) else "foreign", _text(error))
    return Outcome("foreign", _text(error))


def _by_sklearn(error: BaseException) -> bool:
    """Whether the last call out of our code was one of scikit-learn's functions."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    after = list(reversed(files))
    ours = next((at for at, name in enumerate(after) if "/trainlab/" in name), len(after))
    return any("/sklearn/" in name for name in after[:ours])


def _text(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  # as a nasty object's own may raise
        said = "an error that cannot be written"
    frames = traceback.extract_tb(error.__traceback__)
    where = [one for one in frames if "/src/trainlab/" in one.filename][-1:] or frames[-1:]
    at = f" at {Path(where[0].filename).name}:{where[0].lineno}" if where else ""
    return f"{type(error).__name__}: {said[:300]}{at}"


# --- processes -------------------------------------------------------------------------


def run(case: Case) -> Outcome:
    """Runs one case in a process of its own."""
    ((_, outcome),) = run_all([case])
    return outcome


def run_all(given: Iterable[Case], batch: int = BATCH) -> Iterator[tuple[Case, Outcome]]:
    """Runs cases in forked processes, some in each, and tells of each when it has ended."""
    place()  # what all of them read is made once
    left = list(given)
    while left:
        # Of this process: one that is killed leaves nothing behind.
        with tempfile.TemporaryDirectory(prefix="doors-", ignore_cleanup_errors=True) as folder:
            for case, outcome in _forked(left[:batch], folder):
                left = left[1:]
                yield case, outcome


def _forked(batch: list[Case], folder: str) -> Iterator[tuple[Case, Outcome]]:
    """The outcomes of a batch, up to the first that broke a limit."""
    source, sink = os.pipe()
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the threads of the tests
        child = os.fork()
    if not child:
        os.close(source)
        _child(batch, folder, sink)
    os.close(sink)
    pending = iter(batch)
    with os.fdopen(source, "rb", buffering=0) as lines:
        for case in pending:
            ready, _, _ = select.select([lines], [], [], WALL_SECONDS)
            line = lines.readline() if ready else b""
            if line.endswith(b"\n"):
                yield case, Outcome(**json.loads(line))
                continue
            if not ready:
                os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            slow = not ready or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF)
            yield case, Outcome("hang" if slow else "died", f"wait status {status}")
            return
    os.waitpid(child, 0)


def _child(batch: list[Case], folder: str, sink: int) -> None:
    """Runs a batch in a folder, under limits, and ends the process."""
    try:
        os.chdir(folder)
        os.environ.update(ALONE)
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        limit = _memory_in_use() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends the process, whatever it is at
        for case in batch:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            outcome = attempt(case)
            line = json.dumps(dataclasses.asdict(outcome)).encode() + b"\n"
            os.write(sink, line)
    finally:
        os._exit(0)


def _memory_in_use() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    # python tests/support/doors.py [BEGINNING]: all cases whose names begin so, and what failed.
    beginning = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [case for case in cases() if case.id.startswith(beginning)]
    failed = 0
    for case, outcome in run_all(chosen):
        if not outcome.ok:
            failed += 1
            print(f"{outcome.kind}: {case.id}: {outcome.text}", flush=True)  # noqa: T201  # a program
    print(f"{failed} of {len(chosen)} cases failed")  # noqa: T201  # a program
