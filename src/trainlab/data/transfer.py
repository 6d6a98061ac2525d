"""What a mirror answers, read as untrusted input: in pieces, and within a time limit."""

from __future__ import annotations

import queue
import threading
import time
import urllib.parse
from collections.abc import Generator, Mapping
from typing import Any, Final

import requests
import urllib3

TIMEOUT: Final = (10.0, 30.0)
"""Seconds to connect, and between two packets of the answer."""
PATIENCE: Final = 60.0
SLOWEST: Final = 4000.0
"""n bytes of an answer must be here after PATIENCE seconds and n / SLOWEST more."""
REDIRECTS: Final = 10
_PIECE: Final = 1 << 16
_AHEAD: Final = 16
"""Pieces that may wait to be used."""
_LONGEST: Final = 200
"""Characters of an error that are shown."""


class MirrorError(Exception):
    """What is wrong with a mirror's answer; `lasting` if asking again cannot help."""

    def __init__(self, text: str, *, lasting: bool) -> None:
        super().__init__(text)
        self.lasting = lasting


class _NoRedirectSession(requests.Session):
    """Leaves redirects to `_ask`: following one, it would read all of its content first."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: the answer is the last."""


def transfer(url: str, headers: Mapping[str, str]) -> Generator[Any, None, None]:
    """The answer to a request, without its content; then the content in pieces.

    MirrorError for anything that goes wrong, and for an answer that comes too slowly.
    """
    # The limits of a network library hold for each packet, so that a mirror could send one byte
    # after another, in a header as well, for ever.  So a thread waits for it, and nothing waits
    # for the thread.
    arrived: queue.Queue[Any] = queue.Queue(_AHEAD)
    given_up = threading.Event()
    threading.Thread(target=_read, args=(url, headers, arrived, given_up), daemon=True).start()
    begin, received = time.monotonic(), 0
    try:
        while True:
            left = PATIENCE + received / SLOWEST - (time.monotonic() - begin)
            try:
                item = arrived.get(timeout=max(left, 0))
            except queue.Empty:
                spent = f"{received} bytes in {time.monotonic() - begin:.0f} s"
                raise MirrorError(f"too slow: {spent}", lasting=True) from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise MirrorError(_words(item), lasting=False) from item
            received += len(item) if isinstance(item, bytes) else 0
            yield item
    finally:
        given_up.set()


def _read(
    url: str, headers: Mapping[str, str], arrived: queue.Queue[Any], given_up: threading.Event
) -> None:
    """Puts the answer, the pieces of its content, and None or an exception into the queue."""

    def put(item: Any) -> None:
        while not given_up.is_set():
            try:
                return arrived.put(item, timeout=1)
            except queue.Full:
                continue
        raise InterruptedError

    try:
        try:
            with _NoRedirectSession() as session, _ask(session, url, headers) as answer:
                put(answer)
                body: urllib3.BaseHTTPResponse = answer.raw
                # By what has arrived: `stream` waits for all of a piece, and takes a chunk of a
                # negative size for one that never ends.
                while piece := body.read1(_PIECE, decode_content=False):
                    put(piece)
            put(None)
        except Exception as error:  # noqa: BLE001 - whatever a mirror makes the library raise
            put(error)
    except InterruptedError:
        pass


def _ask(session: requests.Session, url: str, headers: Mapping[str, str]) -> requests.Response:
    """The first answer that is not a redirect."""
    for _ in range(1 + REDIRECTS):
        answer = session.get(url, headers=dict(headers), stream=True, timeout=TIMEOUT)
        target = requests.Session.get_redirect_target(session, answer)
        if target is None:
            return answer
        answer.close()
        url = urllib.parse.urljoin(url, target)
    raise requests.TooManyRedirects(f"more than {REDIRECTS} redirects")


def _words(error: Exception) -> str:
    """The innermost reason of a chain of network errors, without object addresses."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    text = f"{type(error).__name__}: {text}"[:_LONGEST]
    return text if text.isprintable() else ascii(text)
