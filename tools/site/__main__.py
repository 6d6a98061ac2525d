"""python tools/site [OUT]: makes the documentation site from docs/ and checks it; `make site`.

--no-notebooks leaves out what takes longest: to run each notebook in Jupyter.

staging.py    brings the pages together: docs/, the changelog, a page for each public name
notebooks.py  lessons as notebooks
reference.py  the public names, and the pages that describe them
conf.py       what Sphinx is told
checks.py     what must hold for the finished site

What Sphinx reads lies in build/site; warnings name its files, whose names are those in docs/.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import checks
import staging
from sphinx.cmd.build import build_main

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main(out: Path, with_notebooks: bool) -> int:
    """The exit status: 0 for a site without warnings, broken links and missing names."""
    began, source = time.monotonic(), ROOT / "build" / "site"
    staging.stage(source)
    options = ["-W", "--keep-going", "-n", "-q", "-c", str(HERE), "-b", "html"]
    status = build_main([*options, str(source), str(out)])
    if status == 0:
        print(f"the site is built, {time.monotonic() - began:.0f} s; checking it")
        faults = checks.check(out, with_notebooks)
        print("\n".join(faults) or f"open {(out / 'index.html').resolve().as_uri()}")
        status = min(len(faults), 1)
    return int(status)


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python tools/site")
    parser.add_argument("out", nargs="?", default="site", type=Path)
    parser.add_argument("--no-notebooks", action="store_true")
    told = parser.parse_args()
    sys.exit(main(told.out, not told.no_notebooks))
