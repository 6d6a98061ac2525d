"""What all pages are made with: templates that escape, and a policy that forbids all the rest."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import urllib.parse
from importlib import resources
from typing import Any, Final

import jinja2

from trainlab.pages import words
from trainlab.terminal import counted

PAGE: Final = "index.html"


def render(
    package: str, template: str, *, style: str = "", script: str | None = None, **given: Any
) -> str:
    """A page of a package, with our style and its own; what it is given from outside is escaped."""
    style = asset("style.css") + style
    found = _environment(package).get_template(template)
    return found.render(style=style, script=script, policy=_policy(style, script), **given)


@functools.cache
def _environment(package: str) -> jinja2.Environment:
    """Templates of a package, and of this: what they are given is clipped, visible and escaped."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package), jinja2.PackageLoader("trainlab.pages")]
        ),
        autoescape=True,
        finalize=_fit,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["span"] = words.span
    made.filters |= {
        "amount": words.amount,
        "chance": words.chance,
        "counted": counted,
        "name": words.name,
        "number": words.number,
        "score": words.score,
        "signed": words.signed,
    }
    return made


def _fit(value: Any) -> Any:
    """What a template shows: text of any origin passes here, and only markup is left alone."""
    return (
        words.visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
    )


def asset(name: str, package: str = "trainlab.pages") -> str:
    """A style or a script of ours."""
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")


def bundle(*files: tuple[str, str]) -> str:
    """Modules of ours as one script for a page: each (package, name), after those it imports."""
    parts = (_LINKS.sub("", asset(name, package)) for package, name in files)
    return '"use strict";\n(() => {{\n{}}})();\n'.format("\n".join(parts))


_LINKS: Final = re.compile(r"^(import .*;\n|export )", re.MULTILINE)
"""What links modules: in one script all names are there."""


def _policy(style: str, script: str | None) -> str:
    """The Content-Security-Policy: this style, this script, pictures in the page, no request."""
    scripts = f"script-src {_hash(script)}; " if script else ""
    return (
        f"default-src 'none'; style-src {_hash(style)}; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def uri(svg: bytes) -> str:
    """An SVG as a data URI, safe in an attribute in double quotes; a quarter below base64.

    Space is left out where SVG needs none: in paths it would be a fifth of the page.  The
    rest of it is encoded, since a space ends a URL in `srcset`.

    >>> uri(b'<a d="M 0 1 L 2 3"/>\\n')
    'data:image/svg+xml,%3Ca%20d=%22M0,1L2,3%22/%3E'
    """
    compact = _PATH.sub(_numbers, b" ".join(svg.split())).replace(b"> <", b"><")
    # Double quotes, brackets, & and whatever ends an attribute or an element are never left so.
    return "data:image/svg+xml," + urllib.parse.quote(compact, safe="=:/;,.-_()'")


_PATH: Final = re.compile(rb" d=([\"'])(.*?)\1")
_COMMAND: Final = re.compile(rb" ?([A-Za-z]) ?")


def _numbers(path: re.Match[bytes]) -> bytes:
    numbers = _COMMAND.sub(rb"\1", path[2]).strip().replace(b" ", b",")
    return b" d=" + path[1] + numbers + path[1]
