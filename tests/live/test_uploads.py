"""Tables that pages send: read as `--csv` reads them, and nothing more."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import trainlab as tl
from trainlab.cli import main
from trainlab.data.arrays import content_of
from trainlab.live import start
from trainlab.live import uploads as room
from trainlab.live.choices import GivenData, setup_of
from trainlab.live.kept import log_of
from trainlab.live.session import LiveSession
from trainlab.live.setup import load_source, load_table, revived
from trainlab.live.uploads import Uploads

FOREIGN = ["../../etc/passwd", "/etc/passwd", "a\0b", "<img src=x>", "", " ", "x" * 5000, "\u202e"]


def table(rows: int = 60) -> bytes:
    """Numbers, words and dates, of which some are missing, and rows without a target."""
    draw = random.Random(3)  # noqa: S311  # no secret
    lines = ["size,colour,day,kind"]
    for row in range(rows):
        size = "" if row % 11 == 5 else f"{draw.gauss(row % 2, 1):.3f}"
        kind = "" if row % 13 == 7 else ("new", "old")[row % 2]
        lines.append(f"{size},{draw.choice(['red', 'blue'])},2024-01-{row % 28 + 1:02},{kind}")
    return "\n".join(lines).encode() + b"\n"


def chosen(key: str, **other: Any) -> dict[str, Any]:
    """What a page says of a table."""
    given = {"title": "mine.csv", "target": "kind", "drop": [], "drop_missing_target": True}
    return {"name": "table", "table": key, **given, "decimal": None, **other}


def choice(data: dict[str, Any]) -> dict[str, Any]:
    base = {"hidden": [4], "optimizer": "adam", "lr": 0.01}
    return {"data": data, "base": base, "arms": [{}], "seeds": 2, "batch_size": 10}


@pytest.fixture
def kept(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "tables")


def test_a_table_is_read_as_by_the_command_line(kept: Uploads, tmp_path: Path) -> None:
    about = kept.add(table(), "mine.csv")
    assert about["columns"] == ["size", "colour", "day", "kind"]
    assert (about["title"], kept.known) == ("mine.csv", [about])
    data, source = kept.load(chosen(about["table"], drop=["colour"]))
    (tmp_path / "same.csv").write_bytes(table())
    own = load_table(str(tmp_path / "same.csv"), "kind", ["colour"], drop_missing_target=True)
    assert content_of(data) == content_of(own)
    assert data.name == "mine.csv"
    assert source["csv"] == str(tmp_path / "tables" / f"{about['table']}.csv")
    assert kept.load(chosen(about["table"], drop=["colour"]))[0] is data  # read once


def test_the_command_takes_what_its_notes_and_errors_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    houses = ["12A" if row % 3 == 2 else row % 44 for row in range(60)]
    rows = [f"{house},{row},2024-01-0{row % 5 + 1}" for row, house in enumerate(houses)]
    (tmp_path / "t.csv").write_text("\n".join(["house,id,day", *rows]), "utf-8")
    seen = []

    def opened(given: GivenData, **_: Any) -> None:
        seen.append(given)
        raise SystemExit

    monkeypatch.setattr(start, "opened", opened)
    words = ["live", "--csv", str(tmp_path / "t.csv"), "--target", "day"]
    assert "or --words house" in CliRunner().invoke(main, words).output
    CliRunner().invoke(
        main, [*words, "--words", "house", "--use", "id", "--task", "classification"]
    )
    source = seen[0].source
    assert source is not None
    again = load_source(json.loads(json.dumps(source)), trusted=True)
    assert content_of(again) == content_of(seen[0].data)
    assert (source["words"], source["use"], source["task"]) == (["house"], ["id"], "classification")


def test_the_command_tells_the_warnings_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{-999 if row % 7 == 6 else 20 + row % 40},{'ab'[row % 2]}" for row in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["age,kind", *rows]), "utf-8")
    monkeypatch.setattr(start, "opened", lambda **_: sys.exit(0))
    words = ["live", "--csv", str(tmp_path / "t.csv"), "--target", "kind"]
    assert "Warning: 'age' has -999 in 14% of the rows" in CliRunner().invoke(main, words).output


def test_a_session_on_it_trains_and_is_had_again(kept: Uploads) -> None:
    about = kept.add(table(), "mine.csv")
    session = LiveSession(setup_of(choice(chosen(about["table"])), uploads=kept))
    session.advance_to(5)
    assert np.isfinite(session.curves.values("network")[:, :, 0]).all()
    described = json.loads(json.dumps(session.setup.described()))
    assert content_of(revived(described, "log").data) == content_of(session.setup.data)


@pytest.mark.parametrize("title", FOREIGN)
def test_titles_are_shown_and_are_part_of_no_path(
    kept: Uploads, tmp_path: Path, title: str
) -> None:
    about = kept.add(table(), title)
    assert 0 < len(about["title"]) <= 80
    assert about["title"].isprintable()
    assert [one.name for one in (tmp_path / "tables").iterdir()] == [f"{about['table']}.csv"]
    data, _ = kept.load(chosen(about["table"], title=title))
    assert data.name.isprintable()


@pytest.mark.parametrize(
    "key", ["", "..", "../secret", "../" * 22, "A" * 64, "0" * 64, None, 3, ["0"], {}]
)
def test_keys_are_digests_of_tables_that_were_sent(kept: Uploads, tmp_path: Path, key: Any) -> None:
    (tmp_path / "secret.csv").write_bytes(table())
    kept.add(table(), "mine.csv")
    with pytest.raises(tl.SettingError, match="table of a live session must be"):
        kept.load(chosen(key))
    with pytest.raises(tl.SettingError, match="be named by its SHA-256"):
        kept.load(chosen(str(tmp_path / "secret")))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"target": "none"}, "none"),
        ({"target": None}, "target of a table must be text"),
        ({"target": ["kind"]}, "target of a table must be text"),
        ({"title": 3}, "title of a table must be text"),
        ({"drop": "size"}, "drop of a table must be a list"),
        ({"drop": [{}]}, "drop of a table must be a list"),
        ({"drop": ["kind"]}, "target"),
        ({"drop": ["nothing"]}, "nothing"),
        ({"drop_missing_target": "yes"}, "drop_missing_target of a table must be True or False"),
        ({"decimal": ["point"]}, "decimal"),
        ({"decimal": "x"}, "decimal"),
        ({"csv": "/etc/passwd"}, "have the fields"),
        ({"drop_missing_target": False}, "try to leave out rows without a target"),
    ],
)
def test_choices_that_cannot_be(kept: Uploads, other: dict[str, Any], what: str) -> None:
    key = kept.add(table(), "mine.csv")["table"]
    with pytest.raises((tl.SettingError, tl.DataError), match=what) as caught:
        setup_of(choice(chosen(key, **other)), uploads=kept)
    assert key not in str(caught.value)  # a person knows the table by its title


def test_a_remedy_of_the_command_is_called_so(kept: Uploads) -> None:
    rows = "\n".join(f"{'12A' if row % 9 == 8 else row},{row % 2}" for row in range(60))
    key = kept.add(f"house,kind\n{rows}\n".encode(), "mine.csv")["table"]
    with pytest.raises(tl.DataError, match="leave out house, or trainlab live with --words house"):
        setup_of(choice(chosen(key)), uploads=kept)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"a,b\n",
        b"\0" * 100,
        b"\xff\xfe" + b"a" * 100,
        gzip.compress(table()),
        b"PK\x03\x04" + b"\0" * 50,
        b"PAR1" + b"\0" * 50,
        b"SQLite format 3\0" + b"\0" * 50,
        b"<!doctype html><script>alert(1)</script>",
        b"a,a\n1,2\n",
        b'"' * 999,
        b"x" * (2**22 + 9),
        b"," * 100_000,
        ",".join(f"c{number}" for number in range(room.COLUMNS + 1)).encode() + b"\n1\n",
    ],
    ids=range(15),
)
def test_what_is_no_table_is_refused_or_cannot_be_used(
    kept: Uploads, tmp_path: Path, content: bytes
) -> None:
    def use() -> None:
        about = kept.add(content, "mine.csv")
        kept.load(chosen(about["table"], target=about["columns"][-1]))

    with pytest.raises((tl.DataError, tl.SettingError)) as caught:
        use()
    assert str(tmp_path) not in str(caught.value)
    assert len(list(tmp_path.rglob("*.csv"))) == len(kept.known)


def test_a_table_is_not_too_large_and_there_are_not_too_many(
    kept: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LARGEST_TABLE", 1000)
    with pytest.raises(tl.DataError, match="have at most 1000 bytes"):
        kept.add(table(100), "mine.csv")
    for number in range(room.MOST):
        kept.add(f"a,b\n{number},1\n".encode(), "mine.csv")
    with pytest.raises(tl.SettingError, match="one of at most 16"):
        kept.add(b"a,b\n3,4\n", "mine.csv")
    kept.add(b"a,b\n0,1\n", "mine.csv")  # it is there already


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A page with a store, and its client."""
    pytest.importorskip("starlette", reason="trainlab[live] is not installed")
    pytest.importorskip("uvicorn", reason="trainlab[live] is not installed")
    from live_pages import Client

    made = tl.live(browser=False, store=tmp_path / "kept")
    yield made, Client(made.address).enter()
    made.close()


