"""Makes docs/live.png and docs/live.gif: the live page in Chromium while it trains the spiral."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from trainlab.live.start import opened

ROOT = Path(__file__).parents[1]
STEPS = 1_500
FRAMES, EVERY = 20, 90
"""Pictures of the animation, and steps between two of them."""


def main() -> None:
    """Two visits to the page of a lesson."""
    page = opened()
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = begun(browser, page.address, 1280, 940)
        tab.get_by_role("button", name="Run").click()
        wait(tab, STEPS)
        tab.get_by_role("button", name="Pause").click()
        tab.wait_for_timeout(5000)  # until all is drawn, and the notice is gone
        shot = Image.open(io.BytesIO(tab.screenshot()))
        shot.save(ROOT / "docs" / "live.png", optimize=True)
        tab = begun(browser, page.address, 860, 1500)
        tab.wait_for_timeout(4500)
        tab.get_by_role("button", name="Run").click()
        wait(tab, 1)
        tab.locator(".maps canvas").nth(2).wait_for()
        pictures = []
        for number in range(FRAMES):
            wait(tab, number * EVERY)
            pictures.append(stacked(tab, ".charts", ".maps"))
        browser.close()
    page.close()
    colours = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    pictures = [one.quantize(80, **colours) for one in pictures]
    first, *others = pictures
    first.save(
        ROOT / "docs" / "live.gif",
        save_all=True,
        append_images=others,
        duration=[250] * (FRAMES - 1) + [2500],
        loop=0,
        optimize=True,
    )


def begun(browser: Any, address: str, width: int, height: int) -> Any:
    """The page with the lesson at its first step."""
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto(address)
    tab.get_by_label("Lesson", exact=True).select_option("spiral")
    tab.get_by_text("A new session has begun.").wait_for()
    return tab


def stacked(tab: Any, *selectors: str) -> Any:
    """Parts of the page, one below the other, at two thirds of their size."""
    shots = [Image.open(io.BytesIO(tab.locator(one).screenshot())) for one in selectors]
    whole = Image.new("RGB", (shots[0].width, sum(one.height for one in shots)), "white")
    top = 0
    for shot in shots:
        whole.paste(shot, (0, top))
        top += shot.height
    return whole.resize((whole.width * 2 // 3, whole.height * 2 // 3))


def wait(tab: Any, step: int) -> None:
    """Until so many steps are done.  A function of the page's own would need `eval`."""
    while tab.evaluate("trainlab.model.status.step") < step:
        tab.wait_for_timeout(20)


if __name__ == "__main__":
    main()
