"""Downloads, against servers on this machine: retried, resumed, verified, bounded."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import threading
import time
import urllib.parse

import numpy as np
import pytest

from trainlab.data import download, transfer
from trainlab.data.download import ATTEMPTS, fetch
from trainlab.data.idx import IdxFile
from trainlab.errors import DownloadError

PIXELS = np.random.default_rng(0).integers(4, size=(20, 12, 7), dtype=np.uint8)
CONTENT = bytes([0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 12, 0, 0, 0, 7]) + PIXELS.tobytes()
FILE = IdxFile("some-idx3-ubyte", PIXELS.shape, hashlib.sha256(CONTENT).hexdigest())
PACKED = gzip.compress(CONTENT, 6, mtime=0)
OTHER = gzip.compress(CONTENT, 1, mtime=1)
HALF = len(PACKED) // 2


class Mirror:
    """A server that plays a list of parts, one per request; the last is repeated."""

    def __init__(self, *parts):
        self.parts, self.ranges, self.paths = list(parts), [], []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.ranges.append(self.headers.get("Range"))
                mirror.paths.append(self.path)
                part = mirror.parts.pop(0) if len(mirror.parts) > 1 else mirror.parts[0]
                part(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mnist/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def send(handler, status, body, length=None, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if length is not False:
        handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def whole(body=PACKED, **headers):
    return lambda handler: send(handler, 200, body, **headers)


def status(code):
    return lambda handler: send(handler, code, b"no")


def cut(count=HALF, body=PACKED):
    return lambda handler: send(handler, 200, body[:count], length=len(body))


def ranged(body=PACKED, upto=None):
    def part(handler):
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        extent = f"bytes {start}-{len(body) - 1}/{len(body)}"
        left = len(body) - start
        send(handler, 206, body[start:upto], length=left, Content_Range=extent)

    return part


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    opened = []

    def make(*parts):
        opened.append(Mirror(*parts))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def get(folder, *mirrors, **options):
    options.setdefault("pause", lambda seconds: None)
    return fetch(FILE, folder, [getattr(each, "url", each) for each in mirrors], **options)


def assert_only(folder, name, content=PACKED):
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == content


def test_a_sound_file_gets_its_name_and_nothing_else_is_left(tmp_path, mirror):
    one, seen = mirror(whole()), []
    path = get(tmp_path / "new" / "folder", one, report=lambda *now: seen.append(now))
    assert_only(tmp_path / "new" / "folder", "some-idx3-ubyte.gz")
    np.testing.assert_array_equal(FILE.read(path), PIXELS)
    assert one.paths == ["/mnist/some-idx3-ubyte.gz"]
    assert seen[-1] == (len(PACKED), len(PACKED))


def test_a_mirror_that_sends_it_uncompressed_is_as_good(tmp_path, mirror):
    get(tmp_path, mirror(whole(CONTENT)))
    assert_only(tmp_path, "some-idx3-ubyte", CONTENT)


def test_content_encoding_does_not_change_the_bytes(tmp_path, mirror):
    get(tmp_path, mirror(whole(Content_Encoding="gzip")))
    assert_only(tmp_path, "some-idx3-ubyte.gz")


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_mirror_without_the_file_is_asked_once(tmp_path, mirror, code):
    broken, good = mirror(status(code)), mirror(whole())
    get(tmp_path, broken, good)
    assert (len(broken.paths), len(good.paths)) == (1, 1)
    assert_only(tmp_path, "some-idx3-ubyte.gz")


@pytest.mark.parametrize("code", [408, 429, 500, 503])
def test_a_passing_fault_is_retried_with_growing_pauses(tmp_path, mirror, code):
    one, pauses = mirror(status(code), status(code), whole()), []
    get(tmp_path, one, pause=pauses.append)
    assert pauses == [download.FIRST_PAUSE, 2 * download.FIRST_PAUSE]
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_mirror_that_stays_broken_gives_way_after_its_attempts(tmp_path, mirror):
    broken, good = mirror(status(500)), mirror(whole())
    get(tmp_path, broken, good)
    assert len(broken.paths) == ATTEMPTS
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_refused_connection_gives_way(tmp_path, mirror):
    gone = mirror(whole())
    gone.server.server_close()  # the port is free again, and nobody listens
    get(tmp_path, gone, mirror(whole()))
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_cut_body_is_continued_where_it_broke(tmp_path, mirror):
    one = mirror(cut(), ranged(upto=HALF + 100), ranged())
    get(tmp_path, one)
    assert one.ranges == [None, f"bytes={HALF}-", f"bytes={HALF + 100}-"]
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_mirror_that_ignores_the_range_starts_again(tmp_path, mirror):
    one = mirror(cut(), whole())
    get(tmp_path, one)
    assert one.ranges == [None, f"bytes={HALF}-"]
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_continuation_from_elsewhere_in_the_file_is_not_appended(tmp_path, mirror):
    def shifted(handler):
        send(handler, 206, PACKED[HALF + 1 :], Content_Range=f"bytes {HALF + 1}-9999/9999")

    one, seen = mirror(cut(), shifted, whole()), []
    get(tmp_path, one, report=lambda done, total: seen.append(done))
    assert seen == [HALF, len(PACKED)]
    assert one.ranges == [None, f"bytes={HALF}-", None]
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_range_that_is_refused_starts_again(tmp_path, mirror):
    one = mirror(cut(), status(416), whole())
    get(tmp_path, one)
    assert one.ranges == [None, f"bytes={HALF}-", None]


def test_a_file_that_changed_between_the_halves_is_fetched_whole(tmp_path, mirror):
    one = mirror(cut(), ranged(OTHER), whole(OTHER))
    get(tmp_path, one)
    assert one.ranges == [None, f"bytes={HALF}-", None]
    assert_only(tmp_path, "some-idx3-ubyte.gz", OTHER)


def test_a_later_run_continues_what_an_earlier_one_left(tmp_path, mirror):
    one = mirror(cut(), status(500), status(500), ranged())
    with pytest.raises(DownloadError):
        get(tmp_path, one)
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part")
    assert left.read_bytes() == PACKED[:HALF]
    get(tmp_path, one)
    assert one.ranges[-1] == f"bytes={HALF}-"
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_an_interrupt_keeps_what_has_come(tmp_path, mirror):
    def interrupt(done, total):
        raise KeyboardInterrupt

    one = mirror(cut(), ranged())
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path, one, report=interrupt)
    get(tmp_path, one)
    assert one.ranges[0] is None
    assert one.ranges[1].startswith("bytes=")
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_partial_file_that_is_being_written_is_left_alone(tmp_path, mirror):
    one = mirror(cut(), status(404), whole())
    with pytest.raises(DownloadError):
        get(tmp_path, one)
    (left,) = tmp_path.iterdir()
    os.utime(left)  # as its writer, another process, would
    get(tmp_path, one)
    assert one.ranges[-1] is None
    assert left.read_bytes() == PACKED[:HALF]


WRONG = {
    "another array": gzip.compress(CONTENT[:-1] + b"x"),
    "a page": b"<html>Please log in to this network</html>",
    "nothing": b"",
    "half of it": PACKED[:HALF],
    "a bomb": gzip.compress(CONTENT + bytes(1 << 20)),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_wrong_content_goes_to_the_next_mirror_and_never_gets_the_name(tmp_path, mirror, body):
    wrong, good = mirror(whole(body)), mirror(whole(OTHER))
    get(tmp_path, wrong, good)
    assert len(wrong.paths) == 1
    assert_only(tmp_path, "some-idx3-ubyte.gz", OTHER)
    with pytest.raises(DownloadError, match="wrong content"):
        get(tmp_path / "alone", wrong)
    assert list((tmp_path / "alone").iterdir()) == []


@pytest.mark.parametrize(
    ("length", "words", "most"),
    [(None, "bytes where", 0), (False, "more than the", 1 << 16)],
    ids=["declared", "undeclared"],
)
def test_an_endless_answer_is_cut_off(tmp_path, mirror, length, words, most):
    one, seen = mirror(whole(bytes(8 << 20), length=length)), [0]
    with pytest.raises(DownloadError, match=words):
        get(tmp_path, one, report=lambda done, total: seen.append(done))
    assert max(seen) <= most
    assert len(one.paths) == 1
    assert list(tmp_path.iterdir()) == []


def plain(*lines, body=b""):
    """An answer byte by byte: http.server would not write such lines."""

    def part(handler):
        handler.wfile.write(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", body]))

    return part


def moved(target):
    def part(handler):
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\n\r\n")

    return part


CHUNKED = b"Transfer-Encoding: chunked"
NONSENSE = {
    "a length of 5,000 digits": plain(b"Content-Length: " + b"9" * 5000, body=PACKED),
    "a length of letters": plain(b"Content-Length: many", body=PACKED[:HALF]),
    "two lengths": plain(b"Content-Length: 5, 6", body=PACKED),
    "a chunk of a negative size": plain(CHUNKED, body=b"-5\r\n" + PACKED),
    "a chunk of -1": plain(CHUNKED, body=b"-1\r\n" + bytes(1 << 22)),
    "a chunk of no size": plain(CHUNKED, body=b"size\r\n" + PACKED),
    "a chunk that is cut": plain(CHUNKED, body=b"ffff\r\n" + PACKED[:HALF]),
    "no http": lambda handler: handler.wfile.write(b"\xff\xfe nonsense\r\n\r\n"),
    "nothing": lambda handler: None,
    "headers without end": plain(*[b"X: y"] * 200),
    "moved to no address": moved(b"http://["),
    "moved to an empty label": moved(b"http://.example/"),
    "moved to no port": moved(b"http://127.0.0.1:99999999/"),
    "moved to a file": moved(b"file:///etc/passwd"),
    "moved to bytes": moved(b"/\xff\xfe"),
    "moved to itself": moved(b""),
    "moved for ever": moved(b"/again"),
    "moved to a terminal's commands": moved(b"gopher://\x1b[31m/"),
}


@pytest.mark.parametrize("part", NONSENSE.values(), ids=NONSENSE)
def test_a_nonsensical_answer_gives_way_to_the_next_mirror(tmp_path, mirror, part):
    bad = mirror(part)
    get(tmp_path / "one", bad, mirror(whole()))
    packed = tmp_path / "one" / "some-idx3-ubyte.gz"
    assert packed.read_bytes() == PACKED
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        get(tmp_path / "two", bad)
    assert str(caught.value).replace("\n", "").isprintable()
    assert len(str(caught.value)) < 600


def test_a_redirect_is_followed_and_its_own_content_left(tmp_path, mirror):
    good = mirror(whole())

    def there(handler):
        target = f"{good.url}there"
        send(handler, 302, bytes(8 << 20), length=1 << 40, Location=target)

    get(tmp_path, mirror(there))
    assert good.paths == ["/mnist/there"]
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def drip(start, each=b"x", seconds=0.05):
    def part(handler):
        handler.wfile.write(start)
        for _ in range(200):
            handler.wfile.write(each)
            time.sleep(seconds)

    return part


OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "the first line": drip(b"HTTP/1.1"),
    "a header": drip(OK + b"X: "),
    "provisional answers": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the content": drip(OK + b"Content-Length: %d\r\n\r\n" % len(PACKED)),
    "a chunk": drip(OK + CHUNKED + b"\r\n\r\nfff\r\n"),
    "the size of a chunk": drip(OK + CHUNKED + b"\r\n\r\n", b"0"),
    "trailers": drip(OK + CHUNKED + b"\r\n\r\n0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("part", DRIPS.values(), ids=DRIPS)
def test_a_mirror_that_drips_gives_way(tmp_path, mirror, part, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 0.3)
    slow = mirror(part)
    with pytest.raises(DownloadError, match=r"too slow: \d+ bytes in \d+ s"):
        get(tmp_path, slow)
    assert len(slow.paths) == 1  # asking again would take as long


def test_after_a_slow_mirror_comes_the_next(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 2.0)
    slow, good = mirror(DRIPS["the content"]), mirror(whole())
    get(tmp_path, slow, good)
    assert (tmp_path / "some-idx3-ubyte.gz").read_bytes() == PACKED


def test_a_slow_line_has_time_for_what_it_brings(tmp_path, mirror, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 2.0)
    monkeypatch.setattr(transfer, "SLOWEST", 100.0)

    def slow(handler):
        handler.wfile.write(OK + b"Content-Length: %d\r\n\r\n" % len(PACKED))
        for first in range(0, len(PACKED), 100):
            handler.wfile.write(PACKED[first : first + 100])
            time.sleep(2.5 * 100 / len(PACKED))

    get(tmp_path, mirror(slow))
    assert_only(tmp_path, "some-idx3-ubyte.gz")


def test_a_planted_link_is_not_written_through(tmp_path, mirror):
    victim, one = tmp_path / "victim", mirror(whole())
    victim.write_bytes(b"precious")
    os.utime(victim, (0, 0))
    host = urllib.parse.quote(urllib.parse.urlsplit(one.url).netloc, safe="")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / f".some-idx3-ubyte.{host}.1.1.part").symlink_to(victim)
    get(folder, one)
    assert victim.read_bytes() == b"precious"


def test_all_mirrors_down_is_one_error_with_each_reason_and_a_remedy(tmp_path, mirror):
    first, second, third = mirror(status(404)), mirror(status(503)), mirror(whole(b"?"))
    with pytest.raises(DownloadError) as caught:
        get(tmp_path, first, second, third)
    text = str(caught.value)
    for each, reason in [(first, "404"), (second, "503"), (third, "wrong content")]:
        (line,) = [line for line in text.splitlines() if each.url in line]
        assert reason in line
    assert "some-idx3-ubyte" in text
    assert "--data-dir" in text
    assert "TRAINLAB_DATA" in text


def test_a_folder_that_cannot_be_made_is_named(tmp_path, mirror):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"could not be written to .*file"):
        get(tmp_path / "file" / "folder", mirror(whole()))
