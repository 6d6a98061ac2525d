"""The page in a real Chromium, as a person uses it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import trainlab as tl

pytest.importorskip("starlette", reason="trainlab[live] is not installed")
pytest.importorskip("uvicorn", reason="trainlab[live] is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import sync_playwright

import chromium
from live_pages import PATIENCE, served, until
from live_runs import small
from trainlab.live.control import LiveControl

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = chromium.browser()
    with sync_playwright() as tools:
        started = tools.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield started
        started.close()


class Visit:
    """One person on the page; what the console complains of is in `errors`."""

    def __init__(self, browser: Any, address: str, width: int, dark: bool, fragment: str) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        self.tab, self.errors = self.context.new_page(), list[str]()
        self.tab.set_default_timeout(PATIENCE * 1000)
        self.tab.on("console", self._console)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.goto(address + fragment)
        self.until(lambda: self.see("Boolean(window.trainlab?.model.about)"))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def see(self, expression: str, *given: Any) -> Any:
        return self.tab.evaluate(expression, *given)

    def until(self, condition: Callable[[], Any]) -> None:
        """As `until`, but the page goes on while it waits."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            self.tab.wait_for_timeout(20)

    def press(self, name: str) -> None:
        self.tab.get_by_role("button", name=name, exact=True).click()

    @property
    def step(self) -> int:
        found = re.match(r"Step ([\d,]+)", self.tab.locator(".where").inner_text())
        return int(found[1].replace(",", "")) if found else 0

    def rows(self) -> list[str]:
        """The table of arms."""
        return [str(one) for one in self.tab.locator("table.arms tbody tr").all_inner_texts()]

    def ink(self, selector: str) -> int:
        """Colours that the first canvas shows."""
        script = """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const seen = new Set();
          for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3]) seen.add(data.slice(at, at + 3).join());
          }
          return seen.size;
        }"""
        return int(self.tab.locator(selector).first.evaluate(script))


@contextmanager
def visit(
    browser: Any, address: str, width: int = 1280, dark: bool = False, fragment: str = ""
) -> Iterator[Visit]:
    one = Visit(browser, address, width, dark, fragment)
    try:
        yield one
        assert one.errors == []
    finally:
        one.context.close()


@pytest.fixture
def place() -> Iterator[tuple[LiveControl, str]]:
    with served() as found:
        yield found


