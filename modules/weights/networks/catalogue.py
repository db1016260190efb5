"""What is known about network files, in SQLite, so that a start reads none of them again.

All of it can be found out anew: a database that is broken is begun afresh, one that cannot be used is done without;
either is said once in the log.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from modules.weights.networks.digests import Digests
from modules.weights.networks.entries import Entry, Facts, Kind, Known

log = logging.getLogger(__name__)
T = TypeVar("T")

VERSION = 1  # of the tables and of what is taken from a header; another one begins afresh
PATIENCE = 2.0  # seconds for another program to finish writing
TABLES = {
    "files": """CREATE TABLE files (
        kind TEXT, path BLOB, mtime INTEGER, size INTEGER, alias TEXT, family TEXT, tags TEXT, claimed TEXT,
        vectors INTEGER, width INTEGER, metadata TEXT, PRIMARY KEY (kind, path))""",
    "digests": """CREATE TABLE digests (
        kind TEXT, path BLOB, mtime INTEGER, size INTEGER, tensors TEXT, whole TEXT, PRIMARY KEY (kind, path))""",
}


class Catalogue:
    """The database of all shelves; a connection lives as long as one call."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._complained = False

    def known(self, kind: Kind) -> dict[str, Known]:
        """What was found out about a kind's files, by path."""
        columns = "path, mtime, size, alias, family, tags, claimed, vectors, width"
        rows = self._rows(f"SELECT {columns} FROM files WHERE kind = ?", kind)
        return {os.fsdecode(row[0]): (row[1], row[2], Facts._make(row[3:])) for row in rows}

    def metadata(self, kind: Kind) -> dict[str, str]:
        """The metadata of a kind's files, as JSON, by path."""
        rows = self._rows("SELECT path, metadata FROM files WHERE kind = ?", kind)
        return {os.fsdecode(path): text for path, text in rows}

    def digests(self, kind: Kind) -> dict[str, tuple[int, int, Digests]]:
        """The hashes computed so far, by path; mtime and size say of what."""
        rows = self._rows("SELECT path, mtime, size, tensors, whole FROM digests WHERE kind = ?", kind)
        return {os.fsdecode(path): (mtime, size, Digests(*digits)) for path, mtime, size, *digits in rows}

    def keep(self, kind: Kind, fresh: Iterable[tuple[Entry, str]]) -> None:
        """Files that were read, with their metadata as JSON, by path."""
        rows = [(kind.value, os.fsencode(one.location), one.mtime, one.size, *one.facts, text) for one, text in fresh]
        self._write(f"INSERT OR REPLACE INTO files VALUES ({', '.join('?' * 11)})", rows)

    def keep_digests(self, kind: Kind, entry: Entry, found: Digests) -> None:
        """A file's hashes."""
        row = (kind.value, os.fsencode(entry.location), entry.mtime, entry.size, found.tensors, found.whole)
        self._write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", [row])

    def forget(self, kind: Kind, gone: Iterable[str]) -> None:
        """Files that are no more; their hashes are kept, for a drive may come back."""
        rows = [(kind.value, os.fsencode(path)) for path in gone]
        self._write("DELETE FROM files WHERE kind = ? AND path = ?", rows)

    def _rows(self, statement: str, kind: Kind) -> list[Any]:
        return self._with(lambda base: base.execute(statement, (kind.value,)).fetchall(), [])

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._with(lambda base: base.executemany(statement, rows), None)

    def _with(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        with self._lock:
            try:
                try:
                    return self._once(work)
                except sqlite3.DatabaseError as error:
                    if not _broken(error):
                        raise
                    self._complain(f"is broken ({error}) and begun afresh")
                    self._path.unlink()
                    return self._once(work)
            except (sqlite3.Error, OSError) as error:
                self._complain(f"cannot be used ({error}); networks are read anew at each start")
                return otherwise

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as base, base:
            base.execute("PRAGMA synchronous = OFF")
            if base.execute("PRAGMA user_version").fetchone() != (VERSION,):
                base.execute("BEGIN IMMEDIATE")
                for table, definition in TABLES.items():
                    base.execute(f"DROP TABLE IF EXISTS {table}")
                    base.execute(definition)
                base.execute(f"PRAGMA user_version = {VERSION}")
            return work(base)

    def _complain(self, what: str) -> None:
        if not self._complained:
            log.warning("The list of networks in %s %s.", self._path, what)
        self._complained = True


def _broken(error: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is bad, and not just locked, full or not to be written."""
    return type(error) is sqlite3.DatabaseError or "no such" in str(error)