def send(client: Any, content: bytes, path: str = "/table?name=mine.csv", **other: str) -> Any:
    """The request of a page that sends a table."""
    headers = {"Origin": f"http://{client.own}", "Content-Type": "text/csv", **other}
    return client.ask("POST", path, headers, content)


class TestOverHTTP:
    """As a page sends it, or as others would."""

    def test_a_store_goes_on_with_it(self, page: tuple[Any, Any], tmp_path: Path) -> None:
        made, client = page
        answer = send(client, table()).json["answer"]
        assert client.ask("GET", "/offers").json["tables"] == [answer]
        assert client.do("begin", choice=choice(chosen(answer["table"]))).status == 200
        client.do("step")
        log = client.ask("GET", "/export/log.json").json
        assert log["setup"]["source"]["csv"].endswith(f"{answer['table']}.csv")
        made.close()
        again = tl.live(browser=False, store=tmp_path / "kept")
        found = again._control.do(log_of).result()
        again.close()
        assert found["setup"] == log["setup"]
        assert found["sha256"] == log["sha256"] or found["step"] == 1

    def test_without_a_store_it_goes_with_the_server(self) -> None:
        pytest.importorskip("starlette", reason="trainlab[live] is not installed")
        from live_pages import Client

        made = tl.live(browser=False)
        client = Client(made.address).enter()
        key = send(client, table()).json["answer"]["table"]
        client.do("begin", choice=choice(chosen(key)))
        path = Path(client.ask("GET", "/export/log.json").json["setup"]["source"]["csv"])
        assert path.exists()
        made.close()
        assert not path.parent.exists()

    def test_sizes_kinds_and_methods(self, page: tuple[Any, Any]) -> None:
        _, client = page
        assert send(client, b"a,b\n1,2\n", **{"Content-Type": "application/json"}).status == 415
        assert send(client, b"a,b\n1,2\n", Origin="http://evil.example").status == 403
        length = str(room.LARGEST_TABLE + 1)
        assert (
            client.ask(
                "POST",
                "/table",
                {
                    "Origin": f"http://{client.own}",
                    "Content-Type": "text/csv",
                    "Content-Length": length,
                },
            ).status
            == 413
        )
        assert send(client, table(), "/command").status in (400, 415)
        assert send(client, b" " * 2**17, "/command").status == 413  # there 64 KiB are enough
        assert client.ask("GET", "/table").status == 405
        assert send(client, table(), "/table/../../x").status in (404, 405)
        assert send(client, b"").status == 400

    def test_a_server_that_takes_none_says_so(self) -> None:
        pytest.importorskip("starlette", reason="trainlab[live] is not installed")
        from live_pages import Client, served

        with served() as (_, address):
            client = Client(address).enter()
            assert send(client, table()).status == 403
            assert client.ask("GET", "/offers").json["tables"] is None

    def test_hostile_tables_and_choices(
        self, page: tuple[Any, Any], tmp_path: Path, rng: np.random.Generator
    ) -> None:
        """Never a 500, no path of ours in an answer, and no file that has a name of theirs."""
        made, client = page
        (tmp_path / "secret.csv").write_bytes(table())
        key = send(client, table()).json["answer"]["table"]
        begun = 0
        for number in range(150):
            if number % 2:
                name = str(rng.choice(["..%2f..%2fx", "%00", "%ff", "a" * 4000, "%3Cscript%3E"]))
                own = bytearray(table(10))
                for place in rng.integers(0, len(own), 5):
                    own[place] = int(rng.integers(256))
                answer = send(client, bytes(own), f"/table?name={name}")
            else:
                fields: dict[str, Any] = chosen(key)
                foreign = [*FOREIGN, None, 1e308, -1, [], {}, ["kind"], [["kind"]], True, key]
                fields[str(rng.choice(list(fields)))] = foreign[int(rng.integers(len(foreign)))]
                if number % 3 == 0:
                    fields["csv"] = str(tmp_path / "secret.csv")
                answer = client.do("begin", choice=choice(fields))
                begun += answer.status == 200
            assert answer.status in (200, 400), (number, answer)
            assert str(tmp_path).encode() not in answer.body
            assert b"Traceback" not in answer.body
        assert made._control.error is None
        for file in (tmp_path / "kept" / "tables").iterdir():
            assert len(file.name) == 68
            assert file.name.endswith(".csv")
        assert sorted(os.listdir(tmp_path)) == ["kept", "secret.csv"]


def test_a_log_is_replayed_with_the_table_where_it_is_now(kept: Uploads, tmp_path: Path) -> None:
    about = kept.add(table(), "mine.csv")
    session = LiveSession(setup_of(choice(chosen(about["table"])), uploads=kept))
    session.advance_to(7)
    (tmp_path / "log.json").write_text(json.dumps(log_of(session)), encoding="utf-8")
    Path(session.setup.described()["source"]["csv"]).rename(tmp_path / "moved.csv")
    command = [sys.executable, "-m", "trainlab", "live", "--replay", "log.json"]
    how: dict[str, Any] = {"capture_output": True, "text": True, "cwd": tmp_path, "timeout": 120}
    lost = subprocess.run(command, check=False, **how)
    assert lost.returncode == 2
    assert "Traceback" not in lost.stderr
    found = subprocess.run([*command, "--csv", "moved.csv"], check=False, **how)
    assert (found.returncode, "the same bits" in found.stdout) == (0, True), found
    (tmp_path / "moved.csv").write_bytes(table(61))
    other = subprocess.run([*command, "--csv", "moved.csv"], check=False, **how)
    assert other.returncode == 2
    assert "have the content that the session had" in other.stderr
