"""A page in a real Chromium: what its document looks like after its scripts, or a picture of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import matplotlib.image
import numpy as np
import pytest

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=5000",
)
POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
SECONDS: Final = 120


def browser() -> str:
    """The browser's path; skips the test where there is none that starts."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no Chromium is installed (looked for {', '.join(NAMES)})")
    return found


def _run(page: Path, room: Path, *flags: str, dark: bool, width: int, height: int) -> str:
    command = [
        browser(),
        *FLAGS,
        f"--user-data-dir={room / 'profile'}",
        f"--window-size={width},{height}",
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
        *flags,
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def document(page: Path, room: Path, dark: bool = False, width: int = 1280) -> str:
    """The HTML of the document after its scripts ran."""
    return _run(page, room, "--dump-dom", dark=dark, width=width, height=900)


def seen(page: Path, room: Path, script: str, dark: bool = False, width: int = 1280) -> Any:
    """What a script of the test, the body of an async function, returns on a copy of the page.

    The copy lacks the policy, which would not let the script run.
    """
    text, count = POLICY.subn("", page.read_text(encoding="utf-8"))
    assert count == 1
    caught = "const wait = () => new Promise((go) => setTimeout(go, 50));"
    run = f"(async () => {{ {caught} {script} }})().catch((error) => String(error.stack))"
    show = "document.documentElement.textContent = 'SEEN' + JSON.stringify(found) + 'SEEN'"
    own = f"<script>{run}.then((found) => {{ {show}; }});</script></body>"
    copy = room / "copy.html"
    copy.write_text(text.replace("</body>", own), encoding="utf-8")
    parts = document(copy, room, dark, width).split("SEEN")
    assert len(parts) == 3, "the script did not come to its end"
    return json.loads(html.unescape(parts[1]))


def picture(page: Path, room: Path, dark: bool = False, width: int = 1280) -> Any:
    """The page as it looks: (height, width, 3) bytes."""
    file = room / "picture.png"
    _run(page, room, f"--screenshot={file}", dark=dark, width=width, height=900)
    return np.rint(matplotlib.image.imread(file)[..., :3] * 255).astype(np.uint8)
