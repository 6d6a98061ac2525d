"""A browser for an address, without a word where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import webbrowser
from typing import Final

PATIENCE: Final = 2.0
"""Seconds in which a desktop says that it has no browser; the browser may stay in the command."""


def show(address: str) -> bool:
    """Opens an address in a browser; returns whether there is one.

    `webbrowser` takes `xdg-open` for a browser that was opened, and leaves its errors on the
    terminal, also where it finds none.
    """
    opener = shutil.which("xdg-open") if sys.platform == "linux" else None
    if opener is None:
        return webbrowser.open(address)
    quiet = subprocess.DEVNULL
    started = subprocess.Popen(  # noqa: S603  # it runs no shell, and the address is our own
        [opener, address], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        return started.wait(PATIENCE) == 0
    except subprocess.TimeoutExpired:
        threading.Thread(target=started.wait, daemon=True).start()
        return True
