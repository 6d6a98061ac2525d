"""Tables that a page sends: kept under names of our own, and read as `--csv` reads a table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from trainlab.data.arrays import Dataset
from trainlab.data.table import TableFile
from trainlab.errors import DataError, SettingError, TrainlabError, sentence
from trainlab.files import write
from trainlab.live.setup import OWNER, dataset_of
from trainlab.pages.words import name as short

LARGEST_TABLE: Final = 2**25
"""Bytes of a table that a page may send: 32 MiB."""
MOST: Final = 16
"""Tables that are kept."""
COLUMNS: Final = 1_000
"""Columns of a table that a page lists."""
FIELDS: Final = ("table", "title", "target", "drop", "drop_missing_target", "decimal")
"""What a choice says of a table, beside its name "table"."""

_PACKED: Final = (b"\x1f\x8b", b"PK", b"PAR1")
"""What gzip, Excel and Parquet begin with: unpacked they may be of any size."""
_SAID: Final = (
    # What the command line is told, as the page says it.
    (re.compile(r"--drop-missing-target"), "to leave out rows without a target"),
    (re.compile(r"--decimal (point|comma)"), r"the decimal sign “\1”"),
    (re.compile(r"--drop (?=\S)"), "to leave out "),
    (re.compile(r"(?=--(?:task|use|text|words) )"), "trainlab live with "),
)


class Uploads:
    """Tables in a folder, each under the SHA-256 of its content.

    What a person calls a file is shown, and is part of no path.

    Parameters
    ----------
    folder : Path
        Where they are kept; it is made when the first comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, Any]] = {}
        self._last: tuple[Any, Dataset] | None = None

    @property
    def known(self) -> list[dict[str, Any]]:
        """The tables that were sent to this server: key, title, columns, and how they are read."""
        return list(self._known.values())

    def add(self, content: bytes, title: str) -> dict[str, Any]:
        """Keeps a table, and says what columns it has; DataError for what is none."""
        title = short(title.strip() or "table")
        if len(content) > LARGEST_TABLE:
            raise DataError(
                sentence("table", title, f"have at most {LARGEST_TABLE} bytes", len(content))
            )
        if content.startswith(_PACKED):
            remedy = "to save it as CSV"
            raise DataError(sentence("table", title, "be text", "a packed file", remedy))
        key = hashlib.sha256(content).hexdigest()
        path = self._path(key)
        is_new = not path.exists()
        if is_new:
            self._folder.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.glob("*.csv")) >= MOST:
                must, got = f"be one of at most {MOST}", "one more"
                raise SettingError(sentence("table", OWNER, must, got, "a server of its own"))
            write(path, content)
        try:
            with TableFile(path) as table:
                columns, notices = list(table.names), list(table.notices)
            if len(columns) > COLUMNS:
                must, remedy = f"have at most {COLUMNS} columns", "trainlab live --csv"
                raise DataError(sentence("table", title, must, len(columns), remedy))
        except DataError as error:
            if is_new:
                path.unlink()
            _again(error, path, title)
        about = {"table": key, "title": title, "columns": columns, "notices": notices}
        self._known[key] = about
        return about

    def load(self, chosen: Mapping[str, Any]) -> tuple[Dataset, dict[str, Any]]:
        """The data of a choice, and where a session has it from; errors as of `--csv`."""
        if set(chosen) != {"name", *FIELDS}:
            must = f"have the fields {', '.join(FIELDS)}"
            raise SettingError(sentence("table", OWNER, must, sorted(map(str, chosen))))
        key, title, target, drop = (chosen[name] for name in FIELDS[:4])
        if not (isinstance(key, str) and re.fullmatch(r"[0-9a-f]{64}", key)):
            raise SettingError(sentence("table", OWNER, "be named by its SHA-256", key))
        for name, value in (("title", title), ("target", target)):
            if not isinstance(value, str):
                raise SettingError(sentence(name, "a table", "be text", value))
        if not (isinstance(drop, list) and all(isinstance(one, str) for one in drop)):
            raise SettingError(sentence("drop", "a table", "be a list of columns", drop))
        path = self._path(key)
        if not path.exists():
            must = "be one that was sent to this server"
            raise SettingError(sentence("table", OWNER, must, short(title), "to send it again"))
        how = {name: chosen[name] for name in FIELDS[4:] if chosen[name]}
        source = {"csv": str(path.resolve()), "target": target, "drop": drop, **how}
        if self._last is None or self._last[0] != (source, title):
            from trainlab.tables.problem import problem  # most sessions have no table

            try:
                of = problem(path, target, drop, **how)
                self._last = (source, title), dataset_of(of, short(title))
            except TrainlabError as error:
                _again(error, path, short(title))
        return self._last[1], {"name": "table", **source}

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.csv"


def _again(error: TrainlabError, path: Path, title: str) -> NoReturn:
    """Raises an error in the words of the page, with the name that its reader knows."""
    text = str(error).replace(str(path), title).replace(path.name, title)
    for said, instead in _SAID:
        text = said.sub(instead, text)
    raise type(error)(text) from error
