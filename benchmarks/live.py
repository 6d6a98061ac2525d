"""Measures the live page: replays, speed with and without a page, answers, frames, memory.

    python -m benchmarks.live [SECONDS [STEPS [REPLAYS]]]

Eight arms × 30 seeds on the spiral.  SECONDS, 10 by default: of each measured run.  STEPS, 10⁶:
of the run whose memory is watched.  REPLAYS, 100: sequences of interventions at random, each
replayed from its log; every fifth also as its exported script.  The page is opened in Chromium,
on the same cores.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.machine import describe
from trainlab.live.choices import setup_of
from trainlab.live.control import LiveControl
from trainlab.live.script import script_of
from trainlab.live.server import serving
from trainlab.live.session import LiveSession

CHOICE: Final[dict[str, Any]] = {
    "data": {"name": "spiral", "rows": 400, "noise": 0.03},
    "base": {"hidden": [16, 16], "activation": "tanh"},
    "arms": [
        {"name": f"{name} {lr}", "optimizer": name, "lr": lr}
        for name, lr in (
            ("sgd", 0.03),
            ("sgd", 0.1),
            ("momentum", 0.03),
            ("momentum", 0.1),
            ("nesterov", 0.1),
            ("rmsprop", 0.003),
            ("adam", 0.003),
            ("adam", 0.01),
        )
    ],
    "seeds": 30,
    "batch_size": 20,
}
PAGE: Final = "trainlab.counts()"
FRAMES: Final = """() => new Promise((found) => {
  const start = performance.now();
  let frames = 0;
  const frame = (now) => {
    frames++;
    if (now < start + 2000) requestAnimationFrame(frame);
    else found(1000 * frames / (now - start));
  };
  requestAnimationFrame(frame);
})"""
NAMES: Final = ("MainThread", "trainlab-server")
FIELDS: Final = ("lr", "dropout", "weight_decay", "l1", "decoupled_weight_decay")


def say(text: object) -> None:
    """A line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def session() -> LiveSession:
    """All of it, at the first step."""
    return LiveSession(setup_of(CHOICE))


@contextmanager
def served() -> Iterator[tuple[LiveControl, str]]:
    """A control, and the address of its server."""
    control = LiveControl(session(), lambda choice: LiveSession(setup_of(choice)))
    with serving(control) as server:
        yield control, server.address


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """The page in Chromium; benchmarks need no types of playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--enable-precise-memory-info"],
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(address)
        while not tab.evaluate("Boolean(window.trainlab?.model.about)"):
            tab.wait_for_timeout(10)
        yield tab
        browser.close()


def do(control: LiveControl, name: str, **fields: Any) -> Any:
    """A command, done."""
    return control.do({"do": name, **fields}).result(600)


class Spent(NamedTuple):
    """Steps, seconds, and seconds of all cores: of training, of the server, of the browser."""

    steps: float
    seconds: float
    training: float
    server: float
    browser: float

    def since(self, before: Spent) -> Spent:
        """What was spent in between."""
        return Spent(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def rate(self) -> float:
        """Steps in a second."""
        return self.steps / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of a core for a step."""
        return 1e6 * self.training / self.steps


def spent(control: LiveControl) -> Spent:
    """All that was spent until now; the threads of the engine count as training."""
    named = {one.name: one.native_id for one in threading.enumerate()}
    main, server = (_ticks(f"/proc/self/task/{named[name]}/stat") for name in NAMES)
    whole = time.process_time() - main - server
    return Spent(control.session.step, time.perf_counter(), whole, server, _browsers())


