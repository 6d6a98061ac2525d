"""How pip builds trainlab: by scikit-build-core, but for editable installs.

Those of scikit-build-core put a finder in front of the path, which would hide the source tree
that PYTHONPATH names.  Ours puts the native engine into the source tree, as anything that
imports trainlab from there expects it, and the tree on the path of the environment.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

from scikit_build_core.build import (
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

SOURCE: Final = Path(__file__).parents[1] / "src"
MODULE: Final = "trainlab/engine/_native"

get_requires_for_build_editable = get_requires_for_build_wheel


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Writes a wheel that leads to the source tree, and gives its name."""
    files, engine = {"trainlab.pth": f"{SOURCE}\n".encode()}, set()
    with tempfile.TemporaryDirectory() as folder:
        name = build_wheel(folder, config_settings, metadata_directory)
        with zipfile.ZipFile(Path(folder, name)) as wheel:
            for inside in wheel.namelist():
                content, about = wheel.read(inside), inside.partition("/")[0]
                if inside.startswith(MODULE):
                    engine.add(SOURCE / inside)
                    _replace(SOURCE / inside, content)
                elif about.endswith(".dist-info") and not inside.endswith("/RECORD"):
                    files[inside] = content
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:  # that of another Python may stay
        if (old := SOURCE / (MODULE + suffix)) not in engine:
            old.unlink(missing_ok=True)
    record = f"{about}/RECORD"
    lines = [f"{inside},{_digest(content)},{len(content)}" for inside, content in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    with zipfile.ZipFile(Path(wheel_directory, name), "w") as wheel:
        for inside, content in files.items():
            wheel.writestr(inside, content)
    return name


def _replace(path: Path, content: bytes) -> None:
    """At once: other environments import the engine from here meanwhile."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.chmod(0o755)
    new.replace(path)


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.decode().rstrip('=')}"
