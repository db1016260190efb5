"""The jobs that were submitted, in SQLite: what a restart must still know."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

TABLE = """CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, request TEXT,
    created REAL NOT NULL, started REAL, finished REAL, error TEXT, owner TEXT NOT NULL DEFAULT '')"""
OWNER = "ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT ''"  # which files of earlier versions lack
COLUMNS = "id, kind, state, request, created, started, finished, error, owner"
ADD = "INSERT OR REPLACE INTO jobs (id, kind, state, request, created, owner) VALUES (?, ?, ?, ?, ?, ?)"
ORDER = "CREATE INDEX IF NOT EXISTS jobs_created ON jobs (created, id)"


class Store:
    """One row a job. A store that cannot be written is said once in the log and never stops the work itself."""

    def __init__(self, path: Path | None):
        self._lock = threading.Lock()
        self._base = self._open(path)

    def _open(self, path: Path | None) -> sqlite3.Connection:
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("PRAGMA synchronous=NORMAL")
            base.execute(TABLE)
            if "owner" not in {column[1] for column in base.execute("PRAGMA table_info(jobs)")}:
                base.execute(OWNER)
            base.execute(ORDER)
            base.execute("UPDATE jobs SET state = 'lost' WHERE state IN ('queued', 'running')")
            return base
        except (sqlite3.Error, OSError) as error:
            log.warning(
                "The job store %s cannot be used (%s); jobs are remembered until the program ends.", path, error
            )
            return self._open(None)

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            try:
                self._base.execute(statement, values)
            except sqlite3.Error as error:
                log.warning("The job store could not be written: %s.", error)

    def add(self, task_id: str, kind: str, created: float, request: Any, owner: str = "") -> None:
        """A job was submitted."""
        row = (task_id, kind, "queued", json.dumps(request, ensure_ascii=False), created, owner)
        self._write(
            "INSERT OR REPLACE INTO jobs (id, kind, state, request, created, owner) VALUES (?, ?, ?, ?, ?, ?)", row
        )

    def begin(self, task_id: str, started: float) -> None:
        """The worker took it."""
        self._write("UPDATE jobs SET state = 'running', started = ? WHERE id = ?", (started, task_id))

    def end(self, task_id: str, finished: float, state: str, error: str | None) -> None:
        """It is over, one way or another."""
        self._write(
            "UPDATE jobs SET state = ?, finished = ?, error = ? WHERE id = ?", (state, finished, error, task_id)
        )

    def rows(self) -> list[dict[str, Any]]:
        """Every job ever submitted, oldest first."""
        return self._read("ORDER BY created, id", ())

    def row(self, task_id: str) -> dict[str, Any] | None:
        """One job."""
        found = self._read("WHERE id = ?", (task_id,))
        return found[0] if found else None

    def beginning(self, with_: str) -> str | None:
        """The id of a job that begins so."""
        found = self._read("WHERE id >= ? AND id < ?", (with_, with_ + chr(0x10FFFF)))
        return str(found[0]["id"]) if found else None

    def newest(
        self, limit: int, before: tuple[float, str] | None = None, owner: str | None = None, state: str | None = None
    ) -> list[dict[str, Any]]:
        """Up to `limit` jobs, newest first: those older than `before` (created, id), of one owner, in one state."""
        wanted = [("(created, id) < (?, ?)", before), ("owner = ?", owner), ("state = ?", state)]
        asked = [(clause, value) for clause, value in wanted if value is not None]
        where = " AND ".join(clause for clause, _ in asked) or "1"
        values = [part for _, value in asked for part in (value if isinstance(value, tuple) else (value,))]
        return self._read(f"WHERE {where} ORDER BY created DESC, id DESC LIMIT ?", (*values, limit))

    def _read(self, rest: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        with self._lock:
            rows = self._base.execute(f"SELECT {COLUMNS} FROM jobs {rest}", values).fetchall()
        return [dict(zip(COLUMNS.split(", "), row, strict=True)) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._base.close()
