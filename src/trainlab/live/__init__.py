"""The live laboratory: a page on which populations train, and answer when something is changed.

setup.py          what a session begins with; data by name
interventions.py  what people do to it, as a log
lanes.py          members that train on and may change after any step
curves.py         bounded curves
session.py        all of these together, without threads or files
script.py, kept.py  a session as a script, as a log, in a store
uploads.py        tables that a page sends
choices.py, presets.py  what a page may choose; lessons
about.py          arms, log and tests in words and numbers
looks.py          decision surfaces, layers, wrong images
summary.py        what was done as one HTML file
control.py        the thread that trains, and the snapshots that pages read
messages.py, guard.py, server.py  what pages are sent, who may ask, routes
start.py, browser.py  `tl.live`, and a browser for it
"""

import sys
from types import ModuleType
from typing import Any


class _CallableRoom(ModuleType):
    """`tl.live` is this package as soon as any of its modules is imported, and a call before."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from trainlab.live.start import live

        return live(*arguments, **settings)


sys.modules[__name__].__class__ = _CallableRoom
