"""The index itself: one row a picture in SQLite, its words in an FTS5 table beside it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from modules.history.query import Query

log = logging.getLogger(__name__)

COLUMNS = "path, mtime, bytes, width, height, seed, infotext, prompt, model, networks, name"
WORDS = "prompt, model, networks, name"
OLD, NEW = (", ".join(f"{row}.{word}" for word in WORDS.split(", ")) for row in ("old", "new"))
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS pictures (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, mtime INTEGER NOT NULL, bytes INTEGER NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, seed TEXT NOT NULL, infotext TEXT NOT NULL,
    prompt TEXT NOT NULL, model TEXT NOT NULL, networks TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_time ON pictures (mtime DESC, id DESC);
CREATE INDEX IF NOT EXISTS by_seed ON pictures (seed);
CREATE INDEX IF NOT EXISTS by_size ON pictures (width, height);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5({WORDS}, content='pictures', content_rowid='id', prefix='2 3');
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON pictures BEGIN
    INSERT INTO words (rowid, {WORDS}) VALUES (new.id, {NEW});
END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON pictures BEGIN
    INSERT INTO words (words, rowid, {WORDS}) VALUES ('delete', old.id, {OLD});
END;
"""
ADD = f"INSERT INTO pictures ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(', ')))})"
REMEMBERED = 8  # searches, so that the next window of one costs nothing


class Row(NamedTuple):
    """A picture file and what its text says; `path` is the file system's, `mtime` in ns, `seed` as it is written."""

    path: str
    mtime: int
    bytes: int
    width: int
    height: int
    seed: str
    infotext: str
    prompt: str
    model: str
    networks: str
    name: str


class Store:
    """The rows. Reading never waits for writing: each has its own connection, and SQLite its write-ahead log."""

    def __init__(self, path: Path):
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._writer = self._reader = _open(path)
        if not _in_memory(self._writer):
            self._reader = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        else:
            self._reading = self._writing
        self._version = 0
        self._searched: dict[Query, tuple[int, list[int]]] = {}

    def known(self) -> dict[str, tuple[int, int]]:
        """Time and size of every file by its path."""
        with self._reading:
            rows = self._reader.execute("SELECT path, mtime, bytes FROM pictures").fetchall()
        return {path: (mtime, size) for path, mtime, size in rows}

    def keep(self, rows: Sequence[Row]) -> None:
        """Add pictures, or replace what was known of their files."""
        self._change([(row.path,) for row in rows], rows)

    def forget(self, paths: Iterable[str]) -> None:
        """Leave files out from now on."""
        self._change([(path,) for path in paths], ())

    def search(self, query: Query) -> list[int]:
        """The numbers of the pictures found, newest first."""
        version = self._version
        kept = self._searched.get(query)
        if kept and kept[0] == version:
            return kept[1]
        ids = self._search(query)
        self._searched = dict(list(self._searched.items())[-REMEMBERED:]) | {query: (version, ids)}
        return ids

    def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """The pictures of these numbers; those that are gone are left out."""
        marks = ", ".join("?" * len(ids))
        with self._reading:
            found = self._reader.execute(f"SELECT id, {COLUMNS} FROM pictures WHERE id IN ({marks})", ids).fetchall()
        return {number: Row(*rest) for number, *rest in found}

    def close(self) -> None:
        """Let go of the file."""
        with self._writing:
            self._writer.close()
        with self._reading:
            self._reader.close()

    def _search(self, query: Query) -> list[int]:
        where = f" WHERE {' AND '.join(query.clauses)}" if query.clauses else ""
        with self._reading:
            # Sorting by time is left to the index: a word that is in every prompt would sort all rows else.
            listed = self._reader.execute(f"SELECT id FROM pictures{where} ORDER BY mtime DESC, id DESC", query.values)
            ids = [row[0] for row in listed]
            if not query.match:
                return ids
            matched = self._reader.execute("SELECT rowid FROM words WHERE words MATCH ?", (query.match,)).fetchall()
        wanted = {row[0] for row in matched}
        return [number for number in ids if number in wanted]

    def _change(self, gone: Sequence[tuple[str]], rows: Sequence[Row]) -> None:
        with self._writing:
            try:
                self._writer.execute("BEGIN")
                self._writer.executemany("DELETE FROM pictures WHERE path = ?", gone)
                self._writer.executemany(ADD, rows)
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                log.warning("The history could not be written: %s.", error)
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            self._version += 1


def _open(path: Path) -> sqlite3.Connection:
    """The database; a broken one is begun anew, and one that cannot be written lives in memory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(path)
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            return _prepared(path)
    except (sqlite3.Error, OSError) as error:
        log.warning("The history %s cannot be used (%s); it is kept until the program ends.", path, error)
        return _prepared(":memory:")


def _prepared(path: Path | str) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.executescript(SCHEMA)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _in_memory(base: sqlite3.Connection) -> bool:
    return not base.execute("PRAGMA database_list").fetchone()[2]
