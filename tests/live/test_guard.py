"""Who may speak to the server: every route and method, with whatever an attacker may send."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import trainlab as tl

pytest.importorskip("starlette", reason="trainlab[live] is not installed")
pytest.importorskip("uvicorn", reason="trainlab[live] is not installed")

from live_pages import Client, served
from live_runs import small
from trainlab.live.control import LiveControl
from trainlab.live.guard import BODY
from trainlab.live.server import EXPORTS, LiveServer, application, assets, serving
from trainlab.pages.markup import asset

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")
HOSTILE_REQUESTS = 1000


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Any, Client]]:
    with served() as (control, address):
        yield control, Client(address).enter()


def paths(control: Any) -> list[str]:
    """A path of every route of the application, and some that it does not have."""
    found = []
    for route in application(control).routes:
        path = str(route.path)  # type: ignore[attr-defined]
        names = ["index.html", "main.js"] if "static" in path else ["log.json", "results.csv"]
        found += [path.replace("{name}", name) for name in names] if "{" in path else [path]
    assert {"/", "/events", "/command", "/offers", "/static/main.js"} <= set(found)
    return [*found, "/static/../session.py", "/..%2f..%2fetc/passwd", "/nothing"]


def attacks(own: str, cookie: str) -> dict[str, dict[str, str]]:
    """What pages of others, and programs without the token, would send."""
    port = own.rpartition(":")[2]
    name = cookie.partition("=")[0]
    return {
        "no cookie": {"Cookie": ""},
        "another cookie": {"Cookie": f"{name}=guessed"},
        "the cookie of another port": {"Cookie": cookie.replace(port, "1")},
        "a broken cookie": {"Cookie": 'a="\x01; ' + name},
        "a foreign host": {"Host": "evil.example"},
        "a host with our port": {"Host": f"evil.example:{port}"},
        "a rebound name": {"Host": f"evil.example:{port}", "Origin": f"http://evil.example:{port}"},
        "a host without a port": {"Host": "127.0.0.1"},
        "a host with another port": {"Host": "127.0.0.1:1"},
        "a host that ends like ours": {"Host": f"evil.example.{own}"},
        "no host": {"Host": ""},
        "a foreign origin": {"Origin": "http://evil.example"},
        "an opaque origin": {"Origin": "null"},
        "an origin with another port": {"Origin": "http://127.0.0.1:1"},
        "an origin with another scheme": {"Origin": f"https://{own}"},
        "an origin that begins like ours": {"Origin": f"http://{own}.evil.example"},
    }


def test_every_route_and_method_refuses_every_attack(place: tuple[Any, Client]) -> None:
    control, client = place
    before, tried = control.snapshot.status, 0
    body = json.dumps({"do": "run"}).encode()
    for path in paths(control):
        for method in METHODS:
            for name, headers in attacks(client.own, client.cookie).items():
                given = {"Origin": f"http://{client.own}"} if method not in ("GET", "HEAD") else {}
                given |= {"Content-Type": "application/json"} | headers
                content = body if method not in ("GET", "HEAD") else None
                answer = client.ask(method, path, given, content)
                assert 400 <= answer.status < 500, (method, path, name, answer)
                assert len(answer.body) < 100, (method, path, name)
                assert "set-cookie" not in answer.headers
                tried += 1
    assert tried > 1500
    assert control.snapshot.status == before


def test_what_is_changed_needs_an_origin(place: tuple[Any, Client]) -> None:
    control, client = place
    before, body = control.snapshot.status, json.dumps({"do": "run"}).encode()
    origin = {"Origin": f"http://{client.own}"}
    for headers in (
        {},
        {**origin, "Sec-Fetch-Site": "cross-site"},
        {**origin, "Sec-Fetch-Site": "same-site"},
        {**origin, "Sec-Fetch-Site": "none"},
    ):
        given = {"Content-Type": "application/json", **headers}
        assert client.ask("POST", "/command", given, body).status == 403
    for method in set(METHODS) - {"GET", "HEAD", "POST"}:
        assert client.ask(method, "/command", origin, body).status == 403
    for path in ("/", "/events", "/offers", "/static/main.js", "/export/log.json"):
        assert client.ask("POST", path, origin, body).status == 405
    assert client.ask("GET", "/command").status == 405
    assert client.ask("POST", "/command", origin, body).status == 415  # a form of another site
    assert control.snapshot.status == before


def test_the_token_is_exchanged_for_a_cookie_that_no_script_reads(
    place: tuple[Any, Client],
) -> None:
    _, client = place
    guest = Client(f"http://{client.own}/?{client.token}")
    answer = guest.ask("GET", f"/?{client.token}")
    assert answer.status == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert client.token.partition("=")[2] not in cookie
    for path in (f"/offers?{client.token}", f"/events?{client.token}", "/?token=", "/?token=x"):
        assert guest.ask("GET", path).status == 403
    assert guest.ask("GET", "/?token=%ff%fe&" + "a=1&" * 50).status == 403
    assert guest.ask("HEAD", f"/?{client.token}").status == 403


def test_what_a_browser_is_opened_with_works_once() -> None:
    """All users of a machine can read with which words its commands were begun."""
    control = LiveControl(small(), lambda choice: small())
    with serving(control) as server:
        first, second = Client(server.invitation()), Client(server.invitation())
        assert first.token not in (second.token, Client(server.address).token)
        assert first.ask("HEAD", f"/?{first.token}").status == 403
        assert first.ask("GET", f"/?{first.token}", {"Host": "evil.example"}).status == 403
        first.enter()
        assert first.ask("GET", "/offers").status == 200
        late = Client(f"http://{first.own}/?{first.token}")
        assert late.ask("GET", f"/?{late.token}").status == 403
        assert first.ask("GET", f"/?{first.token}").status == 200  # reloaded, with its cookie
        second.enter()
        for _ in range(2):
            Client(server.address).enter()


@pytest.mark.parametrize("other", ['state={"a": [1, 2]}', 'a="b', "=", "ü", "a b=c, d", ";;"])
def test_cookies_of_other_servers_here_do_not_shut_the_owner_out(
    place: tuple[Any, Client], other: str
) -> None:
    """Cookies do not know of ports: the browser sends those of any server of this machine."""
    _, client = place
    for cookie in (f"{other}; {client.cookie}", f"{client.cookie}; {other}"):
        headers = {"Cookie": cookie.encode().decode("latin-1")}
        assert client.ask("GET", "/offers", headers).status == 200
    assert client.ask("GET", "/offers", {"Cookie": f"{other}; x{client.cookie}"}).status == 403


def test_every_answer_has_its_headers(place: tuple[Any, Client]) -> None:
    control, client = place
    for path in paths(control):
        if path == "/events":
            continue
        for headers in ({}, {"Cookie": ""}, {"Host": "evil"}):
            answer = client.ask("GET", path, headers)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cache-control"] == "no-store"
            assert "server" not in answer.headers


def test_pages_hold_no_markup_of_their_own_making() -> None:
    """No inline script or style, no text as markup, nothing from elsewhere."""
    for name, (content, _) in assets().items():
        text = content.decode("utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, (name, word)
        assert "new Function" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")
        assert "https://" not in text
        if name.endswith(".html"):
            assert "style=" not in text
            assert text.count("<script") == text.count('<script type="module" src="/static/')


def test_numbers_and_axes_are_those_of_the_report() -> None:
    """One module says values and places ticks, on every page with a chart."""
    sent = {name: content.decode("utf-8") for name, (content, _) in assets().items()}
    shared = sent.pop("numbers.js")
    assert shared == asset("numbers.js")
    for name in re.findall(r"export (?:const|function) (\w+)", shared):
        again = re.compile(rf"(?:function|const) {name}\b")
        assert not [one for one, text in sent.items() if again.search(text)], name


def test_sizes_are_limited(place: tuple[Any, Client]) -> None:
    _, client = place
    origin = {"Origin": f"http://{client.own}", "Content-Type": "application/json"}
    assert client.ask("POST", "/command", origin, b" " * (BODY + 1)).status == 413
    assert client.ask("POST", "/command", origin, b" " * BODY).status == 400
    long = {**origin, "Content-Length": "9" * 30}
    assert client.ask("POST", "/command", long).status in (400, 413)
    assert client.ask("POST", "/command", {**origin, "Content-Length": "-1"}).status in (400, 411)
    chunked = {**origin, "Transfer-Encoding": "chunked"}
    assert client.ask("POST", "/command", chunked).status == 411
    assert client.ask("POST", "/command", chunked, b"0\r\n\r\n").status == 411  # with a length, too
    assert client.ask("GET", "/", {"Content-Length": "5"}).status == 400
    assert client.ask("GET", "/" + "a" * 10**5).status in (400, 414, 431)
    assert client.ask("GET", "/", {"X": "a" * 10**5}).status in (400, 431)


def test_names_never_become_paths(place: tuple[Any, Client]) -> None:
    _, client = place
    names = ["..", "../__init__.py", "%2e%2e%2fserver.py", "/etc/passwd", "a" * 5000, "main.js%00"]
    for name in names:
        for folder in ("static", "export"):
            answer = client.ask("GET", f"/{folder}/{name}")
            assert answer.status == 404
            assert b"import" not in answer.body
    assert all(client.ask("GET", f"/export/{name}").status == 200 for name in EXPORTS)


def test_a_thousand_hostile_requests(place: tuple[Any, Client], rng: np.random.Generator) -> None:
    """Bytes, headers, paths and JSON at random, with the cookie and without: never a 500."""
    control, client = place
    seen: dict[int, int] = {}
    pieces = [
        "run",
        "begin",
        "undo",
        "clone",
        "__class__",
        "SGD",
        "../",
        "\x00",
        "<script>",
        "é",
        "",
    ]

    def anything(depth: int = 0) -> Any:
        kind = int(rng.integers(9 if depth < 3 else 6))
        if kind < 6:
            return [None, True, int(rng.integers(-9, 9)), 1e308, "x" * 300, rng.choice(pieces)][
                kind
            ]
        if kind == 6:
            return [anything(depth + 1) for _ in range(3)]
        return {str(rng.choice([*pieces, "do", "arm", "to", "fields"])): anything(depth + 1)}

    def command() -> bytes:
        choice = int(rng.integers(5))
        if choice == 0:
            return rng.bytes(int(rng.integers(1, 400)))
        if choice == 1:
            return (b"[" * 20_000, b'{"do":' * 9_000, b'"\xff"', b"NaN", b"1e99999", b"")[
                int(rng.integers(6))
            ]
        found = anything()
        if choice > 2 and isinstance(found, dict):
            found["do"] = rng.choice(["begin", "change", "stop", "clone", "undo", "speed", "test"])
            found |= {
                "choice": {"choice": anything()},
                "change": {"arm": anything(), "fields": anything()},
                "clone": {"arm": "SGD", "fields": anything()},
                "undo": {"to": anything()},
                "speed": {"value": anything()},
            }.get(str(found["do"]), {})
        return json.dumps(found, default=str).encode("utf-8", "surrogatepass")

    for number in range(HOSTILE_REQUESTS):
        if number % 4:
            headers = {"Origin": f"http://{client.own}", "Content-Type": "application/json"}
            answer = client.ask("POST", "/command", headers, command())
            status, body = answer.status, answer.body
        else:
            lines = [
                b"GET /" + rng.bytes(int(rng.integers(30))) + b" HTTP/1.1\r\n",
                f"Host: {client.own}\r\nCookie: {client.cookie}\r\n".encode(),
                rng.bytes(20) + b": " + rng.bytes(20) + b"\r\n" if rng.random() < 0.5 else b"",
                b"Connection: close\r\n\r\n" if rng.random() < 0.8 else b"\r\n",
            ]
            body = client.raw(b"".join(lines) if rng.random() < 0.7 else rng.bytes(200))
            first = body.split(b" ", 2)
            status = int(first[1]) if len(first) > 2 and first[1].isdigit() else 0
        seen[status] = seen.get(status, 0) + 1
        assert status < 500, (number, status, body)
        assert b"Traceback" not in body
        assert b"site-packages" not in body
    assert seen[400] > 300
    assert control.error is None
    assert client.do("pause").status == 200


def test_it_listens_on_this_machine_alone(place: tuple[Any, Client]) -> None:
    control, client = place
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.2", client.port), 2)
    for host in ("0.0.0.0", "", "::"):  # noqa: S104  # which is refused
        with pytest.raises(tl.SettingError, match="host of the server must be one address"):
            LiveServer(control, host=host)
    with pytest.raises(tl.SettingError, match=r"address of the server must be free.*try port=0"):
        LiveServer(control, port=client.port)
    for host in ("192.0.2.1", "999.1.1.1"):  # of no machine; no address
        with pytest.raises(tl.SettingError, match=r"of this machine.*try host='127\.0\.0\.1'"):
            LiveServer(control, host=host)


def test_a_notebook_may_show_the_page_in_a_frame() -> None:
    with served(framed=True) as (_, address):
        client = Client(address)
        assert client.host == "localhost"
        policy = client.enter().ask("GET", "/").headers["content-security-policy"]
        assert "frame-ancestors http://localhost:* http://127.0.0.1:*" in policy
