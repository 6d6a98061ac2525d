"""Text for a terminal: no escape sequence in it takes effect, and no character is an error.

Names of runs, columns, labels and files come from outside.  Written as they are, an escape
sequence in one of them would move the cursor, change the title or hide what follows.
"""

from __future__ import annotations

import codecs
import shlex
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

REPLACING: Final = "trainlab.replace"
"""The name of the error handler that `prepare` gives to a stream."""
_JOINERS: Final = "\u200c\u200d"
"""Zero-width (non-)joiners: without them some scripts and emoji are misspelt."""
_ASCII: Final = {
    "–": "-",
    "−": "-",
    "…": "...",
    "±": "+-",
    "×": "x",
    "·": ".",
    "→": "->",
    "²": "2",
    "“": '"',
    "”": '"',
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
}
"""What stands for a sign of ours where the encoding lacks it."""


def printable(text: str, encoding: str | None = None) -> str:
    r"""The text with every character visible, on one line.

    Control and format characters (among them those that turn the reading direction round),
    lone surrogates and line separators become escapes.

    Parameters
    ----------
    text : str
        A name or a message.
    encoding : str, optional
        An encoding: what it lacks is replaced, as on a stream that `prepare` has seen.

    Examples
    --------
    >>> printable("red\x1b[2J\n"), printable("3 × ü", "ascii")
    ('red\\x1b[2J\\n', '3 x \\xfc')
    """
    if not text.isprintable():
        text = "".join(_escape(sign) if _is_hidden(sign) else sign for sign in text)
    if encoding is not None:
        _register()
        text = text.encode(encoding, REPLACING).decode(encoding)
    return text


def counted(count: int, thing: str) -> str:
    """A count of things, in words.

    Parameters
    ----------
    count : int
        How many there are.
    thing : str
        The name of one of them, whose plural is regular.

    Examples
    --------
    >>> counted(1, "arm"), counted(1440, "seed"), counted(2, "class")
    ('1 arm', '1,440 seeds', '2 classes')
    """
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{count:,} {thing if count == 1 else plural}"


def command(words: Iterable[str]) -> str:
    r"""A command for a shell; a word with hidden characters is quoted as bash and zsh read it.

    Examples
    --------
    >>> command(["trainlab", "report", "a b", "c\x1b"])
    "trainlab report 'a b' $'c\\x1b'"
    """
    return " ".join(
        shlex.quote(word) if word == printable(word) else _quoted(word) for word in words
    )


def prepare() -> None:
    """Makes standard output and error replace what their encodings lack."""
    _register()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # others' streams need not have it
        if reconfigure is not None:
            reconfigure(errors=REPLACING)


def _is_hidden(sign: str) -> bool:
    hidden = unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    return hidden and sign not in _JOINERS


def _quoted(word: str) -> str:
    return f"$'{''.join(map(_shell_escape, word))}'"


def _shell_escape(sign: str) -> str:
    code = ord(sign)
    if sign in "\\'":
        return f"\\{sign}"
    if not _is_hidden(sign):
        return sign
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:  # the latter are bytes of names that are no UTF-8
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost: Any = error.object[error.start : error.end]
    return "".join(_ASCII.get(sign) or _escape(sign) for sign in lost), error.end


def _register() -> None:
    codecs.register_error(REPLACING, _replace)
