"""`tl.live`: a page on which a population trains, from a notebook or a script."""

from __future__ import annotations

import atexit
import html
import importlib.util
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainlab.callers import warn
from trainlab.data.arrays import Dataset
from trainlab.errors import SettingError, sentence
from trainlab.files import as_path
from trainlab.interrupts import uninterrupted
from trainlab.live.browser import show
from trainlab.live.choices import GivenData, setup_of
from trainlab.live.control import LiveControl
from trainlab.live.kept import keep, resumed
from trainlab.live.presets import PRESETS
from trainlab.live.session import LiveSession
from trainlab.live.setup import OWNER, LiveSetup
from trainlab.members import Member, label
from trainlab.population import Population
from trainlab.settings import FLAG, either, instance_of, whole_number
from trainlab.store import Store

if TYPE_CHECKING:
    from trainlab.live.server import LiveServer

PORT = whole_number(0, "0", high=65535)
SPEED = 100.0
"""Steps a second in the beginning: what is small learns in a second otherwise, unseen."""


class LivePage:
    """A page that is served while the program runs; `live` makes it.

    Parameters
    ----------
    control : LiveControl
        Who trains.
    server : LiveServer
        Who serves.
    stack : ExitStack
        What is to be closed at the end.
    """

    def __init__(self, control: LiveControl, server: LiveServer, stack: ExitStack) -> None:
        self._control, self._server, self._stack = control, server, stack
        self._is_open, self._ended, self._process = True, threading.Event(), os.getpid()
        atexit.register(self.close)  # an engine must not be in a step when the program ends

    def __repr__(self) -> str:
        state = f"at {self.address}" if self._is_open else "closed"
        return f"LivePage({state})"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        if not self._is_open:
            return "<p>This page is closed.</p>"
        return (
            f'<iframe src="{html.escape(self.address)}" width="100%" height="900" '
            'title="trainlab live" style="border: 1px solid #8888"></iframe>'
        )

    @property
    def address(self) -> str:
        """Where the page is, with its token: who has it can steer the training."""
        return self._server.address

    @property
    def step(self) -> int:
        """Updates that have been done by now."""
        return int(self._control.snapshot.status["step"])

    def population(self) -> Population:
        """Copy what all members have learnt by now.

        Returns
        -------
        Population
            Arm by arm, those that stopped or diverged included; it predicts, and can be saved.

        Raises
        ------
        RuntimeError
            In a process that was forked meanwhile, which has no thread that trains.
        """
        from trainlab.live.server import population_of

        self._check_process("population")
        found: Population = self._control.do(population_of).result()
        return found

    def wait(self) -> None:
        """Serve until Ctrl-C, then close.

        Raises
        ------
        RuntimeError
            In a process that was forked meanwhile, which serves nothing.
        """
        self._check_process("wait")
        try:
            while not self._ended.wait(1.0):
                pass
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # pressed once more: it ends as it is
                self.close()

    def close(self) -> None:
        """End the training and the server; what a store keeps is kept.

        In a process that was forked meanwhile it does nothing: they are its parent's.

        Raises
        ------
        StoreError
            Where it could not be kept; what ended the training, where something did.
        """
        if self._is_open and os.getpid() == self._process:
            self._is_open = False
            atexit.unregister(self.close)
            try:
                with uninterrupted():  # else the program would end while the engine is in a step
                    self._stack.close()
            finally:
                self._ended.set()
            if self._control.error is not None:
                raise self._control.error

    def _check_process(self, name: str) -> None:
        if os.getpid() != self._process:
            must, got = "be called in the process that began it", "a process forked from that one"
            raise RuntimeError(sentence(name, "LivePage", must, got))


def live(
    population: Population | None = None,
    data: Dataset | None = None,
    *,
    batch_size: int = 20,
    engine: str = "auto",
    store: str | os.PathLike[str] | None = None,
    port: int = 0,
    browser: bool | None = None,
) -> LivePage:
    """Open a page on which a population trains, and responds to what you change.

    Parameters
    ----------
    population : Population, optional
        At most 8 arms (members that differ in more than their seeds), each with the same seeds.  By
        default the page begins with a lesson.
    data : Dataset, optional
        What to train on: needed with a population, otherwise chosen on the page.
    batch_size : int, default 20
        Samples per step.
    engine : {"auto", "native", "numpy"}
        What computes the steps.
    store : folder, optional
        Keeps the session: the same call continues it, even after a kill.  There is a warning if the
        session kept there has another population.
    port : int, default 0
        Where the page is served, only on this machine; 0 takes any free port.
    browser : bool, optional
        Whether to open a browser; by default unless the call is made in a notebook, which shows
        the page itself.

    Returns
    -------
    LivePage
        The page; a script that has nothing else to do calls its `wait`.

    Raises
    ------
    SettingError, DataError
        For what cannot be trained, and where Starlette and uvicorn are not installed.
    StoreError
        Where the store cannot be opened.
    """
    PORT.check(port, "port", "live")
    either(FLAG, None).check(browser, "browser", "live")
    in_notebook = "ipykernel" in sys.modules
    setup, given = _asked(population, data, batch_size, engine)
    page = opened(setup, given, store=store, port=port, framed=in_notebook)
    if browser or (browser is None and not in_notebook):
        browse(page)
    return page


