"""Live servers for tests, and clients that speak HTTP as pages do, or as pages must not."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from live_runs import small
from trainlab.live.choices import setup_of
from trainlab.live.control import LiveControl
from trainlab.live.server import serving
from trainlab.live.session import LiveSession

PATIENCE = 30.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Whoever has the address of a server."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host, self.port, self.token = str(parts.hostname), int(parts.port or 0), parts.query
        self.own = f"{self.host}:{self.port}"
        self.cookie = ""

    def enter(self) -> Client:
        """Exchanges the token for a cookie."""
        answer = self.ask("GET", f"/?{self.token}")
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return self

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """A request with exactly these headers, Host and the cookie where they are not given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        given = {"Host": self.own, **({"Cookie": self.cookie} if self.cookie else {})}
        given |= headers or {}
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            found = connection.getresponse()
            names = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, names, found.read())
        finally:
            connection.close()

    def do(self, do: str, **fields: Any) -> Answer:
        """A command, as the page sends it."""
        body = json.dumps({"do": do, **fields}).encode()
        headers = {"Origin": f"http://{self.own}", "Content-Type": "application/json"}
        return self.ask("POST", "/command", headers, body)

    @contextmanager
    def events(self) -> Iterator[Iterator[Any]]:
        """The messages of the server, one after the other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/events", headers={"Host": self.own, "Cookie": self.cookie})
        response = connection.getresponse()
        assert response.status == 200

        def messages() -> Iterator[Any]:
            last = time.monotonic()
            while line := response.readline():
                assert time.monotonic() < last + PATIENCE
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
                    last = time.monotonic()

        try:
            yield messages()
        finally:
            connection.close()

    def raw(self, content: bytes) -> bytes:
        """What the server says to these bytes, whatever they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as link:
            found = b""
            try:
                link.sendall(content)
                link.shutdown(socket.SHUT_WR)
                while piece := link.recv(65536):
                    found += piece
                    if len(found) > 2**20:
                        break
            except ConnectionError:
                pass
            return found


@contextmanager
def served(session: LiveSession | None = None, **given: Any) -> Iterator[tuple[LiveControl, str]]:
    """A control and the address of its server."""
    control = LiveControl(session or small(), lambda choice: LiveSession(setup_of(choice), choice))
    with serving(control, **given) as server:
        yield control, server.address


class Copy:
    """What a page has after the messages that it got, as model.js has it."""

    def __init__(self) -> None:
        self.about: Any = None
        self.status: Any = None
        self.looks: Any = {}
        self.steps: list[int] = []
        self.arms: dict[str, Any] = {}

    def take(self, message: Any) -> None:
        self.status = message["status"]
        self.about = message.get("about", self.about)
        self.looks = message.get("looks", self.looks)
        if "curves" in message:
            found = message["curves"]
            if found["full"]:
                self.steps, self.arms = [], {}
            kept = [at for at, step in enumerate(self.steps) if step % found["every"] == 0]
            self.steps = [self.steps[at] for at in kept] + found["steps"]
            shape = len(self.about["series"]), len(self.about["seeds"]), len(found["steps"])
            for arm, text in found["arms"].items():
                new = np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)
                before = self.arms.get(arm, np.empty((*shape[:2], 0), np.float32))
                assert arm in self.arms or found["full"]
                self.arms[arm] = np.concatenate([before[:, :, kept], new], axis=2)


def until(condition: Callable[[], Any]) -> Any:
    """Waits until something is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found
