"""The server as pages see it: messages, commands, files, and what outlives it."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import trainlab as tl

pytest.importorskip("starlette", reason="trainlab[live] is not installed")
pytest.importorskip("uvicorn", reason="trainlab[live] is not installed")

from engines import needs_fork
from live_pages import PATIENCE, Client, Copy, served, until
from live_runs import small
from trainlab.cli import main
from trainlab.live import control as controls
from trainlab.live import start as starting
from trainlab.live.control import LiveControl
from trainlab.live.messages import PageState, difference
from trainlab.live.presets import PRESETS


def test_messages_bring_a_page_to_what_there_is() -> None:
    """Differences alone, through halvings, clones, what is undone and another session."""
    with served() as (control, address):
        client = Client(address).enter()
        page, late, now = Copy(), Copy(), PageState()
        with client.events() as messages:
            acts = [
                ("run", {}),
                ("change", {"arm": "SGD", "fields": {"lr": 0.2}}),
                ("clone", {"arm": "SGD", "fields": {"lr": 0.1}}),
                ("mark", {}),
                ("undo", {"to": 2}),
                ("begin", {"choice": PRESETS[1]["choice"]}),
                ("run", {}),
            ]
            full = 0
            for do, fields in acts:
                assert client.do(do, **fields).status == 200
                for _ in range(1 if do == "begin" else 12):  # it then waits for somebody
                    message = next(messages)
                    curves = message.get("curves", {"full": False})
                    full += curves["full"]
                    if curves["full"] and do in ("clone", "undo"):
                        assert curves["steps"][0] == 0  # all of it, not only what is new
                    page.take(message)
            assert client.do("pause").status == 200
            end = until(lambda: (s := control.snapshot).status["running"] is False and s)
            while page.status != control.snapshot.status:
                page.take(next(messages))
        late.take(json.loads(difference(control.snapshot, now)))
        assert full == 4  # the first, a clone, what was undone, another session
        assert page.steps == late.steps == list(end.curves.steps)
        assert page.about == late.about
        for arm, values in late.arms.items():
            np.testing.assert_array_equal(page.arms[arm], values)
            np.testing.assert_array_equal(values, end.curves.values[arm][:, :, : len(page.steps)])


def test_messages_come_at_most_thirty_times_a_second() -> None:
    with served() as (_, address):
        client = Client(address).enter()
        client.do("run")
        start = time.monotonic()
        with client.events() as messages:
            sizes = [len(json.dumps(next(messages))) for _ in range(32)]
            assert time.monotonic() - start > 0.99
        assert np.median(sizes) < 60_000


def test_nothing_is_sent_while_nothing_happens() -> None:
    with served() as (control, address):
        client = Client(address).enter()
        with client.events() as messages:
            next(messages)
            until(lambda: control.snapshot.looks and not (control._unseen or control._is_stale))
            version = control.snapshot.version
            time.sleep(0.3)
            assert control.snapshot.version == version


def test_a_page_that_does_not_read_slows_nobody() -> None:
    with served() as (control, address):
        client = Client(address).enter()
        with client.events(), client.events() as awake:  # the first is never read
            client.do("run")
            before = control.snapshot.status["step"]
            while next(awake)["status"]["step"] < before + 100:
                pass
        until(lambda: control.watchers == 0)


def test_pages_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    # `trainlab.live` is the function, so that a path of words would end there.
    monkeypatch.setattr(importlib.import_module("trainlab.live.server"), "PAGES", 1)
    with served() as (_, address):
        client = Client(address).enter()
        with client.events() as messages:
            next(messages)
            assert client.ask("GET", "/events").status == 503


def test_pages_that_come_at_once_are_limited_too() -> None:
    server = importlib.import_module("trainlab.live.server")
    statuses: list[int] = []

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        if "status" in message:
            statuses.append(message["status"])

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def come(control: LiveControl) -> None:
        app = server.application(control, ended=lambda: len(statuses) == server.PAGES + 3)
        scope = {"type": "http", "method": "GET", "path": "/events", "headers": []}
        await asyncio.gather(*(app(scope, receive, send) for _ in range(server.PAGES + 3)))

    with served() as (control, _):
        asyncio.run(come(control))
        assert sorted(statuses) == [200] * server.PAGES + [503] * 3
        assert control.watchers == 0


def test_a_choice_that_no_page_could_be_sent_is_refused() -> None:
    """Of 1e999 Python makes infinity, which is a valid limit of gradients, and no JSON."""
    arm = {"optimizer": "sgd", "clip_norm": 12345.5}
    choice = {"data": {"name": "xor"}, "base": {"hidden": [4]}, "arms": [arm], "seeds": 2}
    body = json.dumps({"do": "begin", "choice": {**choice, "batch_size": 20}})
    with served() as (_, address):
        client = Client(address).enter()
        headers = {"Origin": f"http://{client.own}", "Content-Type": "application/json"}
        for number, status in (("1e999", 400), ("-1e999", 400), ("12345.5", 200)):
            sent = body.replace("12345.5", number).encode()
            assert client.ask("POST", "/command", headers, sent).status == status
            with client.events() as messages:
                assert next(messages)["about"]


def test_errors_are_the_words_of_the_house() -> None:
    with served() as (_, address):
        client = Client(address).enter()
        answer = client.do("change", arm="SGD", fields={"lr": -1})
        assert answer.status == 400
        assert answer.json["error"].startswith("lr of SGD must be a number in")
        assert "try lr=" in answer.json["error"]
        assert "try pause" in client.do("pauze").json["error"]


def test_an_error_of_ours_is_no_secret_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(session: Any) -> Any:
        raise RuntimeError("a secret")

    monkeypatch.setattr(controls, "compared", broken)
    with served() as (_, address):
        client = Client(address).enter()
        answer = client.do("test")
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert "a secret" in caplog.text
        assert client.do("pause").status == 200


def test_one_report_is_drawn_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib has its settings for all threads: two that draw leave those of a theme behind."""
    server, drawing, most = importlib.import_module("trainlab.live.server"), list[int](), [0]

    def draw(found: Any) -> bytes:
        drawing.append(1)
        most[0] = max(most[0], len(drawing))
        time.sleep(0.1)
        drawing.pop()
        return b"drawn"

    export = server.EXPORTS["report.html"]._replace(finish=draw)
    monkeypatch.setitem(server.EXPORTS, "report.html", export)
    with served() as (_, address), ThreadPoolExecutor(3) as pool:
        client = Client(address).enter()
        asked = [pool.submit(client.ask, "GET", "/export/report.html") for _ in range(3)]
        assert [one.result().body for one in asked] == [b"drawn"] * 3
    assert most == [1]