def browse(page: LivePage) -> bool:
    """Opens a page in a browser; returns whether there is one."""
    return show(page._server.invitation())


def _asked(
    population: Any, data: Any, batch_size: int, engine: str
) -> tuple[LiveSetup | None, GivenData | None]:
    """What the arguments of `live` ask for."""
    if data is None:
        if population is not None:
            must, remedy = "be given with a population", "tl.live(population, data)"
            raise SettingError(sentence("data", "live", must, data, remedy))
        return None, None
    instance_of(Dataset).check(data, "data", "live")
    if population is None:
        return None, GivenData(data)
    instance_of(Population).check(population, "population", "live")
    arms, seeds = arms_of(population)
    return LiveSetup(data, arms, seeds, batch_size, engine=engine), GivenData(data)


def arms_of(population: Population) -> tuple[dict[str, Member], list[int]]:
    """The arms of a population by name, and their seeds, which all arms must have."""
    kinds: dict[Any, list[Member]] = {}
    for member in population:
        kinds.setdefault((member.network, member.optimizer), []).append(member)
    seeds = [member.seed for member in next(iter(kinds.values()))]
    for own in kinds.values():
        if [member.seed for member in own] != seeds:
            must = "have the same seeds in the same order"
            raise SettingError(sentence("arms", OWNER, must, [one.seed for one in own]))
    same_network = len({network for network, _ in kinds}) == 1
    same_optimizer = len({optimizer for _, optimizer in kinds}) == 1
    arms: dict[str, Member] = {}
    for (network, optimizer), own in kinds.items():
        parts = [] if same_network else [label(network)]
        parts += [] if same_optimizer and parts else [label(optimizer)]
        name = start = ", ".join(parts)[:55].strip()
        while name in arms:
            name = f"{start} {len(arms) + 1}"
        arms[name] = own[0]
    return arms, seeds


def opened(
    setup: LiveSetup | None = None,
    given: GivenData | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    host: str = "127.0.0.1",
    port: int = 0,
    framed: bool = False,
) -> LivePage:
    """A page that is served in threads: what a store has goes on, else the setup begins."""
    check_installed()
    from trainlab.live.server import serving
    from trainlab.live.uploads import Uploads

    def begin(choice: Mapping[str, Any]) -> LiveSession:
        return LiveSession(setup_of(choice, given, engine, uploads), choice)

    with ExitStack() as stack:
        kept, saved = None, None
        if store is None:
            place = stack.enter_context(_folder())
        else:
            place = as_path(store, "store", "live", "be None or a folder")
        uploads = Uploads(place / "tables")
        if store is not None:
            kept = stack.enter_context(Store(place))
            saved = resumed(kept, str(place), None if given is None else given.data)
        if saved is not None:
            first = saved
        elif setup is not None:
            first = LiveSession(setup)
        else:
            first = begin(PRESETS[0]["choice"] if given is None else first_choice(given))
        if kept is not None:
            own = first.setup.described()  # SettingError for parts that no file can name
            if setup is not None and setup.described() != own:
                text = f"the session in {place} began with other arms or settings than those given"
                warn(f"{text}, and continues; try another store for these", UserWarning)

        def save(own: LiveSession, fresh: bool) -> None:
            assert kept is not None
            keep(kept, own, fresh)

        control = LiveControl(first, begin, save if kept is not None else None, SPEED)
        where = {"host": host, "port": port, "framed": framed, "uploads": uploads}
        server = stack.enter_context(serving(control, given, **where))
        return LivePage(control, server, stack.pop_all())
    raise AssertionError("a stack that suppresses nothing")


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for the block; a forked child, at whose end the block ends too, leaves it there."""
    place, process = Path(tempfile.mkdtemp(prefix="trainlab-live-")), os.getpid()
    try:
        yield place
    finally:
        if os.getpid() == process:
            shutil.rmtree(place, ignore_errors=True)


def first_choice(given: GivenData) -> dict[str, Any]:
    """What a page begins with where data were given alone."""
    rows = len(given.data.train)
    return {
        "data": {"name": "given"},
        "base": {"hidden": [32, 32], "activation": "relu"},
        "arms": [{"optimizer": "momentum", "lr": 0.01}, {"optimizer": "adam", "lr": 0.001}],
        "seeds": 10,
        "batch_size": max(1, min(64, rows // 4)),
    }


def check_installed() -> None:
    """SettingError where what the page is served with is not there."""
    missing = [name for name in ("starlette", "uvicorn") if not importlib.util.find_spec(name)]
    if missing:
        must, remedy = "be installed", "pip install 'trainlab[live]'"
        raise SettingError(sentence(" and ".join(missing), "live", must, "none", remedy))
