"""The SQLite file: its tables, and which of its rows can be trusted.

Every row has a SHA-256 of its content and of what it belongs to; a row that does not match
is treated as absent.  Faults that SQLite itself finds are StoreErrors.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from trainlab.deprecated import of_today
from trainlab.errors import SettingError, StoreError, sentence
from trainlab.files import as_path
from trainlab.store.coding import canonical, checksum, is_run, stamp, time_of
from trainlab.store.lock import Lock, has_locks

FILE: Final = "runs.sqlite"
LOCK: Final = ".runs.lock"
APPLICATION: Final = 0x74726C62  # "trlb": tells the file from those of other programs
SECONDS_TO_WAIT: Final = 5.0  # for readers that copy the file; there is one writer

MIGRATIONS: Final = (
    # From version i to version i + 1; files of every version exist, so never change one.
    (
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, settings TEXT NOT NULL,
            total INTEGER NOT NULL, digest BLOB NOT NULL, begun TEXT NOT NULL, changed TEXT NOT NULL
        )""",
        """CREATE TABLE parts (
            run INTEGER NOT NULL, kind TEXT NOT NULL, place INTEGER NOT NULL,
            content BLOB NOT NULL, digest BLOB NOT NULL, UNIQUE (run, kind, place)
        )""",
        f"PRAGMA application_id = {APPLICATION}",
    ),
)

Complete = Callable[[dict[str, Any]], Any]


def _as_it_is(settings: Any) -> Any:
    return settings


Place = tuple[str, int]
"""The kind of a part and its place among those of its kind."""


@dataclasses.dataclass(frozen=True)
class About:
    """What a store has of a run.

    Parameters
    ----------
    key : str
        The name of the run.
    settings : JSON values
        What it began with.
    total, done : int
        The parts of the kind "result" that it will have, and those it has.
    begun, changed : str
        When, in words that can be sorted; UNKNOWN where that is damaged.
    size : int
        Bytes of its parts.
    """

    key: str
    settings: Any
    total: int
    done: int
    begun: str
    changed: str
    size: int


