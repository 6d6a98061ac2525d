"""Makes docs/live.png: the live page in Chromium, some seconds after a lesson has begun."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from trainlab.live.start import opened

ROOT = Path(__file__).parents[1]
STEPS = 1_500


def main() -> None:
    """Trains the lesson of the spiral for some epochs."""
    page = opened()
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 960})
        tab.goto(page.address)
        tab.select_option(".teacher select", "spiral")
        tab.get_by_text("A new session has begun.").wait_for()
        tab.get_by_role("button", name="Run").click()
        while tab.evaluate("trainlab.model.status.step") < STEPS:
            tab.wait_for_timeout(20)
        tab.get_by_role("button", name="Pause").click()
        tab.wait_for_timeout(5000)  # until all is drawn, and the notice is gone
        tab.screenshot(path=ROOT / "docs" / "live.png")
        browser.close()
    page.close()


if __name__ == "__main__":
    main()
