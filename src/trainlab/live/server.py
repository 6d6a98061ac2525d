"""The server of the live page: routes, and a uvicorn that listens on this machine alone."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import math
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final, NamedTuple

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from trainlab.data.table import write_table
from trainlab.errors import SettingError, TrainlabError, sentence
from trainlab.live.choices import GivenData, catalogue
from trainlab.live.control import FRAMES, LiveControl, Snapshot
from trainlab.live.curves import SERIES
from trainlab.live.guard import Guard
from trainlab.live.kept import log_of
from trainlab.live.messages import PageState, difference
from trainlab.live.presets import PRESETS
from trainlab.live.script import script_of
from trainlab.live.session import LiveSession
from trainlab.live.summary import render, summarize
from trainlab.live.uploads import LARGEST_TABLE, Uploads
from trainlab.models.container import pack
from trainlab.models.kinds import kind_of
from trainlab.population import Population

LOCAL: Final = "127.0.0.1"
PAGES: Final = 16
"""The most pages that watch at a time."""
PATIENCE: Final = 120.0
"""Seconds that a command may take: data may have to be read, or steps trained again."""
SILENCE: Final = 10.0
"""Seconds after which a page is told that the server is still there."""

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}


def assets() -> dict[str, tuple[bytes, str]]:
    """The files of the page: content and type by name."""
    own = resources.files("trainlab.live").joinpath("static").iterdir()
    shared = resources.files("trainlab.pages").joinpath("templates", "numbers.js")
    return {
        one.name: (one.read_bytes(), _TYPES[one.name.rpartition(".")[2]])
        for one in (*own, shared)
        if one.name.rpartition(".")[2] in _TYPES
    }


def application(
    control: LiveControl,
    given: GivenData | None = None,
    uploads: Uploads | None = None,
    ended: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The routes, which `Guard` stands in front of.

    ended  whether the server is about to end: it waits for no page that watches
    """
    files, reading, drawing = assets(), asyncio.Lock(), asyncio.Lock()
    offered = {"catalogue": catalogue(given), "lessons": PRESETS}

    def page(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in files:
            return Response("There is no such file.", 404, media_type="text/plain")
        content, kind = files[name]
        return Response(content, headers={"content-type": kind})

    def offers(request: Request) -> Response:
        tables = None if uploads is None else uploads.known
        return JSONResponse({**offered, "tables": tables})

    async def events(request: Request) -> Response:
        return Watch(control, ended)

    async def command(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return JSONResponse({"error": "A command is JSON."}, 415)
        try:
            body = await request.body()
            found = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError):
            return JSONResponse({"error": "A command is JSON."}, 400)
        if not isinstance(found, dict):
            return JSONResponse({"error": "A command is an object."}, 400)
        return await _done(control, found)

    async def table(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "text/csv":
            return JSONResponse({"error": "A table is CSV."}, 415)
        if uploads is None:
            return JSONResponse({"error": "This server takes no tables."}, 403)
        if reading.locked():
            return JSONResponse({"error": "Another table is being read."}, 503)
        async with reading:
            title = request.query_params.get("name", "")
            try:
                content = await asyncio.wait_for(request.body(), PATIENCE)
                found = await run_in_threadpool(uploads.add, content, title)
            except TimeoutError:
                return JSONResponse({"error": "That takes too long."}, 503)
            except TrainlabError as error:
                return JSONResponse({"error": str(error)}, 400)
            except OSError as error:
                text = f"The table cannot be kept: {error.strerror}."
                return JSONResponse({"error": text}, 507)
        return JSONResponse({"answer": found})

    async def export(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "results.csv":
            content = await run_in_threadpool(_table, control.snapshot)
            return _file(content, name, "text/csv; charset=utf-8")
        if name not in EXPORTS:
            return Response("There is no such file.", 404, media_type="text/plain")
        take, finish, kind = EXPORTS[name]
        try:
            made = await asyncio.wait_for(asyncio.wrap_future(control.do(take)), PATIENCE)
        except TimeoutError:
            return Response("That takes too long.", 503, media_type="text/plain")
        except TrainlabError as error:
            return Response(str(error), 400, media_type="text/plain")
        if finish is not None:
            async with drawing:  # matplotlib has its settings for all threads
                made = await run_in_threadpool(finish, made)
        return _file(made, name, kind)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name}", page),
            Route("/offers", offers),
            Route("/events", events),
            Route("/command", command, methods=["POST"]),
            Route("/table", table, methods=["POST"]),
            Route("/export/{name}", export),
        ]
    )


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _finite(text: str) -> float:
    """A number; ValueError for 1e999, which Python takes for infinity: no page can be sent it."""
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