class Store:
    """The runs in a folder, open for reading and writing until it is closed.

    Parameters
    ----------
    folder : str or path
        The folder; it is made if need be.

    Raises
    ------
    StoreError
        Where the folder cannot be written to, where another process has it open, and where the
        file is damaged, of another program, or of a newer version of trainlab.

    Notes
    -----
    Methods are safe in threads; a forked child must not call them.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = as_path(folder, "folder", "a store") / FILE
        with _complaints(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(self.path.with_name(LOCK))
        self._guard = threading.RLock()
        try:
            with _complaints(self.path):
                _check_link(self.path)
                self._connection = _connect(self.path, "rwc", locks=self._lock.of_system)
            try:
                with _complaints(self.path):
                    self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def _prepare(self) -> None:
        """Sets the connection up, and brings the file to the version of this source."""
        for setting in ("synchronous = FULL", "trusted_schema = OFF", "cell_size_check = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        version = _version(self._connection, self.path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        if version < len(MIGRATIONS):
            with self._transaction():
                for step in MIGRATIONS[version:]:
                    for statement in step:
                        self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store, and let other processes have the folder."""
        try:
            with self._guard:
                self._connection.close()
        finally:  # also where Ctrl-C falls into it
            self._lock.release()

    def began(self, start: str, complete: Complete = _as_it_is) -> dict[str, Any]:
        """Read the settings that runs began with, the oldest run first.

        Parameters
        ----------
        start : str
            What the keys of these runs begin with.
        complete : callable
            Gives settings the fields that earlier versions did not write.

        Returns
        -------
        dict of str to JSON values
            Settings by key.
        """
        with self._guard, _complaints(self.path):
            rows = self._connection.execute(
                "SELECT key, settings, total, digest FROM runs WHERE substr(key, 1, ?) = ?"
                " ORDER BY id",
                (len(start), start),
            ).fetchall()
        return {row[0]: complete(of_today(json.loads(row[1]))) for row in rows if is_run(*row)}

    def run(
        self,
        key: str,
        settings: Any,
        total: int,
        fresh: bool = False,
        complete: Complete = _as_it_is,
    ) -> Run:
        """Open the run of a key: as it was left, or a new one.

        Parameters
        ----------
        key : str
            The name of the run.
        settings : JSON values
            What decides the content of its parts.
        total : int
            How many parts of the kind "result" it will have.
        fresh : bool, default False
            Start over, whatever is there.
        complete : callable
            Gives settings the fields that earlier versions did not write.

        Returns
        -------
        Run
            The run.

        Raises
        ------
        SettingError
            Names the differences, where the run began with other settings.
        StoreError
            Where the store cannot be read or written.
        """
        text = canonical(settings)
        digest = checksum(key, text, str(total))
        with self._guard, _complaints(self.path), self._transaction():
            row = self._connection.execute(
                "SELECT id, settings, total, digest FROM runs WHERE key = ?", (key,)
            ).fetchone()
            if row is not None:
                intact = is_run(key, *row[1:])
                if intact and row[3] == digest and not fresh:
                    return Run(self, int(row[0]), digest)
                if intact and not fresh:
                    old = complete(of_today(json.loads(row[1])))
                    if (canonical(old), row[2]) == (text, total):
                        return Run(self, int(row[0]), row[3])
                    raise _changed(key, self.path, old, json.loads(text))
                self._connection.execute("DELETE FROM parts WHERE run = ?", (row[0],))
                self._connection.execute("DELETE FROM runs WHERE id = ?", (row[0],))
            now = stamp(digest)
            number = self._connection.execute(
                "INSERT INTO runs (key, settings, total, digest, begun, changed)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (key, text, total, digest, now, now),
            ).lastrowid
            # A damaged file may have lost the run, and kept its parts.
            self._connection.execute("DELETE FROM parts WHERE run = ?", (number,))
            assert number is not None
            return Run(self, number, digest)

    def forget(self, key: str) -> None:
        """Drop the run of a key, and those whose keys are the same followed by ": …".

        Parameters
        ----------
        key : str
            The name of the run.
        """
        with self._guard, _complaints(self.path), self._transaction():
            start = f"{key}: "
            found = self._connection.execute(
                "SELECT id FROM runs WHERE key = ? OR substr(key, 1, ?) = ?",
                (key, len(start), start),
            ).fetchall()
            for row in found:
                self._connection.execute("DELETE FROM parts WHERE run = ?", row)
                self._connection.execute("DELETE FROM runs WHERE id = ?", row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Execute everything in the block, or nothing."""
        try:  # Ctrl-C may fall between a statement that is done and the next one
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has rolled it back already
                self._connection.execute("ROLLBACK")
            raise


class Run:
    """The parts of one run; `Store.run` makes it.

    Parameters
    ----------
    store : Store
        Where the run is kept.
    number : int
        Its number there.
    digest : bytes
        A digest of its key, settings and total.
    """

    def __init__(self, store: Store, number: int, digest: bytes) -> None:
        self._store = store
        self._number = number
        self._digest = digest

    def load(self, kind: str) -> dict[int, bytes]:
        """Read the intact parts of a kind.

        Parameters
        ----------
        kind : str
            The kind.

        Returns
        -------
        dict of int to bytes
            Contents by place; what is damaged is left out.
        """
        store = self._store
        with store._guard, _complaints(store.path):
            rows = store._connection.execute(
                "SELECT place, content, digest FROM parts WHERE run = ? AND kind = ?",
                (self._number, kind),
            )
            return {
                place: content
                for place, content, digest in rows
                if isinstance(content, bytes) and digest == self._sign(kind, place, content)
            }

    def places(self, kind: str) -> list[int]:
        """List the places that have a part of a kind, intact or not, without reading any.

        Parameters
        ----------
        kind : str
            The kind.

        Returns
        -------
        list of int
            The places.
        """
        store = self._store
        with store._guard, _complaints(store.path):
            rows = store._connection.execute(
                "SELECT place FROM parts WHERE run = ? AND kind = ?", (self._number, kind)
            )
            return [place for (place,) in rows]

    def save(self, parts: Mapping[Place, bytes], dropped: Iterable[Place] = ()) -> None:
        """Write parts, in place of those that were there, and drop others: all or nothing.

        Parameters
        ----------
        parts : dict of (str, int) to bytes
            Contents by kind and place.
        dropped : iterable of (str, int), optional
            Kinds and places of the parts to drop.

        Raises
        ------
        StoreError
            Where the store cannot be written to.

        Notes
        -----
        The parts are on the disk when it returns.
        """
        store, number = self._store, self._number
        with store._guard, _complaints(store.path), store._transaction():
            execute = store._connection.execute
            for kind, place in dropped:
                execute(
                    "DELETE FROM parts WHERE run = ? AND kind = ? AND place = ?",
                    (number, kind, place),
                )
            for (kind, place), content in parts.items():
                execute(
                    "INSERT OR REPLACE INTO parts (run, kind, place, content, digest)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (number, kind, place, content, self._sign(kind, place, content)),
                )
            execute("UPDATE runs SET changed = ? WHERE id = ?", (stamp(self._digest), number))

    def _sign(self, kind: str, place: int, content: bytes) -> bytes:
        return checksum(self._digest, kind, str(place), content)


def listed(folder: str | os.PathLike[str]) -> list[About]:
    """List the runs in a folder, in the order in which they began; also while a process writes.

    Parameters
    ----------
    folder : str or path
        The folder.

    Returns
    -------
    list of About
        The runs.

    Raises
    ------
    StoreError
        Where there is no store, or one that cannot be read.
    """
    path = as_path(folder, "DIR", "a list of runs") / FILE
    if not os.path.isfile(path):
        must = f"be a folder with {FILE}"
        raise StoreError(sentence("DIR", "a list of runs", must, str(folder)))
    with _complaints(path), _readable(path) as source:
        shared = source == path
        # Who may only read leaves an empty log behind.  Where there is one already, somebody else
        # writes, or was killed and goes on with it.
        is_written = shared and path.with_name(f"{FILE}-wal").exists()
        connection = _connect(source, "ro" if is_written else "rw", locks=shared)
        try:
            if not _version(connection, path):
                return []
            rows = connection.execute(
                "SELECT key, settings, total, digest,"
                " (SELECT count(*) FROM parts WHERE run = id AND kind = 'result'),"
                " (SELECT coalesce(sum(length(content)), 0) FROM parts WHERE run = id),"
                " begun, changed"
                " FROM runs ORDER BY id"
            ).fetchall()
        finally:
            connection.close()
    return [
        About(
            key,
            json.loads(settings),
            total,
            done,
            time_of(begun, digest),
            time_of(changed, digest),
            size,
        )
        for key, settings, total, digest, done, size, begun, changed in rows
        if is_run(key, settings, total, digest)
    ]


def _connect(path: Path, mode: str, locks: bool) -> sqlite3.Connection:
    """A connection; `locks`: whether SQLite is to use those of the file system."""
    system = "" if locks or os.name != "posix" else "&vfs=unix-none"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}{system}",
        timeout=SECONDS_TO_WAIT,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    # Damaged text that is no longer UTF-8 is found by its checksum, like all other damage.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    if not locks:
        # Otherwise the index of the log would be in memory that is shared with other processes.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """The file, or a copy of it where SQLite could not put its index of the log beside it.

    That is so in a folder that cannot be written to, and on a file system without locks.
    """
    direct = False
    with suppress(OSError):  # a full disk
        direct = os.access(path.parent, os.W_OK) and has_locks(path.parent)
    if direct:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        for each in (path, path.with_name(f"{FILE}-wal")):
            if each.is_file():
                shutil.copyfile(each, Path(folder) / each.name)
        yield Path(folder) / FILE


def _check_link(path: Path) -> None:
    """StoreError for a link that does not lead to runs, which would make them where it leads."""
    if path.is_symlink() and not (path.exists() and path.stat().st_size):
        must = "be no link, or one to runs of trainlab"
        raise StoreError(sentence("runs", str(path), must, os.readlink(path)))


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file, 0 for an empty one; StoreError for anything but a store of ours."""
    version, application, tables = (
        connection.execute(question).fetchone()[0]
        for question in (
            "PRAGMA user_version",
            "PRAGMA application_id",
            "SELECT count(*) FROM sqlite_master",
        )
    )
    if application != APPLICATION and (tables or version or application):
        raise StoreError(sentence("file", str(path), "be runs of trainlab", "another database"))
    if version > len(MIGRATIONS):
        must = f"have a version up to {len(MIGRATIONS)}"
        remedy = "a newer trainlab, which wrote it"
        raise StoreError(sentence("file", str(path), must, version, remedy))
    return int(version)


def _changed(key: str, path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> SettingError:
    """The error that names what differs: settings and totals, by name."""
    from trainlab.store.differences import differences

    found = "; ".join(differences(old, new))
    what = f"settings of run {key!r} in {path} must be those that it began with"
    remedy = "fresh=True, which starts over, or another folder"
    return SettingError(f"{what}; got others: {found}; try {remedy}")


@contextmanager
def _complaints(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the system into a StoreError that says what is wrong."""
    try:
        yield
    except StoreError:
        raise
    except (sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
        got = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
        kind = getattr(error, "sqlite_errorname", "")
        if isinstance(error, OSError) or kind.startswith(_UNWRITABLE):
            must = "be in a folder that can be written to, with room on the disk"
            remedy = "the same again when it is"
            if isinstance(error, FileExistsError | NotADirectoryError):  # a part of it is a file
                must, got = "be in a folder that can be written to", "a file in its place"
                remedy = "the path of a folder, which need not be there yet"
        else:
            must, remedy = "be readable", f"again without the file {path}, which is damaged"
        raise StoreError(sentence("runs", str(path), must, got, remedy)) from error


_UNWRITABLE: Final = (
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_READONLY",
    "SQLITE_CANTOPEN",
    "SQLITE_BUSY",
    "SQLITE_PERM",
)