def test_a_file_that_takes_too_long_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    server = importlib.import_module("trainlab.live.server")
    export = server.EXPORTS["log.json"]._replace(take=lambda session: time.sleep(1.0))
    monkeypatch.setitem(server.EXPORTS, "log.json", export)
    monkeypatch.setattr(server, "PATIENCE", 0.05)
    with served() as (_, address):
        answer = Client(address).enter().ask("GET", "/export/log.json")
    assert (answer.status, answer.body) == (503, b"That takes too long.")


def test_files_to_keep(tmp_path: Path) -> None:
    session = small()
    with served(session) as (control, address):
        client = Client(address).enter()
        client.do("epoch")
        until(lambda: control.snapshot.status["step"] == 6)
        client.do("clone", arm="Adam", fields={"lr": 0.5})
        client.do("step")
        until(lambda: control.snapshot.status["step"] == 7)
        digest = control.do(lambda own: own.digest()).result(PATIENCE)

        script = client.ask("GET", "/export/session.py")
        assert 'filename="session.py"' in script.headers["content-disposition"]
        (tmp_path / "session.py").write_bytes(script.body)
        command = [sys.executable, str(tmp_path / "session.py")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.splitlines() == [digest, "as the page had"]

        log = client.ask("GET", "/export/log.json").json
        assert (log["step"], log["sha256"]) == (7, digest)
        results = client.ask("GET", "/export/results.json").json
        assert len(results["results"]) == 15
        assert {one["status"] for one in results["results"]} == {"trains", "diverged"}

        for one in results["results"]:
            # Those that diverged have what they had when they last were evaluated.
            assert (one["updates"] < 7) == (one["arm"] == "wild")
            assert one["step"] == 0
            assert 0 <= one["accuracy"] <= 1

        table = client.ask("GET", "/export/results.csv")
        rows = list(csv.DictReader(io.StringIO(table.body.decode("utf-8"))))
        assert len(rows) == 15
        assert rows[0]["arm"] == "SGD"
        assert 0 <= float(rows[0]["accuracy"]) <= 1
        assert all(str(np.float32(row["loss"])) == row["loss"] for row in rows if row["loss"])

        (tmp_path / "model.safetensors").write_bytes(
            client.ask("GET", "/export/model.safetensors").body
        )
        population = tl.load(tmp_path / "model.safetensors", tl.Population)
        assert population.classes is not None
        assert len(population) == 15
        keys = list(control.do(lambda own: list(own.states())).result(PATIENCE))
        outputs = control.do(lambda own: own.lanes.outputs(own.held.x)).result(PATIENCE)
        x = session.held.x
        for place, key in enumerate(keys):
            if key in outputs:
                chances = population.predict_proba(x)[place]
                loss = tl.losses.SoftmaxCrossEntropy()
                np.testing.assert_array_equal(chances, loss.probabilities(outputs[key]))


@dataclasses.dataclass(frozen=True)
class Unregistered(tl.activations.ReLU):
    """An activation of one's own, of which no file knows."""


FORKING = """
import os, pathlib, signal, sys, tempfile, threading
import trainlab as tl

def asked(name):
    try:
        getattr(page, name)()
    except RuntimeError as error:
        assert str(error).startswith(name + " of LivePage must be called in the process that")
    else:
        os._exit(1)

def hold():
    with page._control._wake:  # as the thread that trains does
        is_held.set()
        is_forked.wait()

data = tl.load_planar("xor", 40, 20)
population = tl.Population.grid(tl.MLP(hidden=(4,)), seed=range(2))
tempfile.tempdir = STORE
for store in (None, STORE):
    page = tl.live(population, data, browser=False, store=store)
    is_held, is_forked = threading.Event(), threading.Event()
    threading.Thread(target=hold).start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        asked("population")
        asked("wait")
        sys.exit(0)
    is_forked.set()
    found = os.waitpid(child, 0)[1]
    folders = len(list(pathlib.Path(STORE).glob("trainlab-live-*")))
    print(found, folders, len(page.population()))
    page.close()
"""


class TestLive:
    """`tl.live`, as a notebook and a script call it."""

    def test_a_population_of_ones_own(self) -> None:
        data = tl.load_planar("xor", 40, 20)
        population = tl.Population.grid(
            tl.MLP(hidden=(4,)), [tl.SGD(0.1), tl.Adam(0.01)], seed=range(3), dropout=[0, 0.5]
        )
        page = tl.live(population, data, batch_size=10, browser=False)
        try:
            client = Client(page.address).enter()
            with client.events() as messages:
                about = next(messages)["about"]
            assert len(about["arms"]) == 4
            assert about["seeds"] == ["0", "1", "2"]
            assert about["choice"] is None
            client.do("epoch")
            until(lambda: page.step == 4)
            trained = page.population()
            alone = tl.Population(population[:1])
            alone.fit(data, batch_size=10, epochs=1, evaluate=None)
            same = trained.parameters(0)["W1"] == alone.parameters(0)["W1"]
            assert same.all()
            assert f'src="{page.address}"' in page._repr_html_()
            assert repr(page) == f"LivePage(at {page.address})"
        finally:
            page.close()
            page.close()
        assert repr(page) == "LivePage(closed)"
        assert "closed" in page._repr_html_()

    def test_arms_whose_short_labels_are_alike_are_told_apart(self) -> None:
        population = tl.Population.grid(
            [tl.MLP((4,)), tl.MLP((5,))], [tl.Adam(beta1=0.8), tl.Adam(beta2=0.8), tl.SGD()]
        )
        assert list(starting.arms_of(population)[0]) == [
            f"MLP({width}), {optimizer}"
            for width in (4, 5)
            for optimizer in ("Adam(beta1=0.8)", "Adam(beta2=0.8)", "SGD")
        ]

    def test_data_alone_and_nothing_at_all(self) -> None:
        for given, name in (((None, tl.load_planar("xor", 40, 20)), "xor"), ((), "spiral")):
            page = tl.live(*given, browser=False)
            client = Client(page.address).enter()
            with client.events() as messages:
                about = next(messages)["about"]
            page.close()
            assert about["data"]["name"] == name
            assert about["choice"]["data"]["name"] == ("given" if given else "spiral")

    @needs_fork
    def test_a_forked_child_is_told_that_the_page_is_its_parents(self, tmp_path: Path) -> None:
        """It waited for ever for a thread that it does not have, also at its end."""
        script = FORKING.replace("STORE", repr(str(tmp_path)))
        command = [sys.executable, "-W", "ignore", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.stdout == "0 1 2\n0 0 2\n", done.stderr

    def test_a_store_goes_on(self, tmp_path: Path) -> None:
        data = tl.load_planar("xor", 40, 20)
        population = tl.Population.grid(tl.MLP(hidden=(4,)), lr=[0.1, 0.2], seed=range(2))
        page = tl.live(population, data, browser=False, store=tmp_path)
        Client(page.address).enter().do("epoch")
        until(lambda: page.step == 2)
        page.close()
        page = tl.live(population, data, browser=False, store=tmp_path)
        assert page.step == 2
        page.close()
        with pytest.raises(tl.DataError, match="have the content that the session had"):
            tl.live(population, tl.load_planar("xor", 41, 20), browser=False, store=tmp_path)

    def test_a_store_has_what_was_chosen_on_the_page(self, tmp_path: Path) -> None:
        """The form showed other settings than those that trained."""
        choice = PRESETS[1]["choice"]
        page = tl.live(browser=False, store=tmp_path)
        Client(page.address).enter().do("begin", choice=choice)
        page.close()
        page = tl.live(browser=False, store=tmp_path)
        with Client(page.address).enter().events() as messages:
            assert next(messages)["about"]["choice"] == choice
        page.close()

    def test_what_could_not_be_kept_is_said_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = tl.load_planar("xor", 40, 20)
        population = tl.Population.grid(tl.MLP(hidden=(4,)), lr=[0.1, 0.2], seed=range(2))
        page = tl.live(population, data, browser=False, store=tmp_path)

        def full(*_: object) -> None:
            raise tl.errors.StoreError("no room on the disk")

        monkeypatch.setattr(starting, "keep", full)
        Client(page.address).enter().do("epoch")
        until(lambda: page.step == 2)
        with pytest.raises(tl.errors.StoreError, match="no room on the disk"):
            page.close()
        assert repr(page) == "LivePage(closed)"
        page.close()

    def test_parts_that_no_file_can_name_are_refused_with_a_store(self, tmp_path: Path) -> None:
        network = tl.MLP(hidden=(4,), activation=Unregistered())
        population = tl.Population.grid(network, lr=[0.1, 0.2], seed=range(2))
        data = tl.load_planar("xor", 40, 20)
        with pytest.raises(tl.SettingError, match="Unregistered"):
            tl.live(population, data, browser=False, store=tmp_path)
        tl.live(population, data, browser=False).close()

    def test_a_browser_is_opened(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr(starting, "show", opened.append)
        page = tl.live()
        (address,) = opened
        assert address.partition("=")[0] == page.address.partition("=")[0]
        assert Client(address).enter().ask("GET", "/offers").status == 200
        monkeypatch.setitem(sys.modules, "ipykernel", json)
        framed = tl.live()
        assert opened == [address]
        assert framed.address.startswith("http://localhost:")
        for one in (page, framed):
            one.close()
            one.wait()

    @pytest.mark.parametrize(
        ("given", "what"),
        [
            ({"population": tl.Population.grid()}, "data of live must be given"),
            ({"population": [], "data": tl.load_planar()}, "population of live must be"),
            ({"data": []}, "data of live must be"),
            ({"port": -1}, "port of live must be"),
            ({"browser": "no"}, "browser of live must be"),
            (
                {
                    "population": tl.Population.zip(lr=[0.1, 0.2], seed=[0, 1]),
                    "data": tl.load_planar(),
                },
                "arms of a live session must have the same seeds",
            ),
        ],
    )
    def test_bad_arguments(self, given: dict[str, Any], what: str) -> None:
        with pytest.raises(tl.SettingError, match=what):
            tl.live(**given)

    def test_the_package_is_the_call_once_it_is_imported(self) -> None:
        import trainlab.live

        page = trainlab.live(browser=False)
        page.close()

    def test_what_is_not_installed_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(
            tl.SettingError, match="starlette and uvicorn of live must be installed"
        ):
            tl.live(browser=False)


def start(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """`trainlab live`, and the address that it prints."""
    command = [sys.executable, "-m", "trainlab", "live", "--no-browser", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    return process, found[0]


def test_pages_that_watch_hold_nobody_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process, address = start(tmp_path)
    with Client(address).enter().events() as messages:
        next(messages)
        stop(process)
    assert "Traceback" not in capfd.readouterr().err


def stop(process: subprocess.Popen[str]) -> None:
    """Ctrl-C."""
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_ctrl_c_again_while_it_ends_is_no_crash(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The program ended while the engine was in a step: it was aborted, and nothing was kept."""
    process, address = start(tmp_path, "--store", "kept")
    client = Client(address).enter()
    client.do("speed", value=None)
    client.do("run")
    until(lambda: client.ask("GET", "/export/log.json").json["step"] >= 20)
    for _ in range(4):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    process.communicate(timeout=PATIENCE)
    told = capfd.readouterr().err
    assert process.returncode == 0, told
    assert "Ended at step " in told
    assert "terminate" not in told
    assert "Traceback" not in told


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    script = "import trainlab as tl\npage = tl.live(browser=False)\npage._control.do({'do': 'run'})"
    script += "\nwhile page.step < 100: pass"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class TestCommand:
    """`trainlab live`, as a person in a terminal calls it."""

    def test_a_session_goes_on_after_a_kill(self, tmp_path: Path) -> None:
        process, address = start(tmp_path, "--store", "kept")
        client = Client(address).enter()
        client.do("epoch")
        client.do("change", arm="SGD, lr 0.1", fields={"lr": 0.2})
        client.do("run")
        until(lambda: client.ask("GET", "/export/log.json").json["step"] >= 20)
        client.do("pause")
        client.do("clone", arm="SGD, lr 0.1", fields={"lr": 0.3})
        log = client.ask("GET", "/export/log.json").json
        process.kill()
        process.communicate(timeout=PATIENCE)
        process, address = start(tmp_path, "--store", "kept")
        client = Client(address).enter()
        again = client.ask("GET", "/export/log.json").json
        assert again == log
        assert log["step"] >= 20
        stop(process)
        file = tmp_path / "log.json"
        file.write_text(json.dumps(log), encoding="utf-8")
        command = [sys.executable, "-m", "trainlab", "live", "--replay", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        assert f"the same bits, SHA-256 {log['sha256']}" in " ".join(done.stdout.split())
        log["log"][0]["fields"]["lr"] = 0.2000001
        file.write_text(json.dumps(log), encoding="utf-8")
        found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert found.returncode == 1
        assert "other bits" in found.stdout

    def test_a_table(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        rows = "".join(f"{a:.3f},{b:.3f},{'yn'[int(a > b)]}\n" for a, b in rng.normal(size=(80, 2)))
        (tmp_path / "table.csv").write_text("a,b,kind\n" + rows, encoding="utf-8")
        process, address = start(tmp_path, "--csv", "table.csv", "--target", "kind")
        client = Client(address).enter()
        assert client.ask("GET", "/offers").json["catalogue"]["given"] == "table.csv"
        client.do("epoch")
        with client.events() as messages:
            about = next(messages)["about"]
        held = {"held": 16, "split": "validation"}
        assert about["data"] == {"name": "table.csv", "rows": 64, **held}
        assert "load_table(csv=" in client.ask("GET", "/export/session.py").body.decode()
        stop(process)

    def test_rows_without_a_target_are_left_out_and_said_to_be(self, tmp_path: Path) -> None:
        rows = "".join(f"{a},{a % 7},{'' if a % 9 == 0 else a % 2}\n" for a in range(90))
        (tmp_path / "table.csv").write_text("a,b,kind\n" + rows, encoding="utf-8")
        command = [sys.executable, "-m", "trainlab", "live", "--no-browser"]
        command += ["--csv", "table.csv", "--target", "kind", "--drop", "a"]
        how: dict[str, Any] = {"capture_output": True, "text": True, "cwd": tmp_path}
        refused = subprocess.run(command, timeout=120, check=False, **how)
        assert refused.returncode == 2
        assert "try --drop-missing-target" in refused.stderr
        process = subprocess.Popen(
            [*command, "--drop-missing-target", "--store", "kept"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("Page: ").strip()
        Client(address).enter().do("step")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert "Note: 10 rows without a value of the target left out" in errors
        assert "Ctrl-C ends it" in errors
        words = "live --csv table.csv --target kind --drop a --drop-missing-target --store kept"
        assert f"Ended at step 1.\nTo continue: trainlab {words} --no-browser\n" in errors
        assert process.returncode == 0

    def test_what_belongs_together(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "trainlab", "live", "--csv", "a.csv"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        assert "--csv and --target belong together" in done.stderr
        command[4:] = ["--replay", "log.json", "--store", "kept"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        assert "--replay takes all settings from the log alone" in done.stderr
        for words, told in (
            (["--words", "a"], "--words belongs to --csv."),
            (["--drop-missing-target"], "--drop-missing-target belongs to --csv."),
            (["--replay", "log.json", "--task", "regression"], "--replay takes all settings"),
        ):
            result = CliRunner().invoke(main, ["live", *words])
            assert (result.exit_code, told in result.output) == (2, True)

    def test_ctrl_c_while_a_browser_is_looked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def pressed(address: str) -> bool:
            raise KeyboardInterrupt

        monkeypatch.setattr(starting, "show", pressed)
        done = CliRunner().invoke(main, ["live"])
        assert done.exit_code == 0, done.output
        assert "Ended at step 0: nothing is kept." in done.output

    def test_another_address_is_warned_of(self, tmp_path: Path) -> None:
        if not hasattr(os, "uname") or os.uname().sysname != "Linux":
            pytest.skip("127.0.0.2 is this machine on Linux alone")
        command = [sys.executable, "-m", "trainlab", "live", "--no-browser", "--host", "127.0.0.2"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
        )
        assert process.stdout is not None
        assert "http://127.0.0.2:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert "Warning: Whoever reads what is sent" in errors