async def _done(control: LiveControl, found: Mapping[str, Any]) -> Response:
    try:
        waiting = asyncio.wrap_future(control.do(found))
        answer = await asyncio.wait_for(waiting, PATIENCE)
    except TimeoutError:
        return JSONResponse({"error": "That takes too long."}, 503)
    except TrainlabError as error:
        return JSONResponse({"error": str(error)}, 400)
    except Exception:
        logging.getLogger("trainlab").exception("a command of the live page failed")
        return JSONResponse({"error": "The server met an error; its terminal says more."}, 500)
    return JSONResponse({"answer": answer})


class Watch(StreamingResponse):
    """The events for one page, if it is among the first PAGES that watch.

    It is counted as it is let in, before any other request has its turn.
    """

    def __init__(self, control: LiveControl, ended: Callable[[], bool]) -> None:
        super().__init__(_messages(control, ended), media_type="text/event-stream")
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends events until the page or the server ends."""
        control = self._control
        if control.watchers >= PAGES:
            refused = Response("Too many pages watch.", 503, media_type="text/plain")
            await refused(scope, receive, send)
            return
        control.watchers += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            control.watchers -= 1


async def _messages(control: LiveControl, ended: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events for one page: at most FRAMES a second, none while it is slow."""
    page, silent = PageState(), 0.0
    while not ended():
        now = control.snapshot
        if now.version != page.version:
            silent = 0.0
            yield f"data: {difference(now, page)}\n\n"
        elif silent >= SILENCE:
            silent = 0.0
            yield ": still there\n\n"
        await asyncio.sleep(1 / FRAMES)
        silent += 1 / FRAMES


# --- files to keep -------------------------------------------------------------------------


def _script(session: LiveSession) -> bytes:
    return script_of(session).encode("utf-8")


def _log(session: LiveSession) -> bytes:
    return json.dumps(log_of(session), indent=1).encode("utf-8")


def _model(session: LiveSession) -> bytes:
    """All members as a population that predicts; see docs/model-files.md."""
    population = population_of(session)
    return pack(kind_of(population, "the live page").pack(population))


def population_of(session: LiveSession) -> Population:
    """The members of a session, arm by arm, with what they have learnt."""
    states = session.states()
    members = [session.arms[arm].replace(seed=seed) for arm, seed in states]
    engine, classes = session.setup.engine, session.setup.data.classes
    return Population.restore(members, states.values(), session.setting.widths, engine, classes)


def _results(session: LiveSession) -> bytes:
    """The log, and of every member its updates and the last point of its curves.

    Those that stopped or diverged have the last one before that; "step" says which it is.
    """
    members, states = [], session.states()
    for arm in session.arms:
        values = session.curves.values(arm)
        for place, (_, seed) in enumerate(session.keys(arm)):
            ended = session.ended.get((arm, seed))
            status = "trains" if ended is None else ended.kind
            one = {"arm": arm, "seed": seed, "status": status}
            known = np.flatnonzero(~np.isnan(values[0, place]))
            last = values[:, place, known[-1]].tolist() if known.size else [np.nan] * len(SERIES)
            one |= {"updates": states[arm, seed].updates}
            one |= {"step": session.curves.steps[known[-1]] if known.size else None}
            members.append(one | {name: _plain(v) for name, v in zip(SERIES, last, strict=True)})
    return json.dumps({**log_of(session), "results": members}, indent=1).encode("utf-8")


def _plain(value: float) -> float | None:
    """NaN, which JSON lacks, as None."""
    return value if value == value else None


