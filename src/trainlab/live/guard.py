"""Who may speak to the server: only pages that it served itself, to somebody with its token.

Everything is refused that is not expressly allowed, before any route sees it.  A name that was
made to point at this machine has another Host, a page of another site has another Origin, and a
program of another user has no token.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY: Final = 2**16
"""The largest body of a request, where nothing else is said."""
HEAD: Final = 2**14
"""The most bytes of a path with its query, and of all headers."""
READING: Final = ("GET", "HEAD")


class Guard:
    """Refuses what is not allowed, and gives every answer its headers.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    hosts : list of str
        Values of Host that are this server, as "127.0.0.1:8000".
    token : str
        What the address has that is printed.
    framed : bool
        Whether a notebook on this machine may show the page in a frame.
    bodies : dict of int
        Paths to which more than BODY bytes may be sent, and how many.
    """

    def __init__(
        self,
        app: ASGI,
        hosts: Sequence[str],
        token: str,
        framed: bool = False,
        bodies: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app, self._bodies = app, bodies
        self._hosts = frozenset(hosts)
        self._origins = frozenset(f"http://{host}" for host in hosts)
        self._token, self._secret = token, secrets.token_urlsafe(32)
        self._once = set[str]()
        port = hosts[0].rpartition(":")[2]
        self._cookie = f"trainlab_{port}"  # cookies do not know of ports
        ancestors = "http://localhost:* http://127.0.0.1:*" if framed else "'none'"
        self._headers = [
            (b"content-security-policy", _policy(ancestors).encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cache-control", b"no-store"),
        ]

    def ticket(self) -> str:
        """Another token, which works once: all users of a machine see what its commands are given.

        Who opens a browser gives it this one; by the time that somebody else reads it, it is spent.
        """
        made = secrets.token_urlsafe(24)
        self._once.add(made)
        return made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._headers]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(guarded, *refusal)
        elif self._brings_token(scope):
            cookie = f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"
            headers = [(b"location", b"/"), (b"set-cookie", cookie.encode("ascii"))]
            await _answer(guarded, 303, "", headers)
        elif not self._has_cookie(scope):
            await _answer(guarded, 403, "Open the address that trainlab has printed.")
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """What is wrong with a request, whoever sent it."""
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 403, "This is not the name of this server."
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > HEAD:
            return 414, "The address is too long."
        if sum(len(key) + len(value) for key, value in scope["headers"]) > HEAD:
            return 431, "The headers are too large."
        is_reading = scope["method"] in READING
        if len(origins) > 1 or not all(one.lower() in self._origins for one in origins):
            return 403, "Pages of other sites may not ask."
        of_others = any(one != "same-origin" for one in _values(scope, b"sec-fetch-site"))
        if not is_reading and (not origins or scope["method"] != "POST" or of_others):
            return 403, "Only pages of this server may ask for this."
        sizes, in_pieces = _values(scope, b"content-length"), _values(scope, b"transfer-encoding")
        if is_reading:
            has_body = any(one.strip() != "0" for one in sizes)
            return (400, "A request that reads has no body.") if has_body or in_pieces else None
        # In pieces it could be longer than it says.
        if in_pieces or len(sizes) != 1 or not (sizes[0].isascii() and sizes[0].isdigit()):
            return 411, "A request says how long it is."
        if len(sizes[0]) > 9 or int(sizes[0]) > self._bodies.get(scope["path"], BODY):
            return 413, "The request is too large."
        return None

    def _brings_token(self, scope: Scope) -> bool:
        if scope["method"] != "GET" or scope["path"] != "/":
            return False
        try:
            given = parse_qs(scope["query_string"].decode("ascii"), max_num_fields=4)
        except ValueError:
            return False
        token = given.get("token", [""])[0]
        spent = {one for one in self._once if _same(token, one)}
        self._once -= spent
        return bool(spent) or _same(token, self._token)

    def _has_cookie(self, scope: Scope) -> bool:
        # Other servers of this machine have cookies here, too, and may write them as they like:
        # Python's own parser reads none where one is not as it should be.
        for value in _values(scope, b"cookie"):
            for part in value.split(";"):
                name, _, given = part.strip().partition("=")
                if name == self._cookie and _same(given, self._secret):
                    return True
        return False


def _policy(ancestors: str) -> str:
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode("ascii"))


async def _answer(
    send: Send, status: int, text: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    body = text.encode("utf-8")
    own = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode("ascii")),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})