def _ticks(stat: str) -> float:
    """Seconds of a core that a process or a thread has had; 0 for one that has ended."""
    try:
        text = Path(stat).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _browsers() -> float:
    """Of all processes that this one has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for one in Path("/proc").iterdir():
        if one.name.isdecimal():
            try:
                text = (one / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(one.name))
    found, waiting = 0.0, list(parents.get(os.getpid(), []))
    while waiting:
        process = waiting.pop()
        found += _ticks(f"/proc/{process}/stat")
        waiting += parents.get(process, [])
    return found


def measured(control: LiveControl, seconds: float, wait: Any = time.sleep) -> Spent:
    """What is spent in so many seconds."""
    before = spent(control)
    wait(seconds)
    return spent(control).since(before)


def speeds(seconds: float) -> None:
    """Steps a second in turn without and with a page; frames; how long answers take."""
    alone, watched, answers, paints, frames = [], [], [], [], []
    with served() as (control, address):
        do(control, "run")
        time.sleep(seconds / 2)
        for _ in range(3):
            alone.append(measured(control, seconds))
            with opened(address) as tab:
                entry = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                paints.append(tab.evaluate(entry))
                tab.wait_for_timeout(1000)
                before = tab.evaluate(PAGE)
                watched.append(
                    measured(control, seconds, lambda s, tab=tab: tab.wait_for_timeout(1000 * s))
                )
                after = tab.evaluate(PAGE)
                sent = (after["messages"] - before["messages"]) / watched[-1].seconds
                drawn = (after["frames"] - before["frames"]) / watched[-1].seconds
                frames.append(tab.evaluate(FRAMES))
                answers += [_answer(tab) for _ in range(10)]
    say(f"without a page: {_told(alone)}")
    say(f"with a page: {_told(watched)}")
    shares = [two.rate / one.rate for one, two in zip(alone, watched, strict=True)]
    say(f"share of the steps/s: {statistics.median(shares):.3f}, {shares}")
    say(f"messages/s: {sent:.1f}, drawn/s: {drawn:.1f}")
    say(f"frames/s that the page could draw: {statistics.median(frames):.1f}")
    say(f"answer to a button, ms: {statistics.median(answers):.0f}, worst {max(answers):.0f}")
    say(f"first paint, ms: {', '.join(f'{paint:.0f}' for paint in paints)}")


def _told(found: list[Spent]) -> str:
    """Medians of some measurements, in words."""

    def middle(value: Callable[[Spent], float]) -> float:
        return statistics.median(map(value, found))

    shares = {
        "training": middle(lambda one: one.training / one.seconds),
        "server": middle(lambda one: one.server / one.seconds),
        "browser": middle(lambda one: one.browser / one.seconds),
    }
    cores = ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
    rate, cost = middle(lambda one: one.rate), middle(lambda one: one.cost)
    return f"{rate:,.0f} steps/s of {cost:.0f} µs of a core; cores: {cores}"


def _answer(tab: Any) -> float:
    """Milliseconds from a click on Pause or Run to the page that says so."""
    script = """async () => {
      const button = document.querySelector("header button.main"), text = button.textContent;
      const start = performance.now();
      button.click();
      while (button.textContent === text) await new Promise(requestAnimationFrame);
      const took = performance.now() - start;
      await new Promise((go) => setTimeout(go, 300));
      return took;
    }"""
    return float(tab.evaluate(script))


def memory(steps: int) -> None:
    """Of server and page, in tenths of so many steps."""
    with served() as (control, address), opened(address) as tab:
        do(control, "run")
        for tenth in range(1, 11):
            while control.session.step < steps * tenth / 10:
                tab.wait_for_timeout(200)
            heap = tab.evaluate("performance.memory.usedJSHeapSize") / 2**20
            say(f"step {control.session.step:>9,}: server {_resident():.0f} MB, page {heap:.1f} MB")
        do(control, "pause")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def replays(count: int) -> None:
    """Sequences at random, each replayed from its log, some as scripts."""
    rng, same, scripts, run = np.random.default_rng(0), 0, 0, 0
    acts: dict[str, int] = {}
    small = {**CHOICE, "seeds": 3}
    for number in range(count):
        own = LiveSession(setup_of(small))
        _play(own, rng, acts)
        again = LiveSession(own.setup)
        again.replay(own.log, own.step)
        same += again.digest() == own.digest()
        if number % 5 == 0:
            run += 1
            scripts += _script_agrees(own)
    say(f"replays with the same SHA-256: {same} of {count}; scripts: {scripts} of {run}")
    say(f"interventions: {acts}")


def _play(own: LiveSession, rng: np.random.Generator, acts: dict[str, int]) -> None:
    for _ in range(10):
        own.advance_to(own.step + int(rng.integers(0, 60)))
        running, act = own.running, str(rng.choice(["change", "stop", "clone", "undo", "mark"]))
        arm, fields = str(rng.choice(running)), {str(rng.choice(FIELDS)): rng.uniform(0.001, 0.3)}
        if act == "change":
            own.change(arm, fields)
        elif act == "stop" and own.step and len(running) > 2:
            own.stop(arm)
        elif act == "clone" and len(running) < 8:
            own.clone(arm, fields)
        elif act == "undo" and own.log:
            own.undo(int(rng.integers(len(own.log))))
        elif act == "mark":
            own.mark()
        else:
            continue
        acts[act] = acts.get(act, 0) + 1
    own.advance_to(own.step + 25)


def _script_agrees(own: LiveSession) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "session.py")
        file.write_text(script_of(own), encoding="utf-8")
        done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
    return done.stdout.split("\n", 1)[0] == own.digest()


def main(seconds: float = 10.0, steps: int = 10**6, count: int = 100) -> None:
    """All of it, as text."""
    say(describe())
    replays(count)
    speeds(seconds)
    memory(steps)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(*(kind(text) for kind, text in zip((float, int, int), given, strict=False)))
