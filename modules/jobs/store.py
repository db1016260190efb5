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
    created REAL NOT NULL, started REAL, finished REAL, error TEXT)"""


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

    def add(self, task_id: str, kind: str, created: float, request: Any) -> None:
        """A job was submitted."""
        row = (task_id, kind, "queued", json.dumps(request, ensure_ascii=False), created)
        self._write("INSERT OR REPLACE INTO jobs (id, kind, state, request, created) VALUES (?, ?, ?, ?, ?)", row)

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
        with self._lock:
            cursor = self._base.execute(
                "SELECT id, kind, state, request, created, started, finished, error FROM jobs ORDER BY created"
            )
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._base.close()
