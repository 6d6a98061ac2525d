"""SVG of matplotlib in a fifth of its bytes, with the same look: a page carries many figures.

Each letter is defined once, paths are relative and to a tenth of a point, styles that come
again are classes, and what nobody refers to has no name.
"""

from __future__ import annotations

import itertools
import re
import string
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

SVG: Final = "http://www.w3.org/2000/svg"
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_GLYPH: Final = "scale(0.015625)"
"""What matplotlib scales the outlines of letters by."""
_TOKEN: Final = re.compile(r"[A-Za-z]|-?\d+\.?\d*(?:e-?\d+)?")
_SHIFT: Final = re.compile(r"translate\(([-\d.e]+) ([-\d.e]+)\)")
_NUMBER: Final = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_ZERO: Final = re.compile(r"(?<![\d.])0(?=\.)")
_FUNCTION: Final = re.compile(r"scale\([^)]*\)|-?\d+\.\d+(?:e-?\d+)?")
_REFERENCE: Final = re.compile(r"#([\w.-]+)")
_POINTS: Final = {"M": 1, "L": 1, "Q": 2, "C": 3}
"""Command of a path → its points."""


def compact(drawn: bytes) -> bytes:
    """The SVG that matplotlib wrote, in fewer bytes."""
    root = ET.fromstring(drawn)  # noqa: S314 - matplotlib's own, of this process
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        element.text = element.text if element.tag == "style" else None
        element.tail = None
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    defined: list[ET.Element] = []
    _simplify(root, defined)
    _share_words(root, defined)
    _rename([root, *defined])
    styles = _classes([root, *defined])
    made = ET.Element("svg", {"xmlns": SVG, **root.attrib})
    shared = ET.SubElement(made, "style")
    shared.text = (root.findtext(".//style") or "").replace(": ", ":").replace("; ", ";") + styles
    ET.SubElement(made, "defs").extend(defined)
    made.extend(each for each in root if each.tag != "style")
    text = ET.tostring(made, encoding="unicode").replace(" />", "/>")
    assert "'" not in text  # no value that matplotlib writes has a quote
    return text.replace('"', "'").encode("utf-8")  # in a data URI " would take three bytes


def _simplify(parent: ET.Element, defined: list[ET.Element]) -> None:
    """Moves what is defined to one place, and removes groups without a meaning of their own."""
    children: list[ET.Element] = []
    for child in list(parent):
        parent.remove(child)
        _shorten(child)
        _simplify(child, defined)
        if child.tag == "defs":
            defined.extend(each for each in child if each.tag != "style")
            children.extend(each for each in child if each.tag == "style")
        elif child.tag == "g" and not set(child.attrib) - {"id"}:
            children.extend(child)
        else:
            children.append(child)
    parent.extend(children)


def _shorten(element: ET.Element) -> None:
    """Fewer digits, and shorter ways to say the same."""
    scale, digits = 1.0, 1
    if element.tag == "path" and element.get("transform") == _GLYPH:
        scale, digits = float(_GLYPH[len("scale(") : -1]), 0  # a hundredth of the font's size
        del element.attrib["transform"]
    if "d" in element.attrib:
        element.set("d", relative(element.attrib["d"], scale, digits))
    shift = _SHIFT.fullmatch(element.get("transform", ""))
    if element.tag == "use" and shift:
        del element.attrib["transform"]
        element.attrib |= {"x": shift[1], "y": shift[2]}
    for name, value in list(element.attrib.items()):
        if name not in ("d", "id", "href", "style"):
            element.set(name, _FUNCTION.sub(_rounded, value))
        if element.tag == "use" and name in ("x", "y") and element.get(name) == "0":
            del element.attrib[name]


def _rounded(found: re.Match[str]) -> str:
    """A number, or the numbers of a transformation: factors need more digits than places."""
    digits = 3 if found[0].startswith("scale") else 1
    return _NUMBER.sub(lambda number: _short(float(number[0]), digits), found[0])