def _table(now: Snapshot) -> bytes:
    """Every point of every curve, a row for each member and step."""
    steps, seeds = list(now.curves.steps), now.about["seeds"]
    columns: dict[str, list[Any]] = {"arm": [], "seed": [], "step": []}
    columns |= {name: [] for name in SERIES}
    for arm, values in now.curves.values.items():
        for place, seed in enumerate(seeds):
            columns["arm"] += [arm] * len(steps)
            columns["seed"] += [seed] * len(steps)
            columns["step"] += steps
            for name, row in zip(SERIES, values[:, place, : len(steps)], strict=True):
                columns[name] += ["" if one != one else str(one) for one in row]
    return write_table(columns)


class Export(NamedTuple):
    """A file to keep: what is taken of the session between two steps, and what is made of it."""

    take: Callable[[LiveSession], Any]
    finish: Callable[[Any], bytes] | None
    kind: str


EXPORTS: Final[Mapping[str, Export]] = {
    "report.html": Export(summarize, render, _TYPES["html"]),
    "session.py": Export(_script, None, "text/x-python; charset=utf-8"),
    "log.json": Export(_log, None, "application/json"),
    "results.json": Export(_results, None, "application/json"),
    "model.safetensors": Export(_model, None, "application/octet-stream"),
}


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "content-type": kind}
    return Response(content, headers=headers)


# --- the server ----------------------------------------------------------------------------


class LiveServer:
    """Listens, and serves the page of a control.

    Parameters
    ----------
    control : LiveControl
        Who trains.
    given : GivenData, optional
        Data that pages know by the name "given".
    host : str
        Where it listens; another than this machine only if somebody says so.
    port : int
        0 takes any free one.
    framed : bool
        Whether a notebook may show the page in a frame.
    uploads : Uploads, optional
        Where tables are kept that pages send; None: they may send none.
    """

    def __init__(
        self,
        control: LiveControl,
        given: GivenData | None = None,
        host: str = LOCAL,
        port: int = 0,
        framed: bool = False,
        uploads: Uploads | None = None,
    ) -> None:
        if host in ("", "0.0.0.0", "::"):  # noqa: S104  # which is refused here
            must = "be one address, which browsers name"
            raise SettingError(sentence("host", "the server", must, host, "host='192.168.1.5'"))
        try:
            self._socket = socket.create_server((host, port), backlog=64)
        except (OSError, OverflowError) as error:
            must, got = "be free, and of this machine", f"{host}:{port}, {error}"
            ports = (errno.EADDRINUSE, errno.EACCES)  # the others are about the host
            of_port = isinstance(error, OverflowError) or error.errno in ports
            fix = "port=0" if of_port else f"host={LOCAL!r}"
            raise SettingError(sentence("address", "the server", must, got, fix)) from error
        self.port = int(self._socket.getsockname()[1])
        self._token = secrets.token_urlsafe(24)
        names = ["127.0.0.1", "localhost", *({host.lower()} - {LOCAL})]
        hosts = [f"{name}:{self.port}" for name in names]
        self._name = "localhost" if framed else host
        app = application(control, given, uploads, lambda: self._server.should_exit)
        self._guard = Guard(app, hosts, self._token, framed, {"/table": LARGEST_TABLE})
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                limit_concurrency=128,
                h11_max_incomplete_event_size=2**15,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where the page is, with the token."""
        return self._with(self._token)

    def invitation(self) -> str:
        """An address of the page that works once, for a command that others can see."""
        return self._with(self._guard.ticket())

    def _with(self, token: str) -> str:
        return f"http://{self._name}:{self.port}/?token={token}"

    def serve(self) -> None:
        """Serves until Ctrl-C."""
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serves in a thread."""
        self._thread = threading.Thread(target=self.serve, name="trainlab-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends, and lets the port go."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()


@contextmanager
def serving(
    control: LiveControl, given: GivenData | None = None, **where: Any
) -> Iterator[LiveServer]:
    """Trains, and serves the page in threads, until the end of the block.

    A forked child, at whose end the block ends too, has none of these threads.

    where  host, port, framed and uploads, as `LiveServer` has them
    """
    process = os.getpid()
    server = LiveServer(control, given, **where)
    control.start()
    server.start()
    try:
        yield server
    finally:
        if os.getpid() == process:
            try:
                server.close()
            finally:
                control.close()
