"""What all pages share: templates that escape, and a policy that forbids everything else."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import Any

import jinja2

from trainlab.experiments.claims import number
from trainlab.report import words


@functools.cache
def environment() -> jinja2.Environment:
    """Templates: whatever they are given is clipped, made visible and escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("trainlab.report"),
        autoescape=True,
        finalize=_fit,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["span"] = words.span
    made.filters |= {
        "chance": words.chance,
        "counted": words.counted,
        "name": words.name,
        "number": number,
        "score": words.score,
        "signed": words.signed,
    }
    return made


def _fit(value: Any) -> Any:
    """What a template shows: all text passes here, and only markup is left as it is."""
    return (
        words.visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
    )


def asset(name: str) -> str:
    """A style or a script of ours."""
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def policy(style: str, script: str | None = None) -> str:
    """The Content-Security-Policy: this style, this script, pictures in the page, no request."""
    scripts = f"script-src {_hash(script)}; " if script else ""
    return (
        f"default-src 'none'; style-src {_hash(style)}; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