def _share_words(root: ET.Element, defined: list[ET.Element]) -> None:
    """Words that come again, as numbers of axes do, are defined once."""
    found: dict[str, list[ET.Element]] = {}
    for group in root.iter("g"):
        words = all(child.tag == "use" for child in group) and "transform" in group.attrib
        if words and len(group) > 1:
            found.setdefault(str([child.attrib for child in group]), []).append(group)
    for number, same in enumerate(one for one in found.values() if len(one) > 1):
        name = f"words-{number}"
        shared = ET.Element("g", {"id": name})
        shared.extend(list(same[0]))
        defined.append(shared)
        for group in same:
            for child in list(group):
                group.remove(child)
            group.tag = "use"
            group.set("href", f"#{name}")


def _rename(parts: list[ET.Element]) -> None:
    """Short names for what is referred to, none for the others."""
    every = [element for part in parts for element in part.iter()]
    texts = [value for element in every for value in element.attrib.values()]
    named = {element.get("id") for element in every} - {None}
    wanted = [found for text in texts for found in _REFERENCE.findall(text) if found in named]
    short = dict(zip(dict.fromkeys(wanted), _names(), strict=False))
    for element in every:
        own = short.get(element.attrib.pop("id", ""))
        for name, value in element.attrib.items():
            if name in ("href", "clip-path"):
                element.set(name, _REFERENCE.sub(lambda found: f"#{short[found[1]]}", value))
        if own:
            element.set("id", own)


def _classes(parts: list[ET.Element]) -> str:
    """Styles as classes: their rules."""
    found: dict[str, str] = {}
    names = _names()
    for element in (element for part in parts for element in part.iter()):
        style = element.attrib.pop("style", None)
        if style:
            if style not in found:
                found[style] = next(names)
            element.set("class", found[style])
    rules = (
        f".{name}{{{style.replace(': ', ':').replace('; ', ';')}}}" for style, name in found.items()
    )
    return "".join(rules)


def _names() -> Iterator[str]:
    """a, b, …, z, aa, ab, …"""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "".join(letters)


# --- paths -----------------------------------------------------------------------------


def relative(path: str, scale: float = 1.0, digits: int = 1) -> str:
    """A path of M, L, Q, C and Z with each point relative to the one before.

    Rounding does not add up: each point is as near to its place as the digits allow.

    >>> relative("M 10 10 L 20 10 L 20.26 15 Q 20 16 21 17 z")
    'm10,10h10l.3,5q-.3,1,.7,2z'
    """
    tokens = _TOKEN.findall(path)
    made: list[str] = []
    at, start, place, last = (0.0, 0.0), (0.0, 0.0), 0, ""
    while place < len(tokens):
        command = tokens[place]
        if command in "zZ":
            made.append("z")
            at, place, last = start, place + 1, "z"
            continue
        count = 2 * _POINTS[command]
        numbers = [round(scale * float(n), digits) for n in tokens[place + 1 : place + 1 + count]]
        place += 1 + count
        steps = [n - at[i % 2] for i, n in enumerate(numbers)]
        x, y = (_short(step, digits) for step in steps[-2:])
        at = (numbers[-2], numbers[-1])
        letter, said = command.lower(), [_short(step, digits) for step in steps]
        if command == "M":
            start = at
        elif command == "L":
            if x == y == "0" and last != "m":
                continue  # it ends where it began
            letter, said = ("v", [y]) if x == "0" else ("h", [x]) if y == "0" else ("l", [x, y])
        made.append(_joined(said) if letter == last != "m" else letter + _joined(said))
        if letter == last != "m" and not made[-1].startswith("-"):
            made[-1] = f",{made[-1]}"
        last = letter
    return "".join(made)


def _joined(numbers: list[str]) -> str:
    text = ",".join(numbers)
    return text.replace(",-", "-")


def _short(value: float, digits: int) -> str:
    """A number with at most so many digits after the point, as short as it can be written."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if digits else text
    return "0" if text == "-0" else _ZERO.sub("", text)