def test_a_lesson_is_chosen_run_and_watched(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        tab = person.tab
        tab.get_by_label("Lesson", exact=True).select_option(label="The spiral")
        tab.get_by_text("A new session has begun.").wait_for()
        assert "Which optimizer unrolls the spiral first" in tab.locator(".lesson").inner_text()
        tab.get_by_text("Where to look").click()
        assert tab.get_by_text("Look at the surfaces").is_visible()
        assert len(person.rows()) == 3
        person.press("Run")
        person.until(lambda: person.step > 500)
        assert tab.get_by_role("button", name="Pause").is_visible()
        assert "steps/s" in tab.locator(".pace").inner_text()
        person.until(lambda: tab.locator(".maps canvas").count() == 3)
        person.press("Pause")
        person.until(lambda: tab.locator(".pace").inner_text() == "paused")
        step = person.step
        tab.wait_for_timeout(200)
        assert person.step == step
        assert tab.locator(".chart").count() == 4
        for selector in (".chart .stack canvas:last-child", ".maps canvas", "canvas.histogram"):
            assert person.ink(selector) > 2, selector
        label = str(tab.locator(".chart canvas[role=img]").first.get_attribute("aria-label"))
        assert re.match(r"Training loss\. SGD, lr 0\.1: [\d.]+; Momentum, lr 0\.1: ", label)
        person.until(lambda: "is better in" in " ".join(person.rows()))
        heads = tab.locator("table.arms thead th").all_inner_texts()
        assert heads[-1] == "Validation accuracy, paired by seed"
        person.press("Test now")
        tab.get_by_text(
            re.compile(r"Validation accuracy at step [\d,]+, evaluated for test number 1:")
        ).wait_for()
        assert tab.locator(".verdict li").count() == 3
        tab.get_by_label("Lesson", exact=True).select_option(label="What a hidden layer is for")
        person.until(lambda: tab.locator(".verdict li").count() == 0)  # of networks that are gone
        assert "looking is not testing" in tab.locator(".watch").inner_text()


def test_step_epoch_speed_and_keys(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        person.press("One step")
        person.until(lambda: person.step == 1)
        person.press("One epoch")
        person.until(lambda: person.step == 6)
        person.tab.keyboard.press("s")  # on the button that was clicked
        person.until(lambda: person.step == 7)
        person.tab.locator("h1").click()
        person.tab.keyboard.press("e")
        person.until(lambda: person.step == 12)
        person.tab.get_by_label("Speed").select_option("10")
        person.tab.locator("h1").click()
        start = time.monotonic()
        person.tab.keyboard.press("Space")
        person.until(lambda: person.step >= 20)
        person.tab.keyboard.press("Space")
        person.until(lambda: person.tab.locator(".pace").inner_text() == "paused")
        assert person.step <= 12 + 10 * (time.monotonic() - start) + 1
        person.tab.get_by_label("Name").first.focus()
        person.tab.keyboard.press("s")  # into the field
        step = person.step
        person.tab.wait_for_timeout(200)
        assert person.step == step


def test_an_arm_is_changed_cloned_stopped_and_taken_back(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    control, address = place
    with visit(browser, address) as person:
        tab, steer = person.tab, person.tab.locator(".steer")
        person.press("One epoch")
        person.until(lambda: person.step == 6)
        person.press("Change")
        tab.get_by_text("Change a number first.").wait_for()
        steer.get_by_label("Rate").fill("0.25")
        person.press("Change")
        steer.get_by_text("Step 6: SGD: rate 0.25").wait_for()
        person.until(lambda: "SGD, rate 0.25" in person.rows()[0])
        title = "SGD → lr 0.25 from step 6"
        assert title in person.rows()[0]
        assert title in tab.locator(".legend").inner_text()
        person.until(lambda: title in tab.locator(".maps").inner_text())
        steer.get_by_label("Arm").select_option("Adam")
        steer.get_by_label("Dropout").fill("0.4")
        person.press("Clone with these")
        person.until(lambda: len(person.rows()) == 5)
        assert "Adam → dropout 0.4" in person.rows()[4]
        person.press("One epoch")
        person.until(lambda: person.step == 12)
        steer.get_by_label("Arm").select_option("SGD")
        person.press("Stop the arm")
        person.until(lambda: "stopped" in person.rows()[0])
        last = person.rows()[0].split("\t")[3:5]
        assert all(re.match(r"[\d.e−]+ \(", value) for value in last)
        control.do(lambda session: session.curves.record(9, {})).result(PATIENCE)
        person.until(lambda: person.see("trainlab.model.steps.at(-1)") == 9)
        person.tab.wait_for_timeout(400)
        assert person.rows()[0].split("\t")[3:5] == last  # what it had when it ended
        person.press("Mark this step")
        steer.get_by_text("Step 12: a mark").wait_for()
        assert steer.locator("li").count() == 4
        steer.get_by_role("button", name=re.compile("Back to before this: Step 6: Adam")).click()
        person.until(lambda: len(person.rows()) == 4)
        person.until(lambda: person.step == 6)
        assert steer.locator("li").count() == 1
        assert "3 undone" in steer.inner_text()
    log = control.do(lambda session: [one.action for one in session.log]).result(PATIENCE)
    assert log == ["change"]


def test_surfaces_stand_in_the_order_of_the_arms(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    with visit(browser, place[1]) as person:
        tab, captions = person.tab, person.tab.locator(".maps figcaption")
        tab.get_by_label("Lesson", exact=True).select_option(label="The spiral")
        person.until(lambda: len(person.rows()) == captions.count() == 3)
        tab.get_by_label("Name").first.fill("renamed")
        person.press("Begin")
        person.until(lambda: "renamed" in " ".join(captions.all_inner_texts()))
        places = tab.locator(".maps .swatch")
        person.until(lambda: captions.count() == 3)
        assert "renamed" in captions.first.inner_text()
        assert places.all_inner_texts() == ["1", "2", "3"]


def test_a_median_that_leaves_the_axis_is_said_to(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    control, address = place
    with visit(browser, address) as person:
        person.press("One epoch")
        person.until(lambda: person.step == 6)
        values = np.array([[50.0] * 3, [0.5] * 3, [2.0] * 3, [0.5] * 3])
        control.do(lambda session: session.curves.record(9, {"SGD": values})).result(PATIENCE)
        notes = person.tab.locator(".chart .value")
        person.until(lambda: notes.all_inner_texts() == ["▲ arm 1 above 10", "", "", ""])
        with person.tab.expect_download() as saved:
            person.tab.get_by_role("button", name="Save “Training loss” as SVG").click()
        drawn = ElementTree.parse(saved.value.path()).getroot().iter()  # noqa: S314  # of this page
        triangles = [one for one in drawn if one.get("d", "").count("L") == 2 and one.get("fill")]
        assert "#0072b2" in [one.get("fill") for one in triangles]


def test_ends_of_histograms_do_not_touch(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        person.tab.locator(".ends").first.wait_for()
        gap = person.see("""() => {
          const [low, high] = document.querySelector(".ends").children;
          low.textContent = "−6.49e−10";
          high.textContent = "6.49e−10";
          return high.getBoundingClientRect().left - low.getBoundingClientRect().right;
        }""")
        assert gap >= 8


def test_what_is_being_written_stays_whatever_happens_elsewhere(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    control, address = place
    with visit(browser, address) as person:
        rate = person.tab.locator(".steer").get_by_role("spinbutton", name="Rate")
        rate.fill("0.25")
        control.do({"do": "change", "arm": "Adam", "fields": {"lr": 0.5}}).result(PATIENCE)
        person.until(lambda: "rate 0.5" in person.rows()[1])
        assert rate.input_value() == "0.25"
        control.do({"do": "change", "arm": "SGD", "fields": {"lr": 0.5}}).result(PATIENCE)
        person.until(lambda: rate.input_value() == "0.5")


def test_what_is_evaluated_is_said(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        said = "moons: 53 training rows, 20 validation rows."
        assert said in person.tab.locator(".watch").inner_text()
        lesson = person.tab.get_by_label("Lesson", exact=True)
        lesson.select_option("xor")
        person.tab.get_by_text("A new session has begun.").wait_for()
        border = "getComputedStyle(document.querySelector('.lesson')).borderLeftWidth"
        assert person.see(border) == "4px"


def test_a_page_that_turns_dark_is_drawn_anew(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        picture = "[...document.querySelectorAll('.chart canvas')].map((c) => c.toDataURL()).join()"
        person.until(lambda: person.ink(".chart canvas") > 0)
        person.tab.wait_for_timeout(1500)
        before = person.see(picture)
        person.tab.emulate_media(color_scheme="dark")
        person.until(lambda: person.see(picture) != before)


def test_a_number_that_cannot_be_is_refused_in_words(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    one = Visit(browser, place[1], 1280, False, "")
    one.tab.locator(".steer").get_by_label("Rate").fill("0")
    one.press("Change")
    one.tab.get_by_text("lr of SGD must be a number in").wait_for()
    assert all("400" in error for error in one.errors)  # the browser's own line
    one.context.close()


def test_settings_of_ones_own_and_names_that_are_no_markup(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    control, address = place
    evil = "<img src=x onerror=alert(1)>"
    with visit(browser, address) as person:
        tab = person.tab
        form = tab.locator(".choose form")
        form.get_by_label("Data", exact=True).select_option("xor")
        form.get_by_label("Rows", exact=True).fill("60")
        form.get_by_label("Hidden widths").fill("5 4")
        form.get_by_label("Initial weights").select_option("number")
        form.get_by_label("Std of weights").fill("0.5")
        form.get_by_label("Seeds").fill("4")
        person.press("Add an arm")
        while tab.locator(".armrow").count() > 2:
            tab.locator(".armrow button").last.click()
        rows = tab.locator(".armrow")
        for field in (rows.first.get_by_label("Name"), rows.last.get_by_label("Name")):
            field.fill("")
        for row in (rows.first, rows.last):
            row.get_by_label("Differs in").fill("")
            row.get_by_label("Rate").fill("")
        rows.first.get_by_label("Name").fill(evil)
        rows.last.get_by_label("Optimizer").select_option("adam")
        own = rows.last.get_by_label("Differs in")
        for written, said in (
            ("dropuot=0.2", "got 'dropuot'; try dropout=VALUE"),
            ("hidden=3 three", "got [3, 'three']; try 16 16"),
            ("lr=fast", "lr of an arm must be a number; got 'fast'; try lr=0.001"),
        ):
            own.fill(written)
            person.press("Begin")
            tab.get_by_text(said).wait_for()
            assert "400" in person.errors.pop()  # the browser's own line
        own.fill("dropout=0.2 norm=batch, hidden=3,3")
        person.press("Begin")
        tab.get_by_text("A new session has begun.").wait_for()
        person.until(lambda: evil in person.rows()[0])
        assert tab.locator("img").count() == 0
    setup = control.do(lambda session: session.setup).result(PATIENCE)
    assert len(setup.seeds) == 4
    second = setup.arms["Adam, dropout 0.2, norm batch, hidden 3×3"]
    assert second.network.hidden == (3, 3)
    assert second.network.norm == "batch"
    assert (second.network.dropout, second.network.init.std) == (0.2, 0.5)
    assert setup.arms[evil].network.hidden == (5, 4)


def test_a_rate_is_seen_as_a_whole(browser: Any, place: tuple[LiveControl, str]) -> None:
    """Of 0.001, the rate of Adam, the page showed 0.00."""
    _, address = place
    with visit(browser, address) as person:
        rate = person.tab.locator(".armrow").first.get_by_label("Rate")
        for number in ("0.001", "0.0003", "0.025"):
            rate.fill(number)
            widths = rate.evaluate("field => [field.scrollWidth, field.clientWidth]")
            assert widths[0] <= widths[1]


def test_images_that_are_wrong_and_layers(browser: Any, place: tuple[LiveControl, str]) -> None:
    with visit(browser, place[1]) as person:
        tab = person.tab
        tab.get_by_label("Lesson", exact=True).select_option("weight-init-comparison")
        tab.get_by_text("A new session has begun.").wait_for()
        person.press("One step")
        person.until(lambda: tab.locator(".images canvas").count() == 36)
        assert "of the first 360" in tab.locator(".strip").first.inner_text()
        assert person.ink(".images canvas") > 3
        tab.locator(".steer").get_by_label("Rate").fill("0.25")
        person.press("Change")
        person.until(lambda: " → lr 0.25 from step 1" in tab.locator(".strip").first.inner_text())
        tab.get_by_label("Layers of").select_option("He")
        layers = tab.get_by_role("region", name="Inside the layers")
        person.until(lambda: layers.locator("tbody tr").count() == 5)
        assert "Seed 0" in tab.locator(".watch").inner_text()


def test_what_is_kept(browser: Any, place: tuple[LiveControl, str], tmp_path: Path) -> None:
    control, address = place
    with visit(browser, address) as person:
        tab = person.tab
        tab.get_by_label("Lesson", exact=True).select_option("xor")
        tab.get_by_text("A new session has begun.").wait_for()
        person.press("One epoch")
        person.until(lambda: person.step == 20)
        for name, begins in {
            "Python script": b'"""What was done',
            "Log": b'{\n "format": "trainlab live log"',
            "Curves (CSV)": b"arm,seed,step",
            "Networks": b"",
            "Report": b"<!DOCTYPE html>",
        }.items():
            with tab.expect_download() as download:
                tab.get_by_role("link", name=name).click()
            assert Path(download.value.path()).read_bytes().startswith(begins)
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Save “Training loss” as SVG").click()
        assert download.value.suggested_filename == "train_loss.svg"
        drawn = ElementTree.parse(download.value.path()).getroot()  # noqa: S314  # our own
        assert "linear: " in drawn[0].text
        kinds = [one.tag.rpartition("}")[2] for one in drawn.iter()]
        assert kinds.count("path") > 4 + 4  # two clips, and of each arm seeds, band and median
        texts = [one.text for one in drawn.iter()]
        assert {"1", "2"} & {*texts}  # ends of the lines
        assert "0 steps" in texts
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Save “Training loss” as PNG").click()
        assert download.value.suggested_filename == "train_loss.png"
        assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
        with tab.expect_download() as download:
            name = "Save “Decision surface of linear” as PNG"
            tab.get_by_role("button", name=name).click()
        assert download.value.suggested_filename == "surface_1.png"
        assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
        person.press("Settings as an address")
        fragment = str(person.see("location.hash"))
        assert fragment.startswith("#%7B%22data%22")
    before = control.snapshot.generation
    with visit(browser, address, fragment=fragment) as person:
        assert "These settings come from the address" in person.tab.locator(".notice").inner_text()
        assert person.tab.get_by_label("Data", exact=True).input_value() == "xor"
        assert [row.input_value() for row in person.tab.get_by_label("Name").all()] == [
            "linear",
            "8 hidden units",
        ]
        assert control.snapshot.generation == before  # nothing begins by itself
    for evil in ("#alert(1)", "#%7B%7D", "#" + "%22" * 999, "#null"):
        with visit(browser, address, fragment=evil) as person:
            assert "cannot be read" in person.tab.locator(".notice").inner_text()


def test_tables_of_the_report_are_not_cut(
    browser: Any, place: tuple[LiveControl, str], tmp_path: Path
) -> None:
    """At 1,280 pixels the last column of the arms was half outside."""
    control, address = place
    base = {"hidden": [20], "optimizer": "adam", "lr": 0.01}
    arms = [
        {"name": "regularised", "dropout": 0.3},
        {"norm": "batch"},
        {"optimizer": "sgd", "lr": 1e6},
    ]
    data = {"name": "digits", "rows": 300}
    choice = {"data": data, "base": base, "arms": arms, "seeds": 7, "batch_size": 50}
    control.do({"do": "begin", "choice": choice}).result(60)
    control.do({"do": "speed", "value": None}).result(60)
    control.do({"do": "run"}).result(60)
    with visit(browser, address) as person:
        person.until(lambda: person.step > 600)  # losses are small, and numbers long
        with person.tab.expect_download() as download:
            person.tab.get_by_role("link", name="Report").click()
        kept = Path(download.value.path()).rename(tmp_path / "report.html")
        person.tab.goto(kept.as_uri())
        tables = person.tab.locator(".wide").all()
        assert len(tables) == 2
        for one in tables:
            assert one.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_a_table_is_sent_and_trained_on(browser: Any, tmp_path: Path) -> None:
    rows = "".join(f"{a / 7},{a % 7},{a},{'' if a % 9 == 0 else 'ny'[a % 2]}\n" for a in range(90))
    evil = "<img src=x onerror=alert(1)>"
    content = f"x,{evil},row,label\n{rows}".encode()
    page = tl.live(browser=False)
    try:
        with visit(browser, page.address) as person:
            tab = person.tab
            data = tab.get_by_label("Data", exact=True)
            data.select_option("send")
            person.press("Begin")
            tab.get_by_text("Choose a table first.").wait_for()
            chooser = tab.get_by_label("Table (CSV)")
            picture = {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
            chooser.set_input_files(files=[picture])
            person.until(lambda: "table" in tab.locator(".notice.error").inner_text())
            with tab.expect_file_chooser():  # Chromium tells of no change to the same file
                chooser.click()
            assert chooser.input_value() == ""
            file = {"name": "../mine.csv", "mimeType": "text/csv", "buffer": content}
            chooser.set_input_files(files=[file])
            tab.get_by_text("The table has 4 columns.").wait_for()
            assert data.locator("option:checked").inner_text() == "table: ../mine.csv"
            assert tab.get_by_label("Target", exact=True).input_value() == "label"
            tab.get_by_text("Features", exact=True).click()
            assert tab.locator("img").count() == 0
            assert tab.get_by_label("label", exact=True).is_disabled()
            tab.get_by_label("row", exact=True).uncheck()
            person.press("Begin")
            tab.get_by_text("try to leave out rows without a target").wait_for()
            tab.get_by_label("Leave out rows without a target").check()
            person.press("Begin")
            tab.get_by_text("A new session has begun.").wait_for()
            person.until(lambda: "mine.csv: 64 training rows" in tab.locator(".watch").inner_text())
            person.press("One epoch")
            person.until(lambda: person.step > 2)
            assert all("400 (Bad Request)" in one for one in person.errors)
            assert len(person.errors) == 2  # the picture, and the rows without a target
            person.errors.clear()
        with visit(browser, page.address) as person:  # another one knows the table
            tab = person.tab
            selected = tab.get_by_label("Data", exact=True).locator("option:checked")
            person.until(lambda: selected.inner_text() == "table: ../mine.csv")
            assert not tab.get_by_label("row", exact=True).is_checked()
            assert tab.get_by_label("Leave out rows without a target").is_checked()
    finally:
        page.close()


def test_it_begins_at_a_speed_at_which_learning_can_be_seen(browser: Any) -> None:
    page = tl.live(browser=False)
    try:
        with visit(browser, page.address) as person:
            assert person.tab.get_by_label("Speed").input_value() == "100"
            person.press("Run")
            person.until(lambda: person.step > 50)
            assert person.see("trainlab.model.status.rate") <= 100
    finally:
        page.close()


def test_a_page_that_nobody_sees_asks_for_nothing(
    browser: Any, place: tuple[LiveControl, str]
) -> None:
    control, address = place
    hide = """(state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with visit(browser, address) as person:
        person.press("Run")
        person.until(lambda: person.step > 20)
        person.see(hide, "hidden")
        person.until(lambda: control.watchers == 0)
        step = control.snapshot.status["step"]
        person.until(lambda: control.snapshot.status["step"] > step + 50)
        assert person.see("trainlab.model.status.step") <= step + 50
        person.see(hide, "visible")
        person.until(lambda: person.step > step + 50)
        person.press("Pause")
        person.until(lambda: person.tab.locator(".pace").inner_text() == "paused")
        assert person.see("trainlab.model.steps") == list(control.snapshot.curves.steps)


def test_a_curve_that_grows_is_the_curve_that_is_drawn_as_a_whole(browser: Any) -> None:
    picture = """() => [...document.querySelectorAll(".stack canvas")].map((canvas) => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      let ink = 0;
      for (let at = 3; at < data.length; at += 4) ink += data[at];
      return ink;
    })"""
    with served(small(evaluate=1)) as (_, address), visit(browser, address) as person:
        for epoch in range(1, 14):  # from step 60 to 80 the axes stay as they are
            person.press("One epoch")
            person.until(lambda epoch=epoch: person.step == 6 * epoch)
            person.tab.wait_for_timeout(100)
        person.tab.wait_for_timeout(1500)  # until single seeds are drawn, too
        grown = person.see(picture)
        person.tab.set_viewport_size({"width": 1279, "height": 900})
        person.tab.wait_for_timeout(200)
        person.tab.set_viewport_size({"width": 1280, "height": 900})
        person.tab.wait_for_timeout(1500)
        whole = person.see(picture)
        assert len(whole) == 8
        assert min(whole) > 0
        for one, other in zip(grown, whole, strict=True):
            assert one == pytest.approx(other, rel=0.02)


def test_two_pages_see_the_same(browser: Any, place: tuple[LiveControl, str]) -> None:
    control, address = place
    with visit(browser, address) as one, visit(browser, address, 390) as other:
        one.press("Run")
        one.until(lambda: one.step > 200)
        other.press("Pause")
        for person in (one, other):
            person.until(lambda person=person: person.tab.locator(".pace").inner_text() == "paused")
        step = control.snapshot.status["step"]
        for person in (one, other):
            person.until(lambda person=person: person.step == step)
        bands = [
            person.see("trainlab.model.about.arms.map((a) => trainlab.model.lastBand(a.name, 2))")
            for person in (one, other)
        ]
        assert bands[0] == bands[1]
        curves = control.snapshot.curves
        values = curves.values["SGD"][2, :, len(curves.steps) - 1]
        expected = np.quantile(values.astype(float), [0.025, 0.5, 0.975])
        np.testing.assert_allclose(bands[0][0], expected, rtol=1e-6)


def test_a_server_that_is_gone_is_said_to_be(browser: Any) -> None:
    with served() as (_, address):
        one = Visit(browser, address, 1280, False, "")
    one.tab.get_by_text("The server does not answer").wait_for()
    one.context.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lesson", "width", "dark"),
    [
        ("spiral", 390, False),
        ("spiral", 1280, True),
        ("dropout", 390, True),
        ("dropout", 1280, False),
    ],
)
def test_nothing_is_too_wide_and_axe_finds_no_fault(
    browser: Any, place: tuple[LiveControl, str], width: int, dark: bool, lesson: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core")
    with visit(browser, place[1], width, dark) as person:
        tab = person.tab
        tab.get_by_label("Lesson", exact=True).select_option(lesson)
        tab.get_by_text("A new session has begun.").wait_for()
        person.press("Run")
        person.until(lambda: person.step > 100)
        person.press("Pause")
        person.until(lambda: tab.locator("canvas.histogram").count() > 3)
        person.see("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        tab.locator(".steer").get_by_label("Dropout").fill("0.1")
        person.press("Change")
        tab.get_by_text("Done.").wait_for()
        assert person.see("document.documentElement.scrollWidth") == width
        for large in (False, True):
            if large:
                person.press("Large type")
                assert person.see("document.documentElement.scrollWidth") == width
            found = axe.Axe().run(tab).response
            faults = [one for one in found["violations"] if one["impact"] in SERIOUS]
            told = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in faults]
            assert told == []
        assert found["passes"]


def test_the_page_stays_small(browser: Any) -> None:
    """What it holds after curves have been halved."""
    with served(small(seeds=10)) as (control, address), visit(browser, address) as person:
        person.press("Run")
        person.until(lambda: control.snapshot.curves.every >= 40)
        person.press("Pause")
        person.until(lambda: person.tab.locator(".pace").inner_text() == "paused")
        points = person.see("trainlab.model.steps.length")
        assert points == len(control.snapshot.curves.steps) <= 400
        assert person.see(
            "[...trainlab.model.arms.values()]"
            ".every((arm) => arm.columns.length === trainlab.model.steps.length)"
        )


def test_nobody_waits_for_a_page_that_is_closed(browser: Any) -> None:
    with served() as (control, address):
        with visit(browser, address) as person:
            person.press("Run")
            person.until(lambda: person.step > 10)
        step = control.snapshot.status["step"]
        until(lambda: control.snapshot.status["step"] > step + 100)
        until(lambda: control.watchers == 0)
    names = [one.name for one in threading.enumerate()]
    assert "trainlab-live" not in names
