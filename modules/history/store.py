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
ADD = f"INSERT INTO pictures (id, {COLUMNS}) VALUES (?, {', '.join('?' * len(COLUMNS.split(', ')))})"
LAYOUT = 2  # of the tables; files of another one are made anew


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

    def search(self, query: Query, first: int, count: int) -> tuple[int, list[int]]:
        """How many pictures there are, and the numbers of some of them, newest first.

        A picture's number is its time in microseconds, so that the words' index gives them in order without sorting.
        """
        values: list[int | str]
        if query.match and not query.clauses:
            table, number, where, values = "words", "rowid", " WHERE words MATCH ?", [query.match]
        else:
            words = ("id IN (SELECT rowid FROM words WHERE words MATCH ?)",) if query.match else ()
            wanted = " AND ".join((*query.clauses, *words))
            table, number, where = "pictures", "id", f" WHERE {wanted}" if wanted else ""
            values = [*query.values, *([query.match] if query.match else [])]
        with self._reading:
            total = self._reader.execute(f"SELECT count(*) FROM {table}{where}", values).fetchone()[0]
            order = f"ORDER BY {number} DESC LIMIT ? OFFSET ?"
            found = self._reader.execute(f"SELECT {number} FROM {table}{where} {order}", [*values, count, first])
            return total, [row[0] for row in found]

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

    def _change(self, gone: Sequence[tuple[str]], rows: Sequence[Row]) -> None:
        with self._writing:
            try:
                self._writer.execute("BEGIN")
                self._writer.executemany("DELETE FROM pictures WHERE path = ?", gone)
                for row in rows:
                    self._writer.execute(ADD, (self._number(row.mtime), *row))
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                log.warning("The history could not be written: %s.", error)
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def _number(self, mtime: int) -> int:
        """The next free number from a time on."""
        number = mtime // 1000
        while self._writer.execute("SELECT 1 FROM pictures WHERE id = ?", (number,)).fetchone():
            number += 1
        return number


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
        used = base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if used and base.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            raise sqlite3.DatabaseError("another layout")
        base.executescript(f"{SCHEMA}PRAGMA user_version = {LAYOUT};")
    except sqlite3.Error:
        base.close()
        raise
    return base


def _in_memory(base: sqlite3.Connection) -> bool:
    return not base.execute("PRAGMA database_list").fetchone()[2]
