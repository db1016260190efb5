"""What is remembered of extensions from start to start, in a file of the cache folder."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

log = logging.getLogger(__name__)

INSTALLED, BEFORE = "installed", "before"  # the stamp of the last install.py that worked; the commit before an update


class Records:
    """Texts by extension and kind. A file that is lost costs one more run of each install.py."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._values = self._load()

    def _load(self) -> dict[str, dict[str, str]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        rows = found.items() if isinstance(found, dict) else ()
        return {name: {key: str(one) for key, one in row.items()} for name, row in rows if isinstance(row, dict)}

    def get(self, name: str, kind: str) -> str:
        """What is remembered; empty for nothing."""
        return self._values.get(name, {}).get(kind, "")

    def put(self, name: str, kind: str, text: str) -> None:
        """Remember; an empty text is forgotten. A failed write is told in the log alone."""
        with self._lock:
            row = {**self._values.get(name, {}), kind: text}
            self._values[name] = {key: one for key, one in row.items() if one}
            temporary = self._path.with_name(f"{self._path.name}.tmp")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_text(json.dumps(self._values, indent=1), encoding="utf-8")
                os.replace(temporary, self._path)
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error)
