"""What finished jobs made, kept on the disk until it is fetched: a restart and a hundred later jobs do not lose it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

MOST = 2 << 30  # bytes of all together; the oldest go first


class Results:
    """One JSON file a job. Any thread may ask."""

    def __init__(self, folder: Path, most: int = MOST):
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()

    def keep(self, task_id: str, answer: dict[str, Any]) -> None:
        """Write an answer, whole or not at all; a full disk costs this result and is said in the log."""
        path = self._path(task_id)
        half = path.with_suffix(f".{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            half.write_text(json.dumps(answer), encoding="utf-8")
            os.replace(half, path)
            self._make_room()
        except OSError as error:
            half.unlink(missing_ok=True)
            log.warning("The result of job %s could not be kept: %s.", task_id, error)

    def get(self, task_id: str) -> dict[str, Any] | None:
        """The answer; None if it is gone."""
        try:
            told: dict[str, Any] = json.loads(self._path(task_id).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return told

    def has(self, task_id: str) -> bool:
        """Whether the answer is there."""
        return self._path(task_id).is_file()

    def _path(self, task_id: str) -> Path:
        """Clients choose ids; a file name is made of nothing of theirs."""
        return self._folder / f"{hashlib.sha256(task_id.encode('utf-8', 'replace')).hexdigest()}.json"

    def _make_room(self) -> None:
        with self._lock:
            files = sorted(
                (entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder)
            )
            total = sum(size for _, size, _ in files)
            for _, size, path in files[:-1]:
                if total <= self._most:
                    return
                Path(path).unlink(missing_ok=True)
                total -= size
